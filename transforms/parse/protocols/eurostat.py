"""Eurostat statistics API: JSON-stat 2 with sparse values, letter flags and declared empty positions.

In: one payload of the dissemination API. Out: the question, and `Parsed`. A combined flag such as `bep` keeps its
spelling; its status is the first that applies of break, definition, estimate, provisional, low reliability (method.md 6).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crossings.source.model import SourceSpec
from crossings.source.options import EurostatOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Note, Parsed, Payload, Questions, Span, only, unreadable
from transforms.parse.mapping import assemble, by_code
from transforms.parse.protocols.jsonstat import Cube, cells, chosen, read_cubes
from transforms.parse.text import Json

_RANK = "bdepu"


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one Eurostat payload; an axis of size zero is refused."""
    options = spec.options
    assert isinstance(options, EurostatOptions)
    payload = only(payloads, spec.id)
    cube = chosen(payload, read_cubes(payload, options.max_cells), None)
    empty = _empty_positions(payload, cube)
    mapping = spec.series_mapping
    combined = {
        flag: mapping.symbols[first]
        for flag in set(cube.status.values())
        if flag not in mapping.symbols and (first := leading_flag(flag)) is not None and first in mapping.symbols
    }
    if combined:
        widened = mapping.model_copy(update={"symbols": {**mapping.symbols, **combined}})
        spec = spec.model_copy(update={"mapping": widened})
    found = list(cells(cube, payload, by_code(mapping)))
    _skip(found, cube, empty)
    newest = _newest(cube)
    notes = (Note("latest_period", f"the publisher's newest period is {newest}"),) if newest else ()
    return assemble(spec, found, notes)


def questions(spec: SourceSpec, back: Span | None = None) -> Questions:
    """The one question of a table; a look back moves the start of `sinceTimePeriod`, where the address states one.

    An address without it answers with the whole history.
    """
    if back is not None:
        start = f"{back.first:%Y}" if spec.series_mapping.time.freq == "A" else f"{back.first:%Y-%m}"
        addresses = tuple(
            a.model_copy(update={"url": re.sub(r"(sinceTimePeriod=)\d{4}(-\d{2})?", rf"\g<1>{start}", a.url)})
            for a in spec.addresses
        )
        spec = spec.model_copy(update={"addresses": addresses})
    return ask_one(spec)


def leading_flag(flag: str) -> str | None:
    """The flag that counts among combined letters; None where one is unknown."""
    if not flag or any(letter not in _RANK for letter in flag):
        return None
    return min(flag, key=_RANK.index)


def _skip(found: list[Cell], cube: Cube, empty: dict[int, set[int]]) -> None:
    if not empty:
        return
    sizes = [len(d.codes) for d in cube.dimensions]
    for flat, cell in enumerate(found):
        rest = flat
        for axis in range(len(sizes) - 1, -1, -1):
            rest, place = divmod(rest, sizes[axis])
            if place in empty.get(axis, ()) and cell.value is None:
                found[flat] = replace(cell, skipped=True)
                break


def _empty_positions(payload: Payload, cube: Cube) -> dict[int, set[int]]:
    declared = cube.extension.get("positions-with-no-data")
    if not isinstance(declared, dict):
        return {}
    axes = {d.name: k for k, d in enumerate(cube.dimensions)}
    empty: dict[int, set[int]] = {}
    for name, places in declared.items():
        if name not in axes or not isinstance(places, list):
            raise unreadable(payload, "dimensions in positions-with-no-data", name, "look at the payload")
        marked = {p for p in places if isinstance(p, int) and not isinstance(p, bool)}
        if marked:
            empty[axes[name]] = marked
    return empty


def _newest(cube: Cube) -> str | None:
    annotations: Json = cube.extension.get("annotation")
    for entry in annotations if isinstance(annotations, list) else []:
        if isinstance(entry, dict) and entry.get("type") == "OBS_PERIOD_OVERALL_LATEST":
            title = entry.get("title")
            return title if isinstance(title, str) else None
    return None


ADAPTER = Figures("eurostat", EurostatOptions, parse, questions)
