"""Delimited text by a declared dialect: names of columns, encoding, delimiter, quotes, figure columns, words of a footer.

In: CSV payloads. Out: `Parsed`. The header must be the declared one, in order, capitals apart. A row that has another number
of fields or leaves a quote open is set aside as it stands, and the rows after it are read; a file in which such rows prevail is
refused. `NA` stays the text it is. Dates, order, totals and duplicates are checked by the mapping.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossings.source.model import SourceSpec
from crossings.source.options import TableOptions
from transforms.parse.addresses import ask_one
from transforms.parse.columns import Columns, matched, said_by_name
from transforms.parse.contract import Cell, Figures, Parsed, Payload, files_of, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import decoded, refuse_error_page


@dataclass(frozen=True, slots=True)
class Row:
    """One record of the text: number of its last line, the line or lines as received, its fields, and why it is none."""

    number: int
    received: str
    fields: list[str]
    fault: str | None = None


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of the delimited payloads of one look."""
    options = spec.options
    assert isinstance(options, TableOptions)
    found: list[Cell] = []
    for payload in files_of(payloads, spec):
        found += read_table(payload, options, spec.bounds.max_rows)
    return assemble(spec, found)


def read_table(payload: Payload, options: TableOptions, max_rows: int) -> list[Cell]:
    """Cells of a delimited payload: one a figure column and row, one for a row that is torn.

    Raises `UnreadableInput` where the header is not as declared, where torn rows prevail or a footer is none, and as soon as
    there are more than `max_rows` rows.
    """
    refuse_error_page(payload, "delimited text")
    rows = _records(payload, decoded(payload, options.encoding, drop_nul=options.drop_nul), options)
    columns, width = _columns(payload, rows, options)
    found: list[Cell] = []
    number = torn = 0
    first: Row | None = None
    for row in _above_the_footer(payload, rows, options, width):
        number += 1
        if number > max_rows:
            raise unreadable(
                payload, f"at most {max_rows:,} rows", "more", "look at the payload; if it grew, correct bounds"
            )
        fields = _fitted(row.fields, width)
        if row.fault is not None or len(fields) != width:
            fault = row.fault or f"{width} fields in line {row.number}, found {len(fields)}"
            first, torn = first or Row(row.number, row.received, row.fields, fault), torn + 1
            found.append(columns.torn(row.received, f"expected {fault}", f"row {row.number}", payload.sha256))
            continue
        if max(map(len, fields)) > options.max_field:
            raise _too_long(payload, options, max(map(len, fields)), row.number)
        places = [f"row {row.number} col {k + 1}" for k in range(width)]
        found += columns.cells(fields, fields, places, payload.sha256)
    if first is not None and (torn == number or torn > options.max_torn * number):
        raise unreadable(
            payload,
            str(first.fault).partition(", found ")[0],
            f"{str(first.fault).rpartition(', found ')[2]}; {torn:,} of {number:,} rows are torn",
            "fetch again; if the file is whole, correct delimiter, quote or columns in options, or declare footer and row_names",
        )
    return found


def _columns(payload: Payload, rows: Iterator[Row], options: TableOptions) -> tuple[Columns, int]:
    """Columns of the table and the number of fields of its rows; what stands above the first row is taken from `rows`."""
    more = said_by_name(payload, options.file_name)
    header = list(options.columns)
    if options.header:
        first = next(rows, None)
        header = [" ".join(name.split()) for name in first.fields] if first is not None else []
        while header and not header[-1]:
            header.pop()
        if options.row_names and (len(header) < 1 or header[0]):
            header.insert(0, "")
        for _ in range(options.skip_after_header):
            next(rows, None)
    elif options.row_names:
        header.insert(0, "")
    start = 1 if options.row_names else 0
    found = matched(
        payload, header[start:], options.columns, options.values, options.values_as, options.ignore_columns, more
    )
    if not start:
        return found, len(header)
    labels = tuple((place + 1, name) for place, name in found.labels)
    return Columns(labels, tuple((place + 1, said) for place, said in found.figures), more), len(header)


def _above_the_footer(payload: Payload, rows: Iterator[Row], options: TableOptions, width: int) -> Iterator[Row]:
    """Rows up to the first one that a footer word opens; below it nothing may look like a row."""
    below = False
    for row in rows:
        opens = any(row.fields[0].strip().startswith(word) for word in options.footer)
        if below and not opens and len(_fitted(row.fields, width)) == width and width > 1 and any(row.fields[1:]):
            raise unreadable(
                payload,
                "nothing but words below the footer",
                f"a row in line {row.number}",
                "correct footer in options",
            )
        below = below or opens
        if not below:
            yield row


def _fitted(fields: list[str], width: int) -> list[str]:
    """Fields without the blank ones that a delimiter at the end of a line leaves."""
    while len(fields) > width and not fields[-1].strip():
        fields = fields[:-1]
    return fields


def _records(payload: Payload, text: str, options: TableOptions) -> Iterator[Row]:
    """Records of the text, blank lines left out. One whose quote is never closed is one line with a fault."""
    lines = list(io.StringIO(text, newline=""))
    quote, delimiter = options.quote, options.delimiter
    plain_blanks = options.skip_blanks and delimiter != " "
    at = options.skip_lines
    while at < len(lines):
        line = lines[at]
        if delimiter == " " or (quote and quote in line):
            row = _quoted(payload, lines, at, options)
        else:
            fields = line.rstrip("\r\n").split(delimiter)
            row = Row(at + 1, line, [f.lstrip(" ") for f in fields] if plain_blanks else fields)
        at = row.number
        if row.fault is not None or len(row.fields) > 1 or (row.fields and row.fields[0].strip()):
            yield row


def _quoted(payload: Payload, lines: Sequence[str], at: int, options: TableOptions) -> Row:
    """The record that starts in a line, with the lines that its quotes take in; bounded, because a stray quote takes in all."""
    taken: list[str] = []

    def feed() -> Iterator[str]:
        size = 0
        for line in lines[at:]:
            if taken and size > options.max_field:
                return
            taken.append(line)
            size += len(line)
            yield line

    reader = csv.reader(
        feed(),
        delimiter=options.delimiter,
        quotechar=options.quote or None,
        quoting=csv.QUOTE_MINIMAL if options.quote else csv.QUOTE_NONE,
        skipinitialspace=options.skip_blanks and options.delimiter != " ",
        strict=True,
    )
    try:
        fields = next(reader, [])
    except csv.Error as told:
        if len(lines[at]) > options.max_field:
            raise _too_long(payload, options, len(lines[at]), at + 1) from None
        return Row(at + 1, lines[at], [lines[at].strip()], f"delimited text in line {at + 1}, found {told}")
    if options.delimiter == " ":
        fields = [field for field in fields if field]
    return Row(at + reader.line_num, "".join(taken), fields)


def _too_long(payload: Payload, options: TableOptions, length: int, number: int) -> Exception:
    return unreadable(
        payload,
        f"fields up to {options.max_field:,} characters",
        f"{length:,} in line {number}",
        "look at the payload; it may be hostile, or a quote is left open",
    )


ADAPTER = Figures("table", TableOptions, parse, ask_one)
