"""A proof in words: the small sum of reports that gives a bound.

A bound is a shortest path through the windows of named reports (method.md 4.2): walking a window forwards uses its
most, walking it backwards takes its least away, and going back in time costs nothing because nobody uncrosses a border.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_SUMS_AT_MOST = 200_000  # looked at for a proof between series; beyond, the proof is told as a list


@dataclass(frozen=True)
class Figure:
    """What a report gives to a proof.

    Attributes
    ----------
    start, end : its window in UTC seconds. lower, upper : its interval, None = unbounded, relaxed where reports clash.
    per_day : whether the interval holds for each day. label : how to name it, e.g. `FIN-032 (21–27 Sep)`.
    series : the series it is about. midnights : of a per-day report, starts of the civil days of its window and the end
    of the last; empty = steps of 24 hours from `start`.
    """

    start: int
    end: int
    lower: float | None
    upper: float | None
    per_day: bool
    label: str
    series: str = ""
    midnights: tuple[int, ...] = ()


@dataclass(frozen=True)
class Term:
    """One summand: plus the most or minus the least of a report (or the reverse for a lower bound)."""

    sign: int
    amount: int
    label: str


@dataclass(frozen=True)
class _Walk:
    """A way along the path so far: its length and the steps (forwards or not) that were taken."""

    length: float
    steps: tuple[bool, ...]


def terms(path: Sequence[str], figures: Mapping[str, Figure], start: int, end: int, *, upper: bool) -> list[Term]:
    """The summands of a bound, in the order of its path.

    path : report ids as stored. start, end : UTC seconds of the day or period bounded.
    An upper bound walks from start to end, a lower bound from end to start. A report that speaks of each day may stand
    for either of its ends; of the walks that arrive, the shortest is the proof, because a bound is a shortest path.
    """
    at, goal = (start, end) if upper else (end, start)
    walks = {at: _Walk(0.0, ())}
    for report_id in path:
        figure = figures[report_id]
        following: dict[int, _Walk] = {}
        for here, walk in sorted(walks.items()):
            for forwards, there in _moves(figure, here):
                amount = figure.upper if forwards else figure.lower
                assert amount is not None, report_id
                longer = _Walk(walk.length + (amount if forwards else -amount), (*walk.steps, forwards))
                if there not in following or longer.length < following[there].length:
                    following[there] = longer
        walks = following
    arrived = [walk for here, walk in sorted(walks.items()) if here >= goal] or list(walks.values())
    if not arrived:
        return []
    best = min(arrived, key=lambda walk: walk.length)
    return [_term(figures[i], forwards, upper=upper) for i, forwards in zip(path, best.steps, strict=True)]


def summands(
    path: Sequence[str], figures: Mapping[str, Figure], start: int, end: int, bound: int | None, *, upper: bool
) -> list[Term]:
    """The summands of a bound that may rest on reports of several series, tied by an identity; empty where none add up.

    Within one series they are those of `terms`. Between series each report counts with its most or its least, in the
    way that gives the bound.
    """
    if len({figures[i].series for i in path}) <= 1:
        found = terms(path, figures, start, end, upper=upper)
        if bound is None or not path or sum(t.sign * t.amount for t in found) == bound or bound == 0:
            return found
    if bound is None:
        return []
    walked = _by_series(path, figures, start, end, bound, upper=upper)
    if walked:
        return walked
    for most in (1, 2):  # a net flow may count a report twice: entries minus exits are twice entries minus both
        found = _adding_up([figures[i] for i in path], bound, most, upper=upper)
        if found:
            return found
    return []


def _by_series(
    path: Sequence[str], figures: Mapping[str, Figure], start: int, end: int, bound: int, *, upper: bool
) -> list[Term]:
    """Bounds of several series added or taken away, each a walk of its own, as for a net flow outside tied stretches."""
    names = list(dict.fromkeys(figures[i].series for i in path))
    reached: dict[int, tuple[Term, ...]] = {0: ()}
    for name in names:
        mine = [i for i in path if figures[i].series == name]
        added = terms(mine, figures, start, end, upper=upper)
        taken = [Term(-t.sign, t.amount, t.label) for t in terms(mine, figures, start, end, upper=not upper)]
        reached = {
            total + sum(t.sign * t.amount for t in walk): (*chosen, *walk)
            for total, chosen in reached.items()
            for walk in (taken, added)
            if walk
        }
    return list(reached.get(bound, ()))


def _adding_up(reports: Sequence[Figure], bound: int, most: int, *, upper: bool) -> list[Term]:
    """Each report's most or least, up to `most` times, so that all add up to the bound; empty where nothing does."""
    reached: dict[int, tuple[Term, ...]] = {0: ()}
    for figure in reports:
        further: dict[int, tuple[Term, ...]] = {}
        for times in range(1, most + 1):
            for term in _ways(figure, upper=upper):
                for total, chosen in reached.items():
                    further.setdefault(total + times * term.sign * term.amount, chosen + (term,) * times)
        reached = further
        if len(reached) > _SUMS_AT_MOST:
            return []
    return list(reached.get(bound, ()))


