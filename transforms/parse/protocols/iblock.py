"""stat.gov.kz dynamic tables: JSON or tab-separated text behind one address, told apart by their bytes.

In: one payload. Out: `Parsed`. JSON is `[{"terms", "termNames", "periods": [{"date", "value"}]}]` with a byte-order
mark; the text has the term columns first and one column a period. Dates are DD.MM.YYYY, the last day of the period.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import IblockOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble, by_code
from transforms.parse.text import Json, decoded, load_json, refuse_error_page

PERIOD = "Period"
_REMEDY = "look at the payload; the table changed"


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one payload; the time dimension goes by the name `Period`."""
    options = spec.options
    assert isinstance(options, IblockOptions)
    payload = only(payloads, spec.id)
    refuse_error_page(payload, "JSON or tab-separated text")
    head = payload.content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    coded = by_code(spec.series_mapping)
    found = _from_json(payload, options, coded) if head in (b"[", b"{") else _from_text(payload, options)
    return assemble(spec, found)


def _from_json(payload: Payload, options: IblockOptions, coded: frozenset[str]) -> list[Cell]:
    rows = load_json(payload)
    if not isinstance(rows, list):
        raise unreadable(payload, "a list of records", str(rows)[:120], _REMEDY)
    found: list[Cell] = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) - {"id", "terms", "termNames", "periods"}:
            raise unreadable(payload, "terms, termNames and periods", str(row)[:120], _REMEDY)
        terms, names, periods = row.get("terms"), row.get("termNames"), row.get("periods")
        if not (isinstance(terms, list) and isinstance(names, list) and isinstance(periods, list)):
            raise unreadable(payload, "terms, termNames and periods", str(row)[:120], _REMEDY)
        if not len(terms) == len(names) == len(options.terms):
            raise unreadable(payload, f"{len(options.terms)} terms", str(names)[:120], _REMEDY)
        labels = {
            dimension: _text(payload, term if dimension in coded else name)
            for dimension, term, name in zip(options.terms, terms, names, strict=True)
        }
        for place, period in enumerate(periods):
            if not isinstance(period, dict) or set(period) != {"date", "value"}:
                raise unreadable(payload, "date and value", str(period)[:120], _REMEDY)
            value = period["value"]
            if isinstance(value, bool | list | dict):
                raise unreadable(payload, "a figure as text", str(value)[:80], _REMEDY)
            found.append(
                Cell(
                    {**labels, PERIOD: _text(payload, period["date"])},
                    value,
                    f"/{number}/periods/{place}/value",
                    payload.sha256,
                )
            )
    return found


def _from_text(payload: Payload, options: IblockOptions) -> list[Cell]:
    text = decoded(payload, "utf-8")
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True))
    except csv.Error as fault:
        raise unreadable(payload, "tab-separated text", str(fault), "fetch again; the text is torn") from None
    width = len(options.terms)
    header = rows[0] if rows else []
    if tuple(" ".join(name.split()) for name in header[:width]) != options.terms or len(header) <= width:
        raise unreadable(payload, f"columns {', '.join(options.terms)} and periods", "\t".join(header)[:200], _REMEDY)
    found: list[Cell] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(header):
            raise unreadable(payload, f"{len(header)} fields in row {number}", f"{len(row)}", "fetch again; torn text")
        labels = dict(zip(options.terms, row[:width], strict=True))
        for column in range(width, len(header)):
            place = f"row {number} col {column + 1}"
            found.append(Cell({**labels, PERIOD: header[column]}, row[column], place, payload.sha256))
    return found


def _text(payload: Payload, value: Json) -> str:
    if not isinstance(value, str):
        raise unreadable(payload, "text", str(value)[:80], _REMEDY)
    return value


ADAPTER = Figures("iblock", IblockOptions, parse, ask_one)
