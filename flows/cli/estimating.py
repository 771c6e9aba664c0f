"""`crossings estimate` and `crossings between`: the estimator without a flow, on a file or on a release."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console
from rich.markup import escape

from crossings import catalog, explanation
from crossings.durable import write_file
from crossings.lake import parquet_bytes
from crossings.schema.tables import TABLES
from crossings.settings import settings
from flows.cli.options import DAY, AsOf, Country, Direction, Json, Series, instant
from flows.workspace import read_file
from transforms import ask
from transforms.reports import decisions as decide
from transforms.reports import reference
from transforms.series import parts

_REFERENCE = ("countries", "timezones", "wording")


def estimate(
    reports: Annotated[Path, typer.Argument(help="CSV in the register's columns (data/register/README.md).")],
    out: Annotated[
        Path, typer.Option(help="Folder for daily.parquet, findings.parquet, reports.parquet, quarantine.parquet.")
    ],
    decisions: Annotated[Path | None, typer.Option(help="Decisions CSV, as data/register/decisions.csv.")] = None,
    events: Annotated[Path | None, typer.Option(help="Events CSV, as data/reference/events.csv.")] = None,
    as_of: AsOf = None,
    periods: Annotated[Path | None, typer.Option(help="CSV country,direction,start,end: adds periods.parquet.")] = None,
) -> None:
    """Estimate the days behind any file of reports, without a lake or a flow.

    Example: `crossings estimate data/register/reports.csv --decisions data/register/decisions.csv --out /tmp/estimate`
    """
    from flows.judge import judge  # Great Expectations takes three seconds to load; `between` must not wait for it

    known = reference.read({n: read_file(settings().data / "reference" / f"{n}.csv") for n in _REFERENCE})
    result = ask.estimate_reports(
        read_file(reports), lambda prepared, ref: judge(prepared, ref)[0], known, name=reports.name,
        decisions=decide.parse(read_file(decisions), decisions.name) if decisions else None,
        events=reference.events(read_file(events)) if events else None,
        as_of=instant(as_of),
        periods=ask.parse_periods(read_file(periods), periods.name) if periods else None,
        today=pd.Timestamp(dt.datetime.now(dt.UTC).date()),
        part_of=_declared_parts(),
    )  # fmt: skip
    tables = {
        "reports": result.reports,
        "daily": result.daily,
        "findings": result.findings,
        "quarantine": result.quarantine,
    }
    if result.periods is not None:
        tables["periods"] = result.periods
    contents = {name: parquet_bytes(TABLES[name].conform(frame)) for name, frame in tables.items()}
    for name, content in contents.items():
        write_file(out / f"{name}.parquet", content)
    _tell(Console(stderr=True, highlight=False, soft_wrap=True), result, out)


def _declared_parts() -> pd.DataFrame:
    content = read_file(settings().data / "reference" / "checkpoints.csv")
    return parts.declared_parts(reference.table("checkpoints", content))


def _tell(console: Console, result: ask.Estimated, out: Path) -> None:
    counts = result.daily["status"].value_counts().to_dict() if len(result.daily) else {}
    days = ", ".join(f"{n:,} {status}" for status, n in sorted(counts.items())) or "no day is covered"
    console.print(f"{len(result.reports):,} reports accepted, {len(result.quarantine):,} set aside, "
                  f"{result.duplicates:,} exact copies dropped")  # fmt: skip
    for row in result.quarantine.head(10).itertuples():
        console.print(f"[yellow]set aside[/] {row.report_id or row.payload_locator}: {row.reason} ({row.rule})")
    console.print(f"{len(result.daily):,} days: {days}")
    for row in result.findings.loc[result.findings["rule"] == "conflict"].head(10).itertuples():
        console.print(f"[yellow]conflict[/] {row.message}")
    console.print(f"wrote {out}")


def between(
    country: Country,
    start: Annotated[
        dt.datetime, typer.Argument(formats=DAY, metavar="START", help="First local date, e.g. 2022-09-21.")
    ],
    end: Annotated[dt.datetime, typer.Argument(formats=DAY, metavar="END", help="Last local date, inclusive.")],
    direction: Direction = "entry",
    series: Series = None,
    as_of: AsOf = None,
    json: Json = False,
) -> None:
    """How many crossed between two dates: tightest bounds, estimate and proof.

    Example: `crossings between GEO 2022-09-21 2022-09-30 --direction entry`
    """
    held = catalog.open_release()
    code = country.upper()
    tables = {name: catalog.load(name, code, release=held) for name in ("reports", "series", "decisions", "events")}
    declared = tables["series"][tables["series"]["declared"]]
    name = series or catalog.headline(declared, direction)
    part_of = _declared_parts()
    found = ask.between(tables, name, start.date(), end.date(), as_of=instant(as_of), part_of=part_of)
    row = {k: (None if not isinstance(v, list) and pd.isna(v) else v) for k, v in found.row.items()}
    if json:
        told = row | {"in_words": found.in_words, "conflicts": found.conflicts, "decisions": found.decisions}
        print(jsonlib.dumps(told, default=str, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{row['series']}  {row['period_start']} to {row['period_end']}")
    console.print(
        f"[bold]{'no point estimate' if row['estimate'] is None else 'estimate ' + format(row['estimate'], ',')}[/]"
    )
    console.print(f"  {found.in_words['lower']}")
    console.print(f"  {found.in_words['upper']}")
    for message in found.conflicts:
        console.print(f"  [yellow]these bounds rest on reports that clash[/]: {escape(message)}")
    for report in found.proof.to_dict("records"):
        said = explanation.source_of(report, "proof")
        console.print(
            f"  [dim]{said.report_id}  {escape(said.said)}, {said.window}; {escape(said.publisher or 'no publisher')},"
            f" {said.published_on or 'no date'}  {escape(said.url or 'no address')}[/]"
        )
    for line in found.decisions:
        console.print(f"  [dim]decided: {escape(line)}[/]")
