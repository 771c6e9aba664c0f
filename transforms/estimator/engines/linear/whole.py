"""Whole persons for tied series: round some series cumulatively, derive the others, keep every report.

In: a block with whole-number intervals and real-valued cumulative paths of its members. Out: whole cumulative counts
on which every identity holds exactly and every report holds too, wherever whole numbers can do that. Cumulative
rounding keeps the reports of one series but not those of a difference or sum of series, so what it leaves is settled
by a small integer programme (method.md 4.6, 4.7).
"""

from __future__ import annotations

from itertools import pairwise

import highspy
import numpy as np
import scipy.sparse as sp

from transforms.estimator.engines.linear.programme import quiet_solver
from transforms.estimator.pieces import Grid, Ties, coverage, least_flow, ties
from transforms.estimator.results import Rounded
from transforms.estimator.statements import BoolArray, FloatArray, IntArray
from transforms.estimator.system import Block

_NUDGE = 1e-4  # not exactly theta: path values that are halves but for the solver's rounding go the same way
_MISS_COST = 1e6
_NODES = 2_000
_GAP = 0.1  # of the total distance from the path, itself below one crossing at most nodes
# Reach beyond the neighbouring whole numbers, and whether statements may be missed at a price: the narrowest search
# comes first because it is by far the fastest and nearly always succeeds.
_SEARCHES = ((0, False), (1, False), (2, False), (2, True))


def whole_persons(block: Block, grid: Grid, cumulative: FloatArray, theta: float) -> Rounded | None:
    """Whole cumulative counts (members x nodes) near `cumulative`; None where none satisfy the identities."""
    tied, covered = ties(block, grid), coverage(block, grid)
    rounded = np.diff(np.floor(cumulative + theta + _NUDGE), axis=1).astype(np.int64)
    subjects = {identity.series[0] for identity in block.identities if identity.sense == "="}
    by_identity = [m for m, name in enumerate(block.members) if name in subjects]
    unreported = [m for m in range(len(block.members)) if m not in block.reported]
    candidates = [_derive(block, rounded, dependent) for dependent in (unreported, by_identity)]
    wrong = [_wrong_pieces(block, tied, covered, whole) for whole in candidates]
    best = int(np.argmin([pieces.sum() for pieces in wrong]))
    whole, faulty = candidates[best], wrong[best]
    for first, last in _stretches(block, grid) if faulty.any() else ():
        if faulty[first:last].any():
            part = _searched(block, grid, cumulative, first, last)
            if part is None:
                return None
            whole[:, first:last] = part
    if not _identities_hold(tied, whole).all():
        return None
    return Rounded(_counts(whole), _misses(block, covered, whole))


def _stretches(block: Block, grid: Grid) -> list[tuple[int, int]]:
    """Pieces from first to last-plus-one between instants that no statement straddles: they are rounded on their own."""
    s, n = block.statements, grid.n_pieces
    inner = np.zeros(n + 2, dtype=np.int64)
    np.add.at(inner, np.searchsorted(grid.edges, s.start) + 1, 1)
    np.add.at(inner, np.searchsorted(grid.edges, s.end), -1)
    free = np.flatnonzero(np.cumsum(inner)[: n + 1] == 0)
    return list(pairwise(free.tolist()))


def _wrong_pieces(block: Block, tied: Ties, covered: sp.csr_array, whole: IntArray) -> BoolArray:
    """Pieces in which an identity is broken, a flow is negative, or a statement is missed."""
    n = whole.shape[1]
    missed = covered[np.flatnonzero(_misses(block, covered, whole))]
    broken = tied.rows[np.flatnonzero(~_identities_hold(tied, whole))]
    below = (whole.ravel() < least_flow(block, n)).reshape(whole.shape)
    pieces = np.unique(np.concatenate((missed.indices, broken.indices))) % n
    wrong: BoolArray = np.asarray(below.any(axis=0))
    wrong[pieces] = True
    return wrong


def _searched(block: Block, grid: Grid, cumulative: FloatArray, first: int, last: int) -> IntArray | None:
    """Whole flows in some pieces by integer programming, the narrowest search first."""
    s = block.statements
    edges = grid.edges[first : last + 1]
    part, own = block.take((s.start >= edges[0]) & (s.end <= edges[-1])), Grid.whole(edges)
    tied, covered = ties(part, own), coverage(part, own)
    path = cumulative[:, first : last + 1] - cumulative[:, first : first + 1]
    for reach, elastic in _SEARCHES:
        further = reach if reach < 2 else 1 + len(block.members)
        nearest = _nearest_whole(part, tied, covered, path, further, elastic=elastic)
        if nearest is not None and _identities_hold(tied, nearest).all():
            return nearest
    return None


def _counts(flows: IntArray) -> IntArray:
    return np.concatenate([np.zeros((len(flows), 1), dtype=np.int64), np.cumsum(flows, axis=1)], axis=1)


def _derive(block: Block, rounded: IntArray, dependent: list[int]) -> IntArray:
    """The rounded flows, those of the dependent members computed from the others where an equality gives them."""
    whole = rounded.copy()
    open_members = set(dependent)
    growing = True
    while growing:
        growing = False
        for identity in block.identities:
            terms = [(block.position(s), c) for s, c in identity.terms]
            missing = [(m, c) for m, c in terms if m in open_members]
            if not identity.defines or len(missing) != 1 or abs(missing[0][1]) != 1:
                continue
            member, coefficient = missing[0]
            others = sum((c * whole[m] for m, c in terms if m != member), np.zeros_like(whole[0]))
            whole[member] = -coefficient * others
            open_members.discard(member)
            growing = True
    return whole


def _identities_hold(tied: Ties, whole: IntArray) -> BoolArray:
    """Row by row of the identities."""
    value = np.round(tied.rows @ whole.ravel().astype(float))
    return np.asarray(np.where(tied.equal, value == 0, value <= 0))


def _misses(block: Block, covered: sp.csr_array, whole: IntArray) -> IntArray:
    """Per statement: crossings by which the whole flows fall short of (negative) or exceed (positive) the interval."""
    s = block.statements
    value = np.round(covered @ whole.ravel().astype(float))
    return np.asarray(np.maximum(value - s.upper, 0) + np.minimum(value - s.lower, 0)).astype(np.int64)


def _nearest_whole(
    block: Block, tied: Ties, covered: sp.csr_array, cumulative: FloatArray, reach: int, *, elastic: bool
) -> IntArray | None:
    """Whole flows whose cumulative counts lie next to the path, by an integer programme.

    `reach` is how far beyond the two neighbouring whole numbers to look; `elastic` lets reports be missed at a price.
    """
    m, n = cumulative.shape[0], cumulative.shape[1] - 1
    s = block.statements
    # from cumulative counts (members x nodes) to flows (members x pieces)
    step = sp.eye_array(n, n + 1, k=1) - sp.eye_array(n, n + 1)
    flows = sp.csr_array(sp.kron(sp.eye_array(m), step))
    counts = m * (n + 1)
    held = sp.vstack([covered @ flows, tied.rows @ flows, flows])
    same = sp.eye_array(counts)
    matrix = sp.vstack(
        [
            sp.hstack([held, sp.csr_array((held.shape[0], counts))]),
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
        [s.lower, np.where(tied.equal, 0.0, -np.inf), least_flow(block, n), path, np.full(counts, -np.inf)]
    )
    programme.row_upper_ = np.concatenate(
        [s.upper, np.zeros(len(tied.equal)), np.full(m * n, np.inf), np.full(counts, np.inf), path]
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
    return np.diff(whole.reshape(m, n + 1), axis=1).astype(np.int64)
