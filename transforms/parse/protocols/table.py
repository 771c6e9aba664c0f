"""Delimited text by a declared dialect: exact columns, encoding, delimiter, figure columns.

In: one CSV payload. Out: `Parsed`. The header must be the declared one, in order; a row with another number of
fields is a torn file. `NA` stays the text it is. Dates, order, totals and duplicates are checked by the mapping.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import TableOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import decoded, refuse_error_page


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one delimited payload."""
    options = spec.options
    assert isinstance(options, TableOptions)
    payload = only(payloads, spec.id)
    return assemble(spec, read_table(payload, options, spec.bounds.max_rows))


def read_rows(payload: Payload, options: TableOptions, max_rows: int) -> list[tuple[int, list[str]]]:
    """Data rows with their line numbers.

    Raises `UnreadableInput` where header, width or quoting is not as declared, and as soon as there are more than
    `max_rows` rows.
    """
    refuse_error_page(payload, "delimited text")
    text = decoded(payload, options.encoding, drop_nul=options.drop_nul)
    for _ in range(options.skip_lines):
        text = text.partition("\n")[2]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    try:
        header = [" ".join(name.split()) for name in next(reader, [])]
        if tuple(header) != options.columns:
            raise unreadable(
                payload,
                f"columns {', '.join(options.columns)}",
                ", ".join(header),
                "look at the payload; the layout, delimiter or encoding differs from options",
            )
        for row in reader:
            if not row:
                continue
            number = reader.line_num + options.skip_lines
            if len(row) != len(header):
                raise unreadable(
                    payload, f"{len(header)} fields in line {number}", f"{len(row)}", "fetch again; the text is torn"
                )
            if max(map(len, row)) > options.max_field:
                raise unreadable(
                    payload,
                    f"fields up to {options.max_field:,} characters",
                    f"{max(map(len, row)):,} in line {number}",
                    "look at the payload; it may be hostile, or a quote is left open",
                )
            if len(rows) >= max_rows:
                raise unreadable(
                    payload, f"at most {max_rows:,} rows", "more", "look at the payload; if it grew, correct bounds"
                )
            rows.append((number, row))
    except csv.Error as fault:
        raise unreadable(payload, "delimited text", str(fault), "fetch again; the text is torn") from None
    return rows


def read_table(payload: Payload, options: TableOptions, max_rows: int) -> list[Cell]:
    """Cells of a delimited payload: one a figure column and row."""
    figure_at = {options.columns.index(name): name for name in options.values}
    label_at = [(k, name) for k, name in enumerate(options.columns) if k not in figure_at]
    found: list[Cell] = []
    for number, row in read_rows(payload, options, max_rows):
        labels = {name: row[k] for k, name in label_at}
        for order, (k, name) in enumerate(figure_at.items()):
            extra = {options.values_as: name} if options.values_as is not None else {}
            place = f"row {number} col {k + 1}"
            found.append(Cell({**labels, **extra}, row[k], place, payload.sha256, first=order == 0))
    return found


ADAPTER = Figures("table", TableOptions, parse, ask_one)
