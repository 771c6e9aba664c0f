"""The command line: help with examples, JSON for scripts, and words where there is no figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from published import Published, Spoken

from crossings import __version__

Command = Callable[..., Spoken]


def commands() -> Iterator[list[str]]:
    """Every command and subcommand."""
    import click

    from flows.cli.app import app

    def below(command: click.Command, path: list[str]) -> Iterator[list[str]]:
        children = getattr(command, "commands", None)
        if not children:
            yield path
        for name, child in (children or {}).items():
            yield from below(child, [*path, name])

    yield from below(typer.main.get_command(app), [])


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_the_help_of_every_command_has_an_example_with_its_own_name(path: list[str], command: Command) -> None:
    said = command(*path, "--help")
    assert said.code == 0
    assert "Example" in said.out
    words = " ".join(said.out.replace("│", " ").split())
    assert f"crossings {' '.join(path)}" in words


def test_the_commands_of_the_main_job_are_there() -> None:
    names = {path[0] for path in commands()}
    assert {"run", "status", "show", "sources", "dictionary"} <= names


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    said = command()
    assert "Usage" in said.out + said.err
    assert "border-crossing" in said.out + said.err


def test_version(command: Command) -> None:
    assert command("--version").out.strip() == f"crossings {__version__}"


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
    assert said["tables"]["reports"] >= 779
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


@pytest.mark.parametrize("arguments", [("show", "FIN", "--from", "24.9.2022"), ("runn",), ("show",)], ids=" ".join)
def test_a_wrong_command_line_is_explained_without_a_traceback(arguments: tuple[str, ...], command: Command) -> None:
    said = command(*arguments)
    assert said.code == 2
    assert "Usage" in said.err
    assert "Traceback" not in said.err


def test_a_wrong_setting_is_one_line(lake: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSINGS_WORKERS", "many")
    said = command("status")
    assert said.code == 1
    assert "CROSSINGS_WORKERS" in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_a_path_with_markup_in_it_is_printed_as_it_is(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "[bold]file[/]").parent.mkdir(parents=True, exist_ok=True)
    place = tmp_path / "[bold]lake"
    monkeypatch.setenv("CROSSINGS_LAKE", str(place))
    said = command("show", "FIN")
    assert said.code == 1
    assert "[bold]lake" in said.err


@pytest.mark.parametrize(("options", "title"), [((), "# Data dictionary"), (("--rules",), "# Rules")])
def test_dictionary_prints_and_writes_the_same(
    options: tuple[str, ...], title: str, tmp_path: Path, command: Command
) -> None:
    printed = command("dictionary", *options).out
    assert printed.startswith(title)
    file = tmp_path / "dictionary.md"
    assert command("dictionary", *options, "--write", str(file)).code == 0
    assert file.read_text().strip() == printed.strip()
