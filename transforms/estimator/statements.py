"""Interval statements on the flows of some series, as arrays: the common language of the estimator.

Every active report becomes one or more rows `lower <= C(end) - C(start) <= upper`, where C is the cumulative number
of crossings of one series at a UTC instant (method.md 4.1). A per-day report is one row per civil day and repeats its
report id. The only place that sorts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
TextArray: TypeAlias = NDArray[np.object_]

SAID, ALLOWED, CODED = range(3)  # readings of a report, see `Statements`
OFF_BY = 1  # days that an inferred window may be off


@dataclass(frozen=True, eq=False)
class Statements:
    """Rows of interval statements on one or several series.

    Attributes
    ----------
    start, end : int64, UTC instants in seconds since 1970; half-open window, start < end.
    lower, upper : float64 holding whole numbers, or -inf / +inf where nothing is stated.
    report_id : object array of str; the report that says so.
    origin_id : object array of str; the statement behind the report.
    tier : int64, 1 (official final) to 4 (attributed media).
    sigma : float64 > 0, standard error in crossings (method.md 4.4).
    member : int64, position of the series among the members of its system; 0 everywhere for one series.
    reading : int64. SAID: as it was said. Of a report whose window may be off by a day there are two others: ALLOWED, what
        holds wherever the window lies, and CODED, the window as it was coded. Bounds know SAID and ALLOWED rows, a
        path also CODED ones.
    """

    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray
    report_id: TextArray
    origin_id: TextArray
    tier: IntArray
    sigma: FloatArray
    member: IntArray
    reading: IntArray

    @classmethod
    def of_one(
        cls,
        start: IntArray,
        end: IntArray,
        lower: FloatArray,
        upper: FloatArray,
        report_id: TextArray,
        origin_id: TextArray,
        tier: IntArray,
        sigma: FloatArray,
    ) -> Self:
        """Rows of one series."""
        member = np.zeros(len(start), dtype=np.int64)
        return cls(start, end, lower, upper, report_id, origin_id, tier, sigma, member, member)

    @classmethod
    def none(cls) -> Self:
        """No row at all."""
        whole, real, text = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=object)
        return cls.of_one(whole, whole, real, real, text, text, whole, real)

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.intp] | BoolArray) -> Self:
        """The given rows, in the given order."""
        return type(self)(*(getattr(self, f.name)[rows] for f in fields(self)))

    def of(self, report_ids: Sequence[str] | frozenset[str]) -> BoolArray:
        """Which rows belong to the given reports."""
        return np.isin(self.report_id, np.array(sorted(report_ids), dtype=object))

    def within(self, spans: Iterable[tuple[int, int]]) -> BoolArray:
        """Which rows lie wholly in one of some spans of time, UTC seconds."""
        inside = np.zeros(len(self), dtype=np.bool_)
        for start, end in spans:
            inside |= (self.start >= start) & (self.end <= end)
        return inside

    @property
    def ids(self) -> frozenset[str]:
        """The reports."""
        return frozenset(map(str, self.report_id))

    @property
    def binding(self) -> Self:
        """The rows that bounds know."""
        return self.take(self.reading != CODED)

    @property
    def as_coded(self) -> Self:
        """The rows in the windows that were coded."""
        return self.take(self.reading != ALLOWED)


def joined(first: Statements, second: Statements) -> Statements:
    """Rows of both, in that order."""
    return Statements(*(np.concatenate((getattr(first, f.name), getattr(second, f.name))) for f in fields(Statements)))


def gathered(members: Mapping[str, Statements], order: Sequence[str]) -> Statements:
    """The rows of all members, numbered by the order given, as `canonical` has them."""
    rows = Statements.none()
    for position, name in enumerate(order):
        own = members[name]
        rows = joined(rows, replace(own, member=np.full(len(own), position, dtype=np.int64)))
    return canonical(rows)


def canonical(statements: Statements) -> Statements:
    """The rows in an order that depends on their content alone: the order of input never matters.

    By instants, member, report id, interval and reading; a row that is there twice counts once.
    """
    s = statements
    if not len(s):
        return s
    rank = np.unique(s.report_id.astype(str), return_inverse=True)[1]
    order = np.lexsort((s.sigma, s.tier, s.reading, s.upper, s.lower, rank, s.member, s.end, s.start))
    keys = np.stack([k[order] for k in (s.start, s.end, s.member, rank, s.lower, s.upper, s.reading)])
    fresh = np.concatenate(([True], (keys[:, 1:] != keys[:, :-1]).any(axis=0)))
    return s.take(order[fresh])
