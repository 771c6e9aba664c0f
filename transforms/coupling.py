"""Series tied by identities, on top of what each series says by itself: tighter bounds, derived series, one point.

In: solved series and the rows of series that may be negative. Out: `Coupling`, the stretches of time solved together,
with bounds of any window of any member and points that fit every identity. A series is reconciled by itself first; the
coupled system (method.md 4.7) starts from the intervals that gave, so a conflict within one series is told once and a
conflict found here is one between series. Points of single series stay where the identities hold on them: the smoothest
paths of all series together are then these very paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transforms import tied
from transforms.bounds import Interval
from transforms.calendar import days_around
from transforms.constraints import Constraints, FloatArray, IntArray
from transforms.coupled_blocks import Block, Link, Statements, cut
from transforms.coupled_bounds import Bound, snap
from transforms.coupled_settled import CoupledSystem, Settled
from transforms.links import Component
from transforms.one_series import SolvedSeries

_NOTHING = Interval(0.0, np.inf, (), ())
_ANYTHING = Interval(-np.inf, np.inf, (), ())


@dataclass(frozen=True, eq=False)
class Stretch:
    """One block of time in which some series restrict each other.

    Attributes
    ----------
    settled : the block, its conflicts and its bounds. component : the series and identities it belongs to.
    midnights : UTC instants of the civil days that touch it.
    days : numbers in `midnights` of the days that lie wholly inside.
    point : members x days, whole crossings, nan where there is none.
    together : whether the points of single series broke an identity, so that the path was found for all at once.
    """

    settled: Settled
    component: Component
    midnights: IntArray
    days: IntArray
    point: FloatArray
    together: bool

    @property
    def block(self) -> Block:
        """The block as the single series left it."""
        return self.settled.said

    def bound(self, series: str, start: int, end: int) -> Interval:
        """Tightest bounds of a window inside the stretch."""
        member = self.block.members.index(series)
        self.settled.prepare([(member, start, end)])
        return _interval(self.settled.bound(member, start, end))

    def day_bounds(self) -> dict[tuple[str, int], Interval]:
        """Tightest bounds of every member on every whole day, by series and day number."""
        asked = {
            (m, int(day)): (m, int(self.midnights[day]), int(self.midnights[day + 1]))
            for m in range(len(self.block.members))
            for day in self.days
        }
        self.settled.prepare(list(asked.values()))
        return {(self.block.members[m], day): _interval(self.settled.bound(*w)) for (m, day), w in asked.items()}


def _interval(bound: Bound) -> Interval:
    """Whole ends, rounded outwards; proofs by instant, a report once for each of its rows that is needed."""
    lower, upper = snap(bound.lower), snap(bound.upper)
    return Interval(
        float(np.floor(lower)) if np.isfinite(lower) else lower,
        float(np.ceil(upper)) if np.isfinite(upper) else upper,
        tuple(report_id for _, report_id in sorted(bound.lower_proof)) if np.isfinite(lower) else (),
        tuple(report_id for _, report_id in sorted(bound.upper_proof)) if np.isfinite(upper) else (),
    )


@dataclass(frozen=True, eq=False)
class Coupling:
    """All stretches of some series, and the identities from which the flow of a series follows outside them.

    Attributes
    ----------
    solved : single series by id. stretches : in order of time. links : all identities, by the series they define.
    nonnegative : series id -> whether its flow cannot be negative, for every tied series.
    """

    solved: Mapping[str, SolvedSeries]
    stretches: tuple[Stretch, ...]
    links: Mapping[str, Link]
    nonnegative: Mapping[str, bool]

    @cached_property
    def of(self) -> dict[str, list[Stretch]]:
        """Stretches of each series, in order of time."""
        found: dict[str, list[Stretch]] = {}
        for stretch in self.stretches:
            for series in stretch.block.members:
                found.setdefault(series, []).append(stretch)
        return found

    def between(self, series: str, start: int, end: int) -> Interval:
        """Tightest bounds of the flow of a series between two instants, and their proofs."""
        alone = self._alone(series, start, end)
        parts: list[Interval] = []
        at = start
        for stretch in self.of.get(series, []):
            low, high = max(start, stretch.block.start), min(end, stretch.block.end)
            if low >= high:
                continue
            if low > at:
                parts.append(self._alone(series, at, low))
            parts.append(stretch.bound(series, low, high))
            at = high
        if not parts:
            return alone
        if at < end:
            parts.append(self._alone(series, at, end))
        return best(alone, _total(parts))

    def _alone(self, series: str, start: int, end: int) -> Interval:
        """What the series' own reports say, and what follows from the bounds of the series that define it."""
        own = self.solved.get(series)
        known = _NOTHING if self.nonnegative.get(series, True) else _ANYTHING
        if own is not None:
            known = own.solved.between(start, end)
        link = self.links.get(series)
        if link is not None:
            known = best(known, self.defined(link, lambda other: self.between(other, start, end)))
        return known

    def defined(self, link: Link, known: Any) -> Interval:
        """Bounds of the first term of an equality from those of the others (`known` by series id)."""
        lower, upper = 0.0, 0.0
        lower_proof: list[str] = []
        upper_proof: list[str] = []
        for other, coefficient in link.terms[1:]:
            bound: Interval = known(other)
            ends = [(bound.lower, bound.lower_proof), (bound.upper, bound.upper_proof)]
            (low, low_ids), (high, high_ids) = ends if coefficient < 0 else ends[::-1]
            lower -= coefficient * low
            upper -= coefficient * high
            lower_proof.extend(low_ids)
            upper_proof.extend(high_ids)
        if self.nonnegative.get(link.terms[0][0], True) and lower <= 0:
            lower, lower_proof = 0.0, []
        return Interval(
            lower,
            upper,
            tuple(lower_proof) if np.isfinite(lower) else (),
            tuple(upper_proof) if np.isfinite(upper) else (),
        )


