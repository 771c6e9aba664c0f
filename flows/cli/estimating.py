"""`crossings estimate` and `crossings between`: the estimator without a flow, on a file or on a release."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

from crossings.durable import write_file
from crossings.errors import CrossingsError
from crossings.lake import parquet_bytes
from crossings.schema.tables import TABLES
from crossings.settings import settings
from flows import asking
from flows.cli.options import DAY, AsOf, Country, Direction, Json, Series, instant
from flows.workspace import read_file
from transforms import ask
from transforms.parse.statements_csv import Statements
from transforms.reports import decisions as decide
from transforms.reports import reference

_REFERENCE = ("countries", "timezones", "wording", "labels")


def estimate(
    reports: Annotated[
        Path,
        typer.Argument(
            help="CSV in the register's columns (data/register/README.md), or any file of figures (country,date,value)."
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for daily.parquet, findings.parquet, reports.parquet, quarantine.parquet.")
    ],
    decisions: Annotated[Path | None, typer.Option(help="Decisions CSV, as data/register/decisions.csv.")] = None,
    events: Annotated[Path | None, typer.Option(help="Events CSV, as data/reference/events.csv.")] = None,
    as_of: AsOf = None,
    periods: Annotated[Path | None, typer.Option(help="CSV country,direction,start,end: adds periods.parquet.")] = None,
    counts: Annotated[
        str | None,
        typer.Option(metavar="WHAT", help="What a figure counts, in a file of figures: `entries of RUS`."),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="The country such a file speaks of, where no column says it.")
    ] = None,
    as_: Annotated[
        list[str] | None, typer.Option("--as", metavar="COLUMN=MEANING", help="What a column of such a file means.")
    ] = None,
) -> None:
    """Estimate the days behind any file of reports, without a lake or a flow.

    Examples:

    - `crossings estimate data/register/reports.csv --decisions data/register/decisions.csv --out /tmp/estimate`

    - `crossings estimate figures.csv --counts "entries of RUS" --out /tmp/estimate`
    """
    # Great Expectations takes three seconds to load, the readers of files another fifth; `between` must not wait for them.
    from flows.cli import bringing
    from flows.judge import judge
    from transforms.bring import draft as drafting
    from transforms.bring.statements import is_register

    known = reference.read({n: read_file(settings().data / "reference" / f"{n}.csv") for n in _REFERENCE})
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    received = read_file(reports)
    content: bytes | Statements = received
    if not is_register(received):
        answers = drafting.Answers(counts=counts, country=country)
        for said in as_ or []:
            answers = answers.told("as", said)
        content = bringing.as_statements(console, reports, received, answers)
    elif counts or country or as_:
        raise CrossingsError(f"{reports} says itself what each figure counts", "leave --counts, --country and --as out")
    result = ask.estimate_reports(
        content, lambda prepared, ref: judge(prepared, ref)[0], known, name=reports.name,
        decisions=decide.parse(read_file(decisions), decisions.name) if decisions else None,
        events=reference.events(read_file(events)) if events else None,
        as_of=instant(as_of),
        periods=ask.parse_periods(read_file(periods), periods.name) if periods else None,
        today=pd.Timestamp(dt.datetime.now(dt.UTC).date()),
        part_of=asking.declared_parts(),
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
    _tell(console, result, out)


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

    Official figures of the same series are a block of their own for each source, with one line on whether they agree.

    Example: `crossings between GEO 2022-09-21 2022-09-30 --direction entry`
    """
    found = asking.between(
        country, start.date(), end.date(), direction=direction, series=series, as_of=instant(as_of)
    )  # fmt: skip
    typer.echo(found.to_json() if json else str(found))
