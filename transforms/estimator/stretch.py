"""A stretch of time in which tied series restrict each other: its contradictions explained, its bounds at hand.

In: a block of tied series as the single series left it. Out: `Stretch`, with bounds of any window of any member inside
it. Whatever goes wrong in one stretch costs that stretch its points and is told, never the run (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from transforms.estimator.bounded import either
from transforms.estimator.clashes import Clashes
from transforms.estimator.days import Days
from transforms.estimator.engine import FAULTS, reason_of
from transforms.estimator.explanations import Explained, contested, set_aside
from transforms.estimator.readings import follows, misplaced
from transforms.estimator.results import ANYTHING, NOTHING, Bound, Conflict, Fallback, Window
from transforms.estimator.statements import CODED, FloatArray, IntArray, Statements
from transforms.estimator.system import Block
from transforms.estimator.tools import Tools


@dataclass(frozen=True, eq=False)
class Stretch:
    """One block of time in which some series restrict each other, or one series that may be negative stands alone.

    Attributes
    ----------
    said : the rows of all members as encoded. clashes : what does not agree among them, and bounds that allow for it;
        None where something went wrong, and nothing is bounded here.
    loose : reports whose window as coded no path of this stretch follows.
    doubted, wrong : reports that are contested elsewhere, and those of them that no path follows there.
    days : civil days that touch it. whole : numbers of those that lie wholly inside.
    fallbacks : steps that did not come out as the method asks.
    """

    said: Block
    clashes: Clashes | None
    days: Days
    whole: IntArray
    fallbacks: tuple[Fallback, ...]
    loose: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    wrong: frozenset[str] = frozenset()

    @property
    def span(self) -> tuple[int, int]:
        """First and last instant."""
        return self.said.start, self.said.end

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """Irreducible sets among what was said."""
        return self.clashes.conflicts if self.clashes else ()

    @property
    def explained(self) -> tuple[Explained, ...]:
        """What may be wrong."""
        return self.clashes.explained if self.clashes else ()

    @property
    def loosened(self) -> bool:
        """Whether reports clash here, so that the bounds of single series no longer hold."""
        return bool(self.explained or self.doubted)

    @property
    def contested(self) -> frozenset[str]:
        """Reports that clash here and that some admitted explanation sets aside."""
        return contested(self.explained)

    @property
    def aside(self) -> frozenset[str]:
        """Reports that no path of this stretch follows."""
        return self.wrong | set_aside(self.explained)

    @property
    def followed(self) -> Statements:
        """The rows of all members that paths of this stretch follow."""
        return self.said.statements.take(follows(self.said.statements, self.aside, self.loose))

    def bounds(self, windows: Sequence[Window]) -> list[Bound]:
        """Tightest bounds of windows inside the stretch."""
        if self.clashes is None:
            return [ANYTHING if self.said.signed[w.member] else NOTHING for w in windows]
        return self.clashes.bounded.bounds(windows)

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


def outside(name: str, rows: Statements, found: Sequence[Stretch]) -> Statements:
    """Rows of a series that lie in no stretch of it."""
    return rows.take(~rows.within(s.span for s in found if name in s.said.members))


def settle(
    block: Block,
    timezone: str,
    boundary: str,
    tools: Tools,
    doubted: frozenset[str] = frozenset(),
    wrong: frozenset[str] = frozenset(),
) -> Stretch:
    """Explain the contradictions of a block, and get ready to bound; `doubted`, `wrong` : see `Stretch`."""
    days = Days.around(block.start, block.end, timezone, boundary)
    whole = days.inside(block.start, block.end)
    try:
        binding = block.take(block.statements.reading != CODED)
        clashes = Clashes.of(binding.blocks(), tools, block.signed.tolist())
        if doubted:
            without = Clashes.of(binding.without(doubted).blocks(), tools, block.signed.tolist())
            clashes = replace(clashes, bounded=either(clashes.bounded, without.bounded, doubted))
        stretch = Stretch(block, clashes, days, whole, clashes.fallbacks, doubted=doubted, wrong=wrong)
        stretch = replace(stretch, loose=misplaced(block.without(stretch.aside).blocks(), tools))
        _ = stretch.day_bounds  # a solver that gives up on them gives up here
    except FAULTS as fault:
        return Stretch(block, None, days, whole, (_gave_up(block, fault),))
    return stretch


def _gave_up(block: Block, fault: BaseException) -> Fallback:
    reason = reason_of(fault)
    return Fallback(
        "bounds", tuple(block.members[m] for m in block.reported), block.start, block.end, reason, "bounds of every day",
        f"tied series could not be bounded together from here on ({reason}); their own bounds stand, and they have no"
        " common point here",
        tuple(sorted(block.report_ids)),
    )  # fmt: skip
