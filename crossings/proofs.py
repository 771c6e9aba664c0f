"""A proof in words: the small sum of reports that gives a bound.

A bound is a shortest path through the windows of named reports (method.md 4.2): walking a window forwards uses its
most, walking it backwards takes its least away, and going back in time costs nothing because nobody uncrosses a border.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What a report gives to a proof.

    Attributes
    ----------
    start, end : its window in UTC seconds. lower, upper : its interval, None = unbounded, relaxed where reports clash.
    per_day : whether the interval holds for each day. label : how to name it, e.g. `FIN-032 (21–27 Sep)`.
    """

    start: int
    end: int
    lower: float | None
    upper: float | None
    per_day: bool
    label: str


@dataclass(frozen=True)
class Term:
    """One summand: plus the most or minus the least of a report (or the reverse for a lower bound)."""

    sign: int
    amount: int
    label: str


def terms(path: Sequence[str], figures: Mapping[str, Figure], start: int, end: int, *, upper: bool) -> list[Term]:
    """The summands of a bound, in the order of its path.

    path : report ids as stored. start, end : UTC seconds of the day or period bounded.
    An upper bound walks from start to end, a lower bound from end to start.
    """
    at = start if upper else end
    result = []
    for report_id in path:
        figure = figures[report_id]
        forwards = _forwards(figure, at, upper=upper)
        amount = figure.upper if forwards else figure.lower
        assert amount is not None, report_id
        sign = (1 if forwards else -1) * (1 if upper else -1)
        result.append(Term(sign, int(amount), figure.label))
        if figure.per_day:
            at += 86_400 if forwards else -86_400
        else:
            at = figure.end if forwards else figure.start
    return result


def _forwards(figure: Figure, at: int, *, upper: bool) -> bool:
    if figure.per_day:
        if figure.upper is None:
            return False
        if not figure.lower:
            return True
        return upper
    return figure.end > at


def sentence(summands: Sequence[Term], bound: int | None, *, upper: bool) -> str:
    """The bound as a small sum in words."""
    if bound is None:
        return "no report caps it" if upper else "no report sets a least number"
    head = f"{'at most' if upper else 'at least'} {bound:,}"
    if not summands:
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
