"""Workbooks by a declared layout contract: sheet, label columns, header levels, notes below.

In: one XLSX payload. Out: `Parsed`; each figure keeps its cell address. Merged headers are spread, leading blank
rows and notes below are allowed, date headers may be serials; any other difference from the contract is refused
with what was expected and found. Formulas are never evaluated: one without a cached value is rejected.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from crossings.source.model import SourceSpec
from crossings.source.options import WorkbookOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figure, Figures, Note, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.zip_guard import refuse_hostile_workbook

LONGEST_TEXT = 32_767
_REMEDY = "the layout changed: look at the sheet and correct options in the source's YAML"
_FAULTS = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    AssertionError,
    EOFError,
    OSError,
    ParseError,
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
)
Content: TypeAlias = object


@dataclass(frozen=True, eq=False)
class Grid:
    """Cells of one sheet.

    Attributes
    ----------
    sheet : its name.
    rows : cell contents, row 1 first, every row of equal width.
    spread : contents by (row, column), both from 0, of cells inside merged spans.
    unvalued : addresses (row, column) of formulas without a cached value.
    formulas : number of formulas whose cached value is used.
    """

    sheet: str
    rows: tuple[tuple[Content, ...], ...]
    spread: dict[tuple[int, int], Content]
    unvalued: frozenset[tuple[int, int]]
    formulas: int

    def at(self, row: int, column: int) -> Content:
        """Content of a cell; inside a merged span that of its first cell."""
        return self.spread.get((row, column), self.rows[row][column])

    def address(self, row: int, column: int) -> str:
        """Sheet and cell, such as `Visitors!C7`."""
        return f"{self.sheet}!{get_column_letter(column + 1)}{row + 1}"


@dataclass(frozen=True)
class Layout:
    """Where the contract was found: last header row, first label column, figure columns with their header texts."""

    bottom: int
    first: int
    columns: dict[int, dict[str, str]]


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one workbook."""
    options = spec.options
    assert isinstance(options, WorkbookOptions)
    payload = only(payloads, spec.id)
    grid = read_grid(payload, options)
    found = read_cells(payload, grid, options)
    notes = (
        (Note("cached_formula", f"{grid.formulas} figures are cached results of formulas"),) if grid.formulas else ()
    )
    return assemble(spec, found, notes)


def read_grid(payload: Payload, options: WorkbookOptions) -> Grid:
    """The declared sheet as a grid, after the archive was found harmless."""
    has_formulas = refuse_hostile_workbook(
        payload, max_bytes=options.max_uncompressed_bytes, max_cells=options.max_cells
    )
    sheet = _sheet(payload, options, data_only=True)
    width, height = sheet.max_column or 0, sheet.max_row or 0
    if width * height > options.max_cells:
        raise unreadable(
            payload, f"at most {options.max_cells:,} cells", f"{height:,} by {width:,}", "look at the file; hostile?"
        )
    rows = tuple(tuple(row) for row in sheet.iter_rows(values_only=True))
    longest = max((len(v) for row in rows for v in row if isinstance(v, str)), default=0)
    if longest > LONGEST_TEXT:
        raise unreadable(payload, f"texts up to {LONGEST_TEXT:,} characters", f"{longest:,}", "look at the file")
    spread = {}
    for span in sheet.merged_cells.ranges:
        for row in range(span.min_row - 1, min(span.max_row, height)):
            for column in range(span.min_col - 1, min(span.max_col, width)):
                spread[row, column] = rows[span.min_row - 1][span.min_col - 1]
    unvalued: set[tuple[int, int]] = set()
    cached = 0
    if has_formulas:
        for line in _sheet(payload, options, data_only=False).iter_rows():
            for cell in line:
                if cell.data_type == "f":
                    place = (int(cell.row or 1) - 1, int(cell.column or 1) - 1)
                    if rows[place[0]][place[1]] is None:
                        unvalued.add(place)
                    else:
                        cached += 1
    return Grid(sheet.title, rows, spread, frozenset(unvalued), cached)


def read_cells(payload: Payload, grid: Grid, options: WorkbookOptions) -> list[Cell]:
    """Cells of the table that the contract describes."""
    layout = _locate(payload, grid, options)
    names = [stub[0] for stub in options.stub]
    found: list[Cell] = []
    above: list[str] = [""] * len(names)
    row = layout.bottom + 1
    while row < len(grid.rows) and not any(_text(v) for v in grid.rows[row]):
        row += 1
    while row < len(grid.rows):
        stub = [_text(grid.at(row, layout.first + k)) for k in range(len(names))]
        figures = [grid.rows[row][column] for column in layout.columns]
        if not any(stub) and all(v is None for v in figures):
            break
        if _is_note(stub, options.notes) and not any(_is_number(v) for v in figures):
            break
        for k, name in enumerate(names):
            if not stub[k] and name in options.fill_down:
                stub[k] = above[k]
        above = stub
        for column, header in layout.columns.items():
            found.append(_cell(payload, grid, row, column, dict(zip(names, stub, strict=True)) | header))
        row += 1
    for below in range(row, len(grid.rows)):
        for column in layout.columns:
            if _is_number(grid.rows[below][column]):
                raise unreadable(
                    payload, "notes only below the table", f"a figure at {grid.address(below, column)}", _REMEDY
                )
    return found


def _cell(payload: Payload, grid: Grid, row: int, column: int, labels: dict[str, str]) -> Cell:
    content = grid.rows[row][column]
    address = grid.address(row, column)
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
    blank = [name for name, label in labels.items() if not label]
    if fault is None and blank:
        fault = ("V01", f"the row has no {', '.join(blank)}")
    return Cell(labels, value, address, payload.sha256, fault=fault)


