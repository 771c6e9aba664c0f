"""The engine of tied series and of series that may be negative: linear programming over the flows of a block.

One programme a block; each bound is two optimisations, where no solution seen before already attains what one report
states by itself. Multipliers are the proof (method.md 4.3, 4.6, 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from transforms.estimator.engine import Clash, Infeasible
from transforms.estimator.engines.linear.programme import TOLERANCE, FlowProgramme, forcing, snap
from transforms.estimator.engines.linear.whole import whole_persons
from transforms.estimator.pieces import Grid
from transforms.estimator.results import Bound, Rounded, Term, Window
from transforms.estimator.statements import FloatArray, IntArray, Statements
from transforms.estimator.system import Block

_IIS_STRATEGIES = (2, 4)  # the default finds an empty set and 1 fails (method.md 3)


class LinearEngine:
    """Linear programming over one block."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._bounds: dict[Window, Bound] = {}

    def without(self, report_ids: frozenset[str]) -> Sequence[LinearEngine]:
        """One engine for each block into which the rest falls."""
        return [LinearEngine(block) for block in self.block.without(report_ids).blocks()]

    @cached_property
    def _coarse(self) -> Grid:
        return Grid.whole(self.block.nodes)

    @cached_property
    def _is_feasible(self) -> bool:
        return not len(self.block.statements) or FlowProgramme(self.block, self._coarse).feasible()

    def feasible(self) -> bool:
        """Whether all statements and identities can hold together."""
        return self._is_feasible

    def bounds(self, windows: Sequence[Window]) -> list[Bound]:
        """Tightest flow in each window, by two optimisations at most; raises Infeasible. Kept once computed."""
        missing = sorted(set(windows) - set(self._bounds))
        if missing:
            if not self.feasible():
                raise Infeasible
            self._bounds.update(zip(missing, tightest(self.block, missing), strict=True))
        return [self._bounds[window] for window in windows]

    def suspects(self) -> list[tuple[str, ...]]:
        """The reports that force the least movement, then what the solver calls irreducible; all where these agree."""
        block = self.block
        priced = FlowProgramme(block, self._coarse, np.ones(len(block.statements)))
        core = block.take(forcing(block, priced, priced.least_slack()[1]))
        if LinearEngine(core).feasible():
            return [block.report_ids]
        found = [core.report_ids]
        programme = FlowProgramme(core, Grid.whole(core.nodes))
        programme.feasible()
        for strategy in _IIS_STRATEGIES:
            rows = programme.irreducible_rows(strategy)
            dual = np.zeros(len(core.statements) + len(programme.ties.equal))
            dual[rows] = 1.0
            part = core.take(forcing(core, programme, dual))
            if len(part.statements) and not all(LinearEngine(b).feasible() for b in part.blocks()):
                found.append(part.report_ids)
        return list(dict.fromkeys(found))

    def clash(self) -> Clash:
        """The least total movement of interval ends, and the multipliers that force it."""
        priced = FlowProgramme(self.block, self._coarse, np.ones(len(self.block.statements)))
        gap, dual = priced.least_slack()
        return Clash(snap(gap), priced.terms(-dual, -1.0))

    def implied(self) -> Statements:
        """None: equalities that follow are not looked for, an interior-point solver copes without them here."""
        return Statements.none()

    def round(self, nodes: IntArray, cumulative: FloatArray, theta: float) -> Rounded | None:
        """Whole counts by rounding the free series and deriving the rest, else by a small integer programme."""
        return whole_persons(self.block, Grid.whole(nodes), cumulative, theta)


@dataclass(frozen=True)
class _Pattern:
    """A sum of flows of one member over pieces of a grid."""

    member: int
    pieces: tuple[int, ...]


def tightest(block: Block, windows: Sequence[Window]) -> list[Bound]:
    """Tightest bounds of flows inside a feasible block, rounded outwards to whole crossings.

    For a member that cannot be negative, a segment covered in part adds nothing to the lower bound and as much as the
    whole segment to the upper bound. Only members that may be negative need segments cut in two.
    """
    coarse = Grid.whole(block.nodes)
    plain = _Sweep(block, coarse)
    cut_at = np.zeros(len(block.nodes) - 1, dtype=np.bool_)
    for member, start, end in windows:
        if block.signed[member]:
            a, b, whole_a, whole_b = coarse.segments(start, end)
            cut_at[a] |= not whole_a
            cut_at[b - 1] |= not whole_b
    fine = _Sweep(block, Grid(block.nodes, cut_at))
    asked: list[tuple[_Sweep, _Pattern, _Pattern]] = []
    for member, start, end in windows:
        a, b, whole_a, whole_b = coarse.segments(start, end)
        if block.signed[member]:
            partly = not (whole_a and whole_b)
            sweep = fine if partly else plain
            pattern = _Pattern(member, tuple(sweep.grid.pieces(start, end)))
            asked.append((sweep, pattern, pattern))
        else:
            inner = range(a + (not whole_a), b - (not whole_b))
            asked.append((plain, _Pattern(member, tuple(inner)), _Pattern(member, tuple(range(a, b)))))
    for sweep in (plain, fine):
        sweep.run([low for s, low, _ in asked if s is sweep], [high for s, _, high in asked if s is sweep])
    return [_outwards(*sweep.lower[low], *sweep.upper[high]) for sweep, low, high in asked]


