"""Convex quadratic programs: solve, check independently, sharpen, and fall back in the open.

In: minimise z'Pz/2 + q'z subject to Ez = e, Gz <= h, sparse. Out: z with the residual that was measured apart from
the solver, and the way it was found. Clarabel is the solver; where no inequality binds the solution is one sparse LU;
the same LU with an active set sharpens Clarabel's answer and is the fallback (method.md 4.5).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import clarabel
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import MatrixRankWarning, splu

from transforms.estimator.constraints import FloatArray

RESIDUAL = 1e-6  # accepted violation, in units of the scaled problem
_TOLERANCES = (1e-10, 1e-9)  # method.md 4.5 asks for 1e-9 or tighter; the tighter is tried first
_SHARP = 1e-9
_REGULAR = 1e-10
_MAX_SETS = 40


@dataclass(frozen=True, eq=False)
class Quadratic:
    """minimise z'Pz/2 + q'z subject to Ez = e, Gz <= h; P symmetric positive semidefinite, full (both triangles)."""

    P: sparse.csc_array
    q: FloatArray
    E: sparse.csc_array
    e: FloatArray
    G: sparse.csc_array
    h: FloatArray


@dataclass(frozen=True, eq=False)
class Solution:
    """z, the largest violation of a constraint, and how it was found: lu, clarabel, active_set or none."""

    z: FloatArray
    residual: float
    how: str
    solver_status: str

    @property
    def accepted(self) -> bool:
        """Whether z may be used."""
        return self.how != "none"


def minimise(problem: Quadratic, *, try_equalities: bool = False) -> Solution:
    """Solve, with the steps named in the module's opening. Never raises for a hard problem: how is then none."""
    p = problem
    free = np.zeros(len(p.h), dtype=bool)
    if not len(p.h) or try_equalities:
        direct, _ = _with_active(p, free)
        if direct is not None and _violation(p, direct) <= _SHARP:
            return Solution(direct, _violation(p, direct), "lu", "")
    for tolerance in _TOLERANCES:
        z, dual, status = _clarabel(p, tolerance)
        if status == "Solved" and _violation(p, z) <= RESIDUAL:
            sharper = _sharpened(p, z, dual)
            z = z if sharper is None else sharper
            return Solution(z, _violation(p, z), "clarabel", status)
    fallback = _active_set(p, z, dual)
    if fallback is not None:
        return Solution(fallback, _violation(p, fallback), "active_set", status)
    return Solution(z, _violation(p, z), "none", status)


def _violation(p: Quadratic, z: FloatArray) -> float:
    equal = float(np.abs(p.E @ z - p.e).max()) if len(p.e) else 0.0
    above = float((p.G @ z - p.h).max()) if len(p.h) else 0.0
    return max(equal, above, 0.0) if np.isfinite(z).all() else np.inf


def _clarabel(p: Quadratic, tolerance: float) -> tuple[FloatArray, FloatArray, str]:
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    settings.max_iter = 200
    settings.max_threads = 1
    cones = [clarabel.ZeroConeT(len(p.e)), clarabel.NonnegativeConeT(len(p.h))]
    rows = sparse.csc_matrix(sparse.vstack((p.E, p.G), format="csc"))
    upper = sparse.csc_matrix(sparse.triu(p.P, format="csc"))
    result = clarabel.DefaultSolver(upper, p.q, rows, np.concatenate((p.e, p.h)), cones, settings).solve()
    return np.array(result.x), np.array(result.z)[len(p.e) :], str(result.status)


def _with_active(p: Quadratic, active: NDArray[np.bool_]) -> tuple[FloatArray | None, FloatArray]:
    """Minimiser with the active inequalities as equalities, by one LU and iterative refinement; and their duals."""
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
        return None, np.zeros(0)
    solution = factor.solve(target)
    for _ in range(8):
        miss = target - kkt @ solution
        if not np.isfinite(miss).all():
            return None, np.zeros(0)
        if np.abs(miss).max() <= 1e-13 * max(1.0, np.abs(target).max()):
            break
        solution = solution + factor.solve(miss)
    if np.abs(target - kkt @ solution).max() > 1e-8 * max(1.0, np.abs(target).max()):
        return None, np.zeros(0)
    return solution[:n], solution[n + len(p.e) :]


def _sharpened(p: Quadratic, z: FloatArray, dual: FloatArray) -> FloatArray | None:
    """The exact solution on the active set that the interior point shows, if it is one."""
    active = dual > p.h - p.G @ z
    sharp, pressure = _with_active(p, active)
    if sharp is None or _violation(p, sharp) > _SHARP or (pressure < -1e-7).any():
        return None
    return sharp


def _active_set(p: Quadratic, z: FloatArray, dual: FloatArray) -> FloatArray | None:
    """Primal-dual active set from the last iterate; None where it does not settle."""
    known = np.isfinite(z).all() and np.isfinite(dual).all()
    active = (dual > p.h - p.G @ z) if known else np.zeros(len(p.h), dtype=bool)
    for _ in range(_MAX_SETS):
        z_new, pressure = _with_active(p, active)
        if z_new is None:
            return None
        full = np.zeros(len(p.h))
        full[active] = pressure
        wanted = full + (p.G @ z_new - p.h) > 1e-12
        if _violation(p, z_new) <= RESIDUAL and (full >= -1e-7).all():
            return z_new
        if (wanted == active).all():
            return None
        active = wanted
    return None
