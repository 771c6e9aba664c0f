"""Civil days of a series as numbers: which instants they start at, which dates they are."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from crossings.calendar import days_around
from transforms.estimator.statements import BoolArray, IntArray, Statements, joined


@dataclass(frozen=True)
class Days:
    """Civil days: `starts` has the midnights of n days and the end of the last.

    `first` is the date of the first; `timezone` and `boundary` (local clock at which a day starts) say whose they are.
    """

    first: dt.date
    starts: IntArray
    timezone: str
    boundary: str

    @classmethod
    def around(cls, start: int, end: int, timezone: str, boundary: str) -> Days:
        """The civil days that touch the UTC instants start to end."""
        first, starts = days_around(start, end, timezone, boundary)
        return cls(first, starts, timezone, boundary)

    @classmethod
    def of(cls, statements: Statements, timezone: str, boundary: str) -> Days:
        """The civil days that the windows of some statements touch."""
        return cls.around(int(statements.start.min()), int(statements.end.max()), timezone, boundary)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def date(self, day: int) -> dt.date:
        """Civil date of a day by its number."""
        return self.first + dt.timedelta(days=int(day))

    def dates_of(self, start: int, end: int) -> tuple[dt.date, dt.date]:
        """First and last civil date that a window of instants touches."""
        first = int(np.searchsorted(self.starts, start, side="right")) - 1
        last = int(np.searchsorted(self.starts, end, side="left")) - 1
        return self.date(first), self.date(max(first, last))

    def inside(self, start: int, end: int) -> IntArray:
        """Numbers of the days that lie wholly between two instants."""
        return np.flatnonzero((self.starts[:-1] >= start) & (self.starts[1:] <= end))


def expand_days(statements: Statements, per_day: BoolArray, days: Days, *, signed: bool = False) -> Statements:
    """Replace each per-day row by one row a civil day of its window.

    Of a day that lies in the window only in part, the upper end holds (a part is not more than the whole) and the
    lower end is not used. Of a flow that may be negative (`signed`) a part may exceed the whole, and neither end holds.
    """
    if not per_day.any():
        return statements
    parts = [statements.take(~per_day)]
    for row in np.flatnonzero(per_day):
        one = statements.take(np.array([row]))
        low = int(np.searchsorted(days.starts, one.start[0], side="right")) - 1
        high = int(np.searchsorted(days.starts, one.end[0], side="left"))
        starts, ends = days.starts[low:high], days.starts[low + 1 : high + 1]
        whole = (starts >= one.start[0]) & (ends <= one.end[0])
        many = one.take(np.zeros(high - low, dtype=np.intp))
        parts.append(
            replace(
                many,
                start=np.maximum(starts, one.start[0]),
                end=np.minimum(ends, one.end[0]),
                lower=np.where(whole, many.lower, -np.inf),
                upper=np.where(whole | (not signed), many.upper, np.inf),
            )
        )
    return reduce(joined, parts)
