"""Laws of tied series on random systems: an LP oracle, enumeration of whole numbers, permutation, and no exception."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tied_systems import (
    ADDITIVE,
    DAY,
    INF,
    N_DAYS,
    TOOLS,
    System,
    between,
    block_of,
    ends,
    flow_range,
    outwards,
    points,
    row,
    systems,
    together,
    windows,
)


def solved(system):
    return together(system.members, system.identities)


def whole_stretch(found, system):
    """Whether one stretch holds everything that was said, so that nothing is left to the single series."""
    rows = sum(map(len, system.members.values()))
    return any(len(stretch.said.statements) == rows for stretch in found.stretches)


@given(systems(), st.data())
def test_bounds_hold_the_truth_and_where_everything_ties_are_those_of_an_lp(system, data):
    found = solved(system)
    exact = whole_stretch(found, system)
    for stretch in found.stretches:
        assert not stretch.conflicts
        for m, days in enumerate(stretch.day_bounds):
            for k, bound in zip(stretch.whole, days, strict=True):
                start, end = int(stretch.days.starts[k]), int(stretch.days.starts[k + 1])
                low, high = outwards(flow_range(system, stretch.said.members[m], start, end))
                assert bound.lower <= low
                assert bound.upper >= high
                if exact:
                    assert ends(bound) == (low, high)
    series, (a, b) = data.draw(st.sampled_from(sorted(system.members))), data.draw(st.sampled_from(windows()))
    low, high = outwards(flow_range(system, series, a * DAY, b * DAY))
    bound = between(found, series, a, b - 1)
    assert bound[0] <= low
    assert bound[1] >= high


@given(systems())
def test_whole_persons_keep_identities_reports_and_bounds(system):
    found = solved(system)
    assert not found.fallbacks, "a whole solution exists, so none may be missed"
    assert_points_fit(found, system)
    for series, rows in system.members.items():
        path, first = points(found, series), int(found.days.starts[0])
        for start, end, lower, upper, *_ in rows:
            inside = path[(start - first) // DAY : (end - first) // DAY]
            if None not in inside and len(inside) == (end - start) // DAY:
                assert lower <= sum(inside) <= upper


def assert_points_fit(found, system):
    paths = {series: found.point[found.members.index(series)] for series in system.members}
    for identity in system.identities:
        total = sum(c * paths[s] for s, c in identity.terms)
        if not identity.identical_windows:
            known = total[np.isfinite(total)]
            assert ((known == 0) if identity.sense == "=" else (known <= 0)).all()
    first = int(found.days.starts[0])
    for series, path in paths.items():
        for d in np.flatnonzero(np.isfinite(path)):
            bound = found.between(series, first + int(d) * DAY, first + int(d + 1) * DAY)
            assert bound.lower <= path[d] <= bound.upper


@given(systems(largest=2, kinds=("directions",)))
def test_bounds_contain_every_whole_solution(system):
    found = solved(system)
    flows = np.array(list(product(range(3), repeat=2 * N_DAYS)))
    e, x = flows[:, :N_DAYS], flows[:, N_DAYS:]
    every = {"E": e, "X": x, "N": e - x, "B": e + x}
    fits = np.ones(len(flows), dtype=bool)
    for series, rows in system.members.items():
        for start, end, lower, upper, *_ in rows:
            total = every[series][:, start // DAY : end // DAY].sum(axis=1)
            fits &= (lower <= total) & (total <= upper)
    assert fits.any()
    for series, d in product(system.members, range(N_DAYS)):
        lower, upper = between(found, series, d, d)
        values = every[series][fits, d]
        assert lower <= values.min()
        assert values.max() <= upper


@given(systems(truthful=False, largest=3))
def test_after_a_clash_points_still_fit_and_follow_every_report_that_is_not_set_aside(system):
    found = solved(system)
    assert_points_fit(found, system)
    first = int(found.days.starts[0])
    for stretch in found.stretches:
        assert bool(stretch.conflicts) == bool(stretch.explained) == bool(stretch.aside)
        for bounds in stretch.day_bounds:
            assert stretch.explained or not any(b.contested or b.lower_aside or b.upper_aside for b in bounds)
        said = stretch.said.statements.take(~stretch.said.statements.of(stretch.aside))
        for member, start, end, low, high in zip(
            said.member, said.start, said.end, said.lower, said.upper, strict=True
        ):
            series = stretch.said.members[member]
            path = found.point[found.members.index(series)]
            total = path[(start - first) // DAY : (end - first) // DAY].sum()
            aside = found.tied.alone[series].aside if series in found.tied.alone else ()
            follows = stretch.loosened or not aside
            assert np.isnan(total) or not follows or low <= total <= high


@given(systems(truthful=False, largest=3), st.data())
def test_bounds_hold_whatever_admitted_explanation_is_right(system, data):
    found = solved(system)
    for stretch in found.stretches:
        for explained in stretch.explained:
            aside = data.draw(st.sampled_from(explained.scenarios(TOOLS.costs)))
            ids = set(stretch.said.report_ids) - aside
            left = System(
                {s: [r for r in rows if r[4] in ids] for s, rows in system.members.items()}, system.identities
            )
            for m, days in enumerate(stretch.day_bounds):
                for k, bound in zip(stretch.whole, days, strict=True):
                    start, end = int(stretch.days.starts[k]), int(stretch.days.starts[k + 1])
                    tied = left.under(stretch.said.identities)
                    low, high = outwards(flow_range(tied, stretch.said.members[m], start, end))
                    assert bound.lower <= low
                    assert bound.upper >= high


@st.composite
def each_day(draw):
    """A system in which reports speak of each of several days, of which about half contradict others."""
    system = draw(systems(truthful=False, largest=3, kinds=ADDITIVE))
    name = draw(st.sampled_from([s for s in sorted(system.members) if s != "N"]))
    low = draw(st.integers(0, 4))
    high = draw(st.sampled_from([low, low + 2, INF]))
    first = draw(st.integers(0, N_DAYS - 2))
    days = range(first, draw(st.integers(first + 1, N_DAYS - 1)) + 1)
    rows = [row("each", d, d, low, high, draw(st.just(3))) for d in days]
    return System(system.members | {name: [*system.members[name], *rows]}, system.identities)


@given(each_day(), st.data())
def test_a_report_is_right_or_wrong_wherever_it_has_rows(system, data):
    found = solved(system)
    places = [e for stretch in found.stretches for e in stretch.explained]
    places += [e for name, own in found.tied.alone.items() for e in own.explained if _apart(name, e, found)]
    aside = frozenset().union(*(data.draw(st.sampled_from(e.scenarios(TOOLS.costs))) for e in places))
    ids = {r[4] for rows in system.members.values() for r in rows} - aside
    left = system.only(ids)
    for series, (a, b) in product(system.members, windows()):
        low, high = outwards(flow_range(left, series, a * DAY, b * DAY))
        lower, upper = between(found, series, a, b - 1)
        assert lower <= low
        assert high <= upper


def _apart(name, explained, found):
    """Whether a clash of a series lies outside the stretches."""
    spans = [(s.said.start, s.said.end) for s in found.stretches if name in s.said.members]
    clashing = [block for block in explained.blocks if not TOOLS.engines(block).feasible()]
    return not all(any(a <= block.start and block.end <= b for a, b in spans) for block in clashing)


@given(systems(truthful=False), st.randoms(use_true_random=False))
def test_order_and_repetition_of_rows_never_matter(system, chance):
    shuffled = {}
    for name in chance.sample(sorted(system.members), len(system.members)):
        rows = system.members[name] + system.members[name][:1]
        shuffled[name] = chance.sample(rows, len(rows))
    first = solved(system)
    second = solved(System(shuffled, tuple(chance.sample(system.identities, len(system.identities)))))
    assert np.array_equal(first.point, second.point, equal_nan=True)
    assert first.fallbacks == second.fallbacks
    for one, two in zip(first.stretches, second.stretches, strict=True):
        assert one.conflicts == two.conflicts
        assert [e.clusters for e in one.explained] == [e.clusters for e in two.explained]
        assert one.day_bounds == two.day_bounds
    for series, (a, b) in product(system.members, windows()):
        assert first.between(series, a * DAY, b * DAY) == second.between(series, a * DAY, b * DAY)


@given(systems())
def test_one_more_consistent_report_never_widens_a_bound(system):
    more = solved(system)
    name = next(s for s in sorted(system.members) if system.members[s])
    fewer = solved(System(system.members | {name: system.members[name][1:]}, system.identities))
    for series, (a, b) in product(system.members, windows()):
        tight, loose = between(more, series, a, b - 1), between(fewer, series, a, b - 1)
        assert tight[0] >= loose[0]
        assert tight[1] <= loose[1]


@given(systems(kinds=ADDITIVE))
def test_the_terms_of_every_proof_add_up_to_its_bound(system):
    found = solved(system)
    s = block_of(system).statements
    end_of = {
        (str(i), int(a)): (low, high) for i, a, low, high in zip(s.report_id, s.start, s.lower, s.upper, strict=True)
    }
    for series, (a, b) in product(system.members, windows()):
        bound = found.between(series, a * DAY, b * DAY)
        for end, terms, outward in (
            (bound.lower, bound.lower_terms, np.floor),
            (bound.upper, bound.upper_terms, np.ceil),
        ):
            total = sum(t.times * end_of[t.report_id, t.start][t.end == "upper"] for t in terms)
            assert not np.isfinite(end) or outward(np.round(total, 6)) == end
