"""`crossings run`, `publish`, `requarantine`: start the pipeline, with a line for every step and a summary at the end."""

from __future__ import annotations

import json as jsonlib
import os
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from crossings.settings import settings
from flows import pipeline
from flows.cli.options import Json, Local
from flows.workspace import Workspace


def run(
    local: Local = False,
    rebuild: Annotated[bool, typer.Option(help="Do all the work again and compare the bytes.")] = False,
    base_url: Annotated[
        str | None, typer.Option(help="A rehearsal: ask this served copy for the sources confirmed on one.")
    ] = None,
    json: Json = False,
) -> None:
    """Bring all sources into a release: ingest, judge, estimate, publish.

    Examples:

    - `crossings run` — as a Prefect flow (its embedded server starts unless PREFECT_API_URL is set)

    - `crossings run --local` — the same steps and bytes without any server

    - `crossings run --local --base-url http://127.0.0.1:8765` — a rehearsal against a served copy
    """
    _start(local=local, rebuild=rebuild, json=json, look=True, base_url=base_url)


def publish(local: Local = False, json: Json = False) -> None:
    """Publish what the archive holds, without looking at any publisher.

    Example: `crossings publish --local`
    """
    _start(local=local, rebuild=False, json=json, look=False)


def requarantine(json: Json = False) -> None:
    """Judge everything in quarantine again, after a rule, a decision or a record was mended.

    Example: `crossings requarantine`
    """
    workspace = Workspace.open(settings())
    before = workspace.lake.release().read("quarantine").to_pandas()
    outcome = pipeline.publish(workspace, pipeline.in_process, lambda _: None)
    after = workspace.lake.release().read("quarantine").to_pandas()
    freed = sorted(set(before["quarantine_id"]) - set(after["quarantine_id"]))
    told = {"release": outcome.release, "before": len(before), "readmitted": freed, "still": len(after)}
    if json:
        print(jsonlib.dumps(told, indent=1))
        return
    Console(highlight=False).print(
        f"{len(freed)} of {len(before)} records left quarantine, {len(after)} stay; release {outcome.release}"
    )


def _start(*, local: bool, rebuild: bool, json: bool, look: bool, base_url: str | None = None) -> None:
    """Run the pipeline in-process or as a Prefect flow and print what came of it; without `look`, only publish."""
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    if local and look:
        outcome = pipeline.run(
            Workspace.open(settings()), pipeline.in_process, _teller(console), rebuild=rebuild, base_url=base_url
        )
    elif local:
        outcome = pipeline.publish(Workspace.open(settings()), pipeline.in_process, _teller(console), rebuild=rebuild)
    else:
        outcome = _as_flow(console, rebuild, base_url, look=look)
    if json:
        print(jsonlib.dumps(asdict(outcome), ensure_ascii=False, indent=1))
    else:
        _summary(console, outcome)


def _teller(console: Console) -> pipeline.Tell:
    return lambda text: console.print(f"[dim]·[/] {escape(text)}")


def _as_flow(console: Console, rebuild: bool, base_url: str | None, *, look: bool) -> pipeline.Outcome:
    Workspace.open(settings())  # an unwritable lake is said before a server is started
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_ENABLED", "true")
    console.print("[dim]·[/] starting Prefect (its embedded server takes up to half a minute the first time; "
                  "--local needs none)")  # fmt: skip
    with console.status("working"):
        from flows import orchestrate

        outcome: pipeline.Outcome = (
            orchestrate.as_command(orchestrate.run, _teller(console), rebuild=rebuild, base_url=base_url)
            if look
            else orchestrate.as_command(orchestrate.publish, _teller(console))
        )
        return outcome


def _summary(console: Console, outcome: pipeline.Outcome) -> None:
    if not outcome.written:
        why = "the inputs are those of the current release" if outcome.unchanged else "a rebuild gave the same bytes"
        console.print(f"[bold]Nothing new[/]: {why}. No byte was written into releases/.")
    else:
        console.print(f"[bold green]Published[/] release [bold]{outcome.release}[/]")
    rows = ", ".join(
        f"{n:,} {name}" for name, n in outcome.rows.items() if name in ("reports", "daily", "official", "findings")
    )
    console.print(f"  tables      {rows}")
    found = ", ".join(f"{n} {severity}" for severity, n in outcome.findings.items())
    console.print(
        f"  findings    {found or 'none'}{'; stop = points withheld, bounds kept' if 'stop' in found else ''}"
    )
    console.print(f"  lies in     {outcome.path}")
    console.print(f"  validation  {outcome.page}")
    if outcome.written:
        console.print("  next        crossings show FIN --from 2022-09-19 --to 2022-10-02")
