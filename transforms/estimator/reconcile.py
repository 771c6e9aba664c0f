"""The smallest movement of the reports that restores consistency, weighted by their standard errors, tier by tier.

In: interval statements of one series. Out: one signed slack a report, on each of its rows; zero everywhere if and only
if the reports agree. Stone's method: within a tier, minimise the sum of squared slacks over their variances, earlier
tiers held fixed (method.md 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from transforms.estimator.calibrate import exact_days
from transforms.estimator.engine import Engines
from transforms.estimator.grids import grid_of, on_grid, spanning
from transforms.estimator.quadratic import Quadratic, minimise
from transforms.estimator.rounding import whole_path
from transforms.estimator.statements import FloatArray, IntArray, Statements, canonical, joined
from transforms.estimator.system import cuts, one_series

_NOISE = 1e-9  # relative to the largest figure: what a solver leaves behind
_WHOLE = 1e-6  # crossings; closer to a whole number than this is a whole number
_TOLD = 9  # decimals of a slack as it is told
SMALL_MOVE = 0.5  # crossings; an exact day count moved by less than this is still what its report says, if it can be


@dataclass(frozen=True, eq=False)
class Reconciled:
    """Statements in canonical order, and how far each row was moved.

    Attributes
    ----------
    reported : the rows as encoded.
    slack : float64, crossings added to both ends of the row; 0 = not moved. Rows of one report have the same slack (up
        to the grid of 2^-24 crossings on which the moved system agrees exactly), unless no such slacks serve.
    relaxed : whole-number intervals that contain what was reported and what was reconciled; they agree exactly, and
        rows of one report are relaxed alike.
    fallback : report ids of blocks that have the least weighted absolute movement, because the solver was not accurate
        enough for the least squares.
    """

    reported: Statements
    slack: FloatArray
    relaxed: Statements
    fallback: tuple[str, ...]

    @property
    def shifted(self) -> Statements:
        """Intervals moved by the slack: what the point estimate keeps to."""
        return moved_by(self.reported, self.slack)

    def moved(self) -> dict[str, float]:
        """Slack of each report that was moved, by report id, sorted.

        With s as told here, `relaxed` is [floor(lower + min(s, 0)), ceil(upper + max(s, 0))] to the crossing, also
        where a whole-number system needed one crossing more than the slack.
        """
        largest: dict[str, int] = {}
        for row in np.flatnonzero(self.slack):
            report_id = str(self.reported.report_id[row])
            if report_id not in largest or abs(self.slack[row]) > abs(self.slack[largest[report_id]]):
                largest[report_id] = int(row)
        return {i: self._told(row) for i, row in sorted(largest.items())}

    def _told(self, row: int) -> float:
        low, high = float(self.reported.lower[row]), float(self.reported.upper[row])
        down, up = float(self.relaxed.lower[row]) - low, float(self.relaxed.upper[row]) - high
        slack = float(self.slack[row])
        told = round(slack, _TOLD) or slack
        if told < 0 and np.isfinite(low) and np.floor(low + told) != low + down:
            return down
        if told > 0 and np.isfinite(high) and np.ceil(high + told) != high + up:
            return up
        return told


def moved_by(c: Statements, slack: FloatArray) -> Statements:
    """Both ends moved by the slack; a lower end of 0 states nothing and stays, unless the report says exactly 0."""
    stated = (c.lower > 0) | (c.lower == c.upper)
    return replace(c, lower=np.where(stated, c.lower + slack, c.lower), upper=c.upper + slack)


def reconcile(statements: Statements, engines: Engines) -> Reconciled:
    """Slacks of all rows; blocks whose reports agree are not touched and cost nothing but the check.

    Blocks that share a report (one that speaks of each day) are settled together, because it moves as one.
    """
    c = canonical(statements)
    slack = np.zeros(len(c))
    fallback: list[str] = []
    clashing = np.concatenate([[], *_clashing(c, engines)]).astype(np.intp)
    for rows in _settled_together(c) if len(clashing) else []:
        if np.isin(clashing, rows).any():
            slack[rows], squares = _by_tier(c.take(rows), engines)
            if not squares:
                fallback.extend(str(i) for i in c.report_id[rows])
    relaxed = _relaxed(c, slack)
    while len(clashing) and (short := _clashing(relaxed, engines)):
        # A slack a hair from a whole number may leave the whole-number system short; ends that moved move one further.
        ids = {str(i) for block in short for i in c.report_id[block]}
        rows = np.flatnonzero(np.array([str(i) in ids for i in c.report_id]) & (slack != 0))
        assert len(rows), "a block without moved reports was feasible before"
        relaxed.lower[rows[slack[rows] < 0]] -= 1
        relaxed.upper[rows[slack[rows] > 0]] += 1
    return Reconciled(c, slack, relaxed, tuple(sorted(set(fallback))))


def _settled_together(c: Statements) -> list[NDArray[np.intp]]:
    """Rows of the blocks, blocks that share a report together; in time order of their first block."""
    found = _blocks(c)
    _, report = np.unique(c.report_id.astype(str), return_inverse=True)
    n = len(found)
    block_of = np.repeat(np.arange(n), [len(block) for block in found])
    rows = np.concatenate(found)
    shared = sparse.csr_matrix((np.ones(len(rows)), (block_of, n + report[rows])), shape=(n + len(c), n + len(c)))
    _, group = connected_components(shared, directed=False)
    return [rows[group[block_of] == g] for g in dict.fromkeys(group[:n].tolist())]


def _relaxed(c: Statements, slack: FloatArray) -> Statements:
    """Whole-number intervals that contain both what was reported and what was reconciled."""
    _, report = np.unique(c.report_id.astype(str), return_inverse=True)
    down, up = np.zeros(len(c)), np.zeros(len(c))
    np.minimum.at(down, report, slack)
    np.maximum.at(up, report, slack)
    return replace(
        c,
        lower=np.floor(c.lower + down[report] + _WHOLE),
        upper=np.ceil(c.upper + up[report] - _WHOLE),
    )


def _by_tier(c: Statements, engines: Engines) -> tuple[FloatArray, bool]:
    slack, squares = np.zeros(len(c)), True
    for tier in np.unique(c.tier):
        rows = np.flatnonzero(c.tier <= tier)
        part = c.take(rows)
        if not slack.any() and not _clashing(part, engines):
            continue
        for together in _settled_together(part):
            mine = np.flatnonzero(c.tier[rows[together]] == tier)
            if len(mine):
                moved, ok = _one_group(part.take(together), slack[rows[together]], mine, engines)
                slack[rows[together[mine]]] = moved
                squares = squares and ok
    return slack, squares


def _one_group(c: Statements, fixed: FloatArray, mine: IntArray, engines: Engines) -> tuple[FloatArray, bool]:
    """Slacks of the rows `mine`: minimise the sum of (s / sigma)^2 over their reports, all others held where they are.

    The flag is false where only the least weighted absolute movement was found.
    """
    shifted = moved_by(c, fixed)
    if not _clash(shifted, engines):
        return np.zeros(len(mine)), True
    held = np.ones(len(c), dtype=bool)
    held[mine] = False
    nodes = np.unique(np.concatenate((c.start, c.end)))
    found = _least_squares(shifted, nodes, held, engines)
    largest = float(np.abs(np.concatenate([e[np.isfinite(e)] for e in (c.lower, c.upper)])).max())
    unmoved = held.copy()
    unmoved[mine] = np.abs(found.slack) <= max(1e-7, _NOISE * largest)
    kept = unmoved if not _clash(shifted.take(unmoved), engines) else held
    return _exactly(shifted, nodes, found, kept, mine, engines), found.squares


def _blocks(c: Statements) -> list[NDArray[np.intp]]:
    """Rows of the blocks of rows in canonical order; rows that state nothing are in none."""
    stated = np.flatnonzero((c.lower > 0) | np.isfinite(c.upper))
    return [stated[rows] for rows in cuts(c.take(stated))]


def _clashing(c: Statements, engines: Engines) -> list[NDArray[np.intp]]:
    """Rows of the blocks whose statements cannot all hold."""
    return [rows for rows in _blocks(c) for block in one_series("", c.take(rows)) if not engines(block).feasible()]


def _clash(c: Statements, engines: Engines) -> bool:
    steps = on_grid(c, grid_of(c))
    return steps is None or bool(_clashing(steps, engines))


def _exactly(
    shifted: Statements, nodes: IntArray, found: _Moved, kept: NDArray[np.bool_], mine: IntArray, engines: Engines
) -> FloatArray:
    """Slacks on a dyadic grid, so that the moved system is feasible exactly and not only up to a solver's noise."""
    grid = grid_of(shifted)
    steps = on_grid(shifted, grid)
    assert steps is not None, "figures are whole and earlier slacks lie on the grid"
    nearest = np.rint(found.cumulative)
    cumulative = np.where(np.abs(found.cumulative - nearest) <= _WHOLE, nearest, found.cumulative)
    whole = whole_path(nodes, cumulative * grid, steps.take(kept), 0.5, engines)
    free = steps.take(mine)
    flow = (whole[np.searchsorted(nodes, free.end)] - whole[np.searchsorted(nodes, free.start)]).astype(np.float64)
    # One row moves as far as its flow asks for; rows of one report move together, to a hair of what its slack is.
    _, report, rows = np.unique(free.report_id.astype(str), return_inverse=True, return_counts=True)
    wanted = np.where(rows[report] > 1, np.rint(found.slack * grid), 0.0)
    most = np.where((free.lower > 0) | (free.lower == free.upper), flow - free.lower, np.inf)
    slack = np.maximum(np.minimum(wanted, most), flow - free.upper) / grid
    slack[kept[mine]] = 0.0
    return np.asarray(slack)