def best(first: Interval, second: Interval) -> Interval:
    """The tighter end of two bounds of one flow; ties keep the proof of the first."""
    lower, lower_proof = (
        (second.lower, second.lower_proof) if second.lower > first.lower else (first.lower, first.lower_proof)
    )
    upper, upper_proof = (
        (second.upper, second.upper_proof) if second.upper < first.upper else (first.upper, first.upper_proof)
    )
    return Interval(lower, upper, lower_proof, upper_proof)


def _total(parts: Sequence[Interval]) -> Interval:
    lower, upper = sum(p.lower for p in parts), sum(p.upper for p in parts)
    return Interval(
        lower,
        upper,
        sum((p.lower_proof for p in reversed(parts)), ()) if np.isfinite(lower) else (),
        sum((p.upper_proof for p in parts), ()) if np.isfinite(upper) else (),
    )


def couple(
    series: pd.DataFrame,
    solved: Mapping[str, SolvedSeries],
    signed: Mapping[str, Constraints],
    part_of: pd.DataFrame | None,
    breaks: Mapping[str, Sequence[int]],
) -> tuple[Coupling, list[Component]]:
    """Find and settle all stretches.

    Parameters
    ----------
    series : definitions of the series with binding reports.
    solved : those that cannot be negative, each by itself. signed : interval rows of the others, per-day rows expanded.
    part_of : declared parts (`parts.COLUMNS`). breaks : country -> UTC instants at which a new regime starts.
    """
    found = tied.components(series, part_of)
    zones = {str(r["series"]): (str(r["timezone"]), _boundary(r)) for r in series.to_dict("records")}
    stretches: list[Stretch] = []
    links: dict[str, Link] = {}
    nonnegative: dict[str, bool] = dict.fromkeys(signed, False)
    for component in found:
        nonnegative |= component.nonnegative
        links |= {k.terms[0][0]: k for k in component.links if k.sense == "=" and not k.identical_windows}
        stretches += _of_component(component, solved, signed, zones, breaks)
    in_component = {m.series for component in found for m in component.members}
    for name in sorted(set(signed) - in_component):
        lonely = Component((), ())
        for block in cut({name: signed[name]}, {name: False}, ())[1]:
            stretches.append(_stretch(block, lonely, solved, zones[name], ()))
    return Coupling(solved, tuple(stretches), links, nonnegative), found


def _boundary(definition: Mapping[str, Any]) -> str:
    stated = definition.get("day_boundary")
    return stated if isinstance(stated, str) else "00:00"


def _of_component(
    component: Component,
    solved: Mapping[str, SolvedSeries],
    signed: Mapping[str, Constraints],
    zones: Mapping[str, tuple[str, str]],
    breaks: Mapping[str, Sequence[int]],
) -> list[Stretch]:
    rows = {m.series: _rows(m.series, solved, signed) for m in component.members}
    blocks = tied.stretches(component.links, rows, component.nonnegative)
    reported = next(m for m in component.members if not m.derived)
    zone, bends = zones[reported.series], breaks.get(reported.country, ())
    found = [_stretch(block, component, solved, zone, bends) for block in blocks]
    for name in sorted(set(rows) & set(signed)):
        held = [b for b in blocks if name in b.members]
        inside = np.zeros(len(rows[name]), dtype=bool)
        for block in held:
            inside |= (rows[name].start >= block.start) & (rows[name].end <= block.end)
        lonely = cut({name: rows[name].take(~inside)}, {name: False}, ())[1]
        found += [_stretch(block, component, solved, zone, bends) for block in lonely]
    return found


