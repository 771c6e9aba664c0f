"""One stretch of time in which tied series restrict each other: its days, bounds and points.

In: a block of coupled series (method.md 4.7). Out: bounds of any window inside it, whole and rounded outwards, with the
reports that prove them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from transforms.estimator.bounds import Interval
from transforms.estimator.constraints import FloatArray, IntArray
from transforms.estimator.coupled_blocks import Block
from transforms.estimator.coupled_bounds import Bound, snap
from transforms.estimator.coupled_settled import Settled
from transforms.series.identities import Component


@dataclass(frozen=True, eq=False)
class Stretch:
    """One block of time in which some series restrict each other.

    Attributes
    ----------
    settled : the block, its conflicts and its bounds. component : the series and identities it belongs to.
    first, midnights : civil date of the first day that touches it, and the UTC instants of all of them.
    days : numbers in `midnights` of the days that lie wholly inside.
    point : members x days, whole crossings, nan where there is none.
    together : whether the points of single series broke an identity, so that a path was found for several at once.
    pointless : no whole numbers were found that fit everything; days on which something does not fit have no point.
    """

    settled: Settled
    component: Component
    first: dt.date
    midnights: IntArray
    days: IntArray
    point: FloatArray
    together: bool
    pointless: bool = False

    def date(self, day: int) -> dt.date:
        """Civil date of a day by its number."""
        return self.first + dt.timedelta(days=int(day))

    @property
    def block(self) -> Block:
        """The block as the single series left it."""
        return self.settled.said

    @property
    def loosened(self) -> bool:
        """Whether reports of several series clashed here, so that the bounds of single series no longer hold."""
        return bool(self.settled.conflicts)

    def bound(self, series: str, start: int, end: int) -> Interval:
        """Tightest bounds of a window inside the stretch."""
        member = self.block.members.index(series)
        self.settled.prepare([(member, start, end)])
        return _interval(self.settled.bound(member, start, end))

    def day_bounds(self) -> dict[tuple[str, int], Interval]:
        """Tightest bounds of every member on every whole day, by series and day number."""
        asked = {
            (m, int(day)): (m, int(self.midnights[day]), int(self.midnights[day + 1]))
            for m in range(len(self.block.members))
            for day in self.days
        }
        self.settled.prepare(list(asked.values()))
        return {(self.block.members[m], day): _interval(self.settled.bound(*w)) for (m, day), w in asked.items()}


def _interval(bound: Bound) -> Interval:
    """Whole ends, rounded outwards; proofs by instant, a report once for each of its rows that is needed."""
    lower, upper = snap(bound.lower), snap(bound.upper)
    return Interval(
        float(np.floor(lower)) if np.isfinite(lower) else lower,
        float(np.ceil(upper)) if np.isfinite(upper) else upper,
        tuple(report_id for _, report_id in sorted(bound.lower_proof)) if np.isfinite(lower) else (),
        tuple(report_id for _, report_id in sorted(bound.upper_proof)) if np.isfinite(upper) else (),
    )
