"""What a file of figures is, found from its bytes: kind, dialect, and a table of texts with names above.

In: the bytes of one file. Out: `Seen`, or `UnreadableInput` with what to do for a file that holds no such table. Nothing is
decided about meanings here; what was found goes into the options of the source, so that a file of another shape is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossings.errors import UnreadableInput
from transforms.parse import registry
from transforms.parse.contract import Cell, Payload, clipped, unreadable
from transforms.parse.text import Json, decoded, is_multibyte_utf8, json_of, load_json, pointer_token, refuse_error_page

_DELIMITERS = (",", ";", "\t", "|")
_NAMES_OF = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
_DEEPEST = 20
_LONGEST_LABEL = 60
_SAMPLE = 400  # lines that tell the dialect
_NUMBER = re.compile(r"[-−+]?\d[\d.,\s'’\u00a0\u202f]*%?")
_MARKED = re.compile(r"([-−+]?\d[\d.,\s'’]*?)\s*(?:\(([^\W\d]|\*)\)|\[([^\W\d]|\*)\]|([a-z*]))")
_PX = re.compile(rb"(?:^|\n)\s*(?:CHARSET|AXIS-VERSION|MATRIX|TITLE|CODEPAGE|LANGUAGE|CREATION-DATE)\b[^\n]{0,200}=")
_MARKS = frozenset(("..", "...", "…", ":", "-", "–", ".", "NA", "n/a", "c", "x", "*"))  # instead of a figure
_UNSUPPORTED = {
    b"\xd0\xcf\x11\xe0": ("an old Excel file (.xls)", "open it and save it as .xlsx or .csv"),
    b"%PDF": ("a PDF", "copy its table into a spreadsheet and save that as .csv"),
    b"\x1f\x8b": ("a gzip archive", "unpack it and bring what is inside"),
    b"Rar!": ("a RAR archive", "unpack it and bring what is inside"),
    b"SQLite format 3": ("a database", "export the table as .csv"),
}


@dataclass(frozen=True)
class Marks:
    """Decimal and thousands marks of figures; `doubtful` is a mark that may be either, empty where none is."""

    decimal: str = "."
    thousands: str = ""
    doubtful: str = ""


@dataclass(frozen=True)
class Seen:
    """A file as a table.

    Attributes
    ----------
    kind : in words. parser, options : how a source reads it, without its columns.
    names, columns : a name and the texts of each column, "" where a row has none. figure : name of the column of figures, where
    the file itself says which it is.
    marks : of its figures. notes : what else a person should know. above : texts of the lines above the table.
    """

    kind: str
    parser: str
    options: dict[str, Any]
    names: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]
    figure: str | None = None
    marks: Marks = Marks()
    notes: tuple[str, ...] = field(default=())
    above: tuple[str, ...] = field(default=())

    def of(self, name: str) -> tuple[str, ...]:
        """Texts of a column."""
        return self.columns[self.names.index(name)]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0


def look(payload: Payload, path: str | None = None) -> Seen:
    """What a file is. path : JSON pointer to the list of records, where a document holds several.

    Raises `UnreadableInput` for one that is no table of figures, with what to do.
    """
    content = payload.content
    for magic, (what, remedy) in _UNSUPPORTED.items():
        if content.startswith(magic):
            raise unreadable(payload, "a table of figures", what, remedy)
    if content.startswith(b"PAR1"):
        return _parquet(payload)
    if content.startswith(b"PK\x03\x04"):
        return _workbook(payload)
    refuse_error_page(payload, "a table of figures")
    head = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head[:1] in (b"{", b"["):
        return _json(payload, path)
    if head[:5] == b"<?xml" or head[:1] == b"<":
        raise unreadable(payload, "a table of figures", "XML", "ask the publisher for CSV, JSON-stat or a workbook")
    if _PX.search(content[:20_000]) and b"DATA=" in content:
        return _cube(payload, "PC-Axis", "pcaxis")
    return _text(payload)


def is_number(text: str) -> bool:
    """Whether a text looks like a figure, whatever its marks."""
    return _NUMBER.fullmatch(text.strip()) is not None


def without_mark(text: str) -> str:
    """A figure without a letter or star behind it, as in `410 (p)`; other texts as they are."""
    found = _MARKED.fullmatch(text.strip())
    return found.group(1) if found else text


# --- delimited text ------------------------------------------------------------------------------------------------


def _text(payload: Payload) -> Seen:
    encoding, drop_nul = _encoding(payload.content)
    text = decoded(payload, encoding, drop_nul=drop_nul)
    lines = text.splitlines()
    delimiter = _delimiter(lines[:_SAMPLE])
    if delimiter is None:
        raise unreadable(
            payload, "a table of several columns", f"one column: {clipped(next(filter(str.strip, lines), ''))}",
            "a table has a row of names such as country,date,value and a figure a row",
        )  # fmt: skip
    found = list(_records(text, delimiter))
    widths = Counter(len(_trimmed(fields)) for _, fields in found)
    rows = [(number, _trimmed(fields)) for number, fields in found]
    layout = _layout(payload, rows, max(widths, key=lambda w: (widths[w] * (w > 1), w)))
    options: dict[str, Any] = {}
    if encoding != "utf-8":
        options["encoding"] = encoding
    if drop_nul:
        options["drop_nul"] = True
    if delimiter != ",":
        options["delimiter"] = delimiter
    if re.search(rf'{re.escape(delimiter)} +"', text[:50_000]) and delimiter != " ":
        options["skip_blanks"] = True
    options |= layout.options
    body = layout.body
    found_marks = marks(body, delimiter)
    notes = layout.notes if layout.torn == 0 else (*layout.notes, f"{layout.torn:,} torn rows go to quarantine")
    kind = f"text separated by {_NAMES_OF[delimiter]}" + ("" if encoding == "utf-8" else f", {encoding}")
    return Seen(
        kind, "table", options, layout.names, _columns(body, layout.names), None, found_marks, notes, layout.above
    )


def _encoding(content: bytes) -> tuple[str, bool]:
    """The charset of a text, and whether it holds NUL bytes that say nothing."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", False
    drop = b"\x00" in content
    plain = content.replace(b"\x00", b"")
    if plain.isascii() or is_multibyte_utf8(plain.removeprefix(b"\xef\xbb\xbf")):
        return "utf-8", drop
    # Single-byte charsets cannot be told apart by their bytes; Cyrillic letters come in words, accents stand alone.
    words = re.findall(rb"[\xc0-\xff]{3,}", plain)
    return ("windows-1251" if len(words) > 2 else "windows-1252"), drop


