"""Convex quadratic programmes in the form the coupled estimator needs, solved by Clarabel and checked afterwards.

In: minimise x'Px / 2 + q'x subject to lower <= Ax <= upper. Out: the solution, or None where no method passes the
residual check. Sources: method.md 3.1 (why Clarabel) and 4.5 (which solutions are accepted).
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from transforms.estimator.constraints import FloatArray

_ACCEPTED_RESIDUAL = 1e-6
# (tolerance, room, Clarabel's own rescaling). Rescaling blows up flows that hardly enter the objective and then stalls
# ("almost solved"), so it is only a second attempt: the problems are scaled already. The others serve reconciled
# systems, whose feasible set has no interior and may be empty by rounding: inequalities get a little room. The
# residual check stays the same.
_ATTEMPTS = (
    (1e-10, 0.0, False),
    (1e-10, 0.0, True),
    (1e-10, 1e-8, False),
    (1e-9, 1e-7, False),
    (1e-9, 1e-7, True),
    (1e-8, 1e-7, False),
    (1e-8, 5e-7, True),
)


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Minimise x'Px / 2 + q'x subject to lower <= Ax <= upper; P symmetric, infinite ends allowed."""

    objective: sp.csc_array
    linear: FloatArray
    rows: sp.csr_array
    lower: FloatArray
    upper: FloatArray

    def violation(self, x: FloatArray) -> float:
        """Largest distance of a row from its interval."""
        value = self.rows @ x
        return float(np.max(np.maximum(self.lower - value, value - self.upper), initial=0.0))


def solve_quadratic(problem: Quadratic) -> FloatArray | None:
    """The minimiser, in scaled units of order 1; None where neither Clarabel nor its fallback is exact enough."""
    for tolerance, room, rescale in _ATTEMPTS:
        solved, x, at_lower, at_upper = _interior_point(problem, tolerance, room, rescale=rescale)
        if solved and problem.violation(x) <= _ACCEPTED_RESIDUAL:
            return x
    return active_set_solution(problem, at_lower, at_upper)


def _interior_point(
    problem: Quadratic, tolerance: float, room: float, *, rescale: bool
) -> tuple[bool, FloatArray, FloatArray, FloatArray]:
    """Clarabel: whether it is solved, x, and which rows bind below and above (as booleans in float arrays)."""
    equal = problem.upper - problem.lower <= 1e-12
    has_upper = ~equal & np.isfinite(problem.upper)
    has_lower = ~equal & np.isfinite(problem.lower)
    stacked = sp.csc_array(sp.vstack([problem.rows[equal], problem.rows[has_upper], -problem.rows[has_lower]]))
    right = np.concatenate([problem.lower[equal], problem.upper[has_upper] + room, room - problem.lower[has_lower]])
    cones = [clarabel.ZeroConeT(int(equal.sum())), clarabel.NonnegativeConeT(int(has_upper.sum() + has_lower.sum()))]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.max_iter = 200
    settings.equilibrate_enable = rescale
    triangle = sp.csc_matrix(sp.triu(problem.objective, format="csc"))
    solver = clarabel.DefaultSolver(triangle, problem.linear, sp.csc_matrix(stacked), right, cones, settings)
    solution = solver.solve()
    binding = np.asarray(solution.z) > np.maximum(np.asarray(solution.s), 1e-9)
    n_equal, n_upper = int(equal.sum()), int(has_upper.sum())
    at_lower, at_upper = equal.astype(float), np.zeros(len(equal))
    at_upper[has_upper] = binding[n_equal : n_equal + n_upper]
    at_lower[has_lower] = binding[n_equal + n_upper :]
    return solution.status == clarabel.SolverStatus.Solved, np.asarray(solution.x), at_lower, at_upper


def active_set_solution(problem: Quadratic, at_lower: FloatArray, at_upper: FloatArray) -> FloatArray | None:
    """Solve with the marked rows as equalities by sparse LU.

    None unless the result satisfies every row and every marked inequality holds it back (sign of its multiplier).
    """
    low = (at_lower > 0) & np.isfinite(problem.lower)
    high = (at_upper > 0) & ~low & np.isfinite(problem.upper)
    active = sp.csr_array(sp.vstack([problem.rows[low], problem.rows[high]]))
    right = np.concatenate([problem.lower[low], problem.upper[high]])
    n, m = problem.rows.shape[1], active.shape[0]
    tiny = 1e-11  # keeps the factorisation from breaking down where rows repeat each other
    system = sp.csc_array(
        sp.vstack(
            [
                sp.hstack([problem.objective + tiny * sp.eye_array(n), active.T]),
                sp.hstack([active, -tiny * sp.eye_array(m)]),
            ]
        )
    )
    try:
        found = np.asarray(spla.splu(system).solve(np.concatenate([-problem.linear, right])))
    except RuntimeError:  # exactly singular: there is no such point, the caller publishes bounds only
        return None
    x, multiplier = found[:n], found[n:]
    equal = problem.upper - problem.lower <= 1e-12
    outward = np.concatenate([np.where(equal[low], 0.0, multiplier[: low.sum()]), -multiplier[low.sum() :]])
    optimal = bool(np.all(np.isfinite(found))) and float(outward.max(initial=0.0)) <= _ACCEPTED_RESIDUAL
    return x if optimal and problem.violation(x) <= _ACCEPTED_RESIDUAL else None