def _ways(figure: Figure, *, upper: bool) -> list[Term]:
    known = [forwards for forwards, amount in ((True, figure.upper), (False, figure.lower)) if amount is not None]
    return [_term(figure, forwards, upper=upper) for forwards in sorted(known, reverse=upper)]


def _term(figure: Figure, forwards: bool, *, upper: bool) -> Term:
    amount = figure.upper if forwards else figure.lower
    assert amount is not None, figure.label
    return Term((1 if forwards else -1) * (1 if upper else -1), int(amount), figure.label)


def _moves(figure: Figure, at: int) -> list[tuple[bool, int]]:
    """Where the report leads from an instant: forwards to the end of a window, backwards to the start of one."""
    if not figure.per_day:
        if figure.end > at:
            return [(True, figure.end)] if figure.upper is not None else []
        return [(False, figure.start)] if figure.lower is not None else []
    days = figure.midnights or tuple(range(figure.start, figure.end + 1, 86_400))
    found = []
    if figure.upper is not None and figure.start <= at < figure.end:
        found.append((True, min(days[bisect_right(days, at)], figure.end)))
    # Going back, only whole days count: of a part of a day the least is not known.
    last = bisect_right(days, min(at, figure.end)) - 1
    if figure.lower and last - 1 >= bisect_left(days, figure.start):
        found.append((False, days[last - 1]))
    return found


def sentence(summands: Sequence[Term], bound: int | None, *, upper: bool, named: Sequence[str] = ()) -> str:
    """The bound as a small sum in words; the reports named stand for it where there is no such sum."""
    if bound is None:
        return "no report caps it" if upper else "no report sets a least number"
    head = f"{'at most' if upper else 'at least'} {bound:,}"
    if not summands:
        if named:
            return f"{head}: follows from {', '.join(dict.fromkeys(named))} together"
        return f"{head}: a flow is never negative" if not upper and bound == 0 else head
    merged = _merged(summands)
    words = []
    for position, (term, times) in enumerate(merged):
        amount = f"{times} × {term.amount:,}" if times > 1 else f"{term.amount:,}"
        joint = "" if position == 0 and term.sign > 0 else ("minus " if term.sign < 0 else "plus ")
        words.append(f"{joint}{amount} {term.label}")
    reached = sum(t.sign * t.amount for t in summands)
    tail = "" if reached == bound else f" (whole sum {reached:,}, a count is never below zero)" if bound == 0 else ""
    return f"{head}: {' '.join(words)}{tail}"


def _merged(summands: Sequence[Term]) -> list[tuple[Term, int]]:
    """Plus terms first, equal ones counted together."""
    counted: dict[Term, int] = {}
    for term in sorted(summands, key=lambda t: -t.sign):
        counted[term] = counted.get(term, 0) + 1
    return list(counted.items())


def relaxed(lower: float | None, upper: float | None, moved: float) -> tuple[float | None, float | None]:
    """The interval that holds what was reported and what was reconciled (method.md 4.4)."""
    low = None if lower is None else math.floor(lower + min(moved, 0))
    high = None if upper is None else math.ceil(upper + max(moved, 0))
    return low, high
