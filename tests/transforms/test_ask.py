"""Asking the tables of a release for a period: bounds with the sum that gives them, and one line for what cannot be."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from ten_o_clock import SERIES, tables

from crossings.errors import CrossingsError
from transforms import ask

D = dt.date


@pytest.fixture(scope="module")
def released() -> dict[str, pd.DataFrame]:
    return tables()


@pytest.mark.parametrize(
    ("first", "last", "lower", "upper"),
    [
        (D(2022, 10, 29), D(2022, 10, 31), "at least 700: 700 (three", "at most 700: 700 (three"),
        (D(2022, 10, 29), D(2022, 10, 29), "at least 100: 700 (three", "at most 300: 300 (each"),
        (D(2022, 10, 31), D(2022, 10, 31), "at least 100: 700 (three", "at most 300: 300 (each"),
        (D(2022, 10, 30), D(2022, 10, 31), "at least 400: 700 (three", "at most 600: 2 × 300 (each"),
        (D(2022, 10, 30), D(2022, 10, 30), "at least 150: 150 (night", "at most 300: 300 (each"),
    ],
)
def test_the_proof_of_a_period_adds_up_where_days_start_at_ten(
    first: D, last: D, lower: str, upper: str, released: dict[str, pd.DataFrame]
) -> None:
    found = ask.between(released, SERIES, first, last)
    assert found.in_words["lower"].startswith(lower)
    assert found.in_words["upper"].startswith(upper)
    assert (found.row["period_start"], found.row["period_end"]) == (first, last)
    assert found.conflicts == []
    assert set(found.proof["report_id"]) == {*found.row["lower_proof"], *found.row["upper_proof"]}


def test_a_period_has_the_point_of_its_days_only_where_each_has_one(released: dict[str, pd.DataFrame]) -> None:
    days = released["daily"].set_index("date")["estimate"]
    inside = ask.between(released, SERIES, D(2022, 10, 29), D(2022, 10, 31)).row
    assert inside["estimate"] == days.sum() == 700
    beyond = ask.between(released, SERIES, D(2022, 10, 28), D(2022, 10, 31)).row
    assert pd.isna(beyond["estimate"])
    assert (beyond["lower"], pd.isna(beyond["upper"])) == (700, True)


def test_what_was_published_later_bounds_nothing_as_of_before(released: dict[str, pd.DataFrame]) -> None:
    then = dt.datetime(2022, 11, 2, 23, tzinfo=dt.UTC)
    found = ask.between(released, SERIES, D(2022, 10, 30), D(2022, 10, 30), as_of=then)
    assert found.row["lower"] == 100
    assert found.in_words["lower"].startswith("at least 100: 700 (three")


def test_the_tables_are_left_as_they_were(released: dict[str, pd.DataFrame]) -> None:
    before = {name: frame.copy() for name, frame in released.items()}
    ask.between(released, SERIES, D(2022, 10, 29), D(2022, 10, 31))
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, released[name])


@pytest.mark.parametrize(
    ("series", "first", "last", "as_of", "says"),
    [
        (SERIES, D(2022, 10, 31), D(2022, 10, 30), None, "2022-10-30 is before 2022-10-31"),
        ("FIN/nothing", D(2022, 10, 30), D(2022, 10, 31), None, "there is no series 'FIN/nothing'"),
        (SERIES, D(2022, 10, 30), D(2022, 10, 31), dt.datetime(2001, 1, 1, tzinfo=dt.UTC), "no report bounds"),
    ],
)
def test_what_cannot_be_answered_is_one_line_with_a_remedy(
    series: str, first: D, last: D, as_of: dt.datetime | None, says: str, released: dict[str, pd.DataFrame]
) -> None:
    with pytest.raises(CrossingsError, match=says) as caught:
        ask.between(released, series, first, last, as_of=as_of)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
