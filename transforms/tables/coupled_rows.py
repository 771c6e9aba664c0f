"""Rows of the daily table for tied series: tightened bounds, one point for all, and the series that only follow.

In: the tables of single series and the `Coupling` on top of them. Out: the tables of all series, by the schema of
`daily`. Days that lie only in part in a tied stretch keep the bounds of their own series.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from crossings.schema.tables import DAILY
from transforms.estimator.bounds import Interval
from transforms.estimator.coupled_blocks import Link
from transforms.tables.coupling import Coupling, best
from transforms.tables.grades import reliability_of
from transforms.tables.stretch import Stretch

Row: TypeAlias = dict[str, Any]
Rows: TypeAlias = dict[dt.date, Row]
_INTEGERS = ("estimate", "lower", "upper", "pi_lower", "pi_upper")


@dataclass(frozen=True)
class Context:
    """What rows need besides figures.

    Attributes
    ----------
    parts : series id -> country and the parts of the key, for the columns of the table.
    origin_of : report id -> statement behind it. moved : ids of the reports that reconciliation moved.
    break_of : (series, date) -> event that bends the estimate there.
    """

    parts: Mapping[str, Mapping[str, str]]
    origin_of: Mapping[str, str]
    moved: frozenset[str]
    break_of: Callable[[str, dt.date], str | None]


def tables(single: Mapping[str, pd.DataFrame], coupling: Coupling, context: Context) -> dict[str, pd.DataFrame]:
    """The table of every series; those of series that no identity touches are the same objects as before."""
    touched = {name for stretch in coupling.stretches for name in stretch.block.members}
    touched |= {s for link in coupling.links.values() for s, _ in link.terms}
    book: dict[str, Rows] = {
        name: {row["date"]: row for row in single[name].to_dict("records")} if name in single else {}
        for name in sorted(touched)
    }
    fresh: set[str] = set()
    for stretch in coupling.stretches:
        fresh |= _stretch_rows(book, stretch, context)
    fresh |= _defined_rows(book, coupling, context)
    changed = {name: _frame(book[name]) for name in sorted(fresh) if book[name]}
    return dict(single) | changed


def _stretch_rows(book: dict[str, Rows], stretch: Stretch, context: Context) -> set[str]:
    bounds = stretch.day_bounds()
    changed: set[str] = set()
    fresh: list[tuple[str, dt.date]] = []
    for m, name in enumerate(stretch.block.members):
        own = _Own(stretch, m)
        for k, day in enumerate(stretch.days):
            bound, point, date = bounds[name, int(day)], float(stretch.point[m, k]), stretch.date(int(day))
            row = book[name].get(date)
            if row is not None:
                if _settle(row, bound, point, stretch, context):
                    changed.add(name)
            elif not np.isnan(point) or bound.lower == bound.upper or own.covering(int(day)) or _says(bound):
                book[name][date] = _new(name, date, bound, point, context)
                fresh.append((name, date))
                _own_reports(book[name][date], own, int(day), context)
    for name, date in fresh:
        _explain(book, stretch.block.links, name, date, context)
    return changed | {name for name, _ in fresh}


def _says(bound: Interval) -> bool:
    """Whether bounds say more than that a part is at most its whole: that something crossed, or which way the net went."""
    return bound.lower > 0 or bound.upper < 0


class _Own:
    """The reports of one member of a stretch, by day."""

    def __init__(self, stretch: Stretch, member: int) -> None:
        s = stretch.block.statements
        self.stretch = stretch
        self.rows = np.flatnonzero(s.member == member)

    def covering(self, day: int) -> list[int]:
        """Rows whose window overlaps the day."""
        s, (start, end) = self.stretch.block.statements, self._window(day)
        return [int(i) for i in self.rows if s.start[i] < end and s.end[i] > start]

    def states(self, day: int, value: int, moved: frozenset[str]) -> bool:
        """Whether an exact report of this very day, not moved, gives this figure."""
        s, (start, end) = self.stretch.block.statements, self._window(day)
        same = (s.start[self.rows] == start) & (s.end[self.rows] == end)
        exact = (s.lower[self.rows] == value) & (s.upper[self.rows] == value)
        return any(str(s.report_id[i]) not in moved for i in self.rows[same & exact])

    def _window(self, day: int) -> tuple[int, int]:
        return int(self.stretch.midnights[day]), int(self.stretch.midnights[day + 1])


def _own_reports(row: Row, own: _Own, day: int, context: Context) -> None:
    s = own.stretch.block.statements
    row["report_ids"] = sorted({str(s.report_id[i]) for i in own.covering(day)})
    if row["estimate"] is not None and own.states(day, row["estimate"], context.moved):
        row |= {"status": "reported", "reliability": 1}


def _defined_rows(book: dict[str, Rows], coupling: Coupling, context: Context) -> set[str]:
    """Days outside the stretches on which a sum or difference follows from the rows of its members."""
    changed: set[str] = set()
    growing = True
    while growing:
        growing = False
        for name, link in sorted(coupling.links.items()):
            if link.kind == "rest":
                continue
            others = [book[s] for s, _ in link.terms[1:]]
            for date in sorted(set.intersection(*(set(rows) for rows in others)) - set(book[name])):
                rows = {s: book[s][date] for s, _ in link.terms[1:]}
                bound = coupling.defined(link, {s: _bounds(row) for s, row in rows.items()}.__getitem__)
                points = [(c, rows[s]["estimate"]) for s, c in link.terms[1:]]
                known = not any(pd.isna(v) for _, v in points)
                if not known and not _says(bound):
                    continue
                point = float(-sum(c * int(v) for c, v in points)) if known else float("nan")
                book[name][date] = _new(name, date, bound, point, context)
                _explain(book, (link,), name, date, context)
                changed.add(name)
                growing = True
    return changed


def _bounds(row: Row) -> Interval:
    lower = -np.inf if pd.isna(row["lower"]) else float(row["lower"])
    upper = np.inf if pd.isna(row["upper"]) else float(row["upper"])
    return Interval(lower, upper, tuple(row["lower_proof"]), tuple(row["upper_proof"]))


def _settle(row: Row, bound: Interval, point: float, stretch: Stretch, context: Context) -> bool:
    """Put the bounds and the point of the stretch into a row; returns whether anything changed.

    Where reports of several series clash, the bounds of the stretch replace those of the series; elsewhere the tighter
    ones count.
    """
    before = _bounds(row)
    now = bound if stretch.loosened else best(before, bound)
    estimate = None if pd.isna(row["estimate"]) else int(row["estimate"])
    wanted = estimate if np.isnan(point) else int(point)
    if stretch.pointless and np.isnan(point):
        wanted = None
    elif now.lower == now.upper and wanted is None:
        wanted = int(now.lower)
    if now == before and wanted == estimate:
        return False
    _set_bounds(row, now)
    if wanted != estimate:
        row |= {"estimate": wanted, "pi_lower": None, "pi_upper": None, "pi_level": None}
        settled = row["status"] if row["status"] in ("estimated", "reconciled") else "estimated"
        row["status"] = "none" if wanted is None else settled
    elif not pd.isna(row["pi_level"]):
        row["pi_lower"] = min(max(int(row["pi_lower"]), int(now.lower)), int(row["estimate"]))
        row["pi_upper"] = max(min(int(row["pi_upper"]), _ceiling(now)), int(row["estimate"]))
    if stretch.loosened and row["status"] != "none" and context.moved & set(row["report_ids"]):
        row["status"] = "reconciled"
    _grade(row, now, context)
    return True


def _ceiling(bound: Interval) -> int:
    return int(bound.upper) if np.isfinite(bound.upper) else int(np.iinfo(np.int64).max)


def _new(name: str, date: dt.date, bound: Interval, point: float, context: Context) -> Row:
    row: Row = dict.fromkeys(DAILY.names)
    value = bound.lower if np.isnan(point) and bound.lower == bound.upper else point
    row |= {**context.parts[name], "date": date, "series": name, "n_origins": 0, "report_ids": []}
    row |= {"estimate": None if np.isnan(value) else int(value), "status": "none" if np.isnan(value) else "estimated"}
    row["break_id"] = context.break_of(name, date)
    _set_bounds(row, bound)
    return row


def _explain(book: dict[str, Rows], links: Sequence[Link], name: str, date: dt.date, context: Context) -> None:
    """Name the reports from which a fresh row without own ones follows; moved neighbours make it reconciled."""
    row = book[name][date]
    ids, shaken = set[str](), False
    for link in links:
        terms = [s for s, _ in link.terms]
        if name in terms:
            for other in terms:
                beside = book[other].get(date)
                if other != name and beside is not None:
                    ids |= set(beside["report_ids"])
                    shaken |= beside["status"] == "reconciled"
    row["report_ids"] = row["report_ids"] or sorted(ids)
    if shaken and row["status"] == "estimated":
        row["status"] = "reconciled"
    _grade(row, _bounds(row), context)


def _set_bounds(row: Row, bound: Interval) -> None:
    row["lower"] = int(bound.lower) if np.isfinite(bound.lower) else None
    row["upper"] = int(bound.upper) if np.isfinite(bound.upper) else None
    row["lower_proof"], row["upper_proof"] = list(bound.lower_proof), list(bound.upper_proof)


def _grade(row: Row, bound: Interval, context: Context) -> None:
    proof = {*bound.lower_proof, *bound.upper_proof}
    if row["status"] in ("estimated", "reconciled") and bound.lower == bound.upper and not proof & context.moved:
        row["status"] = "derived"
    exact = row["status"] == "reported" and row["reliability"] == 1
    estimate = np.nan if row["estimate"] is None or pd.isna(row["estimate"]) else float(row["estimate"])
    row["reliability"] = reliability_of(row["status"], exact, abs(estimate), bound.upper - bound.lower)
    if row["status"] == "none":
        row["obs_status"] = "O"
    elif row["break_id"] is not None and not pd.isna(row["break_id"]):
        row["obs_status"] = "B"
    else:
        row["obs_status"] = "A" if exact else "E" if row["reliability"] < 5 else "U"
    row["n_origins"] = len({context.origin_of[i] for i in row["report_ids"]})


def _frame(rows: Rows) -> pd.DataFrame:
    ordered = [rows[date] for date in sorted(rows)]
    columns: dict[str, Any] = {name: [row[name] for row in ordered] for name in DAILY.names}
    for name in _INTEGERS:
        columns[name] = pd.array([None if pd.isna(v) else int(v) for v in columns[name]], dtype="Int64")
    columns["pi_level"] = pd.array([None if pd.isna(v) else float(v) for v in columns["pi_level"]], dtype="Float64")
    columns["reliability"] = np.array(columns["reliability"], dtype=np.int8)
    columns["n_origins"] = np.array(columns["n_origins"], dtype=np.int16)
    return pd.DataFrame(columns)
