"""The steps one after another: names go from one to the next, work is done once, settings reach the manifest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from crossings.settings import Settings
from flows import stage
from flows.steps import build, collect, ingest, publish
from flows.workspace import Workspace


@pytest.fixture
def workspace(lake: Path, small_data: Path) -> Workspace:
    return Workspace.open(Settings(lake=lake, data=small_data))


def test_a_register_goes_from_its_bytes_to_a_release(workspace: Workspace) -> None:
    payloads = {"register": collect.collect(workspace, "register")}
    ingested = [ingest.ingest(workspace, "register", payloads["register"])]
    counts = stage.made(workspace.staging, ingested[0]).summary["counts"]
    assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] + counts["duplicates"] == 12
    assert build.countries(workspace, ingested) == ["FIN"]
    estimated = [build.estimate(workspace, ingested, "FIN")]
    before = {path: path.stat().st_mtime_ns for path in workspace.staging.rglob("*")}
    assert [ingest.ingest(workspace, "register", payloads["register"])] == ingested
    assert [build.estimate(workspace, ingested, "FIN")] == estimated
    assert {path: path.stat().st_mtime_ns for path in workspace.staging.rglob("*")} == before
    published = publish.release(workspace, ingested, estimated, collect.planned(workspace, payloads))
    assert published.written
    assert published.release.manifest["settings"] == asdict(build.SETTINGS)
    assert stage.together(workspace.staging, estimated, "daily").shape[0] == published.release.read("daily").num_rows


def test_of_no_stage_every_table_is_there_and_empty(workspace: Workspace) -> None:
    assert list(stage.together(workspace.staging, [], "reports").columns)
    assert len(stage.together(workspace.staging, [], "reports")) == 0
