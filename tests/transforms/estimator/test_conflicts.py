"""Contradictions: minimal sets, right gaps, plain words, and a deterministic choice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interval_systems import CASES, INF, contradictory, of_case, only, system
from scipy.optimize import linprog
from transforms.estimator.bounds import infeasible_blocks

from transforms.estimator import conflicts
from transforms.estimator.conflicts import Named, describe, find_conflicts, minimal_total_slack

EXPECTED = {
    n: c for n, c in CASES.items() if c["expect"].get("feasible") is False and n != "syndicated_copies_count_once"
}


@pytest.mark.parametrize("name", EXPECTED)
def test_cases_name_the_irreducible_sets_and_their_gaps(name):
    expect = EXPECTED[name]["expect"]
    c = of_case(EXPECTED[name])
    found = find_conflicts(c)
    assert [(list(f.report_ids), f.gap) for f in found] == [(x["report_ids"], x["gap"]) for x in expect["conflicts"]]
    if "minimal_total_slack" in expect:
        assert minimal_total_slack(c) == expect["minimal_total_slack"]


@settings(max_examples=120, deadline=None)
@given(contradictory())
def test_each_set_clashes_and_agrees_without_any_one_of_its_reports(given_):
    c, _ = given_
    found = find_conflicts(c)
    assert bool(found) == bool(infeasible_blocks(c))
    left = c
    for f in found:
        assert f.irreducible
        assert f.gap > 0
        assert set(f.at_most) | set(f.at_least) == set(f.report_ids)
        assert f.least - f.most == f.gap
        assert infeasible_blocks(only(c, f.report_ids))
        for i in f.report_ids:
            assert not infeasible_blocks(only(c, set(f.report_ids) - {i}))
        tiers = {i: only(c, [i]).tier[0] for i in f.report_ids}
        assert tiers[f.set_aside] == max(tiers.values())
        left = left.take(left.report_id != f.set_aside)
    assert not infeasible_blocks(left)


@settings(max_examples=60, deadline=None)
@given(contradictory())
def test_the_smallest_change_settles_the_set_and_one_less_does_not(given_):
    c, _ = given_
    for f in find_conflicts(c):
        for change in f.changes:
            for less, settled in ((0.0, True), (1.0, False)):
                own = only(c, f.report_ids)
                ends = own.lower if change.side == "lower" else own.upper
                step = less if change.side == "upper" else -less
                ends[own.report_id == change.report_id] = change.after - step
                assert (not infeasible_blocks(own)) == settled


@settings(max_examples=60, deadline=None)
@given(contradictory())
def test_minimal_total_slack_equals_an_independent_programme(given_):
    c, _ = given_
    nodes = np.unique(np.concatenate((c.start, c.end)))
    n, m = len(nodes), len(c)
    a, b = np.searchsorted(nodes, c.start), np.searchsorted(nodes, c.end)
    lines, right = [], []
    for i in range(m):
        row = np.zeros(n + m)
        row[b[i]], row[a[i]], row[n + i] = 1, -1, -1
        if np.isfinite(c.upper[i]):
            lines.append(row)
            right.append(c.upper[i])
        if np.isfinite(c.lower[i]):
            lines.append(np.concatenate((-row[:n], row[n:])))
            right.append(-c.lower[i])
    for i in range(n - 1):
        row = np.zeros(n + m)
        row[i], row[i + 1] = 1, -1
        lines.append(row)
        right.append(0.0)
    cost = np.concatenate((np.zeros(n), np.ones(m)))
    r = linprog(cost, A_ub=np.array(lines), b_ub=right, bounds=[(None, None)] * n + [(0, None)] * m, method="highs")
    assert minimal_total_slack(c) == pytest.approx(r.fun, abs=1e-6)


def test_a_weekend_total_is_named_rather_than_its_two_days():
    days = [4824, 6470, 7667, 8572, 8314, 7743, 7056]
    rows = [(f"FIN-{21 + i}", i, i + 1, v, v) for i, v in enumerate(days)]
    c = system(*rows, ("FIN-weekend", 3, 5, 16886, 16886), ("FIN-week", 0, 7, 50655, 50655))
    (found,) = find_conflicts(c)
    assert found.report_ids == ("FIN-21", "FIN-22", "FIN-23", "FIN-26", "FIN-27", "FIN-week", "FIN-weekend")
    assert found.gap == 9


def test_two_separate_clashes_are_both_listed_and_the_lowest_tier_gives_way():
    c = system(
        ("a", 0, 1, 10, 10, 1, 1),
        ("b", 0, 1, 12, 12, 3, 1),
        ("c", 5, 6, 10, 10, 4, 1),
        ("d", 5, 6, 30, 30, 2, 1),
        ("e", 0, 6, 0, 500, 2, 1),
    )
    assert [(f.report_ids, f.gap, f.set_aside) for f in find_conflicts(c)] == [
        (("a", "b"), 2, "b"),
        (("c", "d"), 20, "c"),
    ]


def test_a_per_day_ceiling_is_one_report_however_many_days_it_takes():
    cap = [("cap", i, i + 1, 0, 30000) for i in range(13)]
    c = system(*cap, ("total", 0, 13, 406000, INF))
    (found,) = find_conflicts(c)
    assert found.report_ids == ("cap", "total")
    assert found.gap == 16000
    assert {ch.report_id: ch.after for ch in found.changes} == {"cap": 30000 + 1231, "total": 390000}


def test_the_message_names_reports_publishers_figures_and_the_smallest_change():
    c = system(("d21", 0, 1, 4824, 4824), ("d22", 1, 2, 6470, 6470), ("wk", 0, 2, 11299, 11299))
    (found,) = find_conflicts(c)
    names = {"wk": Named("border guard", "11,299"), "d21": Named("news", "4,824")}
    assert describe(found, names, "2022-09-21 to 2022-09-22", "crossings") == (
        "CONFLICT gap=5 crossings: d21 (news, 4,824), d22 together give at most 11,294 for 2022-09-21 to 2022-09-22;"
        " wk (border guard, 11,299) gives at least 11,299. Smallest change, one of: raise d21 from 4,824 to 4,829;"
        " raise d22 from 6,470 to 6,475; lower wk from 11,299 to 11,294"
    )


@settings(max_examples=30, deadline=None)
@given(contradictory(), st.data())
def test_the_order_of_rows_does_not_matter(given_, data):
    c, _ = given_
    order = np.array(data.draw(st.permutations(range(len(c)))))
    assert find_conflicts(c) == find_conflicts(c.take(order))


def test_a_long_block_is_searched_where_it_clashes(monkeypatch):
    monkeypatch.setattr(conflicts, "_WHOLE_SEARCH", 3)
    rows = [(f"d{i:02d}", i, i + 1, 5, 5) for i in range(30)]
    c = system(*rows, ("all", 0, 30, 0, 1000), ("three", 10, 13, 17, 17), ("two", 20, 22, 8, 8))
    assert [f.report_ids for f in find_conflicts(c)] == [("d10", "d11", "d12", "three"), ("d20", "d21", "two")]
