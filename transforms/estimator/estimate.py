"""Point estimate: the smoothest non-negative path that keeps to every report.

In: interval statements that agree (after reconciliation the shifted ones) and the midnights of the series. Out: the
cumulative count at every instant of each run of days that can have a point. The objective is Denton's additive first
difference in the Cholette form, made unique by a stated tie-break, as a convex QP in cumulative unknowns
(method.md 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.quadratic import Quadratic, Solution, minimise
from transforms.estimator.rigid import implied_equalities, joined, spanning

_LEVEL_DAYS = 7  # centred mean that stands for the local level
_SAME = 1e-9  # interval ends closer than this, in scaled units, are one value


@dataclass(frozen=True)
class EstimateSettings:
    """Declared choices of the estimate; printed in the methods note of a release.

    Attributes
    ----------
    break_weight : weight of the change from one day to the next at a declared break (elsewhere 1).
    tie_break : weight of the distance of report totals from the centres of their intervals, and, in days whose
        windows do not end at midnight, of the unevenness within the day.
    level_weighted : divide each change by the local level (a two-pass option; off by default).
    rounding : theta of the cumulative rounding.
    interval_level : nominal level of the calibrated intervals; None = no calibrated intervals.
    longest_gap : days without any report between covered days are listed up to this many in a row.
    """

    break_weight: float = 1e-6
    tie_break: float = 1e-6
    level_weighted: bool = False
    rounding: float = 0.5
    interval_level: float | None = 0.90
    longest_gap: int = 31


@dataclass(frozen=True, eq=False)
class Run:
    """Consecutive days of which each is wholly covered by windows with a finite upper end.

    A day that such windows cover only in part has bounds and no point: what lies outside them is unbounded.

    Attributes
    ----------
    first, last : numbers of the days (last inclusive) that get a point.
    nodes : instants of the unknowns: midnights and window ends from the start to the end of the covered stretch.
    start, end : positions in `nodes` of the statements' ends.
    lower, upper : what the statements allow, distinct windows only.
    """

    first: int
    last: int
    nodes: IntArray
    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray


@dataclass(frozen=True, eq=False)
class RunPath:
    """The path of one run: C at its nodes in crossings, and how it was found (lu, clarabel, active_set, none)."""

    run: Run
    cumulative: FloatArray
    solution: Solution

    def days(self, midnights: IntArray) -> FloatArray:
        """Flows of the days first to last of the run."""
        at = np.searchsorted(self.run.nodes, midnights[self.run.first : self.run.last + 2])
        return np.asarray(np.diff(self.cumulative[at]))


def runs(constraints: Constraints, midnights: IntArray) -> list[Run]:
    """Runs of days that can have a point, in time order."""
    c = constraints
    capped = np.flatnonzero(np.isfinite(c.upper))
    if not len(capped):
        return []
    capped = capped[np.argsort(c.start[capped], kind="stable")]
    reach = np.maximum.accumulate(c.end[capped])
    opens = np.flatnonzero(np.concatenate(([True], c.start[capped][1:] > reach[:-1])))
    firsts, lasts = c.start[capped][opens], reach[np.concatenate((opens[1:] - 1, [len(capped) - 1]))]
    found = []
    for begin, finish in zip(firsts, lasts, strict=True):
        first = int(np.searchsorted(midnights, begin, side="left"))
        last = int(np.searchsorted(midnights, finish, side="right")) - 2
        if last >= first:
            found.append(_run(c, midnights, first, last, int(begin), int(finish)))
    return found


def _run(c: Constraints, midnights: IntArray, first: int, last: int, begin: int, finish: int) -> Run:
    inside = np.flatnonzero((c.start >= begin) & (c.end <= finish))
    days = midnights[(midnights >= begin) & (midnights <= finish)]
    nodes = np.unique(np.concatenate((days, c.start[inside], c.end[inside])))
    n = len(nodes)
    pair = np.searchsorted(nodes, c.start[inside]) * n + np.searchsorted(nodes, c.end[inside])
    distinct, of = np.unique(pair, return_inverse=True)
    lower, upper = np.zeros(len(distinct)), np.full(len(distinct), np.inf)
    np.maximum.at(lower, of, c.lower[inside])
    np.minimum.at(upper, of, c.upper[inside])
    return Run(first, last, nodes, distinct // n, distinct % n, lower, upper)


def smoothest_path(
    constraints: Constraints, midnights: IntArray, breaks: NDArray[np.bool_], settings: EstimateSettings
) -> list[RunPath]:
    """The smoothest path of every run.

    Parameters
    ----------
    constraints : statements that agree; figures need not be whole.
    midnights : n + 1 instants that cover all windows.
    breaks : n flags; true on the first day of a new regime.
    """
    told = joined(constraints, implied_equalities(constraints))
    return [run_path(run, midnights, breaks, settings) for run in runs(told, midnights)]


def run_path(run: Run, midnights: IntArray, breaks: NDArray[np.bool_], settings: EstimateSettings) -> RunPath:
    """The smoothest path of one run."""
    new_regime = breaks[run.first : run.last + 1]
    weight = np.where(new_regime[1:], settings.break_weight, 1.0)
    path = _solve(run, midnights, weight, settings)
    if settings.level_weighted and path.solution.accepted and len(weight):
        level = local_level(path.days(midnights), new_regime)[1:]
        path = _solve(run, midnights, weight * (np.median(level) / level) ** 2, settings)
    return path


def local_level(flows: FloatArray, new_regime: NDArray[np.bool_]) -> FloatArray:
    """Centred 7-day mean inside the same regime, at least 1 crossing a day."""
    regime = np.cumsum(new_regime) - (1 if len(new_regime) and new_regime[0] else 0)
    half = _LEVEL_DAYS // 2
    day = np.arange(len(flows))
    starts = np.flatnonzero(np.concatenate(([True], np.diff(regime) > 0)))
    ends = np.concatenate((starts[1:], [len(flows)]))
    which = np.searchsorted(starts, day, side="right") - 1
    low, high = np.maximum(day - half, starts[which]), np.minimum(day + half + 1, ends[which])
    total = np.concatenate(([0.0], np.cumsum(flows)))
    return np.asarray(np.maximum((total[high] - total[low]) / (high - low), 1.0))


def _differences(start: IntArray, end: IntArray, n: int) -> sparse.csr_array:
    """Rows C(end) - C(start) over the nodes but the first, at which C is 0."""
    k = np.arange(len(start))
    lines, cols = np.concatenate((k, k)), np.concatenate((end, start)) - 1
    vals = np.concatenate((np.ones(len(k)), -np.ones(len(k))))
    keep = cols >= 0
    return sparse.csr_array((vals[keep], (lines[keep], cols[keep])), shape=(len(k), n - 1))


def _solve(run: Run, midnights: IntArray, weight: FloatArray, settings: EstimateSettings) -> RunPath:
    n = len(run.nodes)
    scale = _scale(run, midnights)
    lower, upper = run.lower / scale, run.upper / scale
    width = upper - lower
    exact = width <= _SAME
    value = np.where(exact, (lower + np.where(exact, upper, 0.0)) / 2, 0.0)
    empty = _empty_segments(run, upper)

    equal_from = np.concatenate((empty, run.start[exact]))
    equal_to = np.concatenate((empty + 1, run.end[exact]))
    values = np.concatenate((np.zeros(len(empty)), value[exact]))
    chosen, group = spanning(equal_from, equal_to, n)

    open_ = ~exact & (group[run.start] != group[run.end])
    above, below = open_ & np.isfinite(upper), open_ & (lower > 0)
    segment = np.flatnonzero(group[:-1] != group[1:])
    midpoint = np.where(np.isfinite(width), (lower + np.where(np.isfinite(upper), upper, 0.0)) / 2, 0.0)
    pulled = open_ & np.isfinite(width)

    rough, rough_weight = _roughness(run, midnights, weight, settings)
    pull = _differences(run.start[pulled], run.end[pulled], n)
    pull_weight = settings.tie_break / width[pulled] ** 2
    objective = 2 * (rough.T @ (sparse.diags_array(rough_weight) @ rough))
    if pull.shape[0]:
        objective = objective + 2 * (pull.T @ (sparse.diags_array(pull_weight) @ pull))
    problem = Quadratic(
        P=sparse.csc_array(objective),
        q=-2 * (pull.T @ (pull_weight * midpoint[pulled])),
        E=sparse.csc_array(_differences(equal_from[chosen], equal_to[chosen], n)),
        e=values[chosen],
        G=sparse.csc_array(
            sparse.vstack(
                (
                    _differences(run.start[above], run.end[above], n),
                    _differences(run.end[below], run.start[below], n),
                    _differences(segment + 1, segment, n),
                )
            )
        ),
        h=np.concatenate((upper[above], -lower[below], np.zeros(len(segment)))),
    )
    solution = minimise(problem, try_equalities=not open_.any())
    return RunPath(run, np.concatenate(([0.0], solution.z)) * scale, solution)


def _scale(run: Run, midnights: IntArray) -> float:
    """Median reported daily rate, the unit in which the problem is solved."""
    days = (run.nodes[run.end] - run.nodes[run.start]) / np.median(np.diff(midnights))
    middle = np.where(np.isfinite(run.upper), (run.lower + np.where(np.isfinite(run.upper), run.upper, 0)) / 2, np.nan)
    rate = (middle / days)[np.isfinite(middle)]
    rate = rate[rate > 0]
    return float(np.median(rate)) if len(rate) else 1.0


def _empty_segments(run: Run, upper: FloatArray) -> IntArray:
    """Elementary segments inside a window whose upper end is 0: nothing crossed there."""
    none = np.flatnonzero(upper <= _SAME)
    n = len(run.nodes)
    cover = np.bincount(run.start[none], minlength=n) - np.bincount(run.end[none], minlength=n)
    return np.flatnonzero(np.cumsum(cover)[:-1] > 0)


def _roughness(
    run: Run, midnights: IntArray, weight: FloatArray, settings: EstimateSettings
) -> tuple[sparse.csr_array, FloatArray]:
    """Changes from day to day, and, where windows end within days, changes of the rate from piece to piece."""
    n = len(run.nodes)
    at = np.searchsorted(run.nodes, midnights[run.first : run.last + 2])
    day = _differences(at[:-1], at[1:], n)
    change = day[1:] - day[:-1]
    piece_day = np.searchsorted(midnights, run.nodes[:-1], side="right") - 1
    share = np.diff(run.nodes) / np.diff(midnights)[piece_day]
    partial = share < 1
    if not partial.any():
        return sparse.csr_array(change), weight
    piece = np.arange(n - 1)
    rate = sparse.diags_array(1 / share) @ _differences(piece, piece + 1, n)
    beside = np.flatnonzero(partial[1:] | partial[:-1])
    uneven = sparse.csr_array(rate)[beside + 1] - sparse.csr_array(rate)[beside]
    return (
        sparse.csr_array(sparse.vstack((change, uneven))),
        np.concatenate((weight, np.full(len(beside), settings.tie_break))),
    )
