"""Civil days of a time zone as instants: where a day starts and ends in UTC seconds, exact over clock changes.

In: civil dates and an IANA zone. Out: int64 seconds since 1970. A day with a clock change has 23 or 25 hours and is
still one day; turning windows into days is calendarisation (method.md 4.1).
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from crossings.errors import CrossingsError

IntArray: TypeAlias = NDArray[np.int64]

_EPOCH = dt.date(1970, 1, 1).toordinal()


class UnknownTimezone(CrossingsError):
    """A time zone the IANA database does not know, or a day boundary that is not a clock."""


def midnights(first: dt.date, last: dt.date, timezone: str, boundary: str = "00:00") -> IntArray:
    """Starts of the civil days `first` to `last` and the end of `last`: n + 1 UTC instants for n days.

    Parameters
    ----------
    first, last : civil dates, inclusive.
    timezone : IANA zone of the dates.
    boundary : local clock HH:MM at which a day starts. A clock that does not exist on some date (it was skipped) means
        the instant of the skip; one that happens twice means its first occurrence.

    Raises
    ------
    UnknownTimezone : the zone is not in the IANA database or the boundary is not HH:MM.

    >>> hours = np.diff(midnights(dt.date(2022, 10, 29), dt.date(2022, 10, 31), "Europe/Helsinki")) // 3600
    >>> hours.tolist()  # the clock goes back on the 30th; it is one day all the same
    [24, 25, 24]
    """
    stop = last + dt.timedelta(days=1)
    years = [_year_starts(year, timezone, boundary) for year in range(first.year, stop.year + 1)]
    offset = first.toordinal() - dt.date(first.year, 1, 1).toordinal()
    return np.concatenate(years)[offset : offset + (stop - first).days + 1]


def days_around(start: int, end: int, timezone: str, boundary: str = "00:00") -> tuple[dt.date, IntArray]:
    """The civil days that cover the UTC instants start to end: first date, and the midnights of those days.

    The first midnight is at or before `start`, the last at or after `end`, and no day is wholly outside.
    """
    first = (dt.datetime.fromtimestamp(start, dt.UTC) - dt.timedelta(days=2)).date()
    last = (dt.datetime.fromtimestamp(end, dt.UTC) + dt.timedelta(days=2)).date()
    starts = midnights(first, last, timezone, boundary)
    low = int(np.searchsorted(starts, start, side="right")) - 1
    high = max(int(np.searchsorted(starts, end, side="left")), low + 1)
    return first + dt.timedelta(days=low), starts[low : high + 1]


def instant_of(date: dt.date, timezone: str, clock: str = "00:00") -> int:
    """The UTC second at which the local clock shows `clock` on `date`.

    >>> dt.datetime.fromtimestamp(instant_of(dt.date(2022, 9, 26), "Asia/Tbilisi", "10:00"), dt.UTC).isoformat()
    '2022-09-26T06:00:00+00:00'
    """
    return int(midnights(date, date, timezone, clock)[0])


def shifted(instants: IntArray, days: int, timezone: str) -> IntArray:
    """The same local clocks some civil days later, or earlier where `days` is negative.

    >>> day = midnights(dt.date(2022, 10, 30), dt.date(2022, 10, 30), "Europe/Helsinki")
    >>> ((shifted(day, 1, "Europe/Helsinki") - day) // 3600).tolist()  # the first of the two days has 25 hours
    [25, 24]
    """
    zone = ZoneInfo(timezone)
    distinct, of = np.unique(instants, return_inverse=True)
    moved = [
        int(
            (dt.datetime.fromtimestamp(t, zone).replace(tzinfo=None) + dt.timedelta(days))
            .replace(tzinfo=zone)
            .timestamp()
        )
        for t in distinct.tolist()
    ]
    return np.array(moved, dtype=np.int64)[of]


@lru_cache(maxsize=4096)
def _year_starts(year: int, timezone: str, boundary: str) -> IntArray:
    try:
        zone = ZoneInfo(timezone)
        clock = dt.time.fromisoformat(boundary)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise UnknownTimezone(
            f"time zone {timezone!r} with day boundary {boundary!r} is not known",
            "use an IANA zone such as Asia/Almaty and a clock such as 00:00",
        ) from fault
    day = dt.date(year, 1, 1).toordinal()
    n = dt.date(year, 12, 31).toordinal() - day + 1
    local = (np.arange(n, dtype=np.int64) + (day - _EPOCH)) * 86400 + (clock.hour * 3600 + clock.minute * 60)
    offsets = np.empty(n, dtype=np.int64)
    for i in range(n):
        shift = dt.datetime.combine(dt.date.fromordinal(day + i), clock, tzinfo=zone).utcoffset()
        assert shift is not None, "a zone of the IANA database always has an offset"
        offsets[i] = shift.days * 86400 + shift.seconds
    starts = local - offsets
    starts.setflags(write=False)
    return starts
