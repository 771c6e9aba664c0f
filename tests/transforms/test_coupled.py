"""Coupled series: bounds against an LP oracle, conflicts, reconciliation, and whole persons on which identities hold."""

from __future__ import annotations

import datetime as dt
from itertools import product
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from crossings.errors import CrossingsError
from transforms.constraints import Constraints
from transforms.coupled import CoupledSolution, CoupledSystem, Link, solve
from transforms.coupled_blocks import cut
from transforms.coupled_conflicts import is_feasible
from transforms.coupled_qp import Quadratic, active_set_solution, solve_quadratic

DAY = 86_400
INF = float("inf")
NET = Link("net", (("N", 1), ("E", -1), ("X", 1)))
BOTH = Link("both", (("B", 1), ("E", -1), ("X", -1)))
PART = Link("part", (("P", 1), ("W", -1)), "<=")
REST = Link("rest", (("R", 1), ("W", -1), ("P", 1)))
SUM = Link("sum", (("W", 1), ("P", -1), ("Q", -1)))


def row(report_id, first, last, lower, upper=None, tier=2, sigma=1.0):
    """A report on the days first..last inclusive, counted from day 0."""
    return (first * DAY, (last + 1) * DAY, lower, lower if upper is None else upper, report_id, tier, sigma)


def clock(report_id, start_hour, end_hour, value):
    """An exact report on a window in hours from instant 0."""
    return (start_hour * 3600, end_hour * 3600, value, value, report_id, 2, 1.0)


def constraints(*rows):
    def column(k, dtype):
        return np.array([r[k] for r in rows], dtype=dtype)

    return Constraints(
        column(0, np.int64), column(1, np.int64), column(2, float), column(3, float),
        column(4, object), column(4, object), column(5, np.int64), column(6, float),
    )  # fmt: skip


def system(members, links, n_days, **more):
    given_rows = {name: constraints(*rows) for name, rows in members.items()}
    return CoupledSystem(
        given_rows, {name: name != "N" for name in members}, links, np.arange(n_days + 1) * DAY, **more
    )


def day(solution: CoupledSolution, series: str, number: int) -> pd.Series:
    found = solution.days[(solution.days["series"] == series) & (solution.days["start"] == number * DAY)]
    assert len(found) == 1
    return found.iloc[0]


def interval(found: pd.Series):
    return tuple(None if pd.isna(v) else int(v) for v in (found["lower"], found["upper"]))


def estimates(solution: CoupledSolution, series: str):
    return solution.days.loc[solution.days["series"] == series, "estimate"].astype("Int64").tolist()


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
    table = found.days.pivot(index="start", columns="series", values="estimate")
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
    table = found.days.pivot(index="start", columns="series", values="estimate")
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
    same = solve(system({"P": [row("p", 0, 2, 500)], "W": [row("w", 0, 2, 400, 800)]}, [link], 3, windows=[("W", 0, 3 * DAY)]))  # fmt: skip
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
    members = {"E": [row("e", 0, 6, 700), row("d", 2, 2, 40)], "X": [row("x", 0, 3, 90), row("y", 2, 6, 300)], "N": [row("n", 1, 4, 150)]}  # fmt: skip
    found = solve(system(members, [NET], 7))
    e, x = cp.Variable(7, nonneg=True), cp.Variable(7, nonneg=True)
    said = [cp.sum(e) == 700, e[2] == 40, cp.sum(x[:4]) == 90, cp.sum(x[2:]) == 300, cp.sum((e - x)[1:5]) == 150]
    best = cp.sum_squares(cp.diff(e)) + cp.sum_squares(cp.diff(x)) + cp.sum_squares(cp.diff((e - x)))
    cp.Problem(cp.Minimize(best), said).solve(solver=cp.CLARABEL)
    path = found.days.pivot(index="start", columns="series", values="path")
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


# --- laws on random systems ---------------------------------------------------------------------------------------

N_DAYS = 4
LINKS = {
    "directions": ("EXNB", [NET, BOTH]),
    "scopes": ("WPR", [REST]),
    "parts": ("WPQ", [SUM]),
    "subset": ("WP", [PART]),
}


