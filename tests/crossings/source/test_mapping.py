"""A mapping says each thing in one way: the time axis, the dimensions, the marks of figures."""

from __future__ import annotations

import pytest
from parse_support import made
from pydantic import ValidationError

from crossings.source.mapping import DimensionMap, Mapping, TimeAxis
from crossings.source.model import InvalidSource


def test_a_date_order_cannot_be_left_open():
    with pytest.raises(InvalidSource, match="exclude each other"):
        made(
            "table",
            {"columns": ["d", "n"], "values": ["n"]},
            {"series": {}, "time": {"dimension": "d", "freq": "D", "formats": ["D/M/YYYY", "M/D/YYYY"]}},
        )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "either dimension or year"),
        ({"dimension": "Month", "year": "Year"}, "either dimension or year"),
        ({"dimension": "Month", "months": {"Smarch": 13}}, "1-12"),
        ({"dimension": "Month", "formats": []}, "formats"),
        ({"dimension": "Month", "freq": "H"}, "freq"),
    ],
)
def test_a_time_axis_is_said_in_one_way(more, told):
    with pytest.raises(ValidationError, match=told):
        TimeAxis.model_validate({"freq": "M", "formats": ["YYYY-MM"]} | more)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "state labels, codes_from, as_code or ignore"),
        ({"as_code": True}, "need the field they state"),
        ({"labels": {"in": {"direction": "inwards"}}}, "'inwards' is no code of direction"),
        ({"labels": {"in": {"colour": "red"}}}, "colour"),
    ],
)
def test_a_dimension_states_what_its_categories_mean(more, told):
    with pytest.raises(ValidationError, match=told):
        DimensionMap.model_validate({"dimension": "Way"} | more)


def test_the_marks_of_thousands_and_decimals_differ():
    axis = {"dimension": "Month", "freq": "M", "formats": ["YYYY-MM"]}
    with pytest.raises(ValidationError, match="must be different marks"):
        Mapping.model_validate(
            {"series": {}, "time": axis, "unit": {"text": "persons"}, "thousands": ".", "decimal": "."}
        )
