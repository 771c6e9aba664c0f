"""The one door of the protocols: their adapters by name; payloads and a source in, what they say out.

The protocol's module is imported when it is first asked for, so that reading a CSV does not load a workbook reader.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from transforms.parse.contract import Adapter, Cell, Figures, Parsed, Payload
from transforms.parse.statements_csv import Statements

PROTOCOLS: dict[str, str] = {
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
    "records": "transforms.parse.protocols.records",
    "parquet": "transforms.parse.protocols.parquet",
    "emiss": "transforms.parse.protocols.emiss",
    "register": "transforms.parse.protocols.register",
}
"""Every protocol by the name that a source writes as `parser`, and the module whose `ADAPTER` it is."""


def adapter(name: str) -> Adapter[Any]:
    """The adapter of a protocol by its name."""
    found: Adapter[Any] = import_module(PROTOCOLS[name]).ADAPTER
    return found


def shown(name: str, payload: Payload) -> list[Cell]:
    """Cells of a file that names its own dimensions, under a protocol that needs no layout declared."""
    found = adapter(name)
    assert isinstance(found, Figures)
    assert found.shown is not None
    return found.shown(payload)


def tables(name: str, payload: Payload) -> dict[str, list[list[str]]]:
    """Tables of a file by name, as rows of texts, under a protocol of tables."""
    found = adapter(name)
    assert isinstance(found, Figures)
    assert found.tables is not None
    return found.tables(payload)


def read(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed | Statements:
    """What one look at a source says: figures by period, or statements where the source is a file of them.

    Parameters
    ----------
    payloads : the archived bytes, one or more, with their roles; their order never matters.
    spec : the source.

    Raises `UnreadableInput` for payload-level faults: nothing of the payloads is taken then. A publisher's answer must
    keep the sizes that the source declares; a file that people write may have any.
    """
    if not payloads:
        raise UnreadableInput(f"{spec.id}: expected a payload, found none", "fetch the source first")
    if not spec.by_hand:
        _check_sizes(payloads, spec)
    found: Parsed | Statements = adapter(spec.parser).parse(sorted(payloads, key=lambda p: (p.name, p.sha256)), spec)
    return found


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """The figures by period of one look at a source; as `read`, and `UnreadableInput` for a file of statements."""
    found = None if spec.by_hand else read(payloads, spec)
    if not isinstance(found, Parsed):
        raise UnreadableInput(f"{spec.id}: expected figures by period, found a source of statements", "use read")
    return found


def _check_sizes(payloads: Sequence[Payload], spec: SourceSpec) -> None:
    for payload in payloads:
        size = len(payload.content)
        if not spec.bounds.min_bytes <= size <= spec.fetch.max_bytes:
            raise UnreadableInput(
                f"{payload.name}: expected {spec.bounds.min_bytes:,} to {spec.fetch.max_bytes:,} bytes, found {size:,}",
                "look at the payload; if the publisher really changed, correct bounds and fetch in the source's YAML",
            )
