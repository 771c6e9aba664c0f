"""Reconciliation: nothing moves without need, the least squares are the least, and the result is feasible exactly."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from interval_systems import CASES, INF, contradictory, feasible, of_case, system, truthful

from transforms.estimator import reconcile as reconciliation
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.statements import joined

TIGHT = {"eps_abs": 1e-9, "eps_rel": 1e-9, "max_iter": 200_000}


def reconcile(c):
    return reconciliation.reconcile(c, DifferenceEngine)


def slacks(c):
    return reconcile(c).moved()


@given(truthful(half_days=True))
def test_reports_that_agree_are_not_moved(given_):
    result = reconcile(given_[0])
    assert not result.slack.any()
    assert (result.relaxed.lower == result.reported.lower).all()
    assert (result.relaxed.upper == result.reported.upper).all()


@given(contradictory())
def test_the_relaxed_system_agrees_and_holds_what_was_reported_and_what_was_reconciled(given_):
    c, _ = given_
    result = reconcile(c)
    assert result.slack.any() == (not feasible(c))
    assert feasible(result.relaxed)
    relaxed, shifted = result.relaxed, result.shifted
    assert (relaxed.lower <= np.minimum(result.reported.lower, shifted.lower) + 1e-5).all()
    assert (relaxed.upper >= np.maximum(result.reported.upper, shifted.upper) - 1e-5).all()
    finite = np.isfinite(relaxed.lower)
    assert (relaxed.lower[finite] == np.rint(relaxed.lower[finite])).all()


@given(contradictory())
def test_within_one_tier_the_sum_of_squares_is_that_of_an_independent_solver(given_):
    c, _ = given_
    c = replace(c, tier=np.full(len(c), 2))
    assume(not feasible(c))
    result = reconcile(c)
    r = result.reported
    nodes = np.unique(np.concatenate((r.start, r.end)))
    total, z = cp.Variable(len(nodes)), cp.Variable(len(r))
    flow = total[np.searchsorted(nodes, r.end)] - total[np.searchsorted(nodes, r.start)] - cp.multiply(r.sigma, z)
    low, high = np.flatnonzero(np.isfinite(r.lower)), np.flatnonzero(np.isfinite(r.upper))
    limits = [cp.diff(total) >= 0, flow[low] >= r.lower[low], flow[high] <= r.upper[high]]
    best = cp.Problem(cp.Minimize(cp.sum_squares(z)), limits).solve(solver=cp.OSQP, **TIGHT)
    assert ((result.slack / r.sigma) ** 2).sum() == pytest.approx(best, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["finland_week_sum_differs_by_five", "two_sources_same_week_weighted"])
def test_cases_reach_the_closed_form(name):
    expect = CASES[name]["expect"]["reconciled_weighted_least_squares"]["slack"]
    assert slacks(of_case(CASES[name])) == pytest.approx(expect, rel=1e-6)


def test_on_one_cycle_each_moves_by_its_share_of_the_variance():
    sigma = np.array([1.0, 3.0, 20.0, 7.0])
    c = system(
        ("a", 0, 1, 400, 400, 2, 1.0),
        ("b", 1, 2, 350, 350, 2, 3.0),
        ("c", 2, 4, 900, 900, 2, 20.0),
        ("w", 0, 4, 1523, 1523, 2, 7.0),
    )
    share = 127 * sigma**2 / (sigma**2).sum()
    assert slacks(c) == pytest.approx(dict(zip("abcw", [-1, -1, -1, 1] * share, strict=True)), rel=1e-6)


def each_day(report_id, first, after, low, high, tier=2, sigma=5.0):
    """Rows of a report that speaks of each day."""
    return [(report_id, d, d + 1, low, high, tier, sigma) for d in range(first, after)]


def rows_of(result, report_id):
    return np.flatnonzero(result.reported.report_id == report_id)


def test_a_report_that_speaks_of_each_day_moves_as_one():
    result = reconcile(system(*each_day("cap", 0, 4, 0, 10), ("w", 0, 3, 60, 60, 2, 10.0)))
    # 30 + 3 s = 60 + t, s and t weighted by 1 / 25 and 1 / 100: s = 30 * 75 / (225 + 100)
    assert result.moved() == pytest.approx({"cap": 30 * 75 / 325, "w": -30 * 100 / 325})
    cap = rows_of(result, "cap")
    assert len(cap) == 4
    assert result.slack[cap] == pytest.approx([result.slack[cap[0]]] * 4, abs=1e-5)
    assert (result.relaxed.upper[cap] == 17).all()
    assert (result.relaxed.lower[cap] == 0).all()


def test_days_of_such_a_report_outside_the_clash_are_relaxed_alike():
    clash = reconcile(system(*each_day("cap", 0, 9, 5, 10), ("d", 2, 3, 14, 14)))
    assert clash.moved() == pytest.approx({"cap": 2, "d": -2})
    cap = rows_of(clash, "cap")
    assert set(clash.relaxed.upper[cap]) == {12}
    assert set(clash.relaxed.lower[cap]) == {5}
    assert set(clash.shifted.lower[cap]) == {7.0}


def test_a_floor_of_zero_is_no_statement_and_does_not_move():
    result = reconcile(system(*each_day("cap", 0, 3, 0, 10), ("w", 0, 2, 40, 40)))
    assert (result.shifted.lower[rows_of(result, "cap")] == 0).all()


@given(contradictory(), st.integers(0, 5), st.integers(1, 4), st.integers(0, 60), st.integers(0, 20))
def test_with_reports_of_each_day_the_sum_of_squares_is_that_of_an_independent_solver(given_, a, n, low, width):
    base, _ = given_
    c = joined(base, system(*each_day("each", a, a + n, low, low + width)))
    c = replace(c, tier=np.full(len(c), 2))
    assume(not feasible(c))
    result = reconcile(c)
    r = result.reported
    ids = sorted(set(r.report_id))
    of = np.array([ids.index(i) for i in r.report_id])
    nodes = np.unique(np.concatenate((r.start, r.end)))
    total, z = cp.Variable(len(nodes)), cp.Variable(len(ids))
    flow = total[np.searchsorted(nodes, r.end)] - total[np.searchsorted(nodes, r.start)] - cp.multiply(r.sigma, z[of])
    low_, high_ = np.flatnonzero((r.lower > 0) | (r.lower == r.upper)), np.flatnonzero(np.isfinite(r.upper))
    limits = [cp.diff(total) >= 0, flow[low_] >= r.lower[low_], flow[high_] <= r.upper[high_]]
    best = cp.Problem(cp.Minimize(cp.sum_squares(z)), limits).solve(solver=cp.OSQP, **TIGHT)
    told = result.moved()
    sigma = {i: r.sigma[rows_of(result, i)[0]] for i in told}
    assert sum((s / sigma[i]) ** 2 for i, s in told.items()) == pytest.approx(best, rel=1e-4, abs=1e-6)
    for i, s in told.items():
        rows = rows_of(result, i)
        low, high = np.floor(r.lower[rows] + min(s, 0)), np.ceil(r.upper[rows] + max(s, 0))
        assert (result.relaxed.lower[rows] == low).all()
        assert (result.relaxed.upper[rows] == high).all()


def test_the_official_figure_holds_and_the_media_figure_gives_way():
    assert slacks(of_case(CASES["official_tier_holds_media_gives_way"])) == {"med": -10000.0}


def test_copies_of_one_statement_count_once():
    case = CASES["syndicated_copies_count_once"]
    assert slacks(of_case(case)) == {"A0": 1000.0, "B": -1000.0}


def test_an_earlier_tier_keeps_its_place_when_a_later_one_moves():
    c = system(
        ("x", 0, 1, 10, 10, 1, 1.0),
        ("y", 0, 1, 11, 11, 1, 1.0),
        ("z", 0, 2, 40, 40, 4, 100.0),
        ("w", 1, 2, 50, 50, 2, 1.0),
    )
    assert slacks(c) == pytest.approx({"x": 0.5, "y": -0.5, "z": 20.5})


def test_reports_of_other_blocks_stay_untouched_to_the_last_bit():
    quiet = [("q", 20, 27, 700, 710), ("p", 22, 23, 3, INF)]
    one = reconcile(system(("a", 0, 1, 1, 1), ("b", 0, 1, 3, 3), *quiet))
    two = reconcile(system(("a", 0, 1, 1, 1), ("b", 0, 1, 900, 900), *quiet))
    for result in (one, two):
        at = np.flatnonzero(np.isin(result.reported.report_id, ["p", "q"]))
        assert (result.slack[at] == 0).all()
        assert (result.relaxed.upper[at] == result.reported.upper[at]).all()


def test_a_self_contradiction_of_flow_below_zero_is_settled_too():
    result = reconcile(system(("c5", 0, 5, 10000, 10000), ("c7", 0, 7, 9800, 9800)))
    assert result.moved() == {"c5": -100.0, "c7": 100.0}


def test_days_of_a_report_that_fit_no_common_movement_move_apart():
    official = [("first", 0, 1, 0, 0, 1, 1.0), ("rest", 1, 4, 60, 60, 1, 1.0)]
    result = reconcile(system(*official, *each_day("each", 0, 4, 20, 20, tier=4)))
    assert set(result.moved()) == {"each"}
    assert feasible(result.relaxed)
    each = rows_of(result, "each")
    assert result.slack[each] == pytest.approx([-20, 0, 0, 0], abs=1e-5)
    assert set(result.relaxed.lower[each]) == {0.0}
    assert set(result.relaxed.upper[each]) == {20.0}


def test_a_day_that_only_moved_reports_speak_of_keeps_the_flow_that_was_found():
    said = ("first", 0, 1, 104, 104, 2, 5.0), ("rest", 1, 4, 53, 53, 2, 5.0), ("last", 3, 5, 52, 52, 2, 0.5)
    result = reconcile(system(*said, *each_day("each", 0, 2, 1, 5, tier=2, sigma=5.0)))
    assert result.moved() == pytest.approx({"each": 49.5, "first": -49.5}, abs=1e-4)
