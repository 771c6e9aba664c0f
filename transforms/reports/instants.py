"""Local civil dates and clocks as UTC instants, exactly, over clock changes.

In: dates, clocks and IANA zones, vectorised over the distinct combinations. Out: seconds since 1970 in UTC.
A clock that does not exist is moved forward by the gap, one that exists twice is the first (PEP 495, fold 0).
"""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.calendar import instant_of

UNKNOWN = np.iinfo(np.int64).min


def instant(date: dt.date, clock: str, zone: str) -> int:
    """UTC seconds of a local clock `HH:MM` on a local date; `24:00` is the next midnight."""
    hours, minutes = int(clock[:2]), clock[3:5]
    return instant_of(date + dt.timedelta(days=hours // 24), zone, f"{hours % 24:02}:{minutes}")


def instants(dates: pd.Series, clocks: pd.Series, zones: pd.Series) -> NDArray[np.int64]:
    """UTC seconds per row; `UNKNOWN` where the date, clock or zone is missing or not one, or past the year 9999.

    dates : datetime64, clocks : text `HH:MM` or `24:00`, zones : IANA names; all of one length.
    """
    keys = pd.DataFrame({"d": dates.to_numpy(), "c": clocks.to_numpy(object), "z": zones.to_numpy(object)})
    codes, unique = pd.MultiIndex.from_frame(keys).factorize()
    found = np.full(len(unique) + 1, UNKNOWN, dtype=np.int64)
    for position, (date, clock, zone) in enumerate(unique):
        if pd.notna(date) and isinstance(clock, str) and is_clock(clock) and is_zone(zone):
            with suppress(OverflowError):
                found[position] = instant(pd.Timestamp(date).date(), clock, zone)
    return np.asarray(found[codes])


def is_clock(text: str) -> bool:
    """Whether the text is a clock `00:00` to `24:00`."""
    digits = text[:2] + text[3:]
    if len(text) != 5 or text[2] != ":" or not (digits.isascii() and digits.isdigit()):
        return False
    return int(text[:2]) * 60 + int(text[3:]) <= 24 * 60 and int(text[3:]) < 60


def is_zone(name: object) -> bool:
    """Whether the name is an IANA time zone."""
    if not isinstance(name, str) or not name:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; odd names raise the others
        return False
    return True


def as_datetime(seconds: NDArray[np.int64]) -> pd.Series:
    """Seconds as datetime64[us, UTC]; `UNKNOWN` becomes missing."""
    known = seconds != UNKNOWN
    stamps = np.where(known, seconds, 0).astype("datetime64[s]").astype("datetime64[us]")
    return pd.Series(stamps).dt.tz_localize("UTC").where(pd.Series(known))


def as_seconds(stamps: pd.Series) -> NDArray[np.int64]:
    """datetime64[..., UTC] as whole seconds; missing becomes `UNKNOWN`."""
    naive = stamps.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(naive), UNKNOWN, naive.astype(np.int64))


def publication_end(published_on: pd.Series, zones: pd.Series) -> NDArray[np.int64]:
    """The instant from which a report counts as published: the end of the stated day, month or year, local time.

    Only the end is sure: a report of "September 2022" may be of the 30th. `UNKNOWN` where nothing is stated.
    """
    ends = published_on.astype("object").map(_last_day)
    nxt = pd.to_datetime(ends, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    return instants(nxt, pd.Series("24:00", index=published_on.index), zones)


def first_publication_day(published_on: pd.Series) -> pd.Series:
    """The earliest day that the stated day, month or year allows; missing where nothing is stated."""
    padded = published_on.astype("object").map(lambda t: (t + "-01-01"[len(t) - 4 :]) if isinstance(t, str) else None)
    return pd.to_datetime(padded, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")


def last_publication_day(published_on: pd.Series) -> pd.Series:
    """The latest day that the stated day, month or year allows; missing where nothing is stated."""
    ends = published_on.astype("object").map(_last_day)
    return pd.to_datetime(ends, format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")


def _last_day(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    if len(text) == 4:
        return f"{text}-12-31"
    if len(text) == 7:
        try:
            return str((pd.Period(text, "M")).end_time.date())
        except ValueError:
            return None
    return text
