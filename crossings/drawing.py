"""A picture of a series: the bounds as a band, each day's estimate by where it comes from, declared breaks as lines.

Official figures of single days are diamonds beside it.
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossings import catalog, regular
from crossings.errors import CrossingsError
from crossings.lake import Release

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = {"reported": "#0b5cad", "derived": "#1b7f4d", "contested": "#b3261e", "estimated": "#8a97a6"}
_WORDS = {"entry": "entered", "exit": "left", "net": "entered less those who left"}
_GREY = "#5b6876"
_OFFICIAL = "#6a3d9a"
Panel = tuple[str, str, Any, list[regular.Figure]]  # country, series, rows of daily, official days


def plot(
    country: str | None = None,
    *,
    direction: str = "entry",
    series: str | None = None,
    start: catalog.When | None = None,
    end: catalog.When | None = None,
    release: str | Release | None = None,
) -> Figure:
    """Draw the days of one country, or without a country those of all in small pictures with one scale of time.

    By default of the series that stands for a country, as in `headline`. Days without an upper bound have an open band; days
    without a point have none; official figures of single days are diamonds. Raises CrossingsError where no report covers the
    days.
    """
    held = release if isinstance(release, Release) else catalog.open_release(release)
    if country is None:
        if series is not None:
            raise CrossingsError("a series is of one country", "name the country too")
        chosen = _of_all(direction, start, end, held)
    else:
        name = series or catalog.standing(country, direction, start=start, end=end, release=held)
        chosen = [(country.upper(), name)]
    drawn: list[Panel] = []
    longer = False
    for code, name in chosen:
        figures = regular.figures(code, series=name, start=start, end=end, release=held)
        official = [f for f in figures if f.freq == "D" and f.value is not None]
        longer |= len(figures) > len(official)
        days = catalog.daily(code, series=name, start=start, end=end, release=held)
        if len(days) or official:
            drawn.append((code, name, days, official))
    if not drawn:
        names = " and ".join(name for _, name in chosen)
        remedy = "a missing day is not zero; ask for other days"
        if longer:
            remedy = "its official figures are of longer periods; `crossings show` lists them"
        raise CrossingsError(f"no report covers these days of {names}", remedy)
    return _figure(drawn, direction, start, end, held, alone=country is not None)


def _of_all(
    direction: str, start: catalog.When | None, end: catalog.When | None, held: Release
) -> list[tuple[str, str]]:
    """Each country of the table `headline` with the series that stands for it; countries without one are left out."""
    chosen, none = [], None
    for code in sorted(catalog.headline(start=start, end=end, release=held)["country"].unique()):
        try:
            chosen.append((code, catalog.standing(code, direction, start=start, end=end, release=held)))
        except CrossingsError as error:
            none = error
    if none is not None and not chosen:
        raise none
    return chosen


def _figure(
    drawn: list[Panel], direction: str, start: catalog.When | None, end: catalog.When | None,
    held: Release, *, alone: bool,
) -> Figure:  # fmt: skip
    from matplotlib.figure import Figure

    titles = catalog.load("series", release=held).set_index("series")
    events = catalog.load("events", release=held).set_index("event_id")["title"]
    shown = [day for _, _, days, official in drawn for day in (*days["date"].dt.date, *(f.first for f in official))]
    first = min(shown) if start is None else catalog.as_date(start)
    last = max(shown) if end is None else catalog.as_date(end)
    wide, high = (10.0, 4.5) if alone else (12.0, 3.4 * ((len(drawn) + 1) // 2) + 0.9)
    figure = Figure(figsize=(wide, high), layout="constrained")
    grid = list(figure.subplots(1 if alone else (len(drawn) + 1) // 2, 1 if alone else 2, squeeze=False).flat)
    for axes, (code, name, days, official) in zip(grid, drawn, strict=False):
        _panel(axes, days, official, events, direction)
        said = str(titles.at[name, "title"])
        sentence = _sentence(days, direction) if len(days) else "official figures alone"
        axes.set_title(said if alone else f"{code}: {sentence}", loc="left", fontsize=11 if alone else 10)
        axes.set_ylabel(f"{titles.at[name, 'measure']} a day", fontsize=9)
        _scales(axes, first, last)
    for axes in grid[len(drawn) :]:
        axes.set_visible(False)
    if not alone:
        figure.suptitle(
            f"How many citizens of Russia {_WORDS.get(direction, direction)} a day, as reported", x=0.01, ha="left"
        )
    note = f"release {held.id}; border crossings, not persons; bands: what the reports allow"
    figure.supxlabel(note, fontsize=7, color=_GREY, x=0.995, ha="right")
    return figure


def _sentence(days: Any, direction: str) -> str:
    """What the picture shows, in words: its highest day, or that no day has a number."""
    known = days[days["estimate"].notna()]
    if not len(known):
        return "no day has a number, only bounds"
    top = known.loc[known["estimate"].astype("int64").idxmax()]
    about = "" if top["status"] in ("reported", "derived") else "about "
    what = {"entry": "entries", "exit": "exits", "net": "more entries than exits"}.get(direction, "crossings")
    return f"most on {top['date']:%-d %B %Y}, {about}{int(top['estimate']):,} {what}"


def _panel(axes: Any, days: Any, official: list[regular.Figure], events: Any, direction: str) -> None:
    """Band, points by status, and what happened; each status is named at its highest point, the band where it is widest."""
    if len(days):
        _band(axes, days)
    _diamonds(axes, official)
    for status, colour in _COLOURS.items():
        here = days[(days["status"] == status) & days["estimate"].notna()]
        if len(here):
            axes.plot(list(here["date"]), here["estimate"].tolist(), "o", markersize=4, color=colour)
            top = here.loc[here["estimate"].astype("int64").idxmax()]
            side = {"reported": (0, 6), "derived": (0, 14), "contested": (0, 22), "estimated": (0, 6)}[status]
            axes.annotate(
                status, (top["date"], int(top["estimate"])), xytext=side, textcoords="offset points",
                fontsize=8, color=colour, ha="center", va="bottom",
            )  # fmt: skip
    for day, event in days.loc[days["break_id"].notna(), ["date", "break_id"]].itertuples(index=False):
        axes.axvline(day, color="#a66a00", linewidth=1, linestyle="--")
        axes.annotate(
            events[event],
            (day, 0.98),
            xycoords=("data", "axes fraction"),
            rotation=90,
            fontsize=7,
            va="top",
            ha="right",
        )
    if direction != "net":
        axes.set_ylim(bottom=0)
    if official:
        axes.set_ylim(top=max(axes.get_ylim()[1], 1.12 * max(f.value or 0 for f in official)))
    axes.grid(axis="y", color="#dfe4ea", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(y=0.12)


def _diamonds(axes: Any, official: list[regular.Figure]) -> None:
    """Official figures of single days, named at the lowest one, below what statements say."""
    points = [(dt.datetime.combine(f.first, dt.time()), f.value) for f in official if f.value is not None]
    if not points:
        return
    dates, values = zip(*points, strict=True)
    axes.plot(dates, values, "D", markersize=5, color=_OFFICIAL, fillstyle="none")
    axes.annotate(
        "official", min(points, key=lambda p: p[1]), xytext=(0, -6), textcoords="offset points",
        fontsize=8, color=_OFFICIAL, ha="center", va="top",
    )  # fmt: skip


def _scales(axes: Any, first: dt.date, last: dt.date) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    half = dt.timedelta(hours=12)
    left, right = (dt.datetime.combine(day, dt.time()) for day in (first, last))
    axes.set_xlim(date2num(left - half), date2num(right + half))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    locator = AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))


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
    upper = [min(value, top) for value in days["upper"].astype("Float64").fillna(math.inf).tolist()]
    lower = days["lower"].astype("Float64").fillna(0).tolist()
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
    axes.fill_between(edges, bottom, ceiling, color="#0b5cad", alpha=0.12, linewidth=0)
    axes.annotate(
        label, (0.005, 0.99), xycoords="axes fraction", fontsize=8, color="#4d7fb5", ha="left", va="top"
    )  # fmt: skip
