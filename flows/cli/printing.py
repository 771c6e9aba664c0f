"""How commands print tables."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def table(
    console: Console,
    columns: list[tuple[str, str]],
    rows: list[list[Any]],
    title: str = "",
    whole: tuple[str, ...] = (),
) -> None:
    """Print a plain table; columns are (name, justification), those in `whole` are never folded.

    Such a table is set narrow, so that it fits into 80 columns.
    """
    shown = Table(
        title=title or None,
        title_justify="left",
        box=None,
        pad_edge=False,
        collapse_padding=bool(whole),
        header_style="dim",
    )
    for name, justify in columns:
        shown.add_column(name, justify=justify, overflow="fold", no_wrap=name in whole)  # type: ignore[arg-type]
    for row in rows:
        shown.add_row(*["" if cell is None else str(cell) for cell in row])
    console.print(shown)
