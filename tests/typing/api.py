"""The public face as a caller's type checker sees it: read by mypy (strict) in `make lint`, never run.

Each line states the type that an analyst may rely on; a change here is a change of the face.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import crossings
from crossings.errors import CrossingsError, NotComparable
from crossings.explanation import Explanation, Source
from crossings.lake import Lake, Release
from crossings.rules import RULES, Finding, Rule
from crossings.settings import Settings, settings
from transforms.ask import Period, between

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def tables_of_a_release(country: str, day: dt.date) -> None:
    release = assert_type(crossings.open_release(), Release)
    assert_type(crossings.open_release(as_shown=dt.datetime(2022, 9, 28, tzinfo=dt.UTC)), Release)
    days: pd.DataFrame = crossings.daily(country, direction="entry", start="2022-09-21", end=day, release=release)
    days = crossings.daily(series="FIN/entry/RUS/national/land/crossings/border_control")
    assert_type(crossings.total(days), int)
    assert_type(crossings.total(days, "lower"), int)
    for frame in (
        crossings.load("series", country),
        crossings.reports(country, release="an id"),
        crossings.findings(as_shown="2022-09-28"),
        crossings.official(),
        crossings.diff("an id", "another"),
    ):
        print_rows(frame)


def print_rows(frame: pd.DataFrame) -> None:
    raise NotImplementedError(len(frame))


def one_day_explained(day: dt.date) -> None:
    behind = assert_type(crossings.explain("FIN", day, direction="exit"), Explanation)
    assert_type(behind.estimate, int | None)
    assert_type(behind.reports, list[Source])
    assert_type(str(behind), str)
    assert_type(behind.to_json(), str)
    picture: Figure = crossings.plot("FIN", start="2022-09-12", end="2022-10-05")
    raise NotImplementedError(picture)


def ground() -> None:
    assert_type(crossings.__version__, str)
    assert_type(settings(), Settings)
    assert_type(settings().lake_path, Path)
    assert_type(Lake(Path("lake")).release(), Release)
    rule = assert_type(RULES["V50"], Rule)
    assert_type(rule.limits, Mapping[str, float])
    fault: CrossingsError = NotComparable("what", "remedy")
    assert_type(fault.remedy, str)
    finding = Finding(rule.id, table="daily", message="what", report_ids=["FIN-001"], gap=5.0)
    assert_type(finding.gap, float | None)


def bounds_of_a_period(day: dt.date) -> None:
    tables = {name: crossings.load(name) for name in ("reports", "series", "decisions", "events")}
    period = assert_type(between(tables, "a series", day, day, as_of=dt.datetime(2022, 9, 28, tzinfo=dt.UTC)), Period)
    assert_type(period.in_words, dict[str, str])
    assert_type(period.conflicts, list[str])
    assert_type(period.official, dict[str, Period])
