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

from transforms.constraints import FloatArray, IntArray
from transforms.coupled_blocks import Block, Grid
from transforms.coupled_bounds import quiet_solver

_HALF = 0.5 + 1e-4  # not exactly one half: path values that are halves but for the solver's rounding go the same way
_MISS_COST = 1e6
_NODES = 2_000


def whole_persons(block: Block, grid: Grid, flow: FloatArray) -> tuple[IntArray, tuple[tuple[str, int], ...]] | None:
    """Whole flows (members x pieces) near `flow`, and the (report id, crossings) by which reports are missed.

    None where no whole flows satisfying the identities were found.
    """
    coverage = block.coverage(grid)
    cumulative = np.concatenate([np.zeros((len(flow), 1)), np.cumsum(flow, axis=1)], axis=1)
    rounded = np.diff(np.floor(cumulative + _HALF).astype(np.int64), axis=1)
    subjects = {link.terms[0][0] for link in block.links if link.sense == "="}
    by_identity = [m for m, name in enumerate(block.members) if name in subjects]
    unreported = [m for m in range(len(block.members)) if m not in block.reported]
    for dependent in (unreported, by_identity):
        candidate = _derive(block, rounded, dependent)
        if _identities_hold(block, grid, candidate) and not np.any(_misses(block, coverage, candidate)):
            return candidate, ()
    for elastic in (False, True):
        candidate_or_none = _nearest_whole(block, grid, cumulative, elastic=elastic)
        if candidate_or_none is not None and _identities_hold(block, grid, candidate_or_none):
            miss = _misses(block, coverage, candidate_or_none)
            ids = block.statements.report_id
            return candidate_or_none, tuple((str(ids[i]), int(miss[i])) for i in np.flatnonzero(miss))
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
        np.all(np.where(equal, value == 0, value <= 0))
        and np.all(whole.ravel() >= block.floor_of_flow(grid.n_pieces))
    )


def _misses(block: Block, coverage: sp.csr_array, whole: IntArray) -> IntArray:
    """Per statement: crossings by which the whole flows fall short of (negative) or exceed (positive) the interval."""
    s = block.statements
    value = np.round(coverage @ whole.ravel().astype(float))
    return np.asarray(np.maximum(value - s.upper, 0) + np.minimum(value - s.lower, 0)).astype(np.int64)


def _nearest_whole(block: Block, grid: Grid, cumulative: FloatArray, *, elastic: bool) -> IntArray | None:
    """Whole cumulative counts next to the path by an integer programme; `elastic` lets reports be missed at a price."""
    m, n = len(block.members), grid.n_pieces
    s = block.statements
    # from cumulative counts (members x nodes) to flows (members x pieces)
    step = sp.diags_array([-np.ones(n), np.ones(n)], offsets=[0, 1], shape=(n, n + 1))
    flows = sp.csr_array(sp.kron(sp.eye_array(m), step))
    identities, equal, _ = block.identities(grid)
    counts = m * (n + 1)
    n_rows = len(s) if elastic else 0
    miss = sp.vstack([sp.eye_array(len(s)), sp.csr_array((len(equal) + m * n, len(s)))]) if elastic else None
    ties = sp.vstack([block.coverage(grid) @ flows, identities @ flows, flows])
    distance = sp.eye_array(counts)
    zeros = sp.csr_array((ties.shape[0], counts))
    matrix = sp.csr_array(
        sp.vstack(
            [
                sp.hstack([ties, zeros] + ([miss, -miss] if elastic else [])),
                sp.hstack([distance, distance] + ([sp.csr_array((counts, 2 * n_rows))] if elastic else [])),
                sp.hstack([distance, -distance] + ([sp.csr_array((counts, 2 * n_rows))] if elastic else [])),
            ]
        )
    )
    matrix.sort_indices()
    path = cumulative.ravel()
    reach = 2.0 + m
    first = np.zeros((m, n + 1), dtype=np.bool_)
    first[:, 0] = True
    fixed = first.ravel()
    programme = highspy.HighsLp()
    programme.num_col_, programme.num_row_ = matrix.shape[1], matrix.shape[0]
    programme.col_cost_ = np.concatenate([np.zeros(counts), np.ones(counts), np.full(2 * n_rows, _MISS_COST)])
    programme.col_lower_ = np.concatenate(
        [np.where(fixed, 0.0, np.floor(path) - reach), np.zeros(counts + 2 * n_rows)]
    )
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
    solver.setOptionValue("mip_rel_gap", 1e-3)
    solver.passModel(programme)
    solver.run()
    if solver.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None
    whole = np.round(np.asarray(solver.getSolution().col_value)[:counts]).astype(np.int64)
    return np.diff(whole.reshape(m, n + 1), axis=1)
