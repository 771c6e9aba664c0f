"""Regular periods by their SDMX frequency: D, W, M, Q, S and A. In: the first day of a period. Out: its last day."""

from __future__ import annotations

import datetime as dt

MONTHS = {"M": 1, "Q": 3, "S": 6, "A": 12}
"""Calendar months in a period of the frequencies that are made of such."""


def last_day(first: dt.date, freq: str) -> dt.date:
    """The last day of the period of a frequency that starts on a day; of months, on the first of one.

    >>> [str(last_day(dt.date(2022, 7, 1), freq)) for freq in "DWMQSA"]
    ['2022-07-01', '2022-07-07', '2022-07-31', '2022-09-30', '2022-12-31', '2023-06-30']
    """
    if freq not in MONTHS:
        return first + dt.timedelta(days=6 if freq == "W" else 0)
    months = first.year * 12 + first.month - 1 + MONTHS[freq]
    return dt.date(months // 12, months % 12 + 1, 1) - dt.timedelta(days=1)