def _delimiter(lines: Sequence[str]) -> str | None:
    """The character at which most lines fall into one number of fields, more than one; commas of figures are not it."""
    best: tuple[float, int, str] | None = None
    for mark in _DELIMITERS:
        counts = Counter(
            len(fields) for _, fields in _records("\n".join(lines), mark) if any(f.strip() for f in fields)
        )
        wide = {w: n for w, n in counts.items() if w > 1}
        if wide:
            width = max(wide, key=lambda w: (wide[w], w))
            score = (wide[width] / counts.total(), width, mark)
            best = max(best, score, key=lambda s: (round(s[0], 1), s[1])) if best else score
    if best is not None and best[0] >= 0.3:
        return best[2]
    split = Counter(len(line.split()) for line in lines if line.strip())
    width, number = split.most_common(1)[0] if split else (0, 0)
    return " " if width > 1 and number >= 0.8 * split.total() else None


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number of the first line, and fields, of each record that is not blank."""
    if delimiter == " ":
        for number, line in enumerate(text.splitlines()):
            if line.strip():
                yield number, line.split()
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    at = 0
    try:
        for fields in reader:
            if any(f.strip() for f in fields):
                yield at, [" ".join(f.split()) for f in fields]
            at = reader.line_num
    except csv.Error:
        return


def _trimmed(fields: Sequence[str]) -> list[str]:
    kept = list(fields)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


# --- a table among rows --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layout:
    """Where the table stands among rows: names, rows below them, options that say so, what to tell."""

    names: tuple[str, ...]
    body: list[list[str]]
    options: dict[str, Any]
    torn: int = 0
    notes: tuple[str, ...] = ()
    above: tuple[str, ...] = ()


def _layout(payload: Payload, rows: Sequence[tuple[int, list[str]]], width: int) -> Layout:
    """The table among numbered rows; blank fields at the end of a row are left out already."""
    whole = [i for i, (_, fields) in enumerate(rows) if len(fields) >= max(2, width - 1)]
    if len(whole) < 2:
        raise unreadable(payload, "a row of names and rows of figures", f"{len(rows)} rows", "look at the file")
    top = whole[0]
    names = list(rows[top][1])
    options: dict[str, Any] = {}
    notes: list[str] = []
    headed = _is_header(names, [rows[i][1] for i in whole[1 : _SAMPLE + 1]])
    row_names = False
    if headed:
        full = Counter(len(rows[i][1]) for i in whole[1:]).most_common(1)[0][0]
        if (len(names) == full - 1 or (names and not names[0])) and _counts_up([rows[i][1] for i in whole[1:]]):
            row_names, names = True, names if not names[0] else ["", *names]
            names = names[1:]
            options["row_names"] = True
        if rows[top][0]:
            options["skip_lines"] = rows[top][0]
            notes.append(f"{top or rows[top][0]} lines above the table left out")
    else:
        options["header"] = False
        names = [f"column {i + 1}" for i in range(width)]
        if rows[top][0]:
            options["skip_lines"] = rows[top][0]
    below = list(rows[top + headed :])
    if headed and below and all(f.startswith("#") for f in below[0][1] if f):
        options["skip_after_header"] = 1
        below = below[1:]
    if headed and any(fields == rows[top][1] for _, fields in below):
        raise unreadable(payload, "one table", "its row of names again below", "save each table as a file of its own")
    start = 1 if row_names else 0
    firsts = {fields[start] for _, fields in below if _is_row(fields[start:], len(names))}
    last = max(
        (i for i, (_, f) in enumerate(below) if _is_row(f[start:], len(names)) or _is_torn(f[start:], firsts)),
        default=-1,
    )
    footer = [fields[0] for _, fields in below[last + 1 :] if fields and fields[0]]
    if footer:
        word = re.match(r"[^\W\d_]+|\S+", footer[0])
        options["footer"] = [word.group() if word else footer[0]]
        notes.append(f"{len(footer)} lines below the table left out: {clipped(footer[0])[:60]}")
    inside = below[: last + 1]
    body = [_padded(fields[start:], len(names)) for _, fields in inside if len(fields) - start <= len(names)]
    torn = sum(not _is_row(fields[start:], len(names)) for _, fields in inside)
    above = tuple(" ".join(fields) for _, fields in rows[:top])
    return Layout(tuple(names), body, options, torn, tuple(notes), above)


def _is_header(names: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row is one of names: above texts with digits it has words, or it counts up years above figures."""
    for k, name in enumerate(names):
        texts = [fields[k] for fields in body if k < len(fields) and fields[k]]
        if not texts or not name or name in _MARKS:
            continue
        if sum(map(is_number, texts)) > 0.6 * len(texts) and not is_number(name):
            return True
        if sum(map(_has_figure, texts)) > 0.6 * len(texts) and not any(letter.isdigit() for letter in name):
            return True
    years = [name for name in names if re.fullmatch(r"(?:19|20)\d\d", name)]
    return len(years) >= 2 and len(set(years)) == len(years) and len(years) >= len([n for n in names if is_number(n)])


