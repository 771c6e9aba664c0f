"""Series tied by identities, on top of what each says by itself: tighter bounds, and one point for all.

In: the solved series of a component, the rows of series that may be negative, and the identities. Out: `Together`, with
bounds of any window of any member and whole points by day that fit every identity and every report. Points of single
series stay where the identities hold on them: the smoothest paths of all series together are then these very paths.
Identities enter lazily, where the points so far break them (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from transforms.estimator.days import Days
from transforms.estimator.everywhere import right_or_wrong_everywhere
from transforms.estimator.identities import Identity, groups, ordered
from transforms.estimator.joint import Joint
from transforms.estimator.results import (
    ANYTHING,
    NOTHING,
    Bound,
    Fallback,
    Window,
    at_least,
    at_most,
    best,
    defined,
    total,
)
from transforms.estimator.single import SolvedSeries
from transforms.estimator.statements import BoolArray, FloatArray, Statements
from transforms.estimator.stretch import Stretch, outside, settle
from transforms.estimator.system import cut, stretches
from transforms.estimator.territory import territories
from transforms.estimator.tools import Tools


@dataclass(frozen=True, eq=False)
class Tied:
    """Series that identities tie, as they come in.

    Attributes
    ----------
    alone : series solved by themselves, by id. signed : rows of those that may be negative, per-day rows expanded.
    nonnegative : series id -> whether its flow cannot be negative; members in neither only follow from others.
    identities : between these series. timezone, boundary : whose civil days are asked for.
    breaks : UTC instants at which a declared break starts a new regime.
    """

    alone: Mapping[str, SolvedSeries]
    signed: Mapping[str, Statements]
    nonnegative: Mapping[str, bool]
    identities: tuple[Identity, ...]
    timezone: str
    boundary: str
    breaks: Sequence[int] = ()

    @cached_property
    def rows(self) -> dict[str, Statements]:
        """The rows of every member that the stretches start from: as encoded."""
        return {name: self._rows(name) for name in sorted(self.nonnegative)}

    def _rows(self, name: str) -> Statements:
        if name in self.alone:
            return self.alone[name].reported
        return self.signed.get(name, Statements.none())


@dataclass(frozen=True, eq=False)
class Together:
    """What some series say together.

    Attributes
    ----------
    tied : what came in, its single series with the doubt about reports that are contested between series.
    stretches : in order of time. days : civil days of the points.
    members : series ids in order. point : members x days, whole crossings, NaN where there is none.
    pointless : members x days, where a common path was looked for and no point is to stand.
    fallbacks : steps that did not come out as the method asks; those of a stretch stand with it.
    """

    tied: Tied
    stretches: tuple[Stretch, ...]
    days: Days
    members: tuple[str, ...]
    point: FloatArray
    pointless: BoolArray
    fallbacks: tuple[Fallback, ...]

    @cached_property
    def of(self) -> dict[str, list[Stretch]]:
        """Stretches of each series, in order of time."""
        found: dict[str, list[Stretch]] = {}
        for stretch in self.stretches:
            for series in stretch.said.members:
                found.setdefault(series, []).append(stretch)
        return {series: sorted(mine, key=lambda x: x.said.start) for series, mine in found.items()}

    @cached_property
    def defining(self) -> dict[str, Identity]:
        """The identity from which the flow of a series follows outside the stretches, by series."""
        return {k.series[0]: k for k in self.tied.identities if k.defines}

    def between(self, series: str, start: int, end: int) -> Bound:
        """Tightest bounds of the flow of a series between two instants, and their proofs."""
        alone = self._alone(series, start, end)
        parts: list[Bound] = []
        at, loosened = start, False
        for stretch in self.of.get(series, []):
            low, high = max(start, stretch.said.start), min(end, stretch.said.end)
            if low >= high:
                continue
            if low > at:
                parts.append(self._alone(series, at, low))
            parts += stretch.bounds([Window(stretch.said.position(series), low, high)])
            at, loosened = high, loosened or stretch.loosened
        if not parts:
            return alone
        if at < end:
            parts.append(self._alone(series, at, end))
        return total(parts) if loosened else best(alone, total(parts))

    def _alone(self, series: str, start: int, end: int) -> Bound:
        """What the series' own reports say, and what follows from the bounds of the series that define it."""
        own = self.tied.alone.get(series)
        nonnegative = self.tied.nonnegative.get(series, True)
        known = NOTHING if nonnegative else ANYTHING
        if own is not None:
            known = own.bounded.between(0, start, end)
        identity = self.defining.get(series)
        if identity is not None:
            known = best(
                known, defined(identity, lambda other: self.between(other, start, end), nonnegative=nonnegative)
            )
        return self._beside_parts(series, known, lambda other: self._own(other, start, end))

    def _own(self, series: str, start: int, end: int) -> Bound:
        own = self.tied.alone.get(series)
        return NOTHING if own is None else own.bounded.between(0, start, end)

    def _beside_parts(self, series: str, known: Bound, of: Callable[[str], Bound]) -> Bound:
        """What parts and wholes without common reports add: a part is at most its whole, however little is said of either."""
        for part, whole in self.parts:
            if series == whole:
                known = best(known, at_least(of(part)))
            elif series == part:
                known = best(known, at_most(of(whole)))
        return known

    @cached_property
    def parts(self) -> tuple[tuple[str, str], ...]:
        """Pairs of a part and its whole, as the identities have them."""
        found = [(k.series[2], k.series[1]) for k in self.tied.identities if k.kind == "rest"]
        found += [
            (k.series[0], k.series[1]) for k in self.tied.identities if k.kind == "subset" and not k.identical_windows
        ]
        return tuple(sorted(found))


