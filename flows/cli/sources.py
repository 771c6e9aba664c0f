"""List the sources with their freshness; check one live, confirm it; serve a copy of one."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from crossings.errors import CrossingsError
from crossings.settings import settings
from crossings.source.model import SourceSpec
from flows.cli.options import Copy, Json, SourceId
from flows.cli.printing import table
from flows.collect import checking, freshness, served_copy, standing
from flows.collect.standing import Observation, Standing
from flows.workspace import Workspace

sources = typer.Typer(no_args_is_help=False, rich_markup_mode="markdown", add_completion=False)


@sources.callback(invoke_without_command=True)
def listed(context: typer.Context, json: Json = False) -> None:
    """List the sources with their freshness; check one live, confirm it; serve a copy of one.

    A source is looked at by scheduled runs from the day on which somebody saw it answer as declared:

    - `crossings sources` — all of them, with what the last look brought

    - `crossings sources check mn-nso-border-points` — what came, and what is not as its YAML says

    - `crossings sources confirm mn-nso-border-points --by "A. Person"` — that this is right

    - `crossings sources check --all` — every publisher, one after the other
    """
    if context.invoked_subcommand is not None:
        return
    workspace = Workspace.open(settings())
    rows: list[dict[str, Any]] = []
    for spec in workspace.sources.values():
        found, known = freshness.freshness(workspace, spec), standing.standing(workspace, spec.id)
        rows.append({
            "source_id": spec.id, "title": spec.title, "publisher": spec.publisher, "country": spec.country,
            "measure": spec.measure, "cadence": spec.cadence, "licence": spec.licence.name,
            "confirmed": spec.confirmed or known.live, "scheduled": known.scheduled(spec, copy=False), "state": found.state,
            "last_looked": found.looked.isoformat() if found.looked else None,
            "last_changed": found.changed.isoformat() if found.changed else None, "last_failure": found.failed,
            "to_confirm": list(spec.to_confirm),
            "confirmation": None if known.newest is None else known.newest.model_dump(mode="json"),
            "changed": None if known.changed is None else known.changed.model_dump(mode="json"),
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
                  "  `crossings sources check ID` looks at one and tells what came,\n"
                  "  `crossings sources confirm ID` lets scheduled runs take it.\n"
                  "cadence: D day, W week, M month, Q quarter, A year. looked: last look, UTC.\n"
                  "state: never (nothing came yet), fresh, due, overdue, ended,\n"
                  "  changed (not as confirmed: looked at no further; check and confirm it again).")  # fmt: skip
    for r in rows:
        if r["changed"]:
            console.print(f"[red]changed[/] {escape(r['source_id'])}: {escape(r['changed']['why'])}")
        if r["last_failure"]:
            console.print(f"[yellow]last look failed[/] {escape(r['source_id'])}: {escape(r['last_failure'])}")


@sources.command()
def check(
    source: Annotated[str | None, typer.Argument(help="Source id, see `crossings sources`.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All enabled sources, one after the other.")] = False,
    base_url: Copy = None,
    json: Json = False,
) -> None:
    """Look at a source live and tell what came against what is declared; no release will read it.

    What was seen is kept in the lake, for `crossings sources confirm`. Exit code 1 where anything differs.

    Examples:

    - `crossings sources check mn-nso-border-points`

    - `crossings sources check --all --json`
    """
    if every == (source is not None):
        raise CrossingsError("name one source, or give --all", "see `crossings sources`")
    workspace = Workspace.open(settings())
    console = Console(highlight=False, soft_wrap=True, stderr=json)
    if source is None:
        as_declared = _walk(workspace, console, base_url, json)
    else:
        spec = workspace.source(source)
        found = checking.check(workspace, spec, base_url)
        as_declared = not found.differs
        if json:
            print(jsonlib.dumps(_told(found), ensure_ascii=False, indent=1))
        else:
            _show(console, spec, found, standing.standing(workspace, spec.id))
    if not as_declared:
        raise typer.Exit(1)


def _walk(workspace: Workspace, console: Console, base_url: str | None, json: bool) -> bool:
    """Check every source that has somebody to ask; whether all are as declared. One that fails stops no other."""
    rows: list[dict[str, Any]] = []
    for source in checking.checked(workspace):
        console.print(f"[dim]·[/] looking at {source}")
        try:
            rows.append(_told(checking.check(workspace, workspace.source(source), base_url)))
        except CrossingsError as fault:
            rows.append({"source_id": source, "outcome": "failed", "differs": [str(fault)]})
    if json:
        print(jsonlib.dumps(rows, ensure_ascii=False, indent=1))
    else:
        cells = [[escape(text) for text in (r["source_id"], r["outcome"], "; ".join(r["differs"]))] for r in rows]
        columns = ("source_id", "outcome", "what differs")
        table(Console(highlight=False), [(c, "left") for c in columns], cells, whole=columns[:2])
    return all(r["outcome"] == "as declared" for r in rows)


def _told(found: Observation) -> dict[str, Any]:
    fingerprint = None if found.layout is None else found.layout.fingerprint
    return found.model_dump(mode="json") | {"outcome": found.outcome, "fingerprint": fingerprint}


def _show(console: Console, spec: SourceSpec, found: Observation, known: Standing) -> None:
    """What a check saw, line by line, and at the end what to do."""

    def line(name: str, text: str) -> None:
        console.print(f"  {name:10} {escape(text)}")

    console.print(f"{spec.id}: {escape(spec.title)} ({escape(spec.publisher)})")
    if known.newest is None:
        line("confirmed", "yes, in its YAML" if spec.confirmed else "no")
    else:
        copy = "" if known.newest.base_url is None else f", a served copy at {known.newest.base_url}"
        line("confirmed", f"on {known.newest.on}{copy}")
    if known.changed is not None:
        line("changed", f"{known.changed.at:%Y-%m-%d}: {known.changed.why}")
    for point in spec.to_confirm:
        line("to confirm", point)
    for name, payload in found.received.items():
        line("came", f"{name}: {payload.bytes:,} bytes, sha256 {payload.sha256[:12]}…")
    if found.layout is not None:
        said = found.layout
        units = f"; unit {', '.join(said.units)}" if said.units else ""
        line("layout", f"{said.fingerprint}: {said.parser}, frequency {said.freq}; {', '.join(said.dimensions)}{units}")
        for name, labels in found.labels.items():
            more = ", …" if labels.count > len(labels.first) else ""
            line("labels", f"{name}: {labels.count:,}: {', '.join(labels.first)}{more}")
        if (otherwise := known.objection(said)) is not None:
            line("now", otherwise)
        if found.figures or found.refused:
            line("figures", f"{found.figures:,} accepted, {found.refused:,} refused, {found.unselected:,} not selected")
    if found.first is not None:
        line("periods", f"{found.first} to {found.last}")
    for refusal in found.refusals:
        line("refused", refusal)
    if found.differs:
        console.print(f"[bold]differs[/]: {escape('; '.join(found.differs))}")
    else:
        runs = "scheduled runs" if found.base_url is None else "`crossings run --base-url URL`"
        console.print(f"[bold]as declared[/]: `crossings sources confirm {spec.id}` lets {runs} take it")


@sources.command()
def confirm(
    source: SourceId,
    by: Annotated[str | None, typer.Option(help="Who says so.")] = None,
    note: Annotated[str | None, typer.Option(help="What was looked at, or why.")] = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the last confirmation back.")] = False,
) -> None:
    """Record that what the last check saw is right, so that scheduled runs look at the source.

    A look of another layout is kept out of releases from then on, until it is confirmed too. What was seen on a served copy
    (`--base-url`) counts for `crossings run --base-url` alone.

    Examples:

    - `crossings sources confirm mn-nso-border-points --by "A. Person" --note "compared with the table on the web"`

    - `crossings sources confirm mn-nso-border-points --withdraw`
    """
    workspace = Workspace.open(settings())
    spec = workspace.source(source)
    console = Console(highlight=False, soft_wrap=True)
    if withdraw and (by or note):
        raise CrossingsError("--withdraw takes no --by or --note", "leave them out")
    if withdraw:
        undone = standing.withdraw(workspace, spec)
        stands = (
            "it is as before" if undone else "what releases show of it stands until it is checked and confirmed again"
        )
        console.print(f"{spec.id}: the last confirmation is withdrawn; {stands}")
        return
    made = standing.confirm(workspace, spec, by, note)
    where = "`crossings run`" if made.base_url is None else "a served copy, so only `crossings run --base-url URL`"
    console.print(f"{spec.id}: layout {made.layout.fingerprint}, seen {made.seen_at:%Y-%m-%d %H:%M} UTC, is confirmed; {where} "
                  "takes it")  # fmt: skip


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
