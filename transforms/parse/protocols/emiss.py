"""EMISS (fedstat.ru): the quarter-end CSV of the border service, or SDMX-ML with code lists in the message.

In: one payload, sniffed. Out: `Parsed`. Code columns that should correspond one to one (label and ISO code, for
instance) are checked over the whole file, pseudo codes included; XML is read without entities or external parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from crossings.source.model import SourceSpec
from crossings.source.options import EmissOptions, TableOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.protocols.table import read_table
from transforms.parse.text import decoded, refuse_error_page

_REMEDY = "look at the payload; it is torn or no SDMX-ML"


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one EMISS payload."""
    options = spec.options
    assert isinstance(options, EmissOptions)
    payload = only(payloads, spec.id)
    head = payload.content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<") and not head[:200].lower().startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return assemble(spec, read_sdmx(payload))
    refuse_error_page(payload, "an EMISS table")
    table = TableOptions(
        parser="table", columns=options.columns, values=(options.value,), encoding=options.encoding, max_torn=0.0
    )
    found = read_table(payload, table, spec.bounds.max_rows)
    for left, right in options.one_to_one:
        _check_pair(payload, found, left, right)
    return assemble(spec, found)


def read_sdmx(payload: Payload) -> list[Cell]:
    """Cells of a generic SDMX-ML message; codes are shown by the names of the message's own code lists.

    The time dimension goes by the name `Time`.
    """
    text = decoded(payload, "utf-8")
    try:
        root = fromstring(text.encode("utf-8"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as fault:
        raise unreadable(payload, "SDMX-ML without entities", f"{type(fault).__name__}: {fault}", _REMEDY) from None
    names = _code_names(root)
    found: list[Cell] = []
    for order, series in enumerate(_all(root, "Series"), start=1):
        key = next(iter(_all(series, "SeriesKey")), None)
        if key is None:
            raise unreadable(payload, "a SeriesKey in each Series", f"none in series {order}", _REMEDY)
        labels = {}
        for value in _all(key, "Value"):
            concept, code = value.get("concept") or value.get("id"), value.get("value")
            if concept is None or code is None:
                raise unreadable(payload, "concept and value", f"series {order}", _REMEDY)
            labels[concept] = names.get((concept, code), code)
        for place, observation in enumerate(_all(series, "Obs"), start=1):
            time = next(iter(_all(observation, "Time")), None)
            figure = next(iter(_all(observation, "ObsValue")), None)
            if time is None or not (time.text or "").strip() or figure is None:
                raise unreadable(payload, "Time and ObsValue", f"series {order} observation {place}", _REMEDY)
            found.append(
                Cell(
                    {**labels, "Time": (time.text or "").strip()},
                    figure.get("value"),
                    f"series {order} observation {place}",
                    payload.sha256,
                )
            )
    if len({tuple(sorted(cell.labels)) for cell in found}) > 1:
        raise unreadable(payload, "the same concepts in each series", "different ones", _REMEDY)
    return found


def _check_pair(payload: Payload, found: Sequence[Cell], left: str, right: str) -> None:
    forward: dict[str, str] = {}
    backward: dict[str, str] = {}
    for cell in found:
        a, b = cell.labels[left], cell.labels[right]
        if forward.setdefault(a, b) != b or backward.setdefault(b, a) != a:
            raise unreadable(
                payload,
                f"{left} and {right} to correspond one to one",
                f"{a} with {b} and with {forward[a] if forward[a] != b else backward[b]} ({cell.locator})",
                "look at the payload; a code or a label was exchanged",
            )


def _code_names(root: Element) -> dict[tuple[str, str], str]:
    names: dict[tuple[str, str], str] = {}
    for code_list in _all(root, "CodeList"):
        concept = code_list.get("id") or ""
        for code in _all(code_list, "Code"):
            text = next(iter(_all(code, "Description")), None)
            value = code.get("value")
            if value is not None and text is not None and text.text:
                names[concept, value] = " ".join(text.text.split())
    return names


def _all(parent: Element, local: str) -> list[Element]:
    return [
        e for e in parent.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == local and e is not parent
    ]


ADAPTER = Figures("emiss", EmissOptions, parse, ask_one)
