"""Quadratic programmes: what is accepted is optimal, whoever solved it; what is not is refused and said."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from transforms.estimator.quadratic import RESIDUAL, Point, Quadratic, interior_point, minimise


def problem(square, q, equal, e, most, h, **more):
    n = len(q)
    matrices = [sparse.csc_array(np.reshape(np.asarray(m, dtype=float), (-1, n))) for m in (square, equal, most)]
    vectors = [np.asarray(v, dtype=float) for v in (q, e, h)]
    return Quadratic(matrices[0], vectors[0], matrices[1], vectors[1], matrices[2], vectors[2], **more)


@st.composite
def problems(draw):
    """A convex programme with a solution: some point fits it, and it is bounded below."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, rank = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    root, inside = rng.normal(size=(rank, n)), rng.normal(size=n)
    equal = rng.normal(size=(draw(st.integers(0, max(0, n - 1))), n))
    most = rng.normal(size=(draw(st.integers(0, 8)), n))
    room = np.where(rng.random(len(most)) < 0.3, 0.0, rng.exponential(size=len(most)))
    square = root.T @ root
    return problem(square, square @ rng.normal(size=n) * 3, equal, equal @ inside, most, most @ inside + room)


def by_cvxpy(p):
    z = cp.Variable(len(p.q))
    root = np.linalg.cholesky(p.P.toarray() + 1e-13 * np.eye(len(p.q))).T
    limits = [p.E.toarray() @ z == p.e] if len(p.e) else []
    limits += [p.G.toarray() @ z <= p.h] if len(p.h) else []
    cp.Problem(cp.Minimize(cp.sum_squares(root @ z) / 2 + p.q @ z), limits).solve(solver=cp.CLARABEL)
    return p.objective(z.value)


class Recorded:
    """A solver that keeps the points it gave; `spoil` makes of each what a faulty one would give."""

    def __init__(self, spoil=lambda point: point, status="Solved"):
        self.spoil, self.status, self.points = spoil, status, []

    def __call__(self, p, tolerance, rescale):
        point = self.spoil(interior_point(p, tolerance, rescale)[0])
        self.points.append(point)
        return point, self.status


@given(problems())
def test_every_accepted_solution_meets_the_conditions_and_no_other_solver_finds_less(p):
    solver = Recorded()
    solution = minimise(p, solver=solver)
    assert solution.accepted
    assert solution.residual <= RESIDUAL
    assert p.violation(solution.z) <= RESIDUAL
    assert p.objective(solution.z) == pytest.approx(by_cvxpy(p), rel=1e-5, abs=1e-5)


@given(problems())
def test_the_conditions_are_measured_as_the_textbook_has_them(p):
    point, _ = interior_point(p, 1e-10, True)
    z, y, dual = point
    measured = [
        *np.abs(p.E @ z - p.e), *(p.G @ z - p.h), *np.abs(p.P @ z + p.q + p.E.T @ y + p.G.T @ dual), *-dual,
        *np.abs(dual * (p.h - p.G @ z)),
    ]  # fmt: skip
    assert p.residual(point) == pytest.approx(max([*measured, 0.0]), rel=1e-6, abs=1e-12)


@given(problems())
def test_a_sharpened_point_fits_and_is_never_worse_than_the_one_it_sharpens(p):
    solver = Recorded()
    solution = minimise(p, solver=solver)
    reached = p.objective(solver.points[-1].z) if solver.points else np.inf
    assert p.objective(solution.z) <= reached + 1e-8 * max(1.0, abs(reached))


FAULTS = {
    "another point": lambda p: p._replace(z=p.z + 0.5),
    "nothing at all": lambda p: Point(
        np.full_like(p.z, np.nan), np.full_like(p.y, np.nan), np.full_like(p.dual, np.nan)
    ),
    "no multipliers": lambda p: p._replace(y=np.zeros_like(p.y), dual=np.zeros_like(p.dual)),
    "multipliers of the wrong sign": lambda p: p._replace(y=-p.y, dual=-p.dual),
    "multipliers too large": lambda p: p._replace(dual=p.dual + 1.0),
    "infinite": lambda p: p._replace(z=p.z + np.inf),
}


