"""The steps of the pipeline as plain functions: what Prefect tasks wrap in one line, and what `--local` calls directly.

collect -> ingest (per source) -> estimate (per country) -> release. Steps hand each other stage names; what a stage
is made from is in its name, so a step whose stage is there does nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from crossings.lake import Published, release_id
from crossings.schema import DECISIONS, RELEASED, REPORTS, TABLES
from flows import stage
from flows.workspace import Workspace, read_file
from transforms import decisions as decide
from transforms import prepare, reference, series, vintages

REGISTER = "register"
SAMPLES = 20  # failing rows listed on the page; what is quarantined is never capped


@dataclass(frozen=True)
class Counts:
    """Row accounting of one source."""

    source_id: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int


def sources(workspace: Workspace) -> list[str]:  # noqa: ARG001
    """Sources that a run looks at."""
    return [REGISTER]


def collect(workspace: Workspace, source_id: str = REGISTER) -> str:
    """Bring a source's bytes into the raw archive; returns the digest of what is to be read."""
    path = workspace.settings.data / "register" / "reports.csv"
    look = workspace.archive.add_local(source_id, read_file(path), path.name, workspace.now, log_unchanged=False)
    assert look.sha256 is not None
    return look.sha256


def archived(workspace: Workspace) -> dict[str, str]:
    """What the archive holds of each source, without looking at any publisher."""
    found = {source: workspace.archive.payloads(source) for source in sources(workspace)}
    return {source: payloads[-1].sha256 for source, payloads in found.items() if payloads}


def ingest(workspace: Workspace, source_id: str, sha256: str) -> str:
    """Parse, decide, encode and judge one source; returns the name of its stage."""
    name = stage.key({"step": "ingest", "source": source_id, "payload": sha256, **workspace.base_inputs})
    if stage.existing(workspace.staging, name) is None:
        from flows.judge import judge

        known = reference.read(workspace.reference)
        prepared = prepare.prepare(
            source_id, workspace.archive.read(sha256), "reports.csv", decide.parse(workspace.reference["decisions"]),
            series.parse(workspace.reference["series"]), known, pd.Timestamp(workspace.now.date()),
        )  # fmt: skip
        judgements, results = judge(prepared, known)
        settled = prepare.settle(prepared, judgements)
        suite = summarise(f"{REPORTS.name} of {source_id}", results, prepared.frame)
        counts = Counts(source_id, settled.rows_in, len(settled.reports), len(settled.quarantine), settled.duplicates)
        stage.write(
            workspace.staging, name,
            {"reports": settled.reports, "quarantine": settled.quarantine, "findings": settled.findings,
             "series": _dates(settled.series)},
            {"counts": asdict(counts), "suite": suite},
        )  # fmt: skip
    return name


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
        stage.write(workspace.staging, name, {"daily": built.daily, "findings": built.findings}, {"country": country})
    return name


def planned(workspace: Workspace, digests: dict[str, str]) -> dict[str, str]:
    """Everything a release of these payloads is made from, by name and digest."""
    return workspace.base_inputs | {f"payload/{source}": sha256 for source, sha256 in digests.items()}


def release(workspace: Workspace, ingested: Sequence[str], estimated: Sequence[str], inputs: dict[str, str]) -> Published:
    """Gate the tables and publish them; raises ReleaseStopped and keeps `current` where a gate fails.

    The validation page is written either way.
    """
    from flows.gates import hold_gates

    tables = {
        "reports": _together(workspace, ingested, "reports"),
        "quarantine": _together(workspace, ingested, "quarantine"),
        "findings": _together(workspace, [*ingested, *estimated], "findings").drop_duplicates("finding_id"),
        "daily": _together(workspace, estimated, "daily"),
        "series": _together(workspace, ingested, "series").drop_duplicates("series"),
        "decisions": _decision_table(workspace),
        "events": reference.events(workspace.reference["events"]),
        "sources": pd.DataFrame(columns=list(TABLES["sources"].names)),
        "official": pd.DataFrame(columns=list(TABLES["official"].names)),
    }
    conformed = {name: TABLES[name].conform(tables[name]) for name in RELEASED}
    summaries = [_stage(workspace, name).summary for name in ingested]
    hold_gates(workspace, release_id(inputs), conformed, summaries)
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


def _dates(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c].dt.date for c in ("epoch_start", "epoch_end")})


def summarise(name: str, results: Sequence[Any], frame: pd.DataFrame) -> dict[str, Any]:
    """Rule results as plain values, with a few failing rows each."""
    shown = [c for c in ("report_id", "finding_id", "date", "country", "series", "direction", "period_start", "period_end",
                         "value_text", "value", "estimate", "lower", "upper", "publisher", "url") if c in frame]  # fmt: skip
    rules = []
    for result in results:
        rows = frame.loc[list(result.rows[:SAMPLES]), shown]
        samples = [{k: decide.printed(v) for k, v in row.items()} for row in rows.to_dict("records")]
        rules.append({k: v for k, v in asdict(result).items() if k != "rows"} | {"samples": samples})
    return {"name": name, "rows": len(frame), "rules": rules}
