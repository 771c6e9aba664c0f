"""Whole persons for coupled series: round some series cumulatively, derive the others, keep every report.

In: a block with whole-number intervals and a real-valued path inside them. Out: whole flows on which every identity
holds exactly and every report holds too, wherever whole numbers can do that. The maths is in method.md 4.6 and 4.7:
cumulative rounding keeps the reports of one series but not those of a difference or sum of series, so what it leaves
is settled by a small integer programme.
"""

from __future__ import annotations

import highspy
import numpy as np
import scipy.sparse as sp

from transforms.estimator.constraints import FloatArray, IntArray
from transforms.estimator.coupled_blocks import Block, Grid
from transforms.estimator.coupled_bounds import quiet_solver

_HALF = 0.5 + 1e-4  # not exactly one half: path values that are halves but for the solver's rounding go the same way
_MISS_COST = 1e6
_NODES = 2_000
_GAP = 0.1  # of the total distance from the path, itself below one crossing at most nodes


def whole_persons(block: Block, grid: Grid, flow: FloatArray) -> tuple[IntArray, IntArray] | None:
    """Whole flows (members x pieces) near `flow`, and per statement the crossings by which it is missed.

    None where no whole flows satisfying the identities were found.
    """
    coverage = block.coverage(grid)
    cumulative = np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)
    rounded = _steps(np.floor(cumulative + _HALF))
    subjects = {link.terms[0][0] for link in block.links if link.sense == "="}
    by_identity = [m for m, name in enumerate(block.members) if name in subjects]
    unreported = [m for m in range(len(block.members)) if m not in block.reported]
    for dependent in (unreported, by_identity):
        candidate = _derive(block, rounded, dependent)
        miss = _misses(block, coverage, candidate)
        if _identities_hold(block, grid, candidate) and not np.any(miss):
            return candidate, miss
    # the narrowest search comes first because it is by far the fastest and nearly always succeeds
    for reach, elastic in ((0, False), (1, False), (1 + len(block.members), False), (1 + len(block.members), True)):
        nearest = _nearest_whole(block, grid, cumulative, reach, elastic=elastic)
        if nearest is not None and _identities_hold(block, grid, nearest):
            return nearest, _misses(block, coverage, nearest)
    return None


def _derive(block: Block, rounded: IntArray, dependent: list[int]) -> IntArray:
    """The rounded flows, those of the dependent members computed from the others where an equality gives them."""
    position = {name: i for i, name in enumerate(block.members)}
    whole = rounded.copy()
    open_members = set(dependent)
    growing = True
    while growing:
        growing = False
        for link in block.links:
            if link.sense != "=" or link.identical_windows:
                continue
            missing = [(position[s], c) for s, c in link.terms if position[s] in open_members]
            if len(missing) != 1 or abs(missing[0][1]) != 1:
                continue
            member, coefficient = missing[0]
            others = sum(
                (c * whole[position[s]] for s, c in link.terms if position[s] != member), np.zeros_like(whole[0])
            )
            whole[member] = -coefficient * others
            open_members.discard(member)
            growing = True
    return whole


def _identities_hold(block: Block, grid: Grid, whole: IntArray) -> bool:
    identities, equal, _ = block.identities(grid)
    value = np.round(identities @ whole.ravel().astype(float))
    return bool(
        np.all(np.where(equal, value == 0, value <= 0)) and np.all(whole.ravel() >= block.floor_of_flow(grid.n_pieces))
    )


def _misses(block: Block, coverage: sp.csr_array, whole: IntArray) -> IntArray:
    """Per statement: crossings by which the whole flows fall short of (negative) or exceed (positive) the interval."""
    s = block.statements
    value = np.round(coverage @ whole.ravel().astype(float))
    return np.asarray(np.maximum(value - s.upper, 0) + np.minimum(value - s.lower, 0)).astype(np.int64)


def _nearest_whole(block: Block, grid: Grid, cumulative: FloatArray, reach: int, *, elastic: bool) -> IntArray | None:
    """Whole cumulative counts next to the path, by an integer programme.

    `reach` is how far beyond the two neighbouring whole numbers to look; `elastic` lets reports be missed at a price.
    """
    m, n = len(block.members), grid.n_pieces
    s = block.statements
    # from cumulative counts (members x nodes) to flows (members x pieces)
    step = sp.eye_array(n, n + 1, k=1) - sp.eye_array(n, n + 1)
    flows = sp.csr_array(sp.kron(sp.eye_array(m), step))
    identities, equal, _ = block.identities(grid)
    counts = m * (n + 1)
    ties = sp.vstack([block.coverage(grid) @ flows, identities @ flows, flows])
    same = sp.eye_array(counts)
    matrix = sp.vstack(
        [
            sp.hstack([ties, sp.csr_array((ties.shape[0], counts))]),
            sp.hstack([same, same]),  # with the next row: at least the distance from the path
            sp.hstack([same, -same]),
        ]
    )
    n_rows = len(s) if elastic else 0
    if elastic:
        miss = sp.vstack([sp.eye_array(n_rows), sp.csr_array((matrix.shape[0] - n_rows, n_rows))])
        matrix = sp.hstack([matrix, miss, -miss])
    matrix = sp.csr_array(matrix)
    matrix.sort_indices()
    path = cumulative.ravel()
    first = np.zeros((m, n + 1), dtype=np.bool_)
    first[:, 0] = True
    fixed = first.ravel()
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = matrix.shape[1], matrix.shape[0]
    programme.col_cost_ = np.concatenate([np.zeros(counts), np.ones(counts), np.full(2 * n_rows, _MISS_COST)])
    programme.col_lower_ = np.concatenate([np.where(fixed, 0.0, np.floor(path) - reach), np.zeros(counts + 2 * n_rows)])
    programme.col_upper_ = np.concatenate(
        [np.where(fixed, 0.0, np.ceil(path) + reach), np.full(counts + 2 * n_rows, np.inf)]
    )
    programme.row_lower_ = np.concatenate(
        [s.lower, np.where(equal, 0.0, -np.inf), block.floor_of_flow(n), path, np.full(counts, -np.inf)]
    )
    programme.row_upper_ = np.concatenate(
        [s.upper, np.zeros(len(equal)), np.full(m * n, np.inf), np.full(counts, np.inf), path]
    )
    programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    programme.a_matrix_.start_ = matrix.indptr
    programme.a_matrix_.index_ = matrix.indices
    programme.a_matrix_.value_ = matrix.data
    programme.integrality_ = [highspy.HighsVarType.kInteger] * counts + [highspy.HighsVarType.kContinuous] * (
        counts + 2 * n_rows
    )
    solver = quiet_solver()
    solver.setOptionValue("mip_max_nodes", _NODES)
    solver.setOptionValue("mip_rel_gap", _GAP)
    solver.passModel(programme)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    whole = np.round(np.asarray(solver.getSolution().col_value)[:counts])
    return _steps(whole.reshape(m, n + 1))


def _steps(cumulative: FloatArray) -> IntArray:
    """Flows between consecutive whole cumulative counts."""
    return (cumulative[:, 1:] - cumulative[:, :-1]).astype(np.int64)
