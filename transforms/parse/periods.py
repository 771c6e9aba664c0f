"""Reference periods from the publisher's spelling, at an asserted frequency.

In: a text and the spellings the source declares. Out: first and last day, or `NotAPeriod`. Only declared spellings
are read, so that a month is never taken for a day (method.md 8, V04; SDMX TIME_PERIOD). The grammar of spellings stands in
`crossings.source.spellings`.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from crossings.frequency import MONTHS, last_day
from crossings.source.labels import label_key
from crossings.source.mapping import TimeAxis
from crossings.source.spellings import compiled, finest, is_date, with_exchanged

Period: TypeAlias = tuple[date, date]
Groups: TypeAlias = dict[str, str | None]

_A_YEAR = {"D": 366, "W": 53, "M": 12, "Q": 4, "S": 2, "A": 1}
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "Ⅰ": 1, "Ⅱ": 2, "Ⅲ": 3, "Ⅳ": 4}
_ENGLISH = {name.casefold(): number for number, name in enumerate(calendar.month_name) if name} | {
    name.casefold(): number for number, name in enumerate(calendar.month_abbr) if name
} | {"sept": 9}  # fmt: skip
_FIRST_TWO_DIGIT_YEAR = 70
DATE_SPELLINGS = ("YYYY-MM-DD", "DD.MM.YYYY", "DD-MM-YYYY", "D/M/YYYY", "M/D/YYYY")


class NotAPeriod(ValueError):
    """A text that is no period in the declared spelling and frequency."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Calendar:
    """How the publisher's years and months are named.

    Attributes
    ----------
    year_starts : first month of the publisher's year.
    year_named : whether a year bears the number of the calendar year in which it ends, or starts; or `calendar`, where months
    stand beside calendar years all the same.
    months : month names besides the English ones, under `label_key`, to 1-12.
    to_date : a range of months reaches from the first month of the year to the one it stands for.
    """

    year_starts: int = 1
    year_named: Literal["end", "start", "calendar"] = "end"
    months: Mapping[str, int] | None = None
    to_date: bool = False


def calendar_of(axis: TimeAxis, *, to_date: bool = False) -> Calendar:
    """The calendar that a source's time axis declares."""
    return Calendar(axis.year_starts, axis.year_named, {**axis.known_months, **_keyed(axis.months)}, to_date)


def _keyed(months: Mapping[str, int]) -> dict[str, int]:
    return {label_key(name): number for name, number in months.items()}


def read_period(
    text: str,
    formats: Sequence[str],
    freq: str,
    anchor: Literal["start", "end"] = "start",
    months: Mapping[str, int] | None = None,
    kept: Calendar | None = None,
) -> Period:
    """First and last day of the period a text names.

    kept : the publisher's calendar; without it calendar years, and the names in `months`.

    Raises `NotAPeriod` where no declared spelling fits, the day does not exist, the frequency differs, or a full date
    is not the first (last) day of its period.
    """
    spelled = " ".join(text.split())
    for name in formats:
        found = compiled(name).fullmatch(spelled)
        if found is not None:
            return _period(spelled, found.groupdict(), freq, anchor, kept or Calendar(months=_keyed(months or {})))
    raise NotAPeriod(f"{spelled[:60]!r} is not written as {' or '.join(formats)}")


def other_date_order(text: str, formats: Sequence[str]) -> str | None:
    """The undeclared date spelling in which alone a text names a day, if any."""
    if any(_names_a_day(text, name) for name in formats if is_date(name)):
        return None
    turned = [other for name in formats if (other := with_exchanged(name)) is not None]
    others = [name for name in dict.fromkeys((*DATE_SPELLINGS, *turned)) if name not in formats]
    return next((name for name in others if _names_a_day(text, name)), None)


def exchanged(day: date) -> date | None:
    """The date with day and month exchanged; None where there is none."""
    return date(day.year, day.day, day.month) if day.day <= 12 else None


def following(period: Period, freq: str) -> Period:
    """The period right after, of the same frequency."""
    return span(period[1] + timedelta(days=1), freq)


