"""A picture of a series: the bounds as a band, each day's estimate by where it comes from, declared breaks as lines."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossings import catalog
from crossings.errors import CrossingsError
from crossings.lake import Release

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"reported": "#0b5cad", "derived": "#1b7f4d", "reconciled": "#b3261e", "estimated": "#8a97a6"}


def plot(
    country: str,
    *,
    direction: str = "entry",
    series: str | None = None,
    start: catalog.When | None = None,
    end: catalog.When | None = None,
    release: str | Release | None = None,
) -> Figure:
    """Draw the days of one series, by default the national one of citizens of Russia.

    Days without an upper bound have an open band; days without a point have none. Raises CrossingsError where no report
    covers the days.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.figure import Figure

    held = release if isinstance(release, Release) else catalog.open_release(release)
    definitions = catalog.load("series", country, release=held)
    name = series or catalog.headline(definitions[definitions["declared"]], direction)
    days = catalog.daily(country, series=name, start=start, end=end, release=held)
    if not len(days):
        raise CrossingsError(f"no report covers these days of {name}", "a missing day is not zero; ask for other days")
    title = str(definitions.set_index("series").at[name, "title"])
    figure = Figure(figsize=(10, 4.5), layout="constrained")
    axes = figure.add_subplot()
    _band(axes, days)
    for status, colour in _COLOURS.items():
        here = days[(days["status"] == status) & days["estimate"].notna()]
        if len(here):
            axes.plot(list(here["date"]), here["estimate"].tolist(), "o", markersize=4, color=colour, label=status)
    titles = catalog.load("events", release=held).set_index("event_id")["title"]
    for day, event in days.loc[days["break_id"].notna(), ["date", "break_id"]].itertuples(index=False):
        axes.axvline(day, color="#a66a00", linewidth=1, linestyle="--")
        axes.annotate(
            titles[event],
            (day, 0.98),
            xycoords=("data", "axes fraction"),
            rotation=90,
            fontsize=7,
            va="top",
            ha="right",
        )
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_ylabel(f"{definitions.set_index('series').at[name, 'measure']} a day")
    axes.set_ylim(bottom=0 if direction != "net" else None)
    half = dt.timedelta(hours=12)
    ends = (days["date"].min() if start is None else start, days["date"].max() if end is None else end)
    first, last = (dt.datetime.combine(catalog.as_date(day), dt.time()) for day in ends)
    axes.set_xlim(date2num(first - half), date2num(last + half))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color="#dfe4ea", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", fontsize=8, frameon=False)
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    figure.text(
        0.995, 0.975, f"release {held.id}; border crossings, not persons", ha="right", fontsize=7, color="#5b6876"
    )
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF by its ending, without a time stamp."""
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise CrossingsError(f"{path.name} has no ending of a picture", "name it .png, .svg or .pdf")
    metadata = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[path.suffix]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150, metadata=metadata)
    except OSError as error:
        raise CrossingsError(f"{path} cannot be written: {error.strerror}", "choose another place") from error


def _band(axes: Any, days: Any) -> None:
    """The bounds, a day wide each; an upper bound far above every point would hide the points: the band is cut and says so.

    Days without a row have no band.
    """
    from matplotlib.dates import date2num

    known = days["upper"].dropna()
    points = days["estimate"].dropna()
    top = 3 * int(points.max()) if len(points) and int(points.max()) > 0 else int(known.max()) if len(known) else 1
    upper = [top if value is None or value != value or value > top else int(value) for value in days["upper"].tolist()]
    lower = [0 if value is None or value != value else int(value) for value in days["lower"].tolist()]
    dates = list(days["date"])
    label = "bounds" if len(known) == len(days) and int(known.max()) <= top else f"bounds (cut at {top:,})"
    edges: list[float] = []
    ends: list[tuple[float, float]] = []
    for middle, low, high in zip(date2num(dates), lower, upper, strict=True):
        if edges and middle - 0.5 > edges[-1]:  # days between have no row
            edges.append(edges[-1])
            ends.append((math.nan, math.nan))
        edges += [middle - 0.5, middle + 0.5]
        ends += [(low, high)] * 2
    bottom, ceiling = zip(*ends, strict=True)
    axes.fill_between(edges, bottom, ceiling, color="#0b5cad", alpha=0.12, linewidth=0, label=label)
