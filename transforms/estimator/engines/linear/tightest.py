"""Tightest bounds of sums of flows by linear programming, each solution a witness for all other sums.

In: a feasible block and windows. Out: their bounds with proofs, rounded outwards. A bound is an optimisation, where no
solution seen before already attains what one report states by itself or what is known to hold (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from transforms.estimator.engines.linear.programme import TOLERANCE, FlowProgramme, snap
from transforms.estimator.engines.linear.witnesses import Witnesses
from transforms.estimator.pieces import Grid
from transforms.estimator.results import Bound, Term, Window
from transforms.estimator.system import Block


@dataclass(frozen=True)
class _Pattern:
    """A sum of flows of one member over pieces of a grid."""

    member: int
    pieces: tuple[int, ...]


def tightest(block: Block, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
    """Tightest bounds of flows inside a feasible block, rounded outwards to whole crossings.

    For a member that cannot be negative, a segment covered in part adds nothing to the lower bound and as much as the
    whole segment to the upper bound. Only members that may be negative need segments cut in two.

    known : bounds of the windows that are valid here, with their proofs; where they are the tightest, they stand.
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
    for (sweep, low, high), bound in zip(asked, known, strict=False):
        sweep.know(low, high, bound)
    for sweep in (plain, fine):
        sweep.run([low for s, low, _ in asked if s is sweep], [high for s, _, high in asked if s is sweep])
    return [_outwards(*sweep.lower[low], *sweep.upper[high]) for sweep, low, high in asked]


def _outwards(lower: float, lower_terms: tuple[Term, ...], upper: float, upper_terms: tuple[Term, ...]) -> Bound:
    return Bound(
        float(floor(snap(lower))) if isfinite(lower) else lower,
        float(ceil(snap(upper))) if isfinite(upper) else upper,
        lower_terms if isfinite(lower) else (),
        upper_terms if isfinite(upper) else (),
    )


_End: TypeAlias = tuple[float, tuple[Term, ...]]


class _Sweep:
    """Bounds of many sums of flows in one programme, each solution serving as a witness for all others."""

    def __init__(self, block: Block, grid: Grid) -> None:
        self.block = block
        self.grid = grid
        self.lower: dict[_Pattern, _End] = {}
        self.upper: dict[_Pattern, _End] = {}
        self.known: tuple[dict[_Pattern, _End], dict[_Pattern, _End]] = ({}, {})  # lower ends, upper ends

    def know(self, low: _Pattern, high: _Pattern, bound: Bound) -> None:
        """Hold a bound for valid, before the sweep runs."""
        below, above = self.known
        if np.isfinite(bound.lower) and bound.lower > below.get(low, (-np.inf, ()))[0]:
            below[low] = bound.lower, bound.lower_terms
        if np.isfinite(bound.upper) and bound.upper < above.get(high, (np.inf, ()))[0]:
            above[high] = bound.upper, bound.upper_terms

    def run(self, lows: Sequence[_Pattern], highs: Sequence[_Pattern]) -> None:
        """Fill `lower` for the patterns in `lows` and `upper` for those in `highs`."""
        patterns = sorted({*lows, *highs}, key=lambda p: (p.pieces, p.member))
        if not patterns:
            return
        programme = FlowProgramme(self.block, self.grid)
        witnesses = Witnesses(programme, self._sums(patterns))
        sides = ((1.0, set(lows), self.lower), (-1.0, set(highs), self.upper))
        stated = [self._stated(p) for p in patterns]
        for side, (sign, wanted, results) in enumerate(sides):
            known = self.known[side]
            witnesses.escape(sign, [i for i, p in enumerate(patterns) if p in wanted and p not in known])
            valid = {
                i: sign * known[p][0] for i, p in enumerate(patterns)
                if p in wanted and p in known and p.pieces and sign * known[p][0] >= sign * stated[i][side][0]
            }  # fmt: skip
            results.update((patterns[i], known[patterns[i]]) for i in witnesses.attained(sign, valid))
        for i, pattern in enumerate(patterns):
            for side, (sign, wanted, results) in enumerate(sides):
                if pattern in wanted and pattern not in results:
                    results[pattern] = self._end(i, pattern, sign, stated[i][side], witnesses)

    def _end(self, i: int, pattern: _Pattern, sign: float, stated: _End, witnesses: Witnesses) -> _End:
        """One end of a sum: what is stated or goes on for ever, as far as that has been seen, else an optimisation."""
        if not pattern.pieces:
            return 0.0, ()
        seen = witnesses.seen(i, sign)
        if seen == -np.inf:
            return -sign * np.inf, ()
        if seen <= sign * stated[0] + TOLERANCE:
            return stated
        value, terms = witnesses.minimise(i, sign)
        return (-sign * np.inf if value is None else snap(sign * value) + 0.0), terms

    def _sums(self, patterns: Sequence[_Pattern]) -> sp.csr_array:
        """Patterns x (member, piece): 1 where the flow is part of the sum."""
        n = self.grid.n_pieces
        columns = [[p.member * n + piece for piece in p.pieces] for p in patterns]
        return sp.csr_array(
            (
                np.ones(sum(map(len, columns))),
                np.concatenate([np.asarray(c, dtype=np.int32) for c in columns]),
                np.concatenate([[0], np.cumsum([len(c) for c in columns])]),
            ),
            shape=(len(patterns), len(self.block.members) * n),
        )

    def _stated(self, pattern: _Pattern) -> tuple[_End, _End]:
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
