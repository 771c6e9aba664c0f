"""Bounds are theorems: equal to linear programming, proven by named reports, and never widened by more reports."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interval_systems import CASES, DAY, INF, contradictory, lp_range, midnights, of_case, only, system, truthful
from transforms.estimator.bounds import infeasible_blocks, solve
from transforms.estimator.network import FiguresTooLarge, NotFeasible, canonical

from crossings.calendar import days_around
from transforms.estimator import network


@pytest.fixture(params=["whole blocks", "tiny bags"])
def bags(request, monkeypatch):
    """The same laws must hold where a block is solved at once and where it is cut into bags of a few nodes."""
    if request.param == "tiny bags":
        monkeypatch.setattr(network, "WHOLE_BAG", 3)
        monkeypatch.setattr(network, "BAG_MIN", 1)
        monkeypatch.setattr(network, "BAG_MAX", 3)


def laws(examples):
    from hypothesis import HealthCheck

    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_same(ours, lp):
    low, high = ours
    assert low == pytest.approx(lp[0], abs=1e-6)
    assert high == lp[1] or high == pytest.approx(lp[1], abs=1e-6)


@laws(60)
@given(st.booleans().flatmap(lambda half: truthful(half_days=half)))
def test_bounds_and_their_proofs_equal_linear_programming(bags, given_):
    c, days = given_
    n = len(days)
    solved = solve(c, midnights(n))
    for i in range(n):
        a, b = i * DAY, (i + 1) * DAY
        bound = (solved.days.lower[i], solved.days.upper[i])
        assert_same(bound, lp_range(c, a, b))
        assert bound[0] <= days[i] <= bound[1]
        # The proof alone proves it.
        if solved.days.lower_proof[i]:
            assert lp_range(only(c, solved.days.lower_proof[i]), a, b)[0] == pytest.approx(bound[0])
        else:
            assert bound[0] == 0
        if np.isfinite(bound[1]):
            assert lp_range(only(c, solved.days.upper_proof[i]), a, b)[1] == pytest.approx(bound[1])
        else:
            assert solved.days.upper_proof[i] == ()


@laws(40)
@given(truthful(half_days=True), st.data())
def test_any_two_instants_are_bounded_like_linear_programming(bags, given_, data):
    c, days = given_
    a = data.draw(st.integers(-1, 2 * len(days))) * DAY // 2
    b = data.draw(st.integers(a * 2 // DAY + 1, 2 * len(days) + 2)) * DAY // 2
    bound = solve(c).between(a, b)
    assert_same(bound[:2], lp_range(c, a, b))


@laws(60)
@given(contradictory())
def test_infeasible_exactly_where_linear_programming_says_so(bags, given_):
    c, days = given_
    feasible = lp_range(c, 0, len(days) * DAY) is not None
    assert (not infeasible_blocks(c)) == feasible
    if not feasible:
        with pytest.raises(NotFeasible):
            solve(c, midnights(len(days)))


@laws(30)
@given(truthful(), st.data())
def test_order_and_duplicates_change_nothing_not_even_the_proofs(bags, given_, data):
    c, days = given_
    order = data.draw(st.permutations(range(len(c))))
    other = c.take(np.array([*order, order[0]]))
    one, two = solve(c, midnights(len(days))).days, solve(other, midnights(len(days))).days
    assert (one.lower == two.lower).all()
    assert (one.upper == two.upper).all()
    assert (one.lower_proof, one.upper_proof) == (two.lower_proof, two.upper_proof)


@laws(30)
@given(truthful())
def test_one_more_report_never_widens_a_bound(given_):
    c, days = given_
    before = None
    for k in range(1, len(c) + 1):
        now = solve(c.take(np.arange(k)), midnights(len(days))).days
        if before is not None:
            assert (now.lower >= before.lower).all()
            assert (now.upper <= before.upper).all()
        before = now


@laws(30)
@given(truthful(), st.sampled_from([1000.0]), st.integers(-3, 3))
def test_scaling_figures_scales_bounds_and_shifting_dates_shifts_them(given_, factor, weeks):
    c, days = given_
    shift = 7 * DAY * weeks
    moved = type(c)(
        c.start + shift, c.end + shift, c.lower * factor, c.upper * factor, c.report_id, c.origin_id, c.tier, c.sigma
    )
    one, two = solve(c, midnights(len(days))).days, solve(moved, midnights(len(days)) + shift).days
    assert (two.lower == one.lower * factor).all()
    assert (two.upper == one.upper * factor).all()
    assert (one.lower_proof, one.upper_proof) == (two.lower_proof, two.upper_proof)


def test_the_proof_names_the_reports_on_the_path_and_no_other():
    c = system(("week", 0, 7, 0, 1200), ("mon", 0, 1, 100, INF), ("wed", 2, 3, 160, INF), ("far", 9, 10, 5, 5))
    solved = solve(c, midnights(10))
    assert solved.days.upper[1] == 1200 - 100 - 160
    assert solved.days.upper_proof[1] == ("mon", "week", "wed")
    assert solved.days.lower_proof[1] == ()
    assert solved.days.lower_proof[0] == ("mon",)


def test_of_two_proofs_the_one_with_fewer_reports_is_given():
    c = system(("a", 0, 1, 5, 5), ("b", 1, 2, 7, 7), ("ab", 0, 2, 12, 12), ("c", 2, 3, 1, 1), ("abc", 0, 3, 13, 13))
    assert solve(c).between(0, 2 * DAY).upper_proof == ("ab",)


def test_outside_all_reports_lower_counts_only_what_is_inside_and_upper_is_open():
    solved = solve(system(("a", 2, 4, 10, 20)))
    assert solved.between(0, 4 * DAY)[:2] == (10, INF)
    assert solved.between(5 * DAY, 6 * DAY)[:2] == (0, INF)
    assert solved.between(3 * DAY, 4 * DAY)[:2] == (0, 20)


def test_two_ten_o_clock_windows_cap_the_day_inside_them():
    c = system(("one", 0.4167, 1.4167, 9642, 9642), ("two", 1.4167, 2.4167, 6109, 6109))
    days = solve(c, midnights(3)).days
    assert (days.lower[1], days.upper[1]) == (0, 9642 + 6109)
    assert days.upper_proof[1] == ("one", "two")
    assert days.upper[0] == INF


def test_figures_beyond_exact_arithmetic_are_refused_not_rounded():
    with pytest.raises(FiguresTooLarge, match="unit"):
        solve(system(("a", 0, 3, 0, 2.0**53), ("b", 1, 2, 0, 5)))


@pytest.mark.parametrize(
    "name", [n for n, c in CASES.items() if c["expect"].get("daily") and c["expect"].get("feasible")]
)
def test_cases_by_day(name):
    case = CASES[name]
    c = of_case(case)
    zone = case["reports"][0]["timezone"]
    first, starts = days_around(int(c.start.min()), int(c.end.max()), zone)
    solved = solve(c, starts).days
    for row in case["expect"]["daily"]:
        i = (np.datetime64(row["date"]) - np.datetime64(first)).astype(int)
        if 0 <= i < len(solved.lower):
            assert solved.lower[i] == row["lower"]
            assert solved.upper[i] == (INF if row["upper"] is None else row["upper"])
        else:
            assert (row["lower"], row["upper"]) == (0, None)


def test_a_long_chain_is_cut_into_bags_and_keeps_its_bounds(monkeypatch):
    rng = np.random.default_rng(7)
    x = rng.integers(0, 50, 900)
    total = np.concatenate(([0], np.cumsum(x)))
    a = np.sort(rng.integers(0, 890, 500))
    b = np.minimum(a + rng.choice([1, 3, 9, 20], 500), 900)
    flow = (total[b] - total[a]).astype(float)
    rows = [(f"r{i:03d}", s, e, max(f - 3, 0), f + 3) for i, (s, e, f) in enumerate(zip(a, b, flow, strict=True))]
    c = canonical(system(*rows, ("begin", 0, 5, 0, 500), ("all", 0, 900, float(total[-1]), float(total[-1]))))
    cut = solve(c, midnights(900)).days
    monkeypatch.setattr(network, "WHOLE_BAG", 10**6)
    whole = solve(c, midnights(900)).days
    assert (cut.lower == whole.lower).all()
    assert (cut.upper == whole.upper).all()
    assert [len(p) for p in cut.upper_proof] == [len(p) for p in whole.upper_proof]
    assert (cut.lower <= x).all()
    assert (x <= cut.upper).all()
