"""From a figure as received to whole units: separators as declared, the multiplier applied once, rounding only where
the source states a precision.

In: text or number with its dialect. Out: a whole number, or `NotAFigure` with rule and reason (method.md 8, V07,
V10, V11). Pure arithmetic on decimals; nothing is guessed from the look of a number.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from transforms.parse.contract import Figure

LARGEST = 2**63 - 1


class NotAFigure(ValueError):
    """A figure that cannot be taken: rule and reason."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


@lru_cache(maxsize=32)
def _grammar(thousands: str, decimal: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    if not thousands:
        whole = r"\d+"
    else:
        mark = "[ \u00a0\u202f]" if thousands == " " else re.escape(thousands)
        whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
    return re.compile(rf"([-−]?)({whole})(?:{point}(\d+))?", re.ASCII)


def read_figure(value: Figure, thousands: str, decimal: str, mult: int, *, may_fall: bool) -> int:
    """The whole number behind a figure.

    Parameters
    ----------
    value : as decoded from the payload; never None.
    thousands, decimal : marks of figures written as text.
    mult : power of ten that turns the figure into units.
    may_fall : whether a negative number has a meaning.
    """
    scaled = read_amount(value, thousands, decimal, mult, may_fall=may_fall)
    whole = int(scaled)
    if whole != scaled:
        raise NotAFigure(
            "V07", f"{value} times 10^{mult} is no whole number; state unit.rounding_unit if it is rounded"
        )
    return whole


def read_amount(value: Figure, thousands: str, decimal: str, mult: int, *, may_fall: bool) -> Decimal:
    """The number behind a figure in units, whole or not; parameters as of `read_figure`."""
    scaled = _number(value, thousands, decimal).scaleb(mult)
    if abs(scaled) > LARGEST:
        raise NotAFigure("V07", f"{value} is too large for a count")
    if scaled < 0 and not may_fall:
        raise NotAFigure("V07", f"{value} is negative")
    return scaled


def rounded(amount: Decimal) -> int:
    """The nearest whole number; the even one of two that are equally near."""
    return int(amount.to_integral_value(ROUND_HALF_EVEN))


def _number(value: Figure, thousands: str, decimal: str) -> Decimal:
    if isinstance(value, bool) or value is None:
        raise NotAFigure("V01", f"{value} is no figure")
    if isinstance(value, int):
        if abs(value) > LARGEST:
            raise NotAFigure("V07", "the number is too large for a count")
        return Decimal(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise NotAFigure("V01", f"{value} is no figure")
        return Decimal(repr(value))
    if isinstance(value, Decimal):
        return value
    found = _grammar(thousands, decimal).fullmatch(value.strip()) if len(value) <= 60 else None
    if found is None:
        marks = f"thousands mark {thousands!r}, decimal mark {decimal!r}"
        raise NotAFigure("V11", f"{value[:60]!r} is no figure with {marks}")
    sign, whole, part = found.groups()
    digits = re.sub(r"\D", "", whole)
    return Decimal(f"{'-' if sign else ''}{digits}.{part or 0}")
