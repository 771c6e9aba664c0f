"""What the archive holds of each source, and what a release of it would be made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossings.errors import CrossingsError
from crossings.settings import Settings
from flows.steps import collect
from flows.workspace import Workspace


@pytest.fixture
def workspace(lake: Path, small_data: Path) -> Workspace:
    return Workspace.open(Settings(lake=lake, data=small_data))


def test_a_run_looks_at_the_register_and_at_no_source_that_was_never_confirmed(workspace: Workspace) -> None:
    wanted = collect.sources(workspace)
    assert "register" in wanted
    assert [id_ for id_ in wanted if id_ != "register" and not workspace.sources[id_].confirmed] == []


def test_an_unchanged_file_arrives_once_and_earlier_bytes_arrive_again(workspace: Workspace, small_data: Path) -> None:
    path = small_data / "register" / "reports.csv"
    first = path.read_bytes()
    digests = [collect.collect(workspace, "register") for _ in range(2)]
    assert collect.arrived(workspace, "register") == digests[:1]
    path.write_bytes(b"\n".join(first.splitlines()[:5]) + b"\n")
    other = collect.collect(workspace, "register")
    path.write_bytes(first)
    assert collect.collect(workspace, "register") == digests[0]
    assert collect.arrived(workspace, "register") == [digests[0], other, digests[0]]
    assert collect.archived(workspace) == {"register": digests[0]}


def test_a_release_is_made_from_code_reference_data_payloads_and_sources(workspace: Workspace) -> None:
    payloads = {"register": collect.collect(workspace, "register")}
    planned = collect.planned(workspace, payloads)
    assert planned["payload/register"] == payloads["register"]
    assert {"code", "source/register", "reference/series", "reference/decisions"} <= set(planned)
    assert "reference/subject" not in planned, "what people mean by a country changes no table"
    assert collect.planned(workspace, payloads) == planned


def test_a_file_of_statements_has_nothing_to_look_back_at(workspace: Workspace) -> None:
    with pytest.raises(CrossingsError, match="edit the file"):
        collect.look_back(workspace, "register", workspace.now.date())


def test_an_unknown_source_is_one_line(workspace: Workspace) -> None:
    with pytest.raises(CrossingsError, match=r"no source 'nobody'.*crossings sources"):
        collect.collect(workspace, "nobody")
