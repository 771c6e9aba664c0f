"""A day explained where the days of its series do not start at midnight."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from published import Published
from ten_o_clock import SERIES, tables

import crossings
from crossings.lake import Lake, Release
from crossings.schema.tables import TABLES


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    place: Path = tmp_path_factory.mktemp("shifts")
    contents: dict[str, pa.Table] = {name: TABLES[name].conform(frame) for name, frame in tables().items()}
    return Lake(place).publish(contents, {"tables": "shifts"}, dt.datetime(2022, 11, 3, tzinfo=dt.UTC)).release


@pytest.mark.parametrize(
    ("day", "lower", "upper"),
    [
        ("2022-10-29", "at least 100: 700 (three", "at most 300: 300 (each"),
        ("2022-10-30", "at least 150: 150 (night", "at most 300: 300 (each"),
        ("2022-10-31", "at least 100: 700 (three", "at most 300: 300 (each"),
    ],
)
def test_the_proofs_of_a_day_add_up_at_its_own_boundary(day: str, lower: str, upper: str, release: Release) -> None:
    found = crossings.explain("FIN", day, series=SERIES, release=release)
    assert found.lower.startswith(lower)
    assert found.upper.startswith(upper)


def test_the_terms_of_a_report_of_each_day_name_the_days_of_its_series() -> None:
    daily = tables()["daily"]
    days = {t["day"] for terms in daily["upper_terms"] for t in terms if t["report_id"] == "each"}
    assert days <= {dt.date(2022, 10, 29), dt.date(2022, 10, 30), dt.date(2022, 10, 31)}
    assert days


def test_a_day_without_a_point_says_why(analyst: Published) -> None:
    days = crossings.load("daily")
    hidden = days[(days["obs_status"] == "Q") & (days["direction"] == "entry")].iloc[0]
    assert pd.isna(hidden["known_over"])
    withheld = crossings.explain(hidden["country"], hidden["date"], series=hidden["series"])
    assert withheld.estimate is None
    assert withheld.no_estimate.startswith("withheld: no short stretch around the day has a total that is known")
    assert withheld.no_estimate in str(withheld)
    assert crossings.explain("FIN", "2022-09-25").no_estimate == ""


def test_a_day_that_no_report_caps_says_so(analyst: Published) -> None:
    days = crossings.load("daily")
    open_ended = days[days["estimate"].isna() & days["upper"].isna() & (days["obs_status"] != "Q")].iloc[0]
    found = crossings.explain(open_ended["country"], open_ended["date"], series=open_ended["series"])
    assert found.no_estimate == "no point, because no report caps the day"
