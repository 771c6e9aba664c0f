"""The daily table: one row per covered day of a series, with estimate, bounds, proofs and grades.

In: encoded reports, series, events and declared parts. Out: `Built` with the tables `daily` and `findings`, the solved
series and their coupling, from which `periods` bounds any asked period. Each series is solved by itself first; tied
series are then looked at together. Rules of status and grade are in the schema's code lists and method.md 4.2 to 4.7
and 5.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crossings.calendar import instant_of, midnights
from crossings.schema.tables import DAILY, PERIODS, SERIES
from transforms import findings
from transforms.estimator.bounds import Interval
from transforms.estimator.conflicts import Named
from transforms.estimator.constraints import Constraints
from transforms.estimator.estimate import EstimateSettings
from transforms.estimator.one_series import Days, SolvedSeries, expand_days, series_days, solve_series
from transforms.reports.oddities import odd_figures
from transforms.series.identities import Component
from transforms.series.tied import components
from transforms.tables import coupled_rows
from transforms.tables.clashes import often_in_conflict, told
from transforms.tables.coupled_told import told_of_coupling
from transforms.tables.coupling import Coupling, couple
from transforms.tables.mirror import mirror_ratio
from transforms.tables.single_rows import PARTS, rows_of_series

SIGNED = ("net",)  # may be negative: bounded together with entries and exits by the coupled system
REGULAR_SPEECH, REGULAR_TIER = ("written_table", "written_text"), 2  # a regular bulletin, as far as rows can tell

_MIRRORED = (*PARTS, "country", "mode", "reporter_side", "period_start", "period_end", "value")


@dataclass(frozen=True, eq=False)
class Built:
    """What the reports of some series give.

    Attributes
    ----------
    daily, findings : frames by the schema. solved : single series by id. coupling : tied series on top of them.
    series : definitions of every series with rows, by id. derived : those that only follow from others, by the schema
        of `series`, to be published beside the definitions that came in.
    """

    daily: pd.DataFrame
    findings: pd.DataFrame
    solved: dict[str, SolvedSeries]
    series: dict[str, dict[str, Any]]
    coupling: Coupling
    derived: pd.DataFrame

    def between(self, series: str, first: dt.date, last: dt.date) -> Interval:
        """Tightest bounds of the flow of a series over civil days first to last, inclusive."""
        definition = self.series[series]
        ends = midnights(first, last, str(definition["timezone"]), _boundary(definition))
        return self.coupling.between(series, int(ends[0]), int(ends[-1]))


def build(
    encoded: pd.DataFrame,
    series: pd.DataFrame,
    events: pd.DataFrame,
    settings: EstimateSettings | None = None,
    workers: int = 1,
    part_of: pd.DataFrame | None = None,
) -> Built:
    """Daily figures of all series, each on its own, then those that identities tie.

    Parameters
    ----------
    encoded : one row per report; only rows with role `constraint` bind. Needs report_id, origin_id, series, tier,
        start_instant, end_instant (UTC seconds), per_day, lower, upper (NaN = unbounded), sigma, role; value,
        qualifier, publisher and speech_mode are used where present.
    series : series, country, timezone, day_boundary and the parts of the key; without `mode` no series are tied.
    events : event_id, date, country, is_break; a break applies to every series of its country.
    workers : threads over series; the result does not depend on it.
    part_of : declared parts of scopes (`parts.declared_parts`); every district and checkpoint is part of its country
        anyway.

    Returns frames that `Table.conform` accepts. Days inside a gap of at most `settings.longest_gap` days between
    covered days have a row with status none; other days without a report have none, unless a figure follows for them
    from tied series.
    """
    settings = settings or EstimateSettings()
    active = encoded[(encoded["role"] == "constraint").to_numpy(dtype=bool)]
    order = ["report_id", "start_instant", "end_instant", "lower", "upper"]
    active = active.sort_values(order, kind="stable").drop_duplicates("report_id")
    known = {str(row["series"]): row for row in series.to_dict("records")}
    of_series = [(str(name), rows) for name, rows in active.groupby("series", sort=True)]
    groups = [(name, rows) for name, rows in of_series if known[name]["direction"] not in SIGNED]
    breaks = events[events["is_break"].fillna(False).to_numpy(dtype=bool)] if len(events) else events

    def one(group: tuple[str, pd.DataFrame]) -> tuple[SolvedSeries, pd.DataFrame, list[dict[str, Any]]] | None:
        return _one(known[group[0]], group[1], breaks, settings)

    if workers > 1:
        with ThreadPoolExecutor(workers) as pool:
            results = list(pool.map(one, groups))
    else:
        results = [one(group) for group in groups]
    done = {name: r for (name, _), r in zip(groups, results, strict=True) if r is not None}
    solved = {name: r[0] for name, r in done.items()}
    signed = {n: c for n, rows in of_series if n not in done and len(c := _signed_rows(known[n], rows))}
    with_reports = series[series["series"].isin({*solved, *signed})]
    coupling, groups_tied = couple(with_reports, solved, signed, part_of, _break_instants(with_reports, breaks))
    defined = {name: known[name] for name in sorted({*solved, *signed})} | _derived(groups_tied, known)
    moved = {i for r in solved.values() for i in r.reconciled.moved()}
    told_together, moved_together = told_of_coupling(coupling, defined, _names(active))
    context = coupled_rows.Context(
        parts={name: {"country": d["country"]} | {p: d[p] for p in PARTS} for name, d in defined.items()},
        origin_of=dict(zip(active["report_id"].astype(str), active["origin_id"].astype(str), strict=True)),
        moved=frozenset(moved | moved_together),
        break_of=lambda name, date: _break_on(breaks, str(defined[name]["country"]), date),
    )
    tables = coupled_rows.tables({name: r[1] for name, r in done.items()}, coupling, context)
    frames = [tables[name] for name in sorted(tables) if len(tables[name])]
    daily = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(DAILY.names))
    used = set(daily["series"])
    clashes = [row for r in done.values() for row in r[2]] + told_together
    mirrored = mirror_ratio(encoded) if set(_MIRRORED) <= set(encoded.columns) else []
    return Built(
        daily=daily,
        findings=findings.table(
            [*clashes, *often_in_conflict(clashes), *odd_figures(active, known, events), *mirrored]
        ),
        solved=solved,
        series={name: d for name, d in defined.items() if name in solved or name in used},
        coupling=coupling,
        derived=_definitions([d for name, d in defined.items() if name not in known and name in used]),
    )


def related(encoded: pd.DataFrame, series: pd.DataFrame, part_of: pd.DataFrame | None, name: str) -> frozenset[str]:
    """Ids of the series that may say something about a series: itself and those it is tied to; arguments as in `build`."""
    bound = encoded.loc[(encoded["role"] == "constraint").to_numpy(dtype=bool), "series"]
    for component in components(series[series["series"].isin(bound)], part_of):
        names = frozenset(m.series for m in component.members)
        if name in names:
            return names
    return frozenset({name})


def _signed_rows(series: dict[str, Any], rows: pd.DataFrame) -> Constraints:
    """Rows of a series that may be negative; none where it may not."""
    c = constraints_of(rows)
    if series["direction"] not in SIGNED:
        return c.take(np.zeros(0, dtype=np.intp))
    days = series_days(c, str(series["timezone"]), _boundary(series))
    c = expand_days(c, rows["per_day"].to_numpy(dtype=bool), days)
    return c.take(np.isfinite(c.lower) | np.isfinite(c.upper))


def _boundary(series: dict[str, Any]) -> str:
    stated = series.get("day_boundary")
    return stated if isinstance(stated, str) else "00:00"


def _break_instants(series: pd.DataFrame, breaks: pd.DataFrame) -> dict[str, list[int]]:
    """Country -> UTC instants of the midnights at which a declared break starts a new regime."""
    found: dict[str, set[int]] = {}
    for row in series.to_dict("records") if len(breaks) else []:
        mine = breaks.loc[(breaks["country"] == row["country"]).to_numpy(dtype=bool), "date"]
        instants = {instant_of(pd.Timestamp(d).date(), str(row["timezone"]), _boundary(row)) for d in mine}
        found.setdefault(str(row["country"]), set()).update(instants)
    return {country: sorted(instants) for country, instants in found.items()}


def _break_on(breaks: pd.DataFrame, country: str, date: dt.date) -> str | None:
    if not len(breaks):
        return None
    same = (breaks["country"] == country).to_numpy(dtype=bool)
    ids = sorted(
        str(i) for d, i in zip(breaks["date"][same], breaks["event_id"][same], strict=True)
        if pd.Timestamp(d).date() == date
    )  # fmt: skip
    return ids[0] if ids else None


def _derived(groups: Sequence[Component], known: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Definitions of the series that only follow from others."""
    found: dict[str, dict[str, Any]] = {}
    for component in groups:
        beside = known[next(m.series for m in component.members if not m.derived)]
        for m in component.members:
            if m.derived and m.series in known:
                found[m.series] = known[m.series]
            elif m.derived:
                parts = {p: getattr(m, p) for p in ("country", "mode", *PARTS)}
                found[m.series] = parts | {
                    "series": m.series, "counterpart": beside.get("counterpart"), "timezone": beside["timezone"],
                    "day_boundary": _boundary(beside), "epoch_start": None, "epoch_end": None, "declared": False,
                    "title": m.series,
                }  # fmt: skip
    return found


