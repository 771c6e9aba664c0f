"""Whole crossings: every total holds in integers, also where the solver's accuracy does not reach."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import DAY, ENGINES, answer, midnights, system, truthful

from transforms.estimator.disaggregate import smoothest_paths
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.rounding import whole_path
from transforms.estimator.settings import EstimateSettings


def paths(c, n):
    return smoothest_paths("S", c, midnights(n), np.zeros(n, dtype=bool), EstimateSettings(), DifferenceEngine)


def holds(c, nodes, whole):
    inside = c.take((c.start >= nodes[0]) & (c.end <= nodes[-1]))
    flow = whole[np.searchsorted(nodes, inside.end)] - whole[np.searchsorted(nodes, inside.start)]
    return (np.diff(whole) >= 0).all() and (flow >= inside.lower).all() and (flow <= inside.upper).all()


@given(truthful(half_days=True), st.sampled_from([0.0, 0.25, 0.5]))
def test_every_report_and_every_bound_holds_in_whole_numbers(drawn, theta):
    c, days = drawn
    n = len(days)
    bounds = answer(c).days(midnights(n))
    for p in paths(c, n):
        (run,), nodes = p.domain.runs, p.domain.nodes
        whole = whole_path(nodes, p.cumulative[0], c, theta, DifferenceEngine)
        assert holds(c, nodes, whole)
        assert np.abs(whole - whole[0] - p.cumulative[0]).max() <= 1.01
        at = np.searchsorted(nodes, midnights(n)[run.first : run.last + 2])
        for flow, bound in zip(np.diff(whole[at]), bounds[run.first : run.last + 1], strict=True):
            assert bound.lower <= flow <= bound.upper


@given(truthful(half_days=True), st.integers(0, 2**32 - 1), st.sampled_from(["difference", "tiny bags"]))
def test_a_path_that_fits_nothing_is_repaired_by_the_engine(drawn, seed, engine):
    c, days = drawn
    nodes = np.unique(np.concatenate((midnights(len(days)), c.start, c.end)))
    wrong = np.cumsum(np.random.default_rng(seed).uniform(0, 40, len(nodes)))
    assert holds(c, nodes, whole_path(nodes, wrong, c, 0.5, ENGINES[engine]))


def test_exact_days_pass_through_and_totals_are_kept():
    c = system(("w", 0, 7, 1200, 1200), ("mon", 0, 1, 100, 100), ("wed", 2, 3, 160, 160), ("sat", 5, 6, 240, 240))
    (p,) = paths(c, 7)
    flows = np.diff(whole_path(p.domain.nodes, p.cumulative[0], c, 0.5, DifferenceEngine))
    assert flows.sum() == 1200
    assert (flows[0], flows[2], flows[5]) == (100, 160, 240)


@pytest.mark.parametrize("noise", [1e-9, 1e-7, -1e-7])
def test_noise_of_the_solver_never_shows(noise):
    c = system(("a", 0, 2, 21, 21), ("b", 2, 4, 21, 21), ("ab", 0, 4, 42, 42))
    nodes = midnights(4)
    cumulative = np.array([0.0, 10.5, 21.0, 31.5, 42.0]) + noise * np.array([0, 1, -1, 1, -1])
    assert list(np.diff(whole_path(nodes, cumulative, c, 0.5, DifferenceEngine))) == [11, 10, 11, 10]
    assert nodes[-1] == 4 * DAY
