"""The steps of the pipeline as plain functions: what Prefect tasks wrap in one line, and what `--local` calls directly.

collect -> ingest (per source) -> estimate (per country) -> release. Steps hand each other stage names; what a stage
is made from is in its name, so a step whose stage is there does nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc

from crossings.errors import CrossingsError, FetchFailed, UnreadableInput
from crossings.lake import Published, digest, release_id
from crossings.rules import Finding
from crossings.schema.tables import DECISIONS, OFFICIAL, RELEASED, REPORTS, TABLES
from crossings.source.model import SourceSpec
from flows import stage
from flows.archive.archive import Look
from flows.workspace import Workspace, read_file
from transforms import findings
from transforms.parse import registry
from transforms.parse.contract import Payload
from transforms.reports import decisions as decide
from transforms.reports import prepare, reference, revisions, vintages
from transforms.series import definitions, parts
from transforms.tables import official

STATEMENTS = "register"  # the parser of statement files


@dataclass(frozen=True)
class Counts:
    """Row accounting of one source."""

    source_id: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int


def sources(workspace: Workspace) -> list[str]:
    """Sources that a run looks at: the register, and every other one that was confirmed on the live service."""
    return [
        id_ for id_, spec in workspace.sources.items() if spec.enabled and (spec.confirmed or spec.parser == STATEMENTS)
    ]


def collect(workspace: Workspace, source_id: str, base_url: str | None = None) -> str:
    """Bring a source's bytes into the raw archive; returns the digest of what is to be read.

    Raises CrossingsError for an unknown source and FetchFailed where the publisher gave nothing usable.
    """
    from flows.collect import looking

    spec = workspace.source(source_id)
    if spec.parser != STATEMENTS:
        return looking.look(workspace, spec, base_url=base_url)
    path = workspace.settings.data / spec.id / "reports.csv"
    return bring_statements(workspace, source_id, path)


def look_back(workspace: Workspace, source_id: str, start: dt.date, base_url: str | None = None) -> str:
    """Look at a source for every period since `start`; returns the digest of the bundle."""
    from flows.collect import backfill, looking

    spec = workspace.source(source_id)
    if spec.parser == STATEMENTS:
        raise CrossingsError(f"{source_id} is a file of statements", "there is nothing to look back at; edit the file")
    return looking.look(workspace, backfill.reaching(spec, start, workspace.now.date()), base_url=base_url)


def collect_or_keep(workspace: Workspace, source_id: str, base_url: str | None = None) -> str:
    """As `collect`; where a look at a publisher fails, what the archive holds already, or empty text.

    The failure stands in the fetch log. A publisher that is down must not keep the others out of a release.
    """
    try:
        return collect(workspace, source_id, base_url)
    except (FetchFailed, UnreadableInput):
        if workspace.source(source_id).parser == STATEMENTS:
            raise
        return archived(workspace).get(source_id, "")


def bring_statements(workspace: Workspace, source_id: str, path: Path) -> str:
    """Archive a statement CSV; unchanged bytes leave no trace, so that an unchanged run writes nothing."""
    look = workspace.archive.add_local(source_id, read_file(path), STATEMENTS, workspace.now, log_unchanged=False)
    assert look.sha256 is not None
    return look.sha256


def archived(workspace: Workspace) -> dict[str, str]:
    """What the archive holds of each source, newest last, without looking at any publisher."""
    found: dict[str, str] = {}
    for id_ in workspace.sources:
        digests = _digests(workspace, id_)
        if digests:
            found[id_] = digests[-1]
    return found


def _vintages(workspace: Workspace, source_id: str) -> list[Look]:
    """Statement files or bundles of a source, each change of bytes once, a return to earlier bytes included."""
    keys = {f"LOCAL {STATEMENTS}", "LOCAL bundle"}
    return [k for k in workspace.archive.looks(source_id) if k.request_key in keys and k.outcome == "new"]


def _digests(workspace: Workspace, source_id: str) -> list[str]:
    return [look.sha256 for look in _vintages(workspace, source_id) if look.sha256 is not None]


def ingest(workspace: Workspace, source_id: str, sha256: str, strict: bool = False) -> str:
    """Parse, decide, encode and judge one source; returns the name of its stage.

    Of a statement file the newest one counts; of a statistics source every look, so that revisions are kept. A look
    that cannot be read is told as a finding and leaves the source as the looks before showed it; with `strict`
    UnreadableInput is raised where it is the newest one.
    """
    looks = _vintages(workspace, source_id)
    seen = _digests(workspace, source_id)
    spec = workspace.source(source_id)
    name = stage.key({"step": "ingest", "source": source_id, "spec": spec.model_dump_json(), "payload": sha256,
                      "vintages": ",".join(seen), **workspace.base_inputs})  # fmt: skip
    if stage.existing(workspace.staging, name) is None:
        from flows.gates import summarise
        from flows.judge import judge

        known = reference.read(workspace.reference)
        today = pd.Timestamp(workspace.now.date())
        cells, told, absences, repeated, unreadable = _no_official(), [], 0, 0, None
        if spec.parser == STATEMENTS:
            prepared = prepare.prepare(
                source_id, workspace.archive.read(sha256), "reports.csv", decide.parse(workspace.reference["decisions"]),
                definitions.parse(workspace.reference["series"]), known, today,
            )  # fmt: skip
        else:
            gathered, unreadable = _gathered(workspace, spec, looks, known)
            prepared = prepare.ready(source_id, sha256, gathered.statements, decide.none(),
                                     definitions.parse(workspace.reference["series"]), known, today, regular=True)  # fmt: skip
            cells = pd.concat([gathered.missing, gathered.marked], ignore_index=True)
            told, absences, repeated = gathered.findings, gathered.absences, gathered.repeated
        judgements, results = judge(prepared, known)
        settled = prepare.settle(prepared, judgements)
        suite = summarise(f"{REPORTS.name} of {source_id}", results, prepared.frame)
        received = settled.rows_in if spec.parser == STATEMENTS else gathered.rows_in
        counts = Counts(source_id, received, len(settled.reports) + absences, len(settled.quarantine),
                        settled.duplicates + repeated)  # fmt: skip
        stage.write(
            workspace.staging, name,
            {"reports": settled.reports, "quarantine": settled.quarantine, "official": cells,
             "findings": pd.concat([settled.findings, findings.table(told)], ignore_index=True),
             "series": _dates(settled.series)},
            {"counts": asdict(counts), "suite": suite, "unreadable": unreadable},
        )  # fmt: skip
    refused = _stage(workspace, name).summary["unreadable"]
    if strict and refused:
        raise UnreadableInput(*refused)
    return name


def _gathered(
    workspace: Workspace, spec: SourceSpec, looks: Sequence[Look], known: reference.Reference
) -> tuple[revisions.Gathered, list[str] | None]:
    """Parse every look; one that cannot be read is told. With it: message and remedy where that is the newest one."""
    parsed, told, refused = [], [], None
    for look in looks:
        assert look.sha256 is not None
        try:
            found = registry.parse(looking_payloads(workspace, look.sha256), spec)
        except UnreadableInput as error:
            refused = [f"{spec.id}: {error.message}", error.remedy]
            told.append((look, error))
            continue
        refused = None
        parsed.append(revisions.Look(found, look.looked_at, look.sha256))
    gathered = revisions.gather(parsed, spec, known.main_timezone)
    unread = [
        Finding("unreadable_look", severity="error" if refused and look is looks[-1] else None, table="reports",
                country=spec.country, date_start=look.looked_at.date(), date_end=look.looked_at.date(),
                finding_id=findings.identifier("unreadable_look", spec.id, look.sha256, look.looked_at),
                message=f"{spec.id}: the look of {look.looked_at:%Y-%m-%d %H:%M} UTC cannot be read, the looks before it "
                        f"stand: {error}")
        for look, error in told
    ]  # fmt: skip
    return replace(gathered, findings=[*gathered.findings, *unread]), refused


def looking_payloads(workspace: Workspace, sha256: str) -> list[Payload]:
    """The payloads of one archived look."""
    from flows.collect import looking

    return looking.payloads(workspace.archive, sha256)


def countries(workspace: Workspace, ingested: Sequence[str]) -> list[str]:
    """Countries to estimate: those that any report speaks of which is more than a regular statistic."""
    found: set[str] = set()
    for name in ingested:
        reports = _stage(workspace, name).table("reports").select(["country", "role"])
        found |= set(reports.filter(pc.field("role") != "regular")["country"].to_pylist())
    return sorted(found)


def estimate(workspace: Workspace, ingested: Sequence[str], country: str) -> str:
    """Bounds, conflicts and estimates of every series of one country; returns the name of the stage."""
    from transforms.tables import daily

    name = stage.key({"step": "estimate", "country": country, **{f"stage/{i}": n for i, n in enumerate(ingested)}})
    if stage.existing(workspace.staging, name) is None:
        reports = _together(workspace, ingested, "reports")
        encoded = vintages.encoded(reports.loc[reports["country"] == country], _decisions(workspace))
        definitions = _together(workspace, ingested, "series").drop_duplicates("series")
        built = daily.build(
            encoded, definitions.loc[definitions["country"] == country],
            reference.events(workspace.reference["events"]),
            part_of=parts.declared_parts(reference.table("checkpoints", workspace.reference["checkpoints"])),
        )  # fmt: skip
        stage.write(
            workspace.staging,
            name,
            {"daily": built.daily, "findings": built.findings, "series": built.derived},
            {"country": country},
        )
    return name


def planned(workspace: Workspace, digests: dict[str, str]) -> dict[str, str]:
    """Everything a release of these payloads is made from, by name and digest."""
    inputs = workspace.base_inputs
    for source, sha256 in digests.items():
        spec = workspace.source(source).model_dump_json()
        statements = workspace.source(source).parser == STATEMENTS
        seen = "" if statements else ",".join(_digests(workspace, source))
        inputs = inputs | {f"payload/{source}": sha256, f"source/{source}": digest(f"{spec} {seen}".encode())}
    return inputs


def release(
    workspace: Workspace, ingested: Sequence[str], estimated: Sequence[str], inputs: dict[str, str]
) -> Published:
    """Gate the tables and publish them; raises ReleaseStopped and keeps `current` where a gate fails.

    The validation page is written either way.
    """
    from flows import gates

    held = gates.Gates()
    reports = _together(workspace, ingested, "reports")
    definitions = _together(workspace, [*ingested, *estimated], "series").drop_duplicates("series")
    events = reference.events(workspace.reference["events"])
    told = _together(workspace, [*ingested, *estimated], "findings").drop_duplicates("finding_id")
    points = _together(workspace, estimated, "daily")
    decided = vintages.encoded(reports, _decisions(workspace))
    kept, withheld = gates.hold_estimates(held, points, decided, told, definitions, events)
    regular = official.build(reports, definitions, _together(workspace, ingested, "official"), kept)
    tables = {
        "reports": reports,
        "quarantine": _together(workspace, ingested, "quarantine"),
        "findings": pd.concat([told, withheld, regular.findings], ignore_index=True),
        "daily": kept,
        "official": regular.table,
        "series": definitions,
        "decisions": _decision_table(workspace),
        "events": events,
        "sources": _source_table(workspace, [_stage(workspace, n).summary["counts"]["source_id"] for n in ingested]),
    }
    conformed = {name: TABLES[name].conform(tables[name]) for name in RELEASED}
    summaries = [_stage(workspace, name).summary for name in ingested]
    gates.hold_release(workspace, held, release_id(inputs), conformed, summaries)
    return workspace.lake.publish(conformed, inputs, workspace.now)


def _stage(workspace: Workspace, name: str) -> stage.Stage:
    found = stage.existing(workspace.staging, name)
    assert found is not None, name
    return found


def _together(workspace: Workspace, names: Sequence[str], table: str) -> pd.DataFrame:
    parts = [_stage(workspace, name).frame(table) for name in names]
    return pd.concat(parts, ignore_index=True) if parts else TABLES[table].arrow().empty_table().to_pandas()


def _decisions(workspace: Workspace) -> pd.DataFrame:
    return decide.parse(workspace.reference["decisions"])


def _decision_table(workspace: Workspace) -> pd.DataFrame:
    frame = _decisions(workspace)
    evidence = [text.split(";") if text else [] for text in frame["evidence_report_ids"]]
    return frame.replace("", None).assign(evidence_report_ids=evidence)[list(DECISIONS.names)]


def _source_table(workspace: Workspace, ids: Sequence[str]) -> pd.DataFrame:
    rows = [
        {"source_id": s.id, "title": s.title, "publisher": s.publisher, "country": s.country, "licence": s.licence.name,
         "cadence": s.cadence, "parser": s.parser, "confirmed": s.confirmed}
        for s in (workspace.source(i) for i in ids)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(TABLES["sources"].names))


def _no_official() -> pd.DataFrame:
    return OFFICIAL.arrow().empty_table().to_pandas()


def _dates(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c].dt.date for c in ("epoch_start", "epoch_end")})
