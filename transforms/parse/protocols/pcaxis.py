"""PC-Axis files through the `pyaxis` library, with the charset checked first.

In: one .px payload. Out: `Parsed`, or the decoded table. The header's CHARSET and CODEPAGE are claims: UTF-8 that
calls itself ANSI, and text whose letters were already lost, are refused unless the source declares otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod

import pandas as pd
from pyaxis.data_processing import get_dimensions
from pyaxis.metadata_processing import metadata_dict_maker, metadata_split_to_dict

from crossings.source.model import SourceSpec
from crossings.source.options import PcAxisOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Note, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import decoded, is_multibyte_utf8, refuse_error_page

_CLAIM = re.compile(rb'^\s*(CHARSET|CODEPAGE)\s*=\s*"([^"\r\n]{1,40})"\s*;', re.MULTILINE | re.IGNORECASE)
_STATEMENT = re.compile(r'(?:[^";]++|"[^"]*+")*+;')
_DATA = re.compile(r"\s*DATA\s*=", re.IGNORECASE)
_KEYWORD = re.compile(r"[A-Z][A-Z0-9_-]*", re.IGNORECASE)
_NOTES = frozenset(
    {"NOTE", "NOTEX", "CELLNOTE", "CELLNOTEX", "VALUENOTE", "VALUENOTEX", "DATANOTE", "DATANOTECELL", "INFO"}
)
_READ = frozenset({"LANGUAGE", "LANGUAGES", "STUB", "HEADING", "VALUES", "UNITS"})
_ABSENT = re.compile(r'"?(\.{1,6}|-|:)"?')
_REMEDY = "fetch again; the file is torn or no PC-Axis file"


@dataclass(frozen=True, eq=False)
class PxTable:
    """A decoded PC-Axis file: names of the axes (slowest first), their categories, figures as text, unit."""

    names: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    figures: tuple[str, ...]
    unit: str | None
    lossy: int

    def frame(self) -> pd.DataFrame:
        """One row a figure, a column an axis, and `DATA` as written."""
        frame = pd.DataFrame(list(product(*self.categories)), columns=list(self.names))
        frame["DATA"] = list(self.figures)
        return frame


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one .px payload."""
    options = spec.options
    assert isinstance(options, PcAxisOptions)
    payload = only(payloads, spec.id)
    table = read_px(payload, options)
    notes = (
        (Note("lost_letters", f"{table.lossy} letters were lost before the file reached us"),) if table.lossy else ()
    )
    return assemble(spec, _cells(payload, table), notes)


def shown(payload: Payload) -> list[Cell]:
    """Cells of a payload under the texts of its values."""
    return _cells(payload, read_px(payload, PcAxisOptions(parser="pcaxis")))


def _cells(payload: Payload, table: PxTable) -> list[Cell]:
    found: list[Cell] = []
    for place, (labels, figure) in enumerate(zip(product(*table.categories), table.figures, strict=True)):
        absent = _ABSENT.fullmatch(figure)
        found.append(
            Cell(
                labels=dict(zip(table.names, labels, strict=True)),
                value=None if absent else figure,
                locator=f"DATA item {place + 1}",
                sha256=payload.sha256,
                symbol=absent.group(1) if absent else None,
                unit=table.unit,
            )
        )
    return found


def read_px(payload: Payload, options: PcAxisOptions) -> PxTable:
    """The table of a .px payload; `UnreadableInput` where it is torn, wrongly encoded or beyond the cell limit."""
    refuse_error_page(payload, "a PC-Axis file")
    text, lossy = _text(payload, options)
    elements, raw = _statements(payload, text)
    try:
        metadata = metadata_split_to_dict(elements)
        if "LANGUAGES" in metadata:
            language = options.language or metadata["LANGUAGE"][0]
            metadata, _ = metadata_dict_maker(metadata, metadata["LANGUAGES"], language)
        names, members = get_dimensions(metadata)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as fault:
        raise unreadable(payload, "PC-Axis keywords", f"{type(fault).__name__}: {fault}", _REMEDY) from None
    if not all(isinstance(m, list) and m for m in members) or not names or len(set(names)) != len(names):
        raise unreadable(payload, "STUB and HEADING with VALUES", ", ".join(map(str, names))[:120], _REMEDY)
    expected = prod(len(m) for m in members)
    if expected > options.max_cells:
        raise unreadable(payload, f"at most {options.max_cells:,} cells", f"{expected:,}", "ask for a smaller table")
    figures = tuple(raw.split())
    if len(figures) != expected:
        raise unreadable(payload, f"{expected:,} figures in DATA", f"{len(figures):,}", _REMEDY)
    unit = metadata.get("UNITS")
    return PxTable(
        names=tuple(map(str, names)),
        categories=tuple(tuple(map(str, m)) for m in members),
        figures=figures,
        unit=str(unit[0]).strip() if isinstance(unit, list) and unit else None,
        lossy=lossy,
    )


def _statements(payload: Payload, text: str) -> tuple[list[str], str]:
    """The statements that say what the table is, and the figures; words inside quotes are never keywords.

    A note in several texts, each closed by a semicolon of its own, is still one note.
    """
    elements: list[str] = []
    keyword, at = "", 0
    while (found := _STATEMENT.match(text, at)) is not None and not _DATA.match(text, at):
        statement = found.group()[:-1].replace("\n", " ").replace("\r", " ").strip()
        name = _KEYWORD.match(statement)
        if name is not None:
            keyword = name.group().upper()
            if "=" not in statement:
                raise unreadable(payload, "PC-Axis keywords", f"{statement[:60]} without =", _REMEDY)
            if keyword in _READ:
                elements.append(statement)
        elif statement and not (statement.startswith('"') and keyword in _NOTES):
            raise unreadable(payload, "PC-Axis keywords", f"text without one: {statement[:60]}", _REMEDY)
        at = found.end()
    opening = _DATA.match(text, at)
    if opening is None:
        raise unreadable(
            payload, "one DATA section", f"0; the text ends in {text[at:].strip()[:60] or keyword!r}", _REMEDY
        )
    figures = text[opening.end() :].rstrip()
    if not figures.endswith(";"):
        raise unreadable(payload, "DATA that ends with a semicolon", f"…{figures[-30:]}", _REMEDY)
    # Some offices close every line of figures with a semicolon.
    return elements, figures.replace(";", " ")


def _text(payload: Payload, options: PcAxisOptions) -> tuple[str, int]:
    claims = {
        name.decode().upper(): value.decode("ascii", "replace") for name, value in _CLAIM.findall(payload.content)
    }
    claimed = claims.get("CODEPAGE") or {"ANSI": "windows-1252"}.get(claims.get("CHARSET", "").upper())
    encoding = options.encoding or claimed
    if encoding is None:
        encoding = "utf-8" if is_multibyte_utf8(payload.content) or payload.content.isascii() else "windows-1252"
    lost = payload.content.count("\ufffd".encode())
    if lost and options.lossy_labels:
        if b"\x00" in payload.content:
            raise unreadable(payload, "text", "NUL bytes", _REMEDY)
        return payload.content.decode("utf-8", "replace").removeprefix("\ufeff"), lost
    if lost:
        raise unreadable(
            payload,
            f"whole {encoding} text",
            f"UTF-8 with {lost} replacement characters: letters were lost before the file reached us",
            "ask the publisher for an undamaged file, or declare lossy_labels: true",
        )
    return decoded(payload, encoding), 0


ADAPTER = Figures("pcaxis", PcAxisOptions, parse, ask_one, shown)
