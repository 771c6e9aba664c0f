"""Proofs in words: every bound is the sum of its proof, for every day of every series of the real register."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossings import catalog, explanation
from crossings.calendar import midnights
from crossings.proofs import Figure, Term, relaxed, sentence, summands, terms
from crossings.schema.tables import DAILY, FINDINGS
from transforms.tables.daily import build

DAY = 86_400
ZONE = "Europe/Helsinki"


def figure(first: float, after: float, lower: float | None, upper: float | None = None, **more) -> Figure:
    upper = lower if upper is None and more.pop("exact", True) else upper
    more = {"per_day": False, "label": "(r)"} | more
    return Figure(round(first * DAY), round(after * DAY), lower, upper, **more)


def amounts(path, figures, start, end, *, upper):
    return [t.sign * t.amount for t in terms(path, figures, start * DAY, end * DAY, upper=upper)]


def test_an_upper_bound_is_the_total_less_what_other_days_have_at_least():
    figures = {"w": figure(0, 7, 1200), "m": figure(0, 1, 100), "s": figure(5, 7, 300, 400)}
    assert amounts(["m", "w", "s"], figures, 1, 5, upper=True) == [-100, 1200, -300]


def test_a_lower_bound_is_the_total_less_the_most_of_other_days():
    figures = {"w": figure(0, 3, 700), "cap": figure(0, 3, 0, 300, per_day=True)}
    assert amounts(["cap", "w", "cap"], figures, 1, 2, upper=False) == [-300, 700, -300]


@pytest.mark.parametrize(("upper", "bound"), [(True, 700 - 2 * 150), (False, 700 - 2 * 260)])
def test_a_report_of_each_day_with_two_ends_is_walked_the_way_that_arrives(upper, bound):
    figures = {"each": figure(0, 3, 150, 260, per_day=True), "w": figure(0, 3, 700)}
    path = ["each", "w", "each"]
    found = amounts(path, figures, 1, 2, upper=upper)
    assert sum(found) == bound
    assert found[1] == 700


def test_days_of_a_report_of_each_day_are_civil_days_also_over_a_change_of_the_clock():
    starts = [int(v) for v in midnights(dt.date(2022, 10, 29), dt.date(2022, 10, 31), ZONE)]
    each = Figure(starts[0], starts[-1], 10.0, 40.0, per_day=True, label="(e)", midnights=tuple(starts))
    week = Figure(starts[0], starts[-1], 90.0, 90.0, per_day=False, label="(w)")
    found = terms(["each", "w", "each"], {"each": each, "w": week}, starts[1], starts[2], upper=True)
    assert sum(t.sign * t.amount for t in found) == 70


def test_of_a_day_covered_in_part_only_the_most_is_known():
    each = figure(0.5, 3.5, 10, 40, per_day=True, midnights=tuple(range(0, 5 * DAY, DAY)))
    total = figure(0.5, 3.5, 100)
    figures = {"each": each, "w": total}
    assert amounts(["w", "each", "each"], figures, 0, 1, upper=True)[1:] == [-10, -10]
    assert amounts(["each", "w", "each"], figures, 1, 3, upper=False) == [-40, 100, -40]


def test_relaxed_intervals_hold_what_was_said_and_what_was_settled():
    assert relaxed(50655, 50655, -7.98) == (50647, 50655)
    assert relaxed(7743, 7743, 0.19) == (7743, 7744)
    assert relaxed(None, 300, 2.4) == (None, 303)


def test_between_series_each_report_counts_with_the_end_that_gives_the_bound():
    figures = {
        "e": figure(0, 1, 400, 420, series="entry"), "x": figure(0, 1, 320, 336, series="exit"),
        "n": figure(0, 1, 95, 105, series="net"),
    }  # fmt: skip
    for path, bound, upper, wanted in (
        (["e", "n"], 325, True, {420, -95}), (["n", "x"], 415, False, {95, 320}), (["e", "x"], 100, True, {420, -320}),
    ):  # fmt: skip
        found = summands(path, figures, 0, DAY, bound, upper=upper)
        assert {t.sign * t.amount for t in found} == wanted


def test_a_report_may_count_twice():
    figures = {"e": figure(0, 1, 40, series="entry"), "b": figure(0, 1, 70, series="both")}
    found = summands(["b", "e"], figures, 0, DAY, 10, upper=True)
    assert sorted(t.sign * t.amount for t in found) == [-70, 40, 40]
    assert sentence(found, 10, upper=True) == "at most 10: 2 × 40 (r) minus 70 (r)"


def test_where_no_sum_is_found_the_reports_are_named():
    figures = {"e": figure(0, 1, 40, series="entry"), "b": figure(0, 1, 70, series="both")}
    found = summands(["b", "e"], figures, 0, DAY, 11, upper=True)
    assert found == []
    assert sentence(found, 11, upper=True, named=["b", "e", "b"]) == "at most 11: follows from b, e together"


def test_words_for_bounds_without_a_proof():
    assert sentence([], None, upper=True) == "no report caps it"
    assert sentence([], 0, upper=False) == "at least 0: a flow is never negative"
    assert sentence([Term(1, 5, "(a)"), Term(1, 5, "(a)")], 10, upper=True) == "at most 10: 2 × 5 (a)"


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
@settings(max_examples=80)
@given(st.data())
def test_every_bound_of_random_reports_is_the_sum_of_its_proof(boundary, data):
    rows = data.draw(reports_with_each_day(boundary))
    series = {"series": "s", "country": "FIN", "timezone": ZONE, "day_boundary": boundary, "direction": "entry",
              "citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control"}  # fmt: skip
    events = pd.DataFrame(columns=["event_id", "date", "country", "is_break"])
    result = build(rows, pd.DataFrame([series]), events)
    starts = {"s": (ZONE, boundary)}
    figures = explanation.figures_of(_published(rows), FINDINGS.conform(result.findings).to_pandas(), starts)
    assert misfits(DAILY.conform(result.daily).to_pandas(), figures, starts) == []


def _published(rows: pd.DataFrame) -> pd.DataFrame:
    stamps = {c: pd.to_datetime(rows[c], unit="s", utc=True) for c in ("start_instant", "end_instant")}
    texts = dict.fromkeys(("start_time", "end_time"), None)
    dates = {f"period_{end}": [t.date() for t in stamps[f"{end}_instant"]] for end in ("start", "end")}
    return rows.assign(**stamps, **texts, **dates, timezone=ZONE, scope="national", value=None)


def misfits(daily: pd.DataFrame, figures: dict[str, Figure], starts: dict[str, tuple[str, str]]) -> list[tuple]:
    """Bounds that are not the sum of their proof; a lower bound of 0 needs none."""
    wrong = []
    for row in daily.to_dict("records"):
        window = [int(v) for v in midnights(row["date"], row["date"], *starts[row["series"]])]
        for end in ("lower", "upper"):
            if pd.isna(row[end]) or (row[end] == 0 and end == "lower"):
                continue
            path = list(row[f"{end}_proof"])
            found = summands(path, figures, *window, int(row[end]), upper=end == "upper")
            total = sum(t.sign * t.amount for t in found)
            if total != row[end]:
                wrong.append((row["series"], row["date"], end, row[end], total, path))
    return wrong


def test_every_bound_of_every_day_of_a_release_is_the_sum_of_its_proof(analyst):
    starts = explanation.civil_days(catalog.load("series"))
    daily, reports, findings = catalog.daily(), catalog.reports(), catalog.findings()
    figures = explanation.figures_of(reports[reports["role"] == "constraint"], findings, starts)
    assert len(daily) > 20_000
    assert misfits(daily, figures, starts) == []
