"""Civil days as instants: clock changes, leap days, skipped midnights."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossings.calendar import UnknownTimezone, days_around, instant_of, midnights

D = dt.date


def utc(*parts):
    return int(dt.datetime(*parts, tzinfo=dt.UTC).timestamp())


def test_the_day_of_the_autumn_clock_change_has_25_hours_and_is_one_day():
    starts = midnights(D(2022, 10, 29), D(2022, 10, 31), "Europe/Helsinki")
    assert list(np.diff(starts) // 3600) == [24, 25, 24]
    assert (starts[1], starts[2]) == (utc(2022, 10, 29, 21), utc(2022, 10, 30, 22))


def test_five_years_have_1827_days_and_both_leap_days():
    starts = midnights(D(2020, 1, 1), D(2024, 12, 31), "Europe/Helsinki")
    assert len(starts) == 1828


def test_a_midnight_that_was_skipped_is_the_instant_of_the_skip():
    starts = midnights(D(2022, 3, 27), D(2022, 3, 27), "Asia/Beirut")
    assert starts[0] == utc(2022, 3, 26, 22)
    assert starts[1] - starts[0] == 23 * 3600


def test_days_may_start_at_another_clock():
    starts = midnights(D(2022, 9, 26), D(2022, 9, 26), "Asia/Tbilisi", "10:00")
    assert list(starts) == [utc(2022, 9, 26, 6), utc(2022, 9, 27, 6)]


def test_one_zone_gives_up_its_offset_and_the_days_follow():
    starts = midnights(D(2024, 2, 29), D(2024, 3, 1), "Asia/Almaty")
    assert list(np.diff(starts) // 3600) == [25, 24]


def test_days_around_touch_the_window_and_no_more():
    first, starts = days_around(utc(2022, 9, 26, 6), utc(2022, 9, 27, 6), "Asia/Tbilisi")
    assert (first, len(starts) - 1) == (D(2022, 9, 26), 2)
    first, starts = days_around(utc(2022, 9, 29, 21), utc(2022, 9, 30, 21), "Europe/Helsinki")
    assert (first, len(starts) - 1) == (D(2022, 9, 30), 1)


@pytest.mark.parametrize(("zone", "clock"), [("Mars/Olympus", "00:00"), ("Asia/Almaty", "late")])
def test_an_unknown_zone_or_clock_is_told_with_a_remedy(zone, clock):
    with pytest.raises(UnknownTimezone, match="IANA"):
        instant_of(D(2022, 9, 21), zone, clock)


@given(
    st.dates(D(1995, 1, 1), D(2030, 1, 1)),
    st.integers(0, 40),
    st.sampled_from(["Europe/Helsinki", "Asia/Almaty", "Asia/Ulaanbaatar", "Asia/Hovd", "Asia/Tbilisi", "UTC"]),
)
def test_every_start_is_the_first_instant_of_its_local_date(first, n, zone):
    starts = midnights(first, first + dt.timedelta(days=n), zone)
    assert (np.diff(starts) > 0).all()
    for i, start in enumerate(starts):
        date = first + dt.timedelta(days=i)
        assert dt.datetime.fromtimestamp(int(start), ZoneInfo(zone)).date() == date
        assert dt.datetime.fromtimestamp(int(start) - 1, ZoneInfo(zone)).date() < date
