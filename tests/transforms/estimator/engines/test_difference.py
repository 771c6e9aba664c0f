"""Difference constraints: the laws of every engine, cut into bags or not, and what only paths promise."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import (
    DAY,
    INF,
    alone,
    answer,
    blocks,
    contradictory,
    feasible,
    in_tiny_bags,
    lp_range,
    midnights,
    only,
    system,
    truthful,
)

from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.engines.difference.graph import Bags, FiguresTooLarge
from transforms.estimator.grids import on_grid
from transforms.estimator.results import Window

from ..engine_laws import EngineLaws


class TestDifference(EngineLaws):
    def engine(self, block):
        return DifferenceEngine(block)

    def truthful(self):
        return st.booleans().flatmap(lambda half: truthful(half_days=half)).map(alone)

    def doubtful(self):
        return contradictory().map(alone)


class TestDifferenceInTinyBags(TestDifference):
    """The same laws hold where a block is solved at once and where it is cut into bags of a few nodes."""

    def engine(self, block):
        return in_tiny_bags(block)


def by_day(c, n, engines=DifferenceEngine):
    return answer(c, engines).days(midnights(n))


@given(st.booleans().flatmap(lambda half: truthful(half_days=half)))
def test_every_day_is_bounded_around_the_truth(drawn):
    c, days = drawn
    for bound, flow in zip(by_day(c, len(days)), days, strict=True):
        assert bound.lower <= flow <= bound.upper


@given(truthful(half_days=True), st.data())
def test_any_two_instants_are_bounded_like_linear_programming_also_beyond_all_reports(drawn, data):
    c, days = drawn
    a = data.draw(st.integers(-1, 2 * len(days))) * DAY // 2
    b = data.draw(st.integers(a * 2 // DAY + 1, 2 * len(days) + 2)) * DAY // 2
    bound = answer(c, data.draw(st.sampled_from([DifferenceEngine, in_tiny_bags]))).between(0, a, b)
    assert (bound.lower, bound.upper) == pytest.approx(lp_range(c, a, b), abs=1e-6)


def test_the_proof_names_the_reports_on_the_path_and_no_other():
    c = system(("week", 0, 7, 0, 1200), ("mon", 0, 1, 100, INF), ("wed", 2, 3, 160, INF), ("far", 9, 10, 5, 5))
    days = by_day(c, 10)
    assert days[1].upper == 1200 - 100 - 160
    assert days[1].upper_proof == ("mon", "week", "wed")
    assert [(t.report_id, t.end, t.times) for t in days[1].upper_terms] == [
        ("mon", "lower", -1), ("week", "upper", 1), ("wed", "lower", -1),
    ]  # fmt: skip
    assert days[1].lower_proof == ()
    assert days[0].lower_proof == ("mon",)


def test_of_two_proofs_the_one_with_fewer_reports_is_given():
    c = system(("a", 0, 1, 5, 5), ("b", 1, 2, 7, 7), ("ab", 0, 2, 12, 12), ("c", 2, 3, 1, 1), ("abc", 0, 3, 13, 13))
    assert answer(c).between(0, 0, 2 * DAY).upper_proof == ("ab",)


def test_outside_all_reports_lower_counts_only_what_is_inside_and_upper_is_open():
    bounded = answer(system(("a", 2, 4, 10, 20)))
    found = [bounded.between(0, a * DAY, b * DAY) for a, b in ((0, 4), (5, 6), (3, 4))]
    assert [(b.lower, b.upper) for b in found] == [(10, INF), (0, INF), (0, 20)]


def test_two_ten_o_clock_windows_cap_the_day_inside_them():
    c = system(("one", 0.4167, 1.4167, 9642, 9642), ("two", 1.4167, 2.4167, 6109, 6109))
    days = by_day(c, 3)
    assert (days[1].lower, days[1].upper) == (0, 9642 + 6109)
    assert days[1].upper_proof == ("one", "two")
    assert days[0].upper == INF


def test_figures_beyond_exact_arithmetic_are_refused_not_rounded():
    with pytest.raises(FiguresTooLarge, match="unit"):
        by_day(system(("a", 0, 3, 0, 2.0**53), ("b", 1, 2, 0, 5)), 3)


def test_a_long_chain_is_cut_into_bags_and_keeps_its_bounds():
    rng = np.random.default_rng(7)
    x = rng.integers(0, 50, 900)
    total = np.concatenate(([0], np.cumsum(x)))
    a = np.sort(rng.integers(0, 890, 500))
    b = np.minimum(a + rng.choice([1, 3, 9, 20], 500), 900)
    flow = (total[b] - total[a]).astype(float)
    rows = [(f"r{i:03d}", s, e, max(f - 3, 0), f + 3) for i, (s, e, f) in enumerate(zip(a, b, flow, strict=True))]
    c = system(*rows, ("begin", 0, 5, 0, 500), ("all", 0, 900, float(total[-1]), float(total[-1])))
    cut, whole = by_day(c, 900), by_day(c, 900, lambda block: DifferenceEngine(block, Bags(whole=10**6)))
    assert [(d.lower, d.upper, len(d.upper_proof)) for d in cut] == [
        (d.lower, d.upper, len(d.upper_proof)) for d in whole
    ]
    assert all(d.lower <= flow <= d.upper for d, flow in zip(cut, x, strict=True))


# --- conflicts: the fewest reports, and one settled by each of its changes ------------------------------------------


@given(contradictory())
def test_a_conflict_of_one_series_is_a_cycle_of_upper_and_lower_ends(drawn):
    for conflict in find_conflicts(blocks(drawn[0]), DifferenceEngine):
        assert set(conflict.at_most) | set(conflict.at_least) == set(conflict.report_ids)
        assert conflict.least - conflict.most == conflict.gap


@given(contradictory())
def test_the_smallest_change_settles_the_set_and_one_less_does_not(drawn):
    c, _ = drawn
    for conflict in find_conflicts(blocks(c), DifferenceEngine):
        for change in conflict.changes:
            for less, settled in ((0.0, True), (1.0, False)):
                own = only(c, conflict.report_ids)
                ends = own.lower if change.side == "lower" else own.upper
                step = less if change.side == "upper" else -less
                ends[own.report_id == change.report_id] = change.after - step
                assert feasible(own) == settled


def test_a_weekend_total_is_named_rather_than_its_two_days():
    days = [4824, 6470, 7667, 8572, 8314, 7743, 7056]
    rows = [(f"FIN-{21 + i}", i, i + 1, v, v) for i, v in enumerate(days)]
    c = system(*rows, ("FIN-weekend", 3, 5, 16886, 16886), ("FIN-week", 0, 7, 50655, 50655))
    (found,) = find_conflicts(blocks(c), DifferenceEngine)
    assert found.report_ids == ("FIN-21", "FIN-22", "FIN-23", "FIN-26", "FIN-27", "FIN-week", "FIN-weekend")
    assert found.gap == 9


def test_a_per_day_ceiling_is_one_report_however_many_days_it_takes():
    cap = [("cap", i, i + 1, 0, 30000) for i in range(13)]
    (found,) = find_conflicts(blocks(system(*cap, ("total", 0, 13, 406000, INF))), DifferenceEngine)
    assert found.report_ids == ("cap", "total")
    assert found.gap == 16000
    assert {ch.report_id: ch.after for ch in found.changes} == {"cap": 30000 + 1231, "total": 390000}


def test_a_long_block_is_searched_where_it_clashes():
    rows = [(f"d{i:02d}", i, i + 1, 5, 5) for i in range(30)]
    c = system(*rows, ("all", 0, 30, 0, 1000), ("three", 10, 13, 17, 17), ("two", 20, 22, 8, 8))
    found = find_conflicts(blocks(c), lambda block: DifferenceEngine(block, whole_search=3))
    assert [f.report_ids for f in found] == [("d10", "d11", "d12", "three"), ("d20", "d21", "two")]


# --- equalities that nobody stated ---------------------------------------------------------------------------------


@given(truthful(half_days=True))
def test_every_flow_that_cannot_vary_is_implied(drawn):
    for block in blocks(drawn[0]):
        engine = DifferenceEngine(block)
        implied = engine.implied()
        tied = {frozenset(pair) for pair in zip(implied.start.tolist(), implied.end.tolist(), strict=True)}
        nodes = block.nodes.tolist()
        for a, b in pairwise(nodes):
            (bound,) = engine.bounds([Window(0, a, b)])
            assert (bound.lower == bound.upper) == _linked(tied, a, b)


def _linked(tied, a, b):
    reached, grew = {a}, True
    while grew:
        more = {n for pair in tied if pair & reached for n in pair}
        grew = not more <= reached
        reached |= more
    return b in reached


def test_seven_floors_that_fill_the_week_leave_no_room():
    c = system(*[(f"d{i}", i, i + 1, 10, np.inf) for i in range(7)], ("w", 0, 7, 0, 70))
    (block,) = blocks(c)
    implied = DifferenceEngine(block).implied()
    assert set(implied.lower) == {10.0}
    assert len(implied) == 7


@given(contradictory())
def test_a_contradiction_implies_nothing_here(drawn):
    for block in blocks(drawn[0]):
        engine = DifferenceEngine(block)
        if not engine.feasible():
            assert len(engine.implied()) == 0


def test_fractions_off_the_grid_are_left_to_the_solver():
    c = system(("y", 0, 4, 136.7023, 136.7023))
    assert on_grid(c, 1.0) is None
    (block,) = blocks(c)
    assert len(DifferenceEngine(block).implied()) == 0


@given(truthful(half_days=True), st.integers(0, 2**32 - 1), st.booleans())
def test_a_path_that_fits_nothing_is_repaired_without_backtracking(drawn, seed, tiny):
    for block in blocks(drawn[0]):
        wrong = np.cumsum(np.random.default_rng(seed).uniform(0, 40, len(block.nodes)))[None, :]
        engine = in_tiny_bags(block) if tiny else DifferenceEngine(block)
        whole, s = engine.round(block.nodes, wrong, 0.5).cumulative[0], block.statements
        flow = whole[np.searchsorted(block.nodes, s.end)] - whole[np.searchsorted(block.nodes, s.start)]
        assert ((s.lower <= flow) & (flow <= s.upper)).all()
        assert (np.diff(whole) >= 0).all()


def test_tied_series_are_refused():
    (block,) = blocks(system(("a", 0, 1, 1, 1)))
    with pytest.raises(AssertionError, match="linear engine"):
        DifferenceEngine(replace(block, members=("S", "T"), signed=np.zeros(2, dtype=bool)))
