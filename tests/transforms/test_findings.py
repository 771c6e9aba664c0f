"""Findings as a table: identifiers stay where they are, doubles stand once, dates and ids are in order."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crossings.rules import Finding
from crossings.schema.tables import TABLES
from transforms.findings import identifier, interval, table

ABOUT = {"table": "daily", "series": "FIN/entry", "country": "FIN", "date_start": dt.date(2022, 9, 21)}
CLASH = Finding("conflict", **ABOUT, report_ids=["B-2", "A-1"], gap=40, message="they clash")


def test_a_finding_becomes_a_row_by_the_schema() -> None:
    (row,) = table([CLASH]).to_dict("records")
    assert list(row) == list(TABLES["findings"].names)
    assert (row["severity"], row["status"], row["report_ids"], row["gap"]) == ("warn", "open", ["A-1", "B-2"], 40.0)
    TABLES["findings"].conform(table([CLASH]))


def test_the_identifier_follows_from_what_a_finding_is_about_and_not_from_its_words() -> None:
    told = table([CLASH, Finding("conflict", **ABOUT, report_ids=["A-1", "B-2"], gap=7, message="put otherwise")])
    assert told["finding_id"].tolist() == ["conflict-c094ed9edfa2"]
    assert told["message"].tolist() == ["put otherwise"], "the later one stands"


def test_an_identifier_of_its_own_is_kept() -> None:
    own = identifier("unreadable_look", "a-source", "a-digest")
    told = table([Finding("unreadable_look", table="reports", message="x", finding_id=own)])
    assert told["finding_id"].tolist() == [own]


def test_instants_become_days_and_no_findings_an_empty_table() -> None:
    late = Finding("conflict", table="daily", message="x", date_end=pd.Timestamp("2022-09-30 23:59"))
    assert table([late])["date_end"].tolist() == [dt.date(2022, 9, 30)]
    assert list(table([]).columns) == list(TABLES["findings"].names)


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((8314, 8314), "8,314"),
        ((97_500, 98_499), "97,500 to 98,499"),
        ((3001, None), "at least 3,001"),
        ((None, 30_000), "at most 30,000"),
        ((None, None), "any number"),
    ],
)
def test_an_interval_is_said_as_people_say_it(ends: tuple[int | None, int | None], said: str) -> None:
    assert interval(*ends) == said
