"""Arguments and options that several commands share, with one wording each."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from crossings import catalog

DAY = ["%Y-%m-%d"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]
Country = Annotated[str, typer.Argument(metavar="COUNTRY", help="ISO 3166-1 alpha-3 code, e.g. FIN, GEO, KAZ, MNG.")]
From = Annotated[
    dt.datetime | None, typer.Option("--from", formats=DAY, metavar="DATE", help="First local date, e.g. 2022-09-21.")
]
To = Annotated[
    dt.datetime | None, typer.Option("--to", formats=DAY, metavar="DATE", help="Last local date, e.g. 2022-09-26.")
]
Direction = Annotated[str, typer.Option(help="entry, exit, both or net.")]
AnyDirection = Annotated[str | None, typer.Option(help="entry, exit, both or net; without it, entry and exit.")]
Series = Annotated[str | None, typer.Option(help="Another series than the national one of citizens of Russia.")]
Release = Annotated[str | None, typer.Option(help="Another release than the current one.")]
AsOf = Annotated[str | None, typer.Option(help="Only what had been published by then: 2022-09-28 or an instant.")]
Edition = Annotated[
    dt.datetime | None,
    typer.Option(
        formats=DAY, metavar="DATE", help="The day on which the publisher issued the file, where it is older."
    ),
]
Local = Annotated[bool, typer.Option("--local", help="Run the same steps in this process, without a Prefect server.")]
SourceId = Annotated[str, typer.Argument(help="Source id, see `crossings sources`.")]
Copy = Annotated[str | None, typer.Option(help="A served copy instead of the publisher.")]


def date(when: dt.datetime | None) -> dt.date | None:
    """The local date of an option that may be missing."""
    return when.date() if when else None


def instant(text: str | None) -> dt.datetime | None:
    """An instant from the command line. Raises CrossingsError where it is none."""
    return None if text is None else catalog.instant(text)