def _counts_up(body: Sequence[Sequence[str]]) -> bool:
    firsts = [fields[0] for fields in body[:50] if fields]
    return bool(firsts) and (
        [f for f in firsts if f.isdigit()] == firsts and len(set(firsts)) == len(firsts) and abs(int(firsts[0])) <= 1
    )


def _is_row(fields: Sequence[str], width: int) -> bool:
    filled = [f for f in fields if f]
    if len(fields) > width or len(filled) < min(2, width):
        return False
    return any(map(_has_figure, fields)) or not any(
        f.endswith(":") or ": " in f or len(f) > _LONGEST_LABEL for f in filled
    )


def _is_torn(fields: Sequence[str], firsts: set[str]) -> bool:
    """Whether a line that is no row opens like one: it is torn, and no words below the table."""
    if len(fields) < 2 or not fields[0]:
        return False
    counted = sum(first[:1].isdigit() for first in firsts)
    return fields[0] in firsts or (fields[0][:1].isdigit() and 2 * counted > len(firsts))


def _has_figure(text: str) -> bool:
    return any(letter.isdigit() for letter in text) or text in _MARKS


def _padded(fields: Sequence[str], width: int) -> list[str]:
    return [*fields, *[""] * (width - len(fields))]


def _columns(body: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row[k] for row in body) for k in range(len(names)))


