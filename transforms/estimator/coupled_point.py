"""Smoothest path of coupled series inside their bounds, in whole persons.

In: a feasible block of coupled series with its civil midnights, breaks and day bounds. Out: a whole number for every
member and piece of time, and which of them may be published. The maths is in method.md 4.5 (objective, tie-break,
acceptance), 4.6 (cumulative rounding) and 4.7 (round the free series, derive the rest).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.sparse as sp

from transforms.estimator.constraints import FloatArray, IntArray
from transforms.estimator.coupled_blocks import Block, BoolArray, Grid
from transforms.estimator.coupled_bounds import Bound
from transforms.estimator.coupled_qp import Quadratic, solve_quadratic
from transforms.estimator.coupled_reconcile import unit_of
from transforms.estimator.coupled_round import whole_persons

_TIE_BREAK = 1e-6
_BREAK_WEIGHT = 1e-6
_LEVEL_WEIGHT = 1e-9  # on flows that nothing else in the objective holds: the smallest of the smoothest paths
_STRICT_WEIGHT = 1e-11  # on all others, so that the programme is strictly convex
_OBJECTIVE_SCALE = 100.0  # lets the solver's absolute tolerance resolve the tie-break


@dataclass(frozen=True, eq=False)
class DayParts:
    """The parts of civil days that lie inside a block, in order of time.

    Attributes
    ----------
    start, end : UTC instants of the part, at most a day.
    fraction : share of the civil day that the part is; 1 for a whole day, also one of 23 or 25 hours.
    """

    start: IntArray
    end: IntArray
    fraction: FloatArray

    def __len__(self) -> int:
        return len(self.start)


@dataclass(frozen=True, eq=False)
class Path:
    """Point estimate of a block.

    Attributes
    ----------
    flow : members x day parts, the smoothest path in crossings, nan where there is none.
    whole : members x day parts, the same in whole persons; 0 where not `published`.
    published : members x day parts, whether there is a point.
    missed : per statement, crossings by which the whole numbers fall short of (negative) or exceed (positive) its
        interval, because no whole numbers hold them all.
    reason : why there is no path at all; empty otherwise.
    """

    flow: FloatArray
    whole: IntArray
    published: BoolArray
    missed: IntArray
    reason: str = ""


@dataclass(frozen=True, eq=False)
class _Days:
    """Which pieces make up which day part, and what is known there (members x parts)."""

    grid: Grid
    parts: DayParts
    pieces: tuple[IntArray, ...]
    known: BoolArray
    published: BoolArray


def smoothest(
    block: Block, relaxed: Block, parts: DayParts, bounds: Mapping[tuple[int, int], Bound], breaks: Sequence[int]
) -> Path:
    """Smoothest path inside the shifted intervals of `block`, rounded inside the whole intervals of `relaxed`.

    `bounds` gives the tightest bounds of (member, number of the day part); a regime in which they are infinite every
    day gets no point. `breaks` are the instants at which a new regime starts.
    """
    days = _days(block, parts, bounds, breaks)
    shape = (len(block.members), len(parts))
    nothing = Path(
        np.full(shape, np.nan),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.bool_),
        np.zeros(len(block.statements), dtype=np.int64),
    )
    if not days.published.any():
        return nothing
    unit = unit_of(block)
    x = solve_quadratic(_problem(block, days, breaks, unit))
    if x is None:
        return replace(nothing, reason="the smoothest path was not found to the accuracy required")
    n = days.grid.n_pieces
    flow = np.maximum(x * unit, block.floor_of_flow(n)).reshape(len(block.members), n)
    rounded = whole_persons(relaxed, days.grid, flow)
    if rounded is None:
        return replace(nothing, reason="no whole numbers near the smoothest path satisfy the identities")
    whole, missed = rounded
    membership = sp.csr_array(
        (
            np.ones(sum(map(len, days.pieces))),
            np.concatenate(days.pieces),
            np.concatenate([[0], np.cumsum([len(p) for p in days.pieces])]),
        ),
        shape=(len(parts), n),
    )
    by_day = np.asarray((membership @ flow.T).T)
    whole_by_day = np.asarray((membership @ whole.T).T)
    return Path(
        np.where(days.published, by_day, np.nan),
        np.where(days.published, np.round(whole_by_day), 0).astype(np.int64),
        days.published,
        missed,
    )


def _days(block: Block, parts: DayParts, bounds: Mapping[tuple[int, int], Bound], breaks: Sequence[int]) -> _Days:
    edges = np.unique(np.concatenate([block.edges, parts.start, parts.end]))
    grid = Grid(edges, np.zeros(len(edges) - 1, dtype=np.bool_))
    pieces = tuple(
        np.array(grid.pieces(int(a), int(b)), dtype=np.int64) for a, b in zip(parts.start, parts.end, strict=True)
    )
    covered = np.zeros((len(block.members), grid.n_pieces), dtype=np.bool_)
    s = block.statements
    for member, start, end in zip(s.member, s.start, s.end, strict=True):
        a, b, _, _ = grid.segments(int(start), int(end))
        covered[member, a:b] = True
    derived = _closure(block, covered)
    known = np.array([derived[:, p].all(axis=1) for p in pieces], dtype=np.bool_).reshape(len(parts), -1).T
    published = np.zeros_like(known)
    regime = np.array([sum(1 for b in breaks if b <= start) for start in parts.start.tolist()], dtype=np.int64)
    for member in sorted(block.reported):
        for run in _runs(known[member]):
            finite = np.array(
                [np.isfinite([bounds[member, d].lower, bounds[member, d].upper]).all() for d in run.tolist()]
            )
            for r in np.unique(regime[run]):
                published[member, run[regime[run] == r]] = finite[regime[run] == r].any()
    return _Days(grid, parts, pieces, known, _closure(block, published))


def _closure(block: Block, known: BoolArray) -> BoolArray:
    """Members x anything: `known`, or fixed by the equalities once the known members are given."""
    position = {name: i for i, name in enumerate(block.members)}
    equalities = [link for link in block.links if link.sense == "=" and not link.identical_windows]
    coefficients = np.zeros((len(equalities), len(block.members)))
    for k, link in enumerate(equalities):
        for series, coefficient in link.terms:
            coefficients[k, position[series]] += coefficient
    fixed = known.copy()
    for pattern in np.unique(known, axis=1).T:
        unknown = np.flatnonzero(~pattern)
        if not len(unknown) or not len(equalities):
            continue
        open_part = coefficients[:, unknown]
        rank = np.linalg.matrix_rank(open_part)
        follows = [
            m
            for m, unit in zip(unknown, np.eye(len(unknown)), strict=True)
            if np.linalg.matrix_rank(np.vstack([open_part, unit])) == rank
        ]
        same = np.flatnonzero((known == pattern[:, None]).all(axis=0))
        fixed[np.ix_(np.array(follows, dtype=np.int64), same)] = True
    return fixed


def _runs(flags: BoolArray) -> list[IntArray]:
    """Positions of the true flags, split into runs of neighbours."""
    places = np.flatnonzero(flags)
    return [run for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(run)]


def _problem(block: Block, days: _Days, breaks: Sequence[int], unit: float) -> Quadratic:
    """The quadratic programme over the flows of all members and pieces, in units of `unit` crossings."""
    grid, parts, n = days.grid, days.parts, days.grid.n_pieces
    length = np.diff(grid.edges).astype(float)
    rows: list[tuple[IntArray, FloatArray]] = []
    idle = np.ones((len(block.members), n), dtype=np.bool_)
    for member in sorted(block.reported):
        for run in _runs(days.known[member]):
            for d in run.tolist():
                own = days.pieces[d]
                idle[member, own] = not days.published[member, d]
                for p, q in pairwise(own.tolist()):  # only a tie-break: how a day divides at a clock time
                    even = np.array([length[own].sum() / length[p], -length[own].sum() / length[q]])
                    rows.append((member * n + np.array([p, q]), even * np.sqrt(_TIE_BREAK)))
            for before, after in pairwise(run.tolist()):
                broken = any(parts.start[before] < b <= parts.start[after] for b in breaks)
                omega = np.sqrt(_BREAK_WEIGHT if broken else 1.0)
                pair = np.concatenate([days.pieces[before], days.pieces[after]])
                rate = np.concatenate(
                    [
                        np.full(len(days.pieces[before]), -omega / parts.fraction[before]),
                        np.full(len(days.pieces[after]), omega / parts.fraction[after]),
                    ]
                )
                rows.append((member * n + pair, rate))
    size = len(block.members) * n
    roughness = sp.csr_array(
        (
            np.concatenate([v for _, v in rows]) if rows else np.empty(0),
            np.concatenate([c for c, _ in rows]) if rows else np.empty(0, dtype=np.int64),
            np.concatenate([[0], np.cumsum([len(c) for c, _ in rows])]).astype(np.int64),
        ),
        shape=(len(rows), size),
    )
    s = block.statements
    coverage = block.coverage(grid)
    lower = np.where(np.isfinite(s.lower) | block.signed[s.member], s.lower, 0.0)
    width = s.upper - lower
    ranged = np.isfinite(width) & (width > 0.5)
    centring = sp.csr_array(sp.diags_array(np.sqrt(_TIE_BREAK) * unit / width[ranged]) @ coverage[ranged])
    centre = np.sqrt(_TIE_BREAK) * (lower + s.upper)[ranged] / (2 * width[ranged])
    idle[sorted(block.reported - set(s.member[np.isfinite(width)].tolist()))] = True
    level = np.where(idle.ravel(), _LEVEL_WEIGHT, _STRICT_WEIGHT)
    identities, equal, _ = block.identities(grid)
    objective = roughness.T @ roughness + centring.T @ centring + sp.diags_array(level)
    return Quadratic(
        sp.csc_array(2 * _OBJECTIVE_SCALE * objective),
        np.asarray(-2 * _OBJECTIVE_SCALE * (centring.T @ centre)),
        sp.csr_array(sp.vstack([coverage, identities, sp.eye_array(size)])),
        np.concatenate([s.lower / unit, np.where(equal, 0.0, -np.inf), block.floor_of_flow(n)]),
        np.concatenate([s.upper / unit, np.zeros(len(equal)), np.full(size, np.inf)]),
    )