def solve_together(tied: Tied, tools: Tools) -> Together:
    """Bounds of every stretch, and one point for all members where they must agree."""
    found = [
        settle(b, tied.timezone, tied.boundary, tools) for b in stretches(tied.rows, tied.nonnegative, tied.identities)
    ]
    for name in sorted(tied.signed):
        lonely = cut({name: outside(name, tied.rows[name], found)}, {name: False}, ())
        found += [settle(block, tied.timezone, tied.boundary, tools) for block in lonely]
    alone, found = right_or_wrong_everywhere(tied.alone, found, tied.breaks, tools)
    tied = replace(tied, alone=alone)
    found.sort(key=lambda s: (s.said.start, s.said.members))
    members = tuple(sorted(tied.nonnegative))
    days = _axis(tied, found)
    point = np.full((len(members), len(days)), np.nan)
    for m, name in enumerate(members):
        if name in tied.alone:
            own = tied.alone[name]
            here = np.searchsorted(days.starts, own.days.starts[:-1])
            point[m, here] = own.estimate
    pointless = np.zeros_like(point, dtype=bool)
    fallbacks: list[Fallback] = []
    for territory in territories(found, tied.rows, days):
        here = np.array([members.index(name) for name in territory.members])
        joint = Joint(territory, tied.alone, days, tied.breaks, tools)
        point[here] = _points(joint, point[here])
        pointless[here] |= joint.pointless
        fallbacks += joint.fallbacks
    return Together(tied, tuple(found), days, members, point, pointless, tuple(fallbacks))


def _axis(tied: Tied, found: Sequence[Stretch]) -> Days:
    """Civil days that hold every series and every stretch."""
    starts = [s.said.start for s in found] + [int(own.days.starts[0]) for own in tied.alone.values()]
    ends = [s.said.end for s in found] + [int(own.days.starts[-1]) for own in tied.alone.values()]
    if not starts:
        return Days.around(0, 0, tied.timezone, tied.boundary)
    return Days.around(min(starts), max(ends), tied.timezone, tied.boundary)


def _points(joint: Joint, single: FloatArray) -> FloatArray:
    """Points of a territory that fit every identity, the identities entering only where the points break them.

    What fits all identities although only some were asked for is the smoothest path under all of them.
    """
    single = joint.with_exact_days(joint.followed(single))
    binding: set[Identity] = set()
    point = joint.closed(single)
    fresh = {*joint.at_once, *joint.broken(point)}
    while fresh:
        binding |= fresh
        point = single.copy()
        for group in groups(ordered(tuple(binding))):
            joint.solve(group, point)
        point = joint.closed(point)
        broken = joint.broken(point, binding)
        # Where those that break bind already, the bounds that the points miss come from others of their stretches.
        fresh = (broken - binding) or (joint.beside(broken) - binding)
    if binding:
        point = joint.undisturbed(single, point)
    return joint.fitting(point) if joint.broken(point, binding) or joint.unrounded.any() else point
