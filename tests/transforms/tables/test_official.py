"""The table `official`: frequencies, statuses, residuals, and what it refuses to add up."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crossings
from crossings.errors import CrossingsError, NotComparable
from crossings.schema.tables import DAILY, OFFICIAL, REPORTS, SERIES, SERIES_KEY
from transforms.reports import decisions, vintages
from transforms.tables import official

NATIONAL = "FIN/entry/RUS/national/all/crossings/border_control"
ROAD = "FIN/entry/RUS/national/road/crossings/border_control"


def report(report_id: str, start: str, end: str, value: int, **more: Any) -> dict[str, Any]:
    stamp = pd.Timestamp(more.pop("recorded", "2026-05-01"), tz="UTC")
    first, last = dt.date.fromisoformat(start), dt.date.fromisoformat(end)
    return {
        "report_id": report_id, "origin_id": report_id, "country": "FIN", "scope": "national", "mode": "all",
        "direction": "entry", "citizenship": "RUS", "measure": "crossings", "system": "border_control",
        "period_start": first, "period_end": last, "statistic": "total", "modality": "observed",
        "cutoff_assumed": False, "period_basis": "stated", "timezone": "Europe/Helsinki", "qualifier": "exact",
        "value": value, "tier": 1, "series": NATIONAL, "role": "regular",
        "source_id": "an-office", "recorded_at": stamp, "published_at": stamp, "start_instant": pd.Timestamp(first, tz="UTC"),
        "end_instant": pd.Timestamp(last, tz="UTC") + pd.Timedelta(days=1), "per_day": False, "lower": value,
        "upper": value, "sigma": 1.0, "decision_ids": [],
    } | more  # fmt: skip


def reports(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(REPORTS.names))


def definitions(*names: str) -> pd.DataFrame:
    rows = [{"series": name, **dict(zip(SERIES_KEY, name.split("/"), strict=True))} for name in names]
    return pd.DataFrame(rows, columns=list(SERIES.names))


def days(start: str, estimates: list[int | None], series: str = NATIONAL) -> pd.DataFrame:
    dates = pd.date_range(start, periods=len(estimates)).date
    frame = pd.DataFrame({"date": dates, "country": "FIN", "series": series})
    return frame.assign(estimate=pd.array(estimates, dtype="Int64"))


def cells(*rows: dict[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(OFFICIAL.names))
    return frame.astype(dict.fromkeys(("value", "daily_sum", "residual"), "Int64"))


def cell(date: str, obs_status: str, report_id: str | None = None, value: int | None = None) -> dict[str, Any]:
    return {"date": dt.date.fromisoformat(date), "country": "FIN", "series": NATIONAL, "freq": "M", "direction": "entry",
            "citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control",
            "obs_status": obs_status, "report_id": report_id, "value": value}  # fmt: skip


def build(
    rows: pd.DataFrame, stated: pd.DataFrame | None = None, daily: pd.DataFrame | None = None
) -> official.Official:
    nothing = days("2026-01-01", [])
    return official.build(rows, definitions(NATIONAL, ROAD), cells() if stated is None else stated,
                          nothing if daily is None else daily)  # fmt: skip


MARCH = ("2026-03-01", "2026-03-31")


@pytest.mark.parametrize(
    ("start", "end", "freq"),
    [
        ("2024-02-01", "2024-02-29", "M"),
        ("2026-02-01", "2026-02-28", "M"),
        ("2026-12-01", "2026-12-31", "M"),
        ("2026-04-01", "2026-06-30", "Q"),
        ("2026-10-01", "2026-12-31", "Q"),
        ("2026-01-01", "2026-12-31", "A"),
        ("2026-03-05", "2026-03-05", "D"),
        ("2026-03-02", "2026-03-08", "W"),
    ],
)
def test_the_frequency_of_a_period(start: str, end: str, freq: str) -> None:
    assert official.frequency(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) == freq


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-02-01", "2026-02-27"),
        ("2026-02-01", "2026-04-30"),  # three months that are no quarter
        ("2026-02-01", "2026-07-31"),  # six months that are no half-year
        ("2026-01-01", "2026-02-28"),
        ("2026-01-15", "2026-02-14"),
    ],
)
def test_a_period_that_is_no_regular_one_has_no_frequency(start: str, end: str) -> None:
    assert official.frequency(dt.date.fromisoformat(start), dt.date.fromisoformat(end)) is None


@given(st.dates(dt.date(2000, 1, 1), dt.date(2030, 12, 1)), st.sampled_from([("M", 1), ("Q", 3), ("A", 12)]))
def test_every_calendar_period_has_its_frequency(day: dt.date, kind: tuple[str, int]) -> None:
    freq, months = kind
    period = pd.Period(day, freq={"M": "M", "Q": "Q", "A": "Y"}[freq])
    assert official.frequency(period.start_time.date(), period.end_time.date()) == freq
    assert (period.end_time.date() - period.start_time.date()).days + 1 >= 28 * months


def test_only_regular_reports_come_in() -> None:
    rows = reports(report("a", *MARCH, 100), report("b", "2026-04-01", "2026-04-30", 7, role="superseded"),
                   report("c", "2026-05-01", "2026-05-31", 8, role="constraint"))  # fmt: skip
    built = build(rows)
    assert built.table["report_id"].tolist() == ["a"]
    assert built.table[["date", "freq", "value", "obs_status"]].values.tolist() == [
        [dt.date(2026, 3, 1), "M", 100, "A"]
    ]
    assert OFFICIAL.conform(built.table).num_rows == 1
    assert built.findings.empty


def test_a_period_of_no_frequency_is_told_and_not_dropped_in_silence() -> None:
    built = build(reports(report("odd", "2026-03-01", "2026-03-20", 5)))
    assert built.table.empty
    assert built.findings[["rule", "severity"]].values.tolist() == [["official_period", "error"]]
    assert built.findings["report_ids"].tolist() == [["odd"]]


def test_the_residual_is_the_value_minus_the_sum_of_the_days() -> None:
    built = build(reports(report("a", *MARCH, 1000)), daily=days("2026-02-27", [999, 999, *[30] * 31, 999]))
    assert built.table[["daily_sum", "residual"]].values.tolist() == [[930, 70]]


@pytest.mark.parametrize(
    "daily",
    [
        days("2026-03-01", [30] * 30),  # the last day is not there
        days("2026-03-01", [30] * 30 + [None]),  # the last day has no point
        days("2026-03-01", [30] * 31, series=ROAD),  # another mode
        days("2026-04-01", [30] * 31),  # another period
    ],
    ids=["a day less", "a day without a point", "another series", "another period"],
)
def test_there_is_no_residual_unless_series_and_period_agree_and_every_day_has_a_point(daily: pd.DataFrame) -> None:
    built = build(reports(report("a", *MARCH, 1000)), daily=daily)
    assert built.table["value"].tolist() == [1000]
    assert built.table[["daily_sum", "residual"]].isna().all(axis=None)


def test_a_status_other_than_normal_stays_beside_its_figure() -> None:
    stated = cells(cell("2026-03-01", "P", "a", 100), cell("2026-03-01", "E", "another", 100))
    built = build(reports(report("a", *MARCH, 100), report("b", "2026-04-01", "2026-04-30", 90)), stated)
    assert built.table[["report_id", "obs_status", "value"]].values.tolist() == [["a", "P", 100], ["b", "A", 90]]


def test_a_missing_figure_has_its_reason_and_no_report() -> None:
    built = build(reports(report("a", *MARCH, 100)), cells(cell("2026-04-01", "Q")))
    row = built.table.iloc[1]
    assert (row["obs_status"], row["report_id"]) == ("Q", None)
    assert pd.isna(row["value"])
    assert OFFICIAL.conform(built.table).num_rows == 2


def test_a_figure_outranks_an_absence_of_the_same_period() -> None:
    built = build(reports(report("a", *MARCH, 100)), cells(cell("2026-03-01", "O"), cell("2026-05-01", "O"),
                                                           cell("2026-05-01", "M")))  # fmt: skip
    assert built.table[["date", "obs_status"]].values.tolist() == [
        [dt.date(2026, 3, 1), "A"],
        [dt.date(2026, 5, 1), "M"],
    ]


def test_of_two_sources_for_one_period_the_later_stands_and_the_difference_is_told() -> None:
    early = report("early", *MARCH, 100, recorded="2026-05-01", source_id="one")
    late = report("late", *MARCH, 104, recorded="2026-05-02", source_id="two")
    for rows in (reports(early, late), reports(late, early)):
        built = build(rows)
        assert built.table[["report_id", "value"]].values.tolist() == [["late", 104]]
        assert built.findings["rule"].tolist() == ["official_contested"]
        assert built.findings["report_ids"].tolist() == [["early", "late"]]
        assert "104 (late), 100 (early)" in built.findings["message"].iloc[0]
    agreed = build(reports(early, late | {"value": 100}))
    assert agreed.table["report_id"].tolist() == ["late"]
    assert agreed.findings.empty


@given(st.permutations(range(6)))
def test_the_order_of_rows_never_matters(order: list[int]) -> None:
    rows = [report(f"r{k}", f"2026-0{k % 3 + 1}-01", f"2026-0{k % 3 + 1}-{(31, 28, 31)[k % 3]}", k, recorded=f"2026-05-0{k + 1}")
            for k in range(6)]  # fmt: skip
    there, back = build(reports(*rows)), build(reports(*(rows[k] for k in order)))
    assert OFFICIAL.conform(there.table).equals(OFFICIAL.conform(back.table))
    pd.testing.assert_frame_equal(there.findings, back.findings)


def test_a_revised_statistic_binds_no_estimate_of_an_earlier_vintage() -> None:
    first = report("x:1", *MARCH, 100, recorded="2026-05-01", role="superseded")
    second = report("x:2", *MARCH, 110, recorded="2026-06-01", supersedes="x:1", revision_kind="update")
    other = report(
        "said", "2026-03-05", "2026-03-05", 4, recorded="2026-05-01", source_id="register", role="constraint"
    )
    told = reports(first, second, other).astype("object")
    rows = REPORTS.conform(told.where(told.notna(), None)).to_pandas(types_mapper=pd.ArrowDtype)

    def role_of(as_of: dt.datetime | None) -> dict[str, str]:
        found = vintages.encoded(rows, decisions.none(), as_of)
        return dict(zip(found["report_id"], found["role"], strict=True))

    assert role_of(None) == {"x:1": "superseded", "x:2": "regular", "said": "constraint"}
    assert role_of(dt.datetime(2026, 5, 20, tzinfo=dt.UTC)) == {"x:1": "regular", "said": "constraint"}


# -- what the catalog refuses -------------------------------------------------------------------------------------------


def official_of(*rows: tuple[str, str, int | None]) -> pd.DataFrame:
    made = [
        {"date": dt.date(2026, 1, 1), "country": name.split("/")[0], "series": name, "freq": freq, "value": value,
         **dict(zip(SERIES_KEY[1:], name.split("/")[1:], strict=True))}
        for name, freq, value in rows
    ]  # fmt: skip
    return pd.DataFrame(made).astype({"value": "Int64"})


VEHICLES = "FIN/entry/other:registered-rus/national/road/vehicles/customs"
TRIPS = "FIN/entry/RUS/national/road/trips/mirror"


def test_vehicles_and_trips_are_never_added() -> None:
    both = official_of((VEHICLES, "M", 812), (TRIPS, "M", 3000))
    with pytest.raises(NotComparable) as refused:
        crossings.total(both, "value")
    assert "2 series that differ in" in refused.value.message
    for word in ("measure", "system", "citizenship"):
        assert word in refused.value.message
    assert "choose one series" in refused.value.remedy


def test_one_series_adds_up_but_not_over_frequencies_nor_over_gaps() -> None:
    assert crossings.total(official_of((TRIPS, "M", 3000), (TRIPS, "M", 4000)), "value") == 7000
    with pytest.raises(NotComparable, match="several frequencies"):
        crossings.total(official_of((TRIPS, "M", 3000), (TRIPS, "Q", 9000)), "value")
    with pytest.raises(
        CrossingsError, match=r"1 of these days have no value \(2026-01-01\); a missing day is not zero"
    ):
        crossings.total(official_of((TRIPS, "M", 3000), (TRIPS, "M", None)), "value")


def test_daily_and_official_share_their_series_columns() -> None:
    shared = {"country", "series", "direction", "citizenship", "scope", "measure", "system"}
    assert shared <= set(DAILY.names) & set(OFFICIAL.names)
    assert Path(official.__file__).name == f"{OFFICIAL.name}.py"
