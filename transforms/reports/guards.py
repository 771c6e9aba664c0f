"""Figures that are odd beside their neighbours although nothing contradicts them, for statements and official figures alike.

In: counts of days, weeks, months, quarters, half-years or years, each in its place in the sequence of such periods. Out: what
is odd, as `Odd`, from which the caller makes findings. Rules `zero_between`, `slipped_digit` and `copied_period` hold the limits.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crossings.frequency import MONTHS
from crossings.rules import RULES
from transforms.reports.encode import rounding_unit

ZERO, SLIP, COPY = (RULES[name].limits for name in ("zero_between", "slipped_digit", "copied_period"))
SEASON = {"D": 7, "W": 52, "M": 12, "Q": 4, "S": 2, "A": 0}  # periods after which a pattern repeats itself
NAMES = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "S": "half-year", "A": "year"}


@dataclass(frozen=True)
class Point:
    """The exact count of one period."""

    place: int
    value: float
    report_id: str
    start: dt.date
    end: dt.date


Points = Mapping[int, Point]


@dataclass(frozen=True)
class Odd:
    """What is odd: the points in question, in order, and what was found and expected in words."""

    rule: str
    points: tuple[Point, ...]
    observed: str
    expected: str
    message: str


def frequency(start: dt.date, end: dt.date) -> str | None:
    """SDMX frequency of a period from its first to its last day; None where it is no regular one."""
    after = end + dt.timedelta(days=1)
    months = (after.year - start.year) * 12 + after.month - start.month
    if start.day == 1 and after.day == 1:
        if months == 1:
            return "M"
        if months == 12:  # a publisher's year may start in any month
            return "A"
        if months in (3, 6) and start.month % 3 == 1:
            return "Q" if months == 3 else "S"
    return {1: "D", 7: "W"}.get((after - start).days)


def place(start: dt.date, freq: str) -> int:
    """The number of a period in the sequence of its kind; neighbours differ by one."""
    if freq in ("D", "W"):
        return start.toordinal() // (1 if freq == "D" else 7)
    months = start.year * 12 + start.month - 1
    return months // MONTHS[freq]


def odd(points: Points, freq: str) -> Iterator[Odd]:
    """What is odd in one series of one frequency."""
    yield from _zeros(points, freq)
    yield from _slips(points, freq)


def _zeros(points: Points, freq: str) -> Iterator[Odd]:
    """Zeros between ordinary figures, and a gap whose sum the next figure seems to carry."""
    longest = int(ZERO["days"] if freq == "D" else ZERO["periods"])
    counted = sorted(i for i, p in points.items() if p.value > 0)
    for before, after in pairwise(counted):
        between = after - before - 1
        if not 1 <= between <= longest:
            continue
        zeros = [points[i] for i in range(before + 1, after) if i in points]
        usual = _usual(points, counted, before)
        last = points[after]
        times = last.value / usual
        is_sum = 1 - ZERO["slack"] <= times / (between + 1) <= 1 + ZERO["slack"]
        if usual < ZERO["least"]:
            continue
        if zeros and (is_sum or (_ordinary(times) and not _seasonal(points, zeros, freq, zero=True))):
            carrier = (last,) if is_sum else ()
            yield _zero(tuple(zeros), carrier, points[before], last, freq, between + 1)
        elif not zeros and is_sum and _lonely(points, counted, before, after):
            yield Odd(
                "zero_between", (last,), f"{last.value:,.0f} after {between} {NAMES[freq]}(s) without a figure",
                f"about {usual:,.0f}",
                f"{last.report_id} gives {last.value:,.0f} for {last.start}, about {between + 1} usual"
                f" {NAMES[freq]}s ({usual:,.0f}), after {between} without a figure: perhaps their sum",
            )  # fmt: skip
    if counted and len(counted) > 2 and 1 <= max(points) - counted[-1] <= longest:  # the newest figures are zero
        end = counted[-1]
        zeros = [points[i] for i in range(end + 1, max(points) + 1) if i in points]
        at_once = len(zeros) == max(points) - end
        if at_once and _usual(points, counted, end) >= ZERO["least"] and not _seasonal(points, zeros, freq, zero=True):
            yield _zero(tuple(zeros), (), points[end], None, freq, 0)


def _zero(
    zeros: tuple[Point, ...], carrier: tuple[Point, ...], before: Point, after: Point | None, freq: str, periods: int
) -> Odd:
    when = f"{zeros[0].start}" if len(zeros) == 1 and freq == "D" else f"{zeros[0].start} to {zeros[-1].end}"
    where = f"after {before.value:,.0f}" if after is None else f"between {before.value:,.0f} and {after.value:,.0f}"
    sums = f"; {carrier[0].report_id} is about {periods} usual {NAMES[freq]}s, perhaps their sum" if carrier else ""
    return Odd(
        "zero_between", (*zeros, *carrier), f"0 {where}", "a figure, or no report",
        f"{', '.join(z.report_id for z in zeros)} give 0 for {when}, {where}: perhaps no report{sums}",
    )  # fmt: skip


def _usual(points: Points, counted: Sequence[int], until: int) -> float:
    """Median of the last ordinary figures up to a place."""
    near = [points[i].value for i in counted if until - ZERO["days"] < i <= until]
    return float(np.median(near))


def _ordinary(times: float) -> bool:
    return 1 / ZERO["times"] <= times <= ZERO["times"]


def _lonely(points: Points, counted: Sequence[int], before: int, after: int) -> bool:
    """Whether figures stand on both sides of a gap as of every period, and none is like the one after it."""
    left = [i for i in counted if before - 2 <= i <= before]
    following = points.get(after + 1)
    return len(left) == 3 and following is not None and following.value < (1 - ZERO["slack"]) * points[after].value


def _seasonal(points: Points, found: Sequence[Point], freq: str, *, zero: bool) -> bool:
    """Whether the same place of the season before or after is alike: closed weekends, a pass that is shut in winter."""
    if not (lag := SEASON[freq]):
        return False
    for p in found:
        for other in (points.get(p.place - lag), points.get(p.place + lag)):
            if other is None:
                continue
            if other.value == 0 if zero else other.value > 0 and 1 / 2 <= other.value / p.value <= 2:
                return True
    return False


def _slips(points: Points, freq: str) -> Iterator[Odd]:
    """One figure, or two in a row, of about a tenth or ten times those on both sides."""
    places = sorted(points)
    for first in places:
        for length in (1, 2):
            run = [points[i] for i in range(first, first + length) if i in points]
            if len(run) < length or any(p.value <= 0 for p in run):
                continue
            level = _level_around(points, first, length)
            if level is None or not all(_tenfold(p.value, level) for p in run):
                continue
            if max(level, *(p.value for p in run)) < SLIP["least"] or _seasonal(points, run, freq, zero=False):
                continue
            figures = ", ".join(f"{p.value:,.0f} ({p.report_id}, {p.start})" for p in run)
            small = run[0].value < level
            yield Odd(
                "slipped_digit", tuple(run), f"{run[0].value / level:.3g} times its neighbours", f"about {level:,.0f}",
                f"{figures} beside {level:,.0f}: {'a tenth' if small else 'ten times'} of its neighbours, perhaps a"
                f" digit {'lost' if small else 'doubled'}",
            )  # fmt: skip


def _level_around(points: Points, first: int, length: int) -> float | None:
    """The level on both sides of a run, where both are alike; of the newest figure the three before it tell."""
    before, after = points.get(first - 1), points.get(first + length)
    if before is None or before.value <= 0:
        return None
    if after is not None:
        alike = after.value > 0 and 1 / SLIP["alike"] <= after.value / before.value <= SLIP["alike"]
        return math.sqrt(before.value * after.value) if alike else None
    if length > 1 or first != max(points):
        return None
    earlier = [points[i].value for i in range(first - 3, first) if i in points]
    if len(earlier) < 3 or min(earlier) <= 0 or max(earlier) > SLIP["alike"] * min(earlier):
        return None
    return float(np.median(earlier))


def _tenfold(value: float, level: float) -> bool:
    times = max(value / level, level / value)
    return SLIP["from"] <= times <= SLIP["to"]


def copied(series: Mapping[str, Points], freq: str) -> Iterator[tuple[tuple[str, ...], Odd]]:
    """Periods all of whose figures repeat those of the period before, or of the season before: series and what is odd.

    series : the points of every series that one publisher counts. The chance that unrounded counts agree is that of two
    normal ones around one level, with the larger of a counting error and a share of it; of all together it is the product.
    A single series is told for longer periods than days only; three equal days are rule V42.
    """
    places = sorted({i for points in series.values() for i in points})
    for lag in sorted({1, SEASON[freq]} - {0}):
        for i in places:
            both = sorted(n for n, points in series.items() if i in points and i - lag in points)
            if len(both) < (2 if freq == "D" or lag > 1 else 1):
                continue
            pairs = [(series[n][i - lag], series[n][i]) for n in both]
            if any(a.value != b.value for a, b in pairs):
                continue
            if math.prod(_chance(b.value) for _, b in pairs) > COPY["chance"]:
                continue
            earlier, later = pairs[0]
            which = "every figure" if len(both) > 1 else "the figure"
            yield tuple(both), Odd(
                "copied_period", tuple(p for pair in pairs for p in pair), f"{len(both)} of {len(both)} series equal",
                "other counts",
                f"{which} of {_period(later, freq)} repeats {_period(earlier, freq)} ({len(both)} of {len(both)} series):"
                " perhaps copied",
            )  # fmt: skip


def _period(point: Point, freq: str) -> str:
    return {"D": f"{point.start}", "M": f"{point.start:%Y-%m}"}.get(freq, f"{point.start} to {point.end}")


def _chance(value: float) -> float:
    """Chance that another count of the same level is equal; 1 of zero, which says nothing."""
    if value <= 0:
        return 1.0
    unit = float(rounding_unit(np.array([value], dtype=np.float64))[0])
    return min(1.0, unit / (2 * math.sqrt(math.pi) * max(math.sqrt(value), COPY["spread"] * value)))
