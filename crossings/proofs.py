"""A proof in words: the small sum of reports that gives a bound.

A bound is published with its terms: the settled end of a report, times a signed multiplicity (method.md 4.2, 4.7). Here
they are added up and said; nothing is searched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """What a report gives to a proof: its settled interval (None = unbounded) and how to name it.

    upper_label : how to name its upper end, where that is otherwise than the lower.
    """

    lower: float | None
    upper: float | None
    label: str
    upper_label: str | None = None

    def name(self, end: str) -> str:
        """How a sum names one end."""
        return self.upper_label if end == "upper" and self.upper_label is not None else self.label


def total(terms: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure]) -> float:
    """What the terms of a bound add up to, crossings; the bound is this, rounded outwards.

    terms : as in `daily.lower_terms` and `daily.upper_terms`: report_id, end, times, day.

    >>> figures = {"week": Figure(700, 700, "(the week)"), "rest": Figure(600, 610, "(six days of it)")}
    >>> week, rest = {"report_id": "week", "end": "upper", "times": 1.0}, {"report_id": "rest", "end": "lower", "times": -1.0}
    >>> total([week, rest], figures)
    100.0
    """
    return math.fsum(t["times"] * _amount(t, figures) for t in terms)


def sentence(
    terms: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure], bound: float | None, *, upper: bool
) -> str:
    """The bound as a small sum in words.

    >>> figures = {"week": Figure(700, 700, "(the week)"), "rest": Figure(600, 610, "(six days of it)")}
    >>> week, rest = {"report_id": "week", "end": "upper", "times": 1.0}, {"report_id": "rest", "end": "lower", "times": -1.0}
    >>> sentence([week, rest], figures, 100, upper=True)
    'at most 100: 700 (the week) minus 600 (six days of it)'
    """
    if bound is None or bound != bound:
        return "no report caps it" if upper else "no report sets a least number"
    head = f"{'at most' if upper else 'at least'} {int(bound):,}"
    if not len(terms):
        return f"{head}: a flow is never negative" if not upper and bound == 0 else head
    words: list[str] = []
    for (amount, label, sign), times in _merged(terms, figures).items():
        said = f"{amount:,.0f}" if times == 1 else f"{times:g} × {amount:,.0f}"
        joint = "" if not words and sign > 0 else ("minus " if sign < 0 else "plus ")
        words.append(f"{joint}{said} {label}")
    reached = round(total(terms, figures), 6)
    tail = "" if reached == bound else f" (whole sum {reached:,g}, rounded outwards)"
    return f"{head}: {' '.join(words)}{tail}"


def _amount(term: Mapping[str, Any], figures: Mapping[str, Figure]) -> float:
    figure = figures[term["report_id"]]
    amount = figure.upper if term["end"] == "upper" else figure.lower
    assert amount is not None, term
    return amount


def _merged(terms: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure]) -> dict[tuple[float, str, int], float]:
    """(amount, name, sign) -> how many times: plus terms first, equal ones counted together."""
    counted: dict[tuple[float, str, int], float] = {}
    for term in sorted(terms, key=lambda t: -math.copysign(1, t["times"])):
        name = figures[term["report_id"]].name(term["end"])
        key = (_amount(term, figures), name, 1 if term["times"] > 0 else -1)
        counted[key] = counted.get(key, 0.0) + abs(term["times"])
    return counted
