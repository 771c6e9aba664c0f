"""The stand-alone door: one file of reports in, the estimate and everything said about it out. No lake, no flow.

In: the bytes of a CSV in the register's columns, optionally decisions, events, periods and an instant. Out: the tables
`reports`, `daily`, `findings`, `quarantine` and, where asked, `periods`. The same input gives the same tables.
`between` asks the tables of a release for one period: bounds with their proof in words (method.md 4.2).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from crossings import explanation, proofs
from crossings.errors import CrossingsError, NothingReported, UnreadableInput
from crossings.schema.tables import EVENTS, PERIODS, SERIES_PARTS
from transforms.estimator.settings import EstimateSettings
from transforms.parse.statements_csv import Statements
from transforms.reports import decisions as decide
from transforms.reports import reference as ref
from transforms.reports import vintages
from transforms.reports.guards import frequency
from transforms.reports.prepare import Judgement, Prepared, prepare, ready, settle
from transforms.series import definitions
from transforms.tables import daily
from transforms.tables.periods import bounds_of

_LISTED = 10  # official figures of a proof that are printed one by one
Judge = Callable[[Prepared, ref.Reference], Sequence[Judgement]]


@dataclass(frozen=True, eq=False)
class Estimated:
    """The tables of one estimate, frames by their schemas; `periods` is None where none were asked."""

    reports: pd.DataFrame
    daily: pd.DataFrame
    findings: pd.DataFrame
    quarantine: pd.DataFrame
    periods: pd.DataFrame | None
    duplicates: int


def estimate_reports(
    content: bytes | Statements,
    judge: Judge,
    reference: ref.Reference,
    *,
    name: str = "reports.csv",
    declared: pd.DataFrame | None = None,
    decisions: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    as_of: dt.datetime | None = None,
    periods: pd.DataFrame | None = None,
    today: pd.Timestamp | None = None,
    settings: EstimateSettings | None = None,
    part_of: pd.DataFrame | None = None,
) -> Estimated:
    """Estimate the daily series of one file of reports.

    content : UTF-8 CSV; the columns report_id, country, direction, period_start and period_end are needed, all others
        may be missing, which means "not stated"; or statements that are parsed already. `lower`, `upper`, `sigma`,
        `start_instant` and `end_instant` win over the encoding.
    judge : runs the expectations on `reports` (expectations.judge). declared : series definitions.
    as_of : only what had been published by then. periods : columns country, direction, start, end, inclusive dates.
    today : refuses records from the future; not looked at where reports do not say when they were recorded.
    part_of : declared parts of scopes (parts.declared_parts); a district or checkpoint is part of its country anyway.
    Raises UnreadableInput and DecisionNotApplicable; bad rows are in `quarantine`, the good ones still give a result.
    """
    chosen = decide.none() if decisions is None else decisions
    known = definitions.none() if declared is None else declared
    until = today or pd.Timestamp.max.normalize()
    if isinstance(content, Statements):
        prepared = ready("figures", "", content, chosen, known, reference, until)
    else:
        prepared = prepare("statement-csv", content, name, chosen, known, reference, until)
    settled = settle(prepared, judge(prepared, reference))
    events = pd.DataFrame(columns=list(EVENTS.names)) if events is None else events
    built, encoded = daily.of_vintage(
        settled.reports, chosen, settled.series, events, as_of=as_of, part_of=part_of, settings=settings
    )
    asked = None if periods is None else bounds_of(built, periods)
    active = settled.reports.loc[settled.reports["report_id"].isin(encoded["report_id"])]
    roles = encoded.set_index("report_id")["role"]
    return Estimated(
        reports=active.assign(role=active["report_id"].map(roles)),
        daily=built.daily,
        findings=_about(pd.concat([settled.findings, built.findings], ignore_index=True), set(active["report_id"])),
        quarantine=settled.quarantine,
        periods=asked,
        duplicates=settled.duplicates,
    )


@dataclass(frozen=True)
class Period:
    """The flow of one series over a period.

    Attributes
    ----------
    row : one row by the schema PERIODS: the estimate, missing where a day has none; bounds, missing where open; proofs.
    in_words : each bound, `lower` and `upper`, as a small sum of reports.
    conflicts : what is told of reports that clash and on which a bound rests.
    proof : the reports of both proofs, by report id, as in the table `reports`. decisions : the curator's, on any of them.
    official : what the regular statistics of each source say of the same series and period, by source id, bounded by
    its own figures alone; empty where there are none.
    """

    row: dict[str, Any]
    in_words: dict[str, str]
    conflicts: list[str]
    proof: pd.DataFrame
    decisions: list[str]
    official: dict[str, Period] = field(default_factory=dict)

    @property
    def estimate(self) -> int | None:
        """Sum of the path over the period; None where a day has no point."""
        return _whole(self.row["estimate"])

    @property
    def lower(self) -> int | None:
        """Tightest lower bound; None where there is none."""
        return _whole(self.row["lower"])

    @property
    def upper(self) -> int | None:
        """Tightest upper bound; None where there is none."""
        return _whole(self.row["upper"])

    @property
    def bounded(self) -> bool:
        """Whether any report gives one of the bounds."""
        return bool(len(self.proof))

    def agreement(self, source_id: str) -> str:
        """Whether the official figures of a source lie inside the bounds of the statements, in words; empty without those.

        >>> proof = pd.DataFrame({"report_id": ["A-001"]})
        >>> made = lambda low, high, **more: Period({"lower": low, "upper": high}, {}, [], proof, [], **more)
        >>> made(3900, 4000, official={"an-office": made(3927, 3927)}).agreement("an-office")
        'the official total, 3,927, lies inside the bounds of the statements, 3,900 to 4,000'
        >>> made(3900, 3910, official={"an-office": made(3927, 3927)}).agreement("an-office")
        'the official total, 3,927, lies outside the bounds of the statements, 3,900 to 3,910: one of them is wrong'
        """
        if not self.bounded:
            return ""
        low, high = _ends(self)
        least, most = _ends(self.official[source_id])
        said = "the official total" if least == most else "the official range"
        place = f"the bounds of the statements, {_span(self)}"
        head = f"{said}, {_span(self.official[source_id])},"
        if low <= least and most <= high:
            return f"{head} lies inside {place}"
        if most < low or least > high:
            return f"{head} lies outside {place}: one of them is wrong"
        return f"{head} and {place} overlap"

    def to_json(self) -> str:
        """The answer for a script."""
        return json.dumps(_told(self), default=str, ensure_ascii=False, indent=1)

    def __str__(self) -> str:
        lines = [f"{self.row['series']}  {self.row['period_start']} to {self.row['period_end']}", *_lines(self)]
        for name, part in self.official.items():
            head, *rest = _lines(part) if len(part.proof) <= _LISTED else _briefly(part)
            lines += [f"official ({name}): {head}", *rest]
            lines += [f"  {said}" for said in [self.agreement(name)] if said]
        return "\n".join(lines)


def _told(period: Period) -> dict[str, Any]:
    """The answer as JSON has it; `official` only where there is some."""
    row = period.row | {end: getattr(period, end) for end in ("estimate", "lower", "upper")}
    told = row | {"in_words": period.in_words, "conflicts": period.conflicts, "decisions": period.decisions}
    if not period.official:
        return told
    official = {name: _told(part) | {"agreement": period.agreement(name)} for name, part in period.official.items()}
    return told | {"official": official}


def _value(period: Period) -> str:
    return "no point estimate" if period.estimate is None else f"estimate {period.estimate:,}"


def _briefly(period: Period) -> list[str]:
    """Bounds that many figures give: how many, and which are the first and the last of them."""
    bounds = [period.in_words[end].partition(": ")[0] for end in ("lower", "upper")]
    first, *_, last = period.proof.sort_values("period_start").to_dict("records")
    return [
        _value(period), *(f"  {bound}" for bound in bounds),
        f"  {len(period.proof):,} figures, from {explanation.window_text(first)} ({first['report_id']})"
        f" to {explanation.window_text(last)} ({last['report_id']}); all with --json",
        *(f"  these bounds rest on figures that clash: {message}" for message in period.conflicts),
    ]  # fmt: skip


def _lines(period: Period) -> list[str]:
    """What is said of the period, without its name."""
    lines = [_value(period), *(f"  {period.in_words[end]}" for end in ("lower", "upper"))]
    lines += [f"  these bounds rest on reports that clash: {message}" for message in period.conflicts]
    for report in period.proof.to_dict("records"):
        said = explanation.source_of(report, "proof")
        lines.append(
            f"  {said.report_id}  {said.said}, {said.window}; {said.publisher or 'no publisher'},"
            f" {said.published_on or 'no date'}  {said.url or 'no address'}"
        )
    return lines + [f"  decided: {line}" for line in period.decisions]


def _ends(period: Period) -> tuple[float, float]:
    """Its bounds, open ones without end."""
    return (
        -math.inf if period.lower is None else period.lower,
        math.inf if period.upper is None else period.upper,
    )


def _span(period: Period) -> str:
    """Its bounds as words: one number where they meet."""
    low, high = (None if end is None else f"{end:,}" for end in (period.lower, period.upper))
    if low is None or high is None:
        return "open" if low == high else f"at most {high}" if low is None else f"at least {low}"
    return low if low == high else f"{low} to {high}"


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def between(
    tables: Mapping[str, pd.DataFrame],
    series: str,
    first: dt.date,
    last: dt.date,
    *,
    as_of: dt.datetime | None = None,
    part_of: pd.DataFrame | None = None,
) -> Period:
    """How many crossed from `first` to `last`: the tightest bounds that the reports of a release allow, and why.

    tables : `reports`, `series`, `decisions` and `events` of a release (crossings.load), of one country or of all.
    first, last : local dates, inclusive; days start at the series' own day boundary.
    as_of : only what had been published by then. part_of : as for `estimate_reports`.
    Official figures of the series are asked by themselves, source by source, and never bound the statements.
    Raises CrossingsError for an unknown series and an end before its start, NothingReported for a period that neither a
    report nor an official figure bounds.
    """
    if last < first:
        raise CrossingsError(f"{last} is before {first}", "give the earlier date first")
    definitions = tables["series"]
    chosen = definitions[definitions["series"] == series]
    if not len(chosen):
        raise CrossingsError(f"there is no series {series!r}", "name one of the table series: crossings.load('series')")
    definition = {str(name): value for name, value in chosen.iloc[0].items()}
    definitions = definitions[definitions["country"] == definition["country"]]
    reports = tables["reports"].loc[tables["reports"]["country"] == definition["country"]]
    built, _ = daily.of_vintage(
        reports, tables["decisions"], definitions, tables["events"], as_of=as_of, part_of=part_of, about=series
    )
    official = _official(tables, reports, chosen, first, last, as_of)
    said = _period(built, definition, first, last, reports, tables["decisions"])
    if said is None and not official:
        raise NothingReported(
            f"no report bounds {series} in this period", "a missing day is not zero; ask for another period"
        )
    if said is None:
        row = dict.fromkeys(PERIODS.names) | {name: definition[name] for name in ("country", "series", *SERIES_PARTS)}
        row |= {"period_start": first, "period_end": last}
        row |= {c.name: [] for c in PERIODS.columns if c.type.startswith("list")}
        silent = {"lower": "no statement sets a least number", "upper": "no statement caps it"}
        said = Period(row, silent, [], reports.iloc[:0], [])
    return replace(said, official=official)


def _official(
    tables: Mapping[str, pd.DataFrame],
    reports: pd.DataFrame,
    series: pd.DataFrame,
    first: dt.date,
    last: dt.date,
    as_of: dt.datetime | None,
) -> dict[str, Period]:
    """What the official figures of each source give for a period: those whose own period lies inside it bind each other alone.

    reports : of the country. series : the one row of the definition.
    """
    definition = {str(name): value for name, value in series.iloc[0].items()}
    found = {}
    mine = reports[(reports["series"] == definition["series"]).to_numpy(bool)]
    for source_id, rows in mine.groupby("source_id", sort=True):
        encoded = vintages.encoded(rows, tables["decisions"], as_of)
        starts, ends = (encoded[c].dt.date for c in ("period_start", "period_end"))
        taken = (encoded["role"] == "regular").to_numpy(bool) & (starts >= first).to_numpy() & (ends <= last).to_numpy()
        taken &= np.array([frequency(s, e) is not None if inside else False
                           for s, e, inside in zip(starts, ends, taken, strict=True)], dtype=bool)  # fmt: skip
        if taken.any():
            built = daily.build(encoded[taken].assign(role="constraint"), series, tables["events"])
            said = _period(built, definition, first, last, rows, tables["decisions"])
            if said is not None:
                found[str(source_id)] = said
    return found


def _period(
    built: daily.Built, definition: Mapping[str, Any], first: dt.date, last: dt.date, reports: pd.DataFrame,
    decisions: pd.DataFrame,
) -> Period | None:  # fmt: skip
    """The period of one series as some reports give it; None where they do not speak of the series at all."""
    asked = {"country": definition["country"], "direction": definition["direction"], "start": first, "end": last}
    rows = bounds_of(built, pd.DataFrame([asked]))
    rows = rows[rows["series"] == definition["series"]]
    if not len(rows):
        return None
    row = {str(name): value for name, value in rows.iloc[0].items()}
    ids = sorted({*row["lower_proof"], *row["upper_proof"]})
    proof = reports.set_index("report_id", drop=False).loc[ids]
    figures = explanation.figures_of(proof)
    cells = row | {name: _whole(row[name]) for name in ("lower", "upper", "lower_otherwise", "upper_otherwise")}
    in_words = {"lower": proofs.of_row(cells, "lower", figures), "upper": proofs.of_row(cells, "upper", figures)}
    clashes = [f.message for f in built.findings.itertuples() if f.rule == "conflict" and {*f.report_ids} & {*ids}]
    return Period(row, in_words, clashes, proof, explanation.decided(decisions, ids))


def parse_periods(content: bytes, name: str = "periods.csv") -> pd.DataFrame:
    """Read asked periods: columns country, direction, start, end; inclusive local dates.

    Raises UnreadableInput for wrong columns, dates that are none, or an end before its start.
    """
    remedy = "give the columns country,direction,start,end with dates like 2022-09-21"
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
        lacking = [c for c in ("country", "direction", "start", "end") if c not in frame]
        if lacking:
            raise UnreadableInput(f"{name} lacks the columns {', '.join(lacking)}", remedy)
        for column in ("start", "end"):
            frame[column] = pd.to_datetime(frame[column], format="%Y-%m-%d").dt.date
    except (UnicodeDecodeError, ValueError) as error:
        raise UnreadableInput(f"{name} cannot be read: {error}", remedy) from error
    backwards = frame.loc[frame["end"] < frame["start"]]
    if len(backwards):
        raise UnreadableInput(f"{name} has a period that ends before it starts ({backwards['start'].iloc[0]})", remedy)
    return frame[["country", "direction", "start", "end"]]


def _about(findings: pd.DataFrame, known: set[str]) -> pd.DataFrame:
    """Findings whose reports were known in the vintage: the past must not be told of the future."""
    whole = [set(ids) <= known for ids in findings["report_ids"]]
    return findings.loc[whole].drop_duplicates("finding_id").sort_values("finding_id", ignore_index=True)
