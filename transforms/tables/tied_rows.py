"""What tied series add to the days of single ones: tighter bounds, one point for all, and series that only follow.

In: the days of each series by itself and what the series say together. Out: the same days, changed in place, and days
of series without reports of their own. A day that lies only in part in a stretch keeps the bounds of its own series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from transforms.estimator.identities import Identity
from transforms.estimator.results import ANYTHING, NOTHING, Bound, at_least, at_most, best, defined
from transforms.estimator.statements import SAID
from transforms.estimator.stretch import Stretch
from transforms.estimator.together import Together
from transforms.tables.rows import Rows


def tighten(book: dict[str, Rows], together: Together) -> None:
    """Put bounds and points of a group of tied series into the days of each."""
    for name in together.members:
        book[name] = _over(book.get(name), together)
    for stretch in together.stretches:
        _stretch_days(book, stretch, together)
    _points_between(book, together)
    _defined_days(book, together)
    _parts_and_wholes(book, together)


def _parts_and_wholes(book: Mapping[str, Rows], together: Together) -> None:
    """A part is at most its whole also on days on which only one of them is reported; points stay where they are."""
    growing = True
    while growing:
        growing = False
        for part, whole in together.parts:
            for day in np.flatnonzero(book[part].present & book[whole].present).tolist():
                low, high = book[part].bounds[day], book[whole].bounds[day]
                growing |= _tightened(book[whole], day, at_least(low)) | _tightened(book[part], day, at_most(high))


def _tightened(rows: Rows, day: int, other: Bound) -> bool:
    """Take over the tighter ends, as long as they meet and hold the point."""
    before, estimate = rows.bounds[day], rows.estimate[day]
    now = best(before, other)
    if (now.lower, now.upper) == (before.lower, before.upper) or now.lower > now.upper:
        return False
    if estimate < now.lower or estimate > now.upper:
        return False
    rows.bounds[day] = now
    rows.contested[day] |= now.contested
    return True


def _over(rows: Rows | None, together: Together) -> Rows:
    """The days of a series over the civil days of the whole group."""
    days = together.days
    wide = Rows(days.first, days.starts)
    if rows is None or not len(rows):
        return wide
    at = (rows.first - days.first).days
    here = slice(at, at + len(rows))
    for name in ("present", "own", "estimate", "pi_lower", "pi_upper", "reported", "contested", "known_over"):
        getattr(wide, name)[here] = getattr(rows, name)
    wide.bounds[here], wide.firm[here], wide.report_ids[here] = rows.bounds, rows.firm, rows.report_ids
    return wide


def _stretch_days(book: Mapping[str, Rows], stretch: Stretch, together: Together) -> None:
    axis = np.searchsorted(together.days.starts, stretch.days.starts[stretch.whole])
    fresh: list[tuple[str, int]] = []
    for m, name in enumerate(stretch.said.members):
        rows, own, place = book[name], _Own(stretch, m), together.members.index(name)
        for k, day in enumerate(axis.tolist()):
            bound, point = stretch.day_bounds[m][k], float(together.point[place, day])
            if together.pointless[place, day]:
                point = np.nan
            elif np.isnan(point) and _known(rows, day, bound, stretch):
                point = bound.lower
            if rows.present[day]:
                _settle(rows, day, bound, point, stretch)
            elif not np.isnan(point) or bound.lower == bound.upper or own.covering(day, together) or _says(bound):
                rows.present[day], rows.bounds[day], rows.estimate[day] = True, bound, point
                fresh.append((name, day))
                covering = own.covering(day, together)
                rows.report_ids[day] = tuple(sorted({own.ids[i] for i in covering}))
                rows.own[day] = bool(covering)
                rows.reported[day] = own.states(day, point, together)
            rows.contested[day] = bound.contested if stretch.loosened else rows.contested[day] or bound.contested
    for name, day in fresh:
        _follow(book, stretch.said.identities, name, day, together)


def _known(rows: Rows, day: int, bound: Bound, stretch: Stretch) -> bool:
    """Whether bounds that meet are the point of a day that has none."""
    now = bound if stretch.loosened or not rows.present[day] else best(rows.bounds[day], bound)
    return bool(now.lower == now.upper)


def _says(bound: Bound) -> bool:
    """Whether bounds say more than that a part is at most its whole: that something crossed, or which way the net went."""
    return bound.lower > 0 or bound.upper < 0


class _Own:
    """The reports of one member of a stretch, by day."""

    def __init__(self, stretch: Stretch, member: int) -> None:
        s = stretch.said.statements
        self.rows = s.take(s.member == member).as_coded
        self.aside = stretch.aside
        self.ids = [str(i) for i in self.rows.report_id]

    def covering(self, day: int, together: Together) -> list[int]:
        """Rows whose window overlaps the day."""
        start, end = together.days.starts[day], together.days.starts[day + 1]
        return np.flatnonzero((self.rows.start < end) & (self.rows.end > start)).tolist()

    def states(self, day: int, value: float, together: Together) -> bool:
        """Whether an exact report of this very day, not set aside, gives this figure."""
        start, end = together.days.starts[day], together.days.starts[day + 1]
        s = self.rows
        exact = (s.start == start) & (s.end == end) & (s.lower == value) & (s.upper == value) & (s.reading == SAID)
        return any(self.ids[i] not in self.aside for i in np.flatnonzero(exact))


def _settle(rows: Rows, day: int, bound: Bound, point: float, stretch: Stretch) -> None:
    """Bounds and point of a stretch for a day that its own series has already.

    Where reports of several series clash, the bounds of the stretch replace those of the series; elsewhere the tighter
    ones count.
    """
    now = bound if stretch.loosened else best(rows.bounds[day], bound)
    rows.bounds[day] = now
    _set_point(rows, day, point)
    if np.isfinite(rows.pi_lower[day]):
        estimate = rows.estimate[day]
        rows.pi_lower[day] = min(max(rows.pi_lower[day], now.lower), estimate)
        rows.pi_upper[day] = max(min(rows.pi_upper[day], now.upper), estimate)


def _set_point(rows: Rows, day: int, point: float) -> None:
    before = rows.estimate[day]
    if before == point or (np.isnan(before) and np.isnan(point)):
        return
    rows.estimate[day] = point
    rows.reported[day] = False
    rows.pi_lower[day] = rows.pi_upper[day] = np.nan


def _points_between(book: Mapping[str, Rows], together: Together) -> None:
    """Points outside the stretches: a common path is smooth over whole runs of days."""
    inside = {name: np.zeros(len(together.days), dtype=bool) for name in together.members}
    for stretch in together.stretches:
        axis = np.searchsorted(together.days.starts, stretch.days.starts[stretch.whole])
        for name in stretch.said.members:
            inside[name][axis] = True
    for m, name in enumerate(together.members):
        rows = book[name]
        for day in np.flatnonzero(rows.present & rows.own & ~inside[name]):
            _set_point(rows, int(day), np.nan if together.pointless[m, day] else float(together.point[m, day]))


def _follow(book: Mapping[str, Rows], identities: Sequence[Identity], name: str, day: int, together: Together) -> None:
    """What a fresh day without own reports takes from those it follows from: their reports, doubts and firmness."""
    rows, ids = book[name], set[str]()
    nonnegative = together.tied.nonnegative.get(name, True)
    firm = NOTHING if nonnegative else ANYTHING
    over: list[int] = []
    for identity in identities:
        if name in identity.series:
            others = [other for other in identity.series if other != name and book[other].present[day]]
            for other in others:
                ids |= set(book[other].report_ids[day])
                rows.contested[day] |= book[other].contested[day]
            if identity.defines and len(others) == len(identity.series) - 1:
                over.append(_longest([int(book[other].known_over[day]) for other in others]))
                about = identity.about(name)
                firm = best(firm, defined(about, lambda other: book[other].firm[day], nonnegative=nonnegative))
    rows.report_ids[day] = rows.report_ids[day] or tuple(sorted(ids))
    rows.firm[day] = firm
    rows.known_over[day] = min((k for k in over if k), default=0)


def _longest(days: Sequence[int]) -> int:
    """A figure that follows from several is known over the longest of their stretches, or not at all."""
    return max(days) if all(days) else 0


def _defined_days(book: Mapping[str, Rows], together: Together) -> None:
    """Days outside the stretches on which a sum or difference follows from the days of its members."""
    growing = True
    while growing:
        growing = False
        for name, identity in sorted(together.defining.items()):
            if identity.kind == "rest":
                continue
            others = [book[s] for s in identity.series[1:]]
            shared = np.logical_and.reduce([rows.present for rows in others]) & ~book[name].present
            for day in np.flatnonzero(shared).tolist():
                growing |= _define(book, identity, name, day, together)


def _define(book: Mapping[str, Rows], identity: Identity, name: str, day: int, together: Together) -> bool:
    nonnegative = together.tied.nonnegative.get(name, True)
    bound = defined(identity, lambda other: book[other].bounds[day], nonnegative=nonnegative)
    point = float(-sum(c * book[s].estimate[day] for s, c in identity.terms[1:]))
    if np.isnan(point) and not _says(bound):
        return False
    rows = book[name]
    rows.present[day], rows.bounds[day] = True, bound
    rows.estimate[day] = bound.lower if np.isnan(point) and bound.lower == bound.upper else point
    _follow(book, (identity,), name, day, together)
    return True