def span(first: date, freq: str) -> Period:
    """The period of that frequency that starts on a day."""
    return first, last_day(first, freq)


def _names_a_day(text: str, name: str) -> bool:
    try:
        read_period(text, (name,), "D")
    except NotAPeriod:
        return False
    return True


def _period(text: str, parts: Groups, freq: str, anchor: str, kept: Calendar) -> Period:
    if parts.get("serial1") is not None:
        return _anchored(text, _from_serial(str(parts["serial1"])), freq, anchor, kept)
    _refuse_clock(text, parts)
    years = _years(text, parts)
    if not all(1900 <= year <= 2200 for year in years):
        raise NotAPeriod(f"{text!r}: year {years[0]} is out of range")
    months = _numbers(text, parts, kept)
    days = [int(str(parts[k])) for k in ("d1", "d2") if parts.get(k) is not None]
    if days:
        return _of_days(text, years, months, days, freq, anchor, kept)
    if parts.get("w1") is not None:
        return _expected(text, freq, "W", _iso_week(text, years[0], int(str(parts["w1"]))))
    if len(months) == 2:
        return _of_months(text, years, months, freq, kept)
    kind = finest(parts)
    year = _checked_year(text, years, kept)
    if kind == "M":
        return _expected(text, freq, kind, span(_first(text, year, months[0], kept), "M"))
    number = next((str(parts[k]) for k in ("q1", "rom1", "s1", "half1") if parts.get(k) is not None), "1")
    place = (_ROMAN.get(number) or int(number)) - 1
    return _expected(text, freq, kind, span(_shifted(_year_start(year, kept), place * MONTHS[kind]), kind))


def _expected(text: str, freq: str, kind: str, period: Period) -> Period:
    if kind != freq:
        raise NotAPeriod(f"{text!r} has frequency {kind}, declared is {freq}")
    return period


def _refuse_clock(text: str, parts: Groups) -> None:
    """A day is a whole day: its clock may only say where it begins or ends."""
    if parts.get("hh1") is None:
        return
    hour = int(str(parts["hh1"]))
    if parts.get("am1") is not None:
        if not 1 <= hour <= 12:
            raise NotAPeriod(f"{text!r}: hour {hour} is none of twelve")
        hour = hour % 12 + (12 if str(parts["am1"]).casefold().startswith("p") else 0)
    minute, second = (int(re.split("[.,]", parts.get(k) or "0")[0]) for k in ("mi1", "se1"))
    if (hour, minute, second) not in ((0, 0, 0), (23, 59, 0), (23, 59, 59)):
        raise NotAPeriod(f"{text!r}: its clock is not midnight, so it names an instant and no whole day")


def _years(text: str, parts: Groups) -> list[int]:
    found = []
    for place in ("1", "2"):
        if (given := parts.get(f"y{place}")) is not None:
            found.append(int(given))
        if (given := parts.get(f"yy{place}")) is not None:
            found.append(int(given) + (1900 if int(given) >= _FIRST_TWO_DIGIT_YEAR else 2000))
        if (given := parts.get(f"thai{place}")) is not None:
            found.append(int(given) - 543)
        if (given := parts.get(f"roc{place}")) is not None:
            found.append(int(given) + 1911)
    if not found:
        raise NotAPeriod(f"{text!r} names no year")
    return sorted(found)


def _numbers(text: str, parts: Groups, kept: Calendar) -> list[int]:
    found = []
    for place in ("1", "2"):
        if (given := parts.get(f"m{place}")) is not None:
            found.append(int(given))
        if (given := parts.get(f"mon{place}")) is not None:
            found.append(_month_number(given, kept.months or {}))
    if any(not 1 <= month <= 12 for month in found):
        raise NotAPeriod(f"{text!r}: month must be in 1..12")
    return found


def _checked_year(text: str, years: Sequence[int], kept: Calendar) -> int:
    """The number of the publisher's year; two numbers name a year that lies in two calendar years."""
    if len(years) == 1:
        return years[0]
    if kept.year_starts == 1 or years[1] != years[0] + 1:
        raise NotAPeriod(f"{text!r} names two years; declare year_starts, the first month of such a year")
    return years[0] if kept.year_named == "start" else years[1]


