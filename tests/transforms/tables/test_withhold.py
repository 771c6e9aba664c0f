"""What a release shows of points: none of a stopped series, none where no short stretch around the day is known."""

from __future__ import annotations

import pandas as pd
from builders import SERIES

from transforms.tables.withhold import told, withhold

NAME = str(SERIES["series"].iloc[0])
DAYS = pd.DataFrame(
    {
        "date": pd.date_range("2022-09-29", periods=4).date, "series": NAME, "reliability": [1, 5, 5, 2],
        "estimate": pd.array([10, 20, 30, 40], "Int64"), "lower": pd.array([9, 0, 0, 39], "Int64"),
        "upper": pd.array([11, 90, 90, 41], "Int64"), "pi_lower": pd.array([8, 1, 1, 38], "Int64"),
        "pi_upper": pd.array([12, 80, 80, 42], "Int64"), "pi_level": [0.9] * 4,
        "known_over": pd.array([1, None, 31, 7], "Int16"),
        "status": ["reported", "estimated", "estimated", "derived"], "obs_status": ["A", "U", "U", "E"],
    }
)  # fmt: skip


def test_a_stopped_series_loses_every_point_and_keeps_its_bounds() -> None:
    kept = withhold(DAYS, [NAME])
    assert kept[["estimate", "pi_lower", "pi_upper", "pi_level"]].isna().all().all()
    assert set(kept["status"]) == {"none"}
    assert set(kept["obs_status"]) == {"Q"}
    assert set(kept["reliability"]) == {5}
    pd.testing.assert_frame_equal(kept[["lower", "upper", "known_over"]], DAYS[["lower", "upper", "known_over"]])


def test_a_day_known_over_no_short_stretch_loses_its_point_and_no_other_does() -> None:
    kept = withhold(DAYS, [])
    assert kept["estimate"].isna().tolist() == [False, True, False, False]
    assert kept["obs_status"].tolist() == ["A", "Q", "U", "E"]
    assert kept["status"].tolist() == ["reported", "none", "estimated", "derived"]
    assert kept["pi_level"].isna().tolist() == [False, True, False, False]
    pd.testing.assert_frame_equal(kept[["lower", "upper", "reliability"]], DAYS[["lower", "upper", "reliability"]])


def test_a_day_without_a_point_is_not_said_to_be_withheld() -> None:
    bare = DAYS.assign(
        estimate=pd.array([10, None, 30, 40], "Int64"), status=["reported", "none", "estimated", "derived"],
        obs_status=["A", "O", "U", "E"],
    )  # fmt: skip
    assert withhold(bare, [])["obs_status"].tolist() == ["A", "O", "U", "E"]
    assert withhold(bare, [NAME])["obs_status"].tolist() == ["Q", "O", "Q", "Q"]


def test_what_was_withheld_is_told_under_the_rule_that_did_it() -> None:
    found = told({NAME: "V53: moved"}, {NAME: "FIN"}).set_index("rule")
    assert found.loc["withheld", "message"] == "points of this series are withheld, bounds stay: V53: moved"
    assert set(found["severity"]) == {"stop"}
    assert set(found["country"]) == {"FIN"}
