"""The command line: `crossings`. Importing it loads neither Prefect nor Great Expectations."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; a `CrossingsError` becomes one line on standard error and exit code 1."""
    from crossings.errors import CrossingsError
    from flows.cli.app import app

    try:
        app()
    except CrossingsError as error:
        from rich.console import Console

        Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]error[/] {_plain(str(error))}")
        sys.exit(1)
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)
