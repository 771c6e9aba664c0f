"""Difference constraints as a graph, and all the distances that bounds need in time linear in the days.

In: a block of one series. Out: its graph (node instants, weighted edges) and a sweep that yields exact shortest-path
distances bag by bag. The graph is the one of method.md 4.2, condensed to the ends of windows: an instant
inside an elementary segment has only an edge back in time, so every path from or to it passes the end of a window.
Long blocks are cut into bags at small vertex separators (the starts of the windows that straddle a cut); distances
among a separator travel as messages, first forward, then back (dynamic programming on a path decomposition, as in
partial path consistency of simple temporal networks), and each bag is solved by compiled Johnson.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import NegativeCycleError, johnson

from crossings.errors import CrossingsError
from transforms.estimator.engine import Infeasible
from transforms.estimator.statements import FloatArray, IntArray
from transforms.estimator.system import Block

_EXACT = float(2**53)

NON_NEGATIVE, FORWARD, BACKWARD = -1, -2, -3  # labels of edges that are no report row


@dataclass(frozen=True)
class Bags:
    """How long blocks are cut.

    Attributes
    ----------
    whole : blocks up to this many nodes are solved at once; the measured optimum is flat between 100 and 250.
    least, most : a cut is looked for between these many nodes after the one before.
    separator : a separator larger than this costs more than a larger bag.
    """

    whole: int = 160
    least: int = 64
    most: int = 160
    separator: int = 96


class FiguresTooLarge(CrossingsError):
    """Figures so large that whole numbers are no longer exact in double precision."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Weighted edges of one block between local node numbers; label = row of the block, or a negative code."""

    src: IntArray
    dst: IntArray
    weight: FloatArray
    label: IntArray

    def lightest(self, n: int) -> Edges:
        """One edge for each pair of nodes: the lightest, ties to the smallest label; sorted by pair."""
        order = np.lexsort((self.label, self.weight, self.src * n + self.dst))
        pair = (self.src * n + self.dst)[order]
        keep = order[np.concatenate(([True], pair[1:] != pair[:-1]))] if len(order) else order
        return Edges(self.src[keep], self.dst[keep], self.weight[keep], self.label[keep])


@dataclass(frozen=True, eq=False)
class Graph:
    """A block of one series: the instants at which a window starts or ends, sorted, and the edges between them.

    Report edges are labelled by their row; the others lead back in time with weight 0 and keep flows non-negative.
    """

    nodes: IntArray
    edges: Edges

    @classmethod
    def of(cls, block: Block) -> Self:
        """The graph of a block."""
        s, nodes = block.statements, block.nodes
        a, b = np.searchsorted(nodes, s.start), np.searchsorted(nodes, s.end)
        above, below = np.flatnonzero(np.isfinite(s.upper)), np.flatnonzero(s.lower > 0)
        back = np.arange(1, len(nodes))
        edges = Edges(
            np.concatenate((a[above], b[below], back)).astype(np.int64),
            np.concatenate((b[above], a[below], back - 1)).astype(np.int64),
            np.concatenate((s.upper[above], -s.lower[below], np.zeros(len(back)))),
            np.concatenate((above, below, np.full(len(back), NON_NEGATIVE))).astype(np.int64),
        )
        return cls(nodes, edges)


def report_scale(graph: Graph) -> float:
    """Power of two by which weights are multiplied so that, among shortest paths, the one with fewest reports wins.

    Each report edge then weighs one more. Raises FiguresTooLarge where even unscaled sums would not be exact.
    """
    total = float(np.abs(graph.edges.weight).sum()) + 1.0
    scale = float(1 << int(len(graph.nodes) + 1).bit_length())
    if total * scale < _EXACT:
        return scale
    if total < _EXACT:
        return 1.0
    raise FiguresTooLarge(
        f"the figures of one series add up to {total:.3g}, beyond what is exact", "check the figures or their unit"
    )


@dataclass(frozen=True, eq=False)
class Paths:
    """Predecessors of the shortest paths in the graph of one bag, from some of its nodes; labels of its edges."""

    nodes: IntArray
    sources: IntArray
    pred: NDArray[np.int32]
    edges: Edges
    bag: int


@dataclass(frozen=True, eq=False)
class Bag:
    """Exact distances between all nodes of one bag, as the sweep yields them, the latest bag first.

    Attributes
    ----------
    nodes : local numbers of the block's nodes that are in the bag, sorted.
    settled : positions in `nodes` of those that a later bag has yielded already (the separator).
    low : first node that belongs to this bag alone; pairs that end after it are answered here.
    distance : float64, shortest-path length from row to column; inf = no path.
    """

    nodes: IntArray
    settled: IntArray
    low: int
    distance: FloatArray
    paths: Paths


