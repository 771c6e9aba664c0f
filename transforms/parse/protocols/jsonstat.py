"""JSON-stat 1.x and 2: dense and sparse values and status, roles present or not, bundles.

In: decoded JSON. Out: cubes, and cells in row-major order with JSON pointers. Also serves PxWeb (versions 1 and 2)
and Eurostat. Format: json-stat.org/full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod

from crossings.source.model import SourceSpec
from crossings.source.options import JsonStatOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figure, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble, by_code
from transforms.parse.text import Json, load_json, pointer_token

_REMEDY = "fetch again; if the publisher changed the format, look at the payload"


@dataclass(frozen=True)
class Dimension:
    """One axis of a cube: name, label, and per category in order its code, label and unit."""

    name: str
    label: str
    codes: tuple[str, ...]
    labels: tuple[str, ...]
    units: tuple[str | None, ...]


@dataclass(frozen=True)
class Cube:
    """One JSON-stat dataset.

    Attributes
    ----------
    dimensions : axes, slowest first.
    values, status : by flat position; absent positions have neither.
    roles : `time`, `geo`, `metric` -> names of dimensions, where stated.
    extension : as received.
    pointer : JSON pointer of the dataset.
    """

    dimensions: tuple[Dimension, ...]
    values: dict[int, Figure] = field(repr=False)
    status: dict[int, str] = field(repr=False)
    roles: dict[str, tuple[str, ...]]
    extension: dict[str, Json]
    pointer: str

    @property
    def size(self) -> int:
        """Number of positions."""
        return prod(len(d.codes) for d in self.dimensions)


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one JSON-stat payload."""
    options = spec.options
    assert isinstance(options, JsonStatOptions)
    payload = only(payloads, spec.id)
    cubes = read_cubes(payload, options.max_cells)
    cube = chosen(payload, cubes, options.dataset)
    return assemble(spec, list(cells(cube, payload, by_code(spec.series_mapping))))


def shown(payload: Payload) -> list[Cell]:
    """Cells of the one cube of a payload under the labels of its categories."""
    limit = 1_000_000
    return list(cells(chosen(payload, read_cubes(payload, limit), None), payload))


def read_cubes(payload: Payload, max_cells: int) -> dict[str, Cube]:
    """Every dataset of a payload by name (empty for an unnamed one).

    Raises `UnreadableInput` for anything that is not JSON-stat, for an axis of size zero, for lengths that disagree
    and for more than `max_cells` positions.
    """
    root = _object(payload, load_json(payload), "a JSON-stat object")
    if isinstance(root.get("error"), dict | list | str) and "value" not in root:
        raise unreadable(payload, "JSON-stat", f"an error message: {root['error']}", "look at the request")
    if "value" in root or root.get("class") == "dataset":
        return {"": _cube(payload, root, "", max_cells)}
    if root.get("class") in ("collection", "dimension"):
        raise unreadable(payload, "a JSON-stat dataset", f"class {root['class']}", "fetch the dataset itself")
    cubes = {
        name: _cube(payload, member, f"/{pointer_token(name)}", max_cells)
        for name, member in root.items()
        if isinstance(member, dict) and ("value" in member or "dimension" in member)
    }
    if not cubes:
        raise unreadable(payload, "JSON-stat", f"members {', '.join(root)[:200] or 'none'}", _REMEDY)
    return cubes


def chosen(payload: Payload, cubes: dict[str, Cube], name: str | None) -> Cube:
    """The named cube of a bundle, or the only one."""
    if name is not None:
        if name not in cubes:
            raise unreadable(payload, f"dataset {name}", ", ".join(cubes), "correct options.dataset")
        return cubes[name]
    if len(cubes) != 1:
        raise unreadable(payload, "one dataset", ", ".join(cubes), "name one in options.dataset")
    return next(iter(cubes.values()))


def cells(cube: Cube, payload: Payload, coded: frozenset[str] = frozenset()) -> Iterator[Cell]:
    """The cube's cells in row-major order; dimensions named in `coded` show codes, others labels."""
    names = [d.name for d in cube.dimensions]
    shown = [d.codes if d.name in coded else d.labels for d in cube.dimensions]
    with_units = [k for k, d in enumerate(cube.dimensions) if any(d.units)]
    positions = product(*(range(len(s)) for s in shown))
    for flat, place in enumerate(positions):
        unit = next((u for k in with_units if (u := cube.dimensions[k].units[place[k]])), None)
        yield Cell(
            labels={name: texts[k] for name, texts, k in zip(names, shown, place, strict=True)},
            value=cube.values.get(flat),
            locator=f"{cube.pointer}/value/{flat}",
            sha256=payload.sha256,
            symbol=cube.status.get(flat),
            unit=unit,
        )