def _definitions(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(sorted(rows, key=lambda r: str(r["series"])), columns=list(SERIES.names))
    return frame.astype({"declared": "bool"})


def constraints_of(rows: pd.DataFrame) -> Constraints:
    """Encoded reports as constraints; a missing end is unbounded."""
    lower = rows["lower"].to_numpy(dtype=np.float64, na_value=np.nan)
    upper = rows["upper"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Constraints(
        rows["start_instant"].to_numpy(dtype=np.int64),
        rows["end_instant"].to_numpy(dtype=np.int64),
        np.where(np.isnan(lower), -np.inf, lower),
        np.where(np.isnan(upper), np.inf, upper),
        rows["report_id"].astype(str).to_numpy(dtype=object),
        rows["origin_id"].astype(str).to_numpy(dtype=object),
        rows["tier"].to_numpy(dtype=np.int64),
        rows["sigma"].to_numpy(dtype=np.float64),
    )


def _one(
    series: dict[str, Any], rows: pd.DataFrame, breaks: pd.DataFrame, settings: EstimateSettings
) -> tuple[SolvedSeries, pd.DataFrame, list[dict[str, Any]]] | None:
    per_report = constraints_of(rows)
    days = series_days(per_report, str(series["timezone"]), _boundary(series))
    c = expand_days(per_report, rows["per_day"].to_numpy(dtype=bool), days)
    c = c.take((c.lower > 0) | np.isfinite(c.upper))
    if not len(c):
        return None
    break_ids = _breaks(breaks, str(series["country"]), days)
    result = solve_series(c, days, np.array([b is not None for b in break_ids]), _regular(rows), settings)
    unit = str(series["measure"])
    findings_rows = told(result, str(series["series"]), str(series["country"]), unit, _names(rows))
    return result, rows_of_series(series, result, break_ids, _exact(rows), settings), findings_rows


def _breaks(breaks: pd.DataFrame, country: str, days: Days) -> list[str | None]:
    ids: list[str | None] = [None] * len(days)
    if len(breaks):
        mine = breaks[(breaks["country"] == country).to_numpy(dtype=bool)].sort_values("event_id", ascending=False)
        for date, event_id in zip(mine["date"], mine["event_id"], strict=True):
            day = (pd.Timestamp(date).date() - days.first).days
            if 0 <= day < len(days):
                ids[day] = str(event_id)
    return ids


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


def _names(rows: pd.DataFrame) -> dict[str, Named]:
    blank: Sequence[Any] = [None] * len(rows)
    publishers = rows.get("publisher", blank)
    values = rows.get("value", blank)
    return {
        str(i): Named(
            publisher if isinstance(publisher, str) else "",
            findings.interval(low, high) if value is None or pd.isna(value) else f"{int(value):,}",
        )
        for i, publisher, value, low, high in zip(
            rows["report_id"], publishers, values, rows["lower"], rows["upper"], strict=True
        )
    }


def periods(built: Built, asked: pd.DataFrame) -> pd.DataFrame:
    """Tightest bounds of asked periods (columns country, direction, start, end; dates inclusive), by schema PERIODS.

    One row for each series of that country and direction. Outside all reports the lower bound counts nothing and the
    upper one is missing; the estimate is missing where a day of the period has none.
    """
    rows: list[dict[str, Any]] = []
    wanted = asked[["country", "direction", "start", "end"]].drop_duplicates()
    points = {str(name): dict(zip(g["date"], g["estimate"], strict=True)) for name, g in built.daily.groupby("series")}
    for country, direction, start, end in wanted.itertuples(index=False):
        first, last = pd.Timestamp(start).date(), pd.Timestamp(end).date()
        for name, series in built.series.items():
            if series["country"] == country and series["direction"] == direction:
                bound = built.between(name, first, last)
                rows.append(_period(series, bound, points.get(name, {}), first, last))
    frame = pd.DataFrame(rows, columns=list(PERIODS.names))
    for column in ("estimate", "lower", "upper"):
        frame[column] = frame[column].astype("Int64")
    return frame.sort_values(list(PERIODS.key), kind="stable", ignore_index=True)


def _period(
    series: dict[str, Any], bound: Interval, points: dict[dt.date, Any], first: dt.date, last: dt.date
) -> dict[str, Any]:
    days = [points.get(first + dt.timedelta(days=i), pd.NA) for i in range((last - first).days + 1)]
    total = pd.Series(days, dtype="Int64").sum(skipna=False)
    return {
        "country": str(series["country"]),
        "series": str(series["series"]),
        **{part: str(series[part]) for part in PARTS},
        "period_start": first,
        "period_end": last,
        "estimate": None if pd.isna(total) else int(total),
        "lower": int(bound.lower) if np.isfinite(bound.lower) else None,
        "upper": int(bound.upper) if np.isfinite(bound.upper) else None,
        "lower_proof": list(bound.lower_proof),
        "upper_proof": list(bound.upper_proof),
    }