@st.composite
def systems(draw, truthful=True, largest=6):
    """A random system; its reports contain a random truth if `truthful`."""
    names, links = LINKS[draw(st.sampled_from(sorted(LINKS)))]
    counts = st.lists(st.integers(0, largest), min_size=N_DAYS, max_size=N_DAYS)
    a, b = np.array(draw(counts)), np.array(draw(counts))
    truth = {"E": a, "X": b, "N": a - b, "B": a + b, "P": a, "R": b, "Q": b, "W": a + b}
    members: dict[str, list] = {name: [] for name in names}
    for k in range(draw(st.integers(2, 7))):
        name = draw(st.sampled_from(names))
        first = draw(st.integers(0, N_DAYS - 1))
        last = draw(st.integers(first, N_DAYS - 1))
        value = int(truth[name][first : last + 1].sum())
        if not truthful:
            value += draw(st.integers(-2, 2)) if name == "N" else draw(st.integers(0, 2))
        below, above = draw(st.sampled_from([(0, 0), (1, 2), (3, INF), (INF, 2), (0, 1)]))
        sigma = draw(st.sampled_from([0.5, 1.0, 4.0]))
        members[name].append(row(f"r{k}", first, last, value - below, value + above, draw(st.integers(1, 4)), sigma))
    return members, links