def _locate(payload: Payload, grid: Grid, options: WorkbookOptions) -> Layout:
    depth = len(options.levels)
    bottom, first = _anchor(payload, grid, options, depth)
    top = bottom - depth + 1
    if top < 0 or bottom >= len(grid.rows):
        raise unreadable(payload, f"{depth} header rows", f"{bottom + 1} at {grid.address(0, first)}", _REMEDY)
    for k, names in enumerate(options.stub):
        column = first + k
        texts = [_text(grid.at(r, column)) for r in range(top, bottom + 1)] if column < len(grid.rows[0]) else []
        if not any(text in names for text in texts):
            raise unreadable(
                payload,
                f"label column {' or '.join(names)}",
                f"{' / '.join(texts) or 'no column'} at {grid.sheet}!{get_column_letter(column + 1)}{bottom + 1}",
                _REMEDY,
            )
    columns: dict[int, dict[str, str]] = {}
    for column in range(len(grid.rows[0])):
        if first <= column < first + len(options.stub):
            continue
        texts = [_header(payload, grid, r, column, options) for r in range(top, bottom + 1)]
        if any(text in options.ignore_columns for text in texts):
            continue
        if not any(texts):
            _refuse_headless(payload, grid, bottom, column)
            continue
        header: dict[str, str] = {}
        for level, text in zip(options.levels, texts, strict=True):
            if not text or (level.expect and text not in level.expect):
                wanted = " or ".join(level.expect[:12]) if level.expect else f"a {level.dimension}"
                raise unreadable(
                    payload,
                    f"{wanted} in the header",
                    f"{text or 'nothing'} at {grid.address(bottom, column)}",
                    _REMEDY,
                )
            header[level.dimension] = text
        if header in columns.values():
            raise unreadable(
                payload, "each header once", f"{' / '.join(texts)} again at {grid.address(bottom, column)}", _REMEDY
            )
        columns[column] = header
    absent = [text for k, level in enumerate(options.levels) for text in level.expect if not _used(columns, k, text)]
    if absent or not columns:
        raise unreadable(payload, f"header {', '.join(absent) or 'texts'}", "no such column", _REMEDY)
    return Layout(bottom, first, columns)


def _used(columns: dict[int, dict[str, str]], level: int, text: str) -> bool:
    return any(list(header.values())[level] == text for header in columns.values())


def _anchor(payload: Payload, grid: Grid, options: WorkbookOptions, depth: int) -> tuple[int, int]:
    wanted = options.stub[0]
    for row in range(min(options.header_rows_from, len(grid.rows))):
        for column in range(len(grid.rows[row])):
            if _text(grid.rows[row][column]) not in wanted:
                continue
            bottom = row
            while bottom + 1 < len(grid.rows) and _text(grid.spread.get((bottom + 1, column))) in wanted:
                bottom += 1
            below = [grid.at(r, column) for r in range(row + 1, min(row + depth, len(grid.rows)))]
            if bottom == row and depth > 1 and not any(_text(v) for v in below):
                bottom = row + depth - 1
            return bottom, column
    seen = [t for row in grid.rows[: options.header_rows_from] for v in row if (t := _text(v))]
    raise unreadable(
        payload,
        f"header {' or '.join(wanted)} in the first {options.header_rows_from} rows of {grid.sheet}",
        ", ".join(seen[:12]) or "blank rows",
        _REMEDY,
    )


def _refuse_headless(payload: Payload, grid: Grid, bottom: int, column: int) -> None:
    for row in range(bottom + 1, len(grid.rows)):
        if _is_number(grid.rows[row][column]):
            raise unreadable(payload, "a header above every figure", f"none above {grid.address(row, column)}", _REMEDY)


def _header(payload: Payload, grid: Grid, row: int, column: int, options: WorkbookOptions) -> str:
    content = grid.at(row, column)
    if options.serial_dates and isinstance(content, int | float) and not isinstance(content, bool):
        if grid.rows and content != int(content):
            raise unreadable(payload, "whole day serials", f"{content} at {grid.address(row, column)}", _REMEDY)
        return str(int(content))
    return _text(content)


def _sheet(payload: Payload, options: WorkbookOptions, *, data_only: bool) -> Worksheet:
    try:
        book = load_workbook(
            io.BytesIO(payload.content), read_only=False, data_only=data_only, keep_links=False, keep_vba=False
        )
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        epoch = book.epoch
    except RecursionError:
        raise unreadable(payload, "an xlsx file", "nesting beyond reason", "look at the file") from None
    except _FAULTS as fault:
        said = f"{type(fault).__name__}: {fault}"
        raise unreadable(payload, "a whole xlsx file", said, "fetch again; the file is torn") from None
    if options.serial_dates and epoch == CALENDAR_MAC_1904:
        raise unreadable(payload, "serials counted from 1900", "serials counted from 1904", _REMEDY)
    for name in options.sheet:
        if name in sheets:
            return sheets[name]
    raise unreadable(payload, f"sheet {' or '.join(options.sheet)}", ", ".join(sheets) or "no sheet", _REMEDY)


def _text(content: Content) -> str:
    if content is None:
        return ""
    if isinstance(content, datetime | date):
        return content.isoformat()[:10]
    if isinstance(content, float) and content.is_integer() and abs(content) < 1e15:
        return str(int(content))
    return " ".join(str(content).split())


def _is_number(content: Content) -> bool:
    return isinstance(content, int | float) and not isinstance(content, bool)


def _is_note(stub: Sequence[str], notes: Sequence[str]) -> bool:
    return any(stub[0].startswith(word) for word in notes) if stub else False


ADAPTER = Figures("workbook", WorkbookOptions, parse, ask_one)
