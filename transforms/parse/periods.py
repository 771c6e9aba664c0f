"""Reference periods from the publisher's spelling, at an asserted frequency.

In: a text and the spellings the source declares. Out: first and last day, or `NotAPeriod`. Only declared spellings
are read, so that a month is never taken for a day (method.md 8, V04; SDMX TIME_PERIOD).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Literal, TypeAlias

Period: TypeAlias = tuple[date, date]

_A_YEAR = {"D": 366, "W": 53, "M": 12, "Q": 4, "A": 1}

_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4}
_ENGLISH = {name.casefold(): number for number, name in enumerate(calendar.month_name) if name} | {
    name.casefold(): number for number, name in enumerate(calendar.month_abbr) if name
}
_SPELLINGS: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.ASCII)
    for name, pattern in {
        "YYYY": r"(?P<y>\d{4})",
        "YYYY-MM": r"(?P<y>\d{4})-(?P<m>\d{2})",
        "YYYYMM": r"(?P<y>\d{4})(?P<m>\d{2})",
        "YYYYMmm": r"(?P<y>\d{4})M(?P<m>\d{2})",
        "YYYYQq": r"(?P<y>\d{4})[- ]?[QKT](?P<q>[1-4])",
        "YYYY-MM-DD": r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})",
        "DD.MM.YYYY": r"(?P<d>\d{2})\.(?P<m>\d{2})\.(?P<y>\d{4})",
        "DD-MM-YYYY": r"(?P<d>\d{2})-(?P<m>\d{2})-(?P<y>\d{4})",
        "D/M/YYYY": r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})",
        "M/D/YYYY": r"(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})",
        "serial": r"(?P<serial>\d{5})",
    }.items()
} | {
    "MONYYYY": re.compile(r"(?P<name>[^\W\d_]+)[ .-]?(?P<y>[0-9]{4})"),
    "YYYY MONTH": re.compile(r"(?P<y>[0-9]{4})[ ,]+(?P<name>[^\W\d_]+|[0-9]{1,2})"),
    "YYYY сар": re.compile(r"(?P<y>[0-9]{4})(?:[ ]?он(?:ы)?)?[ ,-]+(?P<m>[0-9]{1,2})(?:[- ]?р)?[ -]?сар"),
    "YYYY улирал": re.compile(r"(?P<y>[0-9]{4})(?:[ ]?он(?:ы)?)?[ ,-]+(?P<q>[1-4]|IV|I{1,3})(?:[- ]?р)?[ -]?улирал"),
}
DATE_SPELLINGS = ("YYYY-MM-DD", "DD.MM.YYYY", "DD-MM-YYYY", "D/M/YYYY", "M/D/YYYY")
_FREQ_OF = {"y": "A", "m": "M", "q": "Q"}
_MONTHS = {"M": 1, "Q": 3, "A": 12}


class NotAPeriod(ValueError):
    """A text that is no period in the declared spelling and frequency."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read_period(
    text: str,
    formats: Sequence[str],
    freq: str,
    anchor: Literal["start", "end"] = "start",
    months: Mapping[str, int] | None = None,
) -> Period:
    """First and last day of the period a text names.

    Raises `NotAPeriod` where no declared spelling fits, the day does not exist, the frequency differs, or a full date
    is not the first (last) day of its period.
    """
    spelled = " ".join(text.split())
    for name in formats:
        found = _SPELLINGS[name].fullmatch(spelled)
        if found is not None:
            return _period(spelled, found.groupdict(), freq, anchor, months or {})
    raise NotAPeriod(f"{spelled[:60]!r} is not written as {' or '.join(formats)}")


def other_date_order(text: str, formats: Sequence[str]) -> str | None:
    """The undeclared date spelling in which alone a text names a day, if any."""
    if any(_names_a_day(text, name) for name in formats if name in DATE_SPELLINGS):
        return None
    return next((name for name in DATE_SPELLINGS if name not in formats and _names_a_day(text, name)), None)


def exchanged(day: date) -> date | None:
    """The date with day and month exchanged; None where there is none."""
    return date(day.year, day.day, day.month) if day.day <= 12 else None


def following(period: Period, freq: str) -> Period:
    """The period right after, of the same frequency."""
    return span(period[1] + timedelta(days=1), freq)


def span(first: date, freq: str) -> Period:
    """The period of that frequency that starts on a day."""
    if freq == "D":
        return first, first
    if freq == "W":
        return first, first + timedelta(days=6)
    month = first.month + _MONTHS[freq] - 1
    return first, date(first.year, month, calendar.monthrange(first.year, month)[1])


def _names_a_day(text: str, name: str) -> bool:
    try:
        read_period(text, (name,), "D")
    except NotAPeriod:
        return False
    return True


def _period(text: str, parts: dict[str, str | None], freq: str, anchor: str, months: Mapping[str, int]) -> Period:
    if parts.get("serial") is not None:
        return _anchored(text, _from_serial(str(parts["serial"])), freq, anchor)
    if parts.get("name") is not None:
        parts = {"y": parts["y"], "m": str(_month_number(str(parts["name"]), months))}
    year = int(str(parts["y"]))
    if not 1900 <= year <= 2200:
        raise NotAPeriod(f"{text!r}: year {year} is out of range")
    if parts.get("d") is not None:
        return _anchored(text, _day(text, year, int(str(parts["m"])), int(str(parts["d"]))), freq, anchor)
    kind = next(_FREQ_OF[k] for k in ("m", "q", "y") if parts.get(k) is not None)
    if kind != freq:
        raise NotAPeriod(f"{text!r} has frequency {kind}, declared is {freq}")
    month = 1
    if kind == "M":
        month = int(str(parts["m"]))
    elif kind == "Q":
        quarter = str(parts["q"])
        month = 3 * (_ROMAN.get(quarter) or int(quarter)) - 2
    return span(_day(text, year, month, 1), freq)


def _anchored(text: str, day: date, freq: str, anchor: str) -> Period:
    if freq == "D":
        return day, day
    if freq == "W":
        return (day, day + timedelta(days=6)) if anchor == "start" else (day - timedelta(days=6), day)
    length = _MONTHS[freq]
    period = span(date(day.year, (day.month - 1) // length * length + 1, 1), freq)
    if day != period[0 if anchor == "start" else 1]:
        wanted = "first" if anchor == "start" else "last"
        raise NotAPeriod(f"{text!r} is not the {wanted} day of a period of frequency {freq}")
    return period


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as fault:
        raise NotAPeriod(f"{text!r}: {fault}") from None


def _month_number(name: str, months: Mapping[str, int]) -> int:
    known = {key.casefold(): number for key, number in months.items()}
    folded = name.casefold()
    if folded.isdecimal() and folded.isascii():
        return int(folded)
    number = known.get(folded) or _ENGLISH.get(folded)
    if number is None:
        raise NotAPeriod(f"{name!r} is no month name we know")
    return number


def _from_serial(text: str) -> date:
    """Day number of a spreadsheet; day 60 is the 29 February 1900 that never was, and is out of our range."""
    return date(1899, 12, 30) + timedelta(days=int(text))


def enough_periods(first: date, last: date, freq: str) -> int:
    """A number of periods that is certain to cover the days from first to last when counted back from the last one."""
    return ((last - first).days * _A_YEAR[freq]) // 365 + 2