def oracle(members, links, series, first, last):
    """Range of the flow of `series` over days first..last by scipy's LP over one flow per member and day."""
    names = sorted(members)
    column = {(s, d): i for i, (s, d) in enumerate(product(names, range(N_DAYS)))}
    a_ub, b_ub, a_eq, b_eq = [], [], [], []
    for s, rows in members.items():
        for start, end, lower, upper, *_ in rows:
            v = np.zeros(len(column))
            v[[column[s, d] for d in range(start // DAY, end // DAY)]] = 1
            if np.isfinite(upper):
                a_ub.append(v)
                b_ub.append(upper)
            if np.isfinite(lower):
                a_ub.append(-v)
                b_ub.append(-lower)
    for link, d in product(links, range(N_DAYS)):
        v = np.zeros(len(column))
        for s, c in link.terms:
            v[column[s, d]] = c
        (a_eq if link.sense == "=" else a_ub).append(v)
        (b_eq if link.sense == "=" else b_ub).append(0)
    bounds = [(None, None) if s == "N" else (0, None) for s, _ in column]
    cost = np.zeros(len(column))
    cost[[column[series, d] for d in range(first, last + 1)]] = 1
    ends = []
    for sign in (1, -1):
        found = linprog(sign * cost, a_ub or None, b_ub or None, a_eq or None, b_eq or None, bounds, method="highs")
        if found.status == 2:
            return None
        ends.append(sign * found.fun if found.status == 0 else -sign * INF)
    return tuple(ends)


def outward(low, high):
    return (
        None if low == -INF else int(np.floor(low + 1e-6)),
        None if high == INF else int(np.ceil(high - 1e-6)),
    )


bounded = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@bounded
@given(systems())
def test_bounds_equal_those_of_an_lp_over_all_days(drawn):
    members, links = drawn
    asked = [(s, a * DAY, b * DAY) for s in members for a, b in ((0, 1), (1, 2), (1, 4), (0, 4), (2, 4))]
    found = solve(system(members, links, N_DAYS, windows=asked))
    assert found.feasible
    for w in found.windows.itertuples():
        low, high = oracle(members, links, w.series, w.start // DAY, w.end // DAY - 1)
        assert interval(pd.Series(w._asdict())) == outward(low, high)
    for d in found.days.itertuples():
        low, high = oracle(members, links, d.series, d.start // DAY, d.start // DAY)
        assert interval(pd.Series(d._asdict())) == outward(low, high)


@bounded
@given(systems())
def test_a_proof_alone_gives_the_bound(drawn):
    members, links = drawn
    for d in solve(system(members, links, N_DAYS)).days.itertuples():
        for end, proof in ((0, d.lower_proof), (1, d.upper_proof)):
            only = {s: [r for r in rows if r[4] in proof] for s, rows in members.items()}
            low, high = oracle(only, links, d.series, d.start // DAY, d.start // DAY)
            assert outward(low, high)[end] == interval(pd.Series(d._asdict()))[end]


@bounded
@given(systems())
def test_whole_persons_keep_identities_reports_and_bounds(drawn):
    members, links = drawn
    found = solve(system(members, links, N_DAYS))
    assert not found.findings, "a whole solution exists, so none may be missed"
    told = found.days[found.days["estimate"].notna()]
    assert (told["lower"].isna() | (told["lower"] <= told["estimate"])).all()
    assert (told["upper"].isna() | (told["estimate"] <= told["upper"])).all()
    table = told.pivot(index="start", columns="series", values="estimate").reindex(columns=sorted(members))
    for link in links:
        full = table[[s for s, _ in link.terms]].dropna()
        value = sum(full[s] * c for s, c in link.terms)
        assert ((value == 0) if link.sense == "=" else (value <= 0)).all()
    for series, rows in members.items():
        for start, end, lower, upper, *_ in rows:
            inside = table.loc[(table.index >= start) & (table.index < end), series]
            if len(inside) == (end - start) // DAY and inside.notna().all():
                assert lower <= inside.sum() <= upper


@settings(max_examples=15, deadline=None, derandomize=True)
@given(systems(largest=2))
def test_bounds_contain_every_whole_solution_and_half_persons_are_found_out(drawn):
    members, links = drawn
    if {"E"} - set(members):
        return
    found = solve(system(members, links, N_DAYS))
    by_day = {(d.series, d.start // DAY): interval(pd.Series(d._asdict())) for d in found.days.itertuples()}
    flows = np.array(list(product(range(3), repeat=2 * N_DAYS)))
    e, x = flows[:, :N_DAYS], flows[:, N_DAYS:]
    every = {"E": e, "X": x, "N": e - x, "B": e + x}
    fits = np.ones(len(flows), dtype=bool)
    for series, rows in members.items():
        for start, end, lower, upper, *_ in rows:
            total = every[series][:, start // DAY : end // DAY].sum(axis=1)
            fits &= (lower <= total) & (total <= upper)
    assert fits.any()
    for (series, d), (lower, upper) in by_day.items():
        values = every[series][fits, d]
        assert lower is None or values.min() >= lower
        assert upper is None or values.max() <= upper


@bounded
@given(systems(truthful=False, largest=3))
def test_conflicts_are_irreducible_and_reconciliation_restores_consistency(drawn):
    members, links = drawn
    found = solve(system(members, links, N_DAYS))
    # stretches that no identity ties are the business of the single series
    tied = set(found.days["start"])
    assert (not found.feasible) == bool(found.conflicts)
    for clash in found.conflicts:
        only = {s: [r for r in rows if r[4] in clash.report_ids] for s, rows in members.items()}
        assert not _feasible(only, clash.links)
        for left_out in clash.report_ids:
            fewer = {s: [r for r in rows if r[4] != left_out] for s, rows in only.items()}
            assert _feasible(fewer, clash.links)
        for left_out in clash.links:
            assert _feasible(only, [k for k in clash.links if k != left_out])
        assert clash.gap > 0
    if found.conflicts:
        assert len(found.slacks) > 0
        for series, rows in found.relaxed.items():
            assert (rows.lower <= constraints(*members[series]).lower).all()
            assert (rows.upper >= constraints(*members[series]).upper).all()
        assert found.days["estimate"].notna().any() or not tied
    told = found.days[found.days["estimate"].notna()]
    assert (told["lower"].isna() | (told["lower"] <= told["estimate"])).all()
    assert (told["upper"].isna() | (told["estimate"] <= told["upper"])).all()


def _feasible(members, links):
    if not any(members.values()):
        return True
    everything = {s: constraints(*rows) for s, rows in members.items()}
    _, blocks = cut(everything, {s: s != "N" for s in members}, links)
    by_engine = all(is_feasible(b) for b in blocks)
    by_oracle = oracle(members, links, sorted(members)[0], 0, 0) is not None
    assert by_engine == by_oracle
    return by_engine


@settings(max_examples=15, deadline=None, derandomize=True)
@given(systems(truthful=False), st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_never_matter(drawn, chance):
    members, links = drawn
    first = solve(system(members, links, N_DAYS))
    shuffled = {}
    for name in chance.sample(sorted(members), len(members)):
        rows = members[name] + members[name][:1]
        shuffled[name] = chance.sample(rows, len(rows))
    second = solve(system(shuffled, chance.sample(links, len(links)), N_DAYS))
    pd.testing.assert_frame_equal(first.days, second.days)
    pd.testing.assert_frame_equal(first.slacks, second.slacks)
    assert first.conflicts == second.conflicts
    assert first.findings == second.findings


@settings(max_examples=15, deadline=None, derandomize=True)
@given(systems())
def test_one_more_consistent_report_never_widens_a_bound(drawn):
    members, links = drawn
    asked = [(s, d * DAY, (d + 1) * DAY) for s in members for d in range(N_DAYS)]
    more = solve(system(members, links, N_DAYS, windows=asked)).windows
    name = next(s for s in sorted(members) if members[s])
    fewer = solve(system({**members, name: members[name][1:]}, links, N_DAYS, windows=asked)).windows
    lower, upper = more["lower"].astype(float).fillna(-INF), more["upper"].astype(float).fillna(INF)
    assert (lower >= fewer["lower"].astype(float).fillna(-INF)).all()
    assert (upper <= fewer["upper"].astype(float).fillna(INF)).all()


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
