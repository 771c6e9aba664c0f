"""The command line: a table of commands, help with examples, and one line for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from published import Spoken

from crossings import __version__
from flows.cli.app import COMMANDS, load

Command = Callable[..., Spoken]


def commands() -> Iterator[list[str]]:
    """Every command and subcommand."""
    for name in COMMANDS:
        children = getattr(load(name), "commands", None)
        yield from [[name, child] for child in children] if children else [[name]]


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_the_help_of_every_command_has_an_example_with_its_own_name(path: list[str], command: Command) -> None:
    said = command(*path, "--help")
    assert said.code == 0
    assert "Example" in said.out
    words = " ".join(said.out.replace("│", " ").split())
    assert f"crossings {' '.join(path)}" in words


def test_help_lists_every_command_of_the_table_with_the_first_line_of_its_own_help(command: Command) -> None:
    overview = command("--help").out
    for name in COMMANDS:
        own = " ".join(command(name, "--help").out.split())
        (line,) = [line for line in overview.splitlines() if line.startswith(f"│ {name} ")]
        told = line.strip("│ ").removeprefix(name).strip()
        assert told
        assert told in own


def test_a_command_that_is_not_there_is_answered_with_a_near_one(command: Command) -> None:
    assert "Did you mean 'run'" in command("runn").err


def test_without_a_command_the_help_is_shown(command: Command) -> None:
    said = command()
    assert "Usage" in said.out + said.err
    assert "border-crossing" in said.out + said.err


def test_version(command: Command) -> None:
    assert command("--version").out.strip() == f"crossings {__version__}"


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
