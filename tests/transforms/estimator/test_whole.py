"""Whole crossings: every total holds in integers, also where the solver's accuracy does not reach."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interval_systems import DAY, midnights, system, truthful
from transforms.estimator.bounds import infeasible_blocks, solve
from transforms.estimator.whole import pinned, whole_path

from transforms.estimator import network
from transforms.estimator.settings import EstimateSettings, smoothest_path

S = EstimateSettings()


def holds(c, nodes, whole):
    inside = c.take((c.start >= nodes[0]) & (c.end <= nodes[-1]))
    flow = whole[np.searchsorted(nodes, inside.end)] - whole[np.searchsorted(nodes, inside.start)]
    return (np.diff(whole) >= 0).all() and (flow >= inside.lower).all() and (flow <= inside.upper).all()


@settings(max_examples=80, deadline=None)
@given(truthful(half_days=True), st.sampled_from([0.0, 0.25, 0.5]))
def test_every_report_and_every_bound_holds_in_whole_numbers(given_, theta):
    c, days = given_
    n = len(days)
    bounds = solve(c, midnights(n)).days
    for p in smoothest_path(c, midnights(n), np.zeros(n, dtype=bool), S):
        whole = whole_path(p.run.nodes, p.cumulative, c, theta)
        assert holds(c, p.run.nodes, whole)
        assert np.abs(whole - whole[0] - p.cumulative).max() <= 1.01
        here = slice(p.run.first, p.run.last + 1)
        at = np.searchsorted(p.run.nodes, midnights(n)[p.run.first : p.run.last + 2])
        assert (np.diff(whole[at]) >= bounds.lower[here]).all()
        assert (np.diff(whole[at]) <= bounds.upper[here]).all()


@settings(max_examples=60, deadline=None)
@given(truthful(half_days=True), st.integers(0, 2**32 - 1), st.booleans())
def test_a_bad_path_is_repaired_without_backtracking(given_, seed, tiny):
    c, days = given_
    nodes = np.unique(np.concatenate((midnights(len(days)), c.start, c.end)))
    wrong = np.cumsum(np.random.default_rng(seed).uniform(0, 40, len(nodes)))
    sizes = (network.WHOLE_BAG, network.BAG_MIN, network.BAG_MAX)
    try:
        if tiny:
            network.WHOLE_BAG, network.BAG_MIN, network.BAG_MAX = 3, 1, 3
        whole = whole_path(nodes, wrong, c, 0.5)
    finally:
        network.WHOLE_BAG, network.BAG_MIN, network.BAG_MAX = sizes
    assert holds(c, nodes, whole)


def test_exact_days_pass_through_and_totals_are_kept():
    c = system(("w", 0, 7, 1200, 1200), ("mon", 0, 1, 100, 100), ("wed", 2, 3, 160, 160), ("sat", 5, 6, 240, 240))
    (p,) = smoothest_path(c, midnights(7), np.zeros(7, dtype=bool), S)
    flows = np.diff(whole_path(p.run.nodes, p.cumulative, c, 0.5))
    assert flows.sum() == 1200
    assert (flows[0], flows[2], flows[5]) == (100, 160, 240)


@pytest.mark.parametrize("noise", [1e-9, 1e-7, -1e-7])
def test_noise_of_the_solver_never_shows(noise):
    c = system(("a", 0, 2, 21, 21), ("b", 2, 4, 21, 21), ("ab", 0, 4, 42, 42))
    nodes = midnights(4)
    cumulative = np.array([0.0, 10.5, 21.0, 31.5, 42.0]) + noise * np.array([0, 1, -1, 1, -1])
    assert list(np.diff(whole_path(nodes, cumulative, c, 0.5))) == [11, 10, 11, 10]
    assert nodes[-1] == 4 * DAY


def test_days_keep_their_value_in_the_order_given_until_one_has_to_give_way():
    c = system(("a", 0, 1, 10, 11), ("b", 1, 2, 20, 21), ("c", 2, 3, 30, 31), ("w", 0, 3, 61, 70))
    for order, last in (([0, 1, 2], "c"), ([2, 1, 0], "a"), ([1, 2, 0], "a")):
        narrow, kept = pinned(c, np.array(order), c.lower[order])
        assert {str(c.report_id[r]) for r in kept} == {"a", "b", "c"} - {last}
        assert not infeasible_blocks(narrow)


@settings(max_examples=60, deadline=None)
@given(truthful(), st.randoms(use_true_random=False))
def test_halving_finds_the_same_days_as_trying_one_by_one(given_, random):
    c, _ = given_
    rows = np.flatnonzero(np.isfinite(c.upper) & (c.lower > 0))
    rows = np.array(random.sample(list(rows), len(rows)), dtype=np.intp)
    value = np.array([random.choice([c.lower[r], c.upper[r]]) for r in rows])
    narrow, kept = pinned(c, rows, value)
    one_by_one = c
    for row, v in zip(rows, value, strict=True):
        lower, upper = one_by_one.lower.copy(), one_by_one.upper.copy()
        lower[row] = upper[row] = v
        tried = replace(one_by_one, lower=lower, upper=upper)
        if not infeasible_blocks(tried):
            one_by_one = tried
    assert (narrow.lower == one_by_one.lower).all()
    assert (narrow.upper == one_by_one.upper).all()
    assert set(kept) <= set(rows)
