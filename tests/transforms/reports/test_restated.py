"""Vintages of one authority: the latest figure of a window, or of a running total, stands alone and is told."""

from __future__ import annotations

import datetime as dt

import pytest
from statements import decision, decisions_of, settled, statement

from transforms.reports import decisions as decide
from transforms.reports import vintages


def said(report_id: str, last: str, value: int, published: str, **changes: object) -> dict[str, str]:
    """An exact figure of the border guard since 1 October 2022, of a running total unless changed."""
    return statement(**({
        "report_id": report_id, "origin_id": report_id, "authority": "fin-border-guard", "statistic": "cumulative",
        "period_start": "2022-10-01", "period_end": f"2022-10-{last}", "value": value, "value_text": "",
        "published_on": f"2022-10-{published}", "recorded_on": "2022-11-01",
    } | changes))  # fmt: skip


def day(report_id: str, value: int, published: str, **changes: object) -> dict[str, str]:
    return said(report_id, "05", value, published, **({"statistic": "total", "period_start": "2022-10-05"} | changes))


def roles(*rows: dict[str, str], **more: object) -> dict[str, str]:
    _, tables = settled(*rows, **more)
    assert not len(tables.quarantine)
    return dict(zip(tables.reports["report_id"], tables.reports["role"], strict=True))


FALLS = (said("a", "05", 21040, "06"), said("b", "06", 20910, "07"), said("c", "07", 24400, "08"))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_running_total_that_falls_a_little_replaces_the_earlier_one_in_any_order_of_rows(order):
    found = roles(*(FALLS[i] for i in order))
    assert found == {"a": "superseded", "b": "constraint", "c": "constraint"}


def test_it_is_told_as_a_revision_with_both_figures():
    _, tables = settled(*FALLS)
    (row,) = tables.findings.loc[tables.findings["rule"] == "restated"].to_dict("records")
    assert (list(row["report_ids"]), row["observed"], row["expected"], row["gap"]) == (
        ["a", "b"],
        "20,910",
        "21,040",
        130,
    )
    assert "takes the place of 21,040 (a, 2022-10-06)" in row["message"]


def test_the_latest_figure_of_a_day_stands_and_all_earlier_ones_are_replaced():
    rows = [day("v1", 6200, "06"), day("v2", 6480, "07"), day("v3", 6491, "08")]
    assert roles(*rows) == {"v1": "superseded", "v2": "superseded", "v3": "constraint"}


def test_a_restated_shorter_total_replaces_a_longer_one_that_was_published_before():
    assert roles(said("a", "07", 24400, "08"), said("b", "05", 24900, "09")) == {"a": "superseded", "b": "constraint"}


def test_a_replaced_figure_replaces_nothing():
    rows = [said("a", "05", 21040, "06"), said("b", "06", 20910, "07"), said("c", "06", 21300, "08")]
    assert roles(*rows) == {"a": "constraint", "b": "superseded", "c": "constraint"}


@pytest.mark.parametrize(
    "later",
    [
        day("b", 6480, "06"),  # the same day
        day("b", 6480, "", published_on=""),  # nobody knows when
        day("b", 6480, "", published_on="2022-10"),  # perhaps the same day
        day("b", 6480, "08", authority="fin-customs"),
        day("b", 6480, "08", authority=""),
        day("b", 6480, "08", statistic="cumulative"),
        day("b", 6480, "08", citizenship="all"),
        day("b", 6480, "08", period_basis="inferred"),
        day("b", 6500, "08", qualifier="about"),  # coarser
        day("b", 6480, "08", tier=4),  # worse
        day("b", 6200, "08"),  # the same figure
    ],
)
def test_two_figures_stay_where_they_are_not_surely_vintages_of_one(later):
    earlier = day("a", 5200, "06") if later["value"] != "6200" else day("a", 6200, "06")
    assert roles(earlier, later) == {"a": "constraint", "b": "constraint"}


def test_a_total_that_loses_a_digit_is_no_correction():
    rows = [said("a", "05", 21040, "06"), said("b", "06", 2191, "07"), said("c", "07", 24400, "08")]
    assert set(roles(*rows).values()) == {"constraint"}


def test_a_statement_counts_from_its_first_relay_and_its_relays_go_with_it():
    relay = day("a2", 6200, "20", origin_id="a")  # printed again, long after the figure was restated
    assert roles(day("a", 6200, "06"), relay, day("b", 6491, "08")) == {
        "a": "superseded", "a2": "superseded", "b": "constraint",
    }  # fmt: skip


def test_what_a_decision_prefers_is_not_replaced():
    chosen = decisions_of(decision(report_id="a", action="prefer", field="value", expect="6200"))
    assert roles(day("a", 6200, "06"), day("b", 6491, "08"), decisions=chosen)["a"] == "constraint"


def test_the_past_knows_the_earlier_figure():
    _, tables = settled(day("a", 6200, "06"), day("b", 6491, "08"))
    then = vintages.encoded(tables.reports, decide.none(), dt.datetime(2022, 10, 7, tzinfo=dt.UTC))
    assert dict(zip(then["report_id"], then["role"], strict=True)) == {"a": "constraint"}


def test_supersedes_accepts_a_longer_window_that_starts_the_same_day_and_no_other():
    longer = said("b", "06", 12000, "07", supersedes="a", revision_kind="correction")
    assert roles(said("a", "05", 21040, "06"), longer) == {"a": "superseded", "b": "constraint"}
    for changes in ({"period_end": "2022-10-04"}, {"period_start": "2022-10-02"}):
        broken, _ = settled(said("a", "05", 21040, "06"), longer | changes)
        assert "V25" in broken
