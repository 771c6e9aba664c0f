"""Civil days as instants, and reports that speak of each of them."""

from __future__ import annotations

import datetime as dt

import numpy as np
from interval_systems import DAY, system

from crossings.calendar import instant_of
from transforms.estimator.days import Days, expand_days

ZONE = "Europe/Helsinki"


def october(day, clock="00:00"):
    return instant_of(dt.date(2022, 10, day), ZONE, clock)


def test_days_are_those_a_window_touches_also_where_the_clock_is_set_back():
    days = Days.around(october(29, "12:00"), october(31), ZONE, "00:00")
    assert (days.first, len(days)) == (dt.date(2022, 10, 29), 2)
    assert np.diff(days.starts).tolist() == [DAY, 25 * 3600]
    assert days.date(1) == dt.date(2022, 10, 30)
    assert days.dates_of(october(29, "12:00"), october(30)) == (dt.date(2022, 10, 29), dt.date(2022, 10, 29))
    assert days.inside(october(29, "12:00"), october(31)).tolist() == [1]


def test_a_day_may_start_at_another_clock():
    days = Days.around(october(29, "10:00"), october(31, "10:00"), ZONE, "10:00")
    assert (days.first, len(days)) == (dt.date(2022, 10, 29), 2)
    assert days.dates_of(october(30), october(30, "11:00")) == (dt.date(2022, 10, 29), dt.date(2022, 10, 30))


def test_a_report_of_each_day_is_one_row_a_day_and_of_a_part_of_a_day_only_its_upper_end():
    c = system(("cap", 0.5, 3, 10, 30), ("total", 0, 3, 50, 60))
    rows = expand_days(c, np.array([True, False]), Days.of(c, "UTC", "00:00"))
    cap = rows.take(rows.report_id == "cap")
    assert (cap.start / DAY).tolist() == [0.5, 1, 2]
    assert (cap.end / DAY).tolist() == [1, 2, 3]
    assert cap.lower.tolist() == [-np.inf, 10, 10]
    assert cap.upper.tolist() == [30, 30, 30]
    assert len(rows) == 4
    assert expand_days(c, np.array([False, False]), Days.of(c, "UTC", "00:00")) is c


def test_a_part_of_a_day_says_nothing_of_a_flow_that_may_be_negative():
    c = system(("net", 0.5, 2, -30, -10))
    rows = expand_days(c, np.array([True]), Days.of(c, "UTC", "00:00"), signed=True)
    assert rows.lower.tolist() == [-np.inf, -30]
    assert rows.upper.tolist() == [np.inf, -10]
