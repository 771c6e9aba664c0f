"""Both engines answer alike about one series: what holds of the fast one holds of the general one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from interval_systems import DAY, blocks, contradictory, in_tiny_bags, midnights, system, truthful

from transforms.estimator.clashes import Clashes
from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.engines.linear.engine import LinearEngine
from transforms.estimator.results import Window
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.solve import engine_for
from transforms.estimator.tools import Tools

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


# Which of the two ones meets which of the three zeros first is for the engine to choose, not what follows from it.
TWO_AGAINST_THREE = system(*[(f"r{k}", 0, 1, float(k < 2), float(k < 2), 1) for k in range(5)])


@given(contradictory(), paths)
@example((TWO_AGAINST_THREE, np.zeros(1)), DifferenceEngine)
def test_what_clashes_is_explained_and_bounded_alike(drawn, difference):
    found = [Clashes.of(blocks(drawn[0]), Tools(EstimateSettings(), engines)) for engines in (difference, LinearEngine)]
    one, two = ([(e.clusters, e.unprotected, e.too_many) for e in f.explained] for f in found)
    assert one == two
    starts = midnights(len(drawn[1]))
    first, second = ([(b.lower, b.upper, b.lower_aside, b.upper_aside) for b in f.bounded.days(starts)] for f in found)
    assert first == second


@given(truthful(days=4))
def test_the_graph_answers_for_a_series_alone_unless_another_is_chosen(drawn):
    for block in blocks(drawn[0]):
        assert isinstance(engine_for(block), DifferenceEngine)
        assert isinstance(engine_for(block, "linear"), LinearEngine)
