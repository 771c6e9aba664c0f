"""One block with now these, now those reports set aside: bags that come out as before are not solved again.

In: the graph of a block and rows to set aside. Out: whether the rest agrees, and the hull of many distances over many
such choices, with the rows on the paths that attain it. What a bag yields follows from its own rows and from what its
neighbours tell it, so far from the rows set aside nothing changes (method.md 4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from transforms.estimator.engine import Infeasible
from transforms.estimator.engines.difference.graph import Bags, Graph, Layout, Paths, path_rows
from transforms.estimator.statements import BoolArray, FloatArray, IntArray

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Told:
    """What a bag tells a neighbour; equal messages have equal numbers. No message: the bag has a conflict."""

    number: int
    message: FloatArray | None
    paths: Paths | None = None


@dataclass(frozen=True, eq=False)
class _Solved:
    """A bag between its neighbours: what it tells the one before, its paths, and the distances asked for in it."""

    told: _Told
    paths: Paths
    ahead: FloatArray
    back: FloatArray


_NOTHING = _Told(-1, None)


class Family:
    """All choices of rows to set aside of one block.

    Parameters
    ----------
    graph : what to solve. n_rows : of the block. bags : how long it is cut.
    left, right : pairs of local nodes, left < right, whose distances both ways will be asked for.
    """

    def __init__(self, graph: Graph, n_rows: int, bags: Bags, left: IntArray = _NONE, right: IntArray = _NONE) -> None:
        self.layout = Layout(graph, left, right, bags, lightest=False)
        self.left, self.right, self.n_rows = left, right, n_rows
        label = self.layout.edges.label
        self.rows = [np.unique(label[own][label[own] >= 0]) for own in self.layout.by_bag]
        self._numbers: dict[Hashable, int] = {}
        self._onwards: dict[Hashable, _Told] = {}
        self._solved: dict[Hashable, _Solved] = {}

    def _told(self, message: FloatArray, paths: Paths) -> _Told:
        return _Told(self._numbers.setdefault((message.shape, message.tobytes()), len(self._numbers)), message, paths)

    def _own(self, j: int, aside: BoolArray) -> NDArray[np.intp]:
        own = self.layout.by_bag[j]
        label = self.layout.edges.label[own]
        return own[(label < 0) | ~aside[label]]

    def _forward(self, aside: BoolArray, upto: int) -> list[_Told] | None:
        """What each bag up to one tells the next; None where some bag has a conflict."""
        found = [_NOTHING]
        for j in range(upto):
            key = j, aside[self.rows[j]].tobytes(), found[-1].number
            if key not in self._onwards:
                self._onwards[key] = self._solve_onwards(j, aside, found[-1])
            found.append(self._onwards[key])
            if found[-1].paths is None:
                return None
        return found

    def _solve_onwards(self, j: int, aside: BoolArray, before: _Told) -> _Told:
        layout = self.layout
        sources = layout.separators[j + 1] if j < layout.last else layout.separators[j]
        try:
            distance, paths = layout.solve(j, self._own(j, aside), sources, before.message, None)
        except Infeasible:
            return _NOTHING
        return self._told(layout.onwards(distance, paths) if j < layout.last else distance[:0], paths)

    def agrees(self, aside: BoolArray) -> bool:
        """Whether there is no negative cycle without some rows."""
        return self._forward(aside, self.layout.last + 1) is not None

    @cached_property
    def inside(self) -> list[NDArray[np.intp]]:
        """Pairs that are answered in each bag."""
        cuts = self.layout.cuts
        some = self.right > self.left
        return [
            np.flatnonzero(some & (self.right > cuts[j]) & (self.right <= cuts[j + 1])) for j in range(len(cuts) - 1)
        ]

    def solved(self, aside: BoolArray) -> Choice:
        """Distances without some rows; raises Infeasible."""
        layout = self.layout
        before = self._forward(aside, layout.last)
        if before is None:
            raise Infeasible
        after, bags = _NOTHING, []
        for j in range(layout.last, -1, -1):
            key = j, aside[self.rows[j]].tobytes(), before[j].number, after.number
            if key not in self._solved:
                self._solved[key] = self._solve(j, aside, before[j], after)
            bags.append(self._solved[key])
            after = bags[-1].told
        return Choice(self, [told.paths for told in before[1:] if told.paths is not None], bags[::-1])

    def _solve(self, j: int, aside: BoolArray, before: _Told, after: _Told) -> _Solved:
        layout, inside = self.layout, self.inside[j]
        distance, paths = layout.solve(j, self._own(j, aside), None, before.message, after.message)
        told = self._told(*layout.backwards(distance, paths))
        u, v = np.searchsorted(paths.nodes, self.left[inside]), np.searchsorted(paths.nodes, self.right[inside])
        return _Solved(told, paths, np.floor(distance[u, v] / layout.scale), np.floor(distance[v, u] / layout.scale))


@dataclass(frozen=True, eq=False)
class Choice:
    """A block without some rows: the distances asked for, and the rows on their paths."""

    family: Family
    forward: list[Paths]
    bags: list[_Solved]

    def lengths(self, of: Callable[[_Solved], FloatArray]) -> FloatArray:
        """Distances of all pairs one way."""
        found = np.zeros(len(self.family.left))
        for inside, bag in zip(self.family.inside, self.bags, strict=True):
            found[inside] = of(bag)
        return found

    def rows(self, pair: int, *, ahead: bool) -> list[tuple[int, bool]]:
        """Rows on the shortest path of a pair, in path order, and whether by the upper end."""
        u, v = int(self.family.left[pair]), int(self.family.right[pair])
        bag = self.bags[int(np.searchsorted(self.family.layout.cuts, v, side="left")) - 1]
        later = {b.paths.bag: b.told.paths for b in self.bags if b.told.paths is not None}
        return path_rows(bag.paths, u if ahead else v, v if ahead else u, self.forward, later)


def lengths_of(choices: Sequence[Choice], of: Callable[[_Solved], FloatArray]) -> FloatArray:
    """Distances of every pair under every choice: choices x pairs."""
    return np.array([choice.lengths(of) for choice in choices])
