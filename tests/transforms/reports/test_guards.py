"""Figures that are odd beside their neighbours: zeros for no report, slipped digits, copied periods."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from transforms.reports import guards
from transforms.reports.guards import Point, frequency


def series(freq: str, *values: float | None, first: str = "2023-01-01", name: str = "p") -> dict[int, Point]:
    """Counts of consecutive periods; None is a period without a figure."""
    periods = pd.period_range(first, periods=len(values), freq="Y" if freq == "A" else freq)
    points = {}
    for number, (period, value) in enumerate(zip(periods, values, strict=True)):
        start, end = period.start_time.date(), period.end_time.date()
        if value is not None:
            where = guards.place(start, freq)
            points[where] = Point(where, value, f"{name}{number}", start, end)
    return points


def found(freq: str, *values: float | None) -> list[tuple[str, list[str]]]:
    return [(o.rule, [p.report_id for p in o.points]) for o in guards.odd(series(freq, *values), freq)]


@pytest.mark.parametrize(
    ("freq", "values", "named"),
    [
        (
            "D",
            (2105, 2230, 2198, 2301, 2744, 0, 0, 7390, 2211),
            ["p5", "p6", "p7"],
        ),  # a weekend, and Monday with its sum
        ("D", (900, 950, 0, 880, 910), ["p2"]),  # one day, and nothing made up for it
        ("D", (900, 950, 870, None, None, 2800, 910), ["p5"]),  # no figure, then the sum
        ("D", (900, 950, 870, 0), ["p3"]),  # the newest day is not yet filled in
        ("M", (18120, 19440, 22905, 0, 25870, 27115), ["p3"]),
        ("M", (18120, 19440, 22905, 0, 0, 66000, 27115), ["p3", "p4", "p5"]),
        ("W", (700, 720, 0, 690), ["p2"]),
        ("Q", (5000, 5200, 0, 5100), ["p2"]),
    ],
)
def test_a_zero_among_ordinary_figures_is_told_with_the_figure_that_carries_its_sum(freq, values, named):
    assert found(freq, *values) == [("zero_between", named)]


@pytest.mark.parametrize(
    ("freq", "values"),
    [
        ("D", (900, 950, *[0] * 8, 880, 910)),  # closed for longer than a week
        ("D", (9, 8, 0, 7, 9)),  # few enough to be none on some days
        ("D", (900, 950, 870, None, 910, 880)),  # a day without a report
        ("D", (90, 95, 0, 900, 920)),  # a level that rises tenfold is no ordinary neighbour
        ("D", (0, 0, 0, 90, 95)),  # before it opened
        ("D", (50, 60, 55, 58, 52, 0, 0) * 4),  # an office that is closed at weekends
        ("M", (800, 900, 0, 0, 0, 850)),
        ("M", ((300, 320, 290, 310, 280, 300, 310, 320, 290, 300, 310, 0) * 3)),  # a pass that is shut each December
    ],
)
def test_zeros_that_are_ordinary_are_not_told(freq, values):
    assert found(freq, *values) == []


@pytest.mark.parametrize(
    ("freq", "values", "named"),
    [
        ("M", (188420, 204930, 219340, 23170, 23170, 211870), ["p3", "p4"]),
        ("M", (18842, 20493, 219340, 21100), ["p2"]),  # a digit doubled
        ("M", (18842, 20493, 21934, 2210), ["p3"]),  # the newest
        ("D", (7100, 7240, 731, 7390), ["p2"]),
        ("A", (51000, 52000, 498000, 50500), ["p2"]),
    ],
)
def test_a_tenth_or_ten_times_its_neighbours_is_told(freq, values, named):
    assert found(freq, *values) == [("slipped_digit", named)]


@pytest.mark.parametrize(
    ("freq", "values"),
    [
        ("M", (188420, 104930, 49340, 23170, 18000, 16000)),  # a fall
        ("M", (188420, 204930, 20400, 21000, 19000, 20500)),  # a level that stays
        ("M", (188420, 204930, 70400, 211000)),  # a third
        ("M", (90, 92, 9, 88)),
        ("D", (700, 710, 690, 705, 720, 702, 70) * 3),  # every seventh day
    ],
)
def test_falls_new_levels_and_seasons_are_not_told(freq, values):
    assert found(freq, *values) == []


def copies(freq: str, **values: tuple[float | None, ...]) -> list[tuple[str, ...]]:
    made = {name: series(freq, *v, name=name) for name, v in values.items()}
    return [tuple(p.report_id for p in odd.points) for _, odd in guards.copied(made, freq)]


@pytest.mark.parametrize(
    ("freq", "values", "named"),
    [
        ("D", {"a": (2317, 2317), "b": (1204, 1204), "c": (618, 618)}, [("a0", "a1", "b0", "b1", "c0", "c1")]),
        ("D", {"a": (2317, 1, 2, 3, 4, 5, 6, 2317), "b": (1204, 9, 8, 7, 6, 5, 4, 1204)}, [("a0", "a7", "b0", "b7")]),
        ("M", {"a": (71981, 71981)}, [("a0", "a1")]),
        ("M", {"a": (70140, 71980, 71980), "b": (188420, 23170, 23170)}, [("a1", "a2", "b1", "b2")]),
        ("Q", {"a": (71981, 71981), "b": (0, 0)}, [("a0", "a1", "b0", "b1")]),
    ],
)
def test_a_period_all_of_whose_figures_are_repeated_is_told(freq, values, named):
    assert copies(freq, **values) == named


@pytest.mark.parametrize(
    ("freq", "values"),
    [
        ("D", {"a": (2317, 2317)}),  # one series; three equal days are another rule
        ("D", {"a": (2317, 2317), "b": (1204, 1204), "c": (618, 619)}),
        ("D", {"a": (3, 3), "b": (12, 12)}),  # small counts agree by chance
        ("D", {"a": (0, 0), "b": (0, 0), "c": (0, 0)}),
        ("M", {"a": (72000, 72000)}),  # rounded
        ("M", {"a": (71981, None, 71981)}),
    ],
)
def test_counts_that_agree_by_chance_are_not_told(freq, values):
    assert copies(freq, **values) == []


def test_a_year_is_placed_among_years_and_a_week_by_its_first_day():
    assert frequency(dt.date(2023, 1, 1), dt.date(2023, 12, 31)) == "A"
    monday = dt.date(2023, 5, 8)
    assert guards.place(monday + dt.timedelta(days=7), "W") - guards.place(monday, "W") == 1
