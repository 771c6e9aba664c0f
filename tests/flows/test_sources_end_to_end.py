"""Every source on its real path: served copy, fetch, archive, parse, judge, revise, publish."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from parse_support import recorded, sources
from serving import STATISTICS, revised, served, workspace

from crossings.lake import Release
from crossings.source.model import SourceSpec
from flows import pipeline, stage
from flows.archive.archive import Look
from flows.steps import collect, ingest
from flows.workspace import Workspace
from transforms.parse import registry
from transforms.parse.contract import Payload
from transforms.series import definitions

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Journey:
    """Three looks at one source: its recorded payloads, the same again, and one with a changed figure."""

    first: stage.Stage
    again: stage.Stage
    later: stage.Stage
    changed: int
    shown: list[Payload]
    looks_between: list[Look]

    def counts(self, which: str) -> dict[str, int]:
        counts = getattr(self, which).summary["counts"]
        assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] + counts["duplicates"]
        return counts


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return workspace(tmp_path_factory.mktemp("sources") / "lake")


@pytest.fixture(scope="module")
def travelled(lake: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Journey]:
    made: dict[str, Journey] = {}

    def look(name: str, folder: Path | None = None) -> stage.Stage:
        with served(lake.source(name), folder) as address:
            collected = collect.collect(lake, name, address)
        return stage.Stage(lake.staging / ingest.ingest(lake, name, collected, strict=True))

    def journey(name: str) -> Journey:
        if name not in made:
            folder = tmp_path_factory.mktemp(name) / "revised"
            first = look(name)
            count = len(lake.archive.looks(name))
            again = look(name)
            between = lake.archive.looks(name)[count:]
            changed = revised(name, folder)
            later = look(name, folder)
            shown = [Payload(f.read_bytes(), "", f.name) for f in sorted(folder.iterdir())]
            made[name] = Journey(first, again, later, changed, shown, between)
        return made[name]

    return journey


@pytest.fixture(scope="module")
def release(lake: Workspace, travelled: Callable[[str], Journey]) -> Release:
    for name in STATISTICS:
        travelled(name)
    pipeline.publish(lake, pipeline.in_process, lambda _: None)
    return lake.lake.release()


@pytest.mark.parametrize("name", STATISTICS)
def test_every_row_ends_as_accepted_quarantined_or_duplicate(name: str, travelled: Callable[[str], Journey]) -> None:
    there = travelled(name)
    counts = there.counts("first")
    expected = registry.parse(recorded(name), spec_of(name))
    assert counts["rows_in"] == expected.considered - expected.unselected
    assert counts["duplicates"] == 0
    assert len(there.first.frame("quarantine")) == counts["quarantined"]
    absent = there.first.frame("official")["report_id"].isna().sum()
    assert len(there.first.frame("reports")) + absent == counts["accepted"] > 0


@pytest.mark.parametrize("name", STATISTICS)
def test_every_report_leads_to_its_archived_bytes(
    name: str, lake: Workspace, travelled: Callable[[str], Journey]
) -> None:
    there = travelled(name)
    recorded_bytes = {p.content for p in recorded(name)}
    for table in ("reports", "quarantine"):
        rows = there.first.frame(table)
        assert rows["payload_locator"].str.len().gt(0).all()
        for sha256 in rows["payload_sha256"].unique():
            content = lake.archive.read(sha256)
            assert table == "quarantine" or content in recorded_bytes
    assert set(there.first.frame("reports")["role"]) == {"regular"}
    assert set(there.first.frame("reports")["source_id"]) == {name}


@pytest.mark.parametrize("name", STATISTICS)
def test_the_same_bytes_again_add_nothing(name: str, travelled: Callable[[str], Journey]) -> None:
    there = travelled(name)
    assert there.again.path == there.first.path
    assert there.looks_between, "the second look is logged"
    assert {look.outcome for look in there.looks_between if look.request_key.startswith("LOCAL")} == {"unchanged"}
    assert "failed" not in {look.outcome for look in there.looks_between}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_changed_figure_is_a_second_report_that_supersedes_the_first(
    name: str, travelled: Callable[[str], Journey]
) -> None:
    there = travelled(name)
    counts = there.counts("later")
    before, after = (getattr(there, which).frame("reports").set_index("report_id") for which in ("first", "later"))
    fresh = after.loc[after.index.difference(before.index)]
    assert len(fresh) == there.changed
    assert counts["rows_in"] == 2 * there.counts("first")["rows_in"]
    assert counts["duplicates"] == there.counts("first")["rows_in"] - there.changed
    for report_id, report in fresh.iterrows():
        earlier = after.loc[report["supersedes"]]
        assert (report["role"], earlier["role"]) == ("regular", "superseded")
        assert (report["revision_kind"], report_id) == ("update", report["supersedes"][:-1] + "2")
        assert report["value"] != earlier["value"]
        assert report["series"] == earlier["series"]
        assert report["payload_sha256"] != earlier["payload_sha256"]


@pytest.mark.parametrize("name", STATISTICS)
def test_the_release_shows_the_figures_of_the_last_look(
    name: str, release: Release, travelled: Callable[[str], Journey]
) -> None:
    there = travelled(name)
    frame = registry.parse(there.shown, spec_of(name)).observations
    official = release.read("official").to_pandas().set_index(["series", "date", "freq"])
    quarantined = set(there.later.frame("quarantine")["report_id"].dropna())
    reports = release.read("reports").to_pandas().set_index("report_id")
    checked = 0
    for row in frame.assign(series=definitions.identifiers(frame)).itertuples():
        key = (row.series, row.period_start, row.freq)
        if key not in official.index:
            assert any(q.startswith(f"{name}:") for q in quarantined)
            continue
        shown = official.loc[key]
        assert shown["obs_status"] == row.obs_status
        if pd.isna(row.value):
            assert pd.isna(shown["value"])
            assert pd.isna(shown["report_id"])
        else:
            assert shown["value"] == row.value
            assert reports.loc[shown["report_id"], "role"] == "regular"
            checked += 1
    own = reports.loc[reports["source_id"] == name]
    assert checked == (own["role"] == "regular").sum() > 0


def test_statistics_bind_no_estimate_and_never_share_a_series_across_measures(release: Release) -> None:
    assert release.read("daily").num_rows == 0
    official = release.read("official").to_pandas()
    assert not official[["series", "measure", "system"]].drop_duplicates().duplicated("series").any()
    assert official["daily_sum"].isna().all()


def spec_of(name: str) -> SourceSpec:

    return sources()[name]
