"""Laws of the table, whatever is reported: it is always built, points lie in their bounds, bounds are sums of terms.

Reports are drawn on series that are tied in every way there is: directions, parts and the rest, persons, citizenship;
on whole days and by the clock; of periods and of each day; true, and false.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import breaks_on
from tied_reports import series_of

from crossings.calendar import instant_of
from crossings.schema.tables import DAILY, FINDINGS, PERIODS, SERIES
from transforms.tables.daily import build
from transforms.tables.periods import bounds_of
from transforms.tables.proof_evidence import proofs

ZONE, DAYS = "Europe/Helsinki", 5
DEFINITIONS = [
    *(series_of(direction=d) for d in ("entry", "exit", "both", "net")),
    series_of(scope="district:east"), series_of(scope="checkpoint:vaalimaa"), series_of(scope="district:east", direction="exit"),
    series_of(measure="persons"), series_of(citizenship="all"), series_of(measure="persons", citizenship="all"),
]  # fmt: skip
PARTS = pd.DataFrame(
    [("FIN", "checkpoint:vaalimaa", "district:east", False)],
    columns=["country", "part_scope", "whole_scope", "exhaustive"],
)


@st.composite
def reports(draw, largest=30):
    """Encoded reports on some of the series; without regard to whether they can all hold."""
    chosen = draw(st.lists(st.sampled_from(DEFINITIONS), min_size=1, max_size=4, unique_by=lambda d: d["series"]))
    rows = []
    for k in range(draw(st.integers(2, 8))):
        definition = draw(st.sampled_from(chosen))
        a = draw(st.integers(1, DAYS))
        b = draw(st.integers(a, DAYS))
        clocks = draw(st.sampled_from([("00:00", "00:00")] * 4 + [("10:00", "10:00"), ("00:00", "12:00")]))
        value = draw(st.integers(-largest if definition["direction"] == "net" else 0, largest)) * (b - a + 1)
        below, above = draw(st.sampled_from([(0, 0), (0, 0), (3, 5), (8, 0), (2, np.inf), (np.inf, 1)]))
        lower = value - below if definition["direction"] == "net" else max(value - below, 0)
        rows.append(
            {
                "report_id": f"r{k}", "origin_id": f"o{k}", "series": definition["series"],
                "tier": draw(st.integers(1, 4)), "sigma": draw(st.sampled_from([0.5, 5.0, 50.0])),
                "start_instant": instant_of(dt.date(2022, 9, a), ZONE, clocks[0]),
                "end_instant": instant_of(dt.date(2022, 9, b + (clocks[1] != "12:00")), ZONE, clocks[1]),
                "per_day": draw(st.sampled_from([False, False, False, True])), "role": "constraint",
                "lower": lower if np.isfinite(lower) else np.nan, "upper": value + above if np.isfinite(above) else np.nan,
                "publisher": "guard", "speech_mode": "written_table", "value": np.nan, "qualifier": "about",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def built(rows):
    return build(rows, pd.DataFrame(DEFINITIONS), breaks_on(["2022-09-03"], "FIN"), part_of=PARTS)


@given(reports())
def test_whatever_is_reported_there_is_a_table_and_every_point_lies_in_its_bounds(rows):
    result = built(rows)
    DAILY.conform(result.daily)
    FINDINGS.conform(result.findings)
    SERIES.conform(result.derived)
    points = result.daily[result.daily["estimate"].notna()]
    assert (points["lower"].isna() | (points["lower"] <= points["estimate"])).all()
    assert (points["upper"].isna() | (points["estimate"] <= points["upper"])).all()
    unsigned = result.daily["direction"] != "net"
    assert (result.daily.loc[unsigned, "lower"] >= 0).all()
    known = result.daily.dropna(subset=["lower", "upper"])
    assert (known["lower"] <= known["upper"]).all()


@given(reports())
def test_every_bound_that_is_released_is_the_sum_of_its_terms(rows):
    result = built(rows)
    definitions = pd.concat([pd.DataFrame(DEFINITIONS), result.derived], ignore_index=True)
    found = proofs(result.daily, rows, definitions)
    sums = np.where(found["upper"], np.ceil(found["total"] - 1e-6), np.floor(found["total"] + 1e-6))
    assert (sums == found["bound"]).all()
    assert found["covers"].all()


@given(reports())
def test_what_a_bound_sets_aside_is_admitted_and_carries_none_of_it(rows):
    result = built(rows)
    admitted = result.findings[result.findings["rule"] == "alternative"]
    named = {i for ids in admitted["report_ids"] for i in ids}
    assert admitted["finding_id"].is_unique
    assert bool(named) == (result.findings["rule"] == "conflict").any()
    for end in ("lower", "upper"):
        for aside, proof in result.daily[[f"{end}_aside", f"{end}_proof"]].itertuples(index=False):
            assert set(aside) <= named
            assert not named or not set(aside) & set(proof)
    leading = {i for ids in admitted.loc[admitted["expected"] == "leads", "report_ids"] for i in ids}
    assert bool(leading) == bool(named)
    firm = result.daily.dropna(subset=["firm_lower", "firm_upper"])
    assert (firm["firm_lower"] <= firm["firm_upper"]).all()
    known = result.daily["known_over"].dropna()
    assert known.between(1, 31).all()


@given(reports(), st.integers(1, DAYS), st.integers(0, DAYS))
def test_every_bound_of_a_period_is_the_sum_of_its_terms(rows, first, more):
    result = built(rows)
    last = min(first + more, DAYS)
    asked = pd.DataFrame([
        {"country": "FIN", "direction": d, "start": f"2022-09-{first:02d}", "end": f"2022-09-{last:02d}"}
        for d in ("entry", "exit", "both", "net")
    ])  # fmt: skip
    found = bounds_of(result, asked)
    PERIODS.conform(found)
    said = rows.set_index("report_id")
    for row in found.to_dict("records"):
        for end, outwards in (("lower", np.floor), ("upper", np.ceil)):
            if pd.notna(row[end]):
                total = sum(t["times"] * float(said.loc[t["report_id"], t["end"]]) for t in row[f"{end}_terms"])
                assert outwards(np.round(total, 6)) == row[end]


@given(reports(), st.randoms(use_true_random=False))
def test_the_order_of_reports_changes_no_byte(rows, chance):
    order = chance.sample(range(len(rows)), len(rows))
    one, two = built(rows), built(rows.iloc[order])
    assert DAILY.conform(one.daily).equals(DAILY.conform(two.daily))
    assert FINDINGS.conform(one.findings).equals(FINDINGS.conform(two.findings))