def _cube(payload: Payload, member: dict[str, Json], pointer: str, max_cells: int) -> Cube:
    space = _object(payload, member.get("dimension"), "member dimension")
    ids = _texts(payload, member.get("id", space.get("id")), "member id")
    sizes = member.get("size", space.get("size"))
    if not isinstance(sizes, list) or len(sizes) != len(ids) or not ids or len(set(ids)) != len(ids):
        raise unreadable(payload, "as many sizes as ids", f"id {ids}, size {str(sizes)[:80]}", _REMEDY)
    counts = [n for n in map(_count, sizes) if n is not None]
    if len(counts) != len(ids):
        raise unreadable(payload, "whole sizes", str(sizes)[:80], _REMEDY)
    if min(counts) == 0:
        empty = ", ".join(name for name, n in zip(ids, counts, strict=True) if n == 0)
        raise unreadable(
            payload, "figures", f"an answer of size zero in {empty}", "a code of the selection is valid but empty"
        )
    if prod(counts) > max_cells:
        raise unreadable(payload, f"at most {max_cells:,} cells", f"{prod(counts):,}", "split the query")
    dimensions = tuple(_dimension(payload, name, n, space) for name, n in zip(ids, counts, strict=True))
    total = prod(counts)
    role = member.get("role", space.get("role"))
    extension = member.get("extension")
    return Cube(
        dimensions=dimensions,
        values=_values(payload, member.get("value"), total),
        status=_status(payload, member.get("status"), total),
        roles=_roles(role),
        extension=extension if isinstance(extension, dict) else {},
        pointer=pointer,
    )


def _count(size: Json) -> int | None:
    """A size; some offices of version 1 write it as text."""
    if isinstance(size, str) and size.isascii() and size.isdigit() and len(size) <= 9:
        return int(size)
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def _dimension(payload: Payload, name: str, count: int, space: dict[str, Json]) -> Dimension:
    body = _object(payload, space.get(name), f"dimension {name}")
    category = _object(payload, body.get("category"), f"categories of {name}")
    index, label = category.get("index"), category.get("label")
    texts = _object(payload, label, f"labels of {name}") if label is not None else {}
    if index is None:
        codes = list(texts)
    elif isinstance(index, list):
        codes = _texts(payload, index, f"index of {name}")
    else:
        codes = _from_positions(payload, name, _object(payload, index, f"index of {name}"))
    if len(codes) != count or len(set(codes)) != count:
        raise unreadable(payload, f"{count} categories of {name}", f"{len(codes)}", _REMEDY)
    labels = tuple(str(texts.get(code, code)) for code in codes)
    units = category.get("unit")
    stated = units if isinstance(units, dict) else {}
    title = body.get("label")
    return Dimension(
        name,
        title if isinstance(title, str) else name,
        tuple(codes),
        labels,
        tuple(_unit(stated.get(c)) for c in codes),
    )


def _from_positions(payload: Payload, name: str, index: dict[str, Json]) -> list[str]:
    placed: dict[int, str] = {}
    for code, place in index.items():
        if isinstance(place, bool) or not isinstance(place, int) or place in placed:
            raise unreadable(payload, f"one position a category of {name}", f"{code}: {place}", _REMEDY)
        placed[place] = code
    if sorted(placed) != list(range(len(placed))):
        raise unreadable(payload, f"positions 0 to {len(placed) - 1} of {name}", str(sorted(placed))[:80], _REMEDY)
    return [placed[k] for k in range(len(placed))]


def _unit(stated: Json) -> str | None:
    if isinstance(stated, dict):
        for member in ("base", "label"):
            text = stated.get(member)
            if isinstance(text, str) and text.strip():
                return text.strip()
    return None


def _values(payload: Payload, given: Json, total: int) -> dict[int, Figure]:
    return {flat: value for flat, value in _by_position(payload, given, total, "value") if value is not None}


def _status(payload: Payload, given: Json, total: int) -> dict[int, str]:
    if given is None:
        return {}
    if isinstance(given, str):
        return dict.fromkeys(range(total), given)
    if isinstance(given, dict) and "value" in given:
        given = given["value"]
    if isinstance(given, list) and len(given) == 1 and total > 1:
        given = given * total
    found: dict[int, str] = {}
    for flat, mark in _by_position(payload, given, total, "status"):
        if mark is None:
            continue
        if not isinstance(mark, str):
            raise unreadable(payload, "text as status", str(mark), _REMEDY)
        found[flat] = mark
    return found


def _by_position(payload: Payload, given: Json, total: int, what: str) -> Iterator[tuple[int, Figure]]:
    pairs: list[tuple[int, Json]]
    if isinstance(given, list):
        if len(given) != total:
            raise unreadable(payload, f"{total} entries in {what}", f"{len(given)}", _REMEDY)
        pairs = list(enumerate(given))
    else:
        members = _object(payload, given, f"member {what}")
        pairs = []
        for key, entry in members.items():
            if not (key.isascii() and key.isdigit() and len(key) <= 12 and int(key) < total):
                raise unreadable(payload, f"positions below {total} in {what}", repr(key[:40]), _REMEDY)
            pairs.append((int(key), entry))
        if len({flat for flat, _ in pairs}) != len(pairs):
            raise unreadable(payload, f"each position once in {what}", "one twice", _REMEDY)
    for flat, entry in pairs:
        if isinstance(entry, bool | list | dict):
            raise unreadable(payload, f"numbers or text in {what}", f"{entry} at {flat}", _REMEDY)
        yield flat, entry


def _roles(role: Json) -> dict[str, tuple[str, ...]]:
    if not isinstance(role, dict):
        return {}
    return {
        name: tuple(member for member in members if isinstance(member, str))
        for name, members in role.items()
        if isinstance(members, list)
    }


def _object(payload: Payload, value: Json, what: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise unreadable(payload, what, type(value).__name__, _REMEDY)
    return value


def _texts(payload: Payload, value: Json, what: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise unreadable(payload, f"texts in {what}", str(value)[:80], _REMEDY)
    return [str(entry) for entry in value]


ADAPTER = Figures("jsonstat", JsonStatOptions, parse, ask_one, shown)
