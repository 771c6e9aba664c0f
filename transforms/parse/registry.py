"""The one door of the parsers: payloads and a source in, `Parsed` out.

The parser's module is imported when it is first asked for, so that reading a CSV does not load a workbook reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed, Payload, only

if TYPE_CHECKING:
    from transforms.parse.statements_csv import Statements

MODULES: dict[str, str] = {
    "jsonstat": "transforms.parse.protocols.jsonstat",
    "eurostat": "transforms.parse.protocols.eurostat",
    "pxweb": "transforms.parse.protocols.pxweb",
    "pcaxis": "transforms.parse.protocols.pcaxis",
    "uljas": "transforms.parse.protocols.uljas",
    "workbook": "transforms.parse.protocols.workbook",
    "frontex": "transforms.parse.protocols.frontex",
    "iblock": "transforms.parse.protocols.iblock",
    "taldau": "transforms.parse.protocols.taldau",
    "table": "transforms.parse.protocols.table",
    "emiss": "transforms.parse.protocols.emiss",
}


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one look at a source.

    Parameters
    ----------
    payloads : the archived bytes, one or more, with their roles; their order never matters.
    spec : the source.

    Raises `UnreadableInput` for payload-level faults: nothing of the payloads is taken then. Statements are no
    figures by period: a source with parser `register` is read by `statements`.
    """
    if spec.parser not in MODULES:
        raise UnreadableInput(
            f"{spec.id}: expected figures by period, found a source of statements", "read it with registry.statements"
        )
    _check_sizes(payloads, spec)
    module = import_module(MODULES[spec.parser])
    ordered = sorted(payloads, key=lambda p: (p.name, p.sha256))
    parsed: Parsed = module.parse(ordered, spec)
    return parsed


def statements(payloads: Sequence[Payload], spec: SourceSpec) -> Statements:
    """Statements of one look at a source whose parser is `register`; the faults are those of `parse`."""
    from transforms.parse.statements_csv import parse as read_statements

    if spec.parser != "register":
        raise UnreadableInput(f"{spec.id}: expected statements, found parser {spec.parser}", "read it with parse")
    _check_sizes(payloads, spec)
    payload = only(payloads, spec.id)
    return read_statements(payload.content, payload.name)


def _check_sizes(payloads: Sequence[Payload], spec: SourceSpec) -> None:
    if not payloads:
        raise UnreadableInput(f"{spec.id}: expected a payload, found none", "fetch the source first")
    for payload in payloads:
        size = len(payload.content)
        if not spec.bounds.min_bytes <= size <= spec.fetch.max_bytes:
            raise UnreadableInput(
                f"{payload.name}: expected {spec.bounds.min_bytes:,} to {spec.fetch.max_bytes:,} bytes, found {size:,}",
                "look at the payload; if the publisher really changed, correct bounds and fetch in the source's YAML",
            )
