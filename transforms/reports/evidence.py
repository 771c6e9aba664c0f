"""What the record-level rules need to know beside a report itself, worked out once for all rows.

In: decided and encoded reports, reference tables, and the day of the run. Out: columns that the expectations on
`reports` compare: day numbers instead of dates, the population cap, what the printed words say, the superseded row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.rules import RULES
from transforms import distinct
from transforms.reports import instants as at
from transforms.reports.encode import NO_FLOW, PER_DAY
from transforms.reports.reference import Reference

CAP = RULES["V17"].limits
REPEAT = RULES["repeated_total"].limits


def gather(reports: pd.DataFrame, reference: Reference, today: pd.Timestamp) -> pd.DataFrame:
    """The reports with evidence columns beside them.

    today : the local day of the run, used only to refuse records from the future (V06).
    """
    unparsed = reports["unparsed"].astype("object")
    period = {n: _day_number(reports[n]) for n in ("period_start", "period_end")}
    first, last = _publication_days(reports)
    words = _wording(reports["value_text"], reference.wording)
    evidence: dict[str, Any] = {
        "unparsed_dates": _among(unparsed, dates=True),
        "unparsed_other": _among(unparsed, dates=False),
        "start_day": period["period_start"],
        "end_day": period["period_end"],
        "first_published_day": first,
        "last_published_day": last,
        "recorded_day": _day_number(reports["recorded_on"]),
        "today": float((today - pd.Timestamp(0)).days),
        "country_timezone": _joined(reports["country"], reports["timezone"]),
        "start_clock_ok": _clock_ok(reports["start_time"]),
        "end_clock_ok": _clock_ok(reports["end_time"]),
        "local_start_day": _local_day(reports, "start_instant", 0),
        "local_end_day": _local_day(reports, "end_instant", -1),
        "day_rate": day_rate(reports),
        "day_cap": _cap(reports, reference),
        "text_qualifier": words["qualifier"],
        "text_per_day": words["per_day"],
        "text_multiplier": words["multiplier"],
        "repeats_total": _repeats(reports),
        **_superseded(reports),
    }
    evidence["series_rate"] = _series_rate(reports, evidence["day_rate"])
    return pd.concat([reports, pd.DataFrame(evidence, index=reports.index)], axis=1)


def day_rate(reports: pd.DataFrame) -> NDArray[np.float64]:
    """The largest figure a report states or implies per day of its window; NaN where it states no flow."""
    figure = np.fmax(reports["lower"].to_numpy(np.float64), reports["upper"].to_numpy(np.float64))
    days = (reports["period_end"] - reports["period_start"]).dt.days.to_numpy(np.float64) + 1
    days = np.where(reports["per_day"], 1, np.maximum(days, 1))
    flow = ~reports["statistic"].isin(NO_FLOW).to_numpy()
    return np.where(flow, figure / days, np.nan)


def _day_number(dates: pd.Series) -> NDArray[np.float64]:
    days = dates.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))


def _among(unparsed: pd.Series, *, dates: bool) -> pd.Series:
    names = {
        "period_start",
        "period_end",
        "published_on",
        "recorded_on",
        "start_instant",
        "end_instant",
        "published_at",
    }

    def chosen(text: str) -> str:
        return ";".join(n for n in text.split(";") if n and (n in names) == dates)

    return unparsed.map({text: chosen(text) for text in unparsed.unique()})


def _publication_days(reports: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    texts = reports["published_on"]
    codes, first = distinct.combinations(texts)
    low = _day_number(at.first_publication_day(texts.iloc[first]))[codes]
    high = _day_number(at.last_publication_day(texts.iloc[first]))[codes]
    if "published_at" in reports:  # an instant is finer; it may fall anywhere in the reporting country's day
        stamp = reports["published_at"].to_numpy(np.int64)
        known = stamp != at.UNKNOWN
        stated = known & texts.isna().to_numpy()
        day = np.floor((np.where(known, stamp, 0) + 14 * 3600) / 86_400)
        low, high = np.where(stated, day, low), np.where(stated, day, high)
    return low, high


def _joined(left: pd.Series, right: pd.Series) -> pd.Series:
    codes, first = distinct.combinations(left, right)
    pairs = [left.iloc[first].astype("object").fillna("?"), right.iloc[first].astype("object").fillna("?")]
    names = [f"{a}|{b}" for a, b in zip(*pairs, strict=True)]
    return pd.Series(pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(names)), index=left.index)


def _clock_ok(clocks: pd.Series) -> pd.Series:
    wrong = [t for t in clocks.dropna().unique() if not at.is_clock(t)]
    return ~clocks.isin(wrong)


def _local_day(reports: pd.DataFrame, column: str, shift: int) -> NDArray[np.float64]:
    """Local day of an instant that the record itself states; NaN where the instant follows from dates."""
    result = np.full(len(reports), np.nan)
    stated = reports.get(f"stated_{column}")
    if stated is None:
        return result
    for zone in reports["timezone"].astype("object").dropna().unique():
        here = ((reports["timezone"].astype("object") == zone) & stated).to_numpy()
        if here.any() and at.is_zone(zone):
            stamps = pd.Series(pd.to_datetime(reports[column].to_numpy()[here] + shift, unit="s", utc=True))
            result[here] = _day_number(stamps.dt.tz_convert(zone).dt.tz_localize(None))
    return result


def _cap(reports: pd.DataFrame, reference: Reference) -> NDArray[np.float64]:
    countries = reference.countries
    population = dict(zip(countries["alpha3"], countries["population"].astype("float64"), strict=True))

    def share(places: pd.Series, part: float) -> NDArray[np.float64]:
        return distinct.each(places, lambda place: population.get(place, np.nan) * part, np.nan, np.float64)

    cap = share(reports["country"], CAP["destination_share"])
    return np.asarray(np.fmin(cap, share(reports["citizenship"], CAP["origin_share"])))


def _wording(texts: pd.Series, wording: pd.DataFrame) -> dict[str, pd.Series]:
    """What the words around a printed number say: a hedge, a rate per day, multiplied digits."""
    codes, first = distinct.combinations(texts)
    digits_speak = bool(wording["phrase"].str.contains("[0-9]").any())
    said: dict[str, _Said] = {}
    read: list[tuple[str | None, bool, float]] = []
    for text in texts.iloc[first].astype("object"):
        if not isinstance(text, str):
            read.append((None, False, np.nan))
            continue
        lowered = f" {text.lower()} "
        # Phrases without digits stand in a text or not whatever its digits are: most texts share one of few shapes.
        shape = lowered if digits_speak else re.sub("[0-9]+", "0", lowered)
        if shape not in said:
            said[shape] = _said(shape, wording)
        words = said[shape]
        read.append((words.hedge, words.per_day, _multiplied(lowered, words.multipliers)))
    hedges, per_day, multiplied = zip(*read, strict=True) if read else ((), (), ())
    return {
        "qualifier": pd.Series(np.array(hedges, dtype=object)[codes], index=texts.index, dtype="object"),
        "per_day": pd.Series(np.array(per_day, dtype=bool)[codes], index=texts.index),
        "multiplier": pd.Series(np.array(multiplied, dtype=np.float64)[codes], index=texts.index),
    }


@dataclass(frozen=True)
class _Said:
    """The only hedge of a text, whether it speaks of a day, and its multiplying words, the largest first."""

    hedge: str | None
    per_day: bool
    multipliers: list[tuple[str, float]]


def _said(text: str, wording: pd.DataFrame) -> _Said:
    found = {phrase for phrase in wording["phrase"] if phrase in text}
    whole = {phrase for phrase in found if not any(phrase != longer and phrase in longer for longer in found)}
    here = wording.loc[wording["phrase"].isin(whole)]  # "no fewer than" does not say "fewer than"
    hedges = here.loc[here["kind"] == "qualifier", "code"].unique()
    words = here.loc[here["kind"] == "multiplier"]
    multipliers = sorted(zip(words["phrase"], words["code"].astype(float), strict=True), key=lambda pair: -pair[1])
    return _Said(hedges[0] if len(hedges) == 1 else None, bool((here["kind"] == "per_day").any()), multipliers)


def _multiplied(text: str, multipliers: list[tuple[str, float]]) -> float:
    """The number that words like thousand and million spell, as in `4 million 55 thousand`; NaN without such words."""
    total, rest = 0.0, text
    for word, factor in multipliers:
        match = re.search(rf"([0-9][0-9\s.,]*)\s*{re.escape(word)}\w*", rest)
        if match:
            total += _spelled(match[1]) * factor
            rest = rest[: match.start()] + " " + rest[match.end() :]
    if not total:
        return float("nan")
    left = re.search(r"[0-9]+", rest)
    return total + (float(left[0]) if left else 0)


def _spelled(digits: str) -> float:
    """Digits as printed: one mark is a decimal mark, more of them part thousands."""
    plain = re.sub(r"\s", "", digits).rstrip(".,").replace(",", ".")
    return float(plain if plain.count(".") < 2 else plain.replace(".", ""))


def _superseded(reports: pd.DataFrame) -> dict[str, NDArray[np.bool_]]:
    """For rows that name a superseded report: whether it is there, agrees in series and window, and was earlier.

    A window that starts with the superseded one may be longer: a running total is corrected by a later one.
    """
    verdicts = ("superseded_there", "superseded_same", "superseded_later", "superseded_acyclic")
    found = {name: np.ones(len(reports), dtype=bool) for name in verdicts}
    naming = np.flatnonzero(reports["supersedes"].notna())
    wanted = reports["supersedes"].iloc[naming].to_list()
    named = reports["report_id"].iloc[naming].to_list()
    first_row: dict[str, int] = {}
    rows = np.flatnonzero(reports["report_id"].isin(wanted))
    for report_id, row in zip(reports["report_id"].iloc[rows], rows.tolist(), strict=True):
        first_row.setdefault(report_id, row)
    chain: dict[str, str] = {}
    for report_id, old in zip(named, wanted, strict=True):
        chain.setdefault(report_id, old)
    endless = _endless(chain)
    old_row = np.array([first_row.get(old, -1) for old in wanted], dtype=np.int64)
    found["superseded_there"][naming] = old_row >= 0
    found["superseded_acyclic"][naming] = [not endless.get(report_id, False) for report_id in named]
    after, before = naming[old_row >= 0], old_row[old_row >= 0]
    longer = reports["end_instant"].to_numpy(np.int64)[after] > reports["end_instant"].to_numpy(np.int64)[before]
    longer &= reports["end_instant"].to_numpy(np.int64)[before] != at.UNKNOWN
    for column in ("series", "period_start", "period_end", "start_time", "end_time"):
        new, old = (reports[column].iloc[rows].astype("object").reset_index(drop=True) for rows in (after, before))
        same = ((new == old) | (new.isna() & old.isna())).to_numpy(bool)
        found["superseded_same"][after] &= same | (longer & (column in ("period_end", "end_time")))
    found["superseded_later"][after] = _not_earlier(reports.iloc[after], reports.iloc[before])
    return found


def _endless(chain: dict[str, str]) -> dict[str, bool]:
    """Whether following what each report supersedes never comes to an end."""
    verdict: dict[str, bool] = {}
    for start in chain:
        path: dict[str, None] = {}
        here = start
        while here in chain and here not in verdict and here not in path:
            path[here] = None
            here = chain[here]
        verdict |= dict.fromkeys(path, verdict.get(here, here in path))
    return verdict


def _not_earlier(after: pd.DataFrame, before: pd.DataFrame) -> NDArray[np.bool_]:
    new, old = after["published_at"].to_numpy(np.int64), before["published_at"].to_numpy(np.int64)
    first = at.first_publication_day(before["published_on"]).to_numpy().astype("datetime64[s]")
    since = np.where(np.isnat(first), old, first.astype(np.int64))
    return np.asarray((new == at.UNKNOWN) | (old == at.UNKNOWN) | (new > since))


def _series_rate(reports: pd.DataFrame, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median day rate of the reports of a series, where it has enough of them (V10); NaN otherwise."""
    per_day = reports["statistic"].isin(PER_DAY).to_numpy()
    usable = pd.Series(np.where(per_day | (rate <= 0), np.nan, rate), index=reports.index)
    codes, _ = distinct.combinations(reports["series"])
    of_series = usable.groupby(codes).agg(["count", "median"])
    known = of_series["count"] >= RULES["V10"].limits["fewest_reports"]
    return np.asarray(of_series["median"].where(known).to_numpy(np.float64)[codes])


