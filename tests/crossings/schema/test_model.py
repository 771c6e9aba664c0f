"""How a frame is brought into the shape of its table."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossings.schema.tables import TABLES

EVENT = {"event_id": "E-1", "date": dt.date(2022, 9, 21), "country": "RUS", "kind": "mobilisation", "is_break": False,
         "title": "announcement", "source_url": "https://example.org"}  # fmt: skip
EVENTS = TABLES["events"]


@pytest.mark.parametrize("name", TABLES)
def test_a_frame_without_rows_becomes_a_table_of_the_right_types(name: str) -> None:
    table = TABLES[name]
    frame = pd.DataFrame({c: pd.Series(dtype="float64") for c in table.names})
    assert table.conform(frame).schema == table.arrow()
    assert table.conform(pd.DataFrame(columns=list(table.names))).num_rows == 0


def test_rows_are_sorted_by_the_key_and_columns_put_in_order() -> None:
    frame = pd.DataFrame([EVENT | {"event_id": i} for i in ("E-3", "E-1", "E-2")])[list(reversed(EVENT))]
    found = EVENTS.conform(frame)
    assert found.schema == EVENTS.arrow()
    assert found["event_id"].to_pylist() == ["E-1", "E-2", "E-3"]


@given(st.permutations(range(7)))
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    rows = [EVENT | {"event_id": f"E-{i}", "title": str(i)} for i in range(7)]
    assert EVENTS.conform(pd.DataFrame([rows[i] for i in order])) == EVENTS.conform(pd.DataFrame(rows))


def test_an_index_that_repeats_neither_adds_nor_loses_rows() -> None:
    frame = pd.DataFrame([EVENT | {"event_id": i} for i in ("E-2", "E-1", "E-3")], index=[0, 0, 1])
    assert EVENTS.conform(frame)["event_id"].to_pylist() == ["E-1", "E-2", "E-3"]


def test_categories_are_stored_as_text() -> None:
    frame = pd.DataFrame([EVENT]).astype({"country": "category", "kind": "category"})
    assert EVENTS.conform(frame)["country"].to_pylist() == ["RUS"]


def test_a_column_the_frame_lacks_is_missing_where_that_is_allowed() -> None:
    row = {"decision_id": "D-1", "report_id": "A-1", "action": "exclude", "reason": "x", "evidence_report_ids": []}
    assert TABLES["decisions"].conform(pd.DataFrame([row]))["field"].to_pylist() == [None]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.assign(colour="red"), "no column colour"),
        (lambda f: f.drop(columns="title"), "title has 1 missing"),
        (lambda f: f.assign(title=None), "title has 1 missing"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(change: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        EVENTS.conform(change(pd.DataFrame([EVENT])))


def test_a_value_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?i)parse|convert|cast|type|bool"):
        EVENTS.conform(pd.DataFrame([EVENT | {"is_break": "perhaps"}]))


def test_an_unknown_column_name_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="no column colour"):
        EVENTS.column("colour")
