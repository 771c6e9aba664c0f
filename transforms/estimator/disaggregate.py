"""The smoothest non-negative path that keeps to every report and identity, and then its level.

In: a domain (statements that agree, the instants between which flows are unknown, the runs of covered days) and the
midnights. Out: the cumulative count of every member at every node. Stage 1 finds the differences: Denton's additive
first difference in the Cholette form, a convex QP in cumulative unknowns. Stage 2 finds what stage 1 leaves free, one
number a member and run (`level`). The maths is in method.md 4.5 and 4.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from transforms.estimator.engine import Engines
from transforms.estimator.grids import spanning
from transforms.estimator.level import Stated, at_level, at_levels
from transforms.estimator.pieces import Grid, ties
from transforms.estimator.quadratic import Quadratic, Solution, Solver, minimise
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements, joined
from transforms.estimator.system import Block, one_series

_LEAST_LEVEL = 0.02  # of the median level, for weights
_LEVEL_DAYS = 7  # centred mean that stands for the local level
_SAME = 1e-9  # interval ends closer than this, in scaled units, are one value
_WITHIN_DAY = 1e-6  # weight of the unevenness within a day, where windows do not end at midnight
_IDLE = 1e-9  # weight on flows of tied series that nothing else in the objective holds: the smallest serve
_HAIR = (1e-8, 1e-7, 5e-7)  # room for tied series whose feasible set has no interior


@dataclass(frozen=True)
class Run:
    """Consecutive days of a member of which each is wholly covered by windows with a finite upper end.

    A day that such windows cover only in part has bounds and no point: what lies outside them is unbounded.

    Attributes
    ----------
    member : its number. first, last : numbers of the days (last inclusive) that get a point.
    begin, finish : UTC instants of the covered stretch, which may reach beyond these days.
    """

    member: int
    first: int
    last: int
    begin: int
    finish: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, eq=False)
class Domain:
    """What one path is found for.

    Attributes
    ----------
    block : members, identities, and every statement that lies between the first and the last node.
    nodes : UTC instants of the unknowns: midnights and window ends.
    runs : days over which the path is smooth, of every member that has some.
    """

    block: Block
    nodes: IntArray
    runs: tuple[Run, ...]


@dataclass(frozen=True, eq=False)
class Path:
    """C of every member at the nodes of a domain (members x nodes, crossings, 0 at the first), and how it was found.

    levelled : whether stage 2 was solved; otherwise the level is one of those that stage 1 leaves open.
    """

    domain: Domain
    cumulative: FloatArray
    solution: Solution
    levelled: bool

    def days(self, run: Run, midnights: IntArray) -> FloatArray:
        """Flows of the days of a run."""
        at = np.searchsorted(self.domain.nodes, midnights[run.first : run.last + 2])
        return np.asarray(np.diff(self.cumulative[run.member, at]))


def runs_of(statements: Statements, member: int, midnights: IntArray) -> list[Run]:
    """Runs of days of one member that can have a point, in time order."""
    s = statements.take((statements.member == member) & np.isfinite(statements.upper))
    if not len(s):
        return []
    s = s.take(np.argsort(s.start, kind="stable"))
    reach = np.maximum.accumulate(s.end)
    opens = np.flatnonzero(np.concatenate(([True], s.start[1:] > reach[:-1])))
    begins, finishes = s.start[opens], reach[np.concatenate((opens[1:] - 1, [len(s) - 1]))]
    found = []
    for begin, finish in zip(begins.tolist(), finishes.tolist(), strict=True):
        first = int(np.searchsorted(midnights, begin, side="left"))
        last = int(np.searchsorted(midnights, finish, side="right")) - 2
        if last >= first:
            found.append(Run(member, first, last, begin, finish))
    return found


def domain_of(run: Run, series: str, statements: Statements, midnights: IntArray) -> Domain:
    """The domain of one run of a series by itself."""
    inside = statements.take(statements.within([(run.begin, run.finish)]))
    days = midnights[(midnights >= run.begin) & (midnights <= run.finish)]
    nodes = np.unique(np.concatenate((days, inside.start, inside.end)))
    return Domain(Block((series,), np.zeros(1, dtype=bool), (), inside), nodes, (run,))


def smoothest_paths(
    series: str,
    statements: Statements,
    midnights: IntArray,
    breaks: BoolArray,
    settings: EstimateSettings,
    engines: Engines,
    solver: Solver | None = None,
    within: tuple[int, int] | None = None,
) -> list[Path]:
    """The smoothest path of every run of one series whose statements agree, or of those that touch a span of time.

    An interior-point solver needs an interior, so equalities that nobody stated are told to it.
    """
    told = statements
    for block in one_series(series, statements):
        told = joined(told, engines(block).implied())
    return [
        smoothest(domain_of(run, series, told, midnights), midnights, breaks, settings, solver)
        for run in runs_of(told, 0, midnights)
        if within is None or (run.begin < within[1] and run.finish > within[0])
    ]


def smoothest(
    domain: Domain, midnights: IntArray, breaks: BoolArray, settings: EstimateSettings, solver: Solver | None = None
) -> Path:
    """The smoothest path of a domain, at the level its statements ask for.

    Parameters
    ----------
    midnights : n + 1 instants that cover all runs.
    breaks : n flags; true on the first day of a new regime.
    solver : stands in for Clarabel.
    """
    problem = _Problem(domain, midnights, breaks, settings)
    path = problem.solve([problem.weights(run) for run in domain.runs], solver)
    if not path.solution.accepted:
        return path
    relative = [
        _relative(local_level(path.days(r, midnights), breaks[r.first : r.last + 1]), settings) for r in domain.runs
    ]
    if all((factor == 1).all() for factor in relative):
        return path
    again = problem.solve([problem.weights(r) * f for r, f in zip(domain.runs, relative, strict=True)], solver)
    return again if again.solution.accepted else path


def _relative(level: FloatArray, settings: EstimateSettings) -> FloatArray:
    """Factors on the weights of changes where the level of a run collapses or soars: a tenth of it may then be much or little."""
    middle = np.median(level)
    level = np.maximum(level, _LEAST_LEVEL * middle)
    if level.max() <= settings.varying * level.min():
        return np.ones(len(level) - 1)
    return np.asarray(middle / level[1:])


def local_level(flows: FloatArray, new_regime: BoolArray) -> FloatArray:
    """Centred 7-day mean inside the same regime, at least 1 crossing a day."""
    regime = np.cumsum(new_regime) - (1 if len(new_regime) and new_regime[0] else 0)
    half = _LEVEL_DAYS // 2
    day = np.arange(len(flows))
    starts = np.flatnonzero(np.concatenate(([True], np.diff(regime) > 0)))
    ends = np.concatenate((starts[1:], [len(flows)]))
    which = np.searchsorted(starts, day, side="right") - 1
    low, high = np.maximum(day - half, starts[which]), np.minimum(day + half + 1, ends[which])
    total = np.concatenate(([0.0], np.cumsum(flows)))
    return np.asarray(np.maximum((total[high] - total[low]) / (high - low), 1.0))


@dataclass(frozen=True, eq=False)
class _Windows:
    """Distinct windows of the members and what the statements allow in them; positions in the nodes."""

    member: IntArray
    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray

    def take(self, rows: BoolArray | IntArray) -> _Windows:
        return _Windows(self.member[rows], self.start[rows], self.end[rows], self.lower[rows], self.upper[rows])


def _windows(domain: Domain) -> _Windows:
    s, n = domain.block.statements, len(domain.nodes)
    a, b = np.searchsorted(domain.nodes, s.start), np.searchsorted(domain.nodes, s.end)
    distinct, of = np.unique((s.member * n + a) * n + b, return_inverse=True)
    member = distinct // n // n
    lower, upper = np.where(domain.block.signed[member], -np.inf, 0.0), np.full(len(distinct), np.inf)
    np.maximum.at(lower, of, s.lower)
    np.minimum.at(upper, of, s.upper)
    return _Windows(member, distinct // n % n, distinct % n, lower, upper)


class _Problem:
    """The quadratic programme of a domain, over C of each member at the nodes but the first, where it is 0."""

    def __init__(self, domain: Domain, midnights: IntArray, breaks: BoolArray, settings: EstimateSettings) -> None:
        self.domain, self.midnights, self.breaks, self.settings = domain, midnights, breaks, settings
        self.n = len(domain.nodes)
        self.members = len(domain.block.members)
        self.size = self.members * (self.n - 1)
        self.windows = _windows(domain)
        day = np.clip(np.searchsorted(midnights, domain.nodes[:-1], side="right") - 1, 0, len(midnights) - 2)
        self.shares = np.diff(domain.nodes) / np.diff(midnights)[day]  # of its civil day that each piece is
        self.scale = self._scale()

    def weights(self, run: Run) -> FloatArray:
        """Weight of each change from one day of a run to the next."""
        return np.where(self.breaks[run.first + 1 : run.last + 1], self.settings.break_weight, 1.0)

    def solve(self, weights: Sequence[FloatArray], solver: Solver | None) -> Path:
        """Both stages."""
        w = self.windows
        lower, upper = w.lower / self.scale, w.upper / self.scale
        exact = upper - lower <= _SAME
        value = np.where(exact, (np.where(exact, lower, 0.0) + np.where(exact, upper, 0.0)) / 2, 0.0)
        equal, values, group = self._equalities(exact, value, upper)
        open_ = ~exact & (group[w.member * self.n + w.start] != group[w.member * self.n + w.end])
        above = w.take(open_ & np.isfinite(upper))
        held_up = np.where(self.domain.block.signed[w.member], np.isfinite(lower), lower > 0)
        below = w.take(open_ & held_up)
        piece = self._free_pieces(group)
        tied = ties(self.domain.block, Grid.whole(self.domain.nodes))
        flows = self._piece_flows()
        tied_rows = sparse.csr_array(tied.rows @ flows) if self.members > 1 else sparse.csr_array((0, self.size))
        rough, rough_weight = self._roughness(weights)
        objective = 2 * (rough.T @ (sparse.diags_array(rough_weight) @ rough)) + self._idle(flows)
        held = sparse.csc_array(sparse.vstack((equal, tied_rows[tied.equal])))
        most = sparse.csc_array(
            sparse.vstack(
                (
                    self._differences(above.member, above.start, above.end),
                    self._differences(below.member, below.end, below.start),
                    self._differences(piece[0], piece[1] + 1, piece[1]),
                    tied_rows[~tied.equal],
                )
            )
        )
        limits = (
            above.upper / self.scale,
            -below.lower / self.scale,
            np.zeros(len(piece[0]) + int((~tied.equal).sum())),
        )
        # Unknown is the distance from a constant rate, whose changes are exactly nothing: a long flat path stays flat.
        steady = self._steady()
        problem = Quadratic(
            P=sparse.csc_array(objective),
            q=np.asarray(2 * (rough.T @ (rough_weight * (rough @ steady)))),
            E=held,
            e=np.concatenate((values, np.zeros(int(tied.equal.sum())))) - held @ steady,
            G=most,
            h=np.concatenate(limits) - most @ steady,
            level=self._totals(),
        )
        room = _HAIR if self.members > 1 else ()
        solution = minimise(problem, try_equalities=not open_.any(), room=room, solver=solver)
        z = (solution.z + steady).reshape(self.members, self.n - 1)
        cumulative = np.concatenate((np.zeros((self.members, 1)), z), axis=1) * self.scale
        levelled = True
        if solution.accepted:
            cumulative, levelled = self._at_level(cumulative, solver)
        return Path(self.domain, cumulative, solution, levelled)

    def _scale(self) -> float:
        """Median reported daily rate, the unit in which the problem is solved."""
        w, nodes = self.windows, self.domain.nodes
        days = (nodes[w.end] - nodes[w.start]) / np.median(np.diff(self.midnights))
        known = np.isfinite(w.upper) & np.isfinite(w.lower)
        rate = np.abs((w.lower[known] + w.upper[known]) / 2 / days[known])
        rate = rate[rate > 0]
        return float(np.median(rate)) if len(rate) else 1.0

    def _differences(self, member: IntArray, start: IntArray, end: IntArray) -> sparse.csr_array:
        """Rows C(end) - C(start) of a member."""
        k = np.arange(len(start))
        lines, node = np.concatenate((k, k)), np.concatenate((end, start))
        cols = np.concatenate((member, member)) * (self.n - 1) + node - 1
        vals = np.concatenate((np.ones(len(k)), -np.ones(len(k))))
        keep = node > 0
        return sparse.csr_array((vals[keep], (lines[keep], cols[keep])), shape=(len(k), self.size))

    def _equalities(
        self, exact: BoolArray, value: FloatArray, upper: FloatArray
    ) -> tuple[sparse.csr_array, FloatArray, IntArray]:
        """A spanning forest of what is exact, as rows and values, and the group of each (member, node)."""
        w, n = self.windows, self.n
        none = np.flatnonzero((upper <= _SAME) & ~self.domain.block.signed[w.member])
        cover = np.bincount(w.member[none] * n + w.start[none], minlength=self.members * n)
        cover = cover - np.bincount(w.member[none] * n + w.end[none], minlength=self.members * n)
        empty = np.flatnonzero(np.cumsum(cover)[:-1] > 0)  # nothing crossed inside a window whose upper end is 0
        starts = np.concatenate((empty, (w.member * n + w.start)[exact]))
        ends = np.concatenate((empty + 1, (w.member * n + w.end)[exact]))
        values = np.concatenate((np.zeros(len(empty)), value[exact]))
        chosen, group = spanning(starts, ends, self.members * n)
        rows = self._differences(starts[chosen] // n, starts[chosen] % n, ends[chosen] % n)
        return rows, values[chosen], group

    def _free_pieces(self, group: IntArray) -> tuple[IntArray, IntArray]:
        """Member and first node of every piece whose flow must be kept from being negative."""
        by_member = group.reshape(self.members, self.n)
        free = (by_member[:, :-1] != by_member[:, 1:]) & ~self.domain.block.signed[:, None]
        member, node = np.nonzero(free)
        return member, node

    def _piece_flows(self) -> sparse.csr_array:
        """From C at the nodes but the first to the flow of each (member, piece)."""
        step = sparse.eye_array(self.n - 1) - sparse.eye_array(self.n - 1, k=-1)
        return sparse.csr_array(sparse.kron(sparse.eye_array(self.members), step))

    def _steady(self) -> FloatArray:
        """One unit a day for one series; tied ones start from nothing, so that every identity holds."""
        return np.cumsum(self.shares) if self.members == 1 else np.zeros(self.size)

    def _idle(self, flows: sparse.csr_array) -> sparse.csr_array:
        """A trace of every flow of tied series that lies in no run."""
        if self.members == 1:
            return sparse.csr_array((self.size, self.size))
        idle = np.ones((self.members, self.n - 1))
        for run in self.domain.runs:
            a, b = np.searchsorted(self.domain.nodes, (run.begin, run.finish))
            idle[run.member, a:b] = 0.0
        return sparse.csr_array(flows.T @ (sparse.diags_array(2 * _IDLE * idle.ravel()) @ flows))

    def _totals(self) -> sparse.csr_array:
        """The total of each run: directions that the objective leaves open."""
        nodes = self.domain.nodes
        member = np.array([run.member for run in self.domain.runs], dtype=np.int64)
        start = np.searchsorted(nodes, np.array([run.begin for run in self.domain.runs], dtype=np.int64))
        end = np.searchsorted(nodes, np.array([run.finish for run in self.domain.runs], dtype=np.int64))
        return self._differences(member, start, end)

    def _roughness(self, weights: Sequence[FloatArray]) -> tuple[sparse.csr_array, FloatArray]:
        """Changes from day to day, and, where windows end within days, changes of the rate from piece to piece."""
        rows, weight = [], []
        nodes, midnights, share = self.domain.nodes, self.midnights, self.shares
        for run, own in zip(self.domain.runs, weights, strict=True):
            at = np.searchsorted(nodes, midnights[run.first : run.last + 2])
            day = self._differences(np.full(len(at) - 1, run.member), at[:-1], at[1:])
            rows.append(day[1:] - day[:-1])
            weight.append(own)
            a, b = np.searchsorted(nodes, (run.begin, run.finish))
            piece = np.arange(a, b)
            partial = share[piece] < 1
            beside = np.flatnonzero(partial[1:] | partial[:-1])
            if len(beside):
                flow = self._differences(np.full(len(piece), run.member), piece, piece + 1)
                rate = sparse.csr_array(sparse.diags_array(1 / share[piece]) @ flow)
                rows.append(rate[beside + 1] - rate[beside])
                weight.append(np.full(len(beside), _WITHIN_DAY))
        return sparse.csr_array(sparse.vstack(rows)), np.concatenate(weight)

    def _at_level(self, cumulative: FloatArray, solver: Solver | None) -> tuple[FloatArray, bool]:
        """Stage 2: the path at the level that its statements ask for, and whether that level was found."""
        w = self.windows
        stated = Stated(w.member, w.start, w.end, w.lower, w.upper, self.shares)
        if self.members == 1:
            return at_level(cumulative, stated), True
        spans = [
            (r.member, *np.searchsorted(self.domain.nodes, (r.begin, r.finish)).tolist()) for r in self.domain.runs
        ]
        return at_levels(cumulative, stated, spans, self.domain.block, self.domain.nodes, self.scale, solver)
