"""The gate on proofs: a bound that is not the sum of its terms, or whose windows miss the day, is found out."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossings.calendar import midnights
from transforms.tables.daily import build
from transforms.tables.proof_evidence import proofs

ZONE = "Europe/Helsinki"


def series_at(boundary):
    return pd.DataFrame([
        {"series": "s", "country": "FIN", "timezone": ZONE, "day_boundary": boundary, "direction": "entry",
         "citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control"}
    ])  # fmt: skip


def evidence(rows, boundary="00:00"):
    events = pd.DataFrame(columns=["event_id", "date", "country", "is_break"])
    result = build(rows, series_at(boundary), events)
    return result, proofs(result.daily, rows, series_at(boundary))


def in_order(found):
    outwards = np.where(found["upper"], np.ceil(found["total"] - 1e-6), np.floor(found["total"] + 1e-6))
    return found["covers"] & (outwards == found["bound"])


@st.composite
def reports_with_each_day(draw, boundary):
    """Encoded reports on one series whose days start at a clock, some of each day, some false."""
    n = draw(st.integers(3, 11))
    flow = np.array(draw(st.lists(st.integers(0, 60), min_size=n, max_size=n)))
    rows = []
    for k in range(draw(st.integers(2, 8))):
        a = draw(st.integers(1, n))
        b = draw(st.integers(a, n))
        each = draw(st.booleans())
        seen = flow[a - 1 : b]
        low, high = (seen.min(), seen.max()) if each else (seen.sum(), seen.sum())
        shift, slack = draw(st.sampled_from([0, 0, 0, 25])), draw(st.integers(0, 9))
        ends = midnights(dt.date(2022, 10, 20 + a), dt.date(2022, 10, 20 + b), ZONE, boundary)
        rows.append(
            {"report_id": f"r{k}", "origin_id": f"r{k}", "series": "s", "tier": 2, "sigma": 4.0, "per_day": each,
             "start_instant": int(ends[0]), "end_instant": int(ends[-1]), "role": "constraint",
             "lower": float(max(low - slack, 0) + shift), "upper": draw(st.sampled_from([float(high + shift), np.nan]))}
        )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize("boundary", ["00:00", "10:00"])
@given(st.data())
def test_every_bound_of_random_reports_is_the_sum_of_its_terms(boundary, data):
    _, found = evidence(data.draw(reports_with_each_day(boundary)), boundary)
    assert in_order(found).all()


def week():
    ends = midnights(dt.date(2022, 9, 1), dt.date(2022, 9, 7), ZONE)
    windows = {"w": (0, 7, 700.0), "a": (0, 1, 100.0), "b": (6, 7, 150.0)}
    return pd.DataFrame([
        {"report_id": i, "origin_id": i, "series": "s", "tier": 2, "sigma": 4.0, "per_day": False, "role": "constraint",
         "start_instant": int(ends[a]), "end_instant": int(ends[b]), "lower": v, "upper": v}
        for i, (a, b, v) in windows.items()
    ])  # fmt: skip


def test_a_wrong_figure_in_a_proof_is_found_out():
    rows = week()
    result, found = evidence(rows)
    assert in_order(found).all()
    rows.loc[rows["report_id"] == "w", "upper"] = 710.0
    found = proofs(result.daily, rows, series_at("00:00"))
    assert not in_order(found).all()


def test_a_proof_whose_windows_miss_the_day_is_found_out():
    result, _ = evidence(week())
    daily = result.daily.copy()
    daily["upper_terms"] = [[{"report_id": "a", "end": "upper", "times": 5.5, "day": None}] for _ in range(len(daily))]
    daily["upper"] = 550
    found = proofs(daily, week(), series_at("00:00"))
    upper = found[found["upper"]]
    assert (upper["total"] == 550).all()
    assert upper["covers"].tolist() == [True] + [False] * 6
