"""One point for tied series: where the points of single series break an identity, a report or a bound, a common path.

In: a territory (stretches that share a run of covered days) and the series solved by themselves. Out: members x days of
whole crossings that keep to every identity and every report, where whole numbers can do that. A path is smooth over
runs of covered days, for tied series as for single ones (method.md 4.5, 4.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property

import numpy as np

from transforms.estimator.days import Days
from transforms.estimator.disaggregate import Domain, Run, runs_of, smoothest
from transforms.estimator.engine import FAULTS, reason_of
from transforms.estimator.identities import Identity
from transforms.estimator.pieces import shared_windows
from transforms.estimator.readings import follows
from transforms.estimator.results import Fallback
from transforms.estimator.single import SolvedSeries, path_fallbacks
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements, gathered
from transforms.estimator.stretch import Stretch
from transforms.estimator.system import Block
from transforms.estimator.territory import Territory, closed, closure, union
from transforms.estimator.tools import Tools

_ROUNDING_ONLY = 1.0  # crossings; a series whose points moved by no more keeps those it had by itself


class Joint:
    """The points of one territory; arrays are members x days of the axis given."""

    def __init__(
        self,
        territory: Territory,
        alone: Mapping[str, SolvedSeries],
        days: Days,
        breaks: Sequence[int],
        tools: Tools,
    ) -> None:
        self.territory, self.alone, self.days, self.tools = territory, alone, days, tools
        self.position = {name: m for m, name in enumerate(territory.members)}
        self.new_regime = np.isin(days.starts[:-1], np.array(list(breaks), dtype=np.int64))
        self.pointless = np.zeros(len(days), dtype=bool)
        self.unrounded = np.zeros(len(days), dtype=bool)  # days of a common path that no whole numbers follow
        self.fallbacks: list[Fallback] = []
        self.whole = [np.searchsorted(days.starts, s.days.starts[s.whole]) for s in territory.stretches]

    @property
    def at_once(self) -> tuple[Identity, ...]:
        """Identities of stretches that do not follow what their single series follow: no point of theirs will do."""
        return tuple(
            k for s in self.territory.stretches
            if (s.aside, s.loose) != self._alone_without(s) for k in s.said.identities
        )  # fmt: skip

    def _alone_without(self, stretch: Stretch) -> tuple[frozenset[str], frozenset[str]]:
        """Reports of a stretch that its single series set aside for themselves, and those whose window they do not follow."""
        ids, own = frozenset(stretch.said.report_ids), [self.alone[n] for n in stretch.said.members if n in self.alone]
        none = frozenset[str]()
        return none.union(*(s.aside & ids for s in own)), none.union(*(s.loose & ids for s in own))

    @cached_property
    def limits(self) -> tuple[FloatArray, FloatArray]:
        """Bounds of every day: those of the stretches, elsewhere in the territory those of the series by itself."""
        shape = (len(self.position), len(self.days))
        lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
        for name, m in self.position.items():
            if name in self.alone:
                own = self.alone[name]
                here = np.searchsorted(self.days.starts, own.days.starts[:-1])
                mine = self._within(name)[here]
                lower[m, here[mine]], upper[m, here[mine]] = own.lower[mine], own.upper[mine]
        for stretch, days in zip(self.territory.stretches, self.whole, strict=True):
            rows = self._rows(stretch.said)
            lower[np.ix_(rows, days)], upper[np.ix_(rows, days)] = stretch.ends
        return lower, upper

    def _within(self, name: str) -> BoolArray:
        """Days of the axis that the territory touches of a member; other days belong to other territories."""
        starts, touched = self.days.starts, np.zeros(len(self.days), dtype=bool)
        for start, end in self.territory.spans[name]:
            touched |= (starts[:-1] < end) & (starts[1:] > start)
        return touched

    def _rows(self, block: Block) -> IntArray:
        return np.array([self.position[name] for name in block.members], dtype=np.int64)

    def followed(self, point: FloatArray) -> FloatArray:
        """The points, without those of days on which every report of a series is set aside by its stretch."""
        point, starts = point.copy(), self.days.starts
        for stretch, days in zip(self.territory.stretches, self.whole, strict=True):
            if not stretch.loosened:
                continue
            s = stretch.followed
            for k, name in enumerate(stretch.said.members):
                mine = s.take(s.member == k)
                covered = (mine.start[:, None] < starts[days + 1]) & (mine.end[:, None] > starts[days])
                if name in self.alone:
                    point[self.position[name], days[~covered.any(axis=0)]] = np.nan
        return point

    def with_exact_days(self, point: FloatArray) -> FloatArray:
        """The points, with exact counts of a day of series that may be negative, where they are not set aside."""
        point = point.copy()
        for stretch in self.territory.stretches:
            s = stretch.followed
            for i in np.flatnonzero(stretch.said.signed[s.member] & (s.lower == s.upper)):
                day = int(np.searchsorted(self.days.starts, s.start[i]))
                if self.days.starts[day] == s.start[i] and self.days.starts[day + 1] == s.end[i]:
                    point[self.position[stretch.said.members[int(s.member[i])]], day] = s.lower[i]
        return point

    def closed(self, point: FloatArray) -> FloatArray:
        """The points; a day on which an equality of its stretch lacks one member only gives that member."""
        point = point.copy()
        for stretch, days in zip(self.territory.stretches, self.whole, strict=True):
            rows = self._rows(stretch.said)
            point[np.ix_(rows, days)] = closed(stretch.said, point[np.ix_(rows, days)])
        return point

    def broken(self, point: FloatArray, binding: Set[Identity] = frozenset()) -> set[Identity]:
        """Identities that the points break, and those of members whose points break a report, a bound, or are missing.

        binding : those that the path was found under, so that it has looked at all their reports.
        """
        broken: set[Identity] = set()
        missed, unequal = self._against_reports(point)
        wrong = {name for name, _, _ in missed} | self._outside(point)
        for stretch, days in zip(self.territory.stretches, self.whole, strict=True):
            if stretch.clashes is None:
                continue
            unseen = _unseen(stretch)
            for identity in stretch.said.identities:
                total = self._sum_of(identity, point[:, days])
                apart = np.any(total > 0) or (identity.sense == "=" and np.any(total < 0))
                ask = wrong if identity in binding else wrong | unseen
                if ask & set(identity.series) or (apart and not identity.identical_windows):
                    broken.add(identity)
        return broken | {identity for identity, _ in unequal}

    def beside(self, identities: Set[Identity]) -> set[Identity]:
        """All identities of the stretches in which some of these hold."""
        stretches = [s for s in self.territory.stretches if s.clashes is not None]
        return {k for s in stretches if identities & set(s.said.identities) for k in s.said.identities}

    def _sum_of(self, identity: Identity, point: FloatArray) -> FloatArray:
        """Left side of an identity, by day; NaN where a member has no point."""
        rows = [self.position[name] for name in identity.series]
        return np.asarray(np.array([c for _, c in identity.terms], dtype=np.float64) @ point[rows])

    def _against_reports(
        self, point: FloatArray
    ) -> tuple[list[tuple[str, int, int]], list[tuple[Identity, tuple[int, int]]]]:
        """Windows of whole days whose points miss a report, and identities broken over a window their members share."""
        starts = self.days.starts
        sums: dict[tuple[str, int, int], float] = {}
        missed: list[tuple[str, int, int]] = []
        for name, m in self.position.items():
            s = self._kept(name)
            first, last = np.searchsorted(starts, s.start), np.searchsorted(starts, s.end)
            total = np.concatenate(([0.0], np.cumsum(point[m])))  # NaN from the first day without a point on
            for i in range(len(s)):
                a, b = int(first[i]), int(last[i])
                if starts[a] != s.start[i] or starts[b] != s.end[i]:
                    continue
                value = total[b] - total[a] if np.isfinite(total[b]) else float(point[m, a:b].sum())
                sums[name, int(s.start[i]), int(s.end[i])] = value
                if value < s.lower[i] or value > s.upper[i]:
                    missed.append((name, int(s.start[i]), int(s.end[i])))
        unequal = [
            (identity, window)
            for stretch in self.territory.stretches
            for identity in stretch.said.identities
            if identity.identical_windows
            for window in shared_windows(stretch.said, identity)
            if sum(c * sums.get((name, *window), np.nan) for name, c in identity.terms) > 0
        ]
        return missed, unequal

    def _kept(self, name: str) -> Statements:
        """The rows of a member that its path follows: those of its own explanation, in a stretch those of the stretch's."""
        rows = self.territory.statements[name]
        own = self.alone.get(name)
        kept = follows(rows, own.aside, own.loose) if own else follows(rows, frozenset(), frozenset())
        for stretch in self.territory.stretches:
            if stretch.clashes is not None and name in stretch.said.members:
                inside = rows.within([stretch.span])
                kept = np.where(inside, follows(rows, stretch.aside, stretch.loose), kept)
        return rows.take(kept)

    def _outside(self, point: FloatArray) -> set[str]:
        """Members with a point outside its bounds, or without one on a day of a report that has an upper bound now."""
        lower, upper = self.limits
        wrong = (point < lower) | (point > upper)
        known = np.zeros_like(wrong)
        for stretch, days in zip(self.territory.stretches, self.whole, strict=True):
            for name in stretch.said.members:
                if name in self.alone:
                    m = self.position[name]
                    lacking = np.isnan(point[m, days]) & np.isfinite(upper[m, days])
                    known[m, days] |= lacking & self._touched(name, days)
        return {name for name, m in self.position.items() if (wrong | known)[m].any()}

    def _touched(self, name: str, days: IntArray) -> BoolArray:
        """Whether some report of a single series covers the start of each day."""
        s, starts = self.alone[name].reported.as_coded, self.days.starts
        first, last = np.searchsorted(starts, s.start, side="left"), np.searchsorted(starts, s.end, side="left")
        change = np.zeros(len(starts) + 1, dtype=np.int64)
        np.add.at(change, first, 1)
        np.add.at(change, last, -1)
        return np.asarray((np.cumsum(change) > 0)[days])

    def solve(self, group: Sequence[Identity], point: FloatArray) -> None:
        """Put the smoothest common path of the series of some identities into the points, where there is one."""
        names = tuple(sorted({name for identity in group for name in identity.series}))
        block = self._block(names, group, {name: self._kept(name) for name in names})
        if not len(block.statements):
            return
        try:
            self._put(block, point)
        except FAULTS as fault:
            self.fallbacks.append(self._told(block, reason_of(fault), "one path for all"))

    def _put(self, block: Block, point: FloatArray) -> None:
        """Find the path of a block and round it."""
        known = self._known(block)
        domain = self._domain(block, known)
        if domain is None:
            return
        path = smoothest(domain, self.days.starts, self.new_regime, self.tools.settings, self.tools.solver)
        self.fallbacks += path_fallbacks(path, self.days.starts)
        rounded = None
        if path.solution.accepted:
            rounded = self.tools.engines(block).round(domain.nodes, path.cumulative, self.tools.settings.rounding)
        self.unrounded[known.any(axis=0)] = path.solution.accepted and rounded is None
        at = np.clip(np.searchsorted(domain.nodes, self.days.starts), 0, len(domain.nodes) - 1)
        for k, name in enumerate(block.members):
            days = np.flatnonzero(known[k])
            flows = np.full(len(self.days), np.nan) if rounded is None else np.diff(rounded.cumulative[k, at])
            point[self.position[name], days] = flows[days]

    def _block(self, names: tuple[str, ...], group: Sequence[Identity], rows: Mapping[str, Statements]) -> Block:
        signed = {n: bool(s.said.signed[s.said.position(n)]) for s in self.territory.stretches for n in s.said.members}
        return Block(names, np.array([signed[n] for n in names]), tuple(group), gathered(rows, names))

    def _known(self, block: Block) -> BoolArray:
        """Members x days: wholly covered by statements and bounded on both sides, or fixed by the equalities then."""
        lower, upper = self.limits
        covered = np.zeros((len(block.members), len(self.days)), dtype=bool)
        starts = self.days.starts
        for m, name in enumerate(block.members):
            s = block.statements.take(block.statements.member == m)
            for start, end in union(list(zip(s.start.tolist(), s.end.tolist(), strict=True))):
                low, high = np.searchsorted(starts, start), np.searchsorted(starts, end, side="right") - 1
                covered[m, low : max(low, high)] = True
            k = self.position[name]
            covered[m] &= np.isfinite(lower[k]) & np.isfinite(upper[k])
        return closure(block, covered)

    def _domain(self, block: Block, known: BoolArray) -> Domain | None:
        """What the path of a block is found for: runs of known days of the members that have reports."""
        starts = self.days.starts
        runs: list[Run] = []
        for m in block.reported:
            stretched = {r.first: r for r in runs_of(block.statements, m, starts)}
            ending = {r.last: r for r in stretched.values()}
            for days in _neighbours(known[m]):
                first, last = int(days[0]), int(days[-1])
                begin = stretched[first].begin if first in stretched else int(starts[first])
                finish = ending[last].finish if last in ending else int(starts[last + 1])
                runs.append(Run(m, first, last, begin, finish))
        if not runs:
            return None
        places = [place for name in block.members for place in self.territory.spans[name]]
        first, last = min(a for a, _ in places), max(b for _, b in places)
        inside = starts[(starts >= first) & (starts <= last)]
        nodes = np.unique(np.concatenate((inside, block.nodes, [first, last])))
        return Domain(block, nodes, tuple(runs))

    def undisturbed(self, single: FloatArray, point: FloatArray) -> FloatArray:
        """The same points, with a series as it was by itself where only its rounding moved and all still fits."""
        near = np.nanmax(np.where(np.isnan(single) | np.isnan(point), 0.0, np.abs(single - point)), axis=1, initial=0.0)
        derived = np.array([name not in self.alone for name in self.territory.members])
        rows = (near <= _ROUNDING_ONLY) & (np.isnan(single) == np.isnan(point)).all(axis=1) & ~derived
        kept = np.where(derived[:, None], np.nan, point)
        kept[rows] = single[rows]
        kept = self.closed(kept)
        complete = (np.isnan(kept) == np.isnan(point)).all()
        return kept if complete and not self.broken(kept) else point

    def fitting(self, point: FloatArray) -> FloatArray:
        """The points without the days on which some point is outside its bounds or breaks an identity or a report."""
        lower, upper = self.limits
        days: BoolArray = np.asarray(((point < lower) | (point > upper)).any(axis=0))
        for stretch, whole in zip(self.territory.stretches, self.whole, strict=True):
            for identity in stretch.said.identities:
                if not identity.identical_windows:
                    total = self._sum_of(identity, point[:, whole])
                    days[whole] |= (total > 0) | ((identity.sense == "=") & (total < 0))
        missed, unequal = self._against_reports(point)
        starts = self.days.starts[:-1]
        for start, end in [(a, b) for _, a, b in missed] + [window for _, window in unequal]:
            days |= (starts >= start) & (starts < end)
        self.pointless |= days
        lost = days if days.any() else self.unrounded
        if lost.any():
            block = self.territory.stretches[0].said
            first, last = int(np.flatnonzero(lost)[0]), int(np.flatnonzero(lost)[-1])
            told = self._told(block, "no common path in whole numbers", "one path that keeps every report and identity")
            self.fallbacks.append(
                replace(
                    told, start=int(self.days.starts[first]), end=int(self.days.starts[last + 1]),
                    message="tied series have no common path in whole numbers; the days on which one breaks an identity"
                    " have bounds and no point",
                )
            )  # fmt: skip
        return np.where(days, np.nan, point)

    def _told(self, block: Block, observed: str, expected: str) -> Fallback:
        names = tuple(block.members[m] for m in block.reported)
        message = f"tied series have no common path ({observed}); their points are those of each by itself, or none"
        return Fallback(
            "whole persons", names, block.start, block.end, observed, expected, message, tuple(sorted(block.report_ids))
        )


def _unseen(stretch: Stretch) -> set[str]:
    """Series that may be negative with a report not of whole days: the points of single series have not looked at it."""
    s, midnights = stretch.said.statements, stretch.days.starts
    partly = ~np.isin(s.start, midnights) | ~np.isin(s.end, midnights)
    return {stretch.said.members[int(m)] for m in s.member[partly & stretch.said.signed[s.member]]}


def _neighbours(flags: BoolArray) -> list[IntArray]:
    """Positions of the true flags, split into runs of neighbours."""
    places = np.flatnonzero(flags)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)]
