"""A picture shows what the rows say, and nothing where there is none."""

from __future__ import annotations

import datetime as dt

from matplotlib.dates import date2num
from published import Published

import crossings

FIRST, LAST, ENTRY_BAN = dt.date(2020, 6, 1), dt.date(2021, 1, 31), dt.date(2022, 9, 30)


def test_days_without_a_row_stay_empty_and_the_axis_begins_where_asked(analyst: Published) -> None:
    (axes,) = crossings.plot("GEO", start=FIRST, end=LAST).axes
    assert tuple(axes.get_xlim()) == (date2num(FIRST) - 0.5, date2num(LAST) + 0.5)
    (band,) = axes.collections
    drawn = {x for path in band.get_paths() for x, _ in path.vertices}
    assert min(drawn) == date2num(dt.date(2021, 1, 1)) - 0.5


def test_an_event_is_named_by_its_title(analyst: Published) -> None:
    (axes,) = crossings.plot("FIN", start=ENTRY_BAN, end=ENTRY_BAN).axes
    events = crossings.load("events").set_index("event_id")["title"]
    assert events["E-2022-09-30-FIN"] in [text.get_text() for text in axes.texts]
