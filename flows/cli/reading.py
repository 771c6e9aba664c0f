"""Commands that only read: status, headline, show, plot, explain, dictionary; neither Prefect nor GX is loaded."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from crossings import catalog, drawing, explanation, regular
from crossings import dictionary as generated
from crossings.durable import write_file
from crossings.errors import CrossingsError
from crossings.lake import Lake
from crossings.schema.tables import HEADLINE_OF
from crossings.settings import settings
from flows.archive.archive import Archive
from flows.cli.options import DAY, AnyDirection, Country, Direction, From, Json, Release, Series, To, date
from flows.cli.printing import table

_RUNS = 5  # last ones shown
_SHOWN = ("date", "estimate", "lower", "upper", "status", "reliability", "report_ids")
_OFFICIAL = (("period", "left"), ("freq", "left"), ("value", "right"), ("obs_status", "left"), ("source", "left"))


def status(
    archive: Annotated[
        bool, typer.Option("--archive", help="Also read every archived payload and name damaged ones.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the current release, its tables, the last runs, and what was left out of the logs.

    Example: `crossings status --json`
    """
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
        console.print(f"kept     {len(info['releases'])} release{'' if len(info['releases']) == 1 else 's'}")
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


def show(
    country: Country,
    start: From = None,
    end: To = None,
    direction: AnyDirection = None,
    series: Series = None,
    release: Release = None,
    official: Annotated[
        bool, typer.Option("--official", help="Only official figures of regular statistics, also as JSON.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the days of a country: what statements say of them, and beside it official figures.

    Examples: `crossings show FIN --from 2022-09-19 --to 2022-10-02`, `crossings show GEO --official --json`
    """
    first, last = date(start), date(end)
    frame = catalog.daily(country, start=first, end=last, release=release)
    directions = [direction] if direction else ["entry", "exit"]
    if series:
        wanted = [_known_series(series, release)]
        figures = regular.figures(country, series=series, start=first, end=last, release=release)
    else:
        wanted = _standing(country, directions, first, last, release)
        figures = [
            f for d in directions
            for f in regular.figures(country, direction=d, start=first, end=last, release=release)
        ]  # fmt: skip
    frame = frame[frame["series"].isin(wanted) & (not official)]
    rows = _rows(frame)
    if json:
        told = [vars(f) for f in figures] if official else rows
        print(jsonlib.dumps(told, default=str, ensure_ascii=False, indent=1))
        if figures and not official:
            typer.echo(f"{len(figures):,} official figures are not among these rows: add --official", err=True)
        return
    console = Console(highlight=False)
    if not official:
        _print_days(console, country, wanted, rows, {f.series for f in figures}, release)
    _print_official(console, figures)
    elsewhere = [n for d in directions for n in regular.names(country, d, release=release)] if not series else []
    if others := sorted(set(elsewhere) - {f.series for f in figures}):
        console.print(
            f"official figures of other days or definitions lie in {len(others):,} series; name one with --series: "
            f"{escape(', '.join(others[:3]))}{', …' if len(others) > 3 else ''}", soft_wrap=True,
        )  # fmt: skip
    if official:
        return
    for line in _stocks(country, first, last, release):
        console.print(escape(line), soft_wrap=True)


def _standing(
    country: str, directions: list[str], first: dt.date | None, last: dt.date | None, release: str | None
) -> list[str]:
    """The series that stands for each direction; of those without one, official figures alone are shown."""
    found = []
    for direction in directions:
        try:
            found.append(catalog.standing(country, direction, start=first, end=last, release=release))
        except CrossingsError:
            asked = directions if len(directions) == 1 else ["entry", "exit"]
            if not any(regular.names(country, d, release=release) for d in asked):
                raise
    return found


def _print_days(
    console: Console, country: str, wanted: list[str], rows: list[dict[str, Any]], official: set[str], release: str | None
) -> None:  # fmt: skip
    """What statements say of the days of each series; nothing where only official figures do."""
    for name in wanted:
        part = [r for r in rows if r["series"] == name]
        if not part:
            if name not in official:
                console.print(f"{name}: no report covers these days; a missing day is not zero")
            continue
        cells = [[_cell(r[c]) for c in _SHOWN] for r in part]
        justify = {"estimate": "right", "lower": "right", "upper": "right"}
        table(console, [(c, justify.get(c, "left")) for c in _SHOWN], cells, title=name)
        if any(r["obs_status"] == "Q" for r in part):
            why = explanation.withheld(catalog.findings(country, release=release), name)
            console.print(f"[dim]– withheld: {escape(why)}[/]", soft_wrap=True)
        console.print()


def _print_official(console: Console, figures: list[regular.Figure]) -> None:
    """Official figures, a table a series."""
    for name, part in regular.apart(figures).items():
        cells = [[f.period, f.freq, _cell(f.value), f.obs_status, f.source_id or "–"] for f in part]
        console.print(f"official figures: {name}", soft_wrap=True)
        table(console, list(_OFFICIAL), cells)
        console.print()


def _stocks(country: str, start: dt.date | None, end: dt.date | None, release: str | None) -> list[str]:
    """What was said of how many were in the country at an instant: shown beside the flows, binding none."""
    reports = catalog.reports(country, release=release)
    told_of = (reports["statistic"] == "stock") & (reports["role"] == "other_statistic") & reports["period_end"].notna()
    reports = reports[told_of].sort_values(["period_end", "report_id"])
    if start is not None:
        reports = reports[reports["period_end"] >= catalog.stamp(start)]
    if end is not None:
        reports = reports[reports["period_end"] <= catalog.stamp(end)]
    told = [explanation.source_of(r, "stock") for r in reports.to_dict("records")]
    lines = [f"  {s.window}: {s.said}  {s.report_id}, {s.publisher or 'no publisher'}" for s in told]
    return ["stocks, beside the flows (a number at an instant binds no flow):", *lines] if lines else []


def _rows(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame with plain dates, for people and for scripts."""
    return frame.assign(date=frame["date"].dt.date).to_dict("records")  # type: ignore[no-any-return]


def headline(
    start: From = None,
    end: To = None,
    country: Annotated[list[str] | None, typer.Option(help="Only this country; repeat for several.")] = None,
    direction: Direction = "entry",
    release: Release = None,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print the whole table as CSV: entries, exits, net, bounds.")
    ] = False,
    json: Json = False,
) -> None:
    """Print the countries side by side, a row a date; a number that is missing has its reason below.

    Example: `crossings headline --from 2022-09-21 --to 2022-09-30`
    """
    if direction not in HEADLINE_OF:
        raise CrossingsError(f"{direction!r} is no direction of this table", f"name one of {', '.join(HEADLINE_OF)}")
    frame = catalog.headline(start=date(start), end=date(end), release=release)
    if country:
        known = sorted(frame["country"].unique())
        wrong = [code for code in country if code.upper() not in known]
        if wrong:
            raise CrossingsError(f"there is no country {wrong[0]!r} in these rows", f"name one of {', '.join(known)}")
        frame = frame[frame["country"].isin([code.upper() for code in country])]
    if csv or json:
        lists = frame.assign(events=[";".join(ids) for ids in frame["events"]], date=frame["date"].dt.date)
        print(
            lists.to_csv(index=False) if csv else lists.to_json(orient="records", date_format="iso", indent=1), end=""
        )
        return
    if not len(frame):
        raise CrossingsError("no country has a report of these days", "a missing day is not zero; ask for other days")
    _print_headline(Console(highlight=False), frame, HEADLINE_OF[direction])


def _print_headline(console: Console, frame: Any, word: str) -> None:
    codes = sorted(frame["country"].unique())
    standing_in = catalog.stand_ins()
    cells: dict[dt.date, dict[str, str]] = {}
    for row in _rows(frame):
        cells.setdefault(row["date"], {})[row["country"]] = _headline_cell(row, word, standing_in)
    lines = [[str(day), *(cells[day].get(code, "") for code in codes)] for day in sorted(cells)]
    table(console, [("date", "left"), *((code, "right") for code in codes)], lines, title=f"{word}, crossings a day")
    console.print(
        "[dim]~ estimated  ? contested: it depends on which report is wrong  * another series stands in"
        "  ◇ official: no statement gives a point[/]", soft_wrap=True,
    )  # fmt: skip
    for code in codes:
        mine = frame[frame["country"] == code]
        for series in sorted(set(mine[f"{word}_series"].dropna()) & set(standing_in)):
            console.print(f"[dim]{code} *: {escape(standing_in[series])}[/]", soft_wrap=True)
        for why, days in _spans(mine[mine[word].isna()], word):
            console.print(f"[dim]{code} –: {escape(why)} ({days})[/]", soft_wrap=True)


def _headline_cell(row: dict[str, Any], word: str, standing_in: Collection[str]) -> str:
    if row[word] is None or row[word] != row[word]:
        return "–"
    mark = {"estimated": "~", "contested": "?", "official": "◇"}.get(row[f"{word}_status"], "")
    return f"{mark}{int(row[word]):,}{'*' if row[f'{word}_series'] in standing_in else ''}"


def _spans(rows: Any, word: str) -> list[tuple[str, str]]:
    """Each reason for a missing number, with the first and last of the neighbouring days that share it."""
    found: list[tuple[str, dt.date, dt.date]] = []
    for row in _rows(rows):
        day, reason = row["date"], row["reason"]
        why = next(text for names, _, text in (part.partition(": ") for part in reason.split("; ")) if word in names)
        if found and found[-1][0] == why and day - found[-1][2] == dt.timedelta(days=1):
            found[-1] = (why, found[-1][1], day)
        else:
            found.append((why, day, day))
    return [(why, str(a) if a == b else f"{a} to {b}") for why, a, b in found]


def plot(
    out: Annotated[Path, typer.Option(help="Picture to write: .png, .svg or .pdf.")],
    country: Annotated[
        str | None, typer.Argument(metavar="[COUNTRY]", help="ISO 3166-1 alpha-3 code; without it, all side by side.")
    ] = None,
    direction: Direction = "entry",
    series: Series = None,
    start: From = None,
    end: To = None,
) -> None:
    """Draw the days of a series with their bounds; official figures of single days are diamonds.

    Without a country the four are drawn as small pictures with one scale of time.

    Examples: `crossings plot FIN --from 2022-09-12 --to 2022-10-05 --out finland.png`,
    `crossings plot --from 2022-09-12 --to 2022-10-05 --out four.png`
    """
    figure = drawing.plot(country, direction=direction, series=series, start=date(start), end=date(end))
    drawing.save(figure, out)
    typer.echo(f"wrote {out}")


def explain(
    country: Country,
    day: Annotated[dt.datetime, typer.Argument(formats=DAY, metavar="DATE", help="Local date, e.g. 2022-09-26.")],
    direction: Direction = "entry",
    series: Series = None,
    release: Release = None,
    json: Json = False,
) -> None:
    """Explain one day: value, bounds with proofs as small sums, reports, alternatives, official figures, conflicts, decisions.

    Example: `crossings explain FIN 2022-09-26 --direction entry`
    """
    found = explanation.explain(country, day.date(), direction=direction, series=series, release=release)
    typer.echo(found.to_json() if json else str(found))


def dictionary(
    write: Annotated[Path | None, typer.Option(help="Write it to this Markdown file instead of the screen.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="The rules with their actions and limits instead.")] = False,
) -> None:
    """Print the data dictionary: every table, column, type and code; with --rules every rule.

    Example: `crossings dictionary --write docs/dictionary.md`
    """
    text = generated.rules() if rules else generated.markdown()
    if write is None:
        typer.echo(text)
    else:
        write_file(write, text.encode())
        typer.echo(f"wrote {write}")


def _known_series(name: str, release: str | None) -> str:
    known = sorted(catalog.load("series", release=release)["series"])
    if name not in known:
        nearest = get_close_matches(name, known, n=3, cutoff=0.0)
        raise CrossingsError(
            f"there is no series {name!r}", f"the table series lists all; the nearest are {', '.join(nearest)}"
        )
    return name


def _cell(value: Any) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, bool | str | dt.date):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    names = list(value)
    return ", ".join(names[:3]) + (f" +{len(names) - 3}" if len(names) > 3 else "")
