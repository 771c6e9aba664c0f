"""The smallest movement of the reports that restores consistency, weighted by their standard errors, tier by tier.

In: interval statements of one series. Out: one signed slack a row; zero everywhere if and only if the reports agree.
Stone's method: within a tier, minimise the sum of squared slacks over their variances, earlier tiers held fixed
(method.md 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from transforms.bounds import infeasible_blocks
from transforms.constraints import Constraints, FloatArray, IntArray
from transforms.network import blocks, canonical
from transforms.quadratic import Quadratic, minimise
from transforms.rigid import grid_of, implied_equalities, joined, on_grid, spanning
from transforms.whole import whole_path

_NOISE = 1e-9  # relative to the largest figure: what a solver leaves behind
_WHOLE = 1e-6  # crossings; closer to a whole number than this is a whole number


@dataclass(frozen=True, eq=False)
class Reconciled:
    """Constraints in canonical order, and how far each row was moved.

    Attributes
    ----------
    reported : the rows as encoded.
    slack : float64, crossings added to both ends of the row; 0 = not moved.
    relaxed : whole-number intervals that contain what was reported and what was reconciled; they agree exactly.
    fallback : report ids of blocks that have the least weighted absolute movement, because the solver was not accurate
        enough for the least squares.
    """

    reported: Constraints
    slack: FloatArray
    relaxed: Constraints
    fallback: tuple[str, ...]

    @property
    def shifted(self) -> Constraints:
        """Intervals moved by the slack: what the point estimate keeps to."""
        c = self.reported
        return replace(c, lower=c.lower + self.slack, upper=c.upper + self.slack)

    def moved(self) -> dict[str, float]:
        """Largest slack of each report that was moved, by report id, sorted."""
        largest: dict[str, float] = {}
        for report_id, slack in zip(self.reported.report_id, self.slack, strict=True):
            if slack and abs(slack) > abs(largest.get(report_id, 0.0)):
                largest[str(report_id)] = float(slack)
        return dict(sorted(largest.items()))


def reconcile(constraints: Constraints) -> Reconciled:
    """Slacks of all rows; blocks whose reports agree are not touched and cost nothing but the check."""
    c = canonical(constraints)
    slack = np.zeros(len(c))
    fallback: list[str] = []
    clashing = infeasible_blocks(c)
    for block in clashing:
        slack[block.rows], squares = _by_tier(c.take(block.rows))
        if not squares:
            fallback.extend(str(i) for i in c.report_id[block.rows])
    relaxed = _relaxed(c, slack)
    while clashing and (short := infeasible_blocks(relaxed)):
        # A slack a hair from a whole number may leave the whole-number system short; ends that moved move one further.
        for block in short:
            down, up = block.rows[slack[block.rows] < 0], block.rows[slack[block.rows] > 0]
            assert len(down) + len(up), "a block without moved reports was feasible before"
            relaxed.lower[down] -= 1
            relaxed.upper[up] += 1
    return Reconciled(c, slack, relaxed, tuple(sorted(set(fallback))))


def _relaxed(c: Constraints, slack: FloatArray) -> Constraints:
    """Whole-number intervals that contain both what was reported and what was reconciled."""
    return replace(
        c,
        lower=np.floor(c.lower + np.minimum(slack, 0.0) + _WHOLE),
        upper=np.ceil(c.upper + np.maximum(slack, 0.0) - _WHOLE),
    )


def _by_tier(c: Constraints) -> tuple[FloatArray, bool]:
    slack, squares = np.zeros(len(c)), True
    for tier in np.unique(c.tier):
        rows = np.flatnonzero(c.tier <= tier)
        part = c.take(rows)
        if not slack.any() and not infeasible_blocks(part):
            continue
        for block in blocks(part):
            mine = np.flatnonzero(c.tier[rows[block.rows]] == tier)
            if len(mine):
                moved, ok = _one_block(part.take(block.rows), slack[rows[block.rows]], mine)
                slack[rows[block.rows[mine]]] = moved
                squares = squares and ok
    return slack, squares


def _one_block(c: Constraints, fixed: FloatArray, mine: IntArray) -> tuple[FloatArray, bool]:
    """Slacks of the rows `mine`: minimise sum (s / sigma)^2 with all other rows held at their fixed slack.

    The flag is false where only the least weighted absolute movement was found.
    """
    shifted = replace(c, lower=c.lower + fixed, upper=c.upper + fixed)
    held = np.ones(len(c), dtype=bool)
    held[mine] = False
    nodes = np.unique(np.concatenate((c.start, c.end)))
    found = _least_squares(shifted, nodes, held)
    largest = float(np.abs(np.concatenate([e[np.isfinite(e)] for e in (c.lower, c.upper)])).max())
    unmoved = held.copy()
    unmoved[mine] = np.abs(found.slack) <= max(1e-7, _NOISE * largest)
    kept = unmoved if not _clash(shifted.take(unmoved)) else held
    return _exactly(shifted, nodes, found.cumulative, kept, mine), found.squares


def _clash(c: Constraints) -> bool:
    steps = on_grid(c, grid_of(c))
    return steps is None or bool(infeasible_blocks(steps))


def _exactly(
    shifted: Constraints, nodes: IntArray, cumulative: FloatArray, kept: NDArray[np.bool_], mine: IntArray
) -> FloatArray:
    """Slacks on a dyadic grid, so that the moved system is feasible exactly and not only up to a solver's noise."""
    grid = grid_of(shifted)
    steps = on_grid(shifted, grid)
    assert steps is not None, "figures are whole and earlier slacks lie on the grid"
    nearest = np.rint(cumulative)
    cumulative = np.where(np.abs(cumulative - nearest) <= _WHOLE, nearest, cumulative)
    whole = whole_path(nodes, cumulative * grid, steps.take(kept), 0.5)
    free = steps.take(mine)
    flow = (whole[np.searchsorted(nodes, free.end)] - whole[np.searchsorted(nodes, free.start)]).astype(np.float64)
    slack = (np.maximum(flow - free.upper, 0.0) + np.minimum(flow - free.lower, 0.0)) / grid
    slack[kept[mine]] = 0.0
    return np.asarray(slack)


