"""The commands that read: days, JSON for scripts, words where there is no figure, and a status that survives a kill."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from published import Published, Spoken

from crossings import catalog

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


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("sources",), ("show", "FIN", "--from", "2022-09-24", "--to", "2022-09-25")],
    ids=" ".join,
)
def test_json_is_json_and_nothing_else(arguments: tuple[str, ...], analyst: Published, command: Command) -> None:
    said = command(*arguments, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out) is not None


def test_show_prints_the_days_of_entries_and_exits(analyst: Published, command: Command) -> None:
    said = command("show", "fin", "--from", "2022-09-25", "--to", "2022-09-25")
    assert said.code == 0
    assert "5,068" in said.out
    assert "FIN/entry/RUS/national" in said.out
    assert "FIN/exit/RUS/national" in said.out


def test_show_json_holds_whole_rows(analyst: Published, command: Command) -> None:
    said = command("show", "FIN", "--from", "2022-09-25", "--to", "2022-09-25", "--direction", "exit", "--json")
    (row,) = json.loads(said.out)
    assert (row["date"], row["estimate"], row["lower"], row["status"]) == ("2022-09-25", 5068, 5068, "reported")
    assert "FIN-003" in row["report_ids"]


def test_show_gives_the_reason_that_withheld_the_points_of_a_series(analyst: Published, command: Command) -> None:
    daily = catalog.daily()
    hidden = daily[daily["obs_status"] == "Q"].iloc[0]
    said = command(
        "show",
        hidden["country"],
        "--series",
        hidden["series"],
        "--from",
        f"{hidden['date']:%Y-%m-%d}",
        "--to",
        f"{hidden['date']:%Y-%m-%d}",
    )
    assert "– withheld: no short stretch around the day has a total that is known to within a third" in said.out


def test_a_large_unresolved_conflict_withholds_no_point(analyst: Published, command: Command) -> None:
    lapland = "FIN/both/all/district:lapland/land/crossings/border_control"
    assert "V60" in set(catalog.findings("FIN").query("series == @lapland")["rule"])
    said = command("show", "FIN", "--series", lapland, "--from", "2022-09-10", "--to", "2022-09-10", "--json")
    (row,) = json.loads(said.out)
    assert (row["estimate"], row["lower"], row["upper"]) == (104, 0, 741)


def test_show_says_that_a_missing_day_is_not_zero(analyst: Published, command: Command) -> None:
    said = command("show", "FIN", "--from", "1999-01-01", "--to", "1999-01-02")
    assert said.code == 0
    assert "no report covers these days" in said.out
    assert "a missing day is not zero" in said.out
    assert json.loads(command("show", "FIN", "--from", "1999-01-01", "--to", "1999-01-02", "--json").out) == []


def test_status_names_release_tables_and_runs(analyst: Published, command: Command) -> None:
    said = json.loads(command("status", "--json").out)
    assert said["release"] == analyst.release.name
    assert said["damaged"] == []
    assert said["tables"]["reports"] >= 1180
    assert said["runs"][-1]["outcome"] == "published"
    plain = command("status").out
    assert analyst.release.name in plain
    assert str(analyst.lake) in plain


def test_status_before_the_first_run_says_what_to_do(lake: Path, command: Command) -> None:
    said = command("status")
    assert said.code == 0
    assert "crossings run" in said.out
    assert not lake.exists()


def test_show_before_the_first_run_is_one_line(lake: Path, command: Command) -> None:
    said = command("show", "FIN")
    assert said.code == 1
    (line,) = said.err.strip().splitlines()
    assert "there is no release" in line
    assert "crossings run" in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "XYZ"), "no country 'XYZ'"),
        (("show", "FIN", "--direction", "sideways"), "sideways"),
        (("show", "FIN", "--release", "rnothing"), "no release rnothing"),
        (("show", "FIN", "--series", "FIN/nothing"), "no series"),
        (("show", "FIN", "--from", "2022-09-30", "--to", "2022-09-20"), "2022-09-20 is before 2022-09-30"),
    ],
)
def test_what_is_not_there_is_one_line_and_code_1(
    arguments: tuple[str, ...], says: str, analyst: Published, command: Command
) -> None:
    said = command(*arguments)
    assert said.code == 1
    assert len(said.err.strip().splitlines()) == 1
    assert says in said.err
    assert " — " in said.err


@pytest.mark.parametrize(("options", "title"), [((), "# Data dictionary"), (("--rules",), "# Rules")])
def test_dictionary_prints_and_writes_the_same(
    options: tuple[str, ...], title: str, tmp_path: Path, command: Command
) -> None:
    printed = command("dictionary", *options).out
    assert printed.startswith(title)
    file = tmp_path / "dictionary.md"
    assert command("dictionary", *options, "--write", str(file)).code == 0
    assert file.read_text().strip() == printed.strip()
