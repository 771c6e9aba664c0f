"""One series from its reports to whole daily figures: clash, explain, bound, smooth, round, calibrate.

In: the statements of one series of flows that cannot be negative, its civil days, and the days on which a declared
break falls. Out: `SolvedSeries`, arrays by day and the objects behind them. The steps are method.md 4.2 to 4.6 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from transforms.estimator.bounded import Bounded, agreed, either
from transforms.estimator.calibrate import Calibration, around, calibrate
from transforms.estimator.clashes import Clashes
from transforms.estimator.days import Days
from transforms.estimator.disaggregate import Path, local_level, smoothest_paths
from transforms.estimator.engine import FAULTS, reason_of
from transforms.estimator.explanations import Explained, contested, set_aside
from transforms.estimator.known import known_over
from transforms.estimator.leading import led
from transforms.estimator.quadratic import RESIDUAL
from transforms.estimator.readings import path_rows
from transforms.estimator.results import Bound, Conflict, Fallback
from transforms.estimator.rounding import whole_path
from transforms.estimator.statements import CODED, BoolArray, FloatArray, IntArray, Statements, canonical
from transforms.estimator.system import one_series
from transforms.estimator.tools import Tools

WRITTEN = 2  # tiers up to this are written counts of officials


@dataclass(frozen=True, eq=False)
class SolvedSeries:
    """Everything known of one series by itself.

    Attributes
    ----------
    days : civil days from the first to the last that any report touches.
    reported : the reports as encoded, in canonical order. kept : those that the estimate follows.
    loose : reports whose window as coded the estimate does not follow, because it does not fit the others.
    conflicts : irreducible sets among the reports. explained : what may be wrong, a group that clashes each.
    bounded : bounds of any period. bounds : those of the days. lower, upper : their ends as arrays.
    firm : bounds of the days from written counts of officials alone. known_over : see `known`.
    paths : the smoothest paths, one a run of days that has a point.
    differs : days on which the path of another admitted explanation is another.
    estimate : float64 of whole numbers by day, NaN where there is no point.
    pi_lower, pi_upper : calibrated interval by day, NaN where there is none.
    fallbacks : steps that did not come out as the method asks.
    wrong : reports that are contested in tied series, and that the estimate does not follow there nor here.
    """

    days: Days
    reported: Statements
    kept: Statements
    loose: frozenset[str]
    conflicts: tuple[Conflict, ...]
    explained: tuple[Explained, ...]
    bounded: Bounded
    bounds: list[Bound]
    lower: FloatArray
    upper: FloatArray
    firm: list[Bound]
    known_over: IntArray
    paths: tuple[Path, ...]
    differs: BoolArray
    estimate: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    calibration: Calibration | None
    fallbacks: tuple[Fallback, ...]
    wrong: frozenset[str] = frozenset()

    @property
    def contested(self) -> frozenset[str]:
        """Reports that clash in this series and that some admitted explanation sets aside."""
        return contested(self.explained)

    @property
    def aside(self) -> frozenset[str]:
        """Reports that the estimate does not follow."""
        return self.wrong | set_aside(self.explained)


def solve_series(
    series: str, statements: Statements, days: Days, breaks: BoolArray, regular: frozenset[str], tools: Tools
) -> SolvedSeries:
    """All steps for one series of flows that cannot be negative.

    Parameters
    ----------
    series : its id. statements : at least one row, per-day rows expanded.
    breaks : one flag a day of `days`.
    regular : ids of reports that belong to a regular bulletin (for calibrated intervals).
    """
    c = canonical(statements)
    clashing = Clashes.of(one_series(series, c.binding), tools)
    bounds = clashing.bounded.days(days.starts)
    lower, upper = np.array([b.lower for b in bounds]), np.array([b.upper for b in bounds])
    fallbacks = list(clashing.fallbacks)
    firm, fell_back = (bounds, ()) if (c.tier <= WRITTEN).all() else firm_days(series, c, days, tools)
    fallbacks += fell_back
    explained, differs, kept = clashing.explained, np.zeros(len(days), dtype=bool), c.as_coded
    loose: frozenset[str] = frozenset()
    points = _Points(np.full(len(days), np.nan), np.full(len(days), np.nan), np.full(len(days), np.nan))
    known = np.zeros(len(days), dtype=np.int64)
    try:
        leading, differs = led(series, c, explained, days, breaks, tools)
        explained = tuple(leading)
        kept, loose = path_rows(series, c, set_aside(explained), tools)
        known = known_over(kept, agreed(one_series(series, kept), tools.engines), days)
        points = _points(series, kept, days, breaks, regular, lower, upper, tools)
    except FAULTS as fault:
        reason = reason_of(fault)
        fallbacks.append(
            Fallback(
                "path", (series,), int(c.start.min()), int(c.end.max()), reason, "a point for every covered day",
                f"no points could be found for this series ({reason}); its days have bounds",
                tuple(sorted(c.ids)),
            )
        )  # fmt: skip
    fallbacks = [*(f for path in points.paths for f in path_fallbacks(path, days.starts)), *fallbacks]
    return SolvedSeries(
        days, c, kept, loose, clashing.conflicts, explained, clashing.bounded, bounds, lower, upper, firm, known,
        points.paths, differs,
        points.estimate, points.pi_lower, points.pi_upper, points.calibration, tuple(fallbacks),
    )  # fmt: skip


def doubting(
    series: str, solved: SolvedSeries, doubted: frozenset[str], wrong: frozenset[str], breaks: BoolArray, tools: Tools
) -> SolvedSeries:
    """The series with reports that are contested elsewhere: bounds with and without them, the estimate without `wrong`."""
    c, days = solved.reported, solved.days
    without = Clashes.of(one_series(series, c.binding.take(~c.binding.of(doubted))), tools).bounded
    bounded = either(solved.bounded, without, doubted)
    bounds = bounded.days(days.starts)
    lower, upper = np.array([b.lower for b in bounds]), np.array([b.upper for b in bounds])
    found = replace(solved, bounded=bounded, bounds=bounds, lower=lower, upper=upper, wrong=wrong)
    left = c.take(~c.of(wrong))
    if not wrong or not len(left):
        return found
    other = solve_series(series, left, days, breaks, frozenset(), tools)
    return replace(
        found, kept=other.kept, loose=other.loose, known_over=other.known_over, paths=other.paths, differs=other.differs,
        estimate=other.estimate, pi_lower=other.pi_lower, pi_upper=other.pi_upper, calibration=other.calibration,
    )  # fmt: skip


def firm_days(
    series: str, statements: Statements, days: Days, tools: Tools
) -> tuple[list[Bound], tuple[Fallback, ...]]:
    """Bounds of the days from the reports of tiers 1 and 2 alone: what holds if everything spoken is wrong."""
    written = statements.take((statements.tier <= WRITTEN) & (statements.reading != CODED))
    try:
        clashing = Clashes.of(one_series(series, written), tools)
        return clashing.bounded.days(days.starts), clashing.fallbacks
    except FAULTS as fault:
        reason = reason_of(fault)
        told = Fallback(
            "firm", (series,), int(written.start.min()), int(written.end.max()), reason, "firm bounds of every day",
            f"no bounds could be found from written counts alone ({reason}); the days have none of these",
            tuple(sorted(written.ids)),
        )  # fmt: skip
        return [Bound(0.0, np.inf)] * len(days), (told,)


@dataclass(frozen=True, eq=False)
class _Points:
    estimate: FloatArray
    pi_lower: FloatArray
    pi_upper: FloatArray
    paths: tuple[Path, ...] = ()
    calibration: Calibration | None = None


def _points(
    series: str,
    kept: Statements,
    days: Days,
    breaks: BoolArray,
    regular: frozenset[str],
    lower: FloatArray,
    upper: FloatArray,
    tools: Tools,
) -> _Points:
    """Path, whole crossings and calibrated interval of every run of days, from reports that agree."""
    settings, engines = tools.settings, tools.engines
    paths = tuple(smoothest_paths(series, kept, days.starts, breaks, settings, engines, solver=tools.solver))
    estimate, pi_lower, pi_upper = (np.full(len(days), np.nan) for _ in range(3))
    calibration = calibrate(kept, days.starts, breaks, kept.of(regular), settings, engines)
    for path in paths:
        if not path.solution.accepted:
            continue
        (run,) = path.domain.runs
        nodes = path.domain.nodes
        whole = whole_path(nodes, path.cumulative[0], kept, settings.rounding, engines)
        at = np.searchsorted(nodes, days.starts[run.first : run.last + 2])
        here = slice(run.first, run.last + 1)
        estimate[here] = np.diff(whole[at])
        if calibration is not None:
            level = local_level(path.days(run, days.starts), breaks[here])
            pi_lower[here], pi_upper[here] = around(estimate[here], level, lower[here], upper[here], calibration)
    return _Points(estimate, pi_lower, pi_upper, paths, calibration)


def failed_series(series: str, statements: Statements, days: Days, fault: BaseException) -> SolvedSeries:
    """A series on which a step gave up: no bounds but those of any flow, no points, and the reason told."""
    c = canonical(statements)
    nothing, none = np.zeros(len(days)), np.full(len(days), np.nan)
    reason = reason_of(fault)
    told = Fallback(
        "bounds", (series,), int(c.start.min()), int(c.end.max()), reason, "bounds of every day",
        f"this series could not be estimated ({reason}); its days have neither bounds nor points",
        tuple(sorted(c.ids)),
    )  # fmt: skip
    return SolvedSeries(
        days, c, c.as_coded, frozenset(), (), (), Bounded(()), [Bound(0.0, np.inf)] * len(days), nothing,
        np.full(len(days), np.inf),
        [Bound(0.0, np.inf)] * len(days), np.zeros(len(days), dtype=np.int64), (),
        np.zeros(len(days), dtype=bool), none, none.copy(), none.copy(), None, (told,),
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
