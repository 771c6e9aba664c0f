"""One point for tied series: the points of single series where the identities hold on them, a common path where not.

In: a stretch and the solved single series. Out: members x days of whole crossings that keep to every identity and every
report. Identities enter lazily: a path that fits all of them although only some were asked for is the smoothest path
under all of them (method.md 4.5, 4.7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from transforms.estimator.constraints import FloatArray, IntArray
from transforms.estimator.coupled_blocks import Block, Link, Statements
from transforms.estimator.coupled_settled import Settled
from transforms.estimator.one_series import SolvedSeries
from transforms.series import tied
from transforms.tables.stretch import Stretch


def common_point(stretch: Stretch, solved: Mapping[str, SolvedSeries]) -> Stretch:
    """The stretch with its points.

    Where reports of several series contradict each other there is one path for all of them. Where no whole numbers fit
    everything, the days on which something does not fit have no point.
    """
    block = stretch.block
    if stretch.settled.conflicts:
        point = _closed(block, _path(stretch, stretch.settled))
        return replace(stretch, point=point, together=True, pointless=bool(stretch.settled.path().reason))
    point, binding = _lazily(stretch, solved)
    if _broken(stretch, point, solved) and np.any(days := _unfitting(stretch, point)):
        return replace(stretch, point=np.where(days, np.nan, point), together=True, pointless=True)
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
    return _undisturbed(stretch, single, point, solved) if binding else point, binding


def _undisturbed(
    stretch: Stretch, single: FloatArray, point: FloatArray, solved: Mapping[str, SolvedSeries]
) -> FloatArray:
    """The same points, with a series as it was by itself where only its rounding moved and all still fits."""
    near = (
        np.nanmax(np.where(np.isnan(single) | np.isnan(point), 0.0, np.abs(single - point)), axis=1, initial=0.0) <= 1
    )
    same = np.isnan(single) == np.isnan(point)
    kept = point.copy()
    derived = np.array([name not in solved for name in stretch.block.members])
    kept[derived] = np.nan
    rows = near & same.all(axis=1) & ~derived
    kept[rows] = single[rows]
    kept = _closed(stretch.block, kept)
    complete = (np.isnan(kept) == np.isnan(point)).all()
    return kept if complete and not _broken(stretch, kept, solved) else point


def _unfitting(stretch: Stretch, point: FloatArray) -> NDArray[np.bool_]:
    """Days on which some point is outside its bounds, breaks an identity, or belongs to a sum that misses a report."""
    block, bounds = stretch.block, stretch.day_bounds()
    low = np.array([[bounds[name, int(d)].lower for d in stretch.days] for name in block.members])
    high = np.array([[bounds[name, int(d)].upper for d in stretch.days] for name in block.members])
    days: NDArray[np.bool_] = np.asarray(((point < low) | (point > high)).any(axis=0))
    for link in block.links:
        if not link.identical_windows:
            total = _sum_of(link, block, point)
            days = days | np.asarray((total > 0) | ((link.sense == "=") & (total < 0)))
    missed, unequal = _against_reports(stretch, point)
    starts = stretch.midnights[stretch.days]
    for start, end in [(a, b) for _, a, b in missed] + [window for _, window in unequal]:
        days |= (starts >= start) & (starts < end)
    return days


def _sum_of(link: Link, block: Block, point: FloatArray) -> FloatArray:
    """Left side minus right side of an identity, by day; nan where a member has no point."""
    rows = [block.members.index(s) for s, _ in link.terms]
    return np.asarray(np.array([c for _, c in link.terms]) @ point[rows])


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
    """Members x days: the points of the single series, and exact counts of a day of series that may be negative."""
    point = np.full((len(stretch.block.members), len(stretch.days)), np.nan)
    starts, ends = stretch.midnights[stretch.days], stretch.midnights[stretch.days + 1]
    s = stretch.block.statements
    for i in np.flatnonzero(stretch.block.signed[s.member] & (s.lower == s.upper)):
        point[s.member[i], (starts == s.start[i]) & (ends == s.end[i])] = s.lower[i]
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
    broken: set[Link] = set()
    for link in block.links:
        if not link.identical_windows:
            total = _sum_of(link, block, point)
            if np.any(total > 0) or (link.sense == "=" and np.any(total < 0)):
                broken.add(link)
    missed, unequal = _against_reports(stretch, point)
    wrong = {name for name, _, _ in missed} | _unseen(stretch) | _outside_bounds(stretch, point, solved)
    broken |= {link for link, _ in unequal}
    return broken | {link for link in block.links if wrong & {s for s, _ in link.terms}}


def _against_reports(
    stretch: Stretch, point: FloatArray
) -> tuple[list[tuple[str, int, int]], list[tuple[Link, tuple[int, int]]]]:
    """Windows of whole days whose points miss a report, and identities broken over a window their members share."""
    block, s = stretch.block, stretch.block.statements
    starts, ends = stretch.midnights[stretch.days], stretch.midnights[stretch.days + 1]
    sums: dict[tuple[str, int, int], float] = {}
    missed: list[tuple[str, int, int]] = []
    for i in range(len(s)):
        window = block.members[int(s.member[i])], int(s.start[i]), int(s.end[i])
        a, b = int(np.searchsorted(starts, s.start[i])), int(np.searchsorted(ends, s.end[i]))
        if a <= b < len(ends) and starts[a] == s.start[i] and ends[b] == s.end[i]:
            total = float(point[s.member[i], a : b + 1].sum())
            sums[window] = total
            if total < s.lower[i] or total > s.upper[i]:
                missed.append(window)
    unequal: list[tuple[Link, tuple[int, int]]] = []
    for link in block.links:
        if link.identical_windows:
            own = [{(start, end) for series, start, end in sums if series == name} for name, _ in link.terms]
            unequal.extend(
                (link, (start, end))
                for start, end in sorted(set.intersection(*own))
                if sum(c * sums[name, start, end] for name, c in link.terms) > 0
            )
    return missed, unequal


def _unseen(stretch: Stretch) -> set[str]:
    """Series that may be negative with a report not of whole days: the points of single series have not looked at it."""
    s, midnights = stretch.block.statements, stretch.midnights
    partly = ~np.isin(s.start, midnights) | ~np.isin(s.end, midnights)
    return {stretch.block.members[int(m)] for m in s.member[partly & stretch.block.signed[s.member]]}


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
                continue
            if own is None or not np.isnan(point[m, k]) or not np.isfinite(bound.upper):
                continue
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