def marks(body: Sequence[Sequence[str]], delimiter: str = "", *, typed: bool = False) -> Marks:
    """Marks of figures: one that stands twice, or before three digits only, groups thousands.

    delimiter : of the text they stand in; English files group by commas, those with semicolons by points, the other way round is
    doubtful. typed : numbers of a file that knows numbers, whose point is never a thousands mark.
    """
    texts = [t for row in body[:5_000] for t in row if is_number(t) and re.search(r"\d[.,\s'’\u00a0\u202f]\d", t)]
    texts = [t for t in texts if not re.fullmatch(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}\.?", t)]
    grouped = {m for t in texts for m in re.findall(r"(?<=\d)[\s'’\u00a0\u202f](?=\d{3})", t)}
    if grouped:
        mark = "'" if grouped & {"'", "’"} else " "
        return Marks("," if any("," in t for t in texts) else ".", mark)
    for mark, other in ((",", "."), (".", ",")):
        having = [t for t in texts if mark in t]
        if not having:
            continue
        grouped_by = re.compile(rf"[-−+]?\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+(?:{re.escape(other)}\d+)?")
        if (typed and mark == ".") or not all(map(grouped_by.fullmatch, having)):
            return Marks(mark)
        sure = any(t.count(mark) > 1 or other in t for t in having) or (mark == ",") != (delimiter == ";")
        return Marks(other, mark, "" if sure else mark)
    return Marks()


# --- workbooks, JSON, Parquet, cubes -------------------------------------------------------------------------------


def _workbook(payload: Payload) -> Seen:
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 (a file of another kind must not wait for it)

    sheets = registry.tables("workbook", payload)
    found: list[tuple[str, Layout]] = []
    without: dict[str, str] = {}
    for name, rows in sheets.items():
        numbered = [(i, _unmerged(_trimmed(row))) for i, row in enumerate(rows) if any(row)]
        widths = Counter(len(row) for _, row in numbered)
        try:
            layout = _layout(payload, numbered, max(widths, key=lambda w: (widths[w] * (w > 1), w), default=0))
        except UnreadableInput as fault:
            without[name] = str(fault)
            continue
        if any(is_number(t) for row in layout.body for t in row):
            found.append((name, layout))
        else:
            without[name] = "no figures"
    if not found:
        told = "; ".join(f"{name}: {why}" for name, why in without.items()) or "no sheet"
        raise unreadable(
            payload, "a sheet with a table of figures", told, "bring a workbook with a row of names above figures"
        )
    first = found[0][1]
    if not first.options.get("header", True):
        raise unreadable(payload, "a row of names above the figures", f"none in {found[0][0]}", "add one")
    alike = [(name, layout) for name, layout in found if _words(layout.names) == _words(first.names)]
    others = [name for name, layout in found if _words(layout.names) != _words(first.names)]
    if others:
        raise unreadable(
            payload, f"the same columns in every sheet, as in {found[0][0]}", ", ".join(others),
            "save each kind of sheet as a file of its own",
        )  # fmt: skip
    options: dict[str, Any] = {"sheet": [name for name, _ in alike]}
    if "footer" in first.options:
        options["notes"] = first.options["footer"]
    letters = [get_column_letter(k + 1) for k in range(len(first.names))]
    names = tuple(name or f"column {letter}" for name, letter in zip(first.names, letters, strict=True))
    if "" in first.names:
        options["stub_columns"] = letters  # of all columns; which of them hold labels is not known yet
    more = dict.fromkeys(name for _, layout in alike for name in layout.names if name not in names and name)
    body = [dict(zip(layout.names, row, strict=True)) for _, layout in alike for row in layout.body]
    columns = [[row.get("" if k < len(first.names) and not first.names[k] else name, "") for row in body]
               for k, name in enumerate((*names, *more))]  # fmt: skip
    years = [name for name, _ in alike]
    if len(years) > 1 and all(re.fullmatch(r"(?:19|20)\d\d", year) for year in years) and not more:
        options["sheet"] = ["{year of the sheet:####}"]
        names = (*names, "year of the sheet")
        columns.append([name for name, layout in alike for _ in layout.body])
    found_marks = marks(list(zip(*columns, strict=True)), typed=True)
    kind = f"workbook, sheet {', '.join(name for name, _ in alike)}"
    return Seen(
        kind,
        "workbook",
        options,
        (*names, *more),
        tuple(map(tuple, columns)),
        None,
        found_marks,
        (*first.notes, *([f"sheets without a table left out: {', '.join(without)}"] if without else [])),
        first.above,
    )


def _unmerged(row: list[str]) -> list[str]:
    """A row that is one merged cell as that one text."""
    return row[:1] if len(row) > 1 and len(set(row)) == 1 else row


def _words(names: Sequence[str]) -> list[str]:
    """Names of columns without those that tell periods apart."""
    return [name for name in names if not any(letter.isdigit() for letter in name)]


def _json(payload: Payload, path: str | None) -> Seen:
    """The list of objects or arrays somewhere in a document; or one object a line; or a cube."""
    lines = [line for line in decoded(payload, "utf-8").splitlines() if line.strip()]
    options: dict[str, Any]
    if len(lines) > 1 and _is_object(lines[0]) and _is_object(lines[1]):
        options, where = {"lines": True}, "one a line"
        entries: list[Json] = [json_of(line) for line in lines if _is_object(line)]
    else:
        document = load_json(payload)
        if isinstance(document, dict) and ({"dimension", "value"} <= set(document) or "dataset" in document):
            return _cube(payload, "JSON-stat", "jsonstat")
        found = dict(_lists(document, ""))
        if not found:
            raise unreadable(payload, "a list of records", "no list of objects", "ask the publisher for CSV")
        if path is None and len(found) > 1:
            raise unreadable(
                payload, "one list of records", ", ".join(p or "the top" for p in found), "say which one with --path"
            )
        if path is None:
            path = next(iter(found))
        if path not in found:
            raise unreadable(payload, f"a list of records at {path}", ", ".join(found), "give one of these")
        options, where, entries = {"path": path} if path else {}, f"at {path or 'the top'}", found[path]
    if isinstance(entries[0], list):
        options["header"] = True
        rows = [[_said(v) for v in entry] for entry in entries if isinstance(entry, list)]
        names, body = tuple(rows[0]), [row for row in rows[1:] if len(row) == len(rows[0])]
    else:
        records = [dict(_members(entry, "")) for entry in entries if isinstance(entry, dict)]
        names = tuple(dict.fromkeys(name for record in records for name in record))
        body = [[record.get(name, "") for name in names] for record in records]
    kind = f"JSON, {len(entries):,} records {where}"
    return Seen(kind, "records", options, names, _columns(body, names), None, marks(body, typed=True))


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lists(node: Json, path: str, depth: int = 0) -> Iterator[tuple[str, list[Json]]]:
    """Lists of objects, and of arrays under an array of names, with the pointers to them."""
    if isinstance(node, list) and node:
        named = isinstance(node[0], list) and len(node[0]) > 1 and all(isinstance(n, str) for n in node[0])
        records = [dict(_members(entry, "")) for entry in node if isinstance(entry, dict)]
        counted = any(map(is_number, (text for record in records for text in record.values())))
        if (len(records) == len(node) and counted) or (named and len(node) > 1):
            yield path, node
            return
    members = node.items() if isinstance(node, dict) else enumerate(node[:50]) if isinstance(node, list) else ()
    for key, inner in members:
        if depth < _DEEPEST and isinstance(inner, dict | list):
            yield from _lists(inner, f"{path}/{pointer_token(str(key))}", depth + 1)


def _members(record: dict[str, Json], above: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Names and texts of the members of a record, those of its members as `outer.inner`."""
    for key, value in record.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _members(value, f"{above}{key}.", depth + 1)
        else:
            yield f"{above}{key}", _said(value)


def _said(value: Json) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parquet(payload: Payload) -> Seen:
    rows = registry.tables("parquet", payload)[""]
    names = tuple(rows[0])
    body = [list(row) for row in rows[1:]]
    return Seen("Parquet", "parquet", {}, names, _columns(body, names))


def _cube(payload: Payload, kind: str, parser: str) -> Seen:
    cells: Sequence[Cell] = registry.shown(parser, payload)
    live = [cell for cell in cells if not cell.skipped]
    if not live:
        raise unreadable(payload, "figures", "none", "look at the file")
    names = tuple(live[0].labels)
    figures = tuple("" if cell.value is None else str(cell.value) for cell in live)
    columns = (*(tuple(cell.labels[name] for cell in live) for name in names), figures)
    unit = next((cell.unit for cell in live if cell.unit), None)
    notes = (f"unit {unit}",) if unit else ()
    return Seen(kind, parser, {}, (*names, "figure"), columns, "figure", Marks(), notes)