def _outwards(lower: float, lower_terms: tuple[Term, ...], upper: float, upper_terms: tuple[Term, ...]) -> Bound:
    return Bound(
        float(np.floor(snap(lower))) if np.isfinite(lower) else lower,
        float(np.ceil(snap(upper))) if np.isfinite(upper) else upper,
        lower_terms if np.isfinite(lower) else (),
        upper_terms if np.isfinite(upper) else (),
    )


class _Sweep:
    """Bounds of many sums of flows in one programme, each solution serving as a witness for all others."""

    def __init__(self, block: Block, grid: Grid) -> None:
        self.block = block
        self.grid = grid
        self.lower: dict[_Pattern, tuple[float, tuple[Term, ...]]] = {}
        self.upper: dict[_Pattern, tuple[float, tuple[Term, ...]]] = {}

    def run(self, lows: Sequence[_Pattern], highs: Sequence[_Pattern]) -> None:
        """Fill `lower` for the patterns in `lows` and `upper` for those in `highs`."""
        patterns = sorted({*lows, *highs}, key=lambda p: (p.pieces, p.member))
        if not patterns:
            return
        programme = FlowProgramme(self.block, self.grid)
        n = self.grid.n_pieces
        columns = [[p.member * n + piece for piece in p.pieces] for p in patterns]
        sums = sp.csr_array(
            (
                np.ones(sum(map(len, columns))),
                np.concatenate([np.asarray(c, dtype=np.int32) for c in columns]),
                np.concatenate([[0], np.cumsum([len(c) for c in columns])]),
            ),
            shape=(len(patterns), len(self.block.members) * n),
        )
        outer = [self._stated(p) for p in patterns]
        least = np.full(len(patterns), np.inf)
        most = np.full(len(patterns), -np.inf)
        downwards, upwards = set(lows), set(highs)
        for i, pattern in enumerate(patterns):
            for sign, wanted, results in ((1.0, downwards, self.lower), (-1.0, upwards, self.upper)):
                if pattern not in wanted:
                    continue
                if not pattern.pieces:
                    results[pattern] = (0.0, ())
                    continue
                stated, terms = outer[i][0] if sign > 0 else outer[i][1]
                seen = least[i] if sign > 0 else -most[i]
                if seen == -np.inf:
                    results[pattern] = (-sign * np.inf, ())
                    continue
                if seen <= sign * stated + TOLERANCE:
                    results[pattern] = (stated, terms)
                    continue
                value, witness, terms = programme.minimise(columns[i], sign)
                results[pattern] = (-sign * np.inf if value is None else snap(sign * value) + 0.0, terms)
                if value is None:
                    if len(witness):
                        direction = sums @ witness
                        least[direction < -TOLERANCE] = -np.inf
                        most[direction > TOLERANCE] = np.inf
                else:
                    reached = sums @ witness
                    least, most = np.minimum(least, reached), np.maximum(most, reached)

    def _stated(self, pattern: _Pattern) -> tuple[tuple[float, tuple[Term, ...]], tuple[float, tuple[Term, ...]]]:
        """Bounds that one report states by itself: the best report inside the pattern, the best report around it."""
        signed = bool(self.block.signed[pattern.member])
        nothing: tuple[Term, ...] = ()
        low = (-np.inf if signed else 0.0, nothing)
        high = (np.inf, nothing)
        if not pattern.pieces:
            return (0.0, nothing), (0.0, nothing)
        if self.grid.split.any():
            return low, high
        s = self.block.statements
        start, end = self.grid.edges[pattern.pieces[0]], self.grid.edges[pattern.pieces[-1] + 1]
        own = s.member == pattern.member
        inside = own & (s.start >= start) & (s.end <= end)
        around = own & (s.start <= start) & (s.end >= end)
        if signed:
            inside = around = inside & around
        best = np.where(inside, s.lower, -np.inf)
        i = int(np.argmax(best))
        if best[i] > low[0]:
            low = (float(best[i]), (Term(str(s.report_id[i]), "lower", 1.0, int(s.start[i])),))
        best = np.where(around, s.upper, np.inf)
        i = int(np.argmin(best))
        if best[i] < np.inf:
            high = (float(best[i]), (Term(str(s.report_id[i]), "upper", 1.0, int(s.start[i])),))
        return low, high
