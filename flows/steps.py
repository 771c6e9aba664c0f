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

from crossings.errors import CrossingsError, UnreadableInput
from crossings.lake import Published, digest, release_id
from crossings.schema import DECISIONS, OFFICIAL, RELEASED, REPORTS, TABLES
from crossings.sources import SourceSpec
from flows import stage
from flows.archive import Payload as Archived
from flows.workspace import Workspace, read_file
from transforms import decisions as decide
from transforms import findings, observations, official, prepare, reference, series, vintages
from transforms.parse import registry
from transforms.parse.contract import Payload

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
    from flows import looking

    spec = workspace.source(source_id)
    if spec.parser != STATEMENTS:
        return looking.look(workspace, spec, base_url=base_url)
    path = workspace.settings.data / spec.id / "reports.csv"
    return bring_statements(workspace, source_id, path)


def look_back(workspace: Workspace, source_id: str, start: dt.date, base_url: str | None = None) -> str:
    """Look at a source for every period since `start`; returns the digest of the bundle."""
    from flows import backfill, looking

    spec = workspace.source(source_id)
    if spec.parser == STATEMENTS:
        raise CrossingsError(f"{source_id} is a file of statements", "there is nothing to look back at; edit the file")
    return looking.look(workspace, backfill.reaching(spec, start, workspace.now.date()), base_url=base_url)


def bring_statements(workspace: Workspace, source_id: str, path: Path) -> str:
    """Archive a statement CSV; unchanged bytes leave no trace, so that an unchanged run writes nothing."""
    look = workspace.archive.add_local(source_id, read_file(path), STATEMENTS, workspace.now, log_unchanged=False)
    assert look.sha256 is not None
    return look.sha256


def archived(workspace: Workspace) -> dict[str, str]:
    """What the archive holds of each source, newest last, without looking at any publisher."""
    found: dict[str, str] = {}
    for id_ in workspace.sources:
        digests = _vintages(workspace, id_)
        if digests:
            found[id_] = digests[-1].sha256
    return found


def _vintages(workspace: Workspace, source_id: str) -> list[Archived]:
    """Statement files or bundles of a source, in order of first arrival."""
    keys = {f"LOCAL {STATEMENTS}", "LOCAL bundle"}
    return [p for p in workspace.archive.payloads(source_id) if p.request_key in keys]


def ingest(workspace: Workspace, source_id: str, sha256: str) -> str:
    """Parse, decide, encode and judge one source; returns the name of its stage.

    Of a statement file the newest one counts; of a statistics source every look, so that revisions are kept.
    """
    vintages_ = _vintages(workspace, source_id)
    seen = [v.sha256 for v in vintages_]
    spec = workspace.source(source_id)
    name = stage.key({"step": "ingest", "source": source_id, "spec": spec.model_dump_json(), "payload": sha256,
                      "vintages": ",".join(seen), **workspace.base_inputs})  # fmt: skip
    if stage.existing(workspace.staging, name) is None:
        from flows.gates import summarise
        from flows.judge import judge

        known = reference.read(workspace.reference)
        today = pd.Timestamp(workspace.now.date())
        missing, told, repeated = _no_official(), [], 0
        if spec.parser == STATEMENTS:
            prepared = prepare.prepare(
                source_id, workspace.archive.read(sha256), "reports.csv", decide.parse(workspace.reference["decisions"]),
                series.parse(workspace.reference["series"]), known, today,
            )  # fmt: skip
        else:
            gathered = _gathered(workspace, spec, vintages_, known)
            prepared = prepare.ready(source_id, sha256, gathered.statements, decide.none(),
                                     series.parse(workspace.reference["series"]), known, today, regular=True)  # fmt: skip
            missing, told, repeated = gathered.missing, gathered.findings, gathered.repeated
        judgements, results = judge(prepared, known)
        settled = prepare.settle(prepared, judgements)
        suite = summarise(f"{REPORTS.name} of {source_id}", results, prepared.frame)
        accepted = len(settled.reports) + len(missing)
        counts = Counts(source_id, settled.rows_in + len(missing) + repeated, accepted, len(settled.quarantine),
                        settled.duplicates + repeated)  # fmt: skip
        stage.write(
            workspace.staging, name,
            {"reports": settled.reports, "quarantine": settled.quarantine, "official": missing,
             "findings": pd.concat([settled.findings, findings.table(told)], ignore_index=True),
             "series": _dates(settled.series)},
            {"counts": asdict(counts), "suite": suite},
        )  # fmt: skip
    return name


