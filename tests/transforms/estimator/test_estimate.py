"""The point estimate is the smoothest path: oracles, symmetry, breaks, and days without a point."""

from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from interval_systems import CASES, DAY, INF, midnights, of_case, system, truthful

from crossings.calendar import days_around
from transforms.estimator import quadratic
from transforms.estimator.quadratic import Quadratic, minimise
from transforms.estimator.settings import EstimateSettings, local_level, runs, smoothest_path

S = EstimateSettings()


def path(c, n, breaks=(), choices=S):
    flags = np.zeros(n, dtype=bool)
    flags[list(breaks)] = True
    flows = np.full(n, np.nan)
    for p in smoothest_path(c, midnights(n), flags, choices):
        assert p.solution.accepted
        assert p.solution.residual <= quadratic.RESIDUAL
        flows[p.run.first : p.run.last + 1] = p.days(midnights(n))
    return flows


def case_path(name):
    case = CASES[name]
    c = of_case(case)
    first, starts = days_around(int(c.start.min()), int(c.end.max()), case["reports"][0]["timezone"])
    flags = np.zeros(len(starts) - 1, dtype=bool)
    for date in (case.get("settings") or {}).get("breaks", []):
        flags[(np.datetime64(date) - np.datetime64(first)).astype(int)] = True
    return np.concatenate([p.days(starts) for p in smoothest_path(c, starts, flags, S)])


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


@settings(max_examples=40, deadline=None)
@given(truthful(days=12))
def test_roughness_is_that_of_an_independent_solver(given_):
    c, days = given_
    found = runs(c, midnights(len(days)))
    assume(found)
    flows = path(c, len(days))
    for run in found:
        n = run.last - run.first + 1
        assume(n >= 3)
        x = cp.Variable(n, nonneg=True)
        first = run.first * DAY
        at = [
            ((run.nodes[s] - first) // DAY, (run.nodes[e] - first) // DAY)
            for s, e in zip(run.start, run.end, strict=True)
        ]
        limits = [cp.sum(x[a:b]) >= low for (a, b), low in zip(at, run.lower, strict=True)]
        limits += [cp.sum(x[a:b]) <= up for (a, b), up in zip(at, run.upper, strict=True) if np.isfinite(up)]
        best = cp.Problem(cp.Minimize(cp.sum_squares(cp.diff(x))), limits).solve(solver=cp.CLARABEL)
        ours = (np.diff(flows[run.first : run.last + 1]) ** 2).sum()
        scale = max(1.0, float(np.nanmax(flows[run.first : run.last + 1])))
        # The tie-break may cost a millionth of a squared level for each interval.
        assert ours == pytest.approx(best, rel=1e-4, abs=1e-5 * scale**2)


@settings(max_examples=40, deadline=None)
@given(truthful(half_days=True))
def test_every_report_holds_on_the_path(given_):
    c, days = given_
    n = len(days)
    for p in smoothest_path(c, midnights(n), np.zeros(n, dtype=bool), S):
        r = p.run
        flow = p.cumulative[r.end] - p.cumulative[r.start]
        tol = 1e-5 * max(1.0, float(np.abs(p.cumulative).max()))
        assert (flow >= r.lower - tol).all()
        assert (flow <= r.upper + tol).all()
        assert (np.diff(p.cumulative) >= -tol).all()


@settings(max_examples=30, deadline=None)
@given(truthful())
def test_reversing_the_calendar_reverses_the_path(given_):
    c, days = given_
    n = len(days)
    back = replace(c, start=n * DAY - c.end, end=n * DAY - c.start)
    assert path(back, n)[::-1] == pytest.approx(path(c, n), abs=1e-3, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(truthful())
def test_scaling_figures_scales_the_path_and_shifting_a_week_moves_it(given_):
    c, days = given_
    n = len(days)
    plain = path(c, n)
    assert path(replace(c, lower=c.lower * 1000, upper=c.upper * 1000), n) == pytest.approx(
        plain * 1000, abs=1.0, rel=1e-5, nan_ok=True
    )
    later = path(replace(c, start=c.start + 7 * DAY, end=c.end + 7 * DAY), n + 7)
    assert later[7:] == pytest.approx(plain, abs=1e-6, nan_ok=True)


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


def test_among_equally_smooth_paths_the_one_at_the_centre_of_the_interval_is_taken():
    assert path(system(("a", 0, 4, 0, 100)), 4) == pytest.approx([12.5] * 4, abs=1e-3)


def test_level_weighting_lets_high_days_change_more_than_low_ones():
    c = system(("low", 0, 7, 70, 70), ("high", 7, 14, 7000, 7000))
    plain, weighted = path(c, 14), path(c, 14, choices=EstimateSettings(level_weighted=True))
    assert weighted[:7].sum() == pytest.approx(70)
    assert weighted[7:].sum() == pytest.approx(7000)
    level = local_level(plain, np.zeros(14, dtype=bool))[1:]

    def relative(flows):
        return ((np.diff(flows) / level) ** 2).sum()

    assert relative(weighted) < relative(plain)
    assert (np.diff(weighted) ** 2).sum() > (np.diff(plain) ** 2).sum()


def test_the_local_level_does_not_look_across_a_break():
    flows = np.array([10.0] * 5 + [1000.0] * 5)
    flags = np.zeros(10, dtype=bool)
    flags[5] = True
    assert list(local_level(flows, flags)) == list(flows)
    assert local_level(flows, np.zeros(10, dtype=bool))[4] > 10
    assert local_level(np.zeros(3), np.zeros(3, dtype=bool))[0] == 1


def _small_problem():
    from scipy import sparse

    eye = sparse.csc_array(np.eye(2))
    return Quadratic(
        P=sparse.csc_array(2 * np.eye(2)),
        q=np.array([-6.0, -2.0]),
        E=sparse.csc_array((0, 2)),
        e=np.zeros(0),
        G=sparse.csc_array(eye),
        h=np.array([1.0, 5.0]),
    )


def test_where_the_solver_gives_up_the_active_set_takes_over_and_says_so(monkeypatch):
    monkeypatch.setattr(quadratic, "_clarabel", lambda p, _: (np.full(2, np.nan), np.full(2, np.nan), "MaxIterations"))
    solution = minimise(_small_problem())
    assert (solution.how, solution.solver_status) == ("active_set", "MaxIterations")
    assert solution.z == pytest.approx([1.0, 1.0])


def test_where_everything_gives_up_nothing_is_accepted(monkeypatch):
    monkeypatch.setattr(quadratic, "_clarabel", lambda p, _: (np.zeros(2), np.zeros(2), "NumericalError"))
    monkeypatch.setattr(quadratic, "_active_set", lambda p, z, dual: None)
    assert not minimise(_small_problem()).accepted
