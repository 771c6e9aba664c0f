"""What a stopped series keeps: bounds, never points."""

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
        "status": ["reported", "estimated", "estimated", "derived"], "obs_status": ["A", "U", "U", "E"],
    }
)  # fmt: skip


def test_a_stopped_series_loses_every_point_and_keeps_its_bounds() -> None:
    kept = withhold(DAYS, [NAME], [])
    assert kept[["estimate", "pi_lower", "pi_upper", "pi_level"]].isna().all().all()
    assert set(kept["status"]) == {"none"}
    assert set(kept["obs_status"]) == {"Q"}
    pd.testing.assert_frame_equal(kept[["lower", "upper"]], DAYS[["lower", "upper"]])


def test_a_weak_month_loses_only_its_points_of_reliability_5() -> None:
    kept = withhold(DAYS, [], [(NAME, "2022-09")])
    assert kept["estimate"].isna().tolist() == [False, True, False, False]
    assert kept["obs_status"].tolist() == ["A", "Q", "U", "E"]


def test_what_was_withheld_is_told_under_the_rule_that_did_it() -> None:
    weak = pd.DataFrame([{"series": NAME, "country": "FIN", "month": "2022-09", "share_unreliable": 0.6}])
    found = told({NAME: "V53: moved"}, weak, {NAME: "FIN"}).set_index("rule")
    assert found.loc["withheld", "message"] == "points of this series are withheld, bounds stay: V53: moved"
    assert found.loc["V59", "gap"] == 0.6
    assert set(found["severity"]) == {"stop"}
    assert set(found["country"]) == {"FIN"}