def _repeats(reports: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether an exact running total of one authority since one instant is that of a shorter window again, for a few days.

    Rows that a decision set aside or preferred are not asked. A chain that grows slowly, or stands still for longer, does so
    in earnest as far as anybody can tell.
    """
    found = np.zeros(len(reports), dtype=bool)
    speaker = (
        reports["authority"].astype("object").where(reports["authority"].notna(), reports["publisher"].astype("object"))
    )
    known = (reports["start_instant"] != at.UNKNOWN) & (reports["end_instant"] != at.UNKNOWN) & speaker.notna()
    settled = reports["excluded"].to_numpy(bool) | reports["preferred"].to_numpy(bool)
    exact = (reports["statistic"] == "cumulative") & (reports["lower"] == reports["upper"]) & (reports["lower"] > 0)
    observed = (reports["modality"] == "observed") & (reports["tier"].fillna(5) < 5)
    rows = np.flatnonzero((known & exact & observed).to_numpy(bool) & ~settled)
    if len(rows) < 2:
        return found
    chosen = reports.iloc[rows]
    codes, _ = distinct.combinations(speaker.iloc[rows], chosen["series"], chosen["start_instant"])
    chain = pd.DataFrame({
        "row": rows, "code": codes, "end": chosen["end_instant"].to_numpy(np.int64),
        "value": chosen["lower"].to_numpy(np.float64),
    })  # fmt: skip
    for _, group in chain.loc[chain["code"].duplicated(keep=False)].groupby("code"):
        totals = group.groupby("end")["value"].max().sort_index()
        ends, values = totals.index.to_numpy(np.int64), totals.to_numpy(np.float64)
        grown, days = np.diff(values), np.diff(ends) / 86_400
        rates = (grown / days)[grown > 0]
        if not len(rates) or np.median(rates) < REPEAT["least"]:
            continue
        first = {float(v): int(e) for v, e in zip(values[::-1], ends[::-1], strict=True)}
        last = {float(v): int(e) for v, e in zip(values, ends, strict=True)}
        for row, end, value in group[["row", "end", "value"]].itertuples(index=False):
            stands = (last[value] - first[value]) / 86_400 if value in first else 0.0
            found[row] = value in first and first[value] < end and stands <= REPEAT["days"] + 0.1
    return found
