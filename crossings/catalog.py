"""The analyst's door: tables of a release as tidy pandas frames with Arrow types.

A reader holds one release from the first to the last byte: `open_release()` gives an object with the same functions.
"""

from __future__ import annotations

import csv
import datetime as dt
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from crossings.errors import CrossingsError, NotComparable
from crossings.lake import Lake, Release
from crossings.schema.tables import RELEASED, SERIES_PARTS, TABLES
from crossings.settings import settings

if TYPE_CHECKING:
    import pandas as pd

When = str | dt.date | dt.datetime
_SUBJECT = ("citizenship", "scope", "measure", "system")


def open_release(release: str | None = None, *, as_shown: When | None = None) -> Release:
    """The current release, one by id, or the one that was current at an instant (`as_shown`)."""
    lake = Lake(settings().lake_path)
    if as_shown is not None:
        return lake.shown_at(_instant(as_shown))
    return lake.release(release)


def load(
    table: str, country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """A table of a release as a pandas frame with Arrow types, sorted by its key.

    Raises CrossingsError for an unknown table or country, or where there is no release yet.

    >>> load("reports", "FIN").set_index("report_id").at["FIN-001", "value"]
    8314
    """
    if table not in RELEASED:
        raise CrossingsError(f"there is no table {table!r} in a release", f"name one of {', '.join(RELEASED)}")
    held = release if isinstance(release, Release) else open_release(release, as_shown=as_shown)
    if country is not None:
        country = _known_country(held, country)
    return _frame(held, table, country)


def daily(
    country: str | None = None,
    *,
    direction: str | None = None,
    citizenship: str | None = None,
    scope: str | None = None,
    measure: str | None = None,
    system: str | None = None,
    series: str | None = None,
    start: When | None = None,
    end: When | None = None,
    release: str | Release | None = None,
    as_shown: When | None = None,
) -> pd.DataFrame:
    """Daily figures: by default every series of the country, or those with the given parts.

    direction, citizenship, scope, measure, system : codes of the dictionary; series : one series by its id.
    start, end : first and last local date, inclusive.
    `as_shown` asks what our table showed at an instant; what could be known then is
    `transforms.reports.vintages.encoded(..., as_of=...)`.

    >>> subject = {"citizenship": "RUS", "scope": "national", "measure": "crossings"}
    >>> days = daily("FIN", direction="entry", **subject, start="2022-09-25", end="2022-09-25")
    >>> print(days[["date", "series", "estimate", "status"]].to_csv(index=False))
    date,series,estimate,status
    2022-09-25,FIN/entry/RUS/national/land/crossings/border_control,8314,reported
    <BLANKLINE>
    """
    if start is not None and end is not None and as_date(start) > as_date(end):
        raise CrossingsError(f"{as_date(end)} is before {as_date(start)}", "give the earlier date first")
    frame = load("daily", country, release=release, as_shown=as_shown)
    wanted = {"direction": direction, "citizenship": citizenship, "scope": scope, "measure": measure, "system": system,
              "series": series}  # fmt: skip
    for name, value in wanted.items():
        if value is not None:
            frame = frame[frame[name] == value]
    if start is not None:
        frame = frame[frame["date"] >= as_date(start)]
    if end is not None:
        frame = frame[frame["date"] <= as_date(end)]
    return frame.reset_index(drop=True)


def reports(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Reports as printed, with their encoding; `release` and `as_shown` as for `load`."""
    return load("reports", country, release=release, as_shown=as_shown)


def findings(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Findings: rules, conflicts, reconciliations; `release` and `as_shown` as for `load`."""
    return load("findings", country, release=release, as_shown=as_shown)


def official(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Regular statistics by period; `release` and `as_shown` as for `load`."""
    return load("official", country, release=release, as_shown=as_shown)


def total(frame: pd.DataFrame, column: str = "estimate") -> int:
    """The sum of a column of `daily` or `official`, refused where it would add unlike things.

    Raises NotComparable where the rows are of more than one series, and CrossingsError where a value is missing: a
    missing day is not zero. The bounds of a sum are not the sum of bounds; ask `crossings between` for those.

    >>> series = "FIN/entry/RUS/national/land/crossings/border_control"
    >>> total(daily("FIN", series=series, start="2022-09-24", end="2022-09-25"))  # 8,572 and 8,314
    16886
    >>> total(daily("FIN"))
    Traceback (most recent call last):
    crossings.errors.NotComparable: these rows are of ... series that differ in direction, ... — choose one series first
    """
    kinds = frame["series"].unique().tolist()
    if len(kinds) > 1:
        differing = [p for p in ("country", *SERIES_PARTS) if p in frame and len(frame[p].unique()) > 1] or ["mode"]
        raise NotComparable(
            f"these rows are of {len(kinds)} series that differ in {', '.join(differing)}", "choose one series first"
        )
    if "freq" in frame and len(frame["freq"].unique()) > 1:
        raise NotComparable("these rows are of several frequencies, which overlap", "choose one freq first")
    if frame[column].isna().any():
        raise CrossingsError(f"{int(frame[column].isna().sum())} rows have no {column}", "leave them out knowingly")
    return int(frame[column].sum())


def subject() -> dict[str, str]:
    """What people mean where they name no citizenship, scope, measure and system: the row of reference/subject.csv.

    Raises CrossingsError where that table is missing or has not one row.
    """
    path = settings().data / "reference" / "subject.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            (row,) = csv.DictReader(lines)
        return {name: row[name] for name in _SUBJECT}
    except (OSError, ValueError, KeyError) as error:
        raise CrossingsError(
            f"{path} does not hold one row with {', '.join(_SUBJECT)}", "restore it, or name one series"
        ) from error


def headline(frame: pd.DataFrame, direction: str) -> str:
    """The series people mean when they name a country and a direction: the one of the declared subject.

    Raises CrossingsError where the rows hold none or several such series.
    """
    meant = subject()
    rows = frame[frame["direction"] == direction]
    for name, value in meant.items():
        rows = rows[rows[name] == value]
    found = sorted(rows["series"].unique().tolist())
    if len(found) > 1:  # one mode of transport and all of them: the most general stands for the country
        general = [s for s in found if "/all/" in s]
        found = general[:1] or found
    if len(found) != 1:
        raise CrossingsError(
            f"no {meant['scope']} {meant['system']} series of citizens of {meant['citizenship']} with direction {direction}",
            "directions are entry, exit, both and net; or name a series with --series",
        )
    return str(found[0])


@lru_cache(maxsize=32)
def _cached(path: str, table: str, country: str | None) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = Release(Path(path)).read(table, country).to_pandas(types_mapper=pd.ArrowDtype)
    if country is None:  # one file per country lies behind it
        frame = frame.sort_values(list(TABLES[table].key), kind="stable", ignore_index=True)
    return frame


def _frame(held: Release, table: str, country: str | None) -> pd.DataFrame:
    return _cached(str(held.path), table, country).copy(deep=False)


def _known_country(held: Release, country: str) -> str:
    code = country.upper()
    known = held.countries()
    if code not in known:
        raise CrossingsError(f"there is no country {country!r} in this release", f"name one of {', '.join(known)}")
    return code


def as_date(when: When) -> dt.date:
    """A local date from text or a date. Raises CrossingsError for anything else.

    >>> as_date("2022-09-26")
    datetime.date(2022, 9, 26)
    >>> as_date("26.9.2022")
    Traceback (most recent call last):
    crossings.errors.CrossingsError: '26.9.2022' is not a date — write it as 2022-09-26
    """
    if isinstance(when, dt.datetime):
        return when.date()
    if isinstance(when, dt.date):
        return when
    try:
        return dt.date.fromisoformat(when)
    except ValueError as error:
        raise CrossingsError(f"{when!r} is not a date", "write it as 2022-09-26") from error


def _instant(when: When) -> dt.datetime:
    """An instant; a date means its end, UTC."""
    if isinstance(when, str) and len(when) > 10:
        try:
            when = dt.datetime.fromisoformat(when)
        except ValueError as error:
            raise CrossingsError(f"{when!r} is not an instant", "write it as 2022-09-28T12:00:00+00:00") from error
    if isinstance(when, dt.datetime):
        return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(as_date(when), dt.time(23, 59, 59, 999999), tzinfo=dt.UTC)
