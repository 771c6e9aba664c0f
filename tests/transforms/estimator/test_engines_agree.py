"""Both engines answer alike about one series: what holds of the fast one holds of the general one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import DAY, blocks, contradictory, in_tiny_bags, truthful
from transforms.estimator.reconcile import reconcile

from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.engines.linear.engine import LinearEngine
from transforms.estimator.results import Window
from transforms.estimator.solve import engine_for

NEAR = 0.02  # crossings
paths = st.sampled_from([DifferenceEngine, in_tiny_bags])


@given(st.one_of(contradictory(), truthful(half_days=True)), paths, st.data())
def test_feasible_alike_and_bounded_alike(drawn, difference, data):
    for block in blocks(drawn[0]):
        fast, general = difference(block), LinearEngine(block)
        assert fast.feasible() == general.feasible()
        if fast.feasible():
            first, last = 2 * block.start // DAY, 2 * block.end // DAY
            a = data.draw(st.integers(first, last - 1))
            asked = [Window(0, a * DAY // 2, data.draw(st.integers(a + 1, last)) * DAY // 2)]
            asked += [Window(0, d * DAY, (d + 1) * DAY) for d in range(-(-block.start // DAY), block.end // DAY)]
            for one, two in zip(fast.bounds(asked), general.bounds(asked), strict=True):
                assert (one.lower, one.upper) == (two.lower, two.upper)


@given(contradictory(), paths)
def test_a_set_that_clashes_has_the_same_gap(drawn, difference):
    for block in blocks(drawn[0]):
        for engines in (difference, LinearEngine):
            for conflict in find_conflicts([block], engines):
                alone = block.only(conflict.report_ids)
                gaps = [engine(alone).clash().gap for engine in (difference, LinearEngine)]
                assert gaps == pytest.approx([conflict.gap] * 2, abs=NEAR)


@given(contradictory(), paths)
def test_reports_move_alike(drawn, difference):
    one, two = (reconcile(drawn[0], engines).moved() for engines in (difference, LinearEngine))
    assert one == pytest.approx(two, abs=NEAR)


@given(truthful(days=4))
def test_the_graph_answers_for_a_series_alone_unless_another_is_chosen(drawn):
    for block in blocks(drawn[0]):
        assert isinstance(engine_for(block), DifferenceEngine)
        assert isinstance(engine_for(block, "linear"), LinearEngine)
