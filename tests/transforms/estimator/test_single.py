"""One series by itself: every step in order, bounds of any period, days that start at the series' own clock."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import CASES, DAY, INF, answer, contradictory, of_case, system, truthful

from crossings.calendar import days_around, instant_of
from transforms.estimator.days import Days
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import failed_series, solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.tools import Tools


def solved(c, timezone="UTC", boundary="00:00", engines=engine_for):
    days = Days.of(c, timezone, boundary)
    return solve_series("S", c, days, np.zeros(len(days), dtype=bool), frozenset(), Tools(EstimateSettings(), engines))


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c["expect"].get("daily") and c["expect"].get("feasible")]
)
def test_cases_by_day(name):
    case = CASES[name]
    c = of_case(case)
    first, starts = days_around(int(c.start.min()), int(c.end.max()), case["reports"][0]["timezone"])
    days = answer(c).days(starts)
    for wanted in case["expect"]["daily"]:
        i = (np.datetime64(wanted["date"]) - np.datetime64(first)).astype(int)
        if 0 <= i < len(days):
            assert days[i].lower == wanted["lower"]
            assert days[i].upper == (INF if wanted["upper"] is None else wanted["upper"])
        else:
            assert (wanted["lower"], wanted["upper"]) == (0, None)


@given(contradictory(), st.booleans())
def test_every_point_is_whole_inside_its_bounds_and_keeps_every_report_that_is_not_set_aside(drawn, general):
    result = solved(drawn[0], engines=(lambda b: engine_for(b, "linear")) if general else engine_for)
    point = np.isfinite(result.estimate)
    assert (result.estimate[point] == np.rint(result.estimate[point])).all()
    assert (result.lower[point] <= result.estimate[point]).all()
    assert (result.estimate[point] <= result.upper[point]).all()
    assert not result.fallbacks
    kept, starts = result.kept, result.days.starts
    assert set(kept.report_id) == set(result.reported.report_id) - result.aside
    assert bool(result.aside) == bool(result.conflicts)
    for a, b, low, high in zip(kept.start, kept.end, kept.lower, kept.upper, strict=True):
        total = result.estimate[np.searchsorted(starts, a) : np.searchsorted(starts, b)].sum()
        assert np.isnan(total) or low <= total <= high


@given(truthful(half_days=True))
def test_where_reports_agree_nothing_is_explained_and_nothing_set_aside(drawn):
    result = solved(drawn[0])
    assert not result.conflicts
    assert not result.explained
    assert not result.differs.any()
    assert not any(b.contested or b.lower_aside or b.upper_aside for b in result.bounds)
    assert list(result.kept.report_id) == list(result.reported.report_id)
    assert result.bounds == answer(drawn[0]).days(result.days.starts)
    assert not result.fallbacks


@given(truthful(half_days=True), st.data())
def test_a_period_is_bounded_at_least_as_tightly_as_its_days_together(drawn, data):
    result = solved(drawn[0])
    n, starts = len(result.days), result.days.starts
    a = data.draw(st.integers(0, n - 1))
    b = data.draw(st.integers(a + 1, n))
    bound = result.bounded.between(0, int(starts[a]), int(starts[b]))
    assert bound.lower >= result.lower[a:b].sum()
    assert bound.upper <= result.upper[a:b].sum()


def test_days_that_start_at_ten_are_the_days_that_are_bounded():
    zone = "Europe/Helsinki"
    ten = [instant_of(dt.date(2022, 9, d), zone, "10:00") for d in (21, 22, 23, 24)]
    c = system(("a", ten[0] / DAY, ten[1] / DAY, 100, 100), ("b", ten[0] / DAY, ten[3] / DAY, 400, 430))
    result = solved(c, zone, "10:00")
    assert (result.days.first, len(result.days)) == (dt.date(2022, 9, 21), 3)
    assert list(result.days.starts) == ten
    assert (result.lower[0], result.upper[0]) == (100, 100)
    assert (result.lower[1], result.upper[1]) == (0, 330)
    assert list(result.estimate[:1]) == [100]
    assert 300 <= result.estimate[1:].sum() <= 330
    midnight = solved(c, zone)
    assert len(midnight.days) == 4
    assert (midnight.lower[1], midnight.upper[1]) == (0, 430)


def test_a_series_on_which_a_step_gave_up_has_neither_bounds_nor_points_and_says_why():
    c = system(("a", 0, 3, 5, 9), ("b", 1, 2, 5, 5))
    result = failed_series("S", c, Days.of(c, "UTC", "00:00"), ValueError("no good"))
    assert np.isnan(result.estimate).all()
    assert (list(result.lower), list(result.upper)) == ([0] * 3, [INF] * 3)
    (told,) = result.fallbacks
    assert (told.step, told.series, told.report_ids) == ("bounds", ("S",), ("a", "b"))
    assert "ValueError no good" in told.message
    found = result.bounded.between(0, 0, DAY)
    assert (found.lower, found.upper) == (0, INF)
