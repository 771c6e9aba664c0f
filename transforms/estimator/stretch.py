"""A stretch of time in which tied series restrict each other: its contradictions settled, its bounds at hand.

In: a block of tied series as the single series left it. Out: `Stretch`, with bounds of any window of any member inside
it. Whatever goes wrong in one stretch costs that stretch its points and is told, never the run (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np

from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.days import Days
from transforms.estimator.engine import FAULTS, Engine, Engines, reason_of
from transforms.estimator.reconcile_tied import Moved, reconcile_tied
from transforms.estimator.results import ANYTHING, NOTHING, Bound, Conflict, Fallback, Window
from transforms.estimator.statements import FloatArray, IntArray, Statements
from transforms.estimator.system import Block


@dataclass(frozen=True, eq=False)
class Stretch:
    """One block of time in which some series restrict each other, or one series that may be negative stands alone.

    Attributes
    ----------
    said : the block as the single series left it. moved : what reconciliation made of it; None where reports agree.
    engine : answers for the relaxed intervals; None where something went wrong, and nothing is bounded here.
    conflicts : irreducible sets among what was said.
    days : civil days that touch it. whole : numbers of those that lie wholly inside.
    fallbacks : steps that did not come out as the method asks.
    """

    said: Block
    moved: Moved | None
    engine: Engine | None
    conflicts: tuple[Conflict, ...]
    days: Days
    whole: IntArray
    fallbacks: tuple[Fallback, ...]

    @property
    def relaxed(self) -> Block:
        """The block with the intervals on which the bounds rest."""
        return self.moved.relaxed if self.moved else self.said

    @property
    def loosened(self) -> bool:
        """Whether reports of several series clashed here, so that the bounds of single series no longer hold."""
        return bool(self.conflicts) and self.engine is not None

    def bounds(self, windows: Sequence[Window]) -> list[Bound]:
        """Tightest bounds of windows inside the stretch."""
        if self.engine is None:
            return [ANYTHING if self.said.signed[w.member] else NOTHING for w in windows]
        return self.engine.bounds(windows)

    @cached_property
    def day_bounds(self) -> list[list[Bound]]:
        """Tightest bounds of every member on every whole day: a list a member."""
        starts = self.days.starts
        days = [(int(starts[d]), int(starts[d + 1])) for d in self.whole]
        members = range(len(self.said.members))
        found = self.bounds([Window(m, *day) for m in members for day in days])
        return [found[m * len(days) : (m + 1) * len(days)] for m in members]

    @cached_property
    def ends(self) -> tuple[FloatArray, FloatArray]:
        """Lower and upper ends of `day_bounds`, members x whole days."""
        shape = (len(self.said.members), len(self.whole))
        lower = np.array([b.lower for row in self.day_bounds for b in row]).reshape(shape)
        return lower, np.array([b.upper for row in self.day_bounds for b in row]).reshape(shape)


def settle(block: Block, timezone: str, boundary: str, engines: Engines) -> Stretch:
    """Find the contradictions of a block, settle them by the least movement, and get ready to bound."""
    days = Days.around(block.start, block.end, timezone, boundary)
    whole = days.inside(block.start, block.end)
    conflicts: tuple[Conflict, ...] = ()
    try:
        engine = engines(block)
        if engine.feasible():
            stretch = Stretch(block, None, engine, (), days, whole, ())
            _ = stretch.day_bounds  # a solver that gives up on them gives up here
            return stretch
        conflicts = tuple(find_conflicts([block], engines))
        moved = reconcile_tied(block)
        stretch = Stretch(block, moved, engines(moved.relaxed), conflicts, days, whole, _told(block, moved))
        _ = stretch.day_bounds
    except FAULTS as fault:
        return Stretch(block, None, None, conflicts, days, whole, (_gave_up(block, fault),))
    return stretch


Widened: TypeAlias = Mapping[str, tuple[float, float]]


def widened_by(found: Sequence[Stretch]) -> Widened:
    """Report id -> how far its lower end fell (at most 0) and its upper end rose, at most, in any stretch."""
    widest: dict[str, tuple[float, float]] = {}
    for stretch in found:
        said, now = stretch.said.statements, stretch.relaxed.statements
        for row in np.flatnonzero((said.lower != now.lower) | (said.upper != now.upper)):
            report_id = str(said.report_id[row])
            fell, rose = widest.get(report_id, (0.0, 0.0))
            # an end that is open stays open
            down = now.lower[row] - said.lower[row] if np.isfinite(said.lower[row]) else 0.0
            up = now.upper[row] - said.upper[row] if np.isfinite(said.upper[row]) else 0.0
            widest[report_id] = min(fell, float(down)), max(rose, float(up))
    return widest


def widened(statements: Statements, by: Widened) -> Statements:
    """The statements with the ends of reports that were moved somewhere."""
    rows = np.flatnonzero(statements.of(frozenset(by)))
    lower, upper = statements.lower.copy(), statements.upper.copy()
    for row in rows:
        down, up = by[str(statements.report_id[row])]
        lower[row] += down
        upper[row] += up
    return replace(statements, lower=lower, upper=upper)


def alike(stretch: Stretch, by: Widened, engines: Engines) -> Stretch:
    """The stretch with every row of a moved report relaxed alike: it moves as one, also where it clashes with nothing."""
    said, now = stretch.said.statements, stretch.relaxed.statements
    wide = widened(said, by)
    lower, upper = np.minimum(now.lower, wide.lower), np.maximum(now.upper, wide.upper)
    if stretch.engine is None or not (np.any(lower != now.lower) or np.any(upper != now.upper)):
        return stretch
    relaxed = stretch.said.with_intervals(lower, upper)
    still = Moved(np.zeros(len(said)), relaxed, stretch.said, widened=False, absolute=False)
    moved = replace(stretch.moved, relaxed=relaxed) if stretch.moved else still
    try:
        stretch = replace(stretch, moved=moved, engine=engines(relaxed))
        _ = stretch.day_bounds
    except FAULTS as fault:
        return replace(stretch, moved=None, engine=None, fallbacks=(*stretch.fallbacks, _gave_up(stretch.said, fault)))
    return stretch


def _told(block: Block, moved: Moved) -> tuple[Fallback, ...]:
    ids = tuple(sorted({str(i) for i in block.statements.report_id[np.flatnonzero(moved.slack)]}))
    names = tuple(block.members[m] for m in block.reported)
    found = []
    if moved.absolute:
        found.append(
            Fallback(
                "reconciliation", names, block.start, block.end, "least weighted absolute movement",
                "weighted least squares",
                "the solver was not accurate enough for the least squares; these reports have the least absolute movement",
                ids,
            )
        )  # fmt: skip
    if moved.widened:
        found.append(
            Fallback(
                "reconciliation", names, block.start, block.end, "intervals one crossing wider", "least movement",
                "settled intervals were widened by one crossing, because whole numbers fell short of them", ids,
            )
        )  # fmt: skip
    return tuple(found)


def _gave_up(block: Block, fault: BaseException) -> Fallback:
    reason = reason_of(fault)
    return Fallback(
        "bounds", tuple(block.members[m] for m in block.reported), block.start, block.end, reason, "bounds of every day",
        f"tied series could not be bounded together from here on ({reason}); their own bounds stand, and they have no"
        " common point here",
        tuple(sorted(block.report_ids)),
    )  # fmt: skip
