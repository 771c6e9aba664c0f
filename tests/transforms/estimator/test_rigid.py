"""Implied equalities are exactly the flows that cannot vary."""

import numpy as np
from hypothesis import given, settings
from interval_systems import DAY, contradictory, lp_range, system, truthful
from transforms.estimator.bounds import solve
from transforms.estimator.rigid import implied_equalities, on_grid


@settings(max_examples=60, deadline=None)
@given(truthful(half_days=True))
def test_what_is_implied_holds_in_every_solution_and_nothing_is_missed(given_):
    c, _ = given_
    implied = implied_equalities(c)
    for a, b, value in zip(implied.start, implied.end, implied.lower, strict=True):
        low, high = lp_range(c, min(a, b), max(a, b))
        assert abs(low - value) < 1e-6
        assert abs(high - value) < 1e-6
    tied = {frozenset((int(a), int(b))) for a, b in zip(implied.start, implied.end, strict=True)}
    solved = solve(c)
    for block in solved.blocks:
        for a, b in zip(block.nodes[:-1], block.nodes[1:], strict=True):
            bound = solved.between(int(a), int(b))
            linked = _linked(tied, int(a), int(b))
            assert (bound.lower == bound.upper) == linked


def _linked(tied, a, b):
    reached, grew = {a}, True
    while grew:
        more = {n for pair in tied if pair & reached for n in pair}
        grew = not more <= reached
        reached |= more
    return b in reached


def test_seven_floors_that_fill_the_week_leave_no_room():
    c = system(*[(f"d{i}", i, i + 1, 10, np.inf) for i in range(7)], ("w", 0, 7, 0, 70))
    assert set(implied_equalities(c).lower) == {10.0}
    assert len(implied_equalities(c)) == 7


@settings(max_examples=30, deadline=None)
@given(contradictory())
def test_a_contradiction_implies_nothing_here(given_):
    c, days = given_
    if lp_range(c, 0, len(days) * DAY) is None:
        assert len(implied_equalities(c)) == 0


def test_fractions_off_the_grid_are_left_to_the_solver():
    assert on_grid(system(("y", 0, 4, 136.7023, 136.7023)), 1.0) is None
