"""Difference constraints as a graph: blocks, and all the distances that bounds need in time linear in the days.

In: interval statements as `Constraints`. Out: blocks (node instants, weighted edges) and a sweep that yields exact
shortest-path distances bag by bag. The graph is the one of method.md 4.2, condensed to the ends of windows: an instant
inside an elementary segment has only an edge back in time, so every path from or to it passes the end of a window.
Long blocks are cut into bags at small vertex separators (the starts of the windows that straddle a cut); distances
among a separator travel as messages, first forward, then back (dynamic programming on a path decomposition, as in
partial path consistency of simple temporal networks), and each bag is solved by compiled Johnson.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import NegativeCycleError, johnson

from crossings.errors import CrossingsError
from transforms.estimator.constraints import Constraints, FloatArray, IntArray

WHOLE_BAG = 160  # blocks up to this many nodes are solved at once; measured optimum is flat between 100 and 250
BAG_MIN, BAG_MAX = 64, 160  # a cut is looked for between these many nodes after the one before
SEPARATOR_MAX = 96  # a separator larger than this costs more than a larger bag
_EXACT = float(2**53)

NON_NEGATIVE, FORWARD, BACKWARD = -1, -2, -3  # labels of edges that are no report row


class FiguresTooLarge(CrossingsError):
    """Figures so large that whole numbers are no longer exact in double precision."""


class NotFeasible(Exception):
    """The block has a negative cycle: its reports contradict each other."""


@dataclass(frozen=True, eq=False)
class Edges:
    """Weighted edges of one block between local node numbers; label = row of the constraints, or a negative code."""

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
class Block:
    """A stretch of time whose inner instants are all straddled by some report.

    Attributes
    ----------
    nodes : UTC instants at which some window starts or ends, sorted.
    rows : rows of the constraints that lie in the block.
    edges : report edges (label = row) and the edges back in time of weight 0 that keep flows non-negative.
    """

    nodes: IntArray
    rows: NDArray[np.intp]
    edges: Edges


def canonical(constraints: Constraints) -> Constraints:
    """The constraints in an order that depends on their content alone, so that the order of input never matters."""
    c = constraints
    ids = np.array([str(i) for i in c.report_id], dtype=object)
    rank = np.unique(ids, return_inverse=True)[1] if len(c) else np.zeros(0, dtype=np.intp)
    return c.take(np.lexsort((c.sigma, c.tier, c.upper, c.lower, rank, c.end, c.start)))


def blocks(constraints: Constraints) -> list[Block]:
    """Blocks in time order, cut at every instant that no report straddles (method.md 4.2).

    Rows that state nothing (lower at most 0, no upper) are in no block.
    """
    c = constraints
    stated = np.flatnonzero((c.lower > 0) | np.isfinite(c.upper))
    if not len(stated):
        return []
    nodes = np.unique(np.concatenate((c.start[stated], c.end[stated])))
    a, b = np.searchsorted(nodes, c.start[stated]), np.searchsorted(nodes, c.end[stated])
    n = len(nodes)
    segment = np.cumsum(np.bincount(a, minlength=n) - np.bincount(b, minlength=n))[:-1] > 0
    straddled = np.cumsum(np.bincount(a + 1, minlength=n + 2)[: n + 1] - np.bincount(b, minlength=n + 1))[:n] > 0
    opens = np.flatnonzero(segment & ~straddled[:-1])
    cuts = np.flatnonzero(~straddled)
    closes = cuts[np.searchsorted(cuts, opens, side="right")]
    owner = np.searchsorted(opens, a, side="right") - 1
    order = np.argsort(owner, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(owner, minlength=len(opens)))[:-1])
    return [
        Block(nodes[i : j + 1], stated[rows], _edges(c, stated[rows], a[rows] - i, b[rows] - i, j - i + 1))
        for i, j, rows in zip(opens, closes, groups, strict=True)
    ]


def _edges(c: Constraints, rows: NDArray[np.intp], a: IntArray, b: IntArray, n: int) -> Edges:
    above, below = np.isfinite(c.upper[rows]), c.lower[rows] > 0
    back = np.arange(1, n)
    return Edges(
        np.concatenate((a[above], b[below], back)).astype(np.int64),
        np.concatenate((b[above], a[below], back - 1)).astype(np.int64),
        np.concatenate((c.upper[rows][above], -c.lower[rows][below], np.zeros(n - 1))),
        np.concatenate((rows[above], rows[below], np.full(n - 1, NON_NEGATIVE))).astype(np.int64),
    )


def report_scale(block: Block) -> float:
    """Power of two by which weights are multiplied so that, among shortest paths, the one with fewest reports wins.

    Each report edge then weighs one more. Raises FiguresTooLarge where even unscaled sums would not be exact.
    """
    total = float(np.abs(block.edges.weight).sum()) + 1.0
    scale = float(1 << int(len(block.nodes) + 1).bit_length())
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


class Sweep:
    """All distances of one block that lie within a bag, with the reports on their paths.

    Parameters
    ----------
    block : what to solve.
    left, right : pairs of local nodes, left < right, whose distances (both ways) will be asked for; they are kept in
        one bag. Edges need not be listed.
    """

    def __init__(self, block: Block, left: IntArray, right: IntArray) -> None:
        n = len(block.nodes)
        self.scale = report_scale(block)
        e = block.edges
        weight = e.weight * self.scale + (e.label >= 0 if self.scale > 1 else 0.0)
        self.edges = Edges(e.src, e.dst, weight, e.label).lightest(n)
        self.n = n
        lows = np.concatenate((np.minimum(self.edges.src, self.edges.dst), left))
        highs = np.concatenate((np.maximum(self.edges.src, self.edges.dst), right))
        reach = np.arange(n)
        np.maximum.at(reach, lows, highs)
        self.cuts = _cuts(reach)
        self.separators = [
            np.append(np.flatnonzero(reach[:p] > p), p) if p else np.zeros(1, dtype=np.int64) for p in self.cuts[:-1]
        ]
        self.owner = np.searchsorted(self.cuts, np.maximum(self.edges.src, self.edges.dst), side="left") - 1
        self.by_bag = np.split(
            np.argsort(self.owner, kind="stable"),
            np.cumsum(np.bincount(self.owner, minlength=len(self.cuts) - 1))[:-1],
        )
        self._forward: list[Paths] = []
        self._messages: list[FloatArray] = []
        self._later: dict[int, Paths] = {}

    def __iter__(self) -> Iterator[Bag]:
        """Bags from the last to the first; raises NotFeasible before the first one where the block has a conflict."""
        last = len(self.cuts) - 2
        for j in range(last):
            distance, paths = self._solve(j, self.separators[j + 1], None)
            self._forward.append(paths)
            self._messages.append(distance[:, np.searchsorted(paths.nodes, self.separators[j + 1])])
        message: FloatArray | None = None
        for j in range(last, -1, -1):
            distance, paths = self._solve(j, None, message)
            separator = np.searchsorted(paths.nodes, self.separators[j])
            message = distance[np.ix_(separator, separator)]
            settled = np.searchsorted(paths.nodes, self.separators[j + 1]) if j < last else separator[:0]
            self._later[j] = Paths(paths.nodes, self.separators[j], paths.pred[separator], paths.edges, j)
            yield Bag(paths.nodes, settled, int(self.cuts[j]), np.floor(distance / self.scale), paths)

    def _solve(self, j: int, sources: IntArray | None, later: FloatArray | None) -> tuple[FloatArray, Paths]:
        nodes = np.concatenate((self.separators[j], np.arange(self.cuts[j] + 1, self.cuts[j + 1] + 1)))
        own = self.by_bag[j]
        parts = [
            (
                np.searchsorted(nodes, self.edges.src[own]),
                np.searchsorted(nodes, self.edges.dst[own]),
                self.edges.weight[own],
                self.edges.label[own],
            )
        ]
        if j > 0:
            parts.append(_message(nodes, self.separators[j], self._messages[j - 1], FORWARD))
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
            raise NotFeasible from fault
        return np.asarray(result[0]), Paths(nodes, nodes[asked], np.asarray(result[1]), edges, j)

    def reports(self, paths: Paths, source: int, target: int) -> list[int]:
        """Rows of the constraints on the shortest path between two local nodes of the bag, in path order."""
        rows: list[int] = []
        todo = [(paths, iter(_walk(paths, source, target)))]
        while todo:
            where, hops = todo[-1]
            hop = next(hops, None)
            if hop is None:
                todo.pop()
                continue
            u, v, label = hop
            if label >= 0:
                rows.append(label)
            elif label != NON_NEGATIVE:
                inner = self._forward[where.bag - 1] if label == FORWARD else self._later[where.bag + 1]
                todo.append((inner, iter(_walk(inner, u, v))))
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


def _cuts(reach: IntArray) -> IntArray:
    """Nodes at which the block is cut into bags, with its first and last; reach[i] = furthest node tied to node i."""
    n = len(reach)
    if n <= WHOLE_BAG:
        return np.array([0, n - 1])
    wide = reach > np.arange(n) + 1
    first = np.flatnonzero(wide)
    change = np.bincount(first + 1, minlength=n + 1) - np.bincount(reach[first], minlength=n + 1)
    straddling = np.cumsum(change)[:n]
    cuts, at = [0], 0
    while n - 1 - at > WHOLE_BAG:
        low, high = at + BAG_MIN, min(at + BAG_MAX, n - 1)
        best = low + int(np.argmin(straddling[low:high]))
        while straddling[best] > SEPARATOR_MAX and high < n - 1:
            low, high = high, min(high + BAG_MAX, n - 1)
            best = low + int(np.argmin(straddling[low:high]))
        if straddling[best] > SEPARATOR_MAX:
            break
        cuts.append(best)
        at = best
    return np.array([*cuts, n - 1])
