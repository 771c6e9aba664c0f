"""The point estimate is the smoothest path at its level: oracles, symmetry, breaks, and days without a point."""

from __future__ import annotations

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given
from interval_systems import CASES, DAY, INF, midnights, of_case, system, truthful
from tied_systems import BOTH, NET, SUM, System, block_of, points, row, together

from crossings.calendar import days_around
from transforms.estimator.disaggregate import Domain, Run, local_level, runs_of, smoothest, smoothest_paths
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.quadratic import RESIDUAL
from transforms.estimator.settings import EstimateSettings

S = EstimateSettings()
SHARP = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


def paths(c, n, breaks=(), choices=S):
    flags = np.zeros(n, dtype=bool)
    flags[list(breaks)] = True
    found = smoothest_paths("S", c, midnights(n), flags, choices, DifferenceEngine)
    for p in found:
        assert p.solution.accepted
        assert p.levelled
        assert p.solution.residual <= RESIDUAL
    return found


def path(c, n, breaks=(), choices=S):
    flows = np.full(n, np.nan)
    for p in paths(c, n, breaks, choices):
        (run,) = p.domain.runs
        flows[run.first : run.last + 1] = p.days(run, midnights(n))
    return flows


def case_path(name):
    case = CASES[name]
    c = of_case(case)
    first, starts = days_around(int(c.start.min()), int(c.end.max()), case["reports"][0]["timezone"])
    flags = np.zeros(len(starts) - 1, dtype=bool)
    for date in (case.get("settings") or {}).get("breaks", []):
        flags[(np.datetime64(date) - np.datetime64(first)).astype(int)] = True
    found = smoothest_paths("S", c, starts, flags, S, DifferenceEngine)
    return np.concatenate([p.days(p.domain.runs[0], starts) for p in found])


# --- known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n, c in CASES.items() if "denton_additive_d1" in c["expect"]])
def test_cases_follow_the_denton_path(name):
    expect = CASES[name]["expect"]["denton_additive_d1"]
    flows = case_path(name)
    assert flows == pytest.approx(expect["values"], abs=max(expect["tol"], 1e-4))
    assert (np.diff(flows) ** 2).sum() == pytest.approx(expect["objective"], rel=expect["objective_rel_tol"], abs=1e-3)


def test_r_tempdisagg_gives_the_same_path():
    expect = CASES["denton_cholette_r_tempdisagg"]["expect"]
    flows = case_path("denton_cholette_r_tempdisagg")
    assert flows == pytest.approx(expect["values"], abs=expect.get("tol", 1e-6))


def test_a_declared_break_keeps_two_levels_apart():
    expect = CASES["declared_break_stops_smoothing"]["expect"]["denton_additive_d1_with_break"]
    assert case_path("declared_break_stops_smoothing") == pytest.approx(expect["values"], abs=expect["tol"])


def test_sixty_equal_months_are_one_flat_line():
    assert case_path("five_year_span_constant_rate") == pytest.approx(np.full(1827, 1000.0), abs=1e-3)


def test_held_out_georgian_days_are_closer_than_pro_rata():
    case = CASES["holdout_georgia_total_and_three_days"]
    flows, truth = case_path("holdout_georgia_total_and_three_days"), case["expect"]["holdout_truth"]
    errors = [abs(flows[int(d[-2:]) - 17] - v) for d, v in truth.items()]
    assert np.mean(errors) == pytest.approx(case["expect"]["reference_mae"]["denton_additive_d1"], abs=0.1)
    assert np.mean(errors) < case["expect"]["reference_mae"]["pro_rata"]


# --- the smoothest, and of the smoothest the one at its level --------------------------------------------------------


