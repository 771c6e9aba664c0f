"""The level: one number a member and run, as near to the centres as statements, identities and zero allow."""

from __future__ import annotations

import numpy as np
import pytest
from tied_systems import BOTH, System, block_of, row

from transforms.estimator import level
from transforms.estimator.level import Stated, at_level, at_levels
from transforms.estimator.quadratic import Solution

DAYS = 4


def stated(*windows):
    """Statements (member, first day, day after the last, least, greatest) on whole days."""
    member, start, end, lower, upper = (np.array(k) for k in zip(*windows, strict=True))
    return Stated(member, start, end, lower.astype(float), upper.astype(float), np.ones(DAYS))


def counts(*flows):
    """Cumulative counts of members from their flows by day."""
    return np.concatenate((np.zeros((len(flows), 1)), np.cumsum(np.array(flows, dtype=float), axis=1)), axis=1)


def levelled(*windows, flows=(1, 2, 3, 4)):
    return np.diff(at_level(counts(flows), stated(*windows)))[0]


def test_a_range_is_met_at_its_centre_and_the_differences_stay():
    assert levelled((0, 0, 4, 10, 50)) == pytest.approx([6, 7, 8, 9])


def test_an_exact_total_leaves_nothing_open():
    assert levelled((0, 0, 4, 10, 50), (0, 0, 2, 3, 3)) == pytest.approx([1, 2, 3, 4])


def test_nothing_with_both_ends_asks_for_no_level():
    assert levelled((0, 0, 4, 0, np.inf)) == pytest.approx([1, 2, 3, 4])


def test_no_day_falls_below_zero_and_no_other_statement_is_broken():
    assert levelled((0, 0, 4, 0, 10), flows=(0, 1, 2, 3)) == pytest.approx([0, 1, 2, 3])
    # wanted: (4 * 12 / 8^2 + 0.6 / 3.2^2) / (4^2 / 8^2 + 1 / 3.2^2) = 2.33 more a day, but the first day has room for 2.2
    assert levelled((0, 0, 4, 18, 26), (0, 0, 1, 0, 3.2)) == pytest.approx([3.2, 4.2, 5.2, 6.2])


def test_a_part_of_a_day_moves_by_its_share():
    halves = Stated(
        np.zeros(1, int), np.array([0]), np.array([2]), np.array([0.0]), np.array([8.0]), np.array([0.5, 1.0])
    )
    assert np.diff(at_level(counts((1, 2)), halves))[0] == pytest.approx([1 + 1 / 3, 2 + 2 / 3])


RUNS = [(0, 0, 4), (1, 0, 4), (2, 0, 4)]
BLOCK = block_of(
    System({"B": [row("b", 0, 3, 0, 100)], "E": [row("e", 0, 3, 0, 40)], "X": [row("x", 0, 3, 0, 40)]}, (BOTH,))
)
PATHS = counts((2, 2, 2, 2), (1, 1, 1, 1), (1, 1, 1, 1))


def at_their_levels(*windows):
    nodes = np.arange(DAYS + 1) * 86_400
    found, all_found = at_levels(PATHS, stated(*windows), RUNS, BLOCK, nodes, 1.0, None)
    return np.diff(found, axis=1), all_found


def test_levels_of_tied_series_keep_their_identity():
    flows, found = at_their_levels((0, 0, 4, 30, 70), (1, 0, 4, 0, 40), (2, 0, 4, 0, 40))
    assert found
    assert flows[0] == pytest.approx(flows[1] + flows[2])
    # least (4 (e + x) - 50)^2 / 40^2 + (4 e - 20)^2 / 40^2 + (4 x - 20)^2 / 40^2: e = x, 12 e = 70
    assert flows[1] == pytest.approx(np.full(4, 70 / 12), abs=1e-4)


def test_a_member_with_an_exact_total_is_not_moved_and_the_others_follow():
    flows, found = at_their_levels((0, 0, 4, 8, 8), (1, 0, 4, 0, 40), (2, 0, 4, 0, 40))
    assert found
    assert flows[0] == pytest.approx([2, 2, 2, 2])
    assert flows[1:] == pytest.approx(np.ones((2, 4)), abs=1e-4)


def test_a_level_that_is_not_found_leaves_the_paths_as_they_are_and_is_said(monkeypatch):
    def gives_up(problem, **_):
        return Solution(np.zeros(len(problem.q)), np.inf, "none", "NumericalError")

    monkeypatch.setattr(level, "minimise", gives_up)
    flows, found = at_their_levels((0, 0, 4, 30, 70), (1, 0, 4, 30, 40), (2, 0, 4, 0, 40))
    assert not found
    assert flows == pytest.approx(np.diff(PATHS, axis=1))
