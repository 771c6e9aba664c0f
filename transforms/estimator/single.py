"""One series from its reports to whole daily figures: clash, reconcile, bound, smooth, round, calibrate.

In: the statements of one series of flows that cannot be negative, its civil days, and the days on which a declared
break falls. Out: `SolvedSeries`, arrays by day and the objects behind them. The steps are method.md 4.2 to 4.6 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from transforms.estimator.calibrate import Calibration, around, calibrate
from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.days import Days
from transforms.estimator.disaggregate import Path, local_level, smoothest_paths
from transforms.estimator.engine import FAULTS, Engine, Engines, Infeasible, reason_of
from transforms.estimator.quadratic import RESIDUAL, Solver
from transforms.estimator.reconcile import Reconciled, reconcile, with_printed_days
from transforms.estimator.results import Bound, Conflict, Fallback, Window, total
from transforms.estimator.rounding import whole_path
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements, canonical
from transforms.estimator.system import one_series

_OUTSIDE = Bound(0.0, np.inf)


@dataclass(frozen=True, eq=False)
class Bounded:
    """A series whose statements agree, ready to bound any flow; `engines` are those of its blocks, in time order."""

    engines: tuple[Engine, ...]

    def between(self, start: int, end: int) -> Bound:
        """Tightest bounds of the flow between two instants, start <= end.

        What lies outside every report adds nothing to the lower bound and makes the upper one unbounded.
        """
        parts: list[Bound] = []
        at = start
        for engine in self.engines:
            block = engine.block
            if block.start >= end:
                break
            if block.end <= at:
                continue
            if block.start > at:
                parts.append(_OUTSIDE)
            at = min(end, block.end)
            parts += engine.bounds([Window(0, max(start, block.start), at)])
        if at < end:
            parts.append(_OUTSIDE)
        return total(parts)

    def days(self, midnights: IntArray) -> list[Bound]:
        """Bounds of the days between consecutive midnights, with their proofs."""
        found = [_OUTSIDE] * (len(midnights) - 1)
        cut_days: set[int] = set()
        for engine in self.engines:
            block = engine.block
            low = int(np.searchsorted(midnights, block.start, side="left"))
            high = max(low, int(np.searchsorted(midnights, block.end, side="right")) - 1)
            windows = [Window(0, int(midnights[d]), int(midnights[d + 1])) for d in range(low, high)]
            found[low:high] = engine.bounds(windows)
            before = int(np.searchsorted(midnights, block.start, side="right")) - 1
            after = int(np.searchsorted(midnights, block.end, side="left")) - 1
            cut_days |= {d for d in (before, after) if 0 <= d < len(found) and not low <= d < high}
        for day in sorted(cut_days):  # a day at the edge of a block is bounded by all the blocks it lies in
            found[day] = self.between(int(midnights[day]), int(midnights[day + 1]))
        return found


@dataclass(frozen=True, eq=False)
class SolvedSeries:
    """Everything known of one series by itself.

    Attributes
    ----------
    days : civil days from the first to the last that any report touches.
    reconciled : the reports as encoded, their slacks, and the relaxed intervals behind the bounds.
    conflicts : irreducible sets among the reports as encoded.
    bounded : bounds of any period, from the relaxed intervals. bounds : those of the days.
    lower, upper : ends of `bounds` as arrays.
    paths : the smoothest paths, one a run of days that has a point.
    estimate : float64 of whole numbers by day, NaN where there is no point.
    pi_lower, pi_upper : calibrated interval by day, NaN where there is none.
    fallbacks : steps that did not come out as the method asks.
    """

    days: Days
    reconciled: Reconciled
    conflicts: tuple[Conflict, ...]
    bounded: Bounded
    bounds: list[Bound]
    lower: FloatArray
    upper: FloatArray
    paths: tuple[Path, ...]
    estimate: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    calibration: Calibration | None
    fallbacks: tuple[Fallback, ...]


def bounded(series: str, statements: Statements, engines: Engines) -> Bounded:
    """One engine a block of a series."""
    return Bounded(tuple(engines(block) for block in one_series(series, statements)))


def solve_series(
    series: str,
    statements: Statements,
    days: Days,
    breaks: BoolArray,
    regular: frozenset[str],
    settings: EstimateSettings,
    engines: Engines,
    solver: Solver | None = None,
) -> SolvedSeries:
    """All steps for one series of flows that cannot be negative.

    Parameters
    ----------
    series : its id. statements : at least one row, per-day rows expanded.
    breaks : one flag a day of `days`.
    regular : ids of reports that belong to a regular bulletin (for calibrated intervals).
    solver : stands in for the solver of quadratic programmes.
    """
    c = canonical(statements)
    conflicts: tuple[Conflict, ...] = ()
    reconciled = Reconciled(c, np.zeros(len(c)), c, ())
    answer = bounded(series, c, engines)
    try:
        bounds = answer.days(days.starts)
    except Infeasible:
        conflicts = tuple(find_conflicts([e.block for e in answer.engines], engines))
        reconciled = reconcile(c, engines)
        answer = bounded(series, reconciled.relaxed, engines)
        bounds = answer.days(days.starts)
    lower, upper = np.array([b.lower for b in bounds]), np.array([b.upper for b in bounds])
    points = _Points(np.full(len(days), np.nan), np.full(len(days), np.nan), np.full(len(days), np.nan))
    fallbacks = list(_of_reconciliation(series, reconciled))
    try:
        points = _points(series, reconciled, days, breaks, regular, lower, upper, settings, engines, solver)
    except FAULTS as fault:
        reason = reason_of(fault)
        fallbacks.append(
            Fallback(
                "path", (series,), int(c.start.min()), int(c.end.max()), reason, "a point for every covered day",
                f"no points could be found for this series ({reason}); its days have bounds",
                tuple(sorted({str(i) for i in c.report_id})),
            )
        )  # fmt: skip
    fallbacks = [*(f for path in points.paths for f in path_fallbacks(path, days.starts)), *fallbacks]
    return SolvedSeries(
        days, reconciled, conflicts, answer, bounds, lower, upper, points.paths, points.estimate, points.pi_lower,
        points.pi_upper, points.calibration, tuple(fallbacks),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Points:
    estimate: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    paths: tuple[Path, ...] = ()
    calibration: Calibration | None = None


def _points(
    series: str,
    reconciled: Reconciled,
    days: Days,
    breaks: BoolArray,
    regular: frozenset[str],
    lower: FloatArray,
    upper: FloatArray,
    settings: EstimateSettings,
    engines: Engines,
    solver: Solver | None,
) -> _Points:
    """Path, whole crossings and calibrated interval of every run of days."""
    shifted = reconciled.shifted
    paths = tuple(smoothest_paths(series, shifted, days.starts, breaks, settings, engines, solver))
    estimate, pi_lower, pi_upper = (np.full(len(days), np.nan) for _ in range(3))
    calibration = calibrate(shifted, days.starts, breaks, shifted.of(regular), settings, engines)
    settled = with_printed_days(reconciled, days.starts, engines)
    for path in paths:
        if not path.solution.accepted:
            continue
        (run,) = path.domain.runs
        nodes = path.domain.nodes
        whole = whole_path(nodes, path.cumulative[0], settled, settings.rounding, engines)
        at = np.searchsorted(nodes, days.starts[run.first : run.last + 2])
        here = slice(run.first, run.last + 1)
        estimate[here] = np.diff(whole[at])
        if calibration is not None:
            level = local_level(path.days(run, days.starts), breaks[here])
            pi_lower[here], pi_upper[here] = around(estimate[here], level, lower[here], upper[here], calibration)
    return _Points(estimate, pi_lower, pi_upper, paths, calibration)


def _of_reconciliation(series: str, reconciled: Reconciled) -> Iterator[Fallback]:
    if reconciled.fallback:
        c = reconciled.reported
        rows = c.of(reconciled.fallback)
        yield Fallback(
            "reconciliation", (series,), int(c.start[rows].min()), int(c.end[rows].max()),
            "least weighted absolute movement", "weighted least squares",
            "the solver was not accurate enough for the least squares; these reports have the least absolute movement",
            tuple(reconciled.fallback),
        )  # fmt: skip


def failed_series(series: str, statements: Statements, days: Days, fault: BaseException) -> SolvedSeries:
    """A series on which a step gave up: no bounds but those of any flow, no points, and the reason told."""
    c = canonical(statements)
    nothing, none = np.zeros(len(days)), np.full(len(days), np.nan)
    reason = reason_of(fault)
    told = Fallback(
        "bounds", (series,), int(c.start.min()), int(c.end.max()), reason, "bounds of every day",
        f"this series could not be estimated ({reason}); its days have neither bounds nor points",
        tuple(sorted({str(i) for i in c.report_id})),
    )  # fmt: skip
    return SolvedSeries(
        days, Reconciled(c, np.zeros(len(c)), c, ()), (), Bounded(()), [_OUTSIDE] * len(days), nothing,
        np.full(len(days), np.inf), (), none, none.copy(), none.copy(), None, (told,),
    )  # fmt: skip


def path_fallbacks(path: Path, midnights: IntArray) -> Sequence[Fallback]:
    """What must be told of how a path was found."""
    names = tuple(path.domain.block.members[m] for m in sorted({run.member for run in path.domain.runs}))
    start = int(min(midnights[run.first] for run in path.domain.runs))
    end = int(max(midnights[run.last + 1] for run in path.domain.runs))
    observed = f"{path.solution.solver_status}, residual {path.solution.residual:.1e} of scale"
    expected = f"Solved, residual at most {RESIDUAL:.0e} of scale"
    messages = {
        "active_set": "the solver was not accurate enough; the path comes from the active-set fallback",
        "none": "no solver was accurate enough; these days have bounds and no point",
    }
    found = []
    if path.solution.how in messages:
        found.append(Fallback("path", names, start, end, observed, expected, messages[path.solution.how]))
    if not path.levelled:
        found.append(
            Fallback(
                "level", names, start, end, "level not found", expected,
                "the level of the path was not found to the accuracy required; it is one of those that fit all reports",
            )
        )  # fmt: skip
    return found
