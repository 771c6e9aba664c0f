"""Commands that only read: status, show, sources. Neither Prefect nor Great Expectations is loaded for them."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from typing import Any

from rich.console import Console
from rich.markup import escape

from crossings import catalog
from crossings.errors import CrossingsError
from crossings.lake import Lake
from crossings.settings import settings
from flows.archive.archive import Archive
from flows.cli.printing import table

_RUNS = 5  # last ones shown
_SHOWN = ("date", "estimate", "lower", "upper", "status", "reliability", "report_ids")


def show_status(*, archive: bool, json: bool) -> None:
    """The current release, the last runs, lines of the logs that are not whole; with `archive` damaged payloads too."""
    lake = Lake(settings().lake_path)
    current = lake.current()
    raw = Archive(lake.root, lambda: dt.datetime.now(dt.UTC))
    info: dict[str, Any] = {
        "lake": str(lake.root),
        "release": current.path.name if current else None,
        "damaged": current.verify() if current else [],
        "tables": {n: t["rows"] for n, t in current.manifest["tables"].items()} if current else {},
        "releases": sorted(p.name for p in lake.releases.glob("r*")) if lake.releases.is_dir() else [],
        "runs": [
            {k: r.get(k) for k in ("started_at", "ended_at", "outcome", "release", "error")}
            for r in lake.runs.read()[-_RUNS:]
        ],
        "left_out": [f"{log.path}: {fault}" for log in (lake.runs, lake.history, raw.log) for fault in log.faults()],
        "damaged_payloads": [str(path) for path in raw.damaged()] if archive else None,
    }
    if json:
        print(jsonlib.dumps(info, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"lake     {escape(info['lake'])}")
    console.print(f"release  {info['release'] or 'none yet; run `crossings run`'}")
    if info["damaged"]:
        console.print(
            f"[bold red]damaged[/]  {', '.join(info['damaged'])}: restore the release or run `crossings run --rebuild`"
        )
    if current:
        console.print(f"tables   {', '.join(f'{rows:,} {name}' for name, rows in info['tables'].items())}")
        console.print(f"kept     {len(info['releases'])} release(s)")
    for run in info["runs"]:
        what = escape(run["release"] or run["error"] or "")
        console.print(f"run      {run['started_at'][:19]}Z  {run['outcome']}  {what}")
    for line in info["left_out"]:
        console.print(f"[yellow]log[/]      {escape(line)}")
    if archive:
        for path in info["damaged_payloads"]:
            console.print(f"[bold red]damaged[/]  {escape(path)}: restore it from a copy of the archive")
        if not info["damaged_payloads"]:
            console.print("archive  every payload holds the bytes of its name")


def show_days(
    country: str,
    start: dt.date | None,
    end: dt.date | None,
    *,
    direction: str | None,
    series: str | None,
    release: str | None,
    json: bool,
) -> None:
    """The days of a country: its headline series, or another one by name."""
    frame = catalog.daily(country, start=start, end=end, release=release)
    wanted = [_known_series(series, release)] if series else _headlines(country, release, direction)
    frame = frame[frame["series"].isin(wanted)]
    rows = frame.to_dict("records")
    if json:
        print(jsonlib.dumps(rows, default=str, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False)
    for name in wanted:
        part = [r for r in rows if r["series"] == name]
        if not part:
            console.print(f"{name}: no report covers these days; a missing day is not zero")
            continue
        cells = [[_cell(r[c]) for c in _SHOWN] for r in part]
        justify = {"estimate": "right", "lower": "right", "upper": "right"}
        table(console, [(c, justify.get(c, "left")) for c in _SHOWN], cells, title=name)
        if any(r["obs_status"] == "Q" for r in part):
            console.print("[dim]– withheld: these days are known by totals only (finding V59); `crossings between` gives totals,"
                          " `crossings estimate` the path[/]")  # fmt: skip
        console.print()


def _known_series(name: str, release: str | None) -> str:
    if name not in set(catalog.load("series", release=release)["series"]):
        raise CrossingsError(f"there is no series {name!r}", "name one of the table series: crossings.load('series')")
    return name


def _headlines(country: str, release: str | None, direction: str | None) -> list[str]:
    everything = catalog.load("series", release=release)
    everything = everything[(everything["country"] == country.upper()) & everything["declared"]]
    wanted = [direction] if direction else ["entry", "exit"]
    return [catalog.headline(everything, d) for d in wanted]


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, bool | str | dt.date):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    names = list(value)
    return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
