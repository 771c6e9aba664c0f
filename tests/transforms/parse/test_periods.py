"""Periods are read in the declared spelling, or not at all."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.parse.periods import Calendar, NotAPeriod, enough_periods, following, other_date_order, read_period


@pytest.mark.parametrize(
    ("text", "spelling", "freq", "first", "last"),
    [
        ("2026M01", "YYYYMmm", "M", (2026, 1, 1), (2026, 1, 31)),
        ("2026-02", "YYYY-MM", "M", (2026, 2, 1), (2026, 2, 28)),
        ("202602", "YYYYMM", "M", (2026, 2, 1), (2026, 2, 28)),
        ("2022Q1", "YYYYQq", "Q", (2022, 1, 1), (2022, 3, 31)),
        ("2022K4", "YYYYQq", "Q", (2022, 10, 1), (2022, 12, 31)),
        ("2013T4", "YYYYQq", "Q", (2013, 10, 1), (2013, 12, 31)),
        ("2022", "YYYY", "A", (2022, 1, 1), (2022, 12, 31)),
        ("JAN2009", "MONYYYY", "M", (2009, 1, 1), (2009, 1, 31)),
        ("February 2024", "MONYYYY", "M", (2024, 2, 1), (2024, 2, 29)),
        ("2019 January", "YYYY MONTH", "M", (2019, 1, 1), (2019, 1, 31)),
        ("2019 7", "YYYY MONTH", "M", (2019, 7, 1), (2019, 7, 31)),
        ("2026 оны 1 сар", "YYYY сар", "M", (2026, 1, 1), (2026, 1, 31)),
        ("2025 оны 12-р сар", "YYYY сар", "M", (2025, 12, 1), (2025, 12, 31)),
        ("2025 оны III улирал", "YYYY улирал", "Q", (2025, 7, 1), (2025, 9, 30)),
        ("2025 оны 2-р улирал", "YYYY улирал", "Q", (2025, 4, 1), (2025, 6, 30)),
        ("45658", "serial", "M", (2025, 1, 1), (2025, 1, 31)),
        ("1/01/2020", "D/M/YYYY", "M", (2020, 1, 1), (2020, 1, 31)),
        ("24-09-2022", "DD-MM-YYYY", "D", (2022, 9, 24), (2022, 9, 24)),
    ],
)
def test_a_spelling_names_its_period(text, spelling, freq, first, last):
    assert read_period(text, [spelling], freq) == (date(*first), date(*last))


def test_a_date_at_the_end_of_its_quarter():
    assert read_period("3/31/2010", ["M/D/YYYY"], "Q", "end") == (date(2010, 1, 1), date(2010, 3, 31))
    assert read_period("31.12.2022", ["DD.MM.YYYY"], "A", "end") == (date(2022, 1, 1), date(2022, 12, 31))
    with pytest.raises(NotAPeriod, match="last day"):
        read_period("3/30/2010", ["M/D/YYYY"], "Q", "end")


@pytest.mark.parametrize(
    ("text", "spelling", "freq"),
    [
        ("2026-01", "YYYY-MM", "Q"),
        ("2022Q1", "YYYYQq", "M"),
        ("2022", "YYYY", "M"),
        ("2022-13", "YYYY-MM", "M"),
        ("2022-02-30", "YYYY-MM-DD", "D"),
        ("Smarch 2022", "MONYYYY", "M"),
        ("1022", "YYYY", "A"),
        ("2022 (p)", "YYYY", "A"),
        ("٢٠٢٢", "YYYY", "A"),
        ("", "YYYY", "A"),
    ],
)
def test_anything_else_is_no_period(text, spelling, freq):
    with pytest.raises(NotAPeriod):
        read_period(text, [spelling], freq)


def test_month_names_of_the_publisher_are_declared():
    months = {"tammikuu": 1}
    assert read_period("2022 Tammikuu", ["YYYY MONTH"], "M", months=months)[0] == date(2022, 1, 1)
    with pytest.raises(NotAPeriod):
        read_period("2022 Tammikuu", ["YYYY MONTH"], "M")


@given(st.dates(date(1950, 1, 1), date(2150, 1, 1)))
def test_the_declared_order_alone_decides(day):
    assert read_period(f"{day.day}/{day.month}/{day.year}", ["D/M/YYYY"], "D")[0] == day
    assert read_period(f"{day.month}/{day.day}/{day.year}", ["M/D/YYYY"], "D")[0] == day
    foreign = other_date_order(f"{day.day}/{day.month}/{day.year}", ["M/D/YYYY"])
    assert foreign == ("D/M/YYYY" if day.day > 12 else None)


@given(st.integers(1950, 2150), st.integers(1, 12))
def test_months_follow_each_other_without_gap(year, month):
    period = read_period(f"{year}M{month:02}", ["YYYYMmm"], "M")
    assert (period[1] - period[0]).days + 1 == calendar.monthrange(year, month)[1]
    assert following(period, "M")[0].toordinal() == period[1].toordinal() + 1


@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.integers(0, 20_000), st.sampled_from("DWMQA"))
def test_so_many_periods_back_always_cover_the_days(first, days, freq):
    last = first + timedelta(days=days)
    longest = {"D": 1, "W": 7, "M": 31, "Q": 92, "A": 366}[freq]
    assert enough_periods(first, last, freq) >= days / longest + 1


@pytest.mark.parametrize(
    ("text", "spelling", "freq", "first", "last", "kept"),
    [
        ("1.9.2022", "D.M.YYYY", "D", "2022-09-01", "2022-09-01", {}),
        ("1/22/20", "M/D/YY", "D", "2020-01-22", "2020-01-22", {}),
        ("21.09.22", "DD.MM.YY", "D", "2022-09-21", "2022-09-21", {}),
        ("20220921", "YYYYMMDD", "D", "2022-09-21", "2022-09-21", {}),
        ("2022/09/21", "YYYY/MM/DD", "D", "2022-09-21", "2022-09-21", {}),
        ("2022-09-21T00:00:00", "YYYY-MM-DD[Thh:mm:ss]", "D", "2022-09-21", "2022-09-21", {}),
        ("2022-09-21", "YYYY-MM-DD[Thh:mm:ss]", "D", "2022-09-21", "2022-09-21", {}),
        ("2022-09-21 00:00:00", "YYYY-MM-DD hh:mm:ss", "D", "2022-09-21", "2022-09-21", {}),
        ("2022-09-21 23:59:59", "YYYY-MM-DD hh:mm:ss", "D", "2022-09-21", "2022-09-21", {}),
        ("09/01/2022 12:00:00 AM", "MM/DD/YYYY hh:mm:ss AM", "M", "2022-09-01", "2022-09-30", {}),
        ("21 September 2022", "D MONTH YYYY", "D", "2022-09-21", "2022-09-21", {}),
        ("21-Sep-22", "D-MON-YY", "D", "2022-09-21", "2022-09-21", {}),
        ("Sep-22", "MON-YY", "M", "2022-09-01", "2022-09-30", {}),
        ("09/2022", "MM/YYYY", "M", "2022-09-01", "2022-09-30", {}),
        ("2022-9", "YYYY-M", "M", "2022-09-01", "2022-09-30", {}),
        ("2022 M09", "YYYY 'M'MM", "M", "2022-09-01", "2022-09-30", {}),
        ("Q3 2022", "Qq YYYY", "Q", "2022-07-01", "2022-09-30", {}),
        ("III 2022", "IV YYYY", "Q", "2022-07-01", "2022-09-30", {}),
        ("Jul-Sep 2022", "MON-MON YYYY", "Q", "2022-07-01", "2022-09-30", {}),
        ("2022-S2", "YYYY-Ss", "S", "2022-07-01", "2022-12-31", {}),
        ("2022-W38", "YYYY-Www", "W", "2022-09-19", "2022-09-25", {}),
        ("202238", "YYYYww", "W", "2022-09-19", "2022-09-25", {}),
        ("12-18 Sep 2022", "D-D MON YYYY", "W", "2022-09-12", "2022-09-18", {}),
        ("26 Dec 2022 - 1 Jan 2023", "D MON YYYY - D MON YYYY", "W", "2022-12-26", "2023-01-01", {}),
        ("28 Dec - 3 Jan 2023", "D MON - D MON YYYY", "W", "2022-12-28", "2023-01-03", {}),
        ("CY 2022", "CY YYYY", "A", "2022-01-01", "2022-12-31", {}),
        ("FY2022", "FYYYYY", "A", "2021-10-01", "2022-09-30", {"year_starts": 10}),
        ("2022", "YYYY", "A", "2022-04-01", "2023-03-31", {"year_starts": 4, "year_named": "start"}),
        ("2021-22", "YYYY-YY", "A", "2021-07-01", "2022-06-30", {"year_starts": 7}),
        ("2022 Q1", "YYYY Qq", "Q", "2021-10-01", "2021-12-31", {"year_starts": 10}),
        ("2022 H2", "YYYY Hs", "S", "2022-04-01", "2022-09-30", {"year_starts": 10}),
        ("2565", "BBBB", "A", "2022-01-01", "2022-12-31", {}),
        ("111/09/21", "ROC/MM/DD", "D", "2022-09-21", "2022-09-21", {}),
        ("2022年9月21日", "YYYY年M月D日", "D", "2022-09-21", "2022-09-21", {}),
        ("Jan-Sep 2022", "MON-MON YYYY", "M", "2022-09-01", "2022-09-30", {"to_date": True}),
        ("21 de setembro de 2022", "D 'de' MON 'de' YYYY", "D", "2022-09-21", "2022-09-21", {"months": {"setembro": 9}}),
    ],
)  # fmt: skip
def test_the_grammar_of_spellings(text, spelling, freq, first, last, kept):
    period = read_period(text, [spelling], freq, kept=Calendar(**kept))
    assert period == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("text", "spelling", "freq", "told"),
    [
        ("2022-09-21T10:00:00", "YYYY-MM-DDThh:mm:ss", "D", "not midnight"),
        ("09/01/2022 12:00:00 PM", "MM/DD/YYYY hh:mm:ss AM", "M", "not midnight"),
        ("2021-22", "YYYY-YY", "A", "year_starts"),
        ("2022-W53", "YYYY-Www", "W", "nvalid week"),
        ("202253", "YYYYMM", "M", "month must be"),
        ("Aug-Oct 2022", "MON-MON YYYY", "Q", "no period of frequency Q"),
        ("12-19 Sep 2022", "D-D MON YYYY", "W", "no period of frequency W"),
        ("2022-38", "YYYY-ww", "M", "has frequency W"),
    ],
)
def test_what_a_spelling_does_not_mean(text, spelling, freq, told):
    with pytest.raises(NotAPeriod, match=told):
        read_period(text, [spelling], freq)


def test_the_other_order_of_any_declared_spelling_is_found():
    assert other_date_order("22.1.20", ["M.D.YY"]) == "D.M.YY"
    assert other_date_order("1.22.20", ["M.D.YY"]) is None
    assert other_date_order("2022/25/01", ["YYYY/MM/DD"]) == "YYYY/DD/MM"
