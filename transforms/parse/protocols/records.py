"""JSON records: a list of objects or arrays at a declared path, or one object a line, is a table with names.

In: JSON payloads. Out: `Parsed`; each figure keeps the pointer to it. Members of members go under `outer.inner`, numbers keep
their spelling, null is an absent figure. A record that lacks a member is set aside, one that nobody declared refuses the payload.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from crossings.source.model import SourceSpec
from crossings.source.options import RecordsOptions
from crossings.source.patterns import first_fit
from transforms.parse.addresses import ask_one
from transforms.parse.columns import Columns, in_order, matched, plain, said_by_name
from transforms.parse.contract import Cell, Figure, Figures, Parsed, Payload, files_of, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.text import Json, decoded, json_of, load_json, pointer_token, refuse_error_page

_DEEPEST = 20
_REMEDY = "look at the payload; correct path, columns or ignore_columns in options"


class Member(NamedTuple):
    """A value of a record and the pointer to it inside the record."""

    value: Json
    pointer: str


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it stands, as received, its members by name, and why it is none."""

    place: str
    received: Json
    members: Mapping[str, Member] = field(default_factory=dict)
    fault: str | None = None


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of the JSON payloads of one look."""
    options = spec.options
    assert isinstance(options, RecordsOptions)
    found: list[Cell] = []
    for payload in files_of(payloads, spec):
        found += read_records(payload, options, spec.bounds.max_rows)
    return assemble(spec, found)


def read_records(payload: Payload, options: RecordsOptions, max_rows: int) -> list[Cell]:
    """Cells of the records of a payload: one a figure and record, one for a record that is set aside.

    Raises `UnreadableInput` where there is no list at the path, members are not as declared, most records are no such, or there
    are more than `max_rows`.
    """
    more = said_by_name(payload, options.file_name)
    entries = _lines(payload) if options.lines else _listed(payload, options.path)
    if len(entries) > max_rows:
        raise unreadable(
            payload,
            f"at most {max_rows:,} rows",
            f"{len(entries):,}",
            "look at the payload; if it grew, correct bounds",
        )
    names = _names(payload, entries.pop(0)) if options.header and entries else list(options.columns)
    if not entries:
        return []
    if options.header or isinstance(entries[0].received, list):
        records = [_by_place(entry, names) for entry in entries]
    else:
        records = [_by_name(entry, options) for entry in entries]
        names = in_order(dict.fromkeys(name for record in records for name in record.members), options.columns)
    _refuse_most(
        payload, [record.fault for record in records if record.fault is not None], len(records), options.max_torn
    )
    columns = matched(payload, names, options.columns, options.values, options.values_as, options.ignore_columns, more)
    found: list[Cell] = []
    faults: list[str] = []
    for record in records:
        fault = record.fault or _lacking(record, names, columns)
        if fault is not None:
            faults.append(fault)
            found.append(
                columns.torn(_spelled(record.received), f"expected {fault}", record.place.strip(), payload.sha256)
            )
        else:
            found += _cells(payload, record, names, columns, options.max_field)
    _refuse_most(payload, faults, len(records), options.max_torn)
    return found


def _refuse_most(payload: Payload, faults: Sequence[str], number: int, share: float) -> None:
    if faults and (len(faults) == number or len(faults) > share * number):
        expected, _, first = faults[0].partition(", found ")
        raise unreadable(
            payload, expected, f"{first or 'none'}; {len(faults):,} of {number:,} records are no such", _REMEDY
        )


def _lines(payload: Payload) -> list[Record]:
    """Records of a text with one in each line; a line that is no JSON is a record with a fault."""
    refuse_error_page(payload, "lines of JSON")
    found: list[Record] = []
    for number, line in enumerate(decoded(payload, "utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        place = f"line {number} "
        try:
            found.append(Record(place, json_of(line)))
        except RecursionError:
            found.append(Record(place, line, fault=f"JSON in line {number}, found nesting beyond reason"))
        except ValueError as fault:
            found.append(Record(place, line, fault=f"JSON in line {number}, found {fault}"))
    return found


def _listed(payload: Payload, path: str) -> list[Record]:
    """Records of the list at a pointer; `UnreadableInput` where there is none."""
    node = load_json(payload)
    for token in path.split("/")[1:]:
        inner = [v for k, v in node.items() if k == _unescaped(token)] if isinstance(node, dict) else []
        if isinstance(node, list):
            inner = [v for k, v in enumerate(node) if str(k) == token]
        if not inner:
            raise unreadable(payload, f"a list at {path}", f"no {token} in {_kind(node)}", _REMEDY)
        node = inner[0]
    if not isinstance(node, list):
        raise unreadable(payload, f"a list at {path or 'the top'}", _kind(node), _REMEDY)
    return [Record(f"{path}/{k}", entry) for k, entry in enumerate(node)]


def _names(payload: Payload, first: Record) -> list[str]:
    if not isinstance(first.received, list) or not all(isinstance(name, str) for name in first.received):
        raise unreadable(payload, f"an array of names at {first.place.strip()}", _kind(first.received), _REMEDY)
    return [" ".join(str(name).split()) for name in first.received]


def _by_place(entry: Record, names: Sequence[str]) -> Record:
    """A record that is an array, whose values have the names in order."""
    if entry.fault is not None:
        return entry
    values = entry.received
    if not isinstance(values, list):
        return replace(entry, fault=f"an array, found {_kind(values)}")
    if len(values) != len(names):
        return replace(entry, fault=f"{len(names)} values, found {len(values)}")
    members = {name: Member(value, f"/{k}") for k, (name, value) in enumerate(zip(names, values, strict=True))}
    return replace(entry, members=members)


def _by_name(entry: Record, options: RecordsOptions) -> Record:
    """A record that is an object, with the members of its members."""
    if entry.fault is not None:
        return entry
    if not isinstance(entry.received, dict):
        return replace(entry, fault=f"an object, found {_kind(entry.received)}")
    members: dict[str, Member] = {}
    for name, member in _flat(entry.received, options, ()):
        if name in members:
            return replace(entry, fault=f"each member once, found {name[:80]} twice")
        members[name] = member
    return replace(entry, members=members)


def _flat(members: dict[str, Json], options: RecordsOptions, above: tuple[str, ...]) -> Iterator[tuple[str, Member]]:
    """Names and values of members and of their members; an object that is left out is left out whole."""
    for key, value in members.items():
        here = (*above, key)
        pointer = _pointer(here)
        name = pointer if pointer in options.columns else ".".join(here)
        if isinstance(value, dict) and len(here) < _DEEPEST and name not in options.columns:
            if _leads_to_a_column(here, options) or first_fit(name, options.ignore_columns) is None:
                yield from _flat(value, options, here)
        else:
            yield name, Member(value, pointer)


def _leads_to_a_column(here: tuple[str, ...], options: RecordsOptions) -> bool:
    """Whether a column of the source is a member of the object at a place."""
    for column in (*options.columns, *options.values):
        outer = [_unescaped(t) for t in column.split("/")[1:-1]] if column[:1] == "/" else column.split(".")[:-1]
        if [plain(token) for token in outer[: len(here)]] == [plain(token) for token in here]:
            return True
    return False


def _lacking(record: Record, names: Sequence[str], columns: Columns) -> str | None:
    """What a record lacks of the columns, or which of its labels is none."""
    for place in (*(place for place, _ in columns.labels), *(place for place, _ in columns.figures)):
        if names[place] not in record.members:
            return f"member {names[place]}"
    for place, _ in columns.labels:
        value = record.members[names[place]].value
        if value is None or isinstance(value, dict | list):
            return f"a text or number under {names[place]}, found {_kind(value)}"
    return None


def _cells(payload: Payload, record: Record, names: Sequence[str], columns: Columns, longest: int) -> list[Cell]:
    labels = [""] * len(names)
    figures: list[Figure] = [None] * len(names)
    places = [""] * len(names)
    faults: dict[str, str] = {}
    for place, _ in columns.labels:
        labels[place] = _spelled(record.members[names[place]].value)
    for place, _ in columns.figures:
        member = record.members[names[place]]
        places[place] = record.place + member.pointer
        if isinstance(member.value, bool | dict | list):
            figures[place] = _spelled(member.value)
            faults[places[place]] = f"{_kind(member.value)} is no figure"
        else:
            figures[place] = member.value
    size = max(len(said) for said in (*labels, *figures) if isinstance(said, str))
    if size > longest:
        raise unreadable(
            payload, f"texts up to {longest:,} characters", f"{size:,} at {record.place.strip()}", "look at the payload"
        )
    found = columns.cells(labels, figures, places, payload.sha256)
    for cell in found:
        if cell.locator in faults:
            cell.fault = ("V01", faults[cell.locator])
    return found


def _spelled(value: Json) -> str:
    """A value as text: texts as they are, numbers as they were written, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "nesting beyond reason"


def _kind(value: Json) -> str:
    """What a value is, in words short enough for a message."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return f"an object of {', '.join(list(value)[:12]) or 'nothing'}"
    if isinstance(value, list):
        return f"a list of {len(value):,}"
    return f"{json.dumps(value, ensure_ascii=False, default=str)[:40]}"


@lru_cache(maxsize=1024)
def _pointer(tokens: tuple[str, ...]) -> str:
    return "".join("/" + pointer_token(token) for token in tokens)


def _unescaped(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")


ADAPTER = Figures("records", RecordsOptions, parse, ask_one)
