"""Workbooks by a declared layout contract: sheets, label columns, header levels, titles above, notes below.

In: XLSX payloads. Out: `Parsed`; each figure keeps its cell address. Every declared sheet is read, and on it every table with the
declared header. Merged headers are spread, blank rows inside a table are no rows, date headers may be serials; any other
difference from the contract is refused with what was expected and found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import WorkbookOptions
from crossings.source.patterns import first_fit
from transforms.parse.addresses import ask_one
from transforms.parse.columns import plain, said_by_name
from transforms.parse.contract import Cell, Figure, Figures, Note, Parsed, Payload, files_of, unreadable
from transforms.parse.grids import REMEDY, Grid, read_book
from transforms.parse.mapping import assemble
from transforms.parse.protocols.layout import Block, blocks, is_alike, labels_of


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of the workbooks of one look."""
    options = spec.options
    assert isinstance(options, WorkbookOptions)
    found: list[Cell] = []
    notes: list[Note] = []
    for payload in files_of(payloads, spec):
        cells, told = read_workbook(payload, options)
        found += cells
        notes += told
    return assemble(spec, found, notes)


def tables(payload: Payload) -> dict[str, list[list[str]]]:
    """Every sheet as rows of texts, merged cells filled."""
    grids = read_book(payload, ("*",), max_bytes=80_000_000, max_cells=500_000, serials=False).wanted
    return {g.sheet: [[g.text(row, k) for k in range(g.width)] for row in range(len(g.rows))] for g in grids}


def read_workbook(payload: Payload, options: WorkbookOptions) -> tuple[list[Cell], list[Note]]:
    """Cells of all tables that the contract describes, and notes of cached formulas and of like sheets that are not read.

    Raises `UnreadableInput` for another layout, and where two tables state a figure under the same labels: then it is not
    said what tells them apart.
    """
    more = said_by_name(payload, options.file_name)
    book = read_book(
        payload,
        options.sheet,
        max_bytes=options.max_uncompressed_bytes,
        max_cells=options.max_cells,
        serials=options.serial_dates,
    )
    tables = [(grid, block) for grid in book.wanted for block in blocks(payload, grid, options, more)]
    found: list[Cell] = []
    stated: dict[tuple[str, ...], str] = {}
    for grid, block in tables:
        cells = read_block(payload, grid, block, options)
        if len(tables) > 1:
            _refuse_twice(payload, cells, stated)
        found += cells
    formulas = sum(grid.formulas for grid in book.wanted)
    notes = [Note("cached_formula", f"{formulas} figures are cached results of formulas")] if formulas else []
    left = [g.sheet for g in book.others if first_fit(g.sheet, options.ignore_sheets) is None and is_alike(g, options)]
    if left:
        notes.append(
            Note(
                "unread_sheet",
                f"{payload.name[:80]}: not read, although it has the declared header: sheet {', '.join(left)[:300]}; "
                "add it to sheet or to ignore_sheets in options",
            )
        )
    return found, notes


def _refuse_twice(payload: Payload, cells: Sequence[Cell], stated: dict[tuple[str, ...], str]) -> None:
    """Refuse figures that an earlier table states under the same labels, and add those of this table to `stated`."""
    names = sorted(cells[0].labels) if cells else []
    figures = {tuple(c.labels[n] for n in names): c.locator for c in cells if c.value is not None and c.fault is None}
    for labels, place in figures.items():
        if labels in stated:
            raise unreadable(
                payload,
                "each figure in one table",
                f"{' / '.join(labels)} at {stated[labels]} and at {place}",
                "declare what tells the tables apart with sheet or titles, or name only the sheet that counts",
            )
    stated |= figures


def read_block(payload: Payload, grid: Grid, block: Block, options: WorkbookOptions) -> list[Cell]:
    """Cells of one table; `UnreadableInput` for what looks like another header inside it, and for figures below it."""
    found: list[Cell] = []
    names = [stub[0] for stub in options.stub]
    above = [""] * len(names)
    group = {} if options.groups is None else {options.groups: ""}
    row = block.head.bottom
    for row, apart in _rows(grid, block, options):
        stub = [grid.text(row, column) for column in block.head.stubs]
        if options.groups is not None and _is_group(grid, row, block, stub):
            group, above = {options.groups: stub[0]}, [""] * len(names)
            continue
        if found:
            _refuse_header_inside(payload, grid, row, block, options, apart=apart)
        for k, name in enumerate(names):
            if not stub[k] and name in options.fill_down:
                stub[k] = above[k]
        above = stub
        labels = dict(zip(names, stub, strict=True))
        blank = [name for name, label in labels.items() if not label]
        for column, header in block.columns.items():
            found.append(_cell(payload, grid, row, column, {**block.said, **group, **labels, **header}, blank))
    _refuse_below(payload, grid, block, options, row + 1)
    return found


