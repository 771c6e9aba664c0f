"""Odd figures: running totals that fall, counts that repeat, days that jump."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from builders import SERIES, report
from interval_systems import breaks_on

from transforms.findings import table
from transforms.reports.oddities import odd_figures

KNOWN = {"fin-entry": SERIES.to_dict("records")[0]}


def told(*rows, events=None):
    found = odd_figures(pd.DataFrame(list(rows)), KNOWN, breaks_on([], "FIN") if events is None else events)
    return table(found).to_dict("records")


def running(report_id, last, lower, upper, **more):
    return report(report_id, 1, last, lower, upper, statistic="cumulative", authority="guard") | more


def test_a_running_total_that_falls_is_told_with_both_reports():
    (found,) = told(running("a", 5, 500, 510), running("b", 9, 400, 480), running("c", 12, 600, 600))
    assert (found["rule"], found["severity"], list(found["report_ids"]), found["gap"]) == (
        "V28",
        "warn",
        ["a", "b"],
        20,
    )
    assert (found["date_start"], found["date_end"]) == (dt.date(2022, 9, 1), dt.date(2022, 9, 9))


@pytest.mark.parametrize(
    "later",
    [
        running("b", 9, 400, 505),  # overlaps
        running("b", 9, 400, np.nan),  # unbounded
        running("b", 9, 400, 480, authority="ministry"),
        report("b", 2, 9, 400, 480, statistic="cumulative", authority="guard"),
        running("b", 9, 400, 480, statistic="total"),
    ],
)
def test_it_is_not_told_where_the_totals_may_agree_or_are_not_one_chain(later):
    assert told(running("a", 5, 500, 510), later) == []


def test_the_same_count_three_days_in_a_row_is_told_and_two_or_zeros_are_not():
    days = [
        report(f"d{i}", i, i, v, v) for i, v in ((1, 50), (2, 50), (3, 50), (5, 70), (6, 70), (8, 0), (9, 0), (10, 0))
    ]
    (found,) = told(*days)
    assert (found["rule"], list(found["report_ids"])) == ("V42", ["d1", "d2", "d3"])
    assert (found["date_start"], found["date_end"]) == (dt.date(2022, 9, 1), dt.date(2022, 9, 3))


def test_a_jump_between_days_is_told_unless_an_event_explains_it():
    days = [
        report("a", 1, 1, 100, 100),
        report("b", 2, 2, 501, 501),
        report("c", 3, 3, 101, 101),
        report("d", 4, 4, 20, 20),
    ]
    assert [(f["rule"], list(f["report_ids"])) for f in told(*days)] == [("V39", ["a", "b"]), ("V39", ["c", "d"])]
    assert told(*days[2:], events=breaks_on(["2022-09-04"], "FIN")) == []
    assert len(told(*days[2:], events=breaks_on(["2022-09-04"], "KAZ"))) == 1
    assert told(days[0], report("far", 3, 3, 900, 900)) == []