class Layout:
    """How a block is cut into bags, each ready to be solved with what its neighbours say.

    Parameters
    ----------
    graph : what to solve.
    left, right : pairs of local nodes, left < right, whose distances (both ways) will be asked for; they are kept in
        one bag. Edges need not be listed.
    bags : how long blocks are cut.
    lightest : whether edges that a lighter one makes idle are left out; not where edges will be taken away.
    """

    def __init__(self, graph: Graph, left: IntArray, right: IntArray, bags: Bags, *, lightest: bool = True) -> None:
        n = len(graph.nodes)
        self.scale = report_scale(graph)
        e = graph.edges
        weight = e.weight * self.scale + (e.label >= 0 if self.scale > 1 else 0.0)
        edges = Edges(e.src, e.dst, weight, e.label)
        self.edges = edges.lightest(n) if lightest else edges
        lows = np.concatenate((np.minimum(self.edges.src, self.edges.dst), left))
        highs = np.concatenate((np.maximum(self.edges.src, self.edges.dst), right))
        reach = np.arange(n)
        np.maximum.at(reach, lows, highs)
        self.cuts = _cuts(reach, bags)
        self.separators = [
            np.append(np.flatnonzero(reach[:p] > p), p) if p else np.zeros(1, dtype=np.int64) for p in self.cuts[:-1]
        ]
        self.owner = np.searchsorted(self.cuts, np.maximum(self.edges.src, self.edges.dst), side="left") - 1
        self.by_bag = np.split(
            np.argsort(self.owner, kind="stable"),
            np.cumsum(np.bincount(self.owner, minlength=len(self.cuts) - 1))[:-1],
        )

    @property
    def last(self) -> int:
        """Number of the last bag."""
        return len(self.cuts) - 2

    def solve(
        self,
        j: int,
        own: NDArray[np.intp],
        sources: IntArray | None,
        earlier: FloatArray | None,
        later: FloatArray | None,
    ) -> tuple[FloatArray, Paths]:
        """Distances in one bag with some of its edges and the messages of its neighbours; raises Infeasible."""
        nodes = np.concatenate((self.separators[j], np.arange(self.cuts[j] + 1, self.cuts[j + 1] + 1)))
        parts = [
            (
                np.searchsorted(nodes, self.edges.src[own]),
                np.searchsorted(nodes, self.edges.dst[own]),
                self.edges.weight[own],
                self.edges.label[own],
            )
        ]
        if earlier is not None:
            parts.append(_message(nodes, self.separators[j], earlier, FORWARD))
        if later is not None:
            parts.append(_message(nodes, self.separators[j + 1], later, BACKWARD))
        src, dst, weight, label = (np.concatenate(column) for column in zip(*parts, strict=True))
        n = len(nodes)
        # A report or a flow that cannot be negative is a plainer reason than a message, so messages come last in ties.
        edges = Edges(src, dst, weight, np.where(label <= FORWARD, np.iinfo(np.int64).max + label, label)).lightest(n)
        label = np.where(edges.label > 2**62, edges.label - np.iinfo(np.int64).max, edges.label)
        edges = Edges(edges.src, edges.dst, edges.weight, label)
        starts = np.searchsorted(edges.src, np.arange(n + 1))
        graph = sparse.csr_matrix((edges.weight, edges.dst.astype(np.int32), starts.astype(np.int32)), shape=(n, n))
        asked = np.arange(n) if sources is None else np.searchsorted(nodes, sources)
        try:
            result: Any = johnson(graph, directed=True, indices=asked, return_predecessors=True)
        except NegativeCycleError as fault:
            raise Infeasible from fault
        return np.asarray(result[0]), Paths(nodes, nodes[asked], np.asarray(result[1]), edges, j)

    def onwards(self, distance: FloatArray, paths: Paths) -> FloatArray:
        """What a bag, solved from its separator, tells the next one."""
        return distance[:, np.searchsorted(paths.nodes, self.separators[paths.bag + 1])]

    def backwards(self, distance: FloatArray, paths: Paths) -> tuple[FloatArray, Paths]:
        """What a bag, solved from all its nodes, tells the one before, and the paths behind it."""
        separator = np.searchsorted(paths.nodes, self.separators[paths.bag])
        known = Paths(paths.nodes, self.separators[paths.bag], paths.pred[separator], paths.edges, paths.bag)
        return distance[np.ix_(separator, separator)], known


