"""What may be wrong where reports clash: the admitted sets and the hull over them, against trying every subset with an LP.

Small systems of one series and of tied ones; a report may be one of several of its origin (method.md 4.4).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from explanation_oracle import COST, SLACK, Subsets, hull
from hypothesis import given
from hypothesis import strategies as st
from tied_systems import (
    BOTH,
    DAY,
    INF,
    N_DAYS,
    NET,
    PART,
    SUM,
    TIES,
    TOOLS,
    System,
    block_of,
    row,
    statements,
)

from transforms.estimator.clashes import Clashes
from transforms.estimator.days import Days
from transforms.estimator.explanations import Costs
from transforms.estimator.results import Window
from transforms.estimator.single import solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.system import one_series

WEEK = 7 * DAY


class Case(NamedTuple):
    """A drawn system, and the statement behind each report."""

    system: System
    origin: dict[str, str]

    @property
    def blocks(self):
        if set(self.system.members) == {"S"}:
            return one_series("S", self.statements)
        block = block_of(self.system)
        origins = np.array([self.origin[str(i)] for i in block.statements.report_id], dtype=object)
        return replace(block, statements=replace(block.statements, origin_id=origins)).blocks()

    @property
    def statements(self):
        c = statements(*self.system.members["S"])
        return replace(c, origin_id=np.array([self.origin[str(i)] for i in c.report_id], dtype=object))

    def clashes(self, **choices):
        return Clashes.of(self.blocks, replace(TOOLS, **choices))

    def changed(self, change):
        """Every row changed."""
        return Case(
            System({s: [change(r) for r in rows] for s, rows in self.system.members.items()}, self.system.identities),
            self.origin,
        )


@st.composite
def cases(draw, kinds, fewest=3, most=7, days=N_DAYS):
    """Reports on a few days of which about half are false; now and then two are of one origin."""
    kind = draw(st.sampled_from(kinds))
    names, identities = TIES.get(kind, (("S",), ()))
    counts = st.lists(st.integers(0, 9), min_size=days, max_size=days)
    a, b = np.array(draw(counts)), np.array(draw(counts))
    truth = {"S": a, "E": a, "X": b, "N": a - b, "B": a + b, "P": a, "R": b, "Q": b, "W": a + b}
    reported = [n for n in names if n != "R"]
    members = {name: [] for name in names}
    origin = {}
    for k in range(draw(st.integers(fewest, most))):
        name = draw(st.sampled_from(reported))
        first = draw(st.integers(0, days - 1))
        last = draw(st.integers(first, days - 1))
        value = int(truth[name][first : last + 1].sum()) + draw(st.sampled_from([0, 0, 2, 7, 30]))
        below, above = draw(st.sampled_from([(0, 0), (0, 0), (0, 0), (1, 2), (3, INF), (INF, 1)]))
        low = value - below
        low = (-INF if name == "N" else 0) if np.isinf(low) else low if name == "N" else max(low, 0)
        low = 1 if low == 0 and np.isinf(above) and name != "N" else low  # a report that states nothing is none
        members[name].append(row(f"r{k}", first, last, low, value + above, draw(st.integers(1, 4))))
        origin[f"r{k}"] = draw(st.sampled_from([f"o{k}", f"o{k}", f"o{k}", f"o{k}", "o0"]))
    return Case(System(members, identities), origin)


SINGLE = cases(("one series",))
TIED = cases(("directions", "scopes", "parts", "subset"), fewest=4, days=2)
EITHER = st.one_of(SINGLE, TIED)


def clusters(found):
    return [cluster for explained in found.explained for cluster in explained.clusters]


def choices(found):
    """The sets that may be wrong: a correction of each cluster, together."""
    lists = [[frozenset(c.origins) for c in cluster.corrections] for cluster in clusters(found)]
    return [frozenset().union(*chosen) for chosen in product(*lists)] if lists else []


def asked(data, blocks, most=4):
    """Some windows of whole and half days inside the blocks."""
    found = []
    for _ in range(data.draw(st.integers(1, most))):
        block = data.draw(st.sampled_from(blocks))
        first, last = 2 * block.start // DAY, 2 * block.end // DAY
        a = data.draw(st.integers(first, last - 1))
        member = data.draw(st.integers(0, len(block.members) - 1))
        found.append(Window(member, a * DAY // 2, data.draw(st.integers(a + 1, last)) * DAY // 2))
    return found


# --- against every subset ----------------------------------------------------------------------------------------------


@given(EITHER)
def test_the_admitted_sets_are_the_minimal_ones_within_the_slack_of_the_cheapest_and_no_other(case):
    found, every = case.clashes(), Subsets(case.system, case.origin)
    corrections = every.corrections()
    if corrections == {frozenset()}:
        assert not found.explained
        assert not found.conflicts
        return
    assert found.conflicts
    assert not any(e.too_many or e.unprotected for e in found.explained)
    chosen = choices(found)
    assert len(chosen) == len(set(chosen))
    touched = [frozenset().union(*(c.origins for c in cluster.corrections)) for cluster in clusters(found)]
    assert sum(map(len, touched)) == len(frozenset().union(*touched)), "clusters share no unit"
    for cluster in clusters(found):
        least = min(c.cost for c in cluster.corrections)
        assert cluster.leading.cost <= least + 1, "only one that costs next to nothing more may lead"
        for c in cluster.corrections:
            assert c.cost == every.total(c.origins) <= least + SLACK
            assert set(c.report_ids) == set().union(*(every.of[u] for u in c.origins))
    cheapest = min(map(every.total, corrections))
    assert sum(min(c.cost for c in cluster.corrections) for cluster in clusters(found)) == cheapest
    within = [
        m
        for m in corrections
        if m <= frozenset().union(*touched)
        and all(
            every.total(m & mine) <= min(c.cost for c in cluster.corrections) + SLACK
            for mine, cluster in zip(touched, clusters(found), strict=True)
        )
    ]
    assert set(chosen) == set(within)
    assert {m for m in corrections if every.total(m) <= cheapest + SLACK} <= set(chosen)


@given(EITHER)
def test_every_admitted_set_lets_the_rest_agree_and_none_of_it_can_be_put_back(case):
    found, every = case.clashes(), Subsets(case.system, case.origin)
    for aside in choices(found):
        assert every.agrees(aside)
        for unit in aside:
            assert not every.agrees(aside - {unit})


@given(EITHER, st.data())
def test_bounds_are_the_hull_over_the_admitted_sets_and_each_end_is_that_of_the_set_it_names(case, data):
    found, every = case.clashes(), Subsets(case.system, case.origin)
    if not case.blocks:
        return
    chosen = choices(found) or [frozenset()]
    windows = asked(data, case.blocks)
    for window, bound in zip(windows, found.bounded.bounds(windows), strict=True):
        series = case.blocks[0].members[window.member]
        ranges = every.ranges(chosen, series, window.start, window.end)
        assert (bound.lower, bound.upper) == hull(ranges)
        assert bound.contested == (len(set(ranges)) > 1)
        alone = found.bounded.between(*window)
        assert replace(alone, lower_terms=(), upper_terms=()) == replace(bound, lower_terms=(), upper_terms=())
        told = [frozenset().union(*(every.of[u] for u in units)) for units in chosen]
        ends = zip(*ranges, strict=True)
        asides, others = (bound.lower_aside, bound.upper_aside), (bound.lower_otherwise, bound.upper_otherwise)
        for values, aside, otherwise, loosest in zip(ends, asides, others, (min, max), strict=True):
            assert bool(aside) == (len(set(values)) > 1)
            if aside and len(found.explained) == 1:
                wrong = {v for v, ids in zip(values, told, strict=True) if ids.issuperset(aside)}
                right = [v for v, ids in zip(values, told, strict=True) if not ids.issuperset(aside)]
                assert wrong == {loosest(values)}
                assert otherwise == loosest(right)
        assert not {t.report_id for t in bound.lower_terms} & set(bound.lower_aside)
        assert not {t.report_id for t in bound.upper_terms} & set(bound.upper_aside)


@given(EITHER, st.data())
def test_where_there_are_more_combinations_than_are_solved_bounds_are_still_no_tighter(case, data):
    found, every = case.clashes(costs=Costs(scenarios=1)), Subsets(case.system, case.origin)
    if not case.blocks:
        return
    windows = asked(data, case.blocks)
    for window, bound in zip(windows, found.bounded.bounds(windows), strict=True):
        series = case.blocks[0].members[window.member]
        low, high = hull(every.ranges(choices(found) or [frozenset()], series, window.start, window.end))
        assert bound.lower <= low
        assert bound.upper >= high


# --- the estimate ------------------------------------------------------------------------------------------------------


@given(SINGLE)
def test_the_estimate_lies_in_the_hull_and_meets_every_report_that_is_not_set_aside(case):
    c = case.statements
    days = Days.of(c, "UTC", "00:00")
    result = solve_series("S", c, days, np.zeros(len(days), dtype=bool), frozenset(), TOOLS)
    assert not result.fallbacks
    aside = {i for cluster in clusters(result) for i in cluster.leading.report_ids}
    assert result.aside == aside
    assert bool(aside) == (not Subsets(case.system, case.origin).agrees(frozenset()))
    point = np.isfinite(result.estimate)
    assert (result.lower[point] <= result.estimate[point]).all()
    assert (result.estimate[point] <= result.upper[point]).all()
    starts = result.days.starts
    for a, b, low, high, report_id in zip(c.start, c.end, c.lower, c.upper, c.report_id, strict=True):
        total = result.estimate[np.searchsorted(starts, a) : np.searchsorted(starts, b)].sum()
        assert str(report_id) in aside or np.isnan(total) or low <= total <= high


# --- what must not matter ------------------------------------------------------------------------------------------------


def ends(bounds):
    return [(b.lower, b.upper) for b in bounds]


@given(EITHER, st.randoms(use_true_random=False), st.data())
def test_the_order_of_reports_changes_nothing(case, chance, data):
    shuffled = {s: chance.sample(rows, len(rows)) for s, rows in reversed(case.system.members.items())}
    other = Case(System(shuffled, case.system.identities), case.origin)
    one, two = case.clashes(), other.clashes()
    assert clusters(one) == clusters(two)
    assert one.conflicts == two.conflicts
    if case.blocks:
        windows = asked(data, case.blocks)
        assert one.bounded.bounds(windows) == two.bounded.bounds(windows)


@given(EITHER, st.data())
def test_a_copy_of_a_report_is_no_evidence_of_its_own(case, data):
    name = data.draw(st.sampled_from([s for s, rows in case.system.members.items() if rows]))
    first = data.draw(st.sampled_from(case.system.members[name]))
    copy = (*first[:4], "copy", *first[5:])
    members = case.system.members | {name: [*case.system.members[name], copy]}
    more = Case(System(members, case.system.identities), case.origin | {"copy": case.origin[first[4]]})
    one, two = case.clashes(), more.clashes()
    assert set(choices(one)) == set(choices(two))
    unit = case.origin[first[4]]
    for cluster in clusters(two):
        for c in cluster.corrections:
            assert (unit in c.origins) == ("copy" in c.report_ids)
            assert c.cost == Subsets(case.system, case.origin).total(c.origins)
    if case.blocks:
        windows = asked(data, case.blocks)
        assert ends(one.bounded.bounds(windows)) == ends(two.bounded.bounds(windows))


@given(EITHER, st.data())
def test_a_week_later_the_same_holds_a_week_later(case, data):
    later = case.changed(lambda r: (r[0] + WEEK, r[1] + WEEK, *r[2:]))
    one, two = case.clashes(), later.clashes()
    assert clusters(one) == clusters(two)
    if case.blocks:
        windows = asked(data, case.blocks)
        shifted = [Window(m, a + WEEK, b + WEEK) for m, a, b in windows]
        for was, now in zip(one.bounded.bounds(windows), two.bounded.bounds(shifted), strict=True):
            assert (was.lower, was.upper, was.lower_aside, was.upper_aside) == (
                now.lower, now.upper, now.lower_aside, now.upper_aside,
            )  # fmt: skip
            assert (was.lower_proof, was.upper_proof) == (now.lower_proof, now.upper_proof)


@given(SINGLE, st.data())
def test_a_thousand_times_the_figures_give_a_thousand_times_the_bounds_and_the_same_sets(case, data):
    larger = case.changed(lambda r: (*r[:2], 1000 * r[2], 1000 * r[3], *r[4:]))
    one, two = case.clashes(), larger.clashes()
    assert clusters(one) == clusters(two)
    if case.blocks:
        windows = asked(data, case.blocks)
        times = [(1000 * low, 1000 * high) for low, high in ends(one.bounded.bounds(windows))]
        assert times == ends(two.bounded.bounds(windows))


@given(EITHER, st.data())
def test_a_report_that_fits_every_explanation_is_never_doubted_and_widens_nothing(case, data):
    before, every = case.clashes(), Subsets(case.system, case.origin)
    if not case.blocks:
        return
    (window,) = asked(data, case.blocks, most=1)
    names = case.blocks[0].members
    series = names[window.member]
    ranges = every.ranges(choices(before) or [frozenset()], series, window.start, window.end)
    low = min(min(high for _, high in ranges), 10_000) - data.draw(st.integers(0, 5))
    high = max(max(low for low, _ in ranges), -10_000) + data.draw(st.integers(0, 5))
    low, high = (low, max(low, high)) if series == "N" else (max(low, 0), max(low, high, 0))
    fresh = (window.start, window.end, low, high, "fresh", data.draw(st.integers(1, 4)), 1.0)
    members = case.system.members | {series: [*case.system.members[series], fresh]}
    more = Case(System(members, case.system.identities), case.origin | {"fresh": "fresh"})
    still = Subsets(more.system, more.origin)
    if not all(still.agrees(aside) for aside in choices(before) or [frozenset()]):
        return  # half a crossing between the ends
    after = more.clashes()
    assert not any("fresh" in aside for aside in choices(after))
    assert set(choices(after)) <= set(choices(before))
    if len(clusters(before)) < 2:
        assert set(choices(after)) == set(choices(before))
    windows = asked(data, case.blocks)
    for was, now in zip(before.bounded.bounds(windows), after.bounded.bounds(windows), strict=True):
        assert now.lower >= was.lower
        assert now.upper <= was.upper


# --- by hand -------------------------------------------------------------------------------------------------------------


def one(*rows, origin=None):
    rows = list(rows)
    return Case(System({"S": rows}, ()), {r[4]: (origin or {}).get(r[4], r[4]) for r in rows})


def sets(found):
    return sorted((tuple(sorted(c.report_ids)), c.cost) for cluster in clusters(found) for c in cluster.corrections)


def over(found, first, last, member=0):
    bound = found.bounded.between(member, first * DAY, (last + 1) * DAY)
    return bound.lower, bound.upper


def test_days_against_their_total():
    found = one(row("d1", 0, 0, 100), row("d2", 1, 1, 120), row("d3", 2, 2, 130), row("t", 0, 2, 359)).clashes()
    assert sets(found) == [(("d1",), 4), (("d2",), 4), (("d3",), 4), (("t",), 4)]
    assert [over(found, d, d) for d in range(3)] == [(100, 109), (120, 129), (130, 139)]
    assert over(found, 0, 2) == (350, 359)
    assert clusters(found)[0].leading.report_ids == ("t",)


def test_one_report_that_explains_two_conflicts_is_wrong_alone():
    days = [row("d1", 0, 0, 100), row("d2", 1, 1, 120), row("d3", 2, 2, 80)]
    found = one(*days, row("t12", 0, 1, 500), row("t13", 0, 2, 300)).clashes()
    assert sets(found) == [(("t12",), 4)]
    assert [over(found, d, d) for d in range(3)] == [(100, 100), (120, 120), (80, 80)]
    assert not found.bounded.between(0, 0, DAY).contested


@pytest.mark.parametrize(("tier", "wrong", "total"), [
    (2, [(("off",), 6), (("said",), 4)], (700, 900)), (3, [(("off",), 6), (("said",), 3)], (700, 900)),
    (4, [(("said",), 2)], (700, 700)),
])  # fmt: skip
def test_how_much_worse_the_other_must_be_for_a_final_figure_to_be_beyond_doubt(tier, wrong, total):
    found = one(row("off", 0, 6, 700, tier=1), row("said", 0, 6, 900, tier=tier)).clashes()
    assert sets(found) == wrong
    assert over(found, 0, 6) == total
    assert over(found, 2, 2) == (0, total[1])


def test_beside_one_operational_count_two_are_not_doubted_but_beside_a_spoken_figure_two_spoken_ones_are():
    pair = [row("a", 0, 0, 100), row("b", 0, 0, 100)]
    assert sets(one(*pair, row("c", 0, 0, 90)).clashes()) == [(("c",), 4)]
    spoken = [row("a", 0, 0, 100, tier=3), row("b", 0, 0, 100, tier=3)]
    assert sets(one(*spoken, row("c", 0, 0, 90, tier=3)).clashes()) == [(("a", "b"), 6), (("c",), 3)]
    copies = one(*pair, row("c", 0, 0, 90), origin={"b": "a"}).clashes()
    assert sets(copies) == [(("a", "b"), 4), (("c",), 4)]


def test_without_a_wrong_total_nothing_caps_a_floor():
    found = one(row("t", 0, 6, 700), row("floor", 0, 6, 801, INF, tier=3)).clashes()
    assert sets(found) == [(("floor",), 3), (("t",), 4)]
    assert over(found, 0, 6) == (700, INF)
    assert over(found, 3, 3) == (0, INF)


def test_clashes_that_share_no_report_have_lists_of_their_own_and_combine():
    first = [row("a1", 0, 0, 10), row("a2", 1, 1, 20), row("a", 0, 1, 40)]
    second = [row("b1", 3, 3, 50), row("b2", 4, 4, 60), row("b", 3, 4, 100)]
    found = one(*first, *second, row("all", 0, 4, 200)).clashes()
    assert [len(cluster.corrections) for cluster in clusters(found)] == [3, 3]
    assert len(found.explained[0].scenarios(TOOLS.costs)) == 9
    assert (over(found, 0, 1), over(found, 3, 4)) == ((30, 40), (100, 110))
    assert over(found, 2, 2) == (50, 70)
    assert over(found, 0, 4) == (200, 200)


def test_entries_exits_and_net():
    members = {"E": [row("e", 0, 0, 100)], "X": [row("x", 0, 0, 60)], "N": [row("n", 0, 0, 50)]}
    found = Case(System(members, (NET,)), {"e": "e", "x": "x", "n": "n"}).clashes()
    assert sets(found) == [(("e",), 4), (("n",), 4), (("x",), 4)]
    assert [over(found, 0, 0, m) for m in range(3)] == [(100, 110), (40, 50), (50, 60)]


def test_a_report_of_each_day_and_its_copies_are_one_unit():
    found = one(
        row("each", 0, 0, 50, 60, tier=3), (DAY, 2 * DAY, 50, 60, "each", 3, 1.0), (2 * DAY, 3 * DAY, 50, 60, "each", 3, 1.0),
        row("exact", 1, 1, 90), row("t", 0, 2, 200),
    ).clashes()  # fmt: skip
    assert sets(found) == [(("each",), 3)]
    assert [over(found, d, d) for d in range(3)] == [(0, 110), (90, 90), (0, 110)]


def test_what_a_decision_prefers_is_doubted_only_where_nothing_else_can_be_wrong():
    case = one(row("a", 0, 0, 100), row("b", 0, 0, 130), row("later", 5, 5, 7))
    assert sets(case.clashes(protected=frozenset("a"))) == [(("b",), 4)]
    assert over(case.clashes(protected=frozenset("a")), 0, 0) == (100, 100)
    both = case.clashes(protected=frozenset("ab"))
    assert sets(both) == [(("a",), 4), (("b",), 4)]
    assert [e.unprotected for e in both.explained] == [True]
    assert [e.unprotected for e in case.clashes(protected=frozenset(["later"])).explained] == [False]


def test_a_search_that_grows_too_large_leaves_its_group_open_and_no_other():
    clash = [row(f"d{d}", d, d, 10) for d in range(4)]
    case = one(*clash, row("t", 0, 3, 50), row("quiet", 6, 6, 7))
    assert len(sets(case.clashes())) == 5
    found = case.clashes(costs=Costs(searches=0))
    (explained,) = found.explained
    assert explained.too_many
    assert explained.unknown == {"d0", "d1", "d2", "d3", "t"}
    assert (over(found, 0, 0), over(found, 6, 6)) == ((0, INF), (7, 7))
    (told,) = found.fallbacks
    assert (told.step, told.series, set(told.report_ids)) == ("conflicts", ("S",), explained.unknown)
    assert found.conflicts, "the conflict is named all the same"


def test_costs_follow_the_tier_and_those_beyond_the_list_cost_as_the_last():
    costs = Costs()
    assert {tier: costs.of(tier) for tier in COST} == COST
    assert costs.slack == SLACK
    assert (costs.of(0), costs.of(9)) == (6, 2)


def test_both_engines_are_asked_about_every_kind_of_block():
    members = {"B": [row("b", 0, 0, 100)], "E": [row("e", 0, 0, 80)], "X": [row("x", 0, 0, 40)]}
    system = System(members, (BOTH,))
    assert {type(engine_for(b)).__name__ for b in block_of(system).blocks()} == {"LinearEngine"}
    parts = {"W": [row("w", 0, 1, 10)], "P": [row("p", 0, 0, 12, tier=1)]}
    found = Case(System(parts, (PART,)), {"w": "w", "p": "p"}).clashes()
    assert sets(found) == [(("p",), 6), (("w",), 4)]
    assert (over(found, 0, 0, 0), over(found, 0, 1, 1)) == ((0, 12), (10, INF))
    thirds = {"W": [row("w", 0, 0, 10)], "P": [row("p", 0, 0, 6)], "Q": [row("q", 0, 0, 6)]}
    found = Case(System(thirds, (SUM,)), dict(zip("wpq", "wpq", strict=True))).clashes()
    assert [over(found, 0, 0, m) for m in range(3)] == [(4, 6), (4, 6), (10, 12)]