def _gathered(
    workspace: Workspace, spec: SourceSpec, looks: Sequence[Archived], known: reference.Reference
) -> observations.Gathered:
    """Parse every look; the newest must be readable, an older one that is not is told."""
    parsed, told = [], []
    for number, vintage in enumerate(looks, start=1):
        try:
            found = registry.parse(looking_payloads(workspace, vintage.sha256), spec)
        except UnreadableInput as error:
            if number == len(looks):
                raise
            told.append({"rule": "unreadable", "severity": "error", "table": "reports", "country": spec.country,
                         "message": f"{spec.id}: the look of {vintage.recorded_at:%Y-%m-%d} was refused: {error}"})  # fmt: skip
            continue
        parsed.append(observations.Look(found, vintage.recorded_at))
    gathered = observations.gather(parsed, spec, known.main_timezone)
    return replace(gathered, findings=[*gathered.findings, *told])


def looking_payloads(workspace: Workspace, sha256: str) -> list[Payload]:
    """The payloads of one archived look."""
    from flows import looking

    return looking.payloads(workspace.archive, sha256)


def countries(workspace: Workspace, ingested: Sequence[str]) -> list[str]:
    """Countries that any ingested report speaks of."""
    found: set[str] = set()
    for name in ingested:
        found |= set(_stage(workspace, name).table("reports")["country"].unique().to_pylist())
    return sorted(found)


def estimate(workspace: Workspace, ingested: Sequence[str], country: str) -> str:
    """Bounds, conflicts and estimates of every series of one country; returns the name of the stage."""
    from transforms import daily

    name = stage.key({"step": "estimate", "country": country, **{f"stage/{i}": n for i, n in enumerate(ingested)}})
    if stage.existing(workspace.staging, name) is None:
        reports = _together(workspace, ingested, "reports")
        encoded = vintages.encoded(reports.loc[reports["country"] == country], _decisions(workspace))
        definitions = _together(workspace, ingested, "series").drop_duplicates("series")
        built = daily.build(
            encoded, definitions.loc[definitions["country"] == country], reference.events(workspace.reference["events"])
        )
        stage.write(
            workspace.staging,
            name,
            {"daily": built.daily, "findings": built.findings, "series": _no_series()},
            {"country": country},
        )
    return name


def planned(workspace: Workspace, digests: dict[str, str]) -> dict[str, str]:
    """Everything a release of these payloads is made from, by name and digest."""
    inputs = workspace.base_inputs
    for source, sha256 in digests.items():
        spec = workspace.source(source).model_dump_json()
        seen = (
            ",".join(v.sha256 for v in _vintages(workspace, source))
            if workspace.source(source).parser != STATEMENTS
            else ""
        )
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
    tables = {
        "reports": reports,
        "quarantine": _together(workspace, ingested, "quarantine"),
        "findings": pd.concat([told, withheld], ignore_index=True),
        "daily": kept,
        "official": official.build(reports, definitions, _together(workspace, ingested, "official"), points),
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


def _no_series() -> pd.DataFrame:
    return TABLES["series"].arrow().empty_table().to_pandas()


def _no_official() -> pd.DataFrame:
    return OFFICIAL.arrow().empty_table().to_pandas()


def _dates(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c].dt.date for c in ("epoch_start", "epoch_end")})
