"""What the real register must show: the open conflicts of its codebook, and no other; proofs and explanations."""

from __future__ import annotations

import pandas as pd
import pytest

from crossings import catalog
from transforms.reports import vintages
from transforms.tables import daily

FINNISH_WEEK = ["FIN-002", "FIN-024", "FIN-032", "FIN-048", "FIN-132", "FIN-244", "FIN-440"]  # data/register/README.md
FINNISH_DAYS = ["FIN-002", "FIN-024", "FIN-048", "FIN-244", "FIN-440", "FIN-487"]
LAPLAND = ["FIN-098", "FIN-103", "FIN-104", "FIN-111"]


@pytest.fixture
def conflicts(analyst) -> pd.DataFrame:
    found = catalog.findings()
    return found[found["rule"] == "conflict"]


def test_the_open_conflicts_of_the_codebook_are_named_with_exactly_their_reports(conflicts: pd.DataFrame) -> None:
    found = {(row.series, int(row.gap)): list(row.report_ids) for row in conflicts.itertuples()}
    assert found == {
        ("FIN/entry/RUS/national/land/crossings/border_control", 9): FINNISH_DAYS,
        ("FIN/entry/RUS/national/land/crossings/border_control", 5): FINNISH_WEEK,
        ("FIN/both/all/district:lapland/land/crossings/border_control", 641): LAPLAND,
        ("GEO/exit/RUS/national/all/crossings/border_control", 17694): ["GEO-053", "GEO-055", "GEO-122"],
    }


def test_what_may_be_wrong_is_listed_once_with_its_cost_and_one_of_each_leads(analyst) -> None:
    found = catalog.findings()
    admitted = found[found["rule"] == "alternative"]
    sets = {
        name: sorted((*ids, cost) for ids, cost in zip(rows["report_ids"], rows["observed"], strict=True))
        for name, rows in admitted.groupby("series", observed=True)
    }
    assert sets == {
        "FIN/entry/RUS/national/land/crossings/border_control": sorted(
            (*sorted(pair), "cost 8")
            for pair in (
                *(("FIN-032", i) for i in ("FIN-024", "FIN-048", "FIN-244", "FIN-440", "FIN-487")),
                *(("FIN-132", i) for i in ("FIN-024", "FIN-048", "FIN-244", "FIN-440", "FIN-487")),
                *(("FIN-487", i) for i in ("FIN-024", "FIN-048", "FIN-244", "FIN-440")),
            )
        ),
        "FIN/both/all/district:lapland/land/crossings/border_control": [
            (i, "cost 6") for i in LAPLAND if i != "FIN-098"
        ],
        "GEO/exit/RUS/national/all/crossings/border_control": [("GEO-122", "cost 2")],
    }
    leading = admitted[admitted["expected"] == "leads"]
    assert sorted(i for ids in leading["report_ids"] for i in ids) == ["FIN-032", "FIN-111", "FIN-487", "GEO-122"]
    assert sorted(i for ids in found.loc[found["rule"] == "V58", "report_ids"] for i in ids) == LAPLAND[1:]
    assert "stop" not in set(found["severity"])


def test_kazakh_days_of_late_september_rest_on_speech_alone(analyst) -> None:
    """No written count is behind them: everything spoken wrong, nothing is known, and no day has a better grade than 3."""
    daily = catalog.daily("KAZ")
    rows = daily[daily["series"] == "KAZ/entry/RUS/national/all/crossings/border_control"].set_index("date")
    for number in (27, 28):
        row = rows.loc[pd.Timestamp(2022, 9, number)]
        assert (row["firm_lower"], pd.isna(row["firm_upper"])) == (0, True)
        assert row["reliability"] >= 3
        assert row["lower"] <= row["estimate"] <= row["upper"] == 30_000


def test_no_other_national_series_of_russians_in_2022_is_infeasible(conflicts: pd.DataFrame) -> None:
    first, last = "2022-01-01", "2022-10-31"
    inside = conflicts[(conflicts["date_start"] >= first) & (conflicts["date_end"] <= last)]
    national = inside[inside["series"].str.contains("/RUS/national/") & inside["series"].str.contains("/crossings/")]
    assert set(national["series"]) == {"FIN/entry/RUS/national/land/crossings/border_control"}


def test_a_conflict_is_told_in_plain_words(conflicts: pd.DataFrame) -> None:
    message = conflicts.loc[conflicts["gap"] == 5, "message"].iloc[0]
    for words in ("gap=5", "50,650", "50,655", "Ilta-Sanomat", "Smallest change"):
        assert words in message


def test_the_kazakh_vintage_of_28_september_knows_nothing_of_october(analyst) -> None:
    reports, decisions = catalog.reports("KAZ"), catalog.load("decisions")
    known = vintages.encoded(reports, decisions, as_of=catalog.instant("2022-09-28"))
    late = reports.loc[reports["published_on"].fillna("9999").str[:7] > "2022-09", "report_id"]
    assert not set(known["report_id"]) & set(late)
    built = daily.build(known, catalog.load("series", "KAZ"), catalog.load("events"))
    named = {i for ids in built.daily["upper_proof"] for i in ids} | {
        i for ids in built.daily["report_ids"] for i in ids
    }
    assert named
    assert named <= set(known["report_id"])
