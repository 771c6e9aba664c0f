"""Official figures of regular statistics as readers meet them: beside the statements, never mixed with them.

In: a country, a direction or a series, a window. Out: figures of the table `official`, each with its period, its source and
the place in the archived payload. Nothing is added up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crossings import catalog
from crossings.frequency import last_day
from crossings.lake import Release
from crossings.schema.tables import HEADLINE_DEFINITION

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Figure:
    """One official figure.

    Attributes
    ----------
    first, last : local dates of its period, inclusive. freq : SDMX frequency.
    value : whole units of the measure; None where `obs_status` says why there is none.
    report_id, source_id, publisher, payload_sha256, payload_locator : where it comes from; None where the publisher states no
        figure.
    """

    series: str
    first: dt.date
    last: dt.date
    freq: str
    value: int | None
    obs_status: str
    report_id: str | None
    source_id: str | None
    publisher: str | None
    payload_sha256: str | None
    payload_locator: str | None

    @property
    def period(self) -> str:
        """Its date, or its first and last date."""
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    def __str__(self) -> str:
        value = "no figure" if self.value is None else f"{self.value:,}"
        head = f"{self.period}  {value}  ({self.freq}, status {self.obs_status})"
        if self.source_id is None:
            return head
        place = f"{self.payload_locator} of payload {self.payload_sha256}"
        return f"{head}  {self.source_id}: {self.publisher}\n      {place}"


def figures(
    country: str,
    *,
    direction: str | None = None,
    series: str | None = None,
    start: catalog.When | None = None,
    end: catalog.When | None = None,
    release: str | Release | None = None,
) -> list[Figure]:
    """Official figures whose period meets the window, in order of series, frequency and date.

    Those of the named series, else all of citizens of Russia in the direction. start, end : first and last local date,
    inclusive. Raises CrossingsError as `catalog.load`.
    """
    held = release if isinstance(release, Release) else catalog.open_release(release)
    rows = catalog.official(country, release=held)
    if series is not None:
        rows = rows[rows["series"] == series]
    else:
        rows = rows[(rows["direction"] == direction) & (rows["citizenship"] == HEADLINE_DEFINITION["citizenship"])]
    if end is not None:
        rows = rows[rows["date"] <= catalog.stamp(end)]
    lasts = [last_day(day, freq) for day, freq in zip(rows["date"].dt.date, rows["freq"], strict=True)]
    if start is not None:
        first = catalog.as_date(start)
        rows = rows[[last >= first for last in lasts]]
    if not len(rows):
        return []
    reports = catalog.reports(country, release=held)
    behind = reports[reports["report_id"].isin(rows["report_id"])].set_index("report_id")
    ordered = rows.sort_values(["series", "freq", "date"])
    return [_figure(row, behind) for row in ordered.to_dict("records")]


def names(country: str, direction: str, *, release: str | Release | None = None) -> list[str]:
    """Every series of the country and direction that has official figures, whoever is counted."""
    rows = catalog.official(country, release=release)
    return sorted(rows.loc[rows["direction"] == direction, "series"].unique())


def apart(found: Collection[Figure]) -> dict[str, list[Figure]]:
    """The figures by series."""
    grouped: dict[str, list[Figure]] = {}
    for figure in found:
        grouped.setdefault(figure.series, []).append(figure)
    return grouped


def _figure(row: dict[str, Any], behind: pd.DataFrame) -> Figure:
    report_id = _text(row["report_id"])
    cells: dict[str, Any] = dict.fromkeys(("source_id", "publisher", "payload_sha256", "payload_locator"))
    if report_id is not None:
        cells = {name: _text(behind.at[report_id, name]) for name in cells}
    first, freq, value = row["date"].date(), str(row["freq"]), row["value"]
    return Figure(
        series=row["series"], first=first, last=last_day(first, freq), freq=freq,
        value=None if _missing(value) else int(value), obs_status=row["obs_status"], report_id=report_id, **cells,
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return None if _missing(value) else str(value)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
