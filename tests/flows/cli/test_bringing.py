"""`crossings bring` from the command line: what it shows, asks, writes and refuses; and the same file through the estimator."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from habits import HABITS
from published import Spoken

import crossings

pytestmark = pytest.mark.slow

Command = Callable[..., Spoken]
PLAIN = next(h for h in HABITS if h.name == "plain.csv").content


@pytest.fixture
def home(tmp_path: Path, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty lake beside a data folder of its own, and a file in the working directory."""
    monkeypatch.setenv("CROSSINGS_LAKE", str(tmp_path / "lake"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.csv").write_bytes(PLAIN)
    return tmp_path


def test_a_file_is_shown_brought_and_published(home: Path, command: Command) -> None:
    said = command("bring", "plain.csv", "--counts", "entries of RUS", "--publisher", "An office", "--yes").out
    assert "text separated by commas" in said
    assert "2022-09-21: 405" in said
    assert "plain: 3 rows in = 3 accepted + 0 quarantined + 0 duplicates" in said
    source = yaml.safe_load((home / "data" / "sources" / "plain.yaml").read_text(encoding="utf-8"))
    assert source["publisher"] == "An office"
    assert command("run", "--local").code == 0
    official = crossings.load("official")
    assert sorted(official["value"]) == [405, 812, 930]
    assert set(official["citizenship"]) == {"RUS"}


def test_the_next_file_of_that_shape_needs_no_question(home: Path, command: Command) -> None:
    command("bring", "plain.csv", "--counts", "entries of RUS", "--yes")
    (home / "plain-2023.csv").write_bytes(PLAIN.replace(b"2022", b"2023"))
    said = command("bring", "plain-2023.csv", "--yes").out
    assert "is read as the source plain says" in said
    assert "plain: 6 rows in = 6 accepted" in said  # with those of the file before it


def test_a_script_is_told_in_one_line_what_is_missing(home: Path, command: Command) -> None:
    spoken = command("bring", "plain.csv", "--yes", "--json")
    assert spoken.code == 1
    assert spoken.out == ""
    assert "error the file does not say everything — say --counts" in spoken.err
    assert not (home / "data" / "sources" / "plain.yaml").exists()
    assert not list((home / "lake").glob("raw/**/*plain*"))


def test_a_dry_run_writes_nothing(home: Path, command: Command) -> None:
    said = command("bring", "plain.csv", "--counts", "entries of RUS", "--yes", "--dry-run").out
    assert "nothing was written" in said
    assert "codes_from: country" in said
    assert not (home / "data" / "sources" / "plain.yaml").exists()


def test_another_file_does_not_take_the_name_of_a_source(home: Path, command: Command) -> None:
    command("bring", "plain.csv", "--counts", "entries of RUS", "--yes")
    spoken = command("bring", "plain.csv", "--counts", "exits of RUS", "--yes")
    assert spoken.code == 1
    assert "another source 'plain'" in spoken.err
    assert "--id" in spoken.err


def test_json_counts_the_rows(home: Path, command: Command) -> None:
    spoken = command("bring", "plain.csv", "--counts", "entries of RUS", "--json")
    assert json.loads(spoken.out)["accepted"] == 3


def test_questions_are_asked_and_answered_by_number_or_word(
    home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("99\n1 of RUS\ny\n"))
    spoken = command("bring", "plain.csv")
    assert "say one of the numbers or words above" in spoken.out
    assert "3 accepted" in spoken.out


def test_the_estimator_takes_such_a_file(home: Path, command: Command) -> None:
    spoken = command("estimate", "plain.csv", "--counts", "entries of RUS", "--out", "out")
    assert spoken.code == 0, spoken.err
    assert "3 days: 3 reported" in spoken.err
    daily = pd.read_parquet(home / "out" / "daily.parquet")
    assert sorted(daily["estimate"]) == [405, 812, 930]
    again = command("estimate", "plain.csv", "--counts", "entries of RUS", "--out", "again")
    assert again.code == 0
    for name in ("daily", "reports", "findings", "quarantine"):
        assert (home / "out" / f"{name}.parquet").read_bytes() == (home / "again" / f"{name}.parquet").read_bytes()


def test_the_estimator_says_what_it_must_be_told(home: Path, command: Command) -> None:
    spoken = command("estimate", "plain.csv", "--out", "out")
    assert spoken.code == 1
    assert "say --counts" in spoken.err
