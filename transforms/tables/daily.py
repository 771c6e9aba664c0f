"""The daily table: one row per covered day of a series, with estimate, bounds, proofs and grades.

In: encoded reports, series, events and declared parts. Out: `Built` with the tables `daily` and `findings`, the solved
series and what they say together, from which `periods` bounds any asked period. Each series is solved by itself first;
tied series are then looked at together (method.md 4.2 to 4.7 and 5). Whatever goes wrong in one series or one stretch of
tied ones costs that its points and is told, never the run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crossings.calendar import instant_of, midnights
from crossings.rules import Finding
from crossings.schema.tables import DAILY, SERIES, SERIES_KEY, SERIES_PARTS
from transforms import findings
from transforms.estimator.days import Days, expand_days
from transforms.estimator.engine import FAULTS
from transforms.estimator.readings import with_doubt
from transforms.estimator.results import NOTHING, Bound, Term
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import SolvedSeries, failed_series, solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.statements import BoolArray, Statements
from transforms.estimator.together import Tied, Together, solve_together
from transforms.estimator.tools import Tools
from transforms.reports import vintages
from transforms.reports.encode import doubtful
from transforms.reports.oddities import odd_figures
from transforms.series.identities import Component, Member, components
from transforms.tables import told
from transforms.tables.mirror import mirror_ratio
from transforms.tables.rows import Rows, frame_of, rows_of_series, term_of
from transforms.tables.tied_rows import tighten

SIGNED = ("net",)  # may be negative: bounded together with entries and exits
REGULAR_SPEECH, REGULAR_TIER = ("written_table", "written_text"), 2  # a regular bulletin, as far as rows can tell

_MIRRORED = (*SERIES_PARTS, "country", "mode", "reporter_side", "period_start", "period_end", "value")
_ORDER = ["report_id", "start_instant", "end_instant", "lower", "upper"]


@dataclass(frozen=True, eq=False)
class Built:
    """What the reports of some series give.

    Attributes
    ----------
    daily, findings : frames by the schema. solved : single series by id. together : groups of tied series on top.
    series : definitions of every series with rows, by id. derived : those that only follow from others, by the schema
        of `series`, to be published beside the definitions that came in.
    per_day : reports that speak of each day of their window.
    """

    daily: pd.DataFrame
    findings: pd.DataFrame
    solved: dict[str, SolvedSeries]
    together: tuple[Together, ...]
    series: dict[str, dict[str, Any]]
    derived: pd.DataFrame
    per_day: frozenset[str] = frozenset()

    def terms_of(self, series: str, terms: Sequence[Term]) -> list[dict[str, Any]]:
        """Summands of a proof of a series as tables have them."""
        definition = self.series[series]
        zone, boundary = str(definition["timezone"]), _boundary(definition)
        return [
            term_of(t, Days.around(t.start, t.start + 1, zone, boundary).first if t.report_id in self.per_day else None)
            for t in terms
        ]

    def between(self, series: str, first: dt.date, last: dt.date) -> Bound:
        """Tightest bounds of the flow of a series over civil days first to last, inclusive."""
        definition = self.series[series]
        ends = midnights(first, last, str(definition["timezone"]), _boundary(definition))
        start, end = int(ends[0]), int(ends[-1])
        for group in self.together:
            if series in group.members:
                return group.between(series, start, end)
        return self.solved[series].bounded.between(0, start, end) if series in self.solved else NOTHING


def build(
    encoded: pd.DataFrame,
    series: pd.DataFrame,
    events: pd.DataFrame,
    settings: EstimateSettings | None = None,
    part_of: pd.DataFrame | None = None,
    preferred: frozenset[str] = frozenset(),
) -> Built:
    """Daily figures of all series, each on its own, then those that identities tie.

    Parameters
    ----------
    encoded : one row per report; only rows with role `constraint` bind. Needs report_id, origin_id, series, tier,
        start_instant, end_instant (UTC seconds), per_day, lower, upper (NaN = unbounded), sigma, role; value,
        qualifier, publisher and speech_mode are used where present. Of rows with one report_id the first in order of
        window and interval counts; the others are told.
    series : series, country, timezone, day_boundary and the parts of the key; without `mode` no series are tied.
    events : event_id, date, country, is_break; a break applies to every series of its country.
    part_of : declared parts of scopes (`parts.declared_parts`); every district and checkpoint is part of its country
        anyway.
    preferred : reports that a decision prefers; they are held wrong only where nothing else can be.

    Returns frames that `Table.conform` accepts. Days inside a gap of at most `settings.longest_gap` days between
    covered days have a row with status none; other days without a report have none, unless a figure follows for them
    from tied series.
    """
    settings = settings or EstimateSettings()
    binding = encoded[(encoded["role"] == "constraint").to_numpy(dtype=bool)].sort_values(_ORDER, kind="stable")
    active = binding.drop_duplicates("report_id")
    known = {str(row["series"]): row for row in series.to_dict("records")}
    of_series = [(str(name), rows) for name, rows in active.groupby("series", sort=True)]
    groups = [(name, rows) for name, rows in of_series if known[name]["direction"] not in SIGNED]
    breaks = events[events["is_break"].fillna(False).to_numpy(dtype=bool)] if len(events) else events

    tools = Tools(settings, engine_for, preferred)
    results = {name: _solved(known[name], rows, breaks, tools) for name, rows in groups}
    solved = {name: result for name, result in results.items() if result is not None}
    signed = {n: c for n, rows in of_series if n not in solved and len(c := _signed_rows(known[n], rows))}
    tied = list(_tied(series[series["series"].isin({*solved, *signed})], solved, signed, part_of, breaks))
    together = tuple(solve_together(group, tools) for _, group in tied)
    solved |= {name: result for group in together for name, result in group.tied.alone.items()}
    defined = {name: known[name] for name in sorted({*solved, *signed})} | _derived([c for c, _ in tied], known)
    names = _names(active)
    exact = _exact(active)
    book = {name: rows_of_series(result, exact, settings) for name, result in solved.items()}
    for group in together:
        tighten(book, group)
    per_day = _ids(active, active["per_day"].to_numpy(dtype=bool))
    daily = _frame(book, defined, active, per_day, breaks, settings)
    used = set(daily["series"])
    elsewhere = told.of_clashing_stretches(together)
    clashes = [found for name, r in solved.items() for found in told.of_series(r, known[name], names, elsewhere)]
    clashes += [found for group in together for found in told.of_tied(group, lambda n: defined[n], names)]
    mirrored = mirror_ratio(encoded) if set(_MIRRORED) <= set(encoded.columns) else []
    return Built(
        daily=daily,
        findings=findings.table(
            [
                *clashes, *told.often_in_conflict(clashes), *_repeated(binding, known),
                *odd_figures(active, known, events), *mirrored,
            ]
        ),
        solved=solved,
        together=together,
        series={name: d for name, d in defined.items() if name in solved or name in used},
        derived=_definitions([d for name, d in defined.items() if name not in known and name in used]),
        per_day=per_day,
    )  # fmt: skip


def of_vintage(
    reports: pd.DataFrame,
    decisions: pd.DataFrame,
    series: pd.DataFrame,
    events: pd.DataFrame,
    *,
    as_of: dt.datetime | None = None,
    part_of: pd.DataFrame | None = None,
    about: str | None = None,
    settings: EstimateSettings | None = None,
) -> tuple[Built, pd.DataFrame]:
    """What the reports known at an instant give under the curator's decisions, and these reports as they were taken.

    reports, decisions : by their schemas. as_of : only what had been published by then. about : only this series and
    those it is tied to. The other arguments are those of `build`.
    """
    encoded = vintages.encoded(reports, decisions, as_of)
    if about is not None:
        encoded = encoded[encoded["series"].isin(related(encoded, series, part_of, about))]
    liked = decisions.loc[(decisions["action"] == "prefer") & (decisions["field"] == "value"), "report_id"]
    return build(encoded, series, events, settings, part_of, frozenset(liked)), encoded


def related(encoded: pd.DataFrame, series: pd.DataFrame, part_of: pd.DataFrame | None, name: str) -> frozenset[str]:
    """Ids of the series that may say something about a series: itself and those it is tied to; arguments as in `build`."""
    bound = encoded.loc[(encoded["role"] == "constraint").to_numpy(dtype=bool), "series"]
    for component in components(series[series["series"].isin(bound)], part_of):
        names = frozenset(m.series for m in component.members)
        if name in names:
            return names
    return frozenset({name})


def _boundary(series: Mapping[str, Any]) -> str:
    stated = series.get("day_boundary")
    return stated if isinstance(stated, str) else "00:00"


def _days(series: Mapping[str, Any], statements: Statements) -> Days:
    return Days.of(statements, str(series["timezone"]), _boundary(series))


def _ids(rows: pd.DataFrame, chosen: BoolArray) -> frozenset[str]:
    return frozenset(rows.loc[chosen, "report_id"].astype(str))


def constraints_of(rows: pd.DataFrame) -> Statements:
    """Encoded reports as statements; a missing end is unbounded."""
    lower = rows["lower"].to_numpy(dtype=np.float64, na_value=np.nan)
    upper = rows["upper"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Statements.of_one(
        rows["start_instant"].to_numpy(dtype=np.int64),
        rows["end_instant"].to_numpy(dtype=np.int64),
        np.where(np.isnan(lower), -np.inf, lower),
        np.where(np.isnan(upper), np.inf, upper),
        rows["report_id"].astype(str).to_numpy(dtype=object),
        rows["origin_id"].astype(str).to_numpy(dtype=object),
        rows["tier"].to_numpy(dtype=np.int64),
        rows["sigma"].to_numpy(dtype=np.float64),
    )


def _expanded(series: Mapping[str, Any], rows: pd.DataFrame) -> Statements:
    per_report, signed = constraints_of(rows), series["direction"] in SIGNED
    per_day = rows["per_day"].to_numpy(dtype=bool)
    said = expand_days(per_report, per_day, _days(series, per_report), signed=signed)
    return with_doubt(said, _ids(rows, doubtful(rows)), _ids(rows, per_day), str(series["timezone"]), signed=signed)


def _solved(series: Mapping[str, Any], rows: pd.DataFrame, breaks: pd.DataFrame, tools: Tools) -> SolvedSeries | None:
    """One series by itself; None where its reports state nothing."""
    name, c = str(series["series"]), _expanded(series, rows)
    c = c.take((c.lower > 0) | np.isfinite(c.upper))
    if not len(c):
        return None
    days = _days(series, c)
    bent = _breaks(breaks, str(series["country"]))
    flags = np.array([days.date(d) in bent for d in range(len(days))], dtype=bool)
    try:
        return solve_series(name, c, days, flags, _regular(rows), tools)
    except FAULTS as fault:
        return failed_series(name, c, days, fault)


def _signed_rows(series: Mapping[str, Any], rows: pd.DataFrame) -> Statements:
    """Rows of a series that may be negative; none where it may not."""
    if series["direction"] not in SIGNED:
        return Statements.none()
    c = _expanded(series, rows)
    return c.take(np.isfinite(c.lower) | np.isfinite(c.upper))


def _tied(
    series: pd.DataFrame,
    solved: Mapping[str, SolvedSeries],
    signed: Mapping[str, Statements],
    part_of: pd.DataFrame | None,
    breaks: pd.DataFrame,
) -> Iterator[tuple[Component, Tied]]:
    """Components of tied series as the estimator takes them, and each series that may be negative and is in none."""
    definitions = {str(r["series"]): r for r in series.to_dict("records")}
    found = components(series, part_of)
    lonely = sorted(set(signed) - {m.series for component in found for m in component.members})
    for component in [*found, *(Component((_member(definitions[name]),), ()) for name in lonely)]:
        reported = definitions[next(m.series for m in component.members if not m.derived)]
        zone, boundary = str(reported["timezone"]), _boundary(reported)
        names = [m.series for m in component.members]
        yield (
            component,
            Tied(
                {name: solved[name] for name in names if name in solved},
                {name: signed[name] for name in names if name in signed},
                component.nonnegative,
                component.identities,
                zone,
                boundary,
                sorted({instant_of(d, zone, boundary) for d in _breaks(breaks, str(reported["country"]))}),
            ),
        )


def _member(definition: Mapping[str, Any]) -> Member:
    country, direction, citizenship, scope, mode, measure, system = (
        str(definition.get(p, "unknown")) for p in SERIES_KEY
    )
    return Member(str(definition["series"]), country, direction, citizenship, scope, mode, measure, system)


def _breaks(breaks: pd.DataFrame, country: str) -> dict[dt.date, str]:
    """Date -> event of the declared breaks of a country; the first id where several fall on one date."""
    if not len(breaks):
        return {}
    mine = breaks[(breaks["country"] == country).to_numpy(dtype=bool)].sort_values("event_id", ascending=False)
    return {pd.Timestamp(d).date(): str(i) for d, i in zip(mine["date"], mine["event_id"], strict=True)}


def _frame(
    book: Mapping[str, Rows],
    defined: Mapping[str, Mapping[str, Any]],
    active: pd.DataFrame,
    per_day: frozenset[str],
    breaks: pd.DataFrame,
    settings: EstimateSettings,
) -> pd.DataFrame:
    origin_of = dict(zip(active["report_id"].astype(str), active["origin_id"].astype(str), strict=True))
    frames = []
    for name in sorted(book):
        if book[name].present.any():
            definition = defined[name]
            bent = _breaks(breaks, str(definition["country"]))
            frames.append(frame_of(book[name], definition, origin_of, per_day, bent.get, settings))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(DAILY.names))


def _derived(groups: Sequence[Component], known: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Definitions of the series that only follow from others."""
    found: dict[str, dict[str, Any]] = {}
    for component in groups:
        beside = known[next(m.series for m in component.members if not m.derived)]
        for m in component.members:
            if m.derived and m.series in known:
                found[m.series] = known[m.series]
            elif m.derived:
                parts = {p: getattr(m, p) for p in ("country", "mode", *SERIES_PARTS)}
                found[m.series] = parts | {
                    "series": m.series, "counterpart": beside.get("counterpart"), "timezone": beside["timezone"],
                    "day_boundary": _boundary(beside), "epoch_start": None, "epoch_end": None, "declared": False,
                    "title": m.series,
                }  # fmt: skip
    return found


