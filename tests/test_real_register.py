"""What the real register must show: the open conflicts of its codebook, and no other; proofs and explanations."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from crossings import catalog
from transforms.reports import vintages
from transforms.tables import daily

FINNISH_WEEK = ["FIN-002", "FIN-006", "FIN-024", "FIN-032", "FIN-048", "FIN-132", "FIN-244"]  # data/register/README.md
KAZAKH_SEPTEMBER = ["KAZ-007", "KAZ-009", "KAZ-011", "KAZ-029", "KAZ-049", "KAZ-050"]


@pytest.fixture
def conflicts(analyst) -> pd.DataFrame:
    found = catalog.findings()
    return found[found["rule"] == "conflict"]


def test_the_open_conflicts_of_the_codebook_are_named_with_exactly_their_reports(conflicts: pd.DataFrame) -> None:
    by_series = {row.series: row for row in conflicts.itertuples()}
    finland = by_series["FIN/entry/RUS/national/land/crossings/border_control"]
    assert (list(finland.report_ids), finland.gap) == (FINNISH_WEEK, 9)
    kazakhstan = by_series["KAZ/entry/RUS/national/all/crossings/border_control"]
    assert (list(kazakhstan.report_ids), kazakhstan.gap) == (KAZAKH_SEPTEMBER, 2202)
    georgia = by_series["GEO/exit/RUS/national/all/crossings/border_control"]
    assert (list(georgia.report_ids), georgia.gap) == (["GEO-053", "GEO-055", "GEO-122"], 17694)


def test_no_other_national_series_of_russians_in_2022_is_infeasible(conflicts: pd.DataFrame) -> None:
    first, last = dt.date(2022, 1, 1), dt.date(2022, 10, 31)
    inside = conflicts[(conflicts["date_start"] >= first) & (conflicts["date_end"] <= last)]
    national = inside[inside["series"].str.contains("/RUS/national/") & inside["series"].str.contains("/crossings/")]
    assert sorted(national["series"]) == [
        "FIN/entry/RUS/national/land/crossings/border_control",
        "KAZ/entry/RUS/national/all/crossings/border_control",
    ]


def test_a_conflict_is_told_in_plain_words(conflicts: pd.DataFrame) -> None:
    message = conflicts.loc[conflicts["gap"] == 9, "message"].iloc[0]
    for words in ("gap=9", "50,646", "50,655", "Ilta-Sanomat", "Smallest change"):
        assert words in message


def test_the_kazakh_vintage_of_28_september_knows_nothing_of_october(analyst) -> None:
    reports, decisions = catalog.reports("KAZ"), catalog.load("decisions")
    known = vintages.encoded(reports, decisions, as_of=vintages.as_instant("2022-09-28"))
    late = reports.loc[reports["published_on"].fillna("9999").str[:7] > "2022-09", "report_id"]
    assert not set(known["report_id"]) & set(late)
    built = daily.build(known, catalog.load("series", "KAZ"), catalog.load("events"))
    named = {i for ids in built.daily["upper_proof"] for i in ids} | {
        i for ids in built.daily["report_ids"] for i in ids
    }
    assert named
    assert named <= set(known["report_id"])
