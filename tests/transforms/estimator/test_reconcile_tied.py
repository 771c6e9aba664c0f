"""Tied reports move as little as their standard errors ask for: against an independent solver, tier by tier."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given
from tied_systems import ADDITIVE, BOTH, NET, PERSONS, System, block_of, row, systems

from transforms.estimator.engines.linear.engine import LinearEngine
from transforms.estimator.pieces import Grid, coverage, ties
from transforms.estimator.reconcile_tied import reconcile_tied


def moved(block):
    found = reconcile_tied(block)
    return {str(i): float(s) for i, s in zip(block.statements.report_id, found.slack, strict=True) if s}


def least_squares(block):
    """The sum of squared movements over their variances, by cvxpy."""
    s, grid = block.statements, Grid.whole(block.nodes)
    flows, z = cp.Variable(len(block.members) * grid.n_pieces), cp.Variable(len(s))
    tied = ties(block, grid)
    total = coverage(block, grid) @ flows - cp.multiply(s.sigma, z)
    low, high = np.flatnonzero(np.isfinite(s.lower)), np.flatnonzero(np.isfinite(s.upper))
    unsigned = np.flatnonzero(np.repeat(~block.signed, grid.n_pieces))
    limits = [total[low] >= s.lower[low], total[high] <= s.upper[high], flows[unsigned] >= 0]
    rows = tied.rows
    if tied.equal.any():
        limits.append(rows[np.flatnonzero(tied.equal)] @ flows == 0)
    if (~tied.equal).any():
        limits.append(rows[np.flatnonzero(~tied.equal)] @ flows <= 0)
    return cp.Problem(cp.Minimize(cp.sum_squares(z)), limits).solve(solver=cp.CLARABEL)


@given(systems(truthful=False, largest=3))
def test_within_one_tier_the_sum_of_squares_is_that_of_an_independent_solver(system):
    block = block_of(system)
    block = replace(block, statements=replace(block.statements, tier=np.full(len(block.statements), 2)))
    assume(not LinearEngine(block).feasible())
    found = reconcile_tied(block)
    assert not found.absolute
    assert ((found.slack / block.statements.sigma) ** 2).sum() == pytest.approx(
        least_squares(block), rel=1e-4, abs=1e-5
    )


@given(systems(truthful=False, largest=3))
def test_what_was_reported_and_what_was_reconciled_lie_in_intervals_that_agree(system):
    block = block_of(system)
    assume(not LinearEngine(block).feasible())
    found = reconcile_tied(block)
    said, relaxed, shifted = (b.statements for b in (block, found.relaxed, found.shifted))
    assert LinearEngine(found.relaxed).feasible()
    assert (relaxed.lower <= np.minimum(said.lower, shifted.lower) + 1e-5).all()
    assert (relaxed.upper >= np.maximum(said.upper, shifted.upper) - 1e-5).all()
    still = found.slack == 0
    assert (relaxed.lower[still] == said.lower[still]).all()
    assert (relaxed.upper[still] == said.upper[still]).all()
    for ends in (relaxed.lower, relaxed.upper):
        assert (ends[np.isfinite(ends)] == np.rint(ends[np.isfinite(ends)])).all()


@given(systems(truthful=False, largest=3, kinds=ADDITIVE))
def test_a_higher_tier_moves_only_as_far_as_it_would_without_the_lower_ones(system):
    block = block_of(system)
    best = int(block.statements.tier.min())
    official = block.take(block.statements.tier == best)
    assume(not LinearEngine(block).feasible())
    mine = {i: s for i, s in moved(block).items() if i in official.report_ids}
    alone = moved(official) if not LinearEngine(official).feasible() else {}
    assert mine == pytest.approx(alone, abs=1e-3)


def test_one_identity_shares_a_gap_by_variance():
    members = {
        "B": [row("b", 0, 0, 100, sigma=1.0)],
        "E": [row("e", 0, 0, 70, sigma=2.0)],
        "X": [row("x", 0, 0, 20, sigma=5.0)],
    }
    share = 10 / (1 + 4 + 25)
    assert moved(block_of(System(members, (BOTH,)))) == pytest.approx(
        {"b": -share, "e": 4 * share, "x": 25 * share}, abs=1e-4
    )


def test_a_net_that_cannot_be_is_settled_through_both_flows():
    members = {"N": [row("n", 0, 0, -9, tier=1)], "E": [row("e", 0, 0, 4)], "X": [row("x", 0, 0, 5)]}
    assert moved(block_of(System(members, (NET,)))) == pytest.approx({"e": -4.0, "x": 4.0}, abs=1e-3)


def each_day(report_id, first, last, lower, upper, sigma=1.0):
    """Rows of a report that speaks of each day."""
    return [row(report_id, d, d, lower, upper, sigma=sigma) for d in range(first, last + 1)]


def test_a_report_that_speaks_of_each_day_moves_as_one():
    # both of four days is 80 and at most 10 a day enter, at most 4 a day leave: the ceilings give 56 and have to give way
    members = {
        "B": [row("b", 0, 3, 80, sigma=1.0)],
        "E": each_day("in", 0, 3, 0, 10), "X": each_day("out", 0, 3, 0, 4),
    }  # fmt: skip
    block = block_of(System(members, (BOTH,)))
    found = reconcile_tied(block)
    s = block.statements
    # 4 (10 + i) + 4 (4 + o) = 80 + b, least i^2 + o^2 + b^2: i = o = 24 * 4 / 33, b = -24 / 33
    share = 24 / (4**2 + 4**2 + 1)
    for report_id, slack in (("in", 4 * share), ("out", 4 * share), ("b", -share)):
        assert found.slack[s.report_id == report_id] == pytest.approx(slack, abs=1e-4)
    relaxed = found.relaxed.statements
    assert set(relaxed.upper[relaxed.report_id == "in"]) == {13.0}
    assert set(relaxed.lower[relaxed.report_id == "in"]) == {0.0}


def test_days_that_fit_no_common_movement_move_apart():
    members = {
        "B": [row("b0", 0, 0, 10, tier=1), row("b1", 1, 1, 30, tier=1)],
        "E": [row("e0", 0, 0, 5, tier=1), row("e1", 1, 1, 5, tier=1)],
        "X": each_day("out", 0, 1, 9, 9),
    }
    found = reconcile_tied(block_of(System(members, (BOTH,))))
    s = found.relaxed.statements
    assert not found.absolute
    assert found.slack[s.report_id == "out"] == pytest.approx([-4, 16], abs=1e-4)


def test_a_window_that_only_a_lower_tier_states_still_holds_its_identity_for_the_higher_ones():
    members = {
        "W": [row("crossings", 0, 1, 1, tier=1)],
        "P": [row("day", 0, 0, 6, tier=2), row("both", 0, 1, 13, 21, tier=4, sigma=5.0)],
    }
    assert moved(block_of(System(members, (PERSONS,)))) == pytest.approx({"day": -5.0, "both": -12.0}, abs=1e-3)
