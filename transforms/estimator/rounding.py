"""Whole crossings of one series without breaking any total: cumulative rounding, checked, repaired by the engine.

In: the cumulative path of a run and the whole-number intervals of its reports. Out: int64 C at the nodes of the run
such that every interval holds. If C keeps to L <= C(b) - C(a) <= U with whole L and U, so does floor(C + theta), for
all reports at once (method.md 4.6).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from transforms.estimator.engine import Engines
from transforms.estimator.statements import FloatArray, IntArray, Statements
from transforms.estimator.system import one_series


def whole_path(
    nodes: IntArray, cumulative: FloatArray, statements: Statements, theta: float, engines: Engines
) -> IntArray:
    """Whole C at the nodes: non-decreasing, and inside every interval whose window starts and ends at nodes.

    Parameters
    ----------
    nodes : instants, sorted; they contain the ends of all windows that lie between the first and the last of them.
    cumulative : C at the nodes, exact up to the solver's accuracy.
    statements : feasible rows of one series with whole-number ends.
    theta : the same shift for all nodes before the floor is taken.
    """
    inside = statements.take(statements.within([(nodes[0], nodes[-1])]))
    a, b = np.searchsorted(nodes, inside.start), np.searchsorted(nodes, inside.end)
    exact = inside.lower == inside.upper
    n = len(nodes)
    tied = sparse.csr_matrix((np.ones(int(exact.sum())), (a[exact], b[exact])), shape=(n, n))
    _, group = connected_components(tied, directed=False)
    _, first, of = np.unique(group, return_index=True, return_inverse=True)
    root = cumulative[first[of]]
    # Nodes tied by exact totals differ by whole numbers: one of them is rounded, the others keep their distance.
    whole = (np.floor(np.round(root + theta, 6)) + np.rint(cumulative - root)).astype(np.int64)
    if not _holds(whole, a, b, inside):
        whole = _clipped(nodes, whole, inside, engines)
        assert _holds(whole, a, b, inside), "a consistent difference system is assigned without backtracking"
    return whole


def _holds(whole: IntArray, a: IntArray, b: IntArray, inside: Statements) -> bool:
    flow = whole[b] - whole[a]
    return bool((np.diff(whole) >= 0).all() and (flow >= inside.lower).all() and (flow <= inside.upper).all())


def _clipped(nodes: IntArray, wanted: IntArray, inside: Statements, engines: Engines) -> IntArray:
    """Block by block, the latest first; the first node of a block is the last of the one before."""
    whole = wanted.astype(np.float64)
    fixed = np.zeros(len(nodes), dtype=bool)
    for block in reversed(one_series("", inside)):
        at = np.searchsorted(nodes, block.nodes)
        later = np.flatnonzero(fixed)
        if len(later) and not fixed[at[-1]]:  # a gap without reports: only the order of time ties the blocks
            whole[at[-1]] = min(whole[at[-1]], whole[later[0]])
        rounded = engines(block).round(block.nodes, whole[None, at], 0.0)
        assert rounded is not None, "whole numbers always fit the intervals of one series"
        whole[at], fixed[at] = rounded.cumulative[0], True
    # Other midnights lie inside elementary segments: they only have to keep the order.
    ends = np.flatnonzero(fixed)
    if not len(ends):
        return np.asarray(np.maximum.accumulate(wanted))
    # Before the first of the ends nothing bounds them from below, after the last nothing from above.
    settled = np.concatenate(([-np.inf], whole[ends], [np.inf]))
    at = np.arange(len(nodes))
    low, high = settled[np.searchsorted(ends, at, side="right")], settled[np.searchsorted(ends, at, side="left") + 1]
    whole = np.where(fixed, whole, np.clip(whole, low, high))
    return np.asarray(np.maximum.accumulate(whole).astype(np.int64))