def _definitions(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(sorted(rows, key=lambda r: str(r["series"])), columns=list(SERIES.names))
    return frame.astype({"declared": "bool"})


def _regular(rows: pd.DataFrame) -> frozenset[str]:
    if "speech_mode" not in rows:
        return frozenset()
    written = rows["speech_mode"].isin(REGULAR_SPEECH).to_numpy(dtype=bool)
    official = rows["tier"].to_numpy(dtype=np.int64) <= REGULAR_TIER
    return frozenset(str(i) for i in rows["report_id"][written & official])


def _exact(rows: pd.DataFrame) -> dict[str, float]:
    """Figures said to be exact counts of their window, by report id."""
    if "qualifier" not in rows or "value" not in rows:
        return {}
    exact = (rows["qualifier"] == "exact").to_numpy(dtype=bool) & ~rows["per_day"].to_numpy(dtype=bool)
    exact &= rows["value"].notna().to_numpy(dtype=bool)
    return {str(i): float(v) for i, v in zip(rows["report_id"][exact], rows["value"][exact], strict=True)}


def _names(rows: pd.DataFrame) -> dict[str, told.Named]:
    blank: Sequence[Any] = [None] * len(rows)
    publishers = rows.get("publisher", blank)
    values = rows.get("value", blank)
    return {
        str(i): told.Named(
            publisher if isinstance(publisher, str) else "",
            findings.interval(low, high) if value is None or pd.isna(value) else f"{int(value):,}",
        )
        for i, publisher, value, low, high in zip(
            rows["report_id"], publishers, values, rows["lower"], rows["upper"], strict=True
        )
    }


def _repeated(binding: pd.DataFrame, known: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """V21: a report id that stands more than once binds once, and that is told."""
    times = binding.loc[binding.duplicated("report_id", keep=False)].groupby("report_id", sort=True)
    for report_id, rows in times:
        name = str(rows["series"].iloc[0])
        yield Finding(
            "V21",
            table="reports",
            series=name,
            country=str(known[name]["country"]),
            report_ids=(str(report_id),),
            observed=f"{len(rows)} rows",
            expected="one",
            message=f"{report_id} stands in {len(rows)} rows; the first in order of window and interval counts, the others"
            " do not",
        )
