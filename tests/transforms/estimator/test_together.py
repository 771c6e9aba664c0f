"""Tied series: identities tighten bounds, contradictions are named and settled, one point keeps the identities."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from tied_systems import (
    BOTH,
    DAY,
    INF,
    NET,
    PART,
    PERSONS,
    REST,
    SUM,
    TOOLS,
    between,
    clock,
    ends,
    points,
    row,
    statements,
    together,
)

from crossings.calendar import midnights
from crossings.errors import CrossingsError
from transforms.estimator.days import Days
from transforms.estimator.identities import Identity, groups
from transforms.estimator.single import solve_series
from transforms.estimator.system import cut, stretches
from transforms.estimator.together import Tied, solve_together


def conflicts(found):
    return [c for stretch in found.stretches for c in stretch.conflicts]


def corrections(found):
    """What may be wrong: per cluster, the admitted sets with their costs, the leading one first."""
    return [
        [("".join(c.report_ids), c.cost) for c in cluster.corrections]
        for stretch in found.stretches
        for explained in stretch.explained
        for cluster in explained.clusters
    ]


# --- identities tighten -------------------------------------------------------------------------------------------


def test_net_tightens_entries_and_exits_through_each_other():
    zone = "Asia/Almaty"
    starts = midnights(dt.date(2022, 9, 21), dt.date(2022, 11, 29), zone)
    a, b = int(starts[0]), int(starts[-1])
    rows = {
        "E": statements((a, b, 400_001, 420_000, "e", 2, 1.0)),
        "X": statements((a, b, 320_001, 336_000, "x", 2, 1.0)),
    }
    days = Days.around(a, b, zone, "00:00")
    quiet = np.zeros(len(days), dtype=bool)
    alone = {n: solve_series(n, c, days, quiet, frozenset(), TOOLS) for n, c in rows.items()}
    signed = {"N": statements((a, b, 95_000, 105_000, "n", 2, 1.0))}
    tied = Tied(alone, signed, {"E": True, "X": True, "N": False}, (NET,), zone, "00:00")
    found = solve_together(tied, TOOLS)
    bounds = {s: found.between(s, a, b) for s in "EXN"}
    assert ends(bounds["E"]) == (415_001, 420_000)
    assert ends(bounds["X"]) == (320_001, 325_000)
    assert ends(bounds["N"]) == (95_000, 99_999)
    assert bounds["E"].lower_proof == ("n", "x")
    assert bounds["E"].upper_proof == ("e",)
    assert bounds["N"].upper_proof == ("e", "x")
    e, n, x = (np.array(points(found, s)) for s in "ENX")
    assert (n == e - x).all()
    assert 415_001 <= e.sum() <= 420_000
    assert 320_001 <= x.sum() <= 325_000
    assert 95_000 <= n.sum() <= 99_999


def test_both_directions_and_entries_give_exits():
    found = together({"B": [row("b", 0, 0, 7070)], "E": [row("e", 0, 0, 4443)], "X": []}, [BOTH])
    bound = found.between("X", 0, DAY)
    assert ends(bound) == (2627, 2627)
    assert bound.lower_proof == bound.upper_proof == ("b", "e")
    assert points(found, "X") == [2627]


def test_the_rest_follows_from_whole_and_part():
    found = together({"W": [row("all", 0, 0, 4824)], "P": [row("se", 0, 0, 4443)], "R": []}, [REST])
    assert {s: between(found, s, 0, 0) for s in "WPR"} == {"W": (4824, 4824), "P": (4443, 4443), "R": (381, 381)}
    assert points(found, "R") == [381]


def test_part_and_whole_bound_each_other_on_every_window():
    found = together({"W": [row("w", 0, 1, 100)], "P": [row("p0", 0, 0, 30), row("p1", 1, 1, 20)]}, [PART])
    bound = found.between("W", 0, DAY)
    assert ends(bound) == (30, 80)
    assert bound.lower_proof == ("p0",)
    assert bound.upper_proof == ("w", "p1")
    found = together({"W": [row("w0", 0, 0, 10), row("w1", 1, 1, 90)], "P": [row("p", 0, 1, 60)]}, [PART])
    assert between(found, "P", 0, 0) == (0, 10)
    assert between(found, "P", 1, 1) == (50, 60)


def test_exhaustive_parts_make_up_the_whole():
    found = together({"W": [row("w", 0, 2, 300)], "P": [row("p", 0, 2, 120)], "Q": []}, [SUM])
    w, p, q = (np.array(points(found, s)) for s in "WPQ")
    assert (w == p + q).all()
    assert q.sum() == 180
    assert between(found, "Q", 0, 2) == (180, 180)


def test_net_may_be_negative_and_flows_may_not():
    found = together({"E": [row("e", 0, 2, 30)], "X": [row("x", 0, 2, 90)], "N": []}, [NET])
    assert between(found, "N", 1, 1) == (-90, 30)
    e, x = (np.array(points(found, s)) for s in "EX")
    assert (e - x == -20).all()
    assert all(between(found, s, d, d)[0] >= 0 for s in "EX" for d in range(3))


def test_a_net_statement_alone_bounds_entries_from_below():
    found = together({"E": [], "X": [], "N": [row("n", 0, 0, 5)]}, [NET])
    assert between(found, "N", 0, 0) == (5, 5)
    assert points(found, "E") == points(found, "X") == [None]


def test_a_day_inside_a_longer_net_window_is_bounded_by_the_flows_not_by_the_window():
    members = {"E": [row("e", 0, 3, 5)], "X": [row("x", 0, 3, 5)], "N": [row("n", 0, 3, 0)]}
    found = together(members, [NET])
    assert between(found, "N", 2, 2) == (-5, 5)
    assert between(found, "N", 0, 3) == (0, 0)
    assert between(found, "N", 1, 2) == (-5, 5)


def test_persons_bound_crossings_only_over_the_same_window():
    apart = together({"P": [row("p", 0, 1, 900)], "W": [row("w", 0, 2, 800)]}, [PERSONS])
    assert not conflicts(apart)
    same = together({"P": [row("p", 0, 2, 500)], "W": [row("w", 0, 2, 400, 800)]}, [PERSONS])
    assert between(same, "W", 0, 2) == (500, 800)
    clash = together({"P": [row("p", 0, 2, 900)], "W": [row("w", 0, 2, 800)]}, [PERSONS])
    assert [c.report_ids for c in conflicts(clash)] == [("p", "w")]


def test_persons_and_crossings_of_one_year_do_not_clash():
    found = together({"P": [row("pers", 0, 364, 869_874)], "W": [row("cross", 0, 364, 1_400_000)]}, [PERSONS])
    assert not conflicts(found)
    assert between(found, "P", 3, 3) == (0, 869_874)
    assert between(found, "W", 3, 3) == (0, 1_400_000)


def test_windows_that_start_at_ten_bound_the_days_they_touch():
    members = {"E": [clock("a", 10, 34, 240), clock("b", 34, 58, 480)], "X": [], "B": [clock("both", 10, 58, 800)]}
    found = together(members, [BOTH])
    assert between(found, "E", 1, 1) == (0, 720)
    assert found.between("E", DAY, 2 * DAY).upper_proof == ("a", "b")
    assert between(found, "X", 1, 1) == (0, 80)
    assert between(found, "E", 0, 0) == (0, INF)
    assert points(found, "E")[0] is None
    assert points(found, "B")[1] == points(found, "E")[1] + points(found, "X")[1]


def test_what_nothing_ties_is_left_to_the_single_series():
    found = together({"E": [row("e0", 0, 0, 5), row("e5", 5, 5, 7)], "X": [row("x0", 0, 0, 2)], "N": []}, [NET])
    assert found.stretches == ()
    assert between(found, "E", 0, 5) == (12, INF)
    assert between(found, "E", 5, 5) == (7, 7)
    assert between(found, "N", 0, 0) == (3, 3)


def test_a_report_in_one_block_leaves_other_blocks_as_they_are():
    members = {
        "E": [row("e0", 0, 3, 50), row("e1", 5, 8, 70)],
        "X": [row("x0", 0, 3, 20), row("x1", 5, 8, 10)],
        "N": [row("n0", 0, 1, 12), row("n1", 5, 6, 33)],
    }
    first = together(members, [NET])
    second = together(members | {"E": [members["E"][0], row("e1", 5, 8, 90)]}, [NET])
    for series in "ENX":
        assert points(first, series)[:5] == points(second, series)[:5]
        for d in range(5):
            assert first.between(series, d * DAY, (d + 1) * DAY) == second.between(series, d * DAY, (d + 1) * DAY)
    assert points(first, "E")[5:] != points(second, "E")[5:]


# --- contradictions -----------------------------------------------------------------------------------------------


def test_a_clash_between_series_is_named_with_its_identity_and_gap():
    members = {"B": [row("b", 0, 0, 100)], "E": [row("e", 0, 0, 80)], "X": [row("x", 0, 0, 40, tier=3, sigma=2.0)]}
    members["E"].append(row("later", 0, 1, 500))
    (clash,) = conflicts(together(members, [BOTH]))
    assert clash.report_ids == ("b", "e", "x")
    assert clash.identities == (BOTH,)
    assert str(clash.identities[0]) == "both: B = E + X"
    assert clash.gap == 20
    assert clash.set_aside == "x"
    assert clash.series == ("B", "E", "X")


def test_a_clash_inside_one_series_needs_no_identity_and_leaves_the_others_as_open_as_itself():
    members = {"E": [row("day", 0, 0, 30), row("week", 0, 6, 20)], "X": [row("x", 0, 6, 5)]}
    found = together(members | {"N": [row("n", 0, 0, -50, 50)]}, [NET])
    (clash,) = found.tied.alone["E"].conflicts
    assert conflicts(found) == [clash]
    assert clash.report_ids == ("day", "week")
    assert clash.identities == ()
    assert clash.gap == 10
    assert corrections(found) == [[("week", 4), ("day", 4)]]
    assert between(found, "E", 0, 0) == (0, 30)
    assert between(found, "E", 0, 6) == (20, INF)
    assert between(found, "N", 0, 0) == (-5, 30)
    assert between(found, "X", 0, 6) == (5, 5)


def test_several_independent_clashes_are_all_listed():
    members = {
        "E": [row("e0", 0, 0, 80), row("e1", 1, 1, 10), row("span", 0, 1, 0, 1000)],
        "X": [row("x0", 0, 0, 40), row("x1", 1, 1, 10)],
        "B": [row("b0", 0, 0, 100, tier=4), row("b1", 1, 1, 30, tier=4)],
    }
    found = conflicts(together(members, [BOTH]))
    assert {c.report_ids for c in found} == {("b0", "e0", "x0"), ("b1", "e1", "x1")}
    assert {c.set_aside for c in found} == {"b0", "b1"}
    assert sum(c.gap for c in found) == 30


def test_where_one_of_three_is_wrong_each_is_what_the_others_say_or_what_it_says():
    members = {"B": [row("b", 0, 0, 1000)], "E": [row("e", 0, 0, 800)], "X": [row("x", 0, 0, 340)]}
    found = together(members, [BOTH])
    assert corrections(found) == [[("x", 4), ("e", 4), ("b", 4)]]
    assert {s: between(found, s, 0, 0) for s in "BEX"} == {"B": (1000, 1140), "E": (660, 800), "X": (200, 340)}
    assert {s: points(found, s) for s in "BEX"} == {"B": [1000], "E": [800], "X": [200]}
    bound = found.between("B", 0, DAY)
    assert (bound.upper_aside, bound.upper_proof) == (("b",), ("e", "x"))
    assert bound.lower_proof == ("b",)
    assert bound.contested


def test_entries_exits_and_net_that_clash_are_each_bounded_by_the_two_others():
    members = {"E": [row("e", 0, 0, 100)], "X": [row("x", 0, 0, 60)], "N": [row("n", 0, 0, 50)]}
    found = together(members, [NET])
    assert {s: between(found, s, 0, 0) for s in "EXN"} == {"E": (100, 110), "X": (50, 60), "N": (40, 50)}


def test_a_lower_tier_alone_is_wrong_where_a_higher_one_would_cost_too_much():
    members = {"B": [row("b", 0, 0, 100, tier=1)], "E": [row("e", 0, 0, 80, tier=1)], "X": [row("x", 0, 0, 45, tier=4)]}
    found = together(members, [BOTH])
    assert corrections(found) == [[("x", 2)]]
    assert {s: between(found, s, 0, 0) for s in "BEX"} == {"B": (100, 100), "E": (80, 80), "X": (20, 20)}
    assert points(found, "X") == [20]
    spoken = together(members | {"X": [row("x", 0, 0, 45, tier=3)]}, [BOTH])
    assert corrections(spoken) == [[("x", 3), ("e", 6), ("b", 6)]]
    assert {s: between(spoken, s, 0, 0) for s in "BEX"} == {"B": (100, 125), "E": (55, 80), "X": (20, 45)}
    assert points(spoken, "X") == [20]


def test_a_net_that_is_set_aside_is_no_point_and_one_that_is_followed_is():
    members = {"N": [row("n", 0, 0, 2), row("m", 0, 0, -8, 0), row("o", 1, 1, -3)]}
    found = together(members, [])
    assert corrections(found) == [[("n", 4), ("m", 4)]]
    assert between(found, "N", 0, 0) == (-8, 2)
    assert between(found, "N", 1, 1) == (-3, -3)
    assert points(found, "N") == [None, -3]
    members["N"][0] = row("n", 0, 0, 2, tier=1)
    found = together(members, [])
    assert corrections(found) == [[("m", 4), ("n", 6)]]
    assert between(found, "N", 0, 0) == (-8, 2)
    assert points(found, "N") == [2, -3]


def test_a_decision_for_a_report_leaves_only_explanations_in_which_it_is_right():
    members = {"B": [row("b", 0, 0, 1000)], "E": [row("e", 0, 0, 800)], "X": [row("x", 0, 0, 340)]}
    found = together(members, [BOTH], tools=replace(TOOLS, protected=frozenset("x")))
    assert corrections(found) == [[("e", 4), ("b", 4)]]
    assert {s: between(found, s, 0, 0) for s in "BEX"} == {"B": (1000, 1140), "E": (660, 800), "X": (340, 340)}
    assert points(found, "X") == [340]
    every = together(members, [BOTH], tools=replace(TOOLS, protected=frozenset("bex")))
    assert corrections(every) == corrections(together(members, [BOTH]))
    assert [e.unprotected for s in every.stretches for e in s.explained] == [True]


def test_a_consistent_system_explains_nothing():
    found = together({"B": [row("b", 0, 0, 9)], "E": [row("e", 0, 0, 4)], "X": []}, [BOTH])
    assert corrections(found) == []
    assert not found.between("X", 0, DAY).contested
    assert conflicts(found) == []
    assert not any(stretch.loosened for stretch in found.stretches)


def test_half_persons_have_bounds_and_no_point_and_are_told():
    members = {"B": [row("b", 0, 0, 7)], "N": [row("n", 0, 0, 2)], "E": [row("e", 0, 0, 0, 9)], "X": []}
    found = together(members, [BOTH, NET])
    assert between(found, "X", 0, 0) == (2, 3)
    (told,) = found.fallbacks
    assert told.step == "whole persons"
    assert found.pointless.all()
    assert all(points(found, series) == [None] for series in "BENX")


# --- the path -----------------------------------------------------------------------------------------------------


def test_a_derived_series_carries_no_roughness_of_its_own():
    members = {"E": [row("e", 0, 3, 40)], "B": [row(f"b{d}", d, d, v) for d, v in enumerate((20, 60, 20, 60))], "X": []}
    found = together(members, [BOTH])
    assert points(found, "E") == [10, 10, 10, 10]
    assert points(found, "X") == [10, 50, 10, 50]


def test_a_declared_break_bends_the_path_and_no_bound():
    members = {
        "E": [row("a", 0, 3, 400), row("b", 4, 7, 40)],
        "X": [row("x", 0, 7, 80)],
        "N": [row("n", 0, 7, 300, 400)],
    }
    smooth, bent = together(members, [NET]), together(members, [NET], breaks=[4])
    assert points(bent, "E") == [100, 100, 100, 100, 10, 10, 10, 10]
    assert points(smooth, "E") != points(bent, "E")
    for series in members:
        for d in range(8):
            assert smooth.between(series, d * DAY, (d + 1) * DAY) == bent.between(series, d * DAY, (d + 1) * DAY)


def test_no_finite_limit_means_bounds_without_a_point():
    found = together({"E": [row("e", 0, 3, 40, INF)], "X": [row("x", 0, 3, 8)], "N": [row("n", 0, 3, 0, INF)]}, [NET])
    assert points(found, "X") == [2, 2, 2, 2]
    assert points(found, "E") == points(found, "N") == [None] * 4


# --- systems, and what one can get wrong ----------------------------------------------------------------------------


def test_a_system_is_cut_where_no_statement_straddles():
    members = {"E": statements(row("e0", 0, 1, 5), row("e5", 5, 5, 7)), "X": statements(row("x", 1, 2, 2))}
    blocks = cut(members, dict.fromkeys(members, True), ())
    assert [(b.start // DAY, b.end // DAY, b.report_ids) for b in blocks] == [(0, 3, ("e0", "x")), (5, 6, ("e5",))]
    with_net = members | {"N": statements()}
    assert stretches(with_net, {"E": True, "X": True, "N": False}, [NET]) == []


def test_identities_that_share_a_series_belong_together():
    apart = Identity("sum", (("A", 1), ("C", -1)))
    assert sorted(map(len, groups([NET, apart, BOTH]))) == [1, 2]
    assert [len(g) for g in groups([NET, apart, BOTH, Identity("sum", (("A", 1), ("E", -1)))])] == [4]


def test_an_identity_with_a_stranger_says_what_to_do():
    with pytest.raises(CrossingsError, match="no members: X") as caught:
        cut({"E": statements(row("e", 0, 0, 1)), "N": statements()}, {"E": True, "N": False}, [NET])
    assert "give every tied series" in caught.value.remedy


def test_a_member_without_a_declared_sign_is_refused():
    with pytest.raises(CrossingsError, match="no sign is declared for E"):
        cut({"E": statements(row("e", 0, 0, 1))}, {}, [])


def test_nothing_reported_bounds_nothing():
    found = together({"E": [], "X": [], "N": []}, [NET])
    assert found.stretches == ()
    assert between(found, "E", 0, 0) == (0, INF)
    assert between(found, "N", 0, 0) == (-INF, INF)
    assert set(points(found, "E")) == {None}
