"""Flows that statements fix without saying so: the equalities implied by a whole system of intervals.

In: interval statements that agree and whose ends lie on a common dyadic grid. Out: further rows with lower = upper.
A cycle of the constraint graph of length 0 holds with equality in every solution; given one feasible C, the edges on
such cycles are those inside a strong component of the edges that C makes tight. An interior-point solver needs an
interior, so these rows are told to it as equalities.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from transforms.estimator.bounds import potentials
from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.network import NotFeasible

_FINEST = 2.0**24
_EXACT = 2.0**50


def grid_of(constraints: Constraints) -> float:
    """Steps of one crossing: the finest power of two, up to 2^24, on which sums of all figures are exact."""
    ends = np.concatenate((constraints.lower, constraints.upper))
    total = float(np.abs(ends[np.isfinite(ends)]).sum()) + 1.0
    return float(min(_FINEST, max(1.0, 2.0 ** np.floor(np.log2(_EXACT / total)))))


def on_grid(constraints: Constraints, grid: float) -> Constraints | None:
    """The constraints counted in steps of the grid; None where some end does not lie on it."""
    lower, upper = constraints.lower * grid, constraints.upper * grid
    for ends in (lower, upper):
        finite = ends[np.isfinite(ends)]
        if not (finite == np.rint(finite)).all():
            return None
    return replace(constraints, lower=lower, upper=upper)


def implied_equalities(constraints: Constraints) -> Constraints:
    """Rows with lower = upper between neighbouring window ends tied by a cycle of length 0; none where not on a grid.

    They carry the report id of some row and must not be shown; exact rows of the input are implied, too.
    """
    grid = grid_of(constraints)
    steps = on_grid(constraints, grid)
    if steps is None:
        return constraints.take(np.zeros(0, dtype=np.intp))
    starts, ends, values = [], [], []
    try:
        solved = potentials(steps)
    except NotFeasible:
        return constraints.take(np.zeros(0, dtype=np.intp))
    for block, potential in solved:
        e = block.edges
        tight = np.flatnonzero(potential[e.dst] - potential[e.src] == e.weight)
        n = len(block.nodes)
        graph = sparse.csr_matrix((np.ones(len(tight)), (e.src[tight], e.dst[tight])), shape=(n, n))
        _, group = connected_components(graph, directed=True, connection="strong")
        order = np.argsort(group, kind="stable")
        beside = np.flatnonzero(group[order][1:] == group[order][:-1])
        a, b = order[beside], order[beside + 1]
        starts.append(block.nodes[a])
        ends.append(block.nodes[b])
        values.append((potential[b] - potential[a]) / grid)
    if not starts:
        return constraints.take(np.zeros(0, dtype=np.intp))
    value: FloatArray = np.concatenate(values)
    rows = constraints.take(np.zeros(len(value), dtype=np.intp))
    return replace(rows, start=np.concatenate(starts), end=np.concatenate(ends), lower=value, upper=value.copy())


def joined(first: Constraints, second: Constraints) -> Constraints:
    """Rows of both, in that order."""
    fields = ("start", "end", "lower", "upper", "report_id", "origin_id", "tier", "sigma")
    return Constraints(*(np.concatenate((getattr(first, f), getattr(second, f))) for f in fields))


def spanning(start: IntArray, end: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """A spanning forest of the equalities (the others follow from it), and the group of nodes each node is tied to."""
    if not len(start):
        return np.zeros(0, dtype=np.int64), np.arange(n)
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.argsort(high - low, kind="stable")  # short windows first: a sparser factorisation
    _, first = np.unique(low[order] * n + high[order], return_index=True)
    order = order[first]
    rank = np.argsort(np.argsort((high - low)[order], kind="stable"), kind="stable") + 1.0
    graph = sparse.csr_matrix((rank, (low[order], high[order])), shape=(n, n))
    forest = sparse.coo_matrix(minimum_spanning_tree(graph))
    by_rank = order[np.argsort(rank)]
    _, group = connected_components(graph, directed=False)
    return by_rank[np.sort(np.rint(forest.data).astype(np.int64)) - 1], group.astype(np.int64)