class _Moved(NamedTuple):
    """C at the nodes, the slacks of the free rows (one for all rows of a report), and whether they are least squares."""

    cumulative: FloatArray
    slack: FloatArray
    squares: bool


def _least_squares(c: Statements, nodes: IntArray, held: NDArray[np.bool_], engines: Engines) -> _Moved:
    """C at the nodes and the slacks of the rows that are not held, by one quadratic programme around an LP solution."""
    mine = np.flatnonzero(~held)
    report = np.unique(c.report_id[mine].astype(str), return_inverse=True)[1]
    found = _around_centre(c, nodes, held, report, engines)
    if found is None:
        # A report that says one figure of each day may fit no movement of all its days by the same: they move apart.
        found = _around_centre(c, nodes, held, np.arange(len(mine)), engines)
    assert found is not None, "any system of intervals agrees once its free rows may move"
    return found


def _around_centre(
    c: Statements, nodes: IntArray, held: NDArray[np.bool_], report: NDArray[np.intp], engines: Engines
) -> _Moved | None:
    """As `_least_squares`, with one slack for the rows of one number in `report`; None where no such slacks serve."""
    mine = np.flatnonzero(~held)
    first = np.unique(report, return_index=True)[1]
    sigma = c.sigma[mine][first]
    hard = c.take(held)
    for block in one_series("", hard):
        hard = joined(hard, engines(block).implied())
    system = joined(hard, c.take(mine))
    n, m, h = len(nodes), len(sigma), len(hard)
    a, b = np.searchsorted(nodes, system.start), np.searchsorted(nodes, system.end)
    column = np.concatenate((np.full(h, -1), n - 1 + report))
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
        np.concatenate((np.zeros(n - 1), 1 / sigma, 1 / sigma)),
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
    if centre.x is None:
        return None
    at_centre = np.rint(np.concatenate(([0.0], centre.x[: n - 1])))
    flow = at_centre[b] - at_centre[a]
    unit = max(1.0, float(np.abs(centre.x[n - 1 :]).max()))
    widest = float(sigma.max())
    share = np.concatenate((np.zeros(h), sigma[report] / widest))
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
        slack = centre.x[n - 1 :][:m] - centre.x[n - 1 :][m:]
        return _Moved(np.concatenate(([0.0], centre.x[: n - 1])), slack[report], False)
    cumulative = at_centre + np.concatenate(([0.0], solution.z[: n - 1])) * unit
    return _Moved(cumulative, (solution.z[n - 1 :] * sigma / widest)[report] * unit, True)


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


