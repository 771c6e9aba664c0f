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
    assert sentence([], FIGURES, None, upper=False) == "no report sets a least number"
    assert sentence([], FIGURES, 0, upper=False) == "at least 0: a flow is never negative"


def test_a_bound_on_which_explanations_differ_says_who_is_wrong_and_what_holds_otherwise():
    cap = [term("cap", "upper", 1)]
    assert sentence(cap, FIGURES, 300, upper=True, aside=["a", "b"], otherwise=100) == (
        "at most 300 if a and b are both wrong, at most 100 otherwise: 300 (cap, each day)"
    )
    assert sentence([], FIGURES, 0, upper=False, aside=["a"], otherwise=60) == (
        "at least 0 if a is wrong, at least 60 otherwise: a flow is never negative"
    )
    assert sentence([], FIGURES, None, upper=True, aside=["a", "b", "c"], otherwise=60) == (
        "no report caps it if a, b and c are all wrong, at most 60 otherwise"
    )


def test_where_others_attain_the_same_end_nobody_is_named():
    assert sentence([term("cap", "upper", 1)], FIGURES, 300, upper=True, aside=["a"], otherwise=300) == (
        "at most 300: 300 (cap, each day)"
    )


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


def test_where_reports_clash_a_bound_says_what_is_set_aside_and_rests_on_none_of_it(analyst):
    daily, findings = catalog.daily(), catalog.findings()
    admitted = findings[findings["rule"] == "alternative"]
    named = {i for ids in admitted["report_ids"] for i in ids}
    contested = 0
    for end in ("lower", "upper"):
        for ids, terms in daily.loc[daily[f"{end}_aside"].map(len) > 0, [f"{end}_aside", f"{end}_terms"]].itertuples(
            index=False
        ):
            contested += 1
            assert set(ids) <= named
            assert not {t["report_id"] for t in terms} & set(ids)
    assert contested > 100
    where = set(admitted["country"])
    assert not daily.loc[~daily["country"].isin(where), "lower_aside"].map(len).any()


def test_a_report_of_a_proof_says_whether_it_was_spoken_and_its_window_inferred(analyst):
    reports = catalog.reports().set_index("report_id", drop=False)
    figures = explanation.figures_of(reports)
    assert figures["FIN-024"].label == "(FIN-024, 2022-09-21)"
    for report_id, figure in figures.items():
        row = reports.loc[report_id]
        assert (", spoken" in figure.label) == (row["speech_mode"] == "spoken")
        assert ("window inferred" in figure.label) == (row["period_basis"] == "inferred")
        for end in ("lower", "upper"):
            said = getattr(figure, end)
            assert said is None if pd.isna(row[end]) else said == row[end]