def _rows(grid: Grid, block: Block, options: WorkbookOptions) -> Iterator[tuple[int, bool]]:
    """Rows of a table, and whether the row above each has no figures: up to a note, or to a blank row below which no row has both
    a label and a figure."""
    begun = blank = bare = False
    for row in range(block.head.bottom + 1, block.end):
        if row in block.words:
            continue
        holds = grid.holds(row, block.columns)
        if not holds and not labels_of(grid, row, block.head):
            blank = begun
        elif _is_note(grid, row, block, options) or (blank and row > block.last):
            return
        else:
            yield row, blank or bare
            begun, blank, bare = True, False, not holds


def _is_note(grid: Grid, row: int, block: Block, options: WorkbookOptions) -> bool:
    opening = grid.text(row, block.head.stubs[0])
    return opening.startswith(options.notes) and grid.number_at(row, block.columns) is None


def _is_group(grid: Grid, row: int, block: Block, stub: Sequence[str]) -> bool:
    """Whether a row has a label in its first column, the same or none in the others, and nothing else."""
    return bool(stub[0]) and set(stub) <= {stub[0], ""} and not grid.holds(row, block.columns)


def _refuse_header_inside(
    payload: Payload, grid: Grid, row: int, block: Block, options: WorkbookOptions, *, apart: bool
) -> None:
    """Refuse what may be a header in other words: below it the figures would belong to other periods, or be other figures.

    Such are, among the rows: one without a label that holds no number, stands apart, or where labels are known by their column
    alone; one that repeats the header texts of its columns; and one that stands apart and holds several different words.
    """
    said = {column: word for column in block.columns if (word := grid.text(row, column))}
    numbers = grid.number_at(row, block.columns) is not None
    if not labels_of(grid, row, block.head):
        filled = {stub[0] for stub in options.stub} <= set(options.fill_down)
        odd = row < block.last and not filled and (apart or not numbers or bool(options.stub_columns))
    else:
        again = all(plain(word) in map(plain, block.columns[column].values()) for column, word in said.items())
        words = any(not isinstance(grid.rows[row][k], str) or any(map(str.isalpha, word)) for k, word in said.items())
        different = apart and words and len(set(said.values())) == len(said)
        odd = (again and bool(said) and (len(said) > 1 or not numbers)) or (different and not numbers and len(said) > 1)
    if odd:
        raise unreadable(
            payload,
            "figures in every row of a table",
            f"what may be another header in row {row + 1} of {grid.sheet}",
            "add its text to stub if it is one; else leave the sheet out, or ask the publisher for a plainer file",
        )


def _refuse_below(payload: Payload, grid: Grid, block: Block, options: WorkbookOptions, start: int) -> None:
    """Refuse figures below a table and, where another one follows, words of which the source says nothing."""
    for row in range(start, block.end):
        place = grid.number_at(row, block.columns)
        if place is not None and row not in block.words:
            raise unreadable(payload, "notes only below the table", f"a figure at {grid.address(row, place)}", REMEDY)
    if options.titles or block.end == len(grid.rows):
        return
    for row in range(block.last + 1, block.end):
        said = grid.texts(row)
        if said and not _is_note(grid, row, block, options):
            raise unreadable(
                payload,
                "one table, or only notes between two",
                f"{said[0]} in row {row + 1} of {grid.sheet}, and another header below",
                "declare titles, if the words above each table say what it holds, or notes",
            )


def _cell(payload: Payload, grid: Grid, row: int, column: int, labels: dict[str, str], blank: Sequence[str]) -> Cell:
    content = grid.rows[row][column]
    fault: tuple[str, str] | None = None
    value: Figure = None
    if (row, column) in grid.unvalued:
        fault = ("formula_without_value", "a formula without a cached value; formulas are never evaluated")
    elif isinstance(content, bool) or not (content is None or isinstance(content, str | int | float)):
        value = str(content)
        fault = ("V01", f"{content} is no figure")
    elif isinstance(content, str) and content.startswith("#"):
        value = content
        fault = ("V01", f"the sheet shows the error {content[:20]}")
    else:
        value = content
    if fault is None and blank:
        fault = ("V01", f"the row has no {', '.join(blank)}")
    return Cell(labels, value, grid.address(row, column), payload.sha256, fault=fault)


ADAPTER = Figures("workbook", WorkbookOptions, parse, ask_one, tables=tables)
