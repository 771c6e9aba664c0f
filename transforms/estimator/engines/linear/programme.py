"""One linear programme over the flows of a block, solved by HiGHS; built once, then only its objective changes.

In: a block and a grid of pieces. Out: feasibility, the least and greatest sums of flows with their multipliers, the
least movement that makes an infeasible block agree (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import highspy
import numpy as np
import scipy.sparse as sp

from crossings.errors import CrossingsError
from transforms.estimator.pieces import Grid, coverage, least_flow, ties
from transforms.estimator.results import Term
from transforms.estimator.statements import BoolArray, FloatArray
from transforms.estimator.system import Block

TOLERANCE = 1e-6


def snap(value: float) -> float:
    """The whole number next to `value` if it differs only by the solver's rounding, else `value`."""
    if not isfinite(value):
        return value
    whole = float(round(value))
    return whole if abs(value - whole) <= max(TOLERANCE, 1e-9 * abs(value)) else value


def quiet_solver() -> highspy.Highs:
    """A HiGHS instance that prints nothing and gives the same answer on every machine and thread count."""
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("random_seed", 0)
    return solver


class FlowProgramme:
    """The flows of all members in all pieces, under all statements and identities."""

    def __init__(self, block: Block, grid: Grid, price: FloatArray | None = None) -> None:
        """Build it; `price` (per statement) lets every interval move either way at that cost per crossing."""
        self.block = block
        self.n_statements, self.n_pieces = len(block.statements), grid.n_pieces
        self.ties = ties(block, grid)
        rows = sp.csr_array(sp.vstack([coverage(block, grid), self.ties.rows]))
        floor = least_flow(block, grid.n_pieces)
        cost = np.zeros(rows.shape[1])
        if price is not None:
            empty = sp.csr_array((self.ties.rows.shape[0], self.n_statements))
            slack = sp.vstack([sp.eye_array(self.n_statements), empty])
            rows = sp.csr_array(sp.hstack([rows, slack, -slack]))
            floor = np.concatenate([floor, np.zeros(2 * self.n_statements)])
            cost = np.concatenate([cost, price, price])
        rows.sort_indices()
        equal = self.ties.equal
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
        self._model = programme
        self._objective: list[int] = []

    def feasible(self) -> bool:
        """Whether all rows can hold together."""
        return self._status() != highspy.HighsModelStatus.kInfeasible

    def least_slack(self) -> tuple[float, FloatArray]:
        """Of a programme with prices: the least cost, and the multipliers of its rows (statements, then identities)."""
        self._status()
        dual = np.asarray(self.solver.getSolution().row_dual)
        return float(self.solver.getObjectiveValue()), np.where(np.abs(dual) > TOLERANCE, dual, 0.0)

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

    def minimise(self, columns: Sequence[int], sign: float) -> tuple[float | None, FloatArray, tuple[Term, ...]]:
        """Minimise `sign` times the sum of some flows.

        Returns the value (None where unbounded), the flows attaining it (an unbounded direction where there is no
        value, empty if the solver gives none), and the terms that add up to `sign` times the value.
        """
        self._aim(columns, np.full(len(columns), sign))
        status = self._status()
        if status != highspy.HighsModelStatus.kOptimal:
            _, known, ray = self.solver.getPrimalRay()
            return None, np.asarray(ray) if known else np.empty(0), ()
        solution = self.solver.getSolution()
        dual = sign * np.asarray(solution.row_dual)
        return float(self.solver.getObjectiveValue()), np.asarray(solution.col_value), self.terms(dual, sign)

    def reach(self, cost: FloatArray) -> FloatArray | None:
        """Flows that minimise a weighted sum of them; None where it is unbounded."""
        columns = np.flatnonzero(cost)
        self._aim(columns.tolist(), cost[columns])
        if self._status() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.asarray(self.solver.getSolution().col_value)

    def direction(self, sums: sp.csr_array, sign: float) -> FloatArray:
        """Changes of the flows that may go on for ever and raise `sign` times as many sums of flows as possible.

        Where several can each go on for ever, so can all at once, unless one lowers what another raises.
        """
        n, count = sums.shape[1], sums.shape[0]
        rows = sp.csr_array((self._model.a_matrix_.value_, self._model.a_matrix_.index_, self._model.a_matrix_.start_))
        rows.resize((self._model.num_row_, n))
        matrix = sp.csr_array(sp.block_array([[rows, None], [sign * sums, -sp.eye_array(count)]]))
        matrix.sort_indices()
        programme = highspy.HighsLp()
        programme.num_col_, programme.num_row_ = matrix.shape[1], matrix.shape[0]
        programme.col_cost_ = np.concatenate([np.zeros(n), np.full(count, -1.0)])
        programme.col_lower_ = np.concatenate([self._model.col_lower_, np.zeros(count)])
        programme.col_upper_ = np.concatenate([np.full(n, np.inf), np.ones(count)])
        lower, upper = np.asarray(self._model.row_lower_), np.asarray(self._model.row_upper_)
        programme.row_lower_ = np.concatenate([np.where(np.isfinite(lower), 0.0, -np.inf), np.zeros(count)])
        programme.row_upper_ = np.concatenate([np.where(np.isfinite(upper), 0.0, np.inf), np.full(count, np.inf)])
        programme.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        programme.a_matrix_.start_ = matrix.indptr
        programme.a_matrix_.index_ = matrix.indices
        programme.a_matrix_.value_ = matrix.data
        solver = quiet_solver()
        solver.passModel(programme)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return np.empty(0)
        return np.asarray(solver.getSolution().col_value)[:n]

    def terms(self, dual: FloatArray, sign: float) -> tuple[Term, ...]:
        """Statements with a multiplier, by instant and then report id; `sign` -1 where the objective was turned."""
        s = self.block.statements
        rows = np.flatnonzero(np.abs(dual[: self.n_statements]) > TOLERANCE)
        found = [
            Term(str(s.report_id[i]), "lower" if sign * dual[i] > 0 else "upper", snap(float(dual[i])), int(s.start[i]))
            for i in rows
        ]
        return tuple(sorted(found, key=lambda t: (t.start, t.report_id, t.end)))

    def _aim(self, columns: Sequence[int], cost: FloatArray) -> None:
        """Change the objective to one over some columns."""
        self.solver.setOptionValue("simplex_strategy", 4)  # primal: the point before stays feasible
        if self._objective:
            self._set_cost(self._objective, np.zeros(len(self._objective)))
        self._objective = list(columns)
        self._set_cost(self._objective, cost)

    def _set_cost(self, columns: Sequence[int], cost: FloatArray) -> None:
        index = np.asarray(columns, dtype=np.int32)
        self.solver.changeColsCost(len(index), index, cost)

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


def forcing(block: Block, programme: FlowProgramme, dual: FloatArray) -> BoolArray:
    """Statements that the multipliers of a programme need: those with one, and those that state a shared window.

    An identity that holds for shared windows only is there because reports state such a window, whatever their ends.
    """
    n, s = programme.n_statements, block.statements
    needed = np.abs(dual[:n]) > TOLERANCE
    edges = block.nodes
    for row in np.flatnonzero(np.abs(dual[n:]) > TOLERANCE):
        identity = block.identities[int(programme.ties.which[row])]
        if identity.identical_windows:
            first, last = (int(edges[i]) for i in programme.ties.window[row])
            members = [block.position(name) for name in identity.series]
            needed |= (s.start == first) & (s.end == last) & np.isin(s.member, members)
    return np.asarray(needed)
