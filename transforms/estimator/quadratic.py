"""Convex quadratic programmes: solve, check the optimality conditions independently, sharpen, fall back in the open.

In: minimise z'Pz/2 + q'z subject to Ez = e, Gz <= h, sparse, in units of order 1. Out: z with the largest violation of
a condition, measured apart from the solver, and the way it was found. Clarabel is the solver; where no inequality
binds the solution is one sparse LU; the same LU with an active set sharpens Clarabel's answer and is the fallback
(method.md 4.5).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import clarabel
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import MatrixRankWarning, splu

from transforms.estimator.statements import BoolArray, FloatArray

RESIDUAL = 1e-6  # accepted violation of each condition, in units of the scaled problem
# (tolerance, room, Clarabel's own rescaling); method.md 4.5 asks for 1e-9 or tighter, the tighter is tried first.
# Rescaling blows up flows that hardly enter an objective and then stalls, so it is given up where it does.
_ATTEMPTS = ((1e-10, 0.0, True), (1e-10, 0.0, False), (1e-9, 0.0, True), (1e-9, 0.0, False))
_SHARP = 1e-9
_REGULAR = 1e-12
_REFINEMENTS = 40
_EXACTLY = 1e-17  # relative; beyond double precision, see `_with_active`
_MAX_SETS = 40
_WORSE = 1e-9  # relative; how much the objective of a sharpened solution may lie above that of the point it sharpens


@dataclass(frozen=True, eq=False)
class Quadratic:
    """minimise z'Pz/2 + q'z subject to Ez = e, Gz <= h; P symmetric positive semidefinite, full (both triangles).

    `level` has rows whose values the objective leaves open; a sharpened solution keeps those of the point it sharpens.
    """

    P: sparse.csc_array
    q: FloatArray
    E: sparse.csc_array
    e: FloatArray
    G: sparse.csc_array
    h: FloatArray
    level: sparse.csr_array | None = None

    def objective(self, z: FloatArray) -> float:
        """What is minimised."""
        return float(z @ (self.P @ z) / 2 + self.q @ z)

    def holding(self, z: FloatArray) -> Quadratic:
        """The same, with what the objective leaves open held at its value in z."""
        assert self.level is not None
        rows = sparse.csc_array(sparse.vstack((self.E, self.level)))
        return replace(self, E=rows, e=np.concatenate((self.e, self.level @ z)))

    def violation(self, z: FloatArray) -> float:
        """Largest violation of a constraint; inf where z is no number."""
        if not np.isfinite(z).all():
            return np.inf
        equal = float(np.abs(self.E @ z - self.e).max()) if len(self.e) else 0.0
        above = float((self.G @ z - self.h).max()) if len(self.h) else 0.0
        return max(equal, above, 0.0)

    def residual(self, point: Point) -> float:
        """Largest violation of an optimality condition: primal, stationarity, dual sign, complementarity."""
        z, y, dual = point
        primal = self.violation(z)
        if not np.isfinite(primal) or not (np.isfinite(y).all() and np.isfinite(dual).all()):
            return np.inf
        slope = np.abs(self.P @ z + self.q + self.E.T @ y + self.G.T @ dual).max(initial=0.0)
        sign = -float(dual.min(initial=0.0))
        apart = np.abs(dual * (self.h - self.G @ z)).max(initial=0.0)
        return max(primal, float(slope), sign, float(apart))


class Point(NamedTuple):
    """A solution with the multipliers of the equalities and of the inequalities."""

    z: FloatArray
    y: FloatArray
    dual: FloatArray


# A problem, a tolerance, whether to rescale -> the point where the solver ended, and its own word for it.
Solver: TypeAlias = Callable[[Quadratic, float, bool], tuple[Point, str]]


@dataclass(frozen=True, eq=False)
class Solution:
    """z, the largest violation of an optimality condition, and how it was found: lu, clarabel, active_set or none."""

    z: FloatArray
    residual: float
    how: str
    solver_status: str

    @property
    def accepted(self) -> bool:
        """Whether z may be used."""
        return self.how != "none"


def minimise(
    problem: Quadratic,
    *,
    try_equalities: bool = False,
    room: Sequence[float] = (),
    solver: Solver | None = None,
) -> Solution:
    """Solve, with the steps named in the module's opening. Never raises for a hard problem: how is then none.

    try_equalities : whether the inequalities are likely to be idle. room : further attempts for systems that are
    feasible in a hair's breadth only; inequalities get that much room, the check stays the same. solver : stands in for
    Clarabel.
    """
    p, solve = problem, solver or interior_point
    if not len(p.h) or try_equalities:
        direct = _with_active(p, np.zeros(len(p.h), dtype=bool))
        if direct is not None and p.residual(direct) <= _SHARP:
            return Solution(direct.z, p.residual(direct), "lu", "")
    attempts = [*_ATTEMPTS, *((1e-9, r, rescale) for r in room for rescale in (False, True))]
    for tolerance, slack, rescale in attempts:
        point, status = solve(replace(p, h=p.h + slack), tolerance, rescale)
        if p.residual(point) <= RESIDUAL:
            sharper = _sharpened(p, point)
            point = point if sharper is None else sharper
            return Solution(point.z, p.residual(point), "clarabel", status)
    fallback = _active_set(p, point)
    if fallback is not None:
        return Solution(fallback.z, p.residual(fallback), "active_set", status)
    return Solution(point.z, p.residual(point), "none", status)


def interior_point(p: Quadratic, tolerance: float, rescale: bool) -> tuple[Point, str]:
    """Clarabel, on one thread."""
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.max_iter = 200
    settings.max_threads = 1
    settings.equilibrate_enable = rescale
    cones = [clarabel.ZeroConeT(len(p.e)), clarabel.NonnegativeConeT(len(p.h))]
    rows = sparse.csc_matrix(sparse.vstack((p.E, p.G), format="csc"))
    upper = sparse.csc_matrix(sparse.triu(p.P, format="csc"))
    result = clarabel.DefaultSolver(upper, p.q, rows, np.concatenate((p.e, p.h)), cones, settings).solve()
    multipliers = np.array(result.z)
    return Point(np.array(result.x), multipliers[: len(p.e)], multipliers[len(p.e) :]), str(result.status)


def _with_active(p: Quadratic, active: BoolArray) -> Point | None:
    """Minimiser with the active inequalities as equalities, by one LU and iterative refinement."""
    n, rows = len(p.q), sparse.vstack((p.E, p.G[np.flatnonzero(active)]), format="csc")
    right = np.concatenate((p.e, p.h[active]))
    m = rows.shape[0]
    kkt = sparse.block_array([[p.P, rows.T], [rows, None]], format="csc") if m else sparse.csc_array(p.P)
    target = np.concatenate((-p.q, right))
    shift = sparse.diags_array(np.concatenate((np.full(n, _REGULAR), np.full(m, -_REGULAR))), format="csc")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", MatrixRankWarning)
            factor = splu(sparse.csc_matrix(kkt + shift))
    except (RuntimeError, MatrixRankWarning):
        return None
    # Cumulative counts of n days have a condition of n^4: what is missed is added up in extended precision.
    exact, size = sparse.csr_array(kkt).astype(np.longdouble), max(1.0, float(np.abs(target).max()))
    refined = factor.solve(target).astype(np.longdouble)
    miss = target - exact @ refined
    for _ in range(_REFINEMENTS):
        if not np.isfinite(miss).all() or np.abs(miss).max() <= _EXACTLY * size:
            break
        refined = refined + factor.solve(miss.astype(np.float64))
        miss = target - exact @ refined
    if not np.isfinite(miss).all() or np.abs(miss).max() > 1e-8 * size:
        return None
    solution = refined.astype(np.float64)
    dual = np.zeros(len(p.h))
    dual[active] = solution[n + len(p.e) :]
    return Point(solution[:n], solution[n : n + len(p.e)], dual)


def _sharpened(p: Quadratic, point: Point) -> Point | None:
    """The exact solution on the active set that the interior point shows, if it is one and no worse."""
    active = point.dual > p.h - p.G @ point.z
    reached = p.objective(point.z)
    most = reached + _WORSE * max(1.0, abs(reached))
    held = [p] if p.level is None else [p, p.holding(point.z)]
    for problem in held:
        sharp = _with_active(problem, active)
        if sharp is not None and p.violation(sharp.z) <= _SHARP:
            sharp = sharp._replace(y=sharp.y[: len(p.e)])
            if p.residual(sharp) <= RESIDUAL and p.objective(sharp.z) <= most:
                return sharp
    return None


def _active_set(p: Quadratic, point: Point) -> Point | None:
    """Primal-dual active set from the last iterate; None where it does not settle."""
    z, _, dual = point
    known = np.isfinite(z).all() and np.isfinite(dual).all()
    active = (dual > p.h - p.G @ z) if known else np.zeros(len(p.h), dtype=bool)
    for _ in range(_MAX_SETS):
        found = _with_active(p, active)
        if found is None:
            return None
        if p.residual(found) <= RESIDUAL:
            return found
        wanted = found.dual + (p.G @ found.z - p.h) > 1e-12
        if (wanted == active).all():
            return None
        active = wanted
    return None
