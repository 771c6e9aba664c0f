"""Where tied series must get their points together, and what equalities alone give.

In: stretches and the rows of their members. Out: territories, stretches that a run of covered days of some member
joins; points and known days completed by the identities that define a series (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from transforms.estimator.days import Days
from transforms.estimator.disaggregate import runs_of
from transforms.estimator.statements import BoolArray, FloatArray, Statements
from transforms.estimator.stretch import Stretch
from transforms.estimator.system import Block


@dataclass(frozen=True, eq=False)
class Territory:
    """Stretches that must get their points together, because a run of covered days of some member joins them.

    Attributes
    ----------
    stretches : in order of time. members : series of all of them, in order.
    statements : what was said of each member inside its spans. spans : member -> (start, end) instants.
    """

    stretches: tuple[Stretch, ...]
    members: tuple[str, ...]
    statements: Mapping[str, Statements]
    spans: Mapping[str, tuple[tuple[int, int], ...]]


def territories(found: Sequence[Stretch], rows: Mapping[str, Statements], days: Days) -> list[Territory]:
    """The stretches, those joined by a run of a member together."""
    spans = [_spans(stretch, rows, days) for stretch in found]
    parts: list[tuple[list[int], dict[str, list[tuple[int, int]]]]] = []
    for k, own in enumerate(spans):
        joined, merged = [k], {name: list(places) for name, places in own.items()}
        apart = []
        for numbers, theirs in parts:
            if any(_touch(merged.get(name, []), places) for name, places in theirs.items()):
                joined = numbers + joined
                merged = {n: union([*merged.get(n, []), *theirs.get(n, [])]) for n in {*merged, *theirs}}
            else:
                apart.append((numbers, theirs))
        parts = [*apart, (joined, merged)]
    return [
        Territory(
            tuple(found[k] for k in sorted(numbers)),
            tuple(sorted(places)),
            {name: rows[name].take(rows[name].within(places[name])) for name in sorted(places)},
            {name: tuple(places[name]) for name in sorted(places)},
        )
        for numbers, places in parts
    ]


def _spans(stretch: Stretch, rows: Mapping[str, Statements], days: Days) -> dict[str, list[tuple[int, int]]]:
    """Per member: the stretch, and the runs of covered days that it touches."""
    start, end = stretch.said.start, stretch.said.end
    found = {}
    for name in stretch.said.members:
        runs = [(r.begin, r.finish) for r in runs_of(rows[name], 0, days.starts)]
        found[name] = union([(start, end), *((a, b) for a, b in runs if a < end and b > start)])
    return found


def union(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of time as few as hold the same moments."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _touch(first: Sequence[tuple[int, int]], second: Sequence[tuple[int, int]]) -> bool:
    return any(a < d and c < b for a, b in first for c, d in second)


def closed(block: Block, point: FloatArray) -> FloatArray:
    """Points (members x days); a day on which an equality lacks one member only gives that member. Changed in place."""
    growing = True
    while growing:
        growing = False
        for identity in block.identities:
            if not identity.defines:
                continue
            rows = np.array([block.position(s) for s in identity.series])
            coefficient = np.array([c for _, c in identity.terms], dtype=np.float64)
            missing = np.isnan(point[rows])
            for k in range(len(rows)):
                days = np.flatnonzero(missing[k] & (missing.sum(axis=0) == 1))
                if len(days):
                    others = np.delete(np.arange(len(rows)), k)
                    total = coefficient[others] @ point[np.ix_(rows[others], days)]
                    point[rows[k], days] = -total / coefficient[k]
                    growing = True
    return point


def closure(block: Block, known: BoolArray) -> BoolArray:
    """Members x days: `known`, or fixed by the equalities once the known members are given."""
    equalities = [k for k in block.identities if k.defines]
    coefficients = np.zeros((len(equalities), len(block.members)))
    for k, identity in enumerate(equalities):
        for series, coefficient in identity.terms:
            coefficients[k, block.position(series)] += coefficient
    fixed = known.copy()
    for pattern in np.unique(known, axis=1).T:
        unknown = np.flatnonzero(~pattern)
        if not len(unknown) or not len(equalities):
            continue
        open_part = coefficients[:, unknown]
        rank = np.linalg.matrix_rank(open_part)
        follows = [
            m for m, unit in zip(unknown, np.eye(len(unknown)), strict=True)
            if np.linalg.matrix_rank(np.vstack([open_part, unit])) == rank
        ]  # fmt: skip
        same = np.flatnonzero((known == pattern[:, None]).all(axis=0))
        fixed[np.ix_(np.array(follows, dtype=np.int64), same)] = True
    return fixed
