"""The stand-alone door: one file of reports in, the estimate and everything said about it out. No lake, no flow.

In: the bytes of a CSV in the register's columns, optionally decisions, events, periods and an instant. Out: the tables
`reports`, `daily`, `findings`, `quarantine` and, where asked, `periods`. The same input gives the same tables.
`between` asks the tables of a release for one period: bounds with their proof in words (method.md 4.2).
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crossings import explanation, proofs
from crossings.errors import CrossingsError, UnreadableInput
from crossings.schema.tables import EVENTS
from transforms.estimator.settings import EstimateSettings
from transforms.parse.statements_csv import Statements
from transforms.reports import decisions as decide
from transforms.reports import reference as ref
from transforms.reports.prepare import Judgement, Prepared, prepare, ready, settle
from transforms.series import definitions
from transforms.tables import daily
from transforms.tables.periods import bounds_of

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
    """

    row: dict[str, Any]
    in_words: dict[str, str]
    conflicts: list[str]
    proof: pd.DataFrame
    decisions: list[str]

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

    def to_json(self) -> str:
        """The answer for a script."""
        row = self.row | {end: getattr(self, end) for end in ("estimate", "lower", "upper")}
        told = row | {"in_words": self.in_words, "conflicts": self.conflicts, "decisions": self.decisions}
        return json.dumps(told, default=str, ensure_ascii=False, indent=1)

    def __str__(self) -> str:
        value = "no point estimate" if self.estimate is None else f"estimate {self.estimate:,}"
        lines = [f"{self.row['series']}  {self.row['period_start']} to {self.row['period_end']}", value]
        lines += [f"  {self.in_words[end]}" for end in ("lower", "upper")]
        lines += [f"  these bounds rest on reports that clash: {message}" for message in self.conflicts]
        for report in self.proof.to_dict("records"):
            said = explanation.source_of(report, "proof")
            lines.append(
                f"  {said.report_id}  {said.said}, {said.window}; {said.publisher or 'no publisher'},"
                f" {said.published_on or 'no date'}  {said.url or 'no address'}"
            )
        return "\n".join(lines + [f"  decided: {line}" for line in self.decisions])


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
    Raises CrossingsError for an unknown series, an end before its start, and a period that no report bounds.
    """
    if last < first:
        raise CrossingsError(f"{last} is before {first}", "give the earlier date first")
    definitions = tables["series"]
    chosen = definitions[definitions["series"] == series]
    if not len(chosen):
        raise CrossingsError(f"there is no series {series!r}", "name one of the table series: crossings.load('series')")
    country, direction = chosen[["country", "direction"]].iloc[0]
    definitions = definitions[definitions["country"] == country]
    reports = tables["reports"].loc[tables["reports"]["country"] == country]
    built, _ = daily.of_vintage(
        reports, tables["decisions"], definitions, tables["events"], as_of=as_of, part_of=part_of, about=series
    )
    asked = pd.DataFrame({"country": [country], "direction": [direction], "start": [first], "end": [last]})
    rows = bounds_of(built, asked)
    rows = rows[rows["series"] == series]
    if not len(rows):
        raise CrossingsError(
            f"no report bounds {series} in this period", "a missing day is not zero; ask for another period"
        )
    row = {str(name): value for name, value in rows.iloc[0].items()}
    ids = sorted({*row["lower_proof"], *row["upper_proof"]})
    proof = reports.set_index("report_id", drop=False).loc[ids]
    figures = explanation.figures_of(proof)
    cells = row | {name: _whole(row[name]) for name in ("lower", "upper", "lower_otherwise", "upper_otherwise")}
    in_words = {"lower": proofs.of_row(cells, "lower", figures), "upper": proofs.of_row(cells, "upper", figures)}
    clashes = [f.message for f in built.findings.itertuples() if f.rule == "conflict" and {*f.report_ids} & {*ids}]
    return Period(row, in_words, clashes, proof, explanation.decided(tables["decisions"], ids))


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
