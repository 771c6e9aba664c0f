"""Commands about sources: list with freshness, check one live, serve a copy, ingest one."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from crossings.errors import CrossingsError
from crossings.settings import settings
from flows import pipeline, stage
from flows.cli.printing import table
from flows.collect import freshness, questions, served_copy
from flows.steps import collect
from flows.workspace import Workspace
from transforms.parse import registry


def list_sources(*, json: bool) -> None:
    """Every source with its freshness."""
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


def check(source_id: str, *, base_url: str | None) -> None:
    """Look at one source live and tell what came, against what its YAML declares; no release will read it."""
    workspace = Workspace.open(settings())
    spec = workspace.source(source_id)
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


def serve(source_id: str, folder: Path, port: int) -> None:
    """Play a publisher on this machine until interrupted."""
    workspace = Workspace.open(settings())
    server = served_copy.serve(workspace.source(source_id), folder, port)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    print(
        f"serving {folder} at {address} (Ctrl-C ends it); try: crossings ingest {source_id} --base-url {address}",
        flush=True,
    )
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def ingest(source_id: str, *, base_url: str | None, files: list[Path], json: bool) -> None:
    """Look at one source, archive what came, parse and judge it, and tell the row accounting."""
    workspace = Workspace.open(settings())
    spec = workspace.source(source_id)
    console = Console(stderr=json, highlight=False, soft_wrap=True)

    def collected() -> str:
        if not files:
            return collect.collect(workspace, source_id, base_url)
        return questions.bring(workspace, spec, files)

    if files and base_url:
        raise CrossingsError("--file and --base-url exclude each other", "give one of them")
    if spec.by_hand and (base_url or len(files) > 1):
        raise CrossingsError(f"{spec.id} is read from one statement file", "give one --file, or none for data/register")
    counts, name = pipeline.ingest_one(workspace, source_id, collected)
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


def look_back(source_id: str, start: dt.date, *, base_url: str | None, json: bool) -> None:
    """Look at one source for every period since a date and tell the row accounting."""
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    workspace = Workspace.open(settings())

    def tell(text: str) -> None:
        console.print(escape(text))

    counts = pipeline.backfill(workspace, pipeline.in_process, tell, source_id, start, base_url)
    if json:
        print(jsonlib.dumps(counts, indent=1))


def requarantine(*, json: bool) -> None:
    """Judge everything in quarantine again with the rules and records of today."""
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