class _Moved(NamedTuple):
    """C at the nodes, the slacks of the free rows, and whether they are the least squares."""

    cumulative: FloatArray
    slack: FloatArray
    squares: bool


def _least_squares(c: Constraints, nodes: IntArray, held: NDArray[np.bool_]) -> _Moved:
    """C at the nodes and the slacks of the rows that are not held, by one quadratic programme around an LP solution."""
    mine = np.flatnonzero(~held)
    hard = c.take(held)
    hard = joined(hard, implied_equalities(hard)) if len(hard) else hard
    system = joined(hard, c.take(mine))
    n, m, h = len(nodes), len(mine), len(hard)
    a, b = np.searchsorted(nodes, system.start), np.searchsorted(nodes, system.end)
    column = np.concatenate((np.full(h, -1), n - 1 + np.arange(m)))
    exact = system.lower == system.upper
    chosen, group = spanning(a[:h][exact[:h]], b[:h][exact[:h]], n)
    equal = np.concatenate((np.flatnonzero(exact[:h])[chosen], h + np.flatnonzero(exact[h:])))
    loose = ~exact & ((column >= 0) | (group[a] != group[b]))
    above, below = np.flatnonzero(loose & np.isfinite(system.upper)), np.flatnonzero(loose & (system.lower > 0))
    segment = np.flatnonzero(group[:-1] != group[1:])

    def flows(at: IntArray, sign: float, share: FloatArray) -> sparse.csr_array:
        shift = np.where(column[at] >= 0, -sign * share[at], 0.0)
        return _rows(a[at], b[at], column[at], np.full(len(at), sign), shift, n - 1 + m)

    # The LP finds where the clash is; around it all numbers are of the size of the clash, which keeps the QP exact.
    ones = np.ones(len(system))
    centre = linprog(
        np.concatenate((np.zeros(n - 1), 1 / system.sigma[h:], 1 / system.sigma[h:])),
        A_eq=_both_ways(flows(equal, 1.0, ones), m),
        b_eq=system.lower[equal],
        A_ub=_both_ways(
            sparse.csr_array(
                sparse.vstack((flows(above, 1.0, ones), flows(below, -1.0, ones), _order(segment, n - 1 + m)))
            ),
            m,
        ),
        b_ub=np.concatenate((system.upper[above], -system.lower[below], np.zeros(len(segment)))),
        bounds=np.concatenate((np.full((n - 1, 2), [-np.inf, np.inf]), np.full((2 * m, 2), [0.0, np.inf]))),
        method="highs",
    )
    assert centre.x is not None, "any system of intervals agrees once its free rows may move"
    at_centre = np.rint(np.concatenate(([0.0], centre.x[: n - 1])))
    flow = at_centre[b] - at_centre[a]
    unit = max(1.0, float(np.abs(centre.x[n - 1 :]).max()))
    widest = float(system.sigma[h:].max())
    share = np.concatenate((np.zeros(h), system.sigma[h:] / widest))
    lower, upper = (system.lower - flow) / unit, (system.upper - flow) / unit
    solution = minimise(
        Quadratic(
            sparse.csc_array(sparse.diags_array(np.concatenate((np.zeros(n - 1), np.full(m, 2.0))), format="csc")),
            np.zeros(n - 1 + m),
            sparse.csc_array(flows(equal, 1.0, share)),
            lower[equal],
            sparse.csc_array(
                sparse.vstack((flows(above, 1.0, share), flows(below, -1.0, share), _order(segment, n - 1 + m)))
            ),
            np.concatenate((upper[above], -lower[below], np.diff(at_centre)[segment] / unit)),
        )
    )
    if not solution.accepted:
        # The least weighted absolute movement is no least square, but it is the least of something, and it is told.
        return _Moved(np.concatenate(([0.0], centre.x[: n - 1])), centre.x[n - 1 :][:m] - centre.x[n - 1 :][m:], False)
    cumulative = at_centre + np.concatenate(([0.0], solution.z[: n - 1])) * unit
    return _Moved(cumulative, solution.z[n - 1 :] * share[h:] * unit, True)


def _rows(
    a: IntArray, b: IntArray, column: IntArray, sign: FloatArray, shift: FloatArray, width: int
) -> sparse.csr_array:
    """Rows sign * (C(b) - C(a)) + shift * unknown number `column`; C at the first node is 0."""
    k = np.arange(len(a))
    lines, cols = np.concatenate((k, k, k)), np.concatenate((b - 1, a - 1, column))
    vals = np.concatenate((sign, -sign, shift))
    keep = cols >= 0
    return sparse.csr_array((vals[keep], (lines[keep], cols[keep])), shape=(len(a), width))


def _order(segment: IntArray, width: int) -> sparse.csr_array:
    """Rows C(i) - C(i + 1) for the elementary segments that are free."""
    none = np.full(len(segment), -1)
    return _rows(segment, segment + 1, none, np.full(len(segment), -1.0), np.zeros(len(segment)), width)


def _both_ways(rows: sparse.csr_array, m: int) -> sparse.csr_array:
    """The last m unknowns split into what is added and what is taken away, for an LP."""
    return sparse.csr_array(sparse.hstack((rows, -rows[:, rows.shape[1] - m :])))
