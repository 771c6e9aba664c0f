"""What the record-level rules compare, worked out beside the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import known, prepared_from, statement, statement_csv


def gathered(*rows: dict[str, str]) -> pd.DataFrame:
    return prepared_from(statement_csv(*rows)).frame


def row(**changes: object) -> pd.Series:
    return gathered(statement(**changes)).iloc[0]


def day(text: str) -> int:
    return (pd.Timestamp(text) - pd.Timestamp(0)).days


def test_dates_are_day_numbers() -> None:
    found = row()
    assert found["start_day"] == found["end_day"] == day("2022-09-25")
    assert found["recorded_day"] == day("2022-09-27")
    assert np.isnan(row(period_start="")["start_day"])


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2022-09-26", "2022-09-26", "2022-09-26"),
        ("2022-09", "2022-09-01", "2022-09-30"),
        ("2022", "2022-01-01", "2022-12-31"),
    ],
)
def test_a_publication_month_or_year_is_a_span_of_days(said: str, first: str, last: str) -> None:
    found = row(published_on=said)
    assert (found["first_published_day"], found["last_published_day"]) == (day(first), day(last))


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({}, 8314),
        ({"period_start": "2022-09-24"}, 4157),
        ({"statistic": "each_day", "period_start": "2022-09-16"}, 8314),
        ({"qualifier": "more_than"}, 8315),
        ({"statistic": "stock"}, None),
    ],
)
def test_a_day_rate_is_the_most_a_report_says_of_one_day(changes: dict[str, object], rate: float | None) -> None:
    found = row(**changes)["day_rate"]
    assert np.isnan(found) if rate is None else found == rate


def test_the_cap_is_the_smaller_share_of_the_two_populations() -> None:
    people = known().countries.set_index("alpha3")["population"]
    assert row()["day_cap"] == min(0.05 * people["FIN"], 0.005 * people["RUS"])
    assert row(citizenship="all")["day_cap"] == 0.05 * people["FIN"]


@pytest.mark.parametrize(
    ("text", "qualifier"),
    [
        ("about 8,000", "about"),
        ("nearly 8,000", "nearly"),
        ("noin 8 000", "about"),
        ("более 8 тыс", "more_than"),
        ("не менее 8 тыс", "at_least"),
        ("at least 8,000", "at_least"),
        ("8314", None),
        ("more than 8,000, less than 9,000", None),
    ],
)
def test_one_hedge_among_the_printed_words_is_recognised(text: str, qualifier: str | None) -> None:
    assert row(value_text=text)["text_qualifier"] == qualifier


@pytest.mark.parametrize("text", ["8314 a day", "8314 в сутки", "päivässä 8314", "8314 daily"])
def test_words_for_a_daily_rate_are_recognised(text: str) -> None:
    assert row(value_text=text)["text_per_day"]
    assert not row()["text_per_day"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("98 thousand", 98_000),
        ("22.5 thousand", 22_500),
        ("22,5 тыс.", 22_500),
        ("1,2 млн", 1_200_000),
        ("4 million 55 thousand", 4_055_000),
        ("1,234,567 thousand", 1_234_567_000),
        ("1.5.2 million", 152_000_000),
        ("98000", None),
        ("thousand", None),
    ],
)
def test_multiplied_digits(text: str, number: float | None) -> None:
    found = row(value_text=text)["text_multiplier"]
    assert np.isnan(found) if number is None else found == number


@given(st.text(alphabet="0123456789., ²٣thousandmlтыс", max_size=24))
def test_no_printed_text_breaks_the_reading(text: str) -> None:
    found = row(value_text=text)["text_multiplier"]
    assert np.isnan(found) or found >= 0


def test_the_usual_rate_of_a_series_needs_four_reports() -> None:
    rows = [statement(report_id=f"A-{i}", value=100 * i, value_text="") for i in range(1, 5)]
    assert gathered(*rows)["series_rate"].tolist() == [250.0] * 4
    assert gathered(*rows[:3])["series_rate"].isna().all()


def test_a_superseded_report_must_be_there_and_of_the_same_window_and_earlier() -> None:
    new = {"report_id": "A-2", "supersedes": "A-1", "published_on": "2022-09-28"}
    columns = ["superseded_there", "superseded_same", "superseded_later", "superseded_acyclic"]

    def verdict(**changes: object) -> list[bool]:
        return gathered(statement(), statement(**(new | changes)))[columns].iloc[1].tolist()

    assert verdict() == [True, True, True, True]
    assert verdict(supersedes="A-9") == [False, True, True, True]
    assert verdict(period_start="2022-09-24") == [True, False, True, True]
    assert verdict(direction="exit") == [True, False, True, True]
    assert verdict(published_on="2022-09-25") == [True, True, False, True]
    assert verdict(supersedes="A-2")[3] is False


def test_rows_that_share_an_id_are_compared_as_they_were_received() -> None:
    same = gathered(statement(), statement())["content"]
    other = gathered(statement(), statement(note="another page"))["content"]
    unread = gathered(statement(value="many"), statement(value="few"))["content"]
    assert len(set(same)) == 1
    assert len(set(other)) == 2
    assert len(set(unread)) == 2
