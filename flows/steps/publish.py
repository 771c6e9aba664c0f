"""Step four: the tables of all stages behind the release gates, and into the lake.

In: names of ingested and estimated stages, and the inputs they were made from. Out: the release, or ReleaseStopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from crossings.lake import Published, release_id
from crossings.schema.tables import DECISIONS, RELEASED, TABLES
from flows import gates, stage
from flows.collect.standing import standing
from flows.steps import build
from flows.workspace import Workspace
from transforms.reports import decisions as decide
from transforms.reports import reference, vintages
from transforms.series import definitions as series_definitions
from transforms.tables import headline, official, relations


def release(
    workspace: Workspace, ingested: Sequence[str], estimated: Sequence[str], inputs: dict[str, str]
) -> Published:
    """Gate the tables and publish them; raises ReleaseStopped and keeps `current` where a gate fails.

    The validation page is written either way.
    """

    def together(names: Sequence[str], table: str) -> pd.DataFrame:
        return stage.together(workspace.staging, names, table)

    held = gates.Gates()
    reports = together(ingested, "reports")
    definitions = series_definitions.united(together([*ingested, *estimated], "series"))
    events = reference.events(workspace.reference["events"])
    decisions = decide.parse(workspace.reference["decisions"])
    told = together([*ingested, *estimated], "findings").drop_duplicates("finding_id")
    points = together(estimated, "daily")
    decided = vintages.encoded(reports, decisions)
    kept, withheld = gates.hold_estimates(held, points, decided, told, definitions, events)
    regular = official.build(reports, definitions, together(ingested, "official"), kept)
    summaries = [stage.made(workspace.staging, name).summary for name in ingested]
    standing = reference.headline(workspace.reference["headline"])
    compared = relations.build(relations.parse(workspace.reference["relations"]), kept, decided)
    tables = {
        "headline": headline.build(kept, standing, events, decided, regular.table),
        "reports": reports,
        "quarantine": together(ingested, "quarantine"),
        "findings": pd.concat([told, withheld, regular.findings, compared.findings], ignore_index=True),
        "daily": kept,
        "official": regular.table,
        "series": definitions,
        "decisions": _decision_table(decisions),
        "events": events,
        "relations": compared.table,
        "sources": _source_table(workspace, [summary["counts"]["source_id"] for summary in summaries]),
    }
    conformed = {name: TABLES[name].conform(tables[name]) for name in RELEASED}
    gates.hold_release(workspace, held, release_id(inputs), conformed, summaries)
    return workspace.lake.publish(conformed, inputs, workspace.now, asdict(build.SETTINGS))


def _decision_table(decisions: pd.DataFrame) -> pd.DataFrame:
    evidence = [text.split(";") if text else [] for text in decisions["evidence_report_ids"]]
    dates = {c: pd.to_datetime(decisions[c].replace("", None)).dt.date for c in ("decided_on", "evidence_on")}
    return decisions.replace("", None).assign(evidence_report_ids=evidence, **dates)[list(DECISIONS.names)]


def _source_table(workspace: Workspace, ids: Sequence[str]) -> pd.DataFrame:
    rows = [
        {"source_id": s.id, "title": s.title, "publisher": s.publisher, "country": s.country, "licence": s.licence.name,
         "cadence": s.cadence, "parser": s.parser, "confirmed": s.confirmed or standing(workspace, s.id).live}
        for s in (workspace.source(i) for i in ids)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(TABLES["sources"].names))
