"""The suite on `reports`: the record-level rules of docs/rules.md, with what happens to a failing row.

A row that a curator has set aside already is not judged for plausibility (V10, V17): it stays where it can be read.
Rows are the reports after decisions with the evidence of `transforms.reports.evidence` beside them. Actions: quarantine (the
row is set aside), drop_copy (an exact copy is counted and dropped), hold (kept, but not used until decided),
tell (kept, with a finding). Ids, actions, sentences and limits stand in `crossings.rules`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.expectations.expectation import Expectation

from crossings.rules import RULES
from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS
from crossings.schema.tables import REGISTER_COLUMNS
from expectations.rule import meta, row_rule

UNIT_SLIP = RULES["V10"].limits["times"]
DAYS_AHEAD = RULES["V06"].limits["days_ahead"]
_EPOCH = dt.date(1970, 1, 1)
FIRST_DAY = (dt.date(int(RULES["V04"].limits["first_year"]), 1, 1) - _EPOCH).days
LAST_DAY = (dt.date(int(RULES["V04"].limits["last_year"]), 12, 31) - _EPOCH).days


def _text(column: pd.Series) -> pd.Series:
    return column.astype("object")


def _is(column: pd.Series, *codes: str) -> pd.Series:
    return _text(column).isin(codes)


def _present(f: pd.DataFrame) -> pd.Series:
    figure = f["value"].notna() | f["value_low"].notna() | f["value_high"].notna() | f["lower"].notna()
    withdrawn = _is(f["revision_kind"], "retraction")  # what is withdrawn needs no figure in its place
    return (_text(f["unparsed_other"]) == "") & (figure | withdrawn)


def _non_negative(f: pd.DataFrame) -> pd.Series:
    signed = _is(f["direction"], "net") | _is(f["statistic"], "change")
    figures = f[["value", "value_low", "value_high", "lower"]].astype("float64").min(axis=1)
    return signed | ~(figures < 0)


def _consistent_values(f: pd.DataFrame) -> pd.Series:
    value, low, high = (f[c].astype("Float64") for c in ("value", "value_low", "value_high"))
    ordered = ~(low > high).fillna(False) & ~(value < low).fillna(False) & ~(value > high).fillna(False)
    ranged = _is(f["qualifier"], "between")
    as_range = value.isna() & low.notna() & high.notna()
    explicit = f["lower"].notna() & value.isna() & low.isna()
    return ordered & (~ranged | as_range | explicit) & ~(f["lower"] > f["upper"])


def _digits_reproduce(f: pd.DataFrame) -> pd.Series:
    printed = f.loc[f["value_text"].notna()]
    codes = printed.groupby(list(f.columns), dropna=False, sort=False, observed=True).ngroup()
    distinct = printed.loc[~codes.duplicated()].astype("object")  # in the order of their codes
    verdict = np.array([_same_digits(*key) for key in distinct.itertuples(index=False)], dtype=bool)
    return pd.Series(verdict[codes], index=printed.index, dtype=bool).reindex(f.index, fill_value=True)


def _same_digits(text: object, value: float, low: float, high: float, spelled: float) -> bool:
    if not isinstance(text, str):
        return True
    printed = re.sub(r"\D", "", text)
    figures = [str(abs(int(x))) for x in (value, low, high) if pd.notna(x)]
    if not printed or not figures:
        return True
    if pd.notna(spelled) and figures == [str(round(spelled))]:
        return True
    digits = printed.lstrip("0") or "0"
    cores = [x.rstrip("0") or "0" for x in figures]
    if any(digits.startswith(core) and not digits[len(core) :].strip("0") for core in cores):
        return True
    return len(cores) > 1 and re.fullmatch("0*".join(cores) + "0*", digits) is not None


def _one_sided(f: pd.DataFrame) -> pd.Series:
    flow = ~_is(f["statistic"], "stock", "change", "ratio", "share", "max_per_day", "min_per_day")
    floor = _is(f["qualifier"], "more_than", "at_least") & flow & ~f["stated_bounds"]
    ceiling = _is(f["qualifier"], "up_to", "less_than") & flow & ~f["stated_bounds"]
    return ~(floor & f["upper"].notna()) & ~(ceiling & (f["lower"] != 0))


def _rounding_divides(f: pd.DataFrame) -> pd.Series:
    unit, value = f["rounding_unit"].astype("Float64"), f["value"].astype("Float64")
    odd = [u for u in unit.dropna().unique() if u <= 0 or u / 10 ** np.floor(np.log10(u)) not in (1.0, 5.0)]
    shape = ~unit.isin(odd)
    hedged = _is(f["qualifier"], "about", "nearly", "more_than", "less_than", "at_least", "up_to", "between")
    return shape & (value.isna() | unit.isna() | hedged | ((value % unit.where(unit > 0, 1)) == 0))


def _instants_on_dates(f: pd.DataFrame) -> pd.Series:
    start = f["local_start_day"].isna() | (f["local_start_day"] == f["start_day"])
    end = f["local_end_day"].isna() | (f["local_end_day"] == f["end_day"])
    return start & end & f["start_clock_ok"] & f["end_clock_ok"]


def _cutoff_known(f: pd.DataFrame) -> pd.Series:
    same_day = (f["end_day"] == f["last_published_day"]) & _is(f["statistic"], "cumulative", "total")
    return ~same_day | f["end_time"].notna() | f["cutoff_assumed"].fillna(False).astype(bool)


def _first_of_key(f: pd.DataFrame) -> pd.Series:
    return ~f.duplicated(["report_id"]) | f.duplicated(["report_id", "content"])


OF_ROWS = {  # rules that compare several columns of a row
    "V01": row_rule(
        "RequiredFieldsParse", ("unparsed_other", "value", "value_low", "value_high", "lower", "revision_kind"), _present
    ),
    "V03": row_rule(
        "PeriodOrdered", ("start_day", "end_day", "start_instant", "end_instant", "window_known"),
        lambda f: ~(f["start_day"] > f["end_day"]) & (~f["window_known"] | (f["start_instant"] < f["end_instant"])),
    ),
    "V05": row_rule(
        "PeriodBeforePublication", ("end_day", "last_published_day", "modality"),
        lambda f: ~(f["end_day"] > f["last_published_day"]) | _is(f["modality"], "forecast"),
    ),
    "V06": row_rule(
        "PublishedBeforeRecorded", ("first_published_day", "recorded_day", "today"),
        lambda f: ~(f["first_published_day"] > f["recorded_day"]) & ~(f["recorded_day"] > f["today"] + DAYS_AHEAD),
    ),
    "V07": row_rule(
        "CountsNonNegative", ("value", "value_low", "value_high", "lower", "direction", "statistic"), _non_negative
    ),
    "V08": row_rule(
        "ValuesConsistent", ("value", "value_low", "value_high", "lower", "upper", "qualifier"), _consistent_values
    ),
    "V09": row_rule(
        "HedgeAgreesWithWords", ("text_qualifier", "qualifier"),
        lambda f: f["text_qualifier"].isna() | (_text(f["text_qualifier"]) == _text(f["qualifier"]))
        | (_is(f["text_qualifier"], "about") & _is(f["qualifier"], "between")),  # "about 20-25 thousand" is a range
    ),
    "V10": row_rule(
        "UnitAppliedOnce", ("day_rate", "series_rate", "excluded"),
        lambda f: ~(f["day_rate"] > UNIT_SLIP * f["series_rate"]) | (f["day_rate"] < UNIT_SLIP) | f["excluded"],
    ),
    "V11": row_rule(
        "DigitsReproduceValue",
        ("value_text", "printed_value", "printed_low", "printed_high", "text_multiplier"), _digits_reproduce
    ),
    "V12": row_rule("OneSidedStayOneSided", ("qualifier", "statistic", "lower", "upper", "stated_bounds"), _one_sided),
    "V13": row_rule("RoundingUnitDivides", ("rounding_unit", "value", "qualifier"), _rounding_divides),
    "V15": row_rule(
        "InstantsOnCivilDates",
        ("local_start_day", "start_day", "local_end_day", "end_day", "start_clock_ok", "end_clock_ok"),
        _instants_on_dates,
    ),
    "V16": row_rule(
        "CutoffKnown", ("end_day", "last_published_day", "statistic", "end_time", "cutoff_assumed"), _cutoff_known
    ),
    "V17": row_rule(
        "BelowPopulationCap", ("day_rate", "day_cap", "excluded"),
        lambda f: ~(f["day_rate"] > f["day_cap"]) | f["excluded"],
    ),
    "V21": row_rule("ReportIdNotReused", ("report_id", "content"), _first_of_key),
    "V22": row_rule("NoExactCopies", ("report_id", "content"), lambda f: ~f.duplicated(["report_id", "content"])),
    "V25": row_rule(
        "SupersedesExisting", ("superseded_there", "superseded_same", "superseded_acyclic"),
        lambda f: f["superseded_there"] & f["superseded_same"] & f["superseded_acyclic"],
    ),
    "V72": row_rule(
        "PerDayWordsPerDayStatistic", ("text_per_day", "statistic"),
        lambda f: ~f["text_per_day"] | _is(f["statistic"], "mean_per_day", "each_day", "max_per_day", "min_per_day"),
    ),
}  # fmt: skip


def suite(countries: Iterable[str], country_timezones: Iterable[str]) -> list[Expectation]:
    """The expectations on `reports`.

    countries : ISO 3166-1 alpha-3 codes. country_timezones : `COUNTRY|Zone` pairs that exist.
    """
    codes = sorted(countries)
    expectations: list[Expectation] = [
        gxe.ExpectColumnValuesToNotBeNull(column=c.name, **meta(RULES["V01"], f"required field {c.name} missing"))
        for c in REGISTER_COLUMNS
        if not c.nullable
    ]
    expectations += [
        gxe.ExpectColumnValuesToBeInSet(column="country", value_set=codes,
                                        **meta(RULES["V02"], "unknown country code")),
        gxe.ExpectColumnValuesToBeInSet(column="counterpart", value_set=codes,
                                        **meta(RULES["V02"], "unknown country code in counterpart")),
        gxe.ExpectColumnValuesToBeInSet(column="tier", value_set=[1, 2, 3, 4, 5],
                                        **meta(RULES["V02"], "tier is not 1 to 5")),
    ]  # fmt: skip
    expectations += [
        gxe.ExpectColumnValuesToBeInSet(
            column=c.name, value_set=list(CODE_LISTS[c.codes]), **meta(RULES["V02"], f"unknown {c.name} code")
        )
        for c in REGISTER_COLUMNS
        if c.codes in CODE_LISTS
    ]
    expectations += [
        gxe.ExpectColumnValuesToMatchRegex(
            column=name, regex=f"^(?:{pattern})$", **meta(RULES["V02"], f"unknown {name} code")
        )
        for name, pattern in OPEN_PATTERNS.items()
    ]
    expectations += [
        gxe.ExpectColumnValuesToBeBetween(
            column=c, min_value=FIRST_DAY, max_value=LAST_DAY, **meta(RULES["V04"], "not a plausible calendar date")
        )
        for c in ("start_day", "end_day")
    ]
    expectations += [
        gxe.ExpectColumnValuesToBeInSet(column="unparsed_dates", value_set=[""], **meta(RULES["V04"])),
        gxe.ExpectColumnValuesToBeInSet(
            column="country_timezone", value_set=sorted(country_timezones), **meta(RULES["V14"])
        ),
        gxe.ExpectColumnValuesToNotBeNull(column="url", **meta(RULES["V20"])),
        gxe.ExpectColumnValuesToBeInSet(column="superseded_later", value_set=[True], **meta(RULES["V26"])),
        gxe.ExpectColumnValuesToBeInSet(column="modality", value_set=["observed"], **meta(RULES["V71"])),
    ]
    expectations.append(
        gxe.ExpectColumnValuesToBeInSet(column="repeats_total", value_set=[False], **meta(RULES["repeated_total"]))
    )
    return expectations + [expect(RULES[rule]) for rule, expect in OF_ROWS.items()]
