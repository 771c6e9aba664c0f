"""Tightest bounds of coupled series by linear programming, with the reports that prove them.

In: a block of coupled series (`coupled_blocks`) and windows of time. Out: per window the smallest and largest flow
that the reports and identities allow, and the reports with a non-zero dual multiplier. The maths is in method.md 4.7:
one LP over all flows, two optimisations per bound, where no solution seen before already attains a bound that one
report states by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
import scipy.sparse as sp

from crossings.errors import CrossingsError
from transforms.estimator.constraints import FloatArray
from transforms.estimator.coupled_blocks import Block, BoolArray, Grid

_TOLERANCE = 1e-6


def snap(value: float) -> float:
    """The whole number next to `value` if it differs only by the solver's rounding, else `value`."""
    if not np.isfinite(value):
        return value
    whole = float(np.round(value))
    return whole if abs(value - whole) <= max(_TOLERANCE, 1e-9 * abs(value)) else value


@dataclass(frozen=True)
class Bound:
    """Tightest bounds of one flow, not yet whole; -inf / inf where there is none, with the proving report ids."""

    lower: float
    upper: float
    lower_proof: frozenset[tuple[int, str]]
    upper_proof: frozenset[tuple[int, str]]


class FlowProgramme:
    """One linear programme over the flows of a block; built once, then only its objective changes."""

    def __init__(self, block: Block, grid: Grid, price: FloatArray | None = None) -> None:
        """Build it; `price` (per statement) lets every interval move either way at that cost per crossing."""
        self.block = block
        self.n_statements = len(block.statements)
        coverage = block.coverage(grid)
        identities, equal, self.link_of = block.identities(grid)
        rows = sp.csr_array(sp.vstack([coverage, identities]))
        floor = block.floor_of_flow(grid.n_pieces)
        cost = np.zeros(rows.shape[1])
        if price is not None:
            slack = sp.vstack([sp.eye_array(self.n_statements), sp.csr_array((identities.shape[0], self.n_statements))])
            rows = sp.csr_array(sp.hstack([rows, slack, -slack]))
            floor = np.concatenate([floor, np.zeros(2 * self.n_statements)])
            cost = np.concatenate([cost, price, price])
        rows.sort_indices()
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = rows.shape[1], rows.shape[0]
        programme.col_cost_ = cost
        programme.col_lower_ = floor
        programme.col_upper_ = np.full(rows.shape[1], np.inf)
        programme.row_lower_ = np.concatenate([block.statements.lower, np.where(equal, 0.0, -np.inf)])
        programme.row_upper_ = np.concatenate([block.statements.upper, np.zeros(len(equal))])
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = rows.indptr
        programme.a_matrix_.index_ = rows.indices
        programme.a_matrix_.value_ = rows.data
        self.solver = quiet_solver()
        self.solver.setOptionValue("presolve", "off")
        self.solver.passModel(programme)
        self._objective: list[int] = []

    def feasible(self) -> bool:
        """Whether all rows can hold together."""
        return self._status() != highspy.HighsModelStatus.kInfeasible

    def least_slack(self) -> tuple[float, BoolArray]:
        """Of a programme with prices: the least cost, and the rows (reports, identities) that force it."""
        self._status()
        dual = np.asarray(self.solver.getSolution().row_dual)
        return float(self.solver.getObjectiveValue()), np.abs(dual) > _TOLERANCE

    def movement(self) -> tuple[FloatArray, FloatArray]:
        """Of a programme with prices, once solved: the movement of each statement's interval, and all flows."""
        x = np.asarray(self.solver.getSolution().col_value)
        n = self.n_statements
        return x[-n:] - x[-2 * n : -n], x[: -2 * n]

    def irreducible_rows(self, strategy: int) -> list[int]:
        """Rows of an irreducible infeasible subsystem as HiGHS finds it; strategy 2 or 4, the others find nothing."""
        self.solver.setOptionValue("iis_strategy", strategy)
        _, found = self.solver.getIis()
        return [int(r) for r in found.row_index_]

    def minimise(
        self, columns: Sequence[int], sign: float
    ) -> tuple[float | None, FloatArray, frozenset[tuple[int, str]]]:
        """Minimise `sign` times the sum of some flows.

        Returns the value (None where unbounded), the flows attaining it (an unbounded direction where there is no
        value, empty if the solver gives none), and the (instant, report id) pairs with a non-zero multiplier.
        """
        self.solver.setOptionValue("simplex_strategy", 4)  # primal: the point before stays feasible
        if self._objective:
            self._set_cost(self._objective, 0.0)
        self._objective = list(columns)
        self._set_cost(self._objective, sign)
        status = self._status()
        if status != highspy.HighsModelStatus.kOptimal:
            _, known, ray = self.solver.getPrimalRay()
            return None, np.asarray(ray) if known else np.empty(0), frozenset()
        solution = self.solver.getSolution()
        dual = np.asarray(solution.row_dual)[: self.n_statements]
        s = self.block.statements
        proof = frozenset((int(s.start[i]), str(s.report_id[i])) for i in np.flatnonzero(np.abs(dual) > _TOLERANCE))
        return float(self.solver.getObjectiveValue()), np.asarray(solution.col_value), proof

    def _set_cost(self, columns: Sequence[int], cost: float) -> None:
        index = np.asarray(columns, dtype=np.int32)
        self.solver.changeColsCost(len(index), index, np.full(len(index), cost))

    def _status(self) -> object:
        """Run the solver; once more from scratch if it gets stuck. Raises CrossingsError if it stays stuck."""
        known = (
            highspy.HighsModelStatus.kOptimal,
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnbounded,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        )
        self.solver.run()
        if self.solver.getModelStatus() not in known:
            self.solver.clearSolver()
            self.solver.run()
        status: object = self.solver.getModelStatus()
        if status not in known:
            raise CrossingsError(
                f"the linear programme of {', '.join(self.block.members)} ended as {status}",
                "look for figures of very different size among the reports of these series",
            )
        return status