@pytest.mark.parametrize("fault", FAULTS)
@given(p=problems())
def test_a_solver_that_claims_to_have_solved_is_not_believed(fault, p):
    solver = Recorded(FAULTS[fault])
    solution = minimise(p, solver=solver)
    if solver.points and all(p.residual(point) > RESIDUAL for point in solver.points):
        assert solution.how in ("active_set", "none")
    if solution.accepted:
        assert solution.residual <= RESIDUAL
        assert p.violation(solution.z) <= RESIDUAL
        assert p.objective(solution.z) == pytest.approx(by_cvxpy(p), rel=1e-5, abs=1e-5)
    else:
        assert solution.residual > RESIDUAL


SMALL = problem(2 * np.eye(2), [-6.0, -2.0], np.zeros((0, 2)), [], np.eye(2), [1.0, 5.0])


def test_where_the_solver_gives_up_the_active_set_takes_over_and_says_so():
    solution = minimise(SMALL, solver=Recorded(FAULTS["nothing at all"], "MaxIterations"))
    assert (solution.how, solution.solver_status) == ("active_set", "MaxIterations")
    assert solution.z == pytest.approx([1.0, 1.0])


def test_where_everything_gives_up_nothing_is_accepted():
    impossible = problem([[2.0]], [0.0], np.zeros((0, 1)), [], [[1.0], [-1.0]], [1.0, -2.0])
    solution = minimise(impossible)
    assert not solution.accepted
    assert solution.how == "none"


def test_a_solver_that_takes_more_room_than_there_is_is_refused():
    def greedy(p, tolerance, rescale):
        return interior_point(Quadratic(p.P, p.q, p.E, p.e, p.G, p.h + 0.1), tolerance, rescale)

    tight = problem([[2.0]], [-6.0], np.zeros((0, 1)), [], [[1.0]], [1.0])
    assert minimise(tight, solver=greedy).how in ("active_set", "none")


def test_where_no_inequality_binds_one_factorisation_is_enough():
    idle = problem(2 * np.eye(2), [-6.0, -2.0], [[1.0, 1.0]], [2.0], np.eye(2), [9.0, 9.0])
    solver = Recorded()
    solution = minimise(idle, try_equalities=True, solver=solver)
    assert (solution.how, solver.points) == ("lu", [])
    assert solution.z == pytest.approx([2.0, 0.0])


@pytest.mark.parametrize(
    ("point", "what"),
    [
        (Point(np.array([1.0, 1.0]), np.zeros(0), np.array([4.0, 0.0])), "nothing is wrong"),
        (Point(np.array([1.5, 1.0]), np.zeros(0), np.array([3.0, 0.0])), "an inequality is broken"),
        (Point(np.array([1.0, 1.0]), np.zeros(0), np.array([3.0, 0.0])), "it can be left downhill"),
        (Point(np.array([1.0, 2.0]), np.zeros(0), np.array([4.0, -2.0])), "a multiplier is negative"),
        (Point(np.array([0.0, 1.0]), np.zeros(0), np.array([6.0, 0.0])), "a multiplier holds where nothing binds"),
    ],
)
def test_each_condition_alone_refuses_a_point(point, what):
    assert (SMALL.residual(point) <= RESIDUAL) == (what == "nothing is wrong")


@pytest.mark.parametrize("known", [np.nan, np.inf])
def test_no_number_is_no_solution(known):
    for spoiled in (
        Point(np.array([known, 1.0]), np.zeros(0), np.array([4.0, 0.0])),
        Point(np.array([1.0, 1.0]), np.zeros(0), np.array([4.0, known])),
    ):
        assert SMALL.residual(spoiled) == np.inf


def test_what_the_objective_leaves_open_is_kept_by_a_sharper_point():
    # only the difference is in the objective; the sum is free between 2 and 6
    most = np.array([[1.0, 1.0], [-1.0, -1.0], [-1.0, 0.0], [0.0, -1.0]])
    apart = np.array([[2.0, -2.0], [-2.0, 2.0]])
    free = problem(
        apart, [0.0, 0.0], np.zeros((0, 2)), [], most, [6.0, -2.0, 0.0, 0.0], level=sparse.csr_array([[1.0, 1.0]])
    )
    solver = Recorded()
    solution = minimise(free, solver=solver)
    assert solution.accepted
    assert solution.z[0] == pytest.approx(solution.z[1], abs=1e-9)
    assert solution.z.sum() == pytest.approx(solver.points[-1].z.sum(), abs=1e-6)
