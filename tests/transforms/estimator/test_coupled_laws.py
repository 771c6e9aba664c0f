"""Laws of coupled series on random systems: an LP oracle, enumeration of whole numbers, deletion, permutation."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from coupled_systems import BOTH, DAY, INF, NET, PART, REST, SUM, constraints, interval, row, system, wide
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from transforms.estimator.coupled import solve
from transforms.estimator.coupled_blocks import cut
from transforms.estimator.coupled_conflicts import is_feasible

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
    table = wide(told, "estimate").reindex(columns=sorted(members))
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
    by_oracle = oracle(members, links, min(members), 0, 0) is not None
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
