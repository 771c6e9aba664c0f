"""Figures are read in the declared spelling, or not at all."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.parse.figures import NotAFigure, read_figure


@given(st.integers(0, 10**15), st.sampled_from([",", ".", " ", "'"]))
def test_grouped_digits_give_the_number_back(number, mark):
    decimal = "," if mark == "." else "."
    text = f"{number:,}".replace(",", mark)
    assert read_figure(text, mark, decimal, 0, may_fall=False) == number
    assert read_figure(str(number), mark, decimal, 0, may_fall=False) == number


@given(st.decimals(min_value=0, max_value=10**6, places=3))
def test_the_multiplier_is_applied_once_and_exactly(amount):
    assert read_figure(amount, "", ".", 3, may_fall=False) == int(amount * 1000)
    assert read_figure(str(amount), "", ".", 3, may_fall=False) == int(amount * 1000)


@pytest.mark.parametrize("figure", [Decimal("12.5"), 12.5, float("inf"), float("nan"), True, -1, 2**70, "1 2", "1,23"])
def test_what_is_no_whole_count_is_told(figure):
    with pytest.raises(NotAFigure) as fault:
        read_figure(figure, ",", ".", 0, may_fall=False)
    assert fault.value.rule in {"V01", "V07", "V11"}


def test_a_net_figure_may_fall():
    assert read_figure("−1,200", ",", ".", 0, may_fall=True) == -1200
