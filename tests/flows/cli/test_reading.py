"""`crossings status` after a kill: what was torn is left out and said, everything else is shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from published import Spoken

Command = Callable[..., Spoken]


@pytest.fixture
def kept(lake: Path, small_lake: Path) -> Path:
    """A lake of its own with one release and one run."""
    shutil.copytree(small_lake, lake, symlinks=True)
    return lake


@pytest.mark.parametrize("log", ["runs.jsonl", "history.jsonl", "raw/fetch-log.jsonl"])
def test_status_shows_a_lake_whose_log_was_torn_by_a_kill_and_says_so(log: str, kept: Path, command: Command) -> None:
    whole = (kept / log).read_bytes()
    (kept / log).write_bytes(whole + b'{"started_at": "2022-09-28T06:00:00+00:00", "outc')
    said = command("status")
    assert said.code == 0, said.err
    assert f"{kept / log}: the torn line at byte {len(whole)} is left out" in said.out
    found = json.loads(command("status", "--json").out)
    assert [run["outcome"] for run in found["runs"]] == ["published"]
    assert len(found["left_out"]) == 1


def test_status_reads_runs_that_an_earlier_version_wrote(kept: Path, command: Command) -> None:
    old = {"started_at": "2022-09-28T06:00:00+00:00", "ended_at": "2022-09-28T06:01:00+00:00", "outcome": "failed"}
    path = kept / "runs.jsonl"
    path.write_text(json.dumps(old | {"error": "no [b]space[/] — free some"}) + "\n" + path.read_text())
    found = json.loads(command("status", "--json").out)
    assert [run["outcome"] for run in found["runs"]] == ["failed", "published"]
    assert found["left_out"] == []
    assert "no [b]space[/] — free some" in command("status").out


def test_status_of_a_whole_lake_names_no_line(kept: Path, command: Command) -> None:
    assert "left out" not in command("status").out


def test_status_can_read_the_whole_archive_and_name_damaged_payloads(kept: Path, command: Command) -> None:
    assert json.loads(command("status", "--json").out)["damaged_payloads"] is None
    assert "every payload holds the bytes of its name" in command("status", "--archive").out
    payload = next((kept / "raw" / "sha256").glob("??/*"))
    payload.chmod(0o644)
    payload.write_bytes(b"other bytes")
    assert json.loads(command("status", "--archive", "--json").out)["damaged_payloads"] == [str(payload)]
    assert f"{payload}: restore it from a copy" in command("status", "--archive").out
