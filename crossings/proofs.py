"""A proof in words: the small sum of reports that gives a bound.

A bound is published with its terms: the end of a report, times a signed multiplicity (method.md 4.2, 4.7). Here they are
added up and said, with the reports that must be wrong for it where reports clash (4.4); nothing is searched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Figure:
    """What a report gives to a proof: its interval (None = unbounded) and how to name it."""

    lower: float | None
    upper: float | None
    label: str


def total(terms: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure]) -> float:
    """What the terms of a bound add up to, crossings; the bound is this, rounded outwards.

    terms : as in `daily.lower_terms` and `daily.upper_terms`: report_id, end, times, day.

    >>> figures = {"week": Figure(700, 700, "(the week)"), "rest": Figure(600, 610, "(six days of it)")}
    >>> week, rest = {"report_id": "week", "end": "upper", "times": 1.0}, {"report_id": "rest", "end": "lower", "times": -1.0}
    >>> total([week, rest], figures)
    100.0
    """
    return math.fsum(t["times"] * _amount(t, figures) for t in terms)


def of_row(row: Mapping[str, Any], end: Literal["lower", "upper"], figures: Mapping[str, Figure]) -> str:
    """One bound of a row of `daily` or `periods` in words; None where a cell is missing."""
    columns = (f"{end}{part}" for part in ("", "_terms", "_aside", "_otherwise"))
    bound, terms, aside, otherwise = (row[column] for column in columns)
    return sentence(terms, figures, bound, upper=end == "upper", aside=aside, otherwise=otherwise)


def sentence(
    terms: Sequence[Mapping[str, Any]],
    figures: Mapping[str, Figure],
    bound: float | None,
    *,
    upper: bool,
    aside: Sequence[str] = (),
    otherwise: float | None = None,
) -> str:
    """The bound as a small sum in words; where reports clash, what it is if some are wrong, and otherwise.

    aside, otherwise : reports that are wrong if the bound is attained, and the bound if they are right.

    >>> figures = {"week": Figure(700, 700, "(the week)"), "rest": Figure(600, 610, "(six days of it)")}
    >>> week, rest = {"report_id": "week", "end": "upper", "times": 1.0}, {"report_id": "rest", "end": "lower", "times": -1.0}
    >>> sentence([week, rest], figures, 100, upper=True)
    'at most 100: 700 (the week) minus 600 (six days of it)'
    >>> sentence([week], figures, 700, upper=True, aside=["rest"], otherwise=100)
    'at most 700 if rest is wrong, at most 100 otherwise: 700 (the week)'
    """
    limit = "at most" if upper else "at least"
    unbounded = "no report caps it" if upper else "no report sets a least number"
    head = unbounded if bound is None else f"{limit} {int(bound):,}"
    if len(aside) and otherwise is not None and otherwise != bound:
        head += f" if {_listed(aside)}, {limit} {int(otherwise):,} otherwise"
    if bound is None:
        return head
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


def _listed(report_ids: Sequence[str]) -> str:
    """Who is wrong: `A is wrong`, `A and B are both wrong`, `A, B and C are all wrong`."""
    *others, last = report_ids
    if not others:
        return f"{last} is wrong"
    return f"{', '.join(others)} and {last} are {'both' if len(others) == 1 else 'all'} wrong"


def _amount(term: Mapping[str, Any], figures: Mapping[str, Figure]) -> float:
    figure = figures[term["report_id"]]
    amount = figure.upper if term["end"] == "upper" else figure.lower
    assert amount is not None, term
    return amount


def _merged(terms: Sequence[Mapping[str, Any]], figures: Mapping[str, Figure]) -> dict[tuple[float, str, int], float]:
    """(amount, name, sign) -> how many times: plus terms first, equal ones counted together."""
    counted: dict[tuple[float, str, int], float] = {}
    for term in sorted(terms, key=lambda t: -math.copysign(1, t["times"])):
        key = (_amount(term, figures), figures[term["report_id"]].label, 1 if term["times"] > 0 else -1)
        counted[key] = counted.get(key, 0.0) + abs(term["times"])
    return counted
