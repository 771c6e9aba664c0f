"""Local dates and clocks as instants, over clock changes and across zones."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.reports import instants as at

HOUR = 3600


def length_of_day(date: str, zone: str) -> int:
    day = dt.date.fromisoformat(date)
    return at.instant(day, "24:00", zone) - at.instant(day, "00:00", zone)


@pytest.mark.parametrize(
    ("date", "zone", "hours"),
    [
        ("2022-03-27", "Europe/Helsinki", 23),
        ("2022-10-30", "Europe/Helsinki", 25),
        ("2022-09-25", "Europe/Helsinki", 24),
        ("2024-02-29", "Asia/Almaty", 25),
        ("2024-03-01", "Asia/Almaty", 24),
        ("2022-09-25", "Asia/Ulaanbaatar", 24),
    ],
)
def test_a_day_lasts_from_local_midnight_to_local_midnight(date: str, zone: str, hours: int) -> None:
    assert length_of_day(date, zone) == hours * HOUR


def test_kazakhstan_had_two_zones_until_march_2024_and_one_since() -> None:
    def apart(date: dt.date) -> int:
        return at.instant(date, "12:00", "Asia/Oral") - at.instant(date, "12:00", "Asia/Almaty")

    assert apart(dt.date(2022, 9, 25)) == HOUR
    assert apart(dt.date(2024, 3, 2)) == 0


def test_a_clock_that_does_not_exist_moves_forward_and_one_that_exists_twice_is_the_first() -> None:
    spring, autumn = dt.date(2022, 3, 27), dt.date(2022, 10, 30)
    assert at.instant(spring, "03:30", "Europe/Helsinki") == at.instant(spring, "04:30", "Europe/Helsinki")
    assert at.instant(autumn, "03:30", "Europe/Helsinki") - at.instant(autumn, "00:00", "Europe/Helsinki") == 3.5 * HOUR


def test_what_is_no_date_clock_or_zone_is_unknown() -> None:
    dates = pd.to_datetime(pd.Series(["2022-09-25", None, "2022-09-25", "2022-09-25", "9999-12-31"]))
    clocks = pd.Series(["10:00", "10:00", "25:00", "10:00", "24:00"])
    zones = pd.Series(["UTC", "UTC", "UTC", "Mars/Base", "UTC"])
    found = at.instants(dates, clocks, zones)
    assert (found == at.UNKNOWN).tolist() == [False, True, True, True, True]
    assert found[0] == dt.datetime(2022, 9, 25, 10, tzinfo=dt.UTC).timestamp()


@pytest.mark.parametrize("text", ["00:00", "09:59", "24:00"])
def test_clocks(text: str) -> None:
    assert at.is_clock(text)


@pytest.mark.parametrize("text", ["24:01", "25:00", "10:60", "1:00", "10.00", "²1:00", "٠١:٠٠", "", "10:000"])
def test_what_is_no_clock(text: str) -> None:
    assert not at.is_clock(text)


@pytest.mark.parametrize("name", ["", "Mars/Base", "../etc/passwd", "Europe", None, 3, "a\x00b"])
def test_what_is_no_zone(name: object) -> None:
    assert not at.is_zone(name)


@given(st.text(max_size=6))
def test_no_text_breaks_the_clock(text: str) -> None:
    assert at.is_clock(text) in (True, False)


@given(
    st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1)),
    st.sampled_from(["Europe/Helsinki", "Asia/Almaty", "Asia/Oral", "Asia/Tbilisi", "Asia/Ulaanbaatar", "Asia/Hovd"]),
)
def test_midnights_are_those_of_the_zone_and_days_follow_each_other(day: dt.date, zone: str) -> None:
    start = at.instant(day, "00:00", zone)
    assert at.instant(day, "24:00", zone) == at.instant(day + dt.timedelta(days=1), "00:00", zone)
    local = dt.datetime.fromtimestamp(start, ZoneInfo(zone))
    assert local.date() == day or local.hour == 23  # a zone that skips midnight starts its day an hour later


def test_seconds_and_datetimes_are_each_others_inverse() -> None:
    stamps = pd.to_datetime(pd.Series(["2022-09-25T10:00:00Z", None]), utc=True)
    assert at.as_seconds(stamps).tolist() == [1664100000, at.UNKNOWN]
    assert at.as_datetime(at.as_seconds(stamps)).tolist() == stamps.tolist()


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [("2022-09-26", "2022-09-26", "2022-09-26"), ("2022-09", "2022-09-01", "2022-09-30"),
     ("2024-02", "2024-02-01", "2024-02-29"), ("2022", "2022-01-01", "2022-12-31")],
)  # fmt: skip
def test_a_publication_day_month_or_year_counts_from_its_end(said: str, first: str, last: str) -> None:
    column, zone = pd.Series([said]), pd.Series(["Europe/Helsinki"])
    assert at.first_publication_day(column).iloc[0] == pd.Timestamp(first)
    assert at.last_publication_day(column).iloc[0] == pd.Timestamp(last)
    end = at.instant(dt.date.fromisoformat(last), "24:00", "Europe/Helsinki")
    assert at.publication_end(column, zone).tolist() == [end]


@pytest.mark.parametrize("said", [None, "", "soon", "2022-13", "2022-02-30", "26.9.2022"])
def test_what_is_no_publication_day_is_unknown_and_alone(said: str | None) -> None:
    column, zones = pd.Series([said, "2022-09-26"], dtype="object"), pd.Series(["UTC", "UTC"])
    found = at.publication_end(column, zones)
    assert found[0] == at.UNKNOWN
    assert found[1] == dt.datetime(2022, 9, 27, tzinfo=dt.UTC).timestamp()
    assert at.last_publication_day(column).isna().tolist() == [True, False]
