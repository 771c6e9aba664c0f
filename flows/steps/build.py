"""Step three: bounds, conflicts and estimates of one country, from what the sources say about it.

In: names of ingested stages and a country. Out: the name of a stage with `daily`, `findings` and derived series.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow.compute as pc

from flows import stage
from flows.workspace import Workspace
from transforms.estimator.settings import EstimateSettings
from transforms.reports import decisions as decide
from transforms.reports import reference
from transforms.series import parts
from transforms.tables import daily

SETTINGS = EstimateSettings()
"""Declared choices of the estimates of a release."""


def countries(workspace: Workspace, ingested: Sequence[str]) -> list[str]:
    """Countries to estimate: those that any report speaks of which is more than a regular statistic."""
    found: set[str] = set()
    for name in ingested:
        reports = stage.made(workspace.staging, name).table("reports").select(["country", "role"])
        found |= set(reports.filter(pc.field("role") != "regular")["country"].to_pylist())
    return sorted(found)


def estimate(workspace: Workspace, ingested: Sequence[str], country: str) -> str:
    """Bounds, conflicts and estimates of every series of one country; returns the name of the stage."""
    name = stage.key({"step": "estimate", "country": country, **{f"stage/{i}": n for i, n in enumerate(ingested)}})
    if stage.existing(workspace.staging, name) is None:
        reports = stage.together(workspace.staging, ingested, "reports")
        decided = decide.parse(workspace.reference["decisions"])
        definitions = stage.together(workspace.staging, ingested, "series").drop_duplicates("series")
        built, _ = daily.of_vintage(
            reports.loc[reports["country"] == country], decided, definitions.loc[definitions["country"] == country],
            reference.events(workspace.reference["events"]), settings=SETTINGS,
            part_of=parts.declared_parts(reference.table("checkpoints", workspace.reference["checkpoints"])),
        )  # fmt: skip
        stage.write(
            workspace.staging,
            name,
            {"daily": built.daily, "findings": built.findings, "series": built.derived},
            {"country": country},
        )
    return name