def stated_days(c, run):
    """Distinct windows of whole days inside a run: (first day, day after the last, least, greatest), days from its first."""
    begin, found = run.first * DAY, {}
    for a, b, low, high in zip(c.start.tolist(), c.end.tolist(), c.lower, c.upper, strict=True):
        if a >= run.begin and b <= run.finish:
            key = ((a - begin) // DAY, (b - begin) // DAY)
            least, most = found.get(key, (0.0, INF))
            found[key] = max(least, low), min(most, high)
    return [(*window, *limits) for window, limits in found.items()]


def least_roughness(stated, n):
    x = cp.Variable(n, nonneg=True)
    limits = [cp.sum(x[a:b]) >= low for a, b, low, _ in stated]
    limits += [cp.sum(x[a:b]) <= high for a, b, _, high in stated if np.isfinite(high)]
    return cp.Problem(cp.Minimize(cp.sum_squares(cp.diff(x))), limits).solve(**SHARP)


def best_level(stated, flows):
    """What is to be added to every day of a path so that its totals come closest to the centres."""
    ranged = [(a, b, low, high) for a, b, low, high in stated if np.isfinite(high)]
    if not ranged or any(high - low <= 1e-9 * max(1.0, high) for *_, low, high in ranged):
        return 0.0
    centre = [((low + high) / 2 - flows[a:b].sum(), b - a, high - low) for a, b, low, high in ranged]
    wanted = sum(miss * n / w**2 for miss, n, w in centre) / sum(n**2 / w**2 for _, n, w in centre)
    least = max(-flows.min(), *((low - flows[a:b].sum()) / (b - a) for a, b, low, _ in stated))
    most = min((high - flows[a:b].sum()) / (b - a) for a, b, _, high in ranged)
    return float(np.clip(wanted, least, most))


@given(truthful(days=12))
def test_no_path_is_smoother_and_none_as_smooth_is_nearer_to_the_centres(drawn):
    c, days = drawn
    flows = path(c, len(days))
    found = runs_of(c, 0, midnights(len(days)))
    assume(found)
    for run in found:
        mine = flows[run.first : run.last + 1]
        stated, scale = stated_days(c, run), max(1.0, float(mine.max()))
        if len(run) >= 2:
            rough = (np.diff(mine) ** 2).sum()
            assert rough == pytest.approx(least_roughness(stated, len(run)), rel=1e-5, abs=1e-7 * scale**2)
        assert best_level(stated, mine) == pytest.approx(0.0, abs=1e-5 * scale)


@pytest.mark.parametrize("n", [4, 7, 30, 91, 365, 730, 1461])
def test_one_range_gives_its_centre_on_flat_days_however_long_it_is(n):
    flows = path(system(("a", 0, n, 1_000_000, 2_000_000)), n)
    assert flows.sum() == pytest.approx(1_500_000, abs=1)
    assert flows == pytest.approx(np.full(n, 1_500_000 / n), abs=1e-6)


def test_two_ranges_meet_at_the_mean_weighted_by_their_widths():
    # centres 300 of 4 days and 900 of 8, widths 200 and 400: the mean of 75 and 112.5 a day by days^2 / width^2
    flows = path(system(("a", 0, 4, 200, 400), ("b", 0, 8, 700, 1100)), 8)
    level = (4 * 300 / 200**2 + 8 * 900 / 400**2) / (4**2 / 200**2 + 8**2 / 400**2)
    assert level == pytest.approx(93.75)
    assert flows == pytest.approx(np.full(8, level), abs=1e-6)


def test_the_level_stops_at_the_end_of_a_range():
    # The weighted mean would be (4 * 20 / 40^2 + 8 * 89.5 / 21^2) / (4^2 / 40^2 + 8^2 / 21^2) = 10.79 a day, above 40 / 4.
    flows = path(system(("a", 0, 4, 0, 40), ("b", 0, 8, 79, 100)), 8)
    assert flows == pytest.approx(np.full(8, 10.0), abs=1e-6)


@given(truthful(half_days=True))
def test_every_report_holds_on_the_path(drawn):
    c, days = drawn
    for p in paths(c, len(days)):
        s, nodes = p.domain.block.statements, p.domain.nodes
        count = p.cumulative[0]
        flow = count[np.searchsorted(nodes, s.end)] - count[np.searchsorted(nodes, s.start)]
        tol = 1e-5 * max(1.0, float(np.abs(count).max()))
        assert (flow >= s.lower - tol).all()
        assert (flow <= s.upper + tol).all()
        assert (np.diff(count) >= -tol).all()


@given(truthful())
def test_reversing_the_calendar_reverses_the_path(drawn):
    c, days = drawn
    n = len(days)
    back = replace(c, start=n * DAY - c.end, end=n * DAY - c.start)
    assert path(back, n)[::-1] == pytest.approx(path(c, n), abs=1e-4, nan_ok=True)


@given(truthful())
def test_scaling_figures_scales_the_path_and_shifting_a_week_moves_it(drawn):
    c, days = drawn
    n = len(days)
    plain = path(c, n)
    larger = replace(c, lower=c.lower * 1000, upper=c.upper * 1000)
    assert path(larger, n) == pytest.approx(plain * 1000, abs=0.1, rel=1e-6, nan_ok=True)
    later = path(replace(c, start=c.start + 7 * DAY, end=c.end + 7 * DAY), n + 7)
    assert later[7:] == pytest.approx(plain, abs=1e-6, nan_ok=True)


# --- days and breaks -------------------------------------------------------------------------------------------------


def test_a_day_without_a_ceiling_gets_no_point_and_does_not_disturb_the_others():
    c = system(("more", 0, 10, 500, INF), ("a", 0, 3, 30, 30))
    flows = path(c, 10)
    assert flows[:3] == pytest.approx([10, 10, 10])
    assert np.isnan(flows[3:]).all()


def test_a_day_that_windows_cover_only_in_part_gets_no_point():
    c = system(("one", 0.5, 1.5, 100, 100), ("two", 1.5, 2.5, 100, 100))
    flows = path(c, 3)
    assert np.isnan(flows[[0, 2]]).all()
    assert flows[1] == pytest.approx(100, abs=1e-2)


def test_where_the_level_varies_more_than_tenfold_high_days_change_more_than_low_ones():
    c = system(("low", 0, 7, 70, 70), ("high", 7, 14, 7000, 7000))
    plain, weighted = path(c, 14, choices=EstimateSettings(varying=INF)), path(c, 14)
    assert weighted[:7].sum() == pytest.approx(70)
    assert weighted[7:].sum() == pytest.approx(7000)
    level = local_level(plain, np.zeros(14, dtype=bool))[1:]

    def relative(flows):
        return (np.diff(flows) ** 2 / level).sum()

    assert relative(weighted) < relative(plain)
    assert (np.diff(weighted) ** 2).sum() > (np.diff(plain) ** 2).sum()


def test_where_the_level_varies_less_the_path_is_the_plain_one():
    c = system(("low", 0, 7, 700, 700), ("high", 7, 14, 1400, 1400))
    assert (path(c, 14) == path(c, 14, choices=EstimateSettings(varying=INF))).all()


def test_the_local_level_does_not_look_across_a_break():
    flows = np.array([10.0] * 5 + [1000.0] * 5)
    flags = np.zeros(10, dtype=bool)
    flags[5] = True
    assert list(local_level(flows, flags)) == list(flows)
    assert local_level(flows, np.zeros(10, dtype=bool))[4] > 10
    assert local_level(np.zeros(3), np.zeros(3, dtype=bool))[0] == 1


# --- tied series -----------------------------------------------------------------------------------------------------


def tied_path(system_, runs, n):
    """The smoothest path of a whole system by hand, and its members in order."""
    block = block_of(system_)
    nodes = np.unique(np.concatenate((midnights(n), block.nodes)))
    whole = tuple(Run(block.position(m), a, b, a * DAY, (b + 1) * DAY) for m, a, b in runs)
    found = smoothest(Domain(block, nodes, whole), midnights(n), np.zeros(n, dtype=bool), S)
    assert found.solution.accepted
    assert found.levelled
    return found, {m: np.diff(found.cumulative[block.position(m)]) for m in block.members}


class Oracle:
    """Flows of each member and day under all that is said, as cvxpy states it."""

    def __init__(self, system_, n):
        self.x = {m: cp.Variable(n, nonneg=m != "N") for m in system_.members}
        self.limits = [
            sum(c * self.x[m] for m, c in k.terms) == 0
            if k.sense == "="
            else sum(c * self.x[m] for m, c in k.terms) <= 0
            for k in system_.identities
        ]
        self.pull = []
        for m, rows in system_.members.items():
            for start, end, low, high, *_ in rows:
                total = cp.sum(self.x[m][start // DAY : end // DAY])
                self.limits += [total >= low] if np.isfinite(low) else []
                self.limits += [total <= high] if np.isfinite(high) else []
                if high - low > 0 and np.isfinite(high - low):
                    self.pull.append(cp.square((total - (low + high) / 2) / (high - low)))

    def roughness(self, runs):
        return sum(cp.sum_squares(cp.diff(self.x[m][a : b + 1])) for m, a, b in runs)

    def least(self, goal, *more):
        return cp.Problem(cp.Minimize(goal), [*self.limits, *more]).solve(**SHARP)


TIED = [
    (
        System({"E": [row("e", 0, 6, 700), row("d", 2, 2, 40)], "X": [row("x", 0, 3, 90), row("y", 2, 6, 300)],
                "N": [row("n", 1, 4, 150)]}, (NET,)),
        [("E", 0, 6), ("X", 0, 6), ("N", 0, 6)],
    ),
    (
        System({"B": [row("b", 0, 6, 900, 1100), row("c", 3, 3, 200)], "E": [row("e", 0, 6, 300, 500)],
                "X": [row("x", 0, 6, 400, 900)]}, (BOTH,)),
        [("B", 0, 6), ("E", 0, 6), ("X", 0, 6)],
    ),
    (
        System({"W": [row("w", 0, 3, 400), row("v", 4, 6, 50, 90)], "P": [row("p", 2, 4, 60, 80)], "Q": []}, (SUM,)),
        [("W", 0, 6), ("P", 2, 4)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("system_", "runs"), TIED)
def test_tied_paths_keep_their_identities_and_are_the_smoothest(system_, runs):
    n = 7
    found, flows = tied_path(system_, runs, n)
    for k in system_.identities:
        assert sum(c * flows[m] for m, c in k.terms) == pytest.approx(np.zeros(n), abs=1e-4)
    for m, rows in system_.members.items():
        assert flows[m].min() >= -1e-4 or m == "N"
        for start, end, low, high, *_ in rows:
            assert low - 1e-4 <= flows[m][start // DAY : end // DAY].sum() <= high + 1e-4
    oracle = Oracle(system_, n)
    best = oracle.least(oracle.roughness(runs))
    ours = sum((np.diff(flows[m][a : b + 1]) ** 2).sum() for m, a, b in runs)
    assert ours == pytest.approx(best, rel=1e-4, abs=1e-3)
    assert found.solution.residual <= RESIDUAL


def test_tied_paths_that_no_total_fixes_are_at_the_level_their_ranges_ask_for():
    members = {"B": [row("b", 0, 6, 900, 1100)], "E": [row("e", 0, 6, 300, 500)], "X": [row("x", 0, 6, 400, 900)]}
    runs = [(m, 0, 6) for m in "BEX"]
    _, flows = tied_path(System(members, (BOTH,)), runs, 7)
    oracle = Oracle(System(members, (BOTH,)), 7)
    oracle.least(sum(oracle.pull), *(cp.diff(x) == 0 for x in oracle.x.values()))
    for m in "BEX":
        assert flows[m] == pytest.approx(oracle.x[m].value, abs=1e-3)


def test_the_common_path_is_smooth_over_a_run_that_reaches_beyond_the_stretch():
    # Both directions are reported for the first week only; entries are covered on to the end of the second.
    members = {
        "E": [row("e1", 0, 6, 700), row("e2", 5, 13, 800)],
        "X": [row("x", 0, 6, 350)],
        "B": [row("b", 0, 2, 300), row("c", 3, 6, 750)],
    }
    system_ = System(members, (BOTH,))
    found = together(members, (BOTH,))
    oracle = Oracle(system_, 14)
    runs = [("E", 0, 13), ("X", 0, 6), ("B", 0, 6)]
    oracle.least(oracle.roughness(runs))
    ours = np.array(points(found, "E"), dtype=float)
    assert np.abs(ours - oracle.x["E"].value).max() <= 1.01
    alone = Oracle(System({"E": members["E"]}, ()), 14)
    alone.least(alone.roughness([("E", 0, 13)]))
    assert np.abs(alone.x["E"].value - oracle.x["E"].value).max() > 5, "the identity matters"
    apart = Oracle(System({**members, "E": members["E"]}, (BOTH,)), 14)
    apart.least(apart.roughness([("E", 0, 6), ("E", 7, 13), ("X", 0, 6), ("B", 0, 6)]))
    assert abs(np.diff(ours)[6]) < abs(np.diff(apart.x["E"].value)[6]), "no step at the end of the stretch"
