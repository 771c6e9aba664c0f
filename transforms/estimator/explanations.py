"""Which reports may be wrong where reports clash: the cheapest minimal sets whose removal lets the rest agree.

In: the blocks of a group that does not agree, and the engines. Out: clusters of clashes, each with its admitted
correction sets and the one that leads. A unit is all rows of one origin; its cost follows from its best tier, and a set is
admitted while it costs at most `slack` more than the cheapest. Knows no engine (method.md 4.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import combinations, product
from math import prod

import numpy as np

from transforms.estimator.conflicts import agree
from transforms.estimator.engine import Engines
from transforms.estimator.system import Block


@dataclass(frozen=True)
class Costs:
    """What it costs to hold a report wrong, and how far from the cheapest explanation others are admitted.

    Attributes
    ----------
    of_tier : whole numbers by tier, about minus the logarithm of the odds of an error. slack : of the cheapest.
    searches : conflict searches in one group, beyond which nothing is explained. products : combinations of clusters
        that are tested as such. scenarios : combinations that are solved as such.
    """

    of_tier: tuple[int, ...] = (6, 4, 3, 2)
    slack: int = 3
    searches: int = 3_000
    products: int = 256
    scenarios: int = 64

    def of(self, tier: int) -> int:
        """Cost of a unit by its best tier."""
        return self.of_tier[min(max(tier, 1), len(self.of_tier)) - 1]


class TooManyAlternatives(Exception):
    """The search for explanations grew beyond what is declared."""


@dataclass(frozen=True)
class Correction:
    """A minimal set of origins whose removal lets the rest agree.

    Attributes
    ----------
    origins, report_ids : sorted. cost : sum over the origins. tier : best tier among them. length : seconds of all
        their windows.
    """

    origins: tuple[str, ...]
    report_ids: tuple[str, ...]
    cost: int
    tier: int
    length: int


@dataclass(frozen=True)
class Cluster:
    """Clashes that share origins, and the admitted corrections of them, the leading one first."""

    corrections: tuple[Correction, ...]

    @property
    def leading(self) -> Correction:
        """The explanation that the estimate follows."""
        return self.corrections[0]

    @property
    def report_ids(self) -> frozenset[str]:
        """Every report that some admitted correction sets aside."""
        return frozenset(i for c in self.corrections for i in c.report_ids)

    def led_by(self, correction: Correction) -> Cluster:
        """The same cluster, following another of its corrections."""
        return Cluster((correction, *(c for c in self.corrections if c != correction)))


@dataclass(frozen=True)
class Explained:
    """What may be wrong in a group.

    Attributes
    ----------
    blocks : those of the group. clusters : each with its own list; a choice from each lets the rest agree.
    unprotected : decisions that protect reports had to be dropped, because only protected ones clash.
    too_many : the search grew too large; nothing is known then.
    """

    blocks: tuple[Block, ...]
    clusters: tuple[Cluster, ...]
    unprotected: bool = False
    too_many: bool = False

    @property
    def leading(self) -> frozenset[str]:
        """Reports that the estimate sets aside."""
        return frozenset(i for cluster in self.clusters for i in cluster.leading.report_ids)

    @property
    def unknown(self) -> frozenset[str]:
        """Reports of a group that nothing explains: no path follows them."""
        return frozenset(i for b in self.blocks for i in b.report_ids) if self.too_many else frozenset()

    @property
    def contested(self) -> frozenset[str]:
        """Reports that some admitted correction sets aside."""
        return frozenset().union(*(cluster.report_ids for cluster in self.clusters))

    def scenarios(self, costs: Costs) -> list[frozenset[str]]:
        """Sets of reports to set aside so that their hull is valid, the leading one first.

        Every combination where these are few; else each correction with all admitted ones of the other clusters.
        """
        if prod(len(c.corrections) for c in self.clusters) <= costs.scenarios:
            return [
                frozenset(i for correction in chosen for i in correction.report_ids)
                for chosen in product(*(c.corrections for c in self.clusters))
            ]
        found = [self.leading]
        for cluster in self.clusters:
            others = frozenset().union(*(c.report_ids for c in self.clusters if c is not cluster))
            found += [frozenset(correction.report_ids) | others for correction in cluster.corrections]
        return found

    def led_by(self, number: int, correction: Correction) -> Explained:
        """The same, one cluster following another of its corrections."""
        clusters = [c.led_by(correction) if k == number else c for k, c in enumerate(self.clusters)]
        return Explained(self.blocks, tuple(clusters), self.unprotected)


def set_aside(explained: Iterable[Explained]) -> frozenset[str]:
    """Reports that no path follows: those of the leading explanations, and of groups that nothing explains."""
    return frozenset().union(*(e.leading | e.unknown for e in explained))


def contested(explained: Iterable[Explained]) -> frozenset[str]:
    """Reports that some admitted explanation sets aside, and those of groups that nothing explains."""
    return frozenset().union(*(e.contested | e.unknown for e in explained))


def explain(blocks: Sequence[Block], engines: Engines, protected: frozenset[str], costs: Costs) -> Explained:
    """The admitted corrections of a group that does not agree; `protected` are reports a decision prefers."""
    group = _Group(tuple(blocks), engines, costs, protected)
    try:
        return Explained(group.blocks, group.clusters(), group.unprotected)
    except TooManyAlternatives:
        return Explained(group.blocks, (), too_many=True)


@dataclass
class _Unit:
    """All rows of one origin."""

    report_ids: set[str] = field(default_factory=set)
    tier: int = 9
    length: int = 0


class _Group:
    def __init__(self, blocks: tuple[Block, ...], engines: Engines, costs: Costs, protected: frozenset[str]) -> None:
        self.blocks, self.engines, self.costs = blocks, engines, costs
        self.units: dict[str, _Unit] = {}
        self.of_block: list[frozenset[str]] = []
        self._asked = [engines(block) for block in blocks]
        for block in blocks:
            s = block.statements
            self.of_block.append(frozenset(map(str, s.origin_id)))
            for origin, report_id, tier, length in zip(s.origin_id, s.report_id, s.tier, s.end - s.start, strict=True):
                unit = self.units.setdefault(str(origin), _Unit())
                unit.report_ids.add(str(report_id))
                unit.tier = min(unit.tier, int(tier))
                unit.length += int(length)
        self._place = {origin: k for k, origin in enumerate(self.units)}
        self._origin = [np.array([self._place[str(o)] for o in b.statements.origin_id]) for b in blocks]
        self.protected = frozenset(o for o, unit in self.units.items() if unit.report_ids & protected)
        self.unprotected = False
        self.searches = 0
        self._agree: set[tuple[int, frozenset[str]]] = set()
        self._clashing: list[list[frozenset[str]]] = [[] for _ in blocks]  # a set stays one, whatever else is set aside

    def conflict(self, aside: frozenset[str]) -> frozenset[str] | None:
        """Origins that cannot all hold once some are set aside: an irreducible set of them, or None."""
        for number in range(len(self.blocks)):
            mine = aside & self.of_block[number]
            if (number, mine) in self._agree:
                continue
            found = next((k for k in self._clashing[number] if not k & mine), None) or self._search(number, mine)
            if found is None:
                self._agree.add((number, mine))
                continue
            if found not in self._clashing[number]:
                self._clashing[number].append(found)
            return found
        return None

    def _search(self, number: int, aside: frozenset[str]) -> frozenset[str] | None:
        chosen = np.zeros(len(self.units), dtype=bool)
        chosen[[self._place[o] for o in aside]] = True
        if self._asked[number].agrees(chosen[self._origin[number]]):
            return None
        for part in _without(self.blocks[number], aside).blocks():
            engine = self.engines(part)
            if engine.feasible():
                continue
            self.searches += 1
            if self.searches > self.costs.searches:
                raise TooManyAlternatives
            s = part.statements
            origin = {str(i): str(o) for i, o in zip(s.report_id, s.origin_id, strict=True)}
            kept = sorted({origin[i] for i in engine.suspects()[0]})
            for unit in list(kept):
                fewer = [k for k in kept if k != unit]
                if fewer and not agree(part.take(np.isin(s.origin_id, np.array(fewer, dtype=object))), self.engines):
                    kept = fewer
            return frozenset(kept)
        return None

    def admitted(self, base: frozenset[str], protected: frozenset[str]) -> list[frozenset[str]]:
        """Minimal correction sets once `base` is set aside, from the cheapest on; best first, so that it is complete."""
        heap: list[tuple[int, int, tuple[str, ...]]] = [(0, 0, ())]
        seen: set[tuple[str, ...]] = {()}
        found: list[frozenset[str]] = []
        least = None
        while heap:
            cost, size, chosen = heappop(heap)
            if least is not None and cost > least + self.costs.slack:
                break
            if any(f <= set(chosen) for f in found):
                continue
            clash = self.conflict(base | frozenset(chosen))
            if clash is None:
                found.append(frozenset(chosen))
                least = cost if least is None else least
                continue
            for unit in sorted(clash - protected):
                more = tuple(sorted((*chosen, unit)))
                if more not in seen:
                    seen.add(more)
                    heappush(heap, (cost + self.costs.of(self.units[unit].tier), size + 1, more))
        return found

    def _list(self, base: frozenset[str]) -> list[frozenset[str]]:
        found = self.admitted(base, self.protected)
        if not found:
            self.unprotected = True
            found = self.admitted(base, frozenset())
        return found

    def clusters(self) -> tuple[Cluster, ...]:
        """Clashes apart as long as they share no origin and every choice from their lists lets the rest agree, by report id."""
        parts: list[frozenset[str]] = []
        taken: frozenset[str] = frozenset()
        while (clash := self.conflict(taken)) is not None:
            parts.append(clash)
            taken |= clash
        while True:
            lists = [self._list(frozenset().union(*parts) - part) for part in parts]
            merged = self._merged(parts, lists)
            if merged is None:
                found = [self._cluster(sets) for own in lists for sets in _factors(own)]
                return tuple(sorted(found, key=lambda c: sorted(c.report_ids)))
            parts = merged

    def _merged(self, parts: list[frozenset[str]], lists: list[list[frozenset[str]]]) -> list[frozenset[str]] | None:
        """The parts with those joined that are not independent; None where all are."""
        reach = [part.union(*sets) for part, sets in zip(parts, lists, strict=True)]
        touched = [frozenset().union(*sets) for sets in lists]
        for i, j in combinations(range(len(parts)), 2):
            if touched[i] & touched[j]:
                return _joined(parts, {i, j})
        for chosen in self._combinations(lists, touched):
            clash = self.conflict(chosen)
            if clash is not None:
                near = {k for k, units in enumerate(reach) if units & clash}
                return _joined(parts, near if len(near) > 1 else set(range(len(parts))))
        return None

    def _combinations(
        self, lists: list[list[frozenset[str]]], touched: list[frozenset[str]]
    ) -> Iterator[frozenset[str]]:
        """Choices to test: all where they are few, else each pair with everything of the others set aside."""
        if len(lists) < 2:
            return
        if prod(map(len, lists)) <= self.costs.products:
            yield from (frozenset().union(*chosen) for chosen in product(*lists))
            return
        for i, j in combinations(range(len(lists)), 2):
            rest = frozenset().union(*(units for k, units in enumerate(touched) if k not in (i, j)))
            yield from (a | b | rest for a in lists[i] for b in lists[j])

    def _cluster(self, sets: list[frozenset[str]]) -> Cluster:
        corrections = []
        for units in sets:
            mine = [self.units[u] for u in units]
            corrections.append(
                Correction(
                    tuple(sorted(units)),
                    tuple(sorted(i for unit in mine for i in unit.report_ids)),
                    sum(self.costs.of(unit.tier) for unit in mine),
                    min(unit.tier for unit in mine),
                    sum(unit.length for unit in mine),
                )
            )
        # Keep better tiers, and single days before long windows; of equals the last ids give way.
        corrections.sort(key=lambda c: c.report_ids, reverse=True)
        return Cluster(tuple(sorted(corrections, key=lambda c: (c.cost, -c.tier, -c.length, len(c.report_ids)))))


def _factors(sets: list[frozenset[str]]) -> list[list[frozenset[str]]]:
    """A list of corrections, apart from each unit that stands in all of them: these are wrong whatever else is."""
    common = frozenset.intersection(*sets)
    rest = [s - common for s in sets if s - common]
    return [*([frozenset({unit})] for unit in sorted(common)), *([rest] if rest else [])]


def _without(block: Block, origins: frozenset[str]) -> Block:
    return block.take(~np.isin(block.statements.origin_id, np.array(sorted(origins), dtype=object)))


def _joined(parts: list[frozenset[str]], together: set[int]) -> list[frozenset[str]]:
    apart = [part for k, part in enumerate(parts) if k not in together]
    return [*apart, frozenset().union(*(parts[k] for k in together))]
