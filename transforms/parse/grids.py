"""Sheets of a workbook as grids of contents: bytes in, one grid a sheet out, after the archive was found harmless.

In: one XLSX payload and the names or patterns of the sheets that are wanted. Out: their grids in the order of the workbook.
Formulas are never evaluated; a grid says where one has no cached value.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from crossings.source.patterns import first_fit
from transforms.parse.contract import Payload, unreadable
from transforms.parse.zip_guard import refuse_hostile_workbook

LONGEST_TEXT = 32_767
_GLANCE = 200
REMEDY = "the layout changed: look at the sheet and correct options in the source's YAML"
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
    said : labels that its name states.
    rows : cell contents, row 1 first, every row of equal width.
    spread : contents by (row, column), both from 0, of cells inside merged spans.
    unvalued : addresses (row, column) of formulas without a cached value.
    formulas : number of formulas whose cached value is used.
    """

    sheet: str
    said: dict[str, str]
    rows: tuple[tuple[Content, ...], ...]
    spread: dict[tuple[int, int], Content]
    unvalued: frozenset[tuple[int, int]]
    formulas: int

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0]) if self.rows else 0

    def at(self, row: int, column: int) -> Content:
        """Content of a cell; inside a merged span that of its first cell."""
        return self.spread.get((row, column), self.rows[row][column])

    def text(self, row: int, column: int) -> str:
        """`text` of a cell, a merged span as one; blank outside the grid."""
        return text(self.at(row, column)) if column < self.width else ""

    def texts(self, row: int) -> list[str]:
        """Texts of the cells of a row that are not blank, each merged span once."""
        return [found for content in self.rows[row] if (found := text(content))]

    def holds(self, row: int, columns: Iterable[int]) -> bool:
        """Whether anything stands in these columns of a row, be it a formula without a value."""
        return any(text(self.rows[row][k]) or (row, k) in self.unvalued for k in columns)

    def number_at(self, row: int, columns: Iterable[int]) -> int | None:
        """The first of these columns that holds a number; None where none does."""
        return next((k for k in columns if is_number(self.rows[row][k])), None)

    def address(self, row: int, column: int) -> str:
        """Sheet and cell, such as `Visitors!C7`."""
        return f"{self.sheet}!{get_column_letter(column + 1)}{row + 1}"


def text(content: Content) -> str:
    """A content as one line of text: dates as ISO dates, whole numbers without a fraction, blank for nothing."""
    if content is None:
        return ""
    if isinstance(content, datetime | date):
        return content.isoformat()[:10]
    if isinstance(content, float) and content.is_integer() and abs(content) < 1e15:
        return str(int(content))
    return " ".join(str(content).split())


def is_number(content: Content) -> bool:
    """Whether a content is a number, which a yes or no is not."""
    return isinstance(content, int | float) and not isinstance(content, bool)


@dataclass(frozen=True, eq=False)
class Book:
    """Sheets of a workbook: those that are wanted, and the upper left parts of the others."""

    wanted: tuple[Grid, ...]
    others: tuple[Grid, ...]


def read_book(payload: Payload, names: Sequence[str], *, max_bytes: int, max_cells: int, serials: bool) -> Book:
    """All sheets whose names are among the wanted ones or fit a pattern among them, blank ones only where all are blank.

    Parameters
    ----------
    max_bytes : uncompressed bytes allowed in total.
    max_cells : cells allowed over all wanted sheets.
    serials : whether numbers of the sheets may be day serials, which must then count from 1900.

    Raises `UnreadableInput` for a file that is torn, hostile or too large, and for one without a wanted sheet.
    """
    has_formulas = refuse_hostile_workbook(payload, max_bytes=max_bytes, max_cells=max_cells)
    sheets = _sheets(payload, data_only=True, serials=serials)
    formulas = _sheets(payload, data_only=False, serials=serials) if has_formulas else {}
    wanted = {name: sheet for name, sheet in sheets.items() if first_fit(name, names) is not None}
    if not wanted:
        raise unreadable(payload, f"sheet {' or '.join(names)}", ", ".join(sheets) or "no sheet", REMEDY)
    cells = sum((sheet.max_column or 0) * (sheet.max_row or 0) for sheet in wanted.values())
    if cells > max_cells:
        raise unreadable(
            payload, f"at most {max_cells:,} cells", f"{cells:,} by their spans", "look at the file; hostile?"
        )
    grids = [_grid(payload, sheet, first_fit(name, names) or {}, formulas.get(name)) for name, sheet in wanted.items()]
    written = [grid for grid in grids if any(grid.texts(row) for row in range(len(grid.rows)))]
    others = [_grid(payload, sheet, {}, None, most=_GLANCE) for name, sheet in sheets.items() if name not in wanted]
    return Book(tuple(written or grids), tuple(others))


def _sheets(payload: Payload, *, data_only: bool, serials: bool) -> dict[str, Worksheet]:
    try:
        book = load_workbook(
            io.BytesIO(payload.content), read_only=False, data_only=data_only, keep_links=False, keep_vba=False
        )
        sheets: dict[str, Worksheet] = {sheet.title: sheet for sheet in book.worksheets}
        epoch = book.epoch
    except RecursionError:
        raise unreadable(payload, "an xlsx file", "nesting beyond reason", "look at the file") from None
    except _FAULTS as fault:
        said = f"{type(fault).__name__}: {fault}"
        raise unreadable(payload, "a whole xlsx file", said, "fetch again; the file is torn") from None
    if serials and epoch == CALENDAR_MAC_1904:
        raise unreadable(payload, "serials counted from 1900", "serials counted from 1904", REMEDY)
    return sheets


def _grid(
    payload: Payload, sheet: Worksheet, said: dict[str, str], formulas: Worksheet | None, most: int | None = None
) -> Grid:
    """A sheet, or its first so many rows and columns."""
    size = {} if most is None else {"max_row": min(sheet.max_row, most), "max_col": min(sheet.max_column, most)}
    rows = tuple(tuple(row) for row in sheet.iter_rows(values_only=True, **size))
    longest = max((len(v) for row in rows for v in row if isinstance(v, str)), default=0)
    if longest > LONGEST_TEXT:
        raise unreadable(payload, f"texts up to {LONGEST_TEXT:,} characters", f"{longest:,}", "look at the file")
    width, height = len(rows[0]) if rows else 0, len(rows)
    spread = {}
    for span in sheet.merged_cells.ranges:
        for row in range(span.min_row - 1, min(span.max_row, height)):
            for column in range(span.min_col - 1, min(span.max_col, width)):
                spread[row, column] = rows[span.min_row - 1][span.min_col - 1]
    unvalued: set[tuple[int, int]] = set()
    cached = 0
    for line in formulas.iter_rows() if formulas is not None else ():
        for cell in line:
            if cell.data_type == "f":
                place = (int(cell.row or 1) - 1, int(cell.column or 1) - 1)
                if rows[place[0]][place[1]] is None:
                    unvalued.add(place)
                else:
                    cached += 1
    return Grid(sheet.title, said, rows, spread, frozenset(unvalued), cached)
