"""The analyst's door: tables of a release as tidy pandas frames.

Every date of a frame is datetime64[s], midnight of the local date; all else has Arrow types (docs/decisions/0017-frames.md).
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
from crossings.schema.tables import HEADLINE_DEFINITION, HEADLINE_OF, RELEASED, SERIES_PARTS, TABLES
from crossings.settings import settings

if TYPE_CHECKING:
    import pandas as pd

When = str | dt.date | dt.datetime


def open_release(release: str | None = None, *, as_shown: When | None = None) -> Release:
    """The current release, one by id, or the one that was current at an instant (`as_shown`)."""
    lake = Lake(settings().lake_path)
    if as_shown is not None:
        return lake.shown_at(instant(as_shown))
    return lake.release(release)


def load(
    table: str, country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """A table of a release as a pandas frame, sorted by its key; dates are datetime64[s], all else has Arrow types.

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

    Days are not to be summed by hand: `total` refuses where a sum would be wrong, and `crossings.between` bounds periods.

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
    frame = load("daily", country, release=release, as_shown=as_shown)
    wanted = {"direction": direction, "citizenship": citizenship, "scope": scope, "measure": measure, "system": system,
              "series": series}  # fmt: skip
    for name, value in wanted.items():
        if value is not None:
            frame = frame[frame[name] == value]
    return _between(frame, start, end)


def _between(frame: pd.DataFrame, start: When | None, end: When | None) -> pd.DataFrame:
    """The rows from one date to another, both inclusive. Raises CrossingsError where the last is before the first."""
    if start is not None and end is not None and as_date(start) > as_date(end):
        raise CrossingsError(f"{as_date(end)} is before {as_date(start)}", "give the earlier date first")
    if start is not None:
        frame = frame[frame["date"] >= stamp(start)]
    if end is not None:
        frame = frame[frame["date"] <= stamp(end)]
    return frame.reset_index(drop=True)


