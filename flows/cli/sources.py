"""List the sources with their freshness; check one live; serve a copy of one."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from crossings.errors import CrossingsError
from crossings.settings import settings
from flows.cli.options import Copy, Json, SourceId
from flows.cli.printing import table
from flows.collect import freshness, questions, served_copy
from flows.steps import collect
from flows.workspace import Workspace
from transforms.parse import registry

sources = typer.Typer(help=__doc__, no_args_is_help=False, rich_markup_mode="markdown", add_completion=False)


@sources.callback(invoke_without_command=True)
def listed(context: typer.Context, json: Json = False) -> None:
    """List every source with its freshness."""
    if context.invoked_subcommand is not None:
        return
    workspace = Workspace.open(settings())
    rows: list[dict[str, Any]] = []
    for spec in workspace.sources.values():
        found = freshness.freshness(workspace, spec)
        rows.append({
            "source_id": spec.id, "title": spec.title, "publisher": spec.publisher, "country": spec.country,
            "measure": spec.measure, "cadence": spec.cadence, "licence": spec.licence.name, "confirmed": spec.confirmed,
            "scheduled": spec.id in collect.sources(workspace), "state": found.state,
            "last_looked": found.looked.isoformat() if found.looked else None,
            "last_changed": found.changed.isoformat() if found.changed else None, "last_failure": found.failed,
            "to_confirm": list(spec.to_confirm),
        })  # fmt: skip
    if json:
        print(jsonlib.dumps(rows, ensure_ascii=False, indent=1))
        return
    console = Console(highlight=False)
    columns = ["source_id", "country", "measure", "cadence", "state", "looked"]
    cells = [
        [r["source_id"] + ("" if r["confirmed"] else "*"), r["country"], r["measure"], r["cadence"], r["state"],
         (r["last_looked"] or "")[:10]]
        for r in rows
    ]  # fmt: skip
    table(console, [(c, "left") for c in columns], cells, whole=("source_id",))
    waiting = sum(not r["confirmed"] for r in rows)
    console.print(f"\n* {waiting} of {len(rows)} are not confirmed on the live service and are never scheduled;\n"
                  "  `crossings sources check ID` looks at one and tells what came.\n"
                  "cadence: D day, W week, M month, Q quarter, A year. looked: last look, UTC.\n"
                  "state: never (nothing came yet), fresh, due, overdue, ended.")  # fmt: skip
    for r in rows:
        if r["last_failure"]:
            console.print(f"[yellow]last look failed[/] {escape(r['source_id'])}: {escape(r['last_failure'])}")


@sources.command()
def check(source: SourceId, base_url: Copy = None) -> None:
    """Look at a source live and tell what came against what is declared; no release will read it.

    Example: `crossings sources check mn-nso-border-points`
    """
    workspace = Workspace.open(settings())
    spec = workspace.source(source)
    if spec.by_hand:
        raise CrossingsError(f"{spec.id} is a statement file on this machine", f"run `crossings ingest {spec.id}`")
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{spec.id}: {spec.title} ({spec.publisher})")
    console.print(f"  confirmed  {'yes' if spec.confirmed else 'no'}")
    for point in spec.to_confirm:
        console.print(f"  to confirm {point}")
    payloads = questions.contents(workspace.archive, questions.ask(workspace, spec, base_url=base_url))
    for payload in payloads:
        console.print(f"  came       {payload.name}: {len(payload.content):,} bytes, sha256 {payload.sha256[:12]}…")
    parsed = registry.parse(payloads, spec)
    console.print(
        f"  figures    {len(parsed.observations):,} accepted, {len(parsed.rejected):,} refused, "
        f"{parsed.unselected:,} not selected"
    )
    reached = registry.adapter(spec.parser).reach(parsed)
    if reached is not None:
        console.print(f"  periods    {reached.first} to {reached.last}")
    for row in parsed.rejected.head(5).itertuples():
        console.print(f"  refused    {row.payload_locator}: {row.reason} ({row.rule})", markup=False)


@sources.command()
def serve(
    source: SourceId,
    folder: Annotated[Path, typer.Argument(help="Recorded payloads, e.g. tests/payloads/mn-nso-border-points.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 chooses one.")] = 8765,
) -> None:
    """Play the publisher on this machine, so that its connector can be seen at work without internet.

    Example: `crossings sources serve mn-nso-border-points tests/payloads/mn-nso-border-points`
    """
    workspace = Workspace.open(settings())
    server = served_copy.serve(workspace.source(source), folder, port)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    print(
        f"serving {folder} at {address} (Ctrl-C ends it); try: crossings ingest {source} --base-url {address}",
        flush=True,
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
