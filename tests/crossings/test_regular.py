"""Official figures from Python: with their periods and places, drawn as diamonds, and in `between` apart from statements."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from statistics_lake import ESTONIA, FINLAND, LATVIANS, TRAINS

import crossings
from crossings import catalog, regular
from crossings.errors import CrossingsError
from crossings.frequency import last_day

pytestmark = pytest.mark.usefixtures("statistics")


def test_figures_have_the_last_day_of_their_period_and_the_place_they_were_read_from() -> None:
    (month,) = regular.figures("EST", series=LATVIANS)
    assert (month.first, month.last, month.freq) == (dt.date(2022, 9, 1), dt.date(2022, 9, 30), "M")
    assert month.period == "2022-09-01 to 2022-09-30"
    assert (month.value, month.source_id, month.payload_locator) == (7120, "ee-example-latvians", "row 2 col 2")
    assert len(month.payload_sha256 or "") == 64


@pytest.mark.parametrize(
    ("freq", "first", "last"),
    [
        ("D", dt.date(2024, 2, 29), dt.date(2024, 2, 29)), ("W", dt.date(2024, 12, 30), dt.date(2025, 1, 5)),
        ("M", dt.date(2024, 2, 1), dt.date(2024, 2, 29)), ("Q", dt.date(2024, 10, 1), dt.date(2024, 12, 31)),
        ("S", dt.date(2024, 7, 1), dt.date(2024, 12, 31)), ("A", dt.date(2023, 10, 1), dt.date(2024, 9, 30)),
    ],
)  # fmt: skip
def test_each_frequency_has_its_last_day(freq: str, first: dt.date, last: dt.date) -> None:
    assert last_day(first, freq) == last


def test_figures_of_a_window_are_those_whose_period_meets_it() -> None:
    found = regular.figures("FIN", direction="entry", start="2022-09-25", end="2022-11-01")
    assert [(f.freq, f.value) for f in found] == [("D", 8314), ("D", 9100), ("D", 5005), ("M", 60120)]
    assert regular.figures("FIN", direction="exit") == []
    assert regular.names("EST", "entry") == sorted([ESTONIA, LATVIANS, TRAINS])


def test_the_series_of_the_definition_stands_for_a_country_with_several() -> None:
    assert catalog.standing("EST", "entry") == ESTONIA


def test_between_holds_the_official_answer_apart() -> None:
    found = crossings.between("FIN", "2022-09-24", "2022-09-26")
    official = found.official["fi-example-days"]
    assert (found.lower, found.upper) == (16886 + 7743, 16886 + 7743)
    assert (official.lower, official.estimate, official.upper) == (25986, 25986, 25986)
    assert set(official.proof["source_id"]) == {"fi-example-days"}
    assert "fi-example-days" not in set(found.proof["source_id"])
    assert "lies outside" in found.agreement("fi-example-days")
    alone = crossings.between("EST", "2022-09-24", "2022-09-27")
    assert (alone.lower, alone.upper, len(alone.proof)) == (None, None, 0)
    part = alone.official["ee-example-days"]
    assert (part.lower, part.upper, part.estimate) == (4618, None, None)
    assert alone.agreement("ee-example-days") == ""


def test_what_was_published_later_says_nothing_as_of_before() -> None:
    assert crossings.between("FIN", "2022-09-24", "2022-09-25", as_of="2022-09-30").official == {}


def test_official_days_are_diamonds_with_their_name() -> None:
    (axes,) = crossings.plot("FIN", start="2022-09-24", end="2022-10-04").axes
    (diamonds,) = (line for line in axes.lines if line.get_marker() == "D")
    assert list(diamonds.get_ydata()) == [8572, 8314, 9100, 5005]
    assert "official" in [text.get_text() for text in axes.texts]
    (alone,) = crossings.plot("EST").axes
    assert [line.get_marker() for line in alone.lines] == ["D"]
    assert alone.get_ylim()[1] > 1610


def test_a_country_without_a_series_of_the_direction_is_left_out_of_the_picture_of_all() -> None:
    assert [axes.get_title(loc="left")[:3] for axes in crossings.plot().axes if axes.get_visible()] == ["EST", "FIN"]
    assert [axes.get_title(loc="left")[:3] for axes in crossings.plot(direction="exit").axes if axes.get_visible()] == [
        "FIN"
    ]
    with pytest.raises(CrossingsError, match="no series stands for"):
        crossings.plot(direction="sideways")


def test_headline_carries_official_figures_under_a_status_of_their_own() -> None:
    rows = crossings.headline().set_index(["country", "date"])
    filled = rows.loc[("FIN", pd.Timestamp(2022, 10, 3))]
    assert (filled["entries"], filled["entries_status"], filled["entries_series"]) == (5005, "official", FINLAND)
    assert filled[["entries_lower", "entries_upper", "entries_reliability", "entries_known_over"]].isna().all()
    assert filled["reason"] == "exits: no report; net: no number of exits"
    said = rows.loc[("FIN", pd.Timestamp(2022, 9, 26))]
    assert (said["entries"], said["entries_status"]) == (7743, "reported")
    assert rows.loc["EST", "entries"].tolist() == [1520, 1488, 1610]
    assert set(rows.loc["EST", "entries_status"]) == {"official"}