def _first(text: str, year: int, month: int, kept: Calendar) -> date:
    """First day of a month of the publisher's year."""
    if kept.year_starts > 1 and kept.year_named != "calendar":
        if kept.year_named == "end":
            year -= month >= kept.year_starts
        else:
            year += month < kept.year_starts
    return _day(text, year, month, 1)


def _year_start(year: int, kept: Calendar) -> date:
    return date(year - (kept.year_starts > 1 and kept.year_named != "start"), kept.year_starts, 1)


def _shifted(first: date, months: int) -> date:
    place = first.month - 1 + months
    return date(first.year + place // 12, place % 12 + 1, 1)


def _of_days(
    text: str, years: Sequence[int], months: Sequence[int], days: Sequence[int], freq: str, anchor: str, kept: Calendar
) -> Period:
    last = _day(text, years[-1], months[-1], days[-1])
    if len(days) == 1:
        return _anchored(text, last, freq, anchor, kept)
    year = years[0] if len(years) == 2 or months[0] <= months[-1] else years[0] - 1
    stated = _day(text, year, months[0], days[0]), last
    if (span(stated[0], freq) if freq in ("D", "W") else _around(stated[0], freq, kept)) != stated:
        raise NotAPeriod(f"{text!r} is no period of frequency {freq}")
    return stated


def _of_months(text: str, years: Sequence[int], months: Sequence[int], freq: str, kept: Calendar) -> Period:
    last = _first(text, years[-1], months[1], kept)
    ended = span(last, "M")[1]
    length = (months[1] - months[0]) % 12 + 1
    if kept.to_date:  # a running total inside the year: it is told of its last month
        if months[0] != kept.year_starts:
            raise NotAPeriod(f"{text!r} does not start with the first month of the year")
        return _expected(text, freq, "M", span(last, "M"))
    stated = _shifted(last, 1 - length), ended
    if len(years) == 2 and stated[0].year != years[0]:
        raise NotAPeriod(f"{text!r} is longer than a year")
    if freq not in MONTHS or _around(stated[0], freq, kept) != stated:
        raise NotAPeriod(f"{text!r} is no period of frequency {freq}")
    return stated


def _around(day: date, freq: str, kept: Calendar) -> Period:
    """The month, quarter, half-year or year of the publisher that holds a day."""
    place = (day.month - kept.year_starts) % 12
    return span(_shifted(day.replace(day=1), -(place % MONTHS[freq])), freq)


def _anchored(text: str, day: date, freq: str, anchor: str, kept: Calendar) -> Period:
    if freq == "D":
        return day, day
    if freq == "W":
        return (day, day + timedelta(days=6)) if anchor == "start" else (day - timedelta(days=6), day)
    period = _around(day, freq, kept)
    if day != period[0 if anchor == "start" else 1]:
        wanted = "first" if anchor == "start" else "last"
        raise NotAPeriod(f"{text!r} is not the {wanted} day of a period of frequency {freq}")
    return period


def _iso_week(text: str, year: int, week: int) -> Period:
    try:
        return span(date.fromisocalendar(year, week, 1), "W")
    except ValueError as fault:
        raise NotAPeriod(f"{text!r}: {fault}") from None


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError as fault:
        raise NotAPeriod(f"{text!r}: {fault}") from None


def _month_number(name: str, months: Mapping[str, int]) -> int:
    number = months.get(label_key(name)) or _ENGLISH.get(label_key(name))
    if number is None:
        raise NotAPeriod(f"{name!r} is no month name we know; state it in time.months")
    return number


def _from_serial(text: str) -> date:
    """Day number of a spreadsheet; day 60 is the 29 February 1900 that never was, and is out of our range."""
    return date(1899, 12, 30) + timedelta(days=int(text))


def enough_periods(first: date, last: date, freq: str) -> int:
    """A number of periods that is certain to cover the days from first to last when counted back from the last one."""
    return ((last - first).days * _A_YEAR[freq]) // 365 + 2
