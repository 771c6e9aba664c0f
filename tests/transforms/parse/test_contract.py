"""What protocols share: payloads by role, cells as received, counts that add up, and how far rows reach."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from daily_file import read
from parse_support import payload

from crossings.errors import UnreadableInput
from transforms.parse.contract import Cell, Parsed, Span, clipped, observation_frame, only, rejected_frame, span_of


@pytest.mark.parametrize(
    ("name", "role"),
    [("data", "data"), ("data-2.json", "data"), ("metadata.json", "metadata"), ("class-Way.json", "class")],
)
def test_a_payload_is_named_after_its_role(name, role):
    assert payload(b"x", name).role == role


def test_rows_that_are_lost_on_the_way_stop_the_parse():
    none = observation_frame([], "D", "persons"), rejected_frame([])
    assert Parsed(*none, considered=2, unselected=2).considered == 2
    with pytest.raises(AssertionError, match="3 considered, 2 accounted for"):
        Parsed(*none, considered=3, unselected=2)


def test_a_cell_is_recorded_as_it_was_received():
    record = json.loads(Cell({"Way": "in"}, Decimal("1.50"), "row 2", "0", symbol="p").record())
    assert record == {"labels": {"Way": "in"}, "value": "1.50", "symbol": "p"}
    assert json.loads(Cell({}, None, "row 2", "0").record())["value"] is None


def test_a_source_with_one_payload_takes_no_other():
    assert only([payload(b"x")], "src").content == b"x"
    with pytest.raises(UnreadableInput, match="src: expected one payload, found data, file"):
        only([payload(b"x"), payload(b"y", "file")], "src")
    with pytest.raises(UnreadableInput, match="found none"):
        only([], "src")


def test_a_message_stays_on_one_line_of_sane_length():
    assert clipped("a\n b\t c") == "a b c"
    assert len(clipped("x" * 10_000)) == 301


def test_rows_reach_from_the_first_day_to_the_last():
    seen = read("day,persons\n2022-09-25,1\n2022-09-24,2\n").observations
    assert span_of(seen) == Span(date(2022, 9, 24), date(2022, 9, 25))
    assert span_of(seen.iloc[:0]) is None
    assert span_of(pd.DataFrame({"period_start": [pd.NaT], "period_end": [pd.NaT]})) is None
