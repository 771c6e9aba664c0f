"""Proofs in words: every bound is the sum of its terms, said as a small sum."""

from __future__ import annotations

import math

import pandas as pd

from crossings import catalog, explanation
from crossings.proofs import Figure, sentence, total

FIGURES = {
    "w": Figure(1200.0, 1200.0, "(w)"), "m": Figure(100.0, 100.0, "(m)"), "s": Figure(300.0, 400.0, "(s)"),
    "cap": Figure(0.0, 300.0, "(cap, each day)"), "open": Figure(None, 40.0, "(open)"),
}  # fmt: skip


def term(report_id, end, times, day=None):
    return {"report_id": report_id, "end": end, "times": float(times), "day": day}


def test_an_upper_bound_is_the_total_less_what_other_days_have_at_least():
    terms = [term("m", "lower", -1), term("w", "upper", 1), term("s", "lower", -1)]
    assert total(terms, FIGURES) == 800
    assert sentence(terms, FIGURES, 800, upper=True) == "at most 800: 1,200 (w) minus 100 (m) minus 300 (s)"


def test_equal_summands_are_counted_together():
    terms = [term("cap", "upper", -1), term("w", "lower", 1), term("cap", "upper", -1)]
    assert sentence(terms, FIGURES, 600, upper=False) == "at least 600: 1,200 (w) minus 2 × 300 (cap, each day)"


def test_a_report_may_count_twice_or_by_half():
    assert sentence([term("m", "upper", 2), term("s", "lower", -0.5)], FIGURES, 50, upper=True) == (
        "at most 50: 2 × 100 (m) minus 0.5 × 300 (s)"
    )


def test_a_sum_that_is_no_whole_number_is_told_as_it_is():
    assert sentence([term("m", "upper", 0.255)], FIGURES, 26, upper=True) == (
        "at most 26: 0.255 × 100 (m) (whole sum 25.5, rounded outwards)"
    )


def test_words_for_bounds_without_a_proof():
    assert sentence([], FIGURES, None, upper=True) == "no report caps it"
    assert sentence([], FIGURES, float("nan"), upper=False) == "no report sets a least number"
    assert sentence([], FIGURES, 0, upper=False) == "at least 0: a flow is never negative"


def test_every_bound_of_every_day_of_a_release_is_the_sum_of_its_terms(analyst):
    daily, reports = catalog.daily(), catalog.reports()
    figures = explanation.figures_of(reports[reports["role"] == "constraint"])
    assert len(daily) > 20_000
    wrong = []
    for end, outwards in (("lower", math.floor), ("upper", math.ceil)):
        for bound, terms in daily.loc[daily[end].notna(), [end, f"{end}_terms"]].itertuples(index=False):
            reached = round(total(terms, figures), 6)
            if outwards(reached) != bound:
                wrong.append((end, bound, reached, terms))
    assert wrong == []


def test_reports_that_were_moved_say_what_was_printed(analyst):
    reports = catalog.reports("FIN").set_index("report_id", drop=False)
    moved = reports[(reports["settled_lower"] != reports["lower"]).fillna(False).to_numpy(bool)]
    assert len(moved)
    figures = explanation.figures_of(moved)
    assert all("because reports clash" in f.name("lower") for f in figures.values())
    assert pd.isna(catalog.findings("FIN").query("rule == 'reconciled'")["gap"]).all()


def test_an_end_that_did_not_move_is_not_said_to_have_moved(analyst):
    reports = catalog.reports("FIN").set_index("report_id", drop=False)
    rows = reports.loc[["FIN-024"]]
    assert rows["settled_lower"].equals(rows["lower"])
    assert not rows["settled_upper"].equals(rows["upper"])
    (figure,) = explanation.figures_of(rows).values()
    assert figure.name("lower") == "(FIN-024, 2022-09-21)"
    assert figure.name("upper") == "(FIN-024, 2022-09-21, moved from 4,824 because reports clash)"
