"""Where the tables of a sheet stand: their headers, figure columns and titles, by the contract that a source declares.

In: a grid and the layout contract. Out: `Block`s from top to bottom. A header or title that is not as declared is refused with
what was expected and found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openpyxl.utils import column_index_from_string

from crossings.source.options import HeaderLevel, WorkbookOptions
from crossings.source.patterns import first_fit
from transforms.parse.columns import plain
from transforms.parse.contract import Payload, unreadable
from transforms.parse.grids import REMEDY, Grid, is_number, text


@dataclass(frozen=True)
class Head:
    """Where a header was found: its first and last row, and the label columns from left to right."""

    top: int
    bottom: int
    stubs: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """One table of a sheet.

    Attributes
    ----------
    head : its header.
    columns : figure columns with the labels of their header texts.
    said : labels that the workbook, the sheet and the title above state.
    last : the last row that has both a label and something in a figure column; the header's where there is none.
    end : where the next header stands, or the sheet ends.
    words : rows above `end` that are the title of the next table.
    """

    head: Head
    columns: dict[int, dict[str, str]]
    said: dict[str, str]
    last: int
    end: int
    words: frozenset[int] = frozenset()


def blocks(payload: Payload, grid: Grid, options: WorkbookOptions, more: dict[str, str]) -> list[Block]:
    """Tables of a sheet from top to bottom, each with the labels of its title.

    Raises `UnreadableInput` for a header or title that is not as declared, and for words between two tables of which the source
    says nothing: they may say that the second one holds something else.
    """
    heads = [_first_head(payload, grid, options)]
    while (further := _next_head(payload, grid, options, heads[-1])) is not None:
        heads.append(further)
    found: list[Block] = []
    for head, end in zip(heads, [*(below.top for below in heads[1:]), len(grid.rows)], strict=True):
        above = found[-1].last + 1 if found else 0
        said, words = _titles(payload, grid, options, head, above)
        if found:
            found[-1] = replace(found[-1], words=words)
        columns = _columns(payload, grid, options, head, end)
        rows = range(head.bottom + 1, end)
        last = max((r for r in rows if labels_of(grid, r, head) and grid.holds(r, columns)), default=head.bottom)
        found.append(Block(head, columns, {**more, **grid.said, **said}, last, end))
    return found


def is_alike(grid: Grid, options: WorkbookOptions) -> bool:
    """Whether a sheet has a header with all the declared label texts, and a number below; never where there are only letters."""
    for row in range(min(options.header_rows_from, len(grid.rows))):
        head = None if options.stub_columns else _head_at(grid, options, row, first=False)
        if head is not None:
            columns = [column for column in range(grid.width) if column not in head.stubs]
            return any(grid.number_at(r, columns) is not None for r in range(head.bottom + 1, len(grid.rows)))
    return False


def labels_of(grid: Grid, row: int, head: Head) -> list[str]:
    """Texts of a row in the label columns, those that are not blank."""
    return [found for column in head.stubs if (found := grid.text(row, column))]


def _first_head(payload: Payload, grid: Grid, options: WorkbookOptions) -> Head:
    """The uppermost header; `UnreadableInput` where it is not found, or has other texts above the labels."""
    rows = range(min(options.header_rows_from, len(grid.rows)))
    if options.header_row is not None:
        rows = range(options.header_row - 1, min(options.header_row, len(grid.rows)))
    heads = (head for row in rows if (head := _head_at(grid, options, row, first=True)) is not None)
    head = next(heads, None)
    if head is None:
        sought = options.header_row or f"the first {options.header_rows_from} rows"
        where = f"row {sought}" if options.header_row else sought
        what = f"header {' or '.join(options.stub[0])}"
        if options.stub_columns:
            what = f"a header with nothing in {', '.join(options.stub_columns)}, and rows with labels below,"
        seen = [said for row in rows for said in grid.texts(row)]
        raise unreadable(payload, f"{what} in {where} of {grid.sheet}", ", ".join(seen[:12]) or "blank rows", REMEDY)
    depth = len(options.levels)
    if head.top < 0 or head.bottom >= len(grid.rows):
        raise unreadable(
            payload, f"{depth} header rows", f"{head.bottom + 1} at {grid.address(0, head.stubs[0])}", REMEDY
        )
    for column, names in zip(head.stubs, options.stub, strict=True):
        texts = [grid.text(r, column) for r in range(head.top, head.bottom + 1)]
        if not options.stub_columns and not any(known(said, names) for said in texts):
            raise unreadable(
                payload,
                f"label column {' or '.join(names)}",
                f"{' / '.join(filter(None, texts)) or 'no text'} at {grid.address(head.bottom, column)}",
                REMEDY,
            )
    return head


def _next_head(payload: Payload, grid: Grid, options: WorkbookOptions, above: Head) -> Head | None:
    """The next header below another; None where there is none."""
    for row in range(above.bottom + 1, len(grid.rows)):
        head = _head_at(grid, options, row, first=False)
        if head is None or head.bottom >= len(grid.rows):
            continue
        if head.top <= above.bottom:
            raise unreadable(
                payload, f"{len(options.levels)} header rows", f"fewer at row {row + 1} of {grid.sheet}", REMEDY
            )
        return head
    return None


def _head_at(grid: Grid, options: WorkbookOptions, row: int, *, first: bool) -> Head | None:
    """The header whose label texts stand in a row, or, where label columns are declared by letter, whose last row it is."""
    depth = len(options.levels)
    if options.stub_columns:
        head = Head(row - depth + 1, row, tuple(column_index_from_string(k) - 1 for k in options.stub_columns))
        declared = first and options.header_row is not None
        return head if max(head.stubs) < grid.width and (declared or _stands_alone(grid, head, first=first)) else None
    for column in range(grid.width):
        content = grid.rows[row][column]
        if not isinstance(content, str) or not known(text(content), options.stub[0]):
            continue
        bottom = row
        while bottom + 1 < len(grid.rows) and known(text(grid.spread.get((bottom + 1, column))), options.stub[0]):
            bottom += 1
        below = [grid.text(r, column) for r in range(row + 1, min(row + depth, len(grid.rows)))]
        if bottom == row and depth > 1 and not any(below):
            bottom = row + depth - 1
        head = Head(bottom - depth + 1, bottom, tuple(column + k for k in range(len(options.stub))))
        if first or _is_whole(grid, options, head):
            return head
    return None


def _is_whole(grid: Grid, options: WorkbookOptions, head: Head) -> bool:
    """Whether every label column has its text."""
    rows = range(max(head.top, 0), min(head.bottom + 1, len(grid.rows)))
    return all(
        any(known(grid.text(r, column), names) for r in rows)
        for column, names in zip(head.stubs, options.stub, strict=True)
    )


def _stands_alone(grid: Grid, head: Head, *, first: bool) -> bool:
    """Whether a row has texts but no labels and the next one with texts there has both; below a table also whether nothing but a
    label or a title stands right above."""
    others = [column for column in range(grid.width) if column not in head.stubs]
    if labels_of(grid, head.bottom, head) or not grid.holds(head.bottom, others):
        return False
    below = next((r for r in range(head.bottom + 1, len(grid.rows)) if grid.holds(r, others)), None)
    return (
        below is not None
        and bool(labels_of(grid, below, head))
        and grid.number_at(below, others) is not None
        and (first or not grid.holds(head.top - 1, others))
    )


def _titles(
    payload: Payload, grid: Grid, options: WorkbookOptions, head: Head, above: int
) -> tuple[dict[str, str], frozenset[int]]:
    """Labels that the lines above a header state, and the rows of these lines; the nearest line that fits counts."""
    said: dict[str, str] = {}
    used: set[int] = set()
    for patterns in options.titles:
        rows = (row for row in range(head.top - 1, above - 1, -1) if row not in used)
        lines = ((row, line) for row in rows for line in grid.texts(row) if not line.startswith(options.notes))
        found = next(((row, parts) for row, line in lines if (parts := first_fit(line, patterns)) is not None), None)
        if found is None:
            raise unreadable(
                payload,
                f"a title {' or '.join(patterns)} above the header in row {head.top + 1} of {grid.sheet}",
                " / ".join(line for row in range(above, head.top) for line in grid.texts(row)) or "blank rows",
                REMEDY,
            )
        used.add(found[0])
        said |= found[1]
    return said, frozenset(used)


def _columns(payload: Payload, grid: Grid, options: WorkbookOptions, head: Head, end: int) -> dict[int, dict[str, str]]:
    """Figure columns below a header, with its texts as labels in the declared spelling."""
    columns: dict[int, dict[str, str]] = {}
    for column in range(grid.width):
        if column in head.stubs:
            continue
        texts = [_header(payload, grid, r, column, options) for r in range(head.top, head.bottom + 1)]
        header = {level.dimension: _spelled(said, level) for level, said in zip(options.levels, texts, strict=True)}
        closed = all(level.expect for level in options.levels) and all(header.values())
        if not closed and any(said and first_fit(said, options.ignore_columns) is not None for said in texts):
            continue
        if not any(texts):
            _refuse_headless(payload, grid, head.bottom, column, end)
            continue
        if not all(header.values()):
            level, said = next((v, s) for v, s in zip(options.levels, texts, strict=True) if not header[v.dimension])
            wanted = " or ".join(level.expect[:12]) or f"a {level.dimension}"
            raise unreadable(
                payload,
                f"{wanted} in the header",
                f"{said or 'nothing'} at {grid.address(head.bottom, column)}",
                REMEDY,
            )
        if header in columns.values():
            raise unreadable(
                payload, "each header once", f"{' / '.join(texts)} again at {grid.address(head.bottom, column)}", REMEDY
            )
        columns[column] = header
    absent = [
        wanted
        for level in options.levels
        for wanted in level.expect
        if not any(header[level.dimension] == wanted for header in columns.values())
    ]
    if absent or not columns:
        raise unreadable(payload, f"header {', '.join(absent) or 'texts'}", "no such column", REMEDY)
    return columns


def _spelled(said: str, level: HeaderLevel) -> str:
    """A header text as the source spells it; blank where it is none of those that the level may hold."""
    return known(said, level.expect) or "" if level.expect else said


def known(said: str, names: Sequence[str]) -> str | None:
    """The name that a text spells, capitals and runs of blanks apart unless one is spelled just so; None where none is."""
    if said in names:
        return said
    return next((name for name in names if plain(name) == plain(said)), None) if said else None


def _refuse_headless(payload: Payload, grid: Grid, bottom: int, column: int, end: int) -> None:
    for row in range(bottom + 1, end):
        if is_number(grid.rows[row][column]):
            raise unreadable(payload, "a header above every figure", f"none above {grid.address(row, column)}", REMEDY)


def _header(payload: Payload, grid: Grid, row: int, column: int, options: WorkbookOptions) -> str:
    content = grid.at(row, column)
    if options.serial_dates and isinstance(content, int | float) and not isinstance(content, bool):
        if content != int(content):
            raise unreadable(payload, "whole day serials", f"{content} at {grid.address(row, column)}", REMEDY)
        return str(int(content))
    return text(content)