def with_printed_days(reconciled: Reconciled, midnights: IntArray, engines: Engines) -> Statements:
    """The relaxed intervals, in which exact counts of a day that hardly moved keep the printed figure where they can.

    Days keep it in order of how far they moved, then of date: the day that was moved most gives way first.
    """
    c, slack = reconciled.reported, reconciled.slack
    rows, day = exact_days(c, midnights)
    hardly = (slack[rows] != 0) & (np.abs(slack[rows]) < SMALL_MOVE)
    rows, day = rows[hardly], day[hardly]
    order = np.lexsort((c.lower[rows], day, np.round(np.abs(slack[rows]), 6)))
    return pinned(reconciled.relaxed, rows[order], c.lower[rows[order]], engines)[0]


def pinned(
    statements: Statements, rows: NDArray[np.intp], value: FloatArray, engines: Engines
) -> tuple[Statements, NDArray[np.intp]]:
    """Narrow rows to one value each, in the order given, wherever the rows before it still leave that value open.

    Returns the narrowed statements, feasible as before, and the rows that got their value.
    """
    now, kept = statements, [np.zeros(0, dtype=np.intp)]
    for block in _blocks(statements):
        todo = np.flatnonzero(np.isin(rows, block))
        part = np.isin(np.arange(len(statements)), block)
        while len(todo):
            # Whatever holds for many holds for fewer: the longest part that holds is found by halving.
            low, high = 0, len(todo)
            while low < high:
                middle = (low + high + 1) // 2
                tried = _with_values(now, rows[todo[:middle]], value[todo[:middle]])
                low, high = (low, middle - 1) if _clashing(tried.take(part), engines) else (middle, high)
            now = _with_values(now, rows[todo[:low]], value[todo[:low]])
            kept.append(rows[todo[:low]])
            todo = todo[low + 1 :]
    return now, np.concatenate(kept)


def _with_values(statements: Statements, rows: NDArray[np.intp], value: FloatArray) -> Statements:
    lower, upper = statements.lower.copy(), statements.upper.copy()
    lower[rows] = upper[rows] = value
    return replace(statements, lower=lower, upper=upper)
