"""Whole crossings without breaking any total: cumulative rounding, checked in whole numbers, repaired where needed.

In: the cumulative path of a run and the whole-number intervals of its reports. Out: int64 C at the nodes of the run
such that every interval holds. If C keeps to L <= C(b) - C(a) <= U with whole L and U, so does floor(C + theta), for
all reports at once (method.md 4.6).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from transforms.estimator.bounds import infeasible_blocks
from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.network import Sweep, blocks


def whole_path(nodes: IntArray, cumulative: FloatArray, constraints: Constraints, theta: float) -> IntArray:
    """Whole C at the nodes: non-decreasing, and inside every interval whose window starts and ends at nodes.

    Parameters
    ----------
    nodes : instants, sorted; they contain the ends of all windows that lie between the first and the last of them.
    cumulative : C at the nodes, exact up to the solver's accuracy.
    constraints : feasible rows with whole-number ends.
    theta : the same shift for all nodes before the floor is taken.
    """
    inside = constraints.take((constraints.start >= nodes[0]) & (constraints.end <= nodes[-1]))
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
        whole = _clipped(nodes, whole, inside)
        assert _holds(whole, a, b, inside), "a consistent difference system is assigned without backtracking"
    return whole


def pinned(constraints: Constraints, rows: NDArray[np.intp], value: FloatArray) -> tuple[Constraints, NDArray[np.intp]]:
    """Narrow rows to one value each, in the order given, wherever the rows before it still leave that value open.

    Returns the narrowed constraints, feasible as before, and the rows that got their value.
    """
    now, kept = constraints, [np.zeros(0, dtype=np.intp)]
    for block in blocks(constraints):
        todo = np.flatnonzero(np.isin(rows, block.rows))
        part = np.isin(np.arange(len(constraints)), block.rows)
        while len(todo):
            # Whatever holds for many holds for fewer: the longest part that holds is found by halving.
            low, high = 0, len(todo)
            while low < high:
                middle = (low + high + 1) // 2
                tried = _with_values(now, rows[todo[:middle]], value[todo[:middle]])
                low, high = (low, middle - 1) if infeasible_blocks(tried.take(part)) else (middle, high)
            now = _with_values(now, rows[todo[:low]], value[todo[:low]])
            kept.append(rows[todo[:low]])
            todo = todo[low + 1 :]
    return now, np.concatenate(kept)


def _with_values(constraints: Constraints, rows: NDArray[np.intp], value: FloatArray) -> Constraints:
    lower, upper = constraints.lower.copy(), constraints.upper.copy()
    lower[rows] = upper[rows] = value
    return replace(constraints, lower=lower, upper=upper)


def _holds(whole: IntArray, a: IntArray, b: IntArray, inside: Constraints) -> bool:
    flow = whole[b] - whole[a]
    return bool((np.diff(whole) >= 0).all() and (flow >= inside.lower).all() and (flow <= inside.upper).all())


def _clipped(nodes: IntArray, wanted: IntArray, inside: Constraints) -> IntArray:
    """Assign node by node, the latest first, each clipped to what the nodes assigned already leave open.

    Distances within a bag of the sweep are exact for the whole series, and a bag's separator screens it from all that
    was assigned before, so clipping against the bag is clipping against everything.
    """
    whole = wanted.astype(np.float64)
    none = np.zeros(0, dtype=np.int64)
    fixed = np.zeros(len(nodes), dtype=bool)
    for block in reversed(blocks(inside)):
        at = np.searchsorted(nodes, block.nodes)
        later = np.flatnonzero(fixed)
        if len(later) and not fixed[at[-1]]:  # a gap without reports: only the order of time ties the blocks
            whole[at[-1]] = min(whole[at[-1]], whole[later[0]])
            fixed[at[-1]] = True
        for bag in Sweep(block, none, none):
            here = at[bag.nodes]
            for k in range(len(here) - 1, -1, -1):
                if fixed[here[k]]:
                    continue
                done = np.flatnonzero(fixed[here])
                if len(done):
                    low = (whole[here[done]] - bag.distance[k, done]).max()
                    high = (whole[here[done]] + bag.distance[done, k]).min()
                    whole[here[k]] = min(max(whole[here[k]], low), high)
                fixed[here[k]] = True
    # Other midnights lie inside elementary segments: they only have to keep the order.
    ends = np.flatnonzero(fixed)
    if not len(ends):
        return np.asarray(np.maximum.accumulate(wanted))
    after = np.clip(np.searchsorted(ends, np.arange(len(nodes)), side="left"), 0, len(ends) - 1)
    before = np.clip(np.searchsorted(ends, np.arange(len(nodes)), side="right") - 1, 0, len(ends) - 1)
    whole = np.where(fixed, whole, np.clip(whole, whole[ends[before]], whole[ends[after]]))
    return np.asarray(np.maximum.accumulate(whole).astype(np.int64))
