"""The level of a smoothest path: what its differences leave open, one number a member and run.

In: a path, the windows with what is stated of them, and the runs. Out: the path at the level that brings its totals
closest to the centres of the intervals, weighted by their widths, inside every statement, identity and above zero
(method.md 4.5, second stage). For one series a weighted mean, clipped; for tied ones a small QP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from transforms.estimator.pieces import Grid, ties
from transforms.estimator.quadratic import Quadratic, Solver, minimise
from transforms.estimator.statements import BoolArray, FloatArray, IntArray
from transforms.estimator.system import Block

_EXACT = 1e-9  # relative to the figure; an interval narrower than this is one value
_TRACE = 1e-9  # weight of levels that no statement asks for


@dataclass(frozen=True, eq=False)
class Stated:
    """Distinct windows (positions of nodes) with the least and greatest flow in them, and the pieces' shares of a day."""

    member: IntArray
    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray
    shares: FloatArray

    @property
    def exact(self) -> BoolArray:
        """Windows whose flow is one value: where they lie, no level is open."""
        size = np.maximum(1.0, np.abs(np.where(np.isfinite(self.upper), self.upper, 0.0)))
        return np.asarray(self.upper - self.lower <= _EXACT * size)

    def totals(self, cumulative: FloatArray) -> FloatArray:
        """What a path gives in each window."""
        return np.asarray(cumulative[self.member, self.end] - cumulative[self.member, self.start])


def at_level(cumulative: FloatArray, stated: Stated) -> FloatArray:
    """The path of one series (1 x nodes) at its level, in closed form; as it is where some total is exact."""
    asked = np.isfinite(stated.upper - stated.lower)
    if stated.exact.any() or not asked.any():
        return cumulative
    days = np.concatenate(([0.0], np.cumsum(stated.shares)))
    length, reached = days[stated.end] - days[stated.start], stated.totals(cumulative)
    weight = 1 / (stated.upper - stated.lower)[asked] ** 2
    miss = ((stated.lower + stated.upper) / 2 - reached)[asked]
    wanted = (weight * length[asked] * miss).sum() / (weight * length[asked] ** 2).sum()
    least = max(((stated.lower - reached) / length).max(), (-np.diff(cumulative[0]) / stated.shares).max())
    most = ((stated.upper - reached) / length).min()
    return np.asarray(cumulative + min(max(wanted, least), most) * days)


def at_levels(
    cumulative: FloatArray,
    stated: Stated,
    runs: Sequence[tuple[int, int, int]],
    block: Block,
    nodes: IntArray,
    scale: float,
    solver: Solver | None,
) -> tuple[FloatArray, bool]:
    """The paths of tied series (members x nodes) at their levels; as they are, and False, where these were not found.

    runs : (member, first node, last node). What lies between the runs of a member has a level of its own, which no
    statement asks for. scale : unit of the levels, crossings a day.
    """
    segment = _segments(len(block.members), len(nodes) - 1, runs)
    shift = sparse.csr_array(
        (np.tile(stated.shares, len(block.members)), segment.ravel(), np.arange(segment.size + 1)),
        shape=(segment.size, int(segment.max()) + 1),
    )
    within = _within(stated, segment.shape) @ shift
    pinned = np.zeros(shift.shape[1], dtype=bool)
    pinned[np.unique(within[np.flatnonzero(stated.exact)].indices)] = True
    asked = np.flatnonzero(np.isfinite(stated.upper - stated.lower) & ~stated.exact)
    if not len(asked) or pinned.all():
        return cumulative, True
    reached, open_ = stated.totals(cumulative), np.flatnonzero(~pinned)
    width = (stated.upper - stated.lower)[asked]
    pull = sparse.csr_array(sparse.diags_array(scale / width) @ within[asked][:, open_])
    centre = ((stated.lower + stated.upper)[asked] / 2 - reached[asked]) / width
    tied = ties(block, Grid.whole(nodes))
    flows = np.diff(cumulative, axis=1).ravel()
    sums, slack = sparse.csr_array(tied.rows @ shift)[:, open_], -(tied.rows @ flows) / scale
    moves = np.flatnonzero(np.diff(sums.indptr))  # an identity whose levels are all pinned holds as it did
    sums, slack, equal = sums[moves], slack[moves], tied.equal[moves]
    unsigned = np.flatnonzero(np.repeat(~block.signed, segment.shape[1]))
    above, below = np.flatnonzero(np.isfinite(stated.upper)), np.flatnonzero(np.isfinite(stated.lower))
    held = within[:, open_]
    size = len(open_)
    problem = Quadratic(
        P=sparse.csc_array(2 * (pull.T @ pull) + 2 * _TRACE * sparse.eye_array(size)),
        q=np.asarray(-2 * (pull.T @ centre)),
        E=sparse.csc_array(_distinct(sums[equal])),
        e=np.zeros(_distinct(sums[equal]).shape[0]),
        G=sparse.csc_array(sparse.vstack((held[above], -held[below], -shift[unsigned][:, open_], sums[~equal]))),
        h=np.maximum(
            np.concatenate(
                (
                    (stated.upper - reached)[above] / scale,
                    (reached - stated.lower)[below] / scale,
                    flows[unsigned] / scale,
                    slack[~equal],
                )
            ),
            0.0,
        ),
    )
    solution = minimise(problem, solver=solver)
    if not solution.accepted:
        return cumulative, False
    level = np.zeros(shift.shape[1])
    level[open_] = solution.z * scale
    moved = (shift @ level).reshape(segment.shape)
    return cumulative + np.concatenate((np.zeros((len(moved), 1)), np.cumsum(moved, axis=1)), axis=1), True


def _segments(members: int, pieces: int, runs: Sequence[tuple[int, int, int]]) -> IntArray:
    """Members x pieces: a number for each run of a member, and for each stretch between its runs."""
    number = np.full((members, pieces), -1, dtype=np.int64)
    for k, (member, first, last) in enumerate(runs):
        number[member, first:last] = k
    count = len(runs)
    for member in range(members):
        idle = number[member] < 0
        opens = idle & ~np.concatenate(([False], idle[:-1]))
        own = np.cumsum(opens) - 1
        number[member, idle] = count + own[idle]
        count += int(opens.sum())
    return number


def _within(stated: Stated, shape: tuple[int, ...]) -> sparse.csr_array:
    """Windows x (member, piece): 1 where the piece is part of the window."""
    pieces = [np.arange(a, b) + m * shape[1] for m, a, b in zip(stated.member, stated.start, stated.end, strict=True)]
    return sparse.csr_array(
        (
            np.ones(sum(map(len, pieces))),
            np.concatenate(pieces),
            np.concatenate(([0], np.cumsum([len(p) for p in pieces]))),
        ),
        shape=(len(pieces), shape[0] * shape[1]),
    )


def _distinct(rows: sparse.csr_array) -> sparse.csr_array:
    """The rows, proportional ones once: an identity says the same in every piece of the same runs."""
    if not rows.shape[0]:
        return rows
    dense = rows.toarray()
    dense = dense / np.abs(dense).max(axis=1, keepdims=True)
    return sparse.csr_array(np.unique(np.round(dense, 9), axis=0))
