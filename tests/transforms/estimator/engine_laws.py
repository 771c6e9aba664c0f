"""What every engine promises about a block, as laws on drawn systems against linear programmes over all days.

An engine is tested by a class that says how it is made, and which systems it is asked about.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tied_systems import DAY, Flows, System, block_of, flow_range, outwards

from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.engine import Infeasible
from transforms.estimator.results import Window
from transforms.estimator.system import Block

WHOLE = 1e-6  # crossings; what an LP in floating point leaves behind
_SHARED = settings(
    settings.default, suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.differing_executors]
)


def law(test):
    """A law of both engines: it is inherited, and the profile decides how hard it is tried."""
    return _SHARED(given(st.data())(test))


def blocks_of(system: System) -> list[Block]:
    """Independent blocks; rows that state nothing are in none."""
    stated = {
        name: [r for r in rows if np.isfinite(r[3]) or (np.isfinite(r[2]) and (r[2] > 0 or name == "N"))]
        for name, rows in system.members.items()
    }
    return block_of(System(stated, system.identities)).blocks()


def inside(system: System, block: Block) -> System:
    """What the system says within a block."""
    ids = set(block.report_ids)
    return system.only(ids)


def value(block: Block, member: int, terms) -> float:
    """The sum that a proof claims, from the printed ends of the reports."""
    s = block.statements
    total = 0.0
    for t in terms:
        (row,) = np.flatnonzero((s.report_id == t.report_id) & (s.start == t.start))
        total += t.times * float(s.lower[row] if t.end == "lower" else s.upper[row])
    return total


class EngineLaws(ABC):
    """Laws of an engine; `engine` makes it."""

    @abstractmethod
    def engine(self, block: Block):
        """The engine under test."""

    @abstractmethod
    def truthful(self) -> st.SearchStrategy[System]:
        """Systems that some whole flows fit."""

    @abstractmethod
    def doubtful(self) -> st.SearchStrategy[System]:
        """Systems that may contradict themselves."""

    def draw_windows(self, data, block: Block, most: int = 4) -> list[Window]:
        step = DAY // 2
        first, last = block.start // step, block.end // step
        found = []
        for _ in range(data.draw(st.integers(1, most))):
            a = data.draw(st.integers(first, last - 1))
            b = data.draw(st.integers(a + 1, last))
            found.append(Window(data.draw(st.integers(0, len(block.members) - 1)), a * step, b * step))
        return found

    @law
    def test_bounds_equal_a_linear_programme_over_all_days(self, data):
        system = data.draw(self.truthful())
        for block in blocks_of(system):
            asked = self.draw_windows(data, block)
            for window, bound in zip(asked, self.engine(block).bounds(asked), strict=True):
                truth = flow_range(inside(system, block), block.members[window.member], window.start, window.end)
                assert (bound.lower, bound.upper) == outwards(truth)

    @law
    def test_the_terms_of_a_proof_add_up_to_the_bound_and_its_reports_alone_give_it(self, data):
        system = data.draw(self.truthful())
        for block in blocks_of(system):
            asked = self.draw_windows(data, block, 3)
            for window, bound in zip(asked, self.engine(block).bounds(asked), strict=True):
                series = block.members[window.member]
                truth = flow_range(inside(system, block), series, window.start, window.end)
                for side, terms in enumerate((bound.lower_terms, bound.upper_terms)):
                    if not np.isfinite(truth[side]):
                        assert terms == ()
                        continue
                    assert value(block, window.member, terms) == pytest.approx(truth[side], abs=WHOLE)
                    assert all(t.times for t in terms)
                    if not any(k.identical_windows for k in system.identities):
                        alone = system.only({t.report_id for t in terms})
                        found = flow_range(alone, series, window.start, window.end)
                        assert found[side] == pytest.approx(truth[side], abs=WHOLE)

    @law
    def test_infeasible_exactly_where_a_linear_programme_says_so(self, data):
        system = data.draw(self.doubtful())
        for block in blocks_of(system):
            engine = self.engine(block)
            truth = flow_range(inside(system, block), block.members[0], block.start, block.end)
            assert engine.feasible() == (truth is not None)
            if truth is None:
                with pytest.raises(Infeasible):
                    engine.bounds([Window(0, block.start, block.end)])
                assert engine.suspects()

    @law
    def test_a_conflict_is_irreducible_needs_its_identities_and_its_gap_is_the_least_movement(self, data):
        system = data.draw(self.doubtful())
        left = system
        found = find_conflicts(blocks_of(system), self.engine)
        for conflict in found:
            clashing = system.only(conflict.report_ids).under(conflict.identities)
            assert _range(clashing) is None
            for report_id in conflict.report_ids:
                assert _range(clashing.only(set(conflict.report_ids) - {report_id})) is not None
            for identity in conflict.identities:
                assert _range(clashing.under([k for k in conflict.identities if k != identity])) is not None
            assert conflict.gap > 0
            assert conflict.gap == pytest.approx(Flows(clashing).least_movement(), abs=1e-5)
            tiers = {r[4]: r[5] for rows in clashing.members.values() for r in rows}
            assert tiers[conflict.set_aside] == max(tiers.values())
            left = left.only({r[4] for rows in left.members.values() for r in rows} - {conflict.set_aside})
        assert bool(found) == (_range(system) is None)
        assert _range(left) is not None, "what is left when one report a conflict is set aside agrees"

    @law
    def test_whole_persons_keep_every_interval_and_identity(self, data):
        system = data.draw(self.truthful())
        for block in blocks_of(system):
            path = data.draw(_paths(inside(system, block), block))
            theta = data.draw(st.sampled_from([0.0, 0.25, 0.5]))
            rounded = self.engine(block).round(block.nodes, path, theta)
            assert rounded is not None
            assert not rounded.missed.any()
            whole, s = rounded.cumulative, block.statements
            assert whole.dtype == np.int64
            a, b = np.searchsorted(block.nodes, s.start), np.searchsorted(block.nodes, s.end)
            flow = whole[s.member, b] - whole[s.member, a]
            assert ((s.lower <= flow) & (flow <= s.upper)).all()
            flows = np.diff(whole, axis=1)
            assert (flows[~block.signed] >= 0).all()
            for identity in block.identities:
                total = sum(c * flows[block.position(name)] for name, c in identity.terms)
                if not identity.identical_windows:
                    assert ((total == 0) if identity.sense == "=" else (total <= 0)).all()

    @law
    def test_order_and_repeated_rows_change_nothing_not_even_the_proofs(self, data):
        system = data.draw(self.doubtful())
        blocks = blocks_of(system)
        shuffled = {
            name: data.draw(st.permutations([*rows, *rows[:1]])) for name, rows in reversed(system.members.items())
        }
        others = blocks_of(System(shuffled, tuple(data.draw(st.permutations(system.identities)))))
        assert find_conflicts(blocks, self.engine) == find_conflicts(others, self.engine)
        for one, two in zip(blocks, others, strict=True):
            asked = self.draw_windows(data, one)
            if self.engine(one).feasible():
                assert self.engine(one).bounds(asked) == self.engine(two).bounds(asked)

    @law
    def test_a_thousand_times_the_figures_gives_a_thousand_times_the_bounds_a_week_later_the_same(self, data):
        system = data.draw(self.truthful())
        week = 7 * DAY
        later = {n: [(r[0] + week, r[1] + week, *r[2:]) for r in rows] for n, rows in system.members.items()}
        larger = {n: [(*r[:2], 1000 * r[2], 1000 * r[3], *r[4:]) for r in rows] for n, rows in system.members.items()}
        for block, shifted, scaled in zip(
            blocks_of(system), blocks_of(System(later, system.identities)), blocks_of(System(larger, system.identities)),
            strict=True,
        ):  # fmt: skip
            asked = self.draw_windows(data, block)
            bounds = self.engine(block).bounds(asked)
            moved = self.engine(shifted).bounds([Window(m, a + week, b + week) for m, a, b in asked])
            for window, one, two, three in zip(asked, bounds, moved, self.engine(scaled).bounds(asked), strict=True):
                assert (two.lower, two.upper) == (one.lower, one.upper)
                for mine, theirs in ((one.lower_terms, two.lower_terms), (one.upper_terms, two.upper_terms)):
                    assert tuple(t._replace(start=t.start + week) for t in mine) == theirs
                exact = [value(block, window.member, terms) for terms in (one.lower_terms, one.upper_terms)]
                known = [v if np.isfinite(e) else e for v, e in zip(exact, (one.lower, one.upper), strict=True)]
                assert (three.lower, three.upper) == outwards(tuple(1000 * v for v in known))

    @law
    def test_one_more_report_that_agrees_never_widens_a_bound(self, data):
        system = data.draw(self.truthful())
        ids = sorted({r[4] for rows in system.members.values() for r in rows})
        fewer = system.only(set(ids) - {data.draw(st.sampled_from(ids))})
        after = blocks_of(system)
        for before in blocks_of(fewer):
            asked = self.draw_windows(data, before)
            (around,) = (b for b in after if b.start <= before.start and b.end >= before.end)
            for one, two in zip(self.engine(before).bounds(asked), self.engine(around).bounds(asked), strict=True):
                assert two.lower >= one.lower
                assert two.upper <= one.upper

    @law
    def test_without_some_reports_an_engine_answers_like_one_that_never_knew_them(self, data):
        system = data.draw(self.doubtful())
        for block in blocks_of(system):
            gone = frozenset(data.draw(st.sets(st.sampled_from(block.report_ids), max_size=2)))
            engine = self.engine(block)
            if data.draw(st.booleans()):
                engine.feasible()
            fresh = [self.engine(part) for part in block.without(gone).blocks()]
            for one, two in zip(engine.without(gone), fresh, strict=True):
                assert one.block.report_ids == two.block.report_ids
                assert one.feasible() == two.feasible()
                if two.feasible():
                    asked = self.draw_windows(data, two.block)
                    assert one.bounds(asked) == two.bounds(asked)
                else:
                    assert one.suspects() == two.suspects()
                    assert one.clash() == two.clash()

    @law
    def test_what_is_implied_holds_whatever_the_flows_are(self, data):
        system = data.draw(self.doubtful())
        for block in blocks_of(system):
            engine = self.engine(block)
            implied = engine.implied() if engine.feasible() else ()
            for i in range(len(implied)):
                series = block.members[int(implied.member[i])]
                truth = flow_range(inside(system, block), series, int(implied.start[i]), int(implied.end[i]))
                assert truth == pytest.approx((implied.lower[i], implied.upper[i]), abs=WHOLE)

    @law
    def test_asking_twice_or_for_more_at_once_gives_the_same(self, data):
        system = data.draw(self.truthful())
        for block in blocks_of(system):
            asked = self.draw_windows(data, block)
            engine = self.engine(block)
            first = engine.bounds(asked[:1])
            again = engine.bounds([*asked, *asked[::-1]])
            ends = [(b.lower, b.upper) for b in again]
            assert ends == ends[::-1]
            assert (first[0].lower, first[0].upper) == ends[0]


def _range(system: System):
    """Any flow of the system: None where it contradicts itself."""
    return Flows(system).range(min(system.members), 0, DAY)


@st.composite
def _paths(draw, system: System, block: Block):
    """Real-valued cumulative paths that fit: a mixture of some vertices of what is possible."""
    flows = Flows(system, *block.nodes.tolist())
    found = []
    for _ in range(draw(st.integers(1, 3))):
        cost = np.array(draw(st.lists(st.integers(-3, 3), min_size=flows.size, max_size=flows.size)), dtype=float)
        found.append(flows.vertex(cost))
    mixed = np.mean(found, axis=0).reshape(len(flows.names), flows.n)
    counts = np.concatenate((np.zeros((len(mixed), 1)), np.cumsum(mixed, axis=1)), axis=1)
    counts = counts[:, np.searchsorted(flows.edges, block.nodes)]
    return counts - counts[:, :1]
