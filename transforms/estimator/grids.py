"""Exactness in floating point: dyadic grids on which sums of figures are exact, and forests of equalities.

In: interval statements, or equalities between nodes. Out: the grid, the statements counted in its steps, and a
spanning forest of equalities (the others follow from it). Used where a solver's answer must hold to the last crossing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from transforms.estimator.statements import IntArray, Statements

_FINEST = 2.0**24
_EXACT = 2.0**50


def grid_of(statements: Statements) -> float:
    """Steps of one crossing: the finest power of two, up to 2^24, on which sums of all figures are exact."""
    ends = np.concatenate((statements.lower, statements.upper))
    total = float(np.abs(ends[np.isfinite(ends)]).sum()) + 1.0
    return float(min(_FINEST, max(1.0, 2.0 ** np.floor(np.log2(_EXACT / total)))))


def on_grid(statements: Statements, grid: float) -> Statements | None:
    """The statements counted in steps of the grid; None where some end does not lie on it."""
    lower, upper = statements.lower * grid, statements.upper * grid
    for ends in (lower, upper):
        finite = ends[np.isfinite(ends)]
        if not (finite == np.rint(finite)).all():
            return None
    return replace(statements, lower=lower, upper=upper)


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
