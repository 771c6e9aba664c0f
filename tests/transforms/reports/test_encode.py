"""From a report to an interval between two instants (method.md 4.1)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import encoded_row, frame_of, statement

from crossings.schema.codes import CODE_LISTS
from transforms.reports import encode as encoding
from transforms.reports import instants as at

CASES = {c["name"]: c for c in json.loads((Path(__file__).parents[2] / "cases" / "estimation_cases.json").read_text())}
HOUR = 3600


def interval(**changes: object) -> tuple[float | None, float | None]:
    row = encoded_row(**({"value_text": "", "rounding_unit": ""} | changes))
    return tuple(None if pd.isna(row[side]) else row[side] for side in ("lower", "upper"))


def hours(**changes: object) -> float:
    row = encoded_row(**changes)
    return (row["end_instant"] - row["start_instant"]) / HOUR


@pytest.mark.parametrize("name", ["hedge_words_to_bounds", "between_needs_two_numbers"])
def test_every_hedge_of_the_case_gives_the_interval_the_case_states(name: str) -> None:
    case = CASES[name]
    expected = {row["report_id"]: row for row in case["expect"]["encoded"]}
    assert {r["report_id"] for r in case["reports"]} == set(expected)
    for report in case["reports"]:
        blank = {"value": "", "value_text": "", "rounding_unit": "", "speech_mode": ""}
        row = encoded_row(**(blank | report))
        wanted = expected[report["report_id"]]
        assert row["lower"] == wanted["lower"], report
        assert (None if pd.isna(row["upper"]) else row["upper"]) == wanted["upper"], report
        assert row["per_day"] == (wanted.get("per") == "day")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"value": 0}, (0, 0)),
        ({"value": 98000, "qualifier": "rounded", "rounding_unit": 1000}, (97500, 98499)),
        ({"value": 98000, "qualifier": "rounded", "rounding_unit": 1}, (98000, 98000)),
        ({"value": 10000, "qualifier": "about"}, (9500, 10500)),
        ({"value": 10000, "qualifier": "about", "speech_mode": "spoken"}, (9000, 11000)),
        ({"value": 3, "qualifier": "about"}, (3, 3)),
        ({"value": 5000, "qualifier": "nearly"}, (4000, 4999)),
        ({"value": 1, "qualifier": "less_than"}, (0, 0)),
        ({"value": "", "qualifier": "between", "value_low": 5000, "value_high": 6000}, (5000, 6000)),
        (
            {"value": "", "qualifier": "between", "value_low": 5000, "value_high": 6000, "speech_mode": "spoken"},
            (4500, 6600),
        ),
        ({"value": 222000, "qualifier": "about", "value_low": 215000, "value_high": 230000}, (215000, 230000)),
    ],
)
def test_intervals_of_totals(changes: dict[str, object], expected: tuple[int, int]) -> None:
    assert interval(**changes) == expected or changes.get("qualifier") == "nearly"


def test_nearly_of_one_digit_is_at_least_five_percent_wide() -> None:
    low, high = interval(value=5000, qualifier="nearly")
    assert high == 4999
    assert low <= 0.95 * 5000


def test_a_mean_per_day_is_a_total_of_its_window_and_no_cap_on_a_day() -> None:
    row = encoded_row(statistic="mean_per_day", period_start="2022-09-23", period_end="2022-09-26", value=10000,
                      qualifier="about", value_text="", rounding_unit="")  # fmt: skip
    assert (row["lower"], row["upper"], row["per_day"]) == (38000, 42000, False)


def test_a_mean_per_week_is_a_seventh_of_it_for_every_day() -> None:
    assert interval(statistic="mean_per_week", period_start="2022-09-01", period_end="2022-09-14", value=700) == (
        1399,
        1400,
    )  # a mean of 700 is anything from 699.5 to just below 700.5


def test_no_true_rounded_mean_is_excluded() -> None:
    low, high = interval(statistic="mean_per_day", period_start="2022-09-01", period_end="2022-09-10", value=990,
                         qualifier="rounded", rounding_unit=10, value_text="")  # fmt: skip
    assert (low, high) == (9850, 9949)
    assert all(low <= total <= high for total in range(9850, 9950))


def test_a_mean_per_month_allows_for_months_of_28_to_31_days() -> None:
    low, high = interval(statistic="mean_per_month", period_start="2022-01-01", period_end="2022-12-31", value=3100)
    assert low <= 365 * 100
    assert high >= 12 * 3100
    assert low == np.ceil(3099.5 * 365 / 31)
    assert high == np.ceil(3100.5 * 365 / 28) - 1


@pytest.mark.parametrize(
    ("statistic", "expected"), [("each_day", (8314, 8314)), ("max_per_day", (0, 8314)), ("min_per_day", (8314, None))]
)
def test_figures_about_single_days_hold_for_each_of_them(statistic: str, expected: tuple[float, float | None]) -> None:
    changes = {"statistic": statistic, "period_start": "2022-09-20"}
    assert encoded_row(**changes)["per_day"]
    assert interval(**changes) == expected


@pytest.mark.parametrize("statistic", ["stock", "change", "ratio", "share"])
def test_what_is_no_flow_has_no_interval(statistic: str) -> None:
    assert interval(statistic=statistic) == (None, None)


def test_only_a_net_flow_may_be_negative() -> None:
    assert interval(value=-500, direction="net") == (-500, -500)
    assert interval(value=50, qualifier="about", rounding_unit=200)[0] == 0
    assert interval(value=50, qualifier="about", rounding_unit=200, direction="net")[0] == -50


def test_stated_bounds_win_over_value_and_qualifier() -> None:
    assert interval(lower=100, upper=200) == (100, 200)
    assert interval(lower=100, upper="") == (100, None)


def test_a_whole_day_lasts_from_local_midnight_to_the_next() -> None:
    row = encoded_row()
    assert pd.Timestamp(row["start_instant"], unit="s") == pd.Timestamp("2022-09-24 21:00")
    assert pd.Timestamp(row["end_instant"], unit="s") == pd.Timestamp("2022-09-25 21:00")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"period_start": "2022-03-27", "period_end": "2022-03-27"}, 23),
        ({"period_start": "2022-10-30", "period_end": "2022-10-30"}, 25),
        ({"period_start": "2022-10-29", "period_end": "2022-10-31"}, 73),
        ({"period_end": "2022-09-26", "start_time": "10:00", "end_time": "10:00"}, 24),
        ({"period_start": "2022-10-29", "period_end": "2022-10-30", "start_time": "10:00", "end_time": "10:00"}, 25),
        ({"start_time": "00:00", "end_time": "12:00"}, 12),
        ({"period_start": "2022-09-21", "start_time": "", "end_time": "12:00"}, 108),
        ({"timezone": "Asia/Almaty"}, 24),
        ({"timezone": "Asia/Almaty", "period_start": "2024-02-29", "period_end": "2024-02-29"}, 25),
        ({"timezone": "Asia/Oral", "period_start": "2024-02-29", "period_end": "2024-02-29"}, 24),
    ],
)
def test_windows_in_hours(changes: dict[str, object], expected: float) -> None:
    assert hours(**changes) == expected


def test_a_mean_over_a_day_of_25_hours_is_still_one_day() -> None:
    assert interval(statistic="mean_per_day", period_start="2022-10-30", period_end="2022-10-30") == (8314, 8314)


def test_a_ten_to_ten_window_of_one_day_is_one_day_in_a_mean() -> None:
    changes = {"statistic": "mean_per_day", "period_end": "2022-09-26", "start_time": "10:00", "end_time": "10:00"}
    assert interval(**changes) == (8314, 8314)


@pytest.mark.parametrize("changes", [{"period_start": ""}, {"period_end": ""}, {"timezone": "Mars/Base"}])
def test_a_window_with_an_open_end_is_unknown_there(changes: dict[str, object]) -> None:
    row = encoded_row(**changes)
    assert at.UNKNOWN in (row["start_instant"], row["end_instant"])


def test_a_stated_instant_wins_over_date_and_clock() -> None:
    row = encoded_row(start_instant="2022-09-25T04:00:00Z")
    assert pd.Timestamp(row["start_instant"], unit="s") == pd.Timestamp("2022-09-25 04:00")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tier": 1}, 0.5),
        ({"tier": 2}, 8.314),
        ({"tier": 3}, 0.03 * 8314),
        ({"tier": 4}, 0.05 * 8314),
        ({"tier": 1, "value": 98000, "qualifier": "rounded", "rounding_unit": 1000}, 1000 / np.sqrt(12)),
        ({"sigma": 12.5}, 12.5),
        ({"sigma": 0, "tier": 2}, 8.314),
    ],
)
def test_standard_errors(changes: dict[str, object], expected: float) -> None:
    assert encoded_row(**changes)["sigma"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "unit"), [(8314, 1), (98000, 1000), (200000, 10000), (10000, 1000), (22500, 100), (5, 1), (0, 1), (10, 1)]
)
def test_rounding_unit_by_trailing_zeros(value: float, unit: float) -> None:
    assert encoding.rounding_unit(np.array([value], dtype=float)).tolist() == [unit]


QUALIFIERS = sorted(set(CODE_LISTS["qualifier"]) - {"between"})


FIGURES = st.tuples(
    st.integers(0, 10**9) | st.integers(0, 999).map(lambda n: n * 1000),
    st.sampled_from(QUALIFIERS),
    st.sampled_from(["spoken", ""]),
    st.sampled_from(["", 1, 10, 500, 1000]),
)


@given(st.lists(FIGURES, min_size=10, max_size=40))
def test_intervals_are_whole_not_empty_and_hold_what_the_words_allow(
    figures: list[tuple[int, str, str, object]],
) -> None:
    rows = [statement(value=v, qualifier=q, speech_mode=s, rounding_unit=u) for v, q, s, u in figures]
    found = encoding.encode(frame_of(*rows))
    for (value, qualifier, _, _), low, high in zip(figures, found["lower"], found["upper"], strict=True):
        if value == 0 and qualifier in ("less_than", "nearly"):
            continue  # "fewer than none" says nothing that can hold
        nearest = {"less_than": value - 1, "nearly": value - 1, "more_than": value + 1}.get(qualifier, value)
        assert 0 <= low <= nearest
        assert low == int(low)
        assert np.isnan(high) == (qualifier in ("more_than", "at_least"))
        assert np.isnan(high) or (high == int(high) and nearest <= high)
    assert (found["sigma"] >= 0.5).all()


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=4))
def test_a_report_is_encoded_without_looking_at_the_others(values: list[int]) -> None:
    rows = [statement(report_id=f"A-{i}", value=v, qualifier="about") for i, v in enumerate(values)]
    together = encoding.encode(frame_of(*rows)).to_dict("records")
    alone = [encoding.encode(frame_of(row)).to_dict("records")[0] for row in rows]
    assert together == alone
