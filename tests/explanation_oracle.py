"""Which reports may be wrong, by trying every subset: an oracle for explanations that knows nothing of the product's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations

from tied_systems import Flows, System, flow_range, outwards

COST = {1: 6, 2: 4, 3: 3, 4: 2}
SLACK = 3


class Subsets:
    """A small system of reports, its units, and what is left of it when some are set aside.

    origin : report id -> statement behind it; a report without one stands for itself.
    """

    def __init__(self, system: System, origin: Mapping[str, str] | None = None) -> None:
        self.system = system
        self.of: dict[str, set[str]] = {}
        tier: dict[str, int] = {}
        for rows in system.members.values():
            for row in rows:
                unit = (origin or {}).get(row[4], row[4])
                self.of.setdefault(unit, set()).add(row[4])
                tier[unit] = min(tier.get(unit, 4), row[5])
        self.cost = {unit: COST[t] for unit, t in tier.items()}
        self.agrees = cache(self._agrees)

    def total(self, units: Iterable[str]) -> int:
        return sum(self.cost[u] for u in units)

    def without(self, units: Iterable[str]) -> System:
        """The system with some units set aside."""
        gone = set(units)
        return self.system.only({i for unit, ids in self.of.items() if unit not in gone for i in ids})

    def _agrees(self, aside: frozenset[str]) -> bool:
        return Flows(self.without(aside)).agrees()

    def corrections(self) -> set[frozenset[str]]:
        """Every minimal set whose removal lets the rest agree."""
        found: list[frozenset[str]] = []
        for size in range(len(self.of) + 1):
            for chosen in map(frozenset, combinations(sorted(self.of), size)):
                if not any(f <= chosen for f in found) and self.agrees(chosen):
                    found.append(chosen)
        return set(found)

    def ranges(self, asides: Iterable[frozenset[str]], series: str, start: int, end: int) -> list[tuple[float, float]]:
        """Least and greatest flow once each of some sets is set aside, in whole crossings outwards."""
        return [outwards(flow_range(self.without(aside), series, start, end)) for aside in asides]


def hull(ranges: list[tuple[float, float]]) -> tuple[float, float]:
    """The smallest lower and the largest upper end."""
    return min(low for low, _ in ranges), max(high for _, high in ranges)
