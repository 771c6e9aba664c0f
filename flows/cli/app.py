"""The commands as a table of name to function; a command is imported when it is called, so that help stays light.

Each command stands in the file of its subject, with its options and its example. `flows.cli.options` holds the options
that several share.
"""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from crossings import __version__

COMMANDS = {
    "run": "flows.cli.running:run",
    "status": "flows.cli.reading:status",
    "headline": "flows.cli.reading:headline",
    "show": "flows.cli.reading:show",
    "plot": "flows.cli.reading:plot",
    "explain": "flows.cli.reading:explain",
    "between": "flows.cli.estimating:between",
    "estimate": "flows.cli.estimating:estimate",
    "bring": "flows.cli.bringing:bring",
    "ingest": "flows.cli.collecting:ingest",
    "publish": "flows.cli.running:publish",
    "backfill": "flows.cli.collecting:backfill",
    "requarantine": "flows.cli.running:requarantine",
    "sources": "flows.cli.sources:sources",
    "dictionary": "flows.cli.reading:dictionary",
}


class Table(TyperGroup):
    """A group whose commands are the table's; help lists them by name and first line, and imports none."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name, rich_markup_mode="markdown") for name in COMMANDS}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What help says of a command; None where there is no such command."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            command.help = _first_line(COMMANDS[cmd_name])
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is to be carried out."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load(name), rest


app = typer.Typer(
    name="crossings",
    cls=Table,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reported border-crossing figures, kept as they were said, turned into tidy daily tables with proofs.",
)


def load(name: str) -> Any:
    """A command of the table, imported: a command, or a group of them."""
    module, _, attribute = COMMANDS[name].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        alone = typer.Typer(rich_markup_mode="markdown", add_completion=False, pretty_exceptions_enable=False)
        alone.command(name)(found)
        found = alone
    command = typer.main.get_command(found)
    command.name = name
    return command


def _first_line(target: str) -> str:
    """What the docstring of a command says first, of a group that of its module; read without importing it."""
    module, _, attribute = target.partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    told = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == attribute), tree)
    return (ast.get_docstring(told) or "").partition("\n")[0]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crossings {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...
