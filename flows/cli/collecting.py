"""`crossings ingest` and `crossings backfill`: look at one source, judge what came, and tell the row accounting."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from crossings.errors import CrossingsError
from crossings.settings import settings
from flows import pipeline, stage
from flows.cli.options import DAY, Copy, Edition, Json, SourceId
from flows.cli.printing import table
from flows.collect import questions
from flows.steps import collect
from flows.workspace import Workspace


def ingest(
    source: SourceId,
    base_url: Annotated[
        str | None, typer.Option(help="A served copy instead of the publisher, e.g. http://127.0.0.1:8765.")
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="A file at hand instead of the publisher; may be repeated.")
    ] = None,
    edition: Edition = None,
    json: Json = False,
) -> None:
    """Look at one source: archive what comes, parse and judge it.

    Examples:

    - `crossings ingest mn-nso-border-points --base-url http://127.0.0.1:8765`

    - `crossings ingest ru-fsb-exits --file Russia_out.csv`

    - `crossings ingest ru-fsb-exits --file Russia_out_2023.csv --edition 2023-11-15`
    """
    files = file or []
    workspace = Workspace.open(settings())
    spec = workspace.source(source)
    console = Console(stderr=json, highlight=False, soft_wrap=True)

    def collected() -> str:
        if not files:
            return collect.collect(workspace, source, base_url)
        return questions.bring(workspace, spec, files, None if edition is None else edition.date())

    if edition is not None and not files:
        raise CrossingsError("--edition is of a file at hand", "give the file with --file")
    if files and base_url:
        raise CrossingsError("--file and --base-url exclude each other", "give one of them")
    if spec.by_hand and (base_url or len(files) > 1):
        raise CrossingsError(f"{spec.id} is read from one statement file", "give one --file, or none for data/register")
    counts, name = pipeline.ingest_one(workspace, source, collected)
    found = stage.Stage(workspace.staging / name)
    if json:
        print(jsonlib.dumps(counts | {"stage": str(found.path)}, indent=1))
        return
    console.print("{source_id}: {rows_in:,} rows in = {accepted:,} accepted + {quarantined:,} quarantined "
                  "+ {duplicates:,} duplicates".format(**counts))  # fmt: skip
    for row in found.frame("quarantine").head(5).itertuples():
        console.print(f"[yellow]set aside[/] {escape(f'{row.payload_locator}: {row.reason} ({row.rule})')}")
    reports = found.frame("reports")
    if len(reports):
        first, last = reports["period_start"].min(), reports["period_end"].max()
        console.print(f"periods {first} to {last}, {reports['series'].nunique():,} series; e.g.")
        columns = ["period_start", "series", "value", "payload_locator"]
        table(
            console,
            [(c, "left") for c in columns],
            [[r[c] for c in columns] for r in reports.head(5).to_dict("records")],
        )
    console.print("The next `crossings publish` or `crossings run` brings it into a release.")


def backfill(
    source: SourceId,
    start: Annotated[
        dt.datetime, typer.Option("--from", formats=DAY, metavar="DATE", help="Look back as far as this date.")
    ],
    base_url: Copy = None,
    json: Json = False,
) -> None:
    """Look at a source again for every period since a date; what changed becomes a revision.

    Example: `crossings backfill mn-nso-border-points --from 2019-01-01`
    """
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    workspace = Workspace.open(settings())

    def tell(text: str) -> None:
        console.print(escape(text))

    counts = pipeline.backfill(workspace, pipeline.in_process, tell, source, start.date(), base_url)
    if json:
        print(jsonlib.dumps(counts, indent=1))
