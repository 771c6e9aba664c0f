"""Linear programming: the laws of every engine, on tied series and on single ones."""

from __future__ import annotations

from hypothesis import strategies as st
from interval_systems import alone, contradictory, truthful
from tied_systems import systems

from transforms.estimator.engines.linear.engine import LinearEngine

from ..engine_laws import EngineLaws


class TestLinear(EngineLaws):
    def engine(self, block):
        return LinearEngine(block)

    def truthful(self):
        return st.booleans().flatmap(lambda tied: systems() if tied else truthful(days=6, half_days=True).map(alone))

    def doubtful(self):
        return systems(truthful=False, largest=3)


class TestLinearOnOneSeries(TestLinear):
    def doubtful(self):
        return contradictory().map(alone)