def _rows(series: str, solved: Mapping[str, SolvedSeries], signed: Mapping[str, Constraints]) -> Constraints:
    if series in solved:
        return solved[series].reconciled.relaxed
    if series in signed:
        return signed[series]
    none: FloatArray = np.zeros(0)
    empty, text = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    return Constraints(empty, empty, none, none, text, text, empty, none)


def _stretch(
    block: Block,
    component: Component,
    solved: Mapping[str, SolvedSeries],
    zone: tuple[str, str],
    breaks: Sequence[int],
) -> Stretch:
    _, midnights = days_around(block.start, block.end, *zone)
    whole = np.flatnonzero((midnights[:-1] >= block.start) & (midnights[1:] <= block.end))
    system = CoupledSystem({}, {}, block.links, midnights, (), tuple(breaks))
    stretch = Stretch(Settled(block, system), component, midnights, whole, np.zeros((0, 0)), together=False)
    if stretch.settled.conflicts:
        return replace(stretch, point=_path(stretch, stretch.settled), together=True)
    point, binding = _lazily(stretch, solved)
    return replace(stretch, point=point, together=bool(binding))


def _lazily(stretch: Stretch, solved: Mapping[str, SolvedSeries]) -> tuple[FloatArray, set[Link]]:
    """Points that fit every identity, and the identities for which points of single series had to give way.

    Identities enter one by one, where the points so far break them. What fits all identities although only some were
    asked for is the smoothest path under all of them.
    """
    block = stretch.block
    single = _single_points(stretch, solved)
    point, binding = _closed(block, single), set[Link]()
    while broken := _broken(stretch, point, solved) - binding:
        binding |= broken
        point = single.copy()
        for group in tied.groups(sorted(binding, key=lambda k: (k.kind, k.terms))):
            names = sorted({s for link in group for s, _ in link.terms})
            rows = np.array([block.members.index(name) for name in names])
            here = Block(tuple(names), block.signed[rows], tuple(group), _of_members(block, rows))
            if not len(here.statements):
                continue
            found = _jointly(here, stretch, solved)
            point[rows] = np.where(np.isnan(found), point[rows], found)
        point = _closed(block, point)
    return point, binding


def _of_members(block: Block, rows: IntArray) -> Statements:
    s = block.statements
    mine = s.take(np.isin(s.member, rows))
    return replace(mine, member=np.searchsorted(rows, mine.member).astype(np.int64))


def _jointly(here: Block, stretch: Stretch, solved: Mapping[str, SolvedSeries]) -> FloatArray:
    """Paths of a part of the members under a part of the identities; not cut in time, because smoothness is not."""
    pinned = _pinned(here, solved)
    if pinned is not here:
        narrow = Settled(pinned, stretch.settled.system)
        if not narrow.conflicts and not narrow.path().missed.any() and not narrow.path().reason:
            return _path(stretch, narrow)
    return _path(stretch, Settled(here, stretch.settled.system))


def _path(stretch: Stretch, settled: Settled) -> FloatArray:
    """Whole points of a settled block on the whole days of the stretch."""
    path = settled.path()
    starts = stretch.midnights[stretch.days]
    part = np.clip(np.searchsorted(settled.parts.start, starts), 0, max(len(settled.parts) - 1, 0))
    here = (settled.parts.start[part] == starts) & (settled.parts.end[part] == stretch.midnights[stretch.days + 1])
    known = path.published[:, part] & here
    return np.where(known, path.whole[:, part].astype(np.float64), np.nan)


def _single_points(stretch: Stretch, solved: Mapping[str, SolvedSeries]) -> FloatArray:
    """Members x days: the points of the single series."""
    point = np.full((len(stretch.block.members), len(stretch.days)), np.nan)
    starts = stretch.midnights[stretch.days]
    for m, name in enumerate(stretch.block.members):
        own = solved.get(name)
        if own is not None:
            day = np.clip(np.searchsorted(own.days.starts, starts), 0, len(own.days) - 1)
            same = own.days.starts[day] == starts
            point[m, same] = own.estimate[day[same]]
    return point


