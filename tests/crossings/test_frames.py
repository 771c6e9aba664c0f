"""Frames of the door in the hands of somebody with a time series: the usual idioms work, and nothing known sums to nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from published import Published

import crossings
from crossings import frames
from crossings.schema.tables import RELEASED, TABLES

pytestmark = pytest.mark.usefixtures("analyst")
SUBJECT = {"direction": "entry", "citizenship": "RUS", "scope": "national", "measure": "crossings"}


@pytest.fixture
def days(analyst: Published) -> pd.DataFrame:
    return crossings.daily("FIN", **SUBJECT)


IDIOMS: dict[str, Callable[[pd.DataFrame], object]] = {
    "from a day to a day": lambda d: d[(d["date"] >= "2022-09-24") & (d["date"] <= "2022-09-25")]["estimate"].tolist(),
    "from a date": lambda d: d[d["date"] >= pd.Timestamp(dt.date(2022, 9, 24))].head(2)["estimate"].tolist(),
    "one day": lambda d: d[d["date"].isin(pd.to_datetime(["2022-09-24", "2022-09-25"]))]["estimate"].tolist(),
    "query": lambda d: d.query("'2022-09-24' <= date <= '2022-09-25'")["estimate"].tolist(),
    "slice of an index": lambda d: d.set_index("date").loc["2022-09-24":"2022-09-25", "estimate"].tolist(),
    "month of an index": lambda d: d.set_index("date").loc["2022-09", "estimate"]["2022-09-24":"2022-09-25"].tolist(),
    "parts of a date": lambda d: d[(d["date"].dt.year == 2022) & (d["date"].dt.day_of_year.isin([267, 268]))][
        "estimate"
    ].tolist(),
    "join": lambda d: d.merge(
        pd.DataFrame({"date": pd.date_range("2022-09-24", periods=2), "x": 1}), on="date"
    )["estimate"].tolist(),
    "index of another series": lambda d: d.set_index("date")["estimate"]
    .reindex(pd.date_range("2022-09-24", periods=2))
    .tolist(),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(IDIOMS))
def test_an_idiom_chooses_the_two_days_it_names(name: str, days: pd.DataFrame) -> None:
    assert IDIOMS[name](days) == [8572, 8314]


def test_the_call_of_the_readme_is_one_series(days: pd.DataFrame) -> None:
    assert days["series"].unique().tolist() == ["FIN/entry/RUS/national/land/crossings/border_control"]


def test_weeks_and_means_are_those_of_the_days(days: pd.DataFrame) -> None:
    by_day = days.set_index("date")["estimate"]
    week = by_day["2022-09-19":"2022-09-25"]
    assert by_day.resample("W").sum()["2022-09-25"] == week.sum()
    assert days.groupby(pd.Grouper(key="date", freq="W"))["estimate"].sum()["2022-09-25"] == week.sum()
    assert by_day.rolling("7D").mean()["2022-09-25"] == pytest.approx(float(week.mean()))


def test_a_month_of_which_no_day_has_an_estimate_has_no_sum() -> None:
    all_days = crossings.daily()
    points = all_days.groupby(["series", all_days["date"].dt.to_period("M")])["estimate"].count().reset_index()
    series, month = points.loc[points["estimate"] == 0, ["series", "date"]].iloc[0]
    days = all_days[all_days["series"] == series]
    sums = {
        "groupby": days.groupby(days["date"].dt.to_period("M"))["estimate"].sum()[month],
        "resample": days.set_index("date")["estimate"].resample("MS").sum()[month.to_timestamp()],
        "agg": days.groupby(days["date"].dt.to_period("M")).agg(sum=("estimate", "sum"))["sum"][month],
        "slice": days.set_index("date").loc[str(month), "estimate"].sum(),
    }
    assert [name for name, found in sums.items() if not pd.isna(found)] == []


@pytest.mark.parametrize(
    "keep",
    [lambda d: d[d["date"] > "2000"], lambda d: pd.concat([d, d.iloc[:0]]), lambda d: d.sort_values("estimate"),
     lambda d: d.assign(estimate=d["estimate"] * 2), lambda d: d.merge(d[["date"]], on="date"), lambda d: d.copy()],
    ids=["filter", "concat", "sort", "arithmetic", "merge", "copy"],
)  # fmt: skip
def test_the_guard_outlives_what_is_done_with_a_frame(
    keep: Callable[[pd.DataFrame], pd.DataFrame], days: pd.DataFrame
) -> None:
    assert pd.isna(keep(days)["estimate"].iloc[:0].sum())


def test_sums_of_known_numbers_are_ordinary_ones() -> None:
    counts = pd.Series(frames.Counts(pa.chunked_array([[1, None, 3]])))
    assert (counts.sum(), counts.mean(), counts.max(), counts.count()) == (4, 2.0, 3, 2)
    assert counts.dtype == pd.ArrowDtype(pa.int64())
    assert counts.groupby([0, 0, 1]).sum().tolist() == [1, 3]
    assert counts.sum(min_count=3) is pd.NA


@pytest.mark.parametrize("name", RELEASED)
def test_every_date_of_every_table_is_a_date_of_pandas(name: str) -> None:
    frame = crossings.load(name)
    dates = [column.name for column in TABLES[name].columns if column.type == "date32"]
    assert {frame[column].dtype for column in dates} <= {np.dtype("datetime64[s]")}


def test_the_headline_filters_and_slices_too() -> None:
    frame = crossings.headline("FIN", "2022-09-01", "2022-09-30")
    assert frame[frame["date"] >= "2022-09-24"].head(2)["entries"].tolist() == [8572, 8314]
    wide = crossings.headline(start="2022-09-01", end="2022-09-30", wide=True).set_index("date")
    assert wide.loc["2022-09-24":"2022-09-25", "FIN_entries"].tolist() == [8572, 8314]


def test_polars_and_duckdb_read_dates_from_the_files_and_from_the_frames(
    days: pd.DataFrame, analyst: Published
) -> None:
    series = days["series"].iloc[0]
    files = str(analyst.release / "daily" / "*.parquet")
    here = pl.col("date").is_between(dt.date(2022, 9, 24), dt.date(2022, 9, 25))
    lazy = pl.scan_parquet(files).filter((pl.col("series") == series) & here).sort("date").collect()
    assert lazy["estimate"].to_list() == [8572, 8314]
    assert pl.from_pandas(days).filter(here).sort("date")["estimate"].to_list() == [8572, 8314]
    weekly = pl.from_pandas(days).sort("date").group_by_dynamic("date", every="1w").agg(pl.col("estimate").sum())
    week = days[(days["date"] >= "2022-09-19") & (days["date"] <= "2022-09-25")]["estimate"].sum()
    assert weekly.filter(pl.col("date").dt.date() == dt.date(2022, 9, 19))["estimate"].to_list() == [week]
    where = "where date between '2022-09-24' and '2022-09-25' order by date"
    asked = f"select estimate from read_parquet('{files}') {where.replace('where', 'where series = $s and')}"
    assert duckdb.execute(asked, {"s": series}).fetchall() == [(8572,), (8314,)]
    assert duckdb.sql(f"select estimate from days {where}").fetchall() == [(8572,), (8314,)]
    sums = duckdb.sql("select sum(estimate) from days where date < '1990-01-01'").fetchall()
    assert sums == [(None,)]
