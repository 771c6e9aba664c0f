"""The analyst's door: tidy frames with Arrow types, and sums that are refused where they would mislead."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from published import Published

import crossings
from crossings import catalog
from crossings.errors import CrossingsError, NotComparable
from crossings.schema.model import arrow_type
from crossings.schema.tables import RELEASED, TABLES

pytestmark = pytest.mark.usefixtures("analyst")
ENTRY = "FIN/entry/RUS/national/land/crossings/border_control"


@pytest.mark.parametrize("name", RELEASED)
def test_every_table_is_a_frame_with_arrow_types_but_for_dates_in_the_order_of_its_key(name: str) -> None:
    frame = crossings.load(name)
    assert frame.dtypes.to_dict() == {
        c.name: np.dtype("datetime64[s]") if c.type == "date32" else pd.ArrowDtype(arrow_type(c.type))
        for c in TABLES[name].columns
    }
    key = list(TABLES[name].key)
    assert frame[key].to_dict("records") == frame[key].sort_values(key).to_dict("records")
    assert not frame.duplicated(key).any()


def test_daily_is_one_country_with_all_its_series() -> None:
    frame = crossings.daily(country="FIN")
    assert set(frame["country"]) == {"FIN"}
    assert frame["series"].nunique() > 2
    assert frame.index.tolist() == list(range(len(frame)))


def test_days_are_chosen_by_direction_parts_and_dates() -> None:
    parts = {"citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control"}
    frame = crossings.daily("fin", direction="exit", start="2022-09-24", end=dt.date(2022, 9, 25), **parts)
    assert frame["date"].tolist() == [pd.Timestamp(2022, 9, 24), pd.Timestamp(2022, 9, 25)]
    assert frame["estimate"].tolist() == [4199, 5068]
    assert crossings.daily("FIN", series=ENTRY)["series"].unique().tolist() == [ENTRY]


def test_no_frame_that_was_handed_out_changes_another() -> None:
    first = crossings.daily("FIN")
    first["estimate"] = 0
    first.loc[0, "status"] = "none"
    assert crossings.daily("FIN")["estimate"].gt(0).any()


def test_reports_and_findings_are_there() -> None:
    assert crossings.reports("KAZ").set_index("report_id").at["KAZ-200", "value"] == 98000
    assert set(crossings.findings()["severity"]) <= {"info", "warn", "error", "stop"}
    assert list(crossings.official().columns) == list(TABLES["official"].names)


def test_a_total_of_one_series_is_its_sum() -> None:
    frame = crossings.daily(
        "FIN", direction="exit", scope="national", citizenship="RUS", start="2022-09-24", end="2022-09-25"
    )
    frame = frame[frame["series"].str.contains("/land/crossings/border_control")]
    assert crossings.total(frame) == 4199 + 5068


def test_a_total_over_several_series_is_refused_and_says_what_differs() -> None:
    with pytest.raises(NotComparable, match=r"series that differ in .*direction.* — choose one series first"):
        crossings.total(crossings.daily("FIN"))
    frame = crossings.daily(direction="entry", citizenship="RUS", scope="national", measure="crossings")
    with pytest.raises(NotComparable, match="country"):
        crossings.total(frame)


def test_a_total_with_a_missing_day_is_refused() -> None:
    frame = crossings.daily("FIN", series=ENTRY, start="2022-09-21", end="2022-09-27")
    frame["estimate"] = frame["estimate"].mask(frame.index == 0)
    with pytest.raises(
        CrossingsError, match=r"1 of these days have no estimate \(\d{4}-\d\d-\d\d\); a missing day is not zero"
    ):
        crossings.total(frame)


def test_a_total_of_no_rows_is_refused() -> None:
    with pytest.raises(CrossingsError, match="no rows to add up; a missing day is not zero"):
        crossings.total(crossings.daily("FIN", series=ENTRY, start="1999-01-01", end="1999-01-02"))


def test_a_total_over_overlapping_frequencies_is_refused() -> None:
    frame = pd.DataFrame({"series": ["s", "s"], "freq": ["M", "Q"], "value": [1, 3]})
    with pytest.raises(NotComparable, match="frequencies"):
        crossings.total(frame, "value")


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: crossings.load("flows"), "no table 'flows'.*daily"),
        (lambda: crossings.daily("XYZ"), "no country 'XYZ'.*FIN, GEO, KAZ, MNG"),
        (lambda: crossings.daily("FIN", start="24.9.2022"), "not a date.*2022-09-26"),
        (lambda: crossings.load("daily", release="rnothing"), "no release rnothing"),
        (lambda: crossings.open_release(as_shown="2001-01-01"), "no release was current"),
        (lambda: crossings.open_release(as_shown="2022-09-28 at noon"), "not an instant"),
        (lambda: catalog.standing("FIN", "sideways"), "direction sideways.*--series"),
    ],
)
def test_what_is_not_there_is_one_line_with_what_there_is(ask: object, says: str) -> None:
    with pytest.raises(CrossingsError, match=says) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_a_release_can_be_asked_by_id_and_by_when_it_was_shown(analyst: Published) -> None:
    by_id = crossings.load("daily", "FIN", release=analyst.release.name)
    shown = crossings.load("daily", "FIN", as_shown=dt.datetime.now(dt.UTC))
    pd.testing.assert_frame_equal(by_id, shown)
    held = crossings.open_release()
    assert held.path == analyst.release
    pd.testing.assert_frame_equal(crossings.load("daily", "FIN", release=held), by_id)


def test_a_release_differs_from_itself_in_nothing(analyst: Published) -> None:
    assert crossings.diff(analyst.release.name).empty


def test_the_headline_of_each_country_is_national_border_control_of_citizens_of_russia() -> None:
    for country in ("FIN", "GEO", "KAZ"):
        name = catalog.standing(country, "entry")
        assert name.split("/")[:4] == [country, "entry", "RUS", "national"]
        assert name.endswith("/crossings/border_control")


def test_without_a_release_the_reader_is_told_to_run_first(lake: Path) -> None:
    with pytest.raises(CrossingsError, match="crossings run"):
        crossings.daily("FIN")


def test_an_unknown_name_of_the_package_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'dayly'"):
        _ = crossings.dayly