def _closed(block: Block, point: FloatArray) -> FloatArray:
    """Points of all members; a day on which an equality lacks one member only gives that member."""
    point = point.copy()
    position = {name: m for m, name in enumerate(block.members)}
    equalities = [k for k in block.links if k.sense == "=" and not k.identical_windows]
    growing = True
    while growing:
        growing = False
        for link in equalities:
            rows = np.array([position[s] for s, _ in link.terms])
            coefficient = np.array([c for _, c in link.terms], dtype=np.float64)
            missing = np.isnan(point[rows])
            for k in range(len(rows)):
                days = np.flatnonzero(missing[k] & (missing.sum(axis=0) == 1))
                if len(days):
                    others = np.delete(np.arange(len(rows)), k)
                    total = coefficient[others] @ point[np.ix_(rows[others], days)]
                    point[rows[k], days] = -total / coefficient[k]
                    growing = True
    return point


def _broken(stretch: Stretch, point: FloatArray, solved: Mapping[str, SolvedSeries]) -> set[Link]:
    """Identities that the points break, and those of members whose points break a report, a bound, or are missing."""
    block = stretch.block
    position = {name: m for m, name in enumerate(block.members)}
    broken: set[Link] = set()
    for link in block.links:
        if not link.identical_windows:
            total = np.array([c for _, c in link.terms]) @ point[[position[s] for s, _ in link.terms]]
            if np.any(total > 0) or (link.sense == "=" and np.any(total < 0)):
                broken.add(link)
    wrong, unequal = _against_reports(stretch, point)
    wrong |= _outside_bounds(stretch, point, solved)
    return broken | unequal | {link for link in block.links if wrong & {s for s, _ in link.terms}}


def _against_reports(stretch: Stretch, point: FloatArray) -> tuple[set[str], set[Link]]:
    """Members whose points miss a report over whole days, and identities broken over windows their members share."""
    block, s = stretch.block, stretch.block.statements
    starts, ends = stretch.midnights[stretch.days], stretch.midnights[stretch.days + 1]
    sums: dict[tuple[str, int, int], float] = {}
    wrong: set[str] = set()
    for i in range(len(s)):
        name = block.members[int(s.member[i])]
        a, b = int(np.searchsorted(starts, s.start[i])), int(np.searchsorted(ends, s.end[i]))
        if a <= b < len(ends) and starts[a] == s.start[i] and ends[b] == s.end[i]:
            total = float(point[s.member[i], a : b + 1].sum())
            sums[name, int(s.start[i]), int(s.end[i])] = total
            if total < s.lower[i] or total > s.upper[i]:
                wrong.add(name)
        elif block.signed[s.member[i]]:
            wrong.add(name)
    unequal: set[Link] = set()
    for link in block.links:
        if link.identical_windows:
            windows = set.intersection(*({w[1:] for w in sums if w[0] == name} for name, _ in link.terms))
            if any(sum(c * sums[name, *window] for name, c in link.terms) > 0 for window in windows):
                unequal.add(link)
    return wrong, unequal


def _outside_bounds(stretch: Stretch, point: FloatArray, solved: Mapping[str, SolvedSeries]) -> set[str]:
    """Members with a point outside its bounds, or without one on a day of a report that has an upper bound now."""
    bounds = stretch.day_bounds()
    wrong: set[str] = set()
    for m, name in enumerate(stretch.block.members):
        own = solved.get(name)
        for k, day in enumerate(stretch.days):
            bound = bounds[name, int(day)]
            if bound.lower > point[m, k] or point[m, k] > bound.upper:
                wrong.add(name)
            elif own is not None and np.isnan(point[m, k]) and np.isfinite(bound.upper):
                if _touched(own, int(stretch.midnights[day])):
                    wrong.add(name)
    return wrong


def _touched(own: SolvedSeries, start: int) -> bool:
    c = own.reconciled.reported
    return bool(np.any((c.start <= start) & (c.end > start)))


def _pinned(block: Block, solved: Mapping[str, SolvedSeries]) -> Block:
    """Rows that a single series moved, narrowed to the whole figures of its own path; the same block where none was."""
    s = block.statements
    lower, upper = s.lower.copy(), s.upper.copy()
    for i in range(len(s)):
        own = solved.get(block.members[int(s.member[i])])
        if own is None or not own.reconciled.slack.any():
            continue
        starts = own.days.starts
        a, b = int(np.searchsorted(starts, s.start[i])), int(np.searchsorted(starts, s.end[i]))
        if b < len(starts) and starts[a] == s.start[i] and starts[b] == s.end[i] and _was_moved(own, s.report_id[i]):
            total = float(own.estimate[a:b].sum())
            if np.isfinite(total):
                lower[i] = upper[i] = total
    changed = np.any(lower != s.lower) or np.any(upper != s.upper)
    return block.with_intervals(lower, upper) if changed else block


def _was_moved(own: SolvedSeries, report_id: str) -> bool:
    hit: NDArray[np.bool_] = own.reconciled.reported.report_id == report_id
    return bool(own.reconciled.slack[hit].any())
