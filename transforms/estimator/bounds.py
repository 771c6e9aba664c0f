"""Tightest bounds of days and periods, each with its proof: the reports on a shortest path.

In: interval statements of one series. Out: `Solved`, which answers for days at once and for any two instants. The
flow between instants a < b lies in [-dist(b, a), dist(a, b)] and both ends are attained (method.md 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.network import Block, Edges, NotFeasible, Sweep, blocks, canonical, report_scale


class Interval(NamedTuple):
    """Tightest bounds of one flow; upper may be inf. Proofs are report ids in path order."""

    lower: float
    upper: float
    lower_proof: tuple[str, ...]
    upper_proof: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DayBounds:
    """Bounds of consecutive days: float64 arrays of whole numbers (upper may be inf) and proofs, one a day."""

    lower: FloatArray
    upper: FloatArray
    lower_proof: list[tuple[str, ...]]
    upper_proof: list[tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Solved:
    """A feasible series, ready to bound any flow.

    Attributes
    ----------
    constraints : rows in canonical order; proofs name their report ids.
    blocks : blocks in time order.
    cumulative : for each block one feasible whole-number C at its nodes (a potential of the graph).
    days : bounds of the days asked for when it was solved.
    """

    constraints: Constraints
    blocks: tuple[Block, ...]
    cumulative: tuple[FloatArray, ...]
    days: DayBounds

    def between(self, start: int, end: int) -> Interval:
        """Tightest bounds of the flow between two instants, start <= end.

        What lies outside every report adds nothing to the lower bound and makes the upper one unbounded.
        """
        lower, upper = 0.0, 0.0
        lower_proof: list[str] = []
        upper_proof: list[str] = []
        at = start
        firsts = np.array([b.nodes[0] for b in self.blocks], dtype=np.int64)
        k = max(int(np.searchsorted(firsts, start, side="right")) - 1, 0)
        for block, potential in zip(self.blocks[k:], self.cumulative[k:], strict=True):
            nodes = block.nodes
            if nodes[0] >= end:
                break
            if nodes[-1] <= at:
                continue
            if nodes[0] > at:
                upper = np.inf
            low, high = max(at, int(nodes[0])), min(end, int(nodes[-1]))
            part = _between(self.constraints, block, potential, low, high)
            lower, upper = lower + part.lower, upper + part.upper
            lower_proof[:0] = part.lower_proof  # the path of a lower bound runs back in time
            upper_proof.extend(part.upper_proof)
            at = high
        if at < end:
            upper = np.inf
        return Interval(lower, upper, tuple(lower_proof), tuple(upper_proof) if np.isfinite(upper) else ())


def infeasible_blocks(constraints: Constraints) -> list[Block]:
    """Blocks whose reports cannot all hold, in time order; rows count in the order of `constraints`."""
    none = np.zeros(0, dtype=np.int64)
    clashing = []
    for block in blocks(constraints):
        try:
            next(iter(Sweep(block, none, none)))
        except NotFeasible:
            clashing.append(block)
    return clashing


def potentials(constraints: Constraints) -> list[tuple[Block, FloatArray]]:
    """Blocks, and for each a feasible C at its nodes; raises NotFeasible where the rows contradict each other."""
    return [(block, _sweep(constraints, block, _Asked.nothing(), _Asked.nothing())) for block in blocks(constraints)]


def solve(constraints: Constraints, midnights: IntArray | None = None) -> Solved:
    """Bounds of the days between consecutive midnights, and an object that bounds any other flow.

    Parameters
    ----------
    constraints : rows in any order.
    midnights : n + 1 instants of n days, increasing; none = no day.

    Raises
    ------
    NotFeasible : the rows contradict each other; reconcile first.
    """
    c = canonical(constraints)
    edges_of_days = np.zeros(0, dtype=np.int64) if midnights is None else midnights
    n = max(len(edges_of_days) - 1, 0)
    lower, upper = np.zeros(n), np.full(n, np.inf)
    lower_proof: list[tuple[str, ...]] = [()] * n
    upper_proof: list[tuple[str, ...]] = [()] * n
    cut_days: set[int] = set()
    found, feasible = blocks(c), []
    for block in found:
        days, split = _days_inside(block, edges_of_days)
        cut_days.update(split)
        up_from = np.searchsorted(block.nodes, edges_of_days[days], side="right") - 1
        up_to = np.searchsorted(block.nodes, edges_of_days[days + 1], side="left")
        low_from = np.searchsorted(block.nodes, edges_of_days[days], side="left")
        low_to = np.searchsorted(block.nodes, edges_of_days[days + 1], side="right") - 1
        forward = _Asked(up_from, up_to)
        back = _Asked(low_from, low_to)
        feasible.append(_sweep(c, block, forward, back))
        upper[days] = forward.length[forward.of]
        lower[days] = -back.length[back.of]
        for day, u, v in zip(days, forward.of, back.of, strict=True):
            upper_proof[day] = forward.proof[u]
            lower_proof[day] = back.proof[v]
    solved = Solved(c, tuple(found), tuple(feasible), DayBounds(lower, upper, lower_proof, upper_proof))
    for day in sorted(cut_days):
        part = solved.between(int(edges_of_days[day]), int(edges_of_days[day + 1]))
        lower[day], upper[day], lower_proof[day], upper_proof[day] = part
    return solved


def _days_inside(block: Block, midnights: IntArray) -> tuple[NDArray[np.intp], list[int]]:
    """Days wholly inside the block, and days that only partly lie in it (at most one at each end)."""
    if len(midnights) < 2:
        return np.zeros(0, dtype=np.intp), []
    first = int(np.searchsorted(midnights, block.nodes[0], side="left"))
    last = int(np.searchsorted(midnights, block.nodes[-1], side="right")) - 1
    n = len(midnights) - 1
    split = [
        day
        for day in {
            int(np.searchsorted(midnights, block.nodes[0], side="right")) - 1,
            int(np.searchsorted(midnights, block.nodes[-1], side="left")) - 1,
        }
        if 0 <= day < n and not first <= day < last
    ]
    return np.arange(first, max(first, last)), split


class _Asked:
    """Pairs of nodes left <= right whose distance is wanted, each distinct pair once."""

    def __init__(self, left: NDArray[np.intp], right: NDArray[np.intp]) -> None:
        pairs = left.astype(np.int64) * (2**31) + np.maximum(left, right)
        distinct, self.of = np.unique(pairs, return_inverse=True)
        self.left, self.right = distinct // 2**31, distinct % 2**31
        self.length = np.zeros(len(distinct))
        self.proof: list[tuple[str, ...]] = [()] * len(distinct)

    @classmethod
    def nothing(cls) -> _Asked:
        """No pair at all."""
        return cls(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp))


def _sweep(c: Constraints, block: Block, forward: _Asked, back: _Asked) -> FloatArray:
    """Fill in the asked distances (forward: left to right, back: right to left); returns a feasible C."""
    sweep = Sweep(block, np.concatenate((forward.left, back.left)), np.concatenate((forward.right, back.right)))
    potential = np.full(len(block.nodes), np.nan)
    potential[-1] = 0.0
    ids = c.report_id
    for bag in sweep:
        settled = bag.settled if len(bag.settled) else np.array([len(bag.nodes) - 1])
        potential[bag.nodes] = (potential[bag.nodes[settled], None] + bag.distance[settled]).min(axis=0)
        for asked, ahead in ((forward, True), (back, False)):
            inside = np.flatnonzero(
                (asked.right > bag.low) & (asked.right <= bag.nodes[-1]) & (asked.right > asked.left)
            )
            left = np.searchsorted(bag.nodes, asked.left[inside])
            right = np.searchsorted(bag.nodes, asked.right[inside])
            length = bag.distance[left, right] if ahead else bag.distance[right, left]
            asked.length[inside] = length
            for i, size in zip(inside, length, strict=True):
                if not np.isfinite(size) or (size == 0 and not ahead):
                    continue
                u, v = int(asked.left[i]), int(asked.right[i])
                rows = sweep.reports(bag.paths, u, v) if ahead else sweep.reports(bag.paths, v, u)
                asked.proof[i] = tuple(ids[row] for row in rows)
    return potential


def _between(c: Constraints, block: Block, potential: FloatArray, start: int, end: int) -> Interval:
    """Bounds of the flow between two instants inside one block, by two single-source Dijkstra searches."""
    nodes = block.nodes
    n = len(nodes)
    scale = report_scale(block)
    e = block.edges
    # The feasible C makes every weight non-negative; each report edge weighs one more, so fewest reports win ties.
    weight = (e.weight + potential[e.src] - potential[e.dst]) * scale + (e.label >= 0 if scale > 1 else 0.0)
    edges = Edges(e.src, e.dst, weight, e.label).lightest(n)
    starts = np.searchsorted(edges.src, np.arange(n + 1))
    graph = sparse.csr_matrix((edges.weight, edges.dst.astype(np.int32), starts.astype(np.int32)), shape=(n, n))
    pair = edges.src * n + edges.dst

    def distance(u: int, v: int) -> tuple[float, tuple[str, ...]]:
        result: Any = dijkstra(graph, directed=True, indices=u, return_predecessors=True)
        length, pred = result
        if not np.isfinite(length[v]):
            return np.inf, ()
        rows, at = [], v
        while at != u:
            label = int(edges.label[int(np.searchsorted(pair, int(pred[at]) * n + at))])
            if label >= 0:
                rows.append(label)
            at = int(pred[at])
        true_length = float(np.floor(length[v] / scale) - potential[u] + potential[v])
        return true_length, tuple(c.report_id[row] for row in reversed(rows))

    upper, upper_proof = distance(
        int(np.searchsorted(nodes, start, side="right")) - 1, int(np.searchsorted(nodes, end, side="left"))
    )
    u, v = int(np.searchsorted(nodes, start, side="left")), int(np.searchsorted(nodes, end, side="right")) - 1
    if u >= v:
        return Interval(0.0, upper, (), upper_proof)
    length, lower_proof = distance(v, u)
    return Interval(-length + 0.0, upper, lower_proof if length else (), upper_proof)