def reports(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Reports as printed, with their encoding; `release` and `as_shown` as for `load`."""
    return load("reports", country, release=release, as_shown=as_shown)


def findings(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Findings: rules, conflicts, what may be wrong; `release` and `as_shown` as for `load`."""
    return load("findings", country, release=release, as_shown=as_shown)


def official(
    country: str | None = None, *, release: str | Release | None = None, as_shown: When | None = None
) -> pd.DataFrame:
    """Regular statistics by period; `release` and `as_shown` as for `load`."""
    return load("official", country, release=release, as_shown=as_shown)


def total(frame: pd.DataFrame, column: str = "estimate") -> int:
    """The sum of a column of `daily` or `official`, refused where it would add unlike things.

    Raises NotComparable where the rows are of more than one series or of bounds, and CrossingsError where a day or its
    value is missing: a missing day is not zero. `crossings.between` knows more of a period than its days: bounds of a sum
    are not the sum of bounds.

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
    if column in _NOT_ADDED:
        raise NotComparable(f"the sum of {column} is not the bound of the sum", _ASK)
    _refuse_gaps(frame, column)
    return int(frame[column].sum())


_ASK = "ask crossings.between(country, first, last), which bounds the whole period and adds up its path"
_NOT_ADDED = ("lower", "upper", "firm_lower", "firm_upper", "pi_lower", "pi_upper")


def _refuse_gaps(frame: pd.DataFrame, column: str) -> None:
    """Say which days have no value, or no row at all."""
    import pandas as pd

    if not len(frame):
        raise CrossingsError("there are no rows to add up; a missing day is not zero", _ASK)
    dates = pd.to_datetime(frame["date"])
    lacking = set(dates[frame[column].isna()])
    if "freq" not in frame:
        lacking |= set(pd.date_range(dates.min(), dates.max())) - set(dates)
    if lacking:
        first, last = min(lacking).date(), max(lacking).date()
        span = f"{first}" if first == last else f"from {first} to {last}"
        raise CrossingsError(f"{len(lacking)} of these days have no {column} ({span}); a missing day is not zero", _ASK)


def headline(
    country: str | None = None,
    start: When | None = None,
    end: When | None = None,
    *,
    wide: bool = False,
    release: str | Release | None = None,
    as_shown: When | None = None,
) -> pd.DataFrame:
    """One row a date and country, without gaps: entries, exits, net, their bounds, and why a number is missing.

    start, end : first and last local date, inclusive. wide : a row a date instead, with a column for each country and flow,
    `FIN_entries`, `FIN_exits`, `FIN_net`, `GEO_entries`, …, the points alone.

    >>> days = headline(start="2022-09-24", end="2022-09-25", wide=True)
    >>> days[["date", "FIN_entries"]].to_csv(index=False)
    'date,FIN_entries\\n2022-09-24,8572\\n2022-09-25,8314\\n'
    """
    frame = _between(load("headline", country, release=release, as_shown=as_shown), start, end)
    if not wide:
        return frame
    import pandas as pd

    flows = list(HEADLINE_OF.values())
    side = [g.set_index("date")[flows].add_prefix(f"{code}_") for code, g in frame.groupby("country")]
    return pd.concat(side, axis=1).sort_index().rename_axis("date").reset_index()


def standing(
    country: str,
    direction: str,
    *,
    start: When | None = None,
    end: When | None = None,
    release: str | Release | None = None,
) -> str:
    """The series people mean when they name a country and a direction: what data/reference/headline.csv declares.

    Of several the first with a row from `start` to `end`, else the first that the release knows. For a country that is not
    declared there, the only series of that direction that a source or series.csv declares, or the only one of them with
    the definition of the table `headline`. Raises CrossingsError where there is none, or more than one.
    """
    held = release if isinstance(release, Release) else open_release(release)
    known = load("series", country, release=held)
    known = known[known["direction"] == direction]
    code = country.upper()
    mine = [row["series"] for row in _declared() if (row["country"], row["direction"]) == (code, direction)]
    ranked = [series for series in mine if series in set(known["series"])]
    if len(ranked) > 1:
        covered = set(daily(code, start=start, end=end, release=held)["series"])
        ranked.sort(key=lambda series: series not in covered)
    declared = known[known["declared"]]
    if not ranked and len(declared) > 1:
        for part, needed in HEADLINE_DEFINITION.items():
            declared = declared[declared[part] == needed]
    found = ranked[:1] or sorted(declared["series"])
    if len(found) != 1:
        raise CrossingsError(
            f"no series stands for {code} with direction {direction}",
            "directions are entry, exit, both and net; name a series with --series, see `crossings.load('series')`",
        )
    return str(found[0])


def stand_ins() -> dict[str, str]:
    """Series of data/reference/headline.csv that stand in where the first has no number, and what they stand for."""
    return {row["series"]: row["stands_for"] for row in _declared() if row["rank"] != "1"}


def _declared() -> list[dict[str, str]]:
    """The rows of data/reference/headline.csv, by rank."""
    path = settings().data / "reference" / "headline.csv"
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = sorted(csv.DictReader(lines), key=lambda row: int(row["rank"]))
        return [row | {name: row[name] for name in ("country", "direction", "series", "stands_for")} for row in rows]
    except (OSError, ValueError, KeyError) as error:
        raise CrossingsError(
            f"{path} does not say which series stand for a country", "restore it, or name one series"
        ) from error


@lru_cache(maxsize=32)
def _cached(path: str, table: str, country: str | None) -> pd.DataFrame:
    from crossings import frames

    frame = frames.of_table(Release(Path(path)).read(table, country))
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


def stamp(when: When) -> pd.Timestamp:
    """A local date as the frames hold it."""
    import pandas as pd

    return pd.Timestamp(as_date(when))


def instant(when: When) -> dt.datetime:
    """An instant, UTC where it has no zone; a date means its end, UTC. Raises CrossingsError for anything else."""
    if isinstance(when, str) and len(when) > 10:
        try:
            when = dt.datetime.fromisoformat(when)
        except ValueError as error:
            raise CrossingsError(f"{when!r} is not an instant", "write it as 2022-09-28T12:00:00+00:00") from error
    if isinstance(when, dt.datetime):
        return when.astimezone(dt.UTC) if when.tzinfo else when.replace(tzinfo=dt.UTC)
    return dt.datetime.combine(as_date(when), dt.time(23, 59, 59, 999999), tzinfo=dt.UTC)
