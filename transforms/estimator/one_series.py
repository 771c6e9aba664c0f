"""One series from its reports to whole daily figures: clash, reconcile, bound, smooth, round, calibrate.

In: the constraint rows of one series, its civil days, and the days on which a declared break falls. Out:
`SolvedSeries`, arrays by day and the objects behind them; tables are made of it in `daily`. The steps are method.md
4.2 to 4.6 and 5.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from crossings.calendar import days_around, midnights
from transforms.estimator.bounds import Interval, Solved, solve
from transforms.estimator.conflicts import Conflict, find_conflicts
from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.estimate import EstimateSettings, RunPath, local_level, smoothest_path
from transforms.estimator.intervals import Calibration, around, calibrate, exact_days
from transforms.estimator.network import NotFeasible, canonical
from transforms.estimator.reconcile import Reconciled, reconcile
from transforms.estimator.rigid import joined
from transforms.estimator.whole import pinned, whole_path

SMALL_MOVE = 0.5  # crossings; an exact day count moved by less than this is still what its report says, if it can be


@dataclass(frozen=True)
class Days:
    """Civil days of a series: `starts` has the midnights of n days and the end of the last."""

    first: dt.date
    starts: IntArray
    timezone: str
    boundary: str

    def __len__(self) -> int:
        return len(self.starts) - 1

    def date(self, day: int) -> dt.date:
        """Civil date of a day by its number."""
        return self.first + dt.timedelta(days=int(day))

    def dates_of(self, start: int, end: int) -> tuple[dt.date, dt.date]:
        """First and last civil date that a window of instants touches."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        last = int(np.searchsorted(self.starts, end, side="left")) - 1
        return self.date(first), self.date(max(first, last))


@dataclass(frozen=True, eq=False)
class SolvedSeries:
    """Everything known of one series.

    Attributes
    ----------
    days : civil days from the first to the last that any report touches.
    reconciled : the reports as encoded, their slacks, and the relaxed intervals behind the bounds.
    conflicts : irreducible sets among the reports as encoded.
    solved : bounds by day and for any period, from the relaxed intervals.
    paths : point estimates by run.
    estimate : float64 of whole numbers by day, NaN where there is no point.
    pi_lower, pi_upper : calibrated interval by day, NaN where there is none.
    """

    days: Days
    reconciled: Reconciled
    conflicts: tuple[Conflict, ...]
    solved: Solved
    paths: tuple[RunPath, ...]
    estimate: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    calibration: Calibration | None

    def between(self, first: dt.date, last: dt.date) -> Interval:
        """Tightest bounds of the civil days first to last, inclusive."""
        ends = midnights(first, last, self.days.timezone, self.days.boundary)
        return self.solved.between(int(ends[0]), int(ends[-1]))

    def total(self, first: dt.date, last: dt.date) -> float:
        """Sum of the daily estimates first to last; NaN where a day has none."""
        low, high = (first - self.days.first).days, (last - self.days.first).days
        if low < 0 or high >= len(self.days):
            return float("nan")
        return float(self.estimate[low : high + 1].sum())


def expand_days(constraints: Constraints, per_day: NDArray[np.bool_], days: Days) -> Constraints:
    """Replace each per-day row by one row a civil day of its window.

    Of a day that lies in the window only in part, the upper end holds (a part is not more than the whole) and the
    lower end is not used.
    """
    if not per_day.any():
        return constraints
    parts = [constraints.take(~per_day)]
    for row in np.flatnonzero(per_day):
        one = constraints.take(np.array([row]))
        low = int(np.searchsorted(days.starts, one.start[0], side="right")) - 1
        high = int(np.searchsorted(days.starts, one.end[0], side="left"))
        starts, ends = days.starts[low:high], days.starts[low + 1 : high + 1]
        whole = (starts >= one.start[0]) & (ends <= one.end[0])
        many = one.take(np.zeros(high - low, dtype=np.intp))
        parts.append(
            replace(
                many,
                start=np.maximum(starts, one.start[0]),
                end=np.minimum(ends, one.end[0]),
                lower=np.where(whole, many.lower, -np.inf),
            )
        )
    return reduce(joined, parts)


def series_days(constraints: Constraints, timezone: str, boundary: str) -> Days:
    """The civil days that the windows touch."""
    first, starts = days_around(int(constraints.start.min()), int(constraints.end.max()), timezone, boundary)
    return Days(first, starts, timezone, boundary)


def solve_series(
    constraints: Constraints, days: Days, breaks: NDArray[np.bool_], regular: frozenset[str], settings: EstimateSettings
) -> SolvedSeries:
    """All steps for one series of flows that cannot be negative.

    Parameters
    ----------
    constraints : at least one row, per-day rows expanded.
    breaks : one flag a day of `days`.
    regular : ids of reports that belong to a regular bulletin (for calibrated intervals).
    """
    c = canonical(constraints)
    try:
        solved = solve(c, days.starts)
        conflicts: tuple[Conflict, ...] = ()
        reconciled = Reconciled(c, np.zeros(len(c)), c, ())
    except NotFeasible:
        conflicts = tuple(find_conflicts(c))
        reconciled = reconcile(c)
        solved = solve(reconciled.relaxed, days.starts)
    shifted = reconciled.shifted
    paths = tuple(smoothest_path(shifted, days.starts, breaks, settings))
    n = len(days)
    estimate, pi_lower, pi_upper = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    is_regular = np.isin(shifted.report_id, np.array(sorted(regular), dtype=object))
    calibration = calibrate(shifted, days.starts, breaks, is_regular, settings)
    settled = _with_printed_days(reconciled, days.starts)
    for path in paths:
        if not path.solution.accepted:
            continue
        run = path.run
        whole = whole_path(run.nodes, path.cumulative, settled, settings.rounding)
        at = np.searchsorted(run.nodes, days.starts[run.first : run.last + 2])
        here = slice(run.first, run.last + 1)
        estimate[here] = np.diff(whole[at])
        if calibration is not None:
            level = local_level(path.days(days.starts), breaks[here])
            pi_lower[here], pi_upper[here] = around(
                estimate[here], level, solved.days.lower[here], solved.days.upper[here], calibration
            )
    return SolvedSeries(days, reconciled, conflicts, solved, paths, estimate, pi_lower, pi_upper, calibration)


def _with_printed_days(reconciled: Reconciled, midnights: IntArray) -> Constraints:
    """The relaxed intervals, in which exact counts of a day that hardly moved keep the printed figure where they can.

    Days keep it in order of how far they moved, then of date: the day that was moved most gives way first.
    """
    c, slack = reconciled.reported, reconciled.slack
    rows, day = exact_days(c, midnights)
    hardly = (slack[rows] != 0) & (np.abs(slack[rows]) < SMALL_MOVE)
    rows, day = rows[hardly], day[hardly]
    order = np.lexsort((c.lower[rows], day, np.round(np.abs(slack[rows]), 6)))
    return pinned(reconciled.relaxed, rows[order], c.lower[rows[order]])[0]
