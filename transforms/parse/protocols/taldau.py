"""Taldau tree answers: `yMMYYYY` keys hold figures as text, their twins `MMYYYY` hold internal ids of dates.

In: one payload of GetIndexTreeData. Out: `Parsed`; the time dimension goes by the name `Period` and is spelled
YYYYMmm, YYYYQq or YYYY by the source's frequency. The twins are never read as figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import TaldauOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import load_json

PERIOD = "Period"
_FIGURE = re.compile(r"y(0[1-9]|1[0-2])(\d{4})", re.ASCII)
_TWIN = re.compile(r"(0[1-9]|1[0-2])(\d{4})", re.ASCII)
_PLAIN_KEYS = frozenset({"id", "rownum", "text", "leaf", "expanded", "measureName", "parentId"})
_REMEDY = "look at the payload; the service changed"


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one tree answer."""
    options = spec.options
    assert isinstance(options, TaldauOptions)
    payload = only(payloads, spec.id)
    return assemble(spec, read_tree(payload, options, spec.series_mapping.time.freq))


def read_tree(payload: Payload, options: TaldauOptions, freq: str) -> list[Cell]:
    """Cells of a tree answer; `UnreadableInput` for keys nobody declared or a period of another frequency."""
    rows = load_json(payload)
    if not isinstance(rows, list):
        raise unreadable(payload, "a list of nodes", str(rows)[:120], _REMEDY)
    found: list[Cell] = []
    for number, node in enumerate(rows):
        label = node.get("text") if isinstance(node, dict) else None
        if not isinstance(node, dict) or not isinstance(label, str):
            raise unreadable(payload, "a node with a text", str(node)[:120], _REMEDY)
        measure = node.get("measureName")
        if options.measure_name is not None and measure not in (None, "", options.measure_name):
            raise unreadable(payload, f"measure {options.measure_name}", str(measure)[:80], "correct unit.mult")
        for key, value in node.items():
            figure = _FIGURE.fullmatch(key)
            if figure is None:
                if key not in _PLAIN_KEYS and key not in options.ignore_keys and not _TWIN.fullmatch(key):
                    raise unreadable(payload, "known keys", key[:80], _REMEDY)
                continue
            if key[1:] not in node:
                raise unreadable(payload, f"the twin {key[1:]} beside {key}", "none", _REMEDY)
            if isinstance(value, bool | list | dict):
                raise unreadable(payload, "figures as text", str(value)[:80], _REMEDY)
            labels = {options.dimension: label, PERIOD: _spelled(payload, figure.group(1), figure.group(2), freq)}
            found.append(Cell(labels, value, f"/{number}/{key}", payload.sha256))
    return found


def _spelled(payload: Payload, month: str, year: str, freq: str) -> str:
    if freq == "M":
        return f"{year}M{month}"
    if freq == "Q" and int(month) % 3 == 0:
        return f"{year}Q{int(month) // 3}"
    if freq == "A" and month == "12":
        return year
    raise unreadable(payload, f"periods of frequency {freq}", f"y{month}{year}", "check the period id of the request")


ADAPTER = Figures("taldau", TaldauOptions, parse, ask_one)