def quiet_solver() -> highspy.Highs:
    """A HiGHS instance that prints nothing and gives the same answer on every machine and thread count."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    return solver


@dataclass(frozen=True)
class _Pattern:
    """A sum of flows of one member over pieces of a grid."""

    member: int
    pieces: tuple[int, ...]


def tightest(block: Block, windows: Sequence[tuple[int, int, int]]) -> list[Bound]:
    """Tightest bounds of the flows (member, start, end) inside a feasible block.

    For a member that cannot be negative, a segment covered in part adds nothing to the lower bound and as much as the
    whole segment to the upper bound. Only members that may be negative need segments cut in two.
    """
    plain = _Sweep(block, block.coarse)
    cut_at = np.zeros(len(block.edges) - 1, dtype=np.bool_)
    for member, start, end in windows:
        if block.signed[member]:
            a, b, whole_a, whole_b = block.coarse.segments(start, end)
            cut_at[a] |= not whole_a
            cut_at[b - 1] |= not whole_b
    fine = _Sweep(block, Grid(block.edges, cut_at))
    asked: list[tuple[_Sweep, _Pattern, _Pattern]] = []
    for member, start, end in windows:
        a, b, whole_a, whole_b = block.coarse.segments(start, end)
        if block.signed[member]:
            partly = not (whole_a and whole_b)
            sweep = fine if partly else plain
            pattern = _Pattern(member, tuple(sweep.grid.pieces(start, end)))
            asked.append((sweep, pattern, pattern))
        else:
            inner = range(a + (not whole_a), b - (not whole_b))
            asked.append((plain, _Pattern(member, tuple(inner)), _Pattern(member, tuple(range(a, b)))))
    for sweep in (plain, fine):
        sweep.run([low for s, low, _ in asked if s is sweep], [high for s, _, high in asked if s is sweep])
    bounds = []
    for sweep, low, high in asked:
        (lower, lower_proof), (upper, upper_proof) = sweep.lower[low], sweep.upper[high]
        bounds.append(Bound(lower, upper, lower_proof, upper_proof))
    return bounds


class _Sweep:
    """Bounds of many sums of flows in one programme, each solution serving as a witness for all others."""

    def __init__(self, block: Block, grid: Grid) -> None:
        self.block = block
        self.grid = grid
        self.lower: dict[_Pattern, tuple[float, frozenset[tuple[int, str]]]] = {}
        self.upper: dict[_Pattern, tuple[float, frozenset[tuple[int, str]]]] = {}

    def run(self, lows: Sequence[_Pattern], highs: Sequence[_Pattern]) -> None:
        """Fill `lower` for the patterns in `lows` and `upper` for those in `highs`."""
        patterns = sorted({*lows, *highs}, key=lambda p: (p.pieces, p.member))
        if not patterns:
            return
        programme = FlowProgramme(self.block, self.grid)
        n = self.grid.n_pieces
        columns = [[p.member * n + piece for piece in p.pieces] for p in patterns]
        sums = sp.csr_array(
            (
                np.ones(sum(map(len, columns))),
                np.concatenate([np.asarray(c, dtype=np.int32) for c in columns]),
                np.concatenate([[0], np.cumsum([len(c) for c in columns])]),
            ),
            shape=(len(patterns), len(self.block.members) * n),
        )
        outer = [self._stated(p) for p in patterns]
        least = np.full(len(patterns), np.inf)
        most = np.full(len(patterns), -np.inf)
        downwards, upwards = set(lows), set(highs)
        for i, pattern in enumerate(patterns):
            for sign, wanted, results in ((1.0, downwards, self.lower), (-1.0, upwards, self.upper)):
                if pattern not in wanted:
                    continue
                if not pattern.pieces:
                    results[pattern] = (0.0, frozenset())
                    continue
                stated, proof = outer[i][0] if sign > 0 else outer[i][1]
                seen = least[i] if sign > 0 else -most[i]
                if seen == -np.inf:
                    results[pattern] = (-sign * np.inf, frozenset())
                    continue
                if seen <= sign * stated + _TOLERANCE:
                    results[pattern] = (stated, proof)
                    continue
                value, witness, proof = programme.minimise(columns[i], sign)
                results[pattern] = (-sign * np.inf if value is None else snap(sign * value) + 0.0, proof)
                if value is None:
                    if len(witness):
                        direction = sums @ witness
                        least[direction < -_TOLERANCE] = -np.inf
                        most[direction > _TOLERANCE] = np.inf
                else:
                    reached = sums @ witness
                    least, most = np.minimum(least, reached), np.maximum(most, reached)

    def _stated(
        self, pattern: _Pattern
    ) -> tuple[tuple[float, frozenset[tuple[int, str]]], tuple[float, frozenset[tuple[int, str]]]]:
        """Bounds that one report states by itself: the best report inside the pattern, the best report around it."""
        signed = bool(self.block.signed[pattern.member])
        nothing: frozenset[tuple[int, str]] = frozenset()
        low = (-np.inf if signed else 0.0, nothing)
        high = (np.inf, nothing)
        if not pattern.pieces:
            return (0.0, nothing), (0.0, nothing)
        if self.grid.split.any():
            return low, high
        s = self.block.statements
        start, end = self.grid.edges[pattern.pieces[0]], self.grid.edges[pattern.pieces[-1] + 1]
        own = s.member == pattern.member
        inside = own & (s.start >= start) & (s.end <= end)
        around = own & (s.start <= start) & (s.end >= end)
        if signed:
            inside = around = inside & around
        best = np.where(inside, s.lower, -np.inf)
        i = int(np.argmax(best))
        if best[i] > low[0]:
            low = (float(best[i]), frozenset({(int(s.start[i]), str(s.report_id[i]))}))
        best = np.where(around, s.upper, np.inf)
        i = int(np.argmin(best))
        if best[i] < np.inf:
            high = (float(best[i]), frozenset({(int(s.start[i]), str(s.report_id[i]))}))
        return low, high