class Sweep:
    """All distances of one block that lie within a bag, with the reports on their paths; parameters as in `Layout`."""

    def __init__(self, graph: Graph, left: IntArray, right: IntArray, bags: Bags) -> None:
        self.layout = Layout(graph, left, right, bags)
        self._forward: list[Paths] = []
        self._later: dict[int, Paths] = {}

    def __iter__(self) -> Iterator[Bag]:
        """Bags from the last to the first; raises Infeasible before the first one where the block has a conflict."""
        layout = self.layout
        messages: list[FloatArray | None] = [None]
        for j in range(layout.last):
            distance, paths = layout.solve(j, layout.by_bag[j], layout.separators[j + 1], messages[j], None)
            self._forward.append(paths)
            messages.append(layout.onwards(distance, paths))
        message: FloatArray | None = None
        for j in range(layout.last, -1, -1):
            distance, paths = layout.solve(j, layout.by_bag[j], None, messages[j], message)
            message, self._later[j] = layout.backwards(distance, paths)
            own = layout.separators[j + 1] if j < layout.last else layout.separators[j][:0]
            settled = np.searchsorted(paths.nodes, own)
            yield Bag(paths.nodes, settled, int(layout.cuts[j]), np.floor(distance / layout.scale), paths)

    def rows(self, paths: Paths, source: int, target: int) -> list[tuple[int, bool]]:
        """Rows on the shortest path between two local nodes of the bag, in path order, and whether by the upper end."""
        return path_rows(paths, source, target, self._forward, self._later)


def path_rows(
    paths: Paths, source: int, target: int, forward: Sequence[Paths], later: Mapping[int, Paths]
) -> list[tuple[int, bool]]:
    """Rows on a shortest path; `forward`, `later` : by bag, the paths behind what it told the next and the one before."""
    rows: list[tuple[int, bool]] = []
    todo = [iter(_walk(paths, source, target))]
    bags = [paths.bag]
    while todo:
        hop = next(todo[-1], None)
        if hop is None:
            todo.pop()
            bags.pop()
            continue
        u, v, label = hop
        if label >= 0:
            rows.append((label, v > u))
        elif label != NON_NEGATIVE:
            inner = forward[bags[-1] - 1] if label == FORWARD else later[bags[-1] + 1]
            todo.append(iter(_walk(inner, u, v)))
            bags.append(inner.bag)
    return rows


def _walk(paths: Paths, source: int, target: int) -> list[tuple[int, int, int]]:
    """Hops (from, to, label) of the shortest path between two nodes, in order."""
    row = paths.pred[int(np.searchsorted(paths.sources, source))]
    start, at = int(np.searchsorted(paths.nodes, source)), int(np.searchsorted(paths.nodes, target))
    pair = paths.edges.src * len(paths.nodes) + paths.edges.dst
    hops: list[tuple[int, int, int]] = []
    while at != start:
        before = int(row[at])
        label = int(paths.edges.label[int(np.searchsorted(pair, before * len(paths.nodes) + at))])
        hops.append((int(paths.nodes[before]), int(paths.nodes[at]), label))
        at = before
    return hops[::-1]


def _message(
    nodes: IntArray, separator: IntArray, distance: FloatArray, label: int
) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    s, t = np.nonzero(np.isfinite(distance) & ~np.eye(len(separator), dtype=bool))
    at = np.searchsorted(nodes, separator)
    return at[s], at[t], distance[s, t], np.full(len(s), label, dtype=np.int64)


def _cuts(reach: IntArray, bags: Bags) -> IntArray:
    """Nodes at which the block is cut into bags, with its first and last; reach[i] = furthest node tied to node i."""
    n = len(reach)
    if n <= bags.whole:
        return np.array([0, n - 1])
    wide = reach > np.arange(n) + 1
    first = np.flatnonzero(wide)
    change = np.bincount(first + 1, minlength=n + 1) - np.bincount(reach[first], minlength=n + 1)
    straddling = np.cumsum(change)[:n]
    cuts, at = [0], 0
    while n - 1 - at > bags.whole:
        low, high = at + bags.least, min(at + bags.most, n - 1)
        best = low + int(np.argmin(straddling[low:high]))
        while straddling[best] > bags.separator and high < n - 1:
            low, high = high, min(high + bags.most, n - 1)
            best = low + int(np.argmin(straddling[low:high]))
        if straddling[best] > bags.separator:
            break
        cuts.append(best)
        at = best
    return np.array([*cuts, n - 1])
