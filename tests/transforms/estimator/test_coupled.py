"""Coupled series: identities tighten bounds, contradictions are named and settled, paths keep the identities."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from coupled_systems import (
    BOTH,
    DAY,
    INF,
    NET,
    PART,
    REST,
    SUM,
    clock,
    constraints,
    day,
    estimates,
    interval,
    row,
    system,
    wide,
)
from transforms.estimator.coupled import CoupledSystem, Link, solve
from transforms.estimator.coupled_blocks import cut
from transforms.estimator.coupled_qp import Quadratic, active_set_solution, solve_quadratic
from transforms.estimator.coupled_reconcile import least_absolute

from crossings.errors import CrossingsError

# --- identities tighten -------------------------------------------------------------------------------------------


def test_net_tightens_entries_and_exits_through_each_other():
    tz = ZoneInfo("Asia/Almaty")
    dates = [dt.datetime(2022, 9, 21, tzinfo=tz) + dt.timedelta(days=k) for k in range(71)]
    midnights = np.array([int(d.timestamp()) for d in dates])
    a, b = int(midnights[0]), int(midnights[-1])
    members = {
        "E": constraints((a, b, 400_001, 420_000, "e", 2, 1.0)),
        "X": constraints((a, b, 320_001, 336_000, "x", 2, 1.0)),
        "N": constraints((a, b, 95_000, 105_000, "n", 2, 1.0)),
    }
    windows = [(s, a, b) for s in members]
    found = solve(CoupledSystem(members, {"E": True, "X": True, "N": False}, [NET], midnights, windows))
    assert found.feasible
    sums = {r.series: r for r in found.windows.itertuples()}
    assert (sums["E"].lower, sums["E"].upper) == (415_001, 420_000)
    assert (sums["X"].lower, sums["X"].upper) == (320_001, 325_000)
    assert (sums["N"].lower, sums["N"].upper) == (95_000, 99_999)
    assert sums["E"].lower_proof == ("n", "x")
    assert sums["E"].upper_proof == ("e",)
    assert sums["N"].upper_proof == ("e", "x")
    table = wide(found.days, "estimate")
    assert (table["N"] == table["E"] - table["X"]).all()
    assert sums["N"].estimate == sums["E"].estimate - sums["X"].estimate == table["N"].sum()


def test_both_directions_and_entries_give_exits():
    found = solve(system({"B": [row("b", 0, 0, 7070)], "E": [row("e", 0, 0, 4443)], "X": []}, [BOTH], 1))
    leaving = day(found, "X", 0)
    assert interval(leaving) == (2627, 2627)
    assert leaving["estimate"] == 2627
    assert leaving["lower_proof"] == leaving["upper_proof"] == ("b", "e")
    assert not leaving["reported"]


def test_the_rest_follows_from_whole_and_part():
    found = solve(system({"W": [row("all", 0, 0, 4824)], "P": [row("se", 0, 0, 4443)], "R": []}, [REST], 1))
    assert {s: interval(day(found, s, 0)) for s in "WPR"} == {"W": (4824, 4824), "P": (4443, 4443), "R": (381, 381)}
    assert day(found, "R", 0)["estimate"] == 381


def test_part_and_whole_bound_each_other_on_every_window():
    members = {"W": [row("w", 0, 1, 100)], "P": [row("p0", 0, 0, 30), row("p1", 1, 1, 20)]}
    found = solve(system(members, [PART], 2))
    assert interval(day(found, "W", 0)) == (30, 80)
    assert day(found, "W", 0)["lower_proof"] == ("p0",)
    assert day(found, "W", 0)["upper_proof"] == ("w", "p1")
    found = solve(system({"W": [row("w0", 0, 0, 10), row("w1", 1, 1, 90)], "P": [row("p", 0, 1, 60)]}, [PART], 2))
    assert interval(day(found, "P", 0)) == (0, 10)
    assert interval(day(found, "P", 1)) == (50, 60)


def test_exhaustive_parts_make_up_the_whole():
    found = solve(system({"W": [row("w", 0, 2, 300)], "P": [row("p", 0, 2, 120)], "Q": []}, [SUM], 3))
    table = wide(found.days, "estimate")
    assert (table["W"] == table["P"] + table["Q"]).all()
    assert table["Q"].sum() == 180


def test_net_may_be_negative_and_flows_may_not():
    members = {"E": [row("e", 0, 2, 30)], "X": [row("x", 0, 2, 90)], "N": []}
    found = solve(system(members, [NET], 3))
    assert interval(day(found, "N", 1)) == (-90, 30)
    assert estimates(found, "N") == [-20, -20, -20]
    assert (found.days.loc[found.days["series"] != "N", "lower"] >= 0).all()


def test_a_net_statement_alone_bounds_entries_from_below():
    found = solve(system({"E": [], "X": [], "N": [row("n", 0, 0, 5)]}, [NET], 1))
    assert interval(day(found, "E", 0)) == (5, None)
    assert pd.isna(day(found, "E", 0)["estimate"])
    assert len(found.days.query("series == 'X'")) == 0


def test_a_day_inside_a_longer_net_window_is_bounded_by_the_flows_not_by_the_window():
    members = {"E": [row("e", 0, 3, 5)], "X": [row("x", 0, 3, 5)], "N": [row("n", 0, 3, 0)]}
    found = solve(system(members, [NET], 4, windows=[("N", DAY, 3 * DAY), ("N", 0, 4 * DAY)]))
    assert interval(day(found, "N", 2)) == (-5, 5)
    assert [interval(w) for _, w in found.windows.iterrows()] == [(0, 0), (-5, 5)]


def test_persons_bound_crossings_only_over_the_same_window():
    link = Link("persons", (("P", 1), ("W", -1)), "<=", identical_windows=True)
    apart = solve(system({"P": [row("p", 0, 1, 900)], "W": [row("w", 0, 2, 800)]}, [link], 3))
    assert apart.feasible
    members = {"P": [row("p", 0, 2, 500)], "W": [row("w", 0, 2, 400, 800)]}
    same = solve(system(members, [link], 3, windows=[("W", 0, 3 * DAY)]))
    assert interval(same.windows.iloc[0]) == (500, 800)
    clash = solve(system({"P": [row("p", 0, 2, 900)], "W": [row("w", 0, 2, 800)]}, [link], 3))
    assert [c.report_ids for c in clash.conflicts] == [("p", "w")]


def test_persons_and_crossings_of_one_year_do_not_clash():
    link = Link("persons", (("P", 1), ("W", -1)), "<=", identical_windows=True)
    found = solve(system({"P": [row("pers", 0, 364, 869_874)], "W": [row("cross", 0, 364, 1_400_000)]}, [link], 365))
    assert found.feasible
    assert not found.conflicts
    assert interval(day(found, "P", 3)) == (0, 869_874)
    assert interval(day(found, "W", 3)) == (0, 1_400_000)


def test_windows_that_start_at_ten_bound_the_days_they_touch():
    members = {"E": [clock("a", 10, 34, 240), clock("b", 34, 58, 480)], "X": [], "B": [clock("both", 10, 58, 800)]}
    found = solve(system(members, [BOTH], 3))
    assert interval(day(found, "E", 1)) == (0, 720)
    assert day(found, "E", 1)["upper_proof"] == ("a", "b")
    assert interval(day(found, "X", 1)) == (0, 80)
    assert interval(day(found, "E", 0)) == (0, None)
    assert pd.isna(day(found, "E", 0)["estimate"])
    assert day(found, "B", 1)["estimate"] == day(found, "E", 1)["estimate"] + day(found, "X", 1)["estimate"]


def test_blocks_that_nothing_ties_are_left_to_the_single_series():
    members = {"E": [row("e0", 0, 0, 5), row("e5", 5, 5, 7)], "X": [row("x0", 0, 0, 2)], "N": []}
    found = solve(system(members, [NET], 8, windows=[("E", 0, 6 * DAY), ("E", 5 * DAY, 6 * DAY)]))
    assert sorted(found.days["start"].unique() // DAY) == [0]
    assert [interval(w) for _, w in found.windows.iterrows()] == [(12, None), (7, 7)]


def test_a_report_in_one_block_leaves_other_blocks_as_they_are():
    members = {
        "E": [row("e0", 0, 3, 50), row("e1", 5, 8, 70)],
        "X": [row("x0", 0, 3, 20), row("x1", 5, 8, 10)],
        "N": [],
    }
    first = solve(system(members, [NET], 9)).days
    members["E"][1] = row("e1", 5, 8, 90)
    second = solve(system(members, [NET], 9)).days
    early = first["start"] < 5 * DAY
    pd.testing.assert_frame_equal(first[early], second[early])
    assert not first[~early].equals(second[~early])


# --- contradictions -----------------------------------------------------------------------------------------------


def test_a_clash_between_series_is_named_with_its_identity_and_gap():
    members = {"B": [row("b", 0, 0, 100)], "E": [row("e", 0, 0, 80)], "X": [row("x", 0, 0, 40, tier=3, sigma=2.0)]}
    members["E"].append(row("later", 0, 1, 500))
    found = solve(system(members, [BOTH], 2))
    assert not found.feasible
    (clash,) = found.conflicts
    assert clash.report_ids == ("b", "e", "x")
    assert clash.links == (BOTH,)
    assert clash.gap == 20
    assert clash.set_aside == "x"
    assert clash.series == ("B", "E", "X")
    assert "gap=20" in clash.message
    assert "B = E + X" in clash.message
    assert found.total_slack == 20


def test_a_clash_inside_one_series_needs_no_identity():
    members = {"E": [row("day", 0, 0, 30), row("week", 0, 6, 20)], "X": [row("x", 0, 6, 5)], "N": []}
    (clash,) = solve(system(members, [NET], 7)).conflicts
    assert clash.report_ids == ("day", "week")
    assert clash.links == ()
    assert clash.gap == 10


def test_several_independent_clashes_are_all_listed():
    members = {
        "E": [row("e0", 0, 0, 80), row("e1", 1, 1, 10), row("span", 0, 1, 0, 1000)],
        "X": [row("x0", 0, 0, 40), row("x1", 1, 1, 10)],
        "B": [row("b0", 0, 0, 100, tier=4), row("b1", 1, 1, 30, tier=4)],
    }
    found = solve(system(members, [BOTH], 2))
    assert {c.report_ids for c in found.conflicts} == {("b0", "e0", "x0"), ("b1", "e1", "x1")}
    assert {c.set_aside for c in found.conflicts} == {"b0", "b1"}
    assert found.total_slack == 30


def test_equal_tiers_move_in_proportion_to_their_variances():
    sigma = {"b": 1.0, "e": 2.0, "x": 3.0}
    members = {
        "B": [row("b", 0, 0, 1000, sigma=1.0)],
        "E": [row("e", 0, 0, 800, sigma=2.0)],
        "X": [row("x", 0, 0, 340, sigma=3.0)],
    }
    found = solve(system(members, [BOTH], 1))
    slack = found.slacks.set_index("report_id")["slack"]
    total = sum(v**2 for v in sigma.values())
    expected = {k: (1 if k == "b" else -1) * 140 * v**2 / total for k, v in sigma.items()}
    for report_id, value in expected.items():
        assert slack[report_id] == pytest.approx(value, abs=1e-4)
    assert interval(day(found, "X", 0))[0] >= 340 + np.floor(expected["x"])
    assert day(found, "B", 0)["estimate"] == day(found, "E", 0)["estimate"] + day(found, "X", 0)["estimate"]
    assert day(found, "X", 0)["reconciled"]


def test_least_absolute_movement_serves_where_least_squares_is_not_exact_enough():
    members = {
        "B": constraints(row("b", 0, 0, 100)),
        "E": constraints(row("e", 0, 0, 80)),
        "X": constraints(row("x", 0, 0, 40, sigma=2.0)),
    }
    _, (block,) = cut(members, dict.fromkeys(members, True), [BOTH])
    moved, attained = least_absolute(block, np.array([True, True, True]))
    assert dict(zip(block.statements.report_id, moved, strict=True)) == pytest.approx({"b": 0, "e": 0, "x": -20})
    assert attained == pytest.approx([100, 80, 20])


def test_a_lower_tier_gives_way_to_a_higher_one():
    members = {"B": [row("b", 0, 0, 100, tier=1)], "E": [row("e", 0, 0, 80, tier=1)], "X": [row("x", 0, 0, 45, tier=4)]}
    found = solve(system(members, [BOTH], 1))
    assert found.slacks[["report_id", "slack"]].values.tolist() == [["x", pytest.approx(-25, abs=1e-5)]]
    assert estimates(found, "X") == [20]
    assert found.relaxed["X"].lower.tolist() == [20]
    assert found.relaxed["X"].upper.tolist() == [45]
    assert found.relaxed["B"].lower.tolist() == [100]


def test_a_consistent_system_moves_nothing():
    found = solve(system({"B": [row("b", 0, 0, 9)], "E": [row("e", 0, 0, 4)], "X": []}, [BOTH], 1))
    assert len(found.slacks) == 0
    assert found.total_slack == 0
    assert not found.days["reconciled"].any()


def test_half_persons_are_told_and_the_report_that_gives_way_is_relaxed():
    members = {"B": [row("b", 0, 0, 7)], "N": [row("n", 0, 0, 2)], "E": [], "X": []}
    found = solve(system(members, [BOTH, NET], 1))
    assert interval(day(found, "X", 0)) == (2, 3)
    (told,) = found.findings
    assert told.rule == "whole_persons"
    assert told.gap == 1
    table = found.days.set_index("series")["estimate"]
    assert table["B"] == table["E"] + table["X"]
    assert table["N"] == table["E"] - table["X"]
    assert (found.days["lower"] <= found.days["estimate"]).all()
    assert (found.days["estimate"] <= found.days["upper"]).all()


# --- the path -----------------------------------------------------------------------------------------------------


def test_a_derived_series_carries_no_roughness_of_its_own():
    members = {"E": [row("e", 0, 3, 40)], "B": [row(f"b{d}", d, d, v) for d, v in enumerate((20, 60, 20, 60))], "X": []}
    found = solve(system(members, [BOTH], 4))
    assert estimates(found, "E") == [10, 10, 10, 10]
    assert estimates(found, "X") == [10, 50, 10, 50]


def test_a_declared_break_bends_the_path_and_no_bound():
    members = {
        "E": [row("a", 0, 3, 400), row("b", 4, 7, 40)],
        "X": [row("x", 0, 7, 80)],
        "N": [row("n", 0, 7, 300, 400)],
    }
    smooth = solve(system(members, [NET], 8))
    bent = solve(system(members, [NET], 8, breaks=[4 * DAY]))
    assert estimates(bent, "E") == [100, 100, 100, 100, 10, 10, 10, 10]
    assert estimates(smooth, "E") != estimates(bent, "E")
    for column in ("lower", "upper", "lower_proof", "upper_proof"):
        assert smooth.days[column].tolist() == bent.days[column].tolist()


def test_no_finite_limit_means_bounds_without_a_point():
    found = solve(system({"E": [row("e", 0, 3, 40, INF)], "X": [row("x", 0, 3, 8)], "N": []}, [NET], 4))
    assert set(estimates(found, "X")) == {2}
    assert found.days.loc[found.days["series"].isin(["E", "N"]), "estimate"].isna().all()


def test_the_path_is_the_smoothest_one():
    cp = pytest.importorskip("cvxpy")
    members = {
        "E": [row("e", 0, 6, 700), row("d", 2, 2, 40)],
        "X": [row("x", 0, 3, 90), row("y", 2, 6, 300)],
        "N": [row("n", 1, 4, 150)],
    }
    found = solve(system(members, [NET], 7))
    e, x = cp.Variable(7, nonneg=True), cp.Variable(7, nonneg=True)
    said = [cp.sum(e) == 700, e[2] == 40, cp.sum(x[:4]) == 90, cp.sum(x[2:]) == 300, cp.sum((e - x)[1:5]) == 150]
    best = cp.sum_squares(cp.diff(e)) + cp.sum_squares(cp.diff(x)) + cp.sum_squares(cp.diff(e - x))
    cp.Problem(cp.Minimize(best), said).solve(solver=cp.CLARABEL)
    path = wide(found.days, "path")
    assert np.abs(path["E"].to_numpy() - e.value).max() < 0.01
    assert np.abs(path["X"].to_numpy() - x.value).max() < 0.01


def test_the_fallback_solves_the_same_programme_by_its_active_rows():
    difference = sp.eye_array(4, 5, k=1) - sp.eye_array(4, 5)
    rows = sp.csr_array(sp.vstack([np.ones((1, 5)), sp.eye_array(5)]))
    lower = np.array([10.0, 4.0, 0, 0, 0, 0])
    upper = np.array([10.0, 4.0, INF, INF, INF, INF])
    problem = Quadratic(sp.csc_array(2 * difference.T @ difference), np.zeros(5), rows, lower, upper)
    solved = solve_quadratic(problem)
    assert solved is not None
    active = np.array([1.0, 1, 0, 0, 0, 0])
    by_active_rows = active_set_solution(problem, active, np.zeros(6))
    assert by_active_rows == pytest.approx(solved, abs=1e-6)
    assert active_set_solution(problem, np.array([0.0, 1, 0, 0, 0, 0]), np.zeros(6)) is None, "misses the total"
    held_back = np.array([1.0, 1, 0, 0, 0, 1])
    assert active_set_solution(problem, held_back, np.zeros(6)) is None, "a row that holds nothing back is no optimum"


# --- what a user can get wrong --------------------------------------------------------------------------------------


def test_a_link_to_a_stranger_says_what_to_do():
    with pytest.raises(CrossingsError, match="no members: X") as caught:
        solve(system({"E": [row("e", 0, 0, 1)], "N": []}, [NET], 1))
    assert "give every linked series" in caught.value.remedy


def test_a_member_without_a_declared_sign_is_refused():
    with pytest.raises(CrossingsError, match="no sign is declared for E"):
        solve(CoupledSystem({"E": constraints(row("e", 0, 0, 1))}, {}, [], np.arange(2) * DAY))


def test_a_link_cannot_carry_a_constant():
    with pytest.raises(CrossingsError, match="right-hand side"):
        Link("net", (("N", 1), ("E", -1)), "=", 5)


def test_nothing_reported_gives_empty_tables():
    found = solve(system({"E": [], "X": [], "N": []}, [NET], 3, windows=[("E", 0, DAY)]))
    assert found.feasible
    assert len(found.days) == 0
    assert interval(found.windows.iloc[0]) == (0, None)
