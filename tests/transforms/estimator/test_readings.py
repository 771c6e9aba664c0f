"""Inferred windows: what holds wherever they lie binds the bounds, the window as coded only the path."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import DAY, INF, system
from tied_systems import NET, TOOLS

from crossings.calendar import instant_of, shifted
from transforms.estimator.days import Days
from transforms.estimator.readings import with_doubt
from transforms.estimator.single import solve_series
from transforms.estimator.statements import ALLOWED, CODED, SAID
from transforms.estimator.together import Tied, solve_together


def doubted(c, *ids, per_day=(), signed=False):
    return with_doubt(c, frozenset(ids), frozenset(per_day), "UTC", signed=signed)


def solved(c):
    days = Days.of(c, "UTC", "00:00")
    return solve_series("S", c, days, np.zeros(len(days), dtype=bool), frozenset(), TOOLS)


def of_days(result, values):
    """Values by day."""
    return dict(zip((result.days.starts // DAY).tolist(), np.asarray(values).tolist(), strict=False))


def rows(c):
    s = zip(c.start // DAY, c.end // DAY, c.lower, c.upper, c.reading, strict=True)
    return sorted(tuple(map(float, row)) for row in s)


def test_a_total_of_some_days_binds_the_days_it_might_be_and_those_it_holds_at_all_events():
    c = doubted(system(("a", 2, 6, 80, 90)), "a")
    assert rows(c) == [(1, 7, 80, INF, ALLOWED), (2, 6, 80, 90, CODED), (3, 5, -INF, 90, ALLOWED)]


@pytest.mark.parametrize(("first", "after"), [(2, 3), (2, 4), (2, 5)])
def test_no_single_day_has_an_upper_end_from_a_window_that_may_be_off(first, after):
    c = doubted(system(("a", first, after, 80, 90)), "a")
    assert rows(c) == [(first - 1, after + 1, 80, INF, ALLOWED), (first, after, 80, 90, CODED)]


def test_what_is_said_of_each_day_and_a_net_flow_bind_only_the_path():
    c = system(("a", 2, 3, 80, 90), ("a", 3, 4, 80, 90))
    assert set(doubted(c, "a", per_day=["a"]).reading) == {CODED}
    assert set(doubted(c, "a", signed=True).reading) == {CODED}


def test_reports_without_doubt_stay_as_they_were():
    c = system(("a", 2, 6, 80, 90), ("b", 0, 1, 5, 5))
    assert doubted(c) is c
    assert rows(doubted(c, "a"))[0] == (0, 1, 5, 5, SAID)


def test_windows_move_by_civil_days_over_a_clock_change():
    zone = "Europe/Helsinki"
    start, end = (instant_of(dt.date(2022, 10, d), zone) for d in (29, 31))
    c = replace(system(("a", 0, 1, 80, 90)), start=np.array([start]), end=np.array([end]))
    wide = with_doubt(c, frozenset({"a"}), frozenset(), zone).take(np.array([1]))
    assert wide.reading.tolist() == [ALLOWED]
    assert wide.start.tolist() == [instant_of(dt.date(2022, 10, 28), zone)]
    assert wide.end.tolist() == [instant_of(dt.date(2022, 11, 1), zone)]
    assert (wide.end - wide.start)[0] == 4 * DAY + 3600


def test_a_clock_that_was_skipped_moves_to_the_instant_of_the_skip():
    zone = "Europe/Helsinki"  # 03:00 on 27 March 2022 did not exist
    before = np.array([instant_of(dt.date(2022, 3, 26), zone, "03:30")])
    assert shifted(before, 1, zone).tolist() == [instant_of(dt.date(2022, 3, 27), zone, "04:30")]


def test_the_estimate_follows_an_inferred_day_but_its_bounds_do_not_take_it_for_one():
    c = doubted(system(("day", 2, 3, 40, 40), ("week", 0, 5, 100, 100)), "day")
    result = solved(c)
    assert of_days(result, result.estimate)[2] == 40
    assert of_days(result, result.lower) == {0: 0, 1: 0, 2: 0, 3: 0, 4: 0}
    assert of_days(result, result.upper) == {0: 60, 1: 100, 2: 100, 3: 100, 4: 60}
    assert (result.loose, result.aside, result.conflicts) == (frozenset(), frozenset(), ())


def test_a_window_that_fits_only_if_it_is_off_by_a_day_is_no_contradiction():
    c = doubted(system(("day", 2, 3, 40, 40), ("low", 2, 3, 0, 10), ("next", 3, 4, 0, 50)), "day")
    result = solved(c)
    assert (result.loose, result.aside, result.conflicts) == (frozenset({"day"}), frozenset(), ())
    assert set(result.kept.take(result.kept.of(["day"])).reading) == {ALLOWED}
    assert of_days(result, result.estimate)[2] <= 10


def test_of_two_windows_that_do_not_fit_the_worse_attested_gives_way():
    c = doubted(system(("a", 2, 3, 40, 40, 2), ("b", 2, 3, 10, 10, 3)), "a", "b")
    assert solved(c).loose == {"b"}


@st.composite
def displaced(draw):
    """Truthful totals of whole days, some coded a day early or late: (statements, crossings a day from day 1 on)."""
    n = draw(st.integers(3, 9))
    days = draw(st.lists(st.integers(0, 60), min_size=n, max_size=n))
    total = np.concatenate(([0], np.cumsum(days)))
    said, doubtful = [], []
    for k in range(draw(st.integers(1, 7))):
        a = draw(st.integers(0, n - 1))
        b = draw(st.integers(a + 1, n))
        value, slack = float(total[b] - total[a]), float(draw(st.integers(0, 9)))
        off = draw(st.sampled_from([None, None, -1, 0, 1]))
        if off is not None:
            doubtful.append(f"r{k}")
        upper = draw(st.sampled_from([value + slack, value, INF]))
        said.append(
            (f"r{k}", a + 1 + (off or 0), b + 1 + (off or 0), max(value - slack, 0.0), upper, draw(st.integers(1, 4)))
        )
    return doubted(system(*said), *doubtful), np.array(days, dtype=float)


@given(displaced())
def test_a_truth_whose_windows_were_coded_a_day_off_lies_in_the_bounds(drawn):
    c, truth = drawn
    result = solved(c)
    assert not result.conflicts
    assert not result.fallbacks
    for day, start in enumerate(result.days.starts[:-1].tolist()):
        k = start // DAY - 1
        value = truth[k] if 0 <= k < len(truth) else 0.0
        assert result.lower[day] <= value <= result.upper[day]


@given(displaced())
def test_the_estimate_keeps_what_holds_of_every_report_and_every_window_it_did_not_have_to_drop(drawn):
    c, _ = drawn
    result = solved(c)
    point, starts = result.estimate, result.days.starts
    known = np.isfinite(point)
    assert ((result.lower <= point) & (point <= result.upper))[known].all()
    for i in range(len(c)):
        if c.reading[i] == CODED and str(c.report_id[i]) in result.loose:
            continue
        total = point[np.searchsorted(starts, c.start[i]) : np.searchsorted(starts, c.end[i])].sum()
        assert np.isnan(total) or c.lower[i] <= total <= c.upper[i]


def test_windows_of_tied_series_that_do_not_fit_each_other_cost_neither_bounds_nor_points():
    entries = doubted(system(("e", 0, 1, 100, 100, 2)), "e")
    exits, net = system(("x", 0, 1, 60, 60, 2)), system(("n", 0, 1, 10, 10, 2))
    tied = Tied(
        {"E": solved(entries), "X": solved(exits)}, {"N": net}, {"E": True, "X": True, "N": False},
        (NET,), "UTC", "00:00",
    )  # fmt: skip
    together = solve_together(tied, TOOLS)
    (stretch,) = [s for s in together.stretches if "E" in s.said.members and len(s.said.members) == 3]
    assert (stretch.loose, stretch.aside, stretch.conflicts) == (frozenset({"e"}), frozenset(), ())
    day = np.searchsorted(together.days.starts, 0)
    assert together.point[:, day].tolist() == [70, 10, 60]
    assert (together.between("E", 0, DAY).lower, together.between("E", 0, DAY).upper) == (70, 70)
