"""Parquet files by their named columns, read as a table.

In: Parquet payloads. Out: `Parsed`; each figure keeps its row and column. Only the declared columns are read. Dates and clocks
become ISO texts, a clock at midnight its date alone; texts, whole numbers, decimals and fractions stay what they are; null is an
absent figure. A row without a label is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crossings.source.model import SourceSpec
from crossings.source.options import ParquetOptions
from transforms.parse.addresses import ask_one
from transforms.parse.columns import Columns, in_order, matched, said_by_name
from transforms.parse.contract import Cell, Figure, Figures, Parsed, Payload, as_received, files_of, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import refuse_error_page

_MAGIC = b"PAR1"
_FAULTS = (pa.ArrowException, OSError, ValueError, OverflowError)
_REMEDY = "look at the payload; correct columns or ignore_columns in options"


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of the Parquet files of one look."""
    options = spec.options
    assert isinstance(options, ParquetOptions)
    found: list[Cell] = []
    for payload in files_of(payloads, spec):
        found += read_parquet(payload, options, spec.bounds.max_rows)
    return assemble(spec, found)


def read_parquet(payload: Payload, options: ParquetOptions, max_rows: int) -> list[Cell]:
    """Cells of a Parquet file: one a figure column and row, one for a row without a label.

    Raises `UnreadableInput` for a file that is torn, too large or has more than `max_rows` rows, and for columns that are not as
    declared or of a kind that holds neither labels nor figures.
    """
    more = said_by_name(payload, options.file_name)
    if not (payload.content.startswith(_MAGIC) and payload.content.endswith(_MAGIC)):
        refuse_error_page(payload, "a Parquet file")
        raise unreadable(payload, "a whole Parquet file", repr(payload.content[:16]), "fetch again; the file is torn")
    try:
        file = pq.ParquetFile(pa.BufferReader(payload.content), page_checksum_verification=True)
        names = in_order(file.schema_arrow.names, options.columns)
        kinds = {field.name: field.type for field in file.schema_arrow}
        groups = [file.metadata.row_group(k) for k in range(file.metadata.num_row_groups)]
        rows, size = file.metadata.num_rows, sum(group.total_byte_size for group in groups)
    except _FAULTS as fault:
        raise _torn(payload, fault) from None
    if rows > max_rows:
        raise unreadable(
            payload, f"at most {max_rows:,} rows", f"{rows:,}", "look at the payload; if it grew, correct bounds"
        )
    if size > options.max_uncompressed_bytes:
        raise unreadable(
            payload,
            f"at most {options.max_uncompressed_bytes:,} bytes unpacked",
            f"{size:,}",
            "look at the file; hostile?",
        )
    columns = matched(payload, names, options.columns, options.values, options.values_as, options.ignore_columns, more)
    read = [names[place] for place in (*(p for p, _ in columns.labels), *(p for p, _ in columns.figures))]
    for name in read:
        if not _is_plain(kinds[name]):
            raise unreadable(payload, f"texts, numbers or dates in {name}", str(kinds[name]), _REMEDY)
    try:
        texts = [name for name in read if pa.types.is_string(kinds[name]) or pa.types.is_large_string(kinds[name])]
        file = pq.ParquetFile(pa.BufferReader(payload.content), read_dictionary=texts, page_checksum_verification=True)
        table = file.read(columns=read, use_threads=False)
        table.validate(full=True)
        if table.num_rows != rows:
            raise ValueError(f"{table.num_rows:,} rows where {rows:,} are claimed")
        by_name = {name: _values(payload, name, table.column(name), options.max_field) for name in read}
    except _FAULTS as fault:
        raise _torn(payload, fault) from None
    return _cells(payload, columns, names, by_name, table.num_rows)


def tables(payload: Payload) -> dict[str, list[list[str]]]:
    """The columns of texts, numbers and dates as rows of texts, names first."""
    try:
        table = pq.ParquetFile(pa.BufferReader(payload.content), page_checksum_verification=True).read(
            use_threads=False
        )
        table.validate(full=True)
        plain = [name for name in table.column_names if _is_plain(table.schema.field(name).type)]
        values = [_values(payload, name, table.column(name), 10_000) for name in plain]
    except _FAULTS as fault:
        raise _torn(payload, fault) from None
    said = [["" if value is None else _label(value) for value in row] for row in zip(*values, strict=True)]
    return {"": [plain, *said]}


def _torn(payload: Payload, fault: Exception) -> Exception:
    return unreadable(
        payload, "a whole Parquet file", f"{type(fault).__name__}: {fault}", "fetch again; the file is torn"
    )


def _is_plain(kind: pa.DataType) -> bool:
    """Whether a column of a kind holds texts, numbers, dates or clocks."""
    of = kind.value_type if pa.types.is_dictionary(kind) else kind
    asked = (
        pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal,
        pa.types.is_date, pa.types.is_timestamp, pa.types.is_boolean, pa.types.is_null,
    )  # fmt: skip
    return any(is_kind(of) for is_kind in asked)


def _values(payload: Payload, name: str, column: pa.ChunkedArray, longest: int) -> list[Any]:
    """Values of a column, dates and clocks as texts; one text of a dictionary for all rows that share it."""
    found: list[Any] = []
    for chunk in column.chunks:
        if not pa.types.is_dictionary(chunk.type):
            found += _plain_values(chunk)
            continue
        words = _plain_values(chunk.dictionary)
        size = max((len(word) for word in words if isinstance(word, str)), default=0)
        if size > longest:
            raise unreadable(
                payload, f"texts up to {longest:,} characters", f"{size:,} in {name}", "look at the payload"
            )
        found += [None if k is None else words[k] for k in chunk.indices.to_pylist()]
    return found


def _plain_values(chunk: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(chunk.type):
        local = pc.local_timestamp(chunk) if chunk.type.tz is not None else chunk
        return [None if text is None else _iso(text) for text in local.cast(pa.string()).to_pylist()]
    if pa.types.is_date(chunk.type):
        return list(chunk.cast(pa.date32()).cast(pa.string()).to_pylist())
    return list(chunk.to_pylist())


def _iso(text: str) -> str:
    """A day and a clock as ISO text; at midnight the day alone."""
    day, _, clock = text.partition(" ")
    whole = clock.rstrip("0").rstrip(".") if "." in clock else clock
    return day if whole == "00:00:00" else f"{day}T{whole}"


def _cells(
    payload: Payload, columns: Columns, names: Sequence[str], values: dict[str, list[Any]], rows: int
) -> list[Cell]:
    found: list[Cell] = []
    for row in range(rows):
        place = f"row {row + 1}"
        labels = [""] * len(names)
        figures: list[Figure] = [None] * len(names)
        places = [""] * len(names)
        blank = [names[at] for at, _ in columns.labels if values[names[at]][row] is None]
        if blank:
            record = ", ".join(f"{name} {as_received(values[name][row]) or 'null'}" for name in values)
            reason = f"expected a text, number or date under {blank[0]}, found null"
            found.append(columns.torn(record, reason, place, payload.sha256))
            continue
        for at, _ in columns.labels:
            labels[at] = _label(values[names[at]][row])
        for at, _ in columns.figures:
            figures[at], places[at] = values[names[at]][row], f"{place} {names[at]}"
        found += columns.cells(labels, figures, places, payload.sha256)
    return found


def _label(value: object) -> str:
    """A label as text: whole numbers without a fraction, as a column with gaps holds them, yes or no as in JSON."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


ADAPTER = Figures("parquet", ParquetOptions, parse, ask_one, tables=tables)
