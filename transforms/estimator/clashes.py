"""Blocks with their clashes explained: which groups do not agree, what may be wrong in each, and bounds that allow for it.

In: the blocks of a series or of a stretch. Out: `Clashes`: conflicts by name, explanations, and `Bounded` (method.md
4.3, 4.4). Blocks that share an origin are explained together, because it is right or wrong as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from transforms.estimator.bounded import Agreed, Bounded, Contested, Nothing, Part
from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.explanations import Explained, explain
from transforms.estimator.results import Conflict, Fallback
from transforms.estimator.system import Block, sharing_origins
from transforms.estimator.tools import Tools


@dataclass(frozen=True, eq=False)
class Clashes:
    """What clashes among some blocks, and what is bounded all the same.

    Attributes
    ----------
    bounded : tightest bounds, the hull where reports clash. conflicts : irreducible sets, by name.
    explained : one a group that does not agree. fallbacks : searches that grew too large.
    """

    bounded: Bounded
    conflicts: tuple[Conflict, ...]
    explained: tuple[Explained, ...]
    fallbacks: tuple[Fallback, ...]

    @classmethod
    def of(cls, blocks: Sequence[Block], tools: Tools, signed: Sequence[bool] = (False,)) -> Clashes:
        """Look for clashes and explain them; blocks that agree cost one check. `signed` : of the members of each."""
        parts: list[Part] = []
        conflicts: list[Conflict] = []
        explained: list[Explained] = []
        fallbacks: list[Fallback] = []
        for group in sharing_origins(blocks):
            engines = [tools.engines(block) for block in group]
            if all(engine.feasible() for engine in engines):
                parts += [Agreed(engine) for engine in engines]
                continue
            conflicts += find_conflicts(group, tools.engines)
            found = explain(group, tools.engines, tools.protected, tools.costs)
            explained.append(found)
            if found.too_many:
                parts += [Nothing(block) for block in group]
                fallbacks.append(_too_many(group, tools))
                continue
            asides = tuple(tuple(sorted(a)) for a in found.scenarios(tools.costs))
            parts.append(Contested(tuple(group), asides, tools.engines))
        parts.sort(key=lambda part: part.spans[0])
        return cls(
            Bounded(tuple(parts), tuple(map(bool, signed))), tuple(conflicts), tuple(explained), tuple(fallbacks)
        )


def _too_many(group: Sequence[Block], tools: Tools) -> Fallback:
    start, end = min(b.start for b in group), max(b.end for b in group)
    members = group[0].members
    names = tuple(members[m] for m in sorted({m for b in group for m in b.reported}))
    ids = tuple(sorted({i for b in group for i in b.report_ids}))
    return Fallback(
        "conflicts", names, start, end, f"more than {tools.costs.searches:,} conflict searches", "every explanation",
        "too many explanations of the conflicts here; decide some of them first, until then nothing is bounded", ids,
    )  # fmt: skip
