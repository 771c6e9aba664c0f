"""PxWeb API v1: queries planned from label texts, and answers in json-stat2, json-stat or PX-JSON.

In: the metadata and `?config` answers of one run, or recorded payloads named `metadata`, `config`, `data`, `data-2`…
Out: the questions of a run, and `Parsed`. Position codes are never stored: they mean other periods after each release,
so the codes of an answer are checked against the labels of the metadata that the query was built from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from crossings.source.options import PxWebOptions, Selection
from transforms.parse.addresses import address_of
from transforms.parse.contract import Cell, Figures, Parsed, Payload, Question, Questions, Span, unreadable
from transforms.parse.mapping import assemble, by_code
from transforms.parse.periods import NotAPeriod, calendar_of, enough_periods, read_period
from transforms.parse.protocols.jsonstat import Cube, cells, chosen, read_cubes
from transforms.parse.text import Json, load_json

_REMEDY = "fetch metadata and data again in one run"


@dataclass(frozen=True)
class Variable:
    """One variable of a table: code, name, and its categories in the publisher's order."""

    code: str
    text: str
    codes: tuple[str, ...]
    labels: tuple[str, ...]
    elimination: bool

    def label(self, code: str) -> str | None:
        """Label of a category code; None where the table has no such code."""
        try:
            return self.labels[self.codes.index(code)]
        except ValueError:
            return None


@dataclass(frozen=True)
class Limits:
    """Ceilings of a PxWeb server: cells and values a query. Its calls a minute are kept by the source's fetch policy."""

    max_cells: int
    max_values: int


@dataclass(frozen=True)
class Query:
    """One body to POST, and the number of cells it asks for."""

    body: bytes
    cells: int


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one run: metadata (needed for PX-JSON) and one or more data answers."""
    options = spec.options
    assert isinstance(options, PxWebOptions)
    roles: dict[str, list[Payload]] = {"metadata": [], "config": [], "data": []}
    for payload in payloads:
        if payload.role not in roles:
            raise unreadable(payload, "metadata, config or data", payload.name, "name payloads after their role")
        roles[payload.role].append(payload)
    if len(roles["metadata"]) > 1 or not roles["data"]:
        raise UnreadableInput(
            f"{spec.id}: expected one metadata and at least one data payload, found "
            f"{len(roles['metadata'])} and {len(roles['data'])}",
            "pass the payloads of one run",
        )
    variables = read_metadata(roles["metadata"][0]) if roles["metadata"] else ()
    coded = by_code(spec.series_mapping)
    found: list[Cell] = []
    for payload in roles["data"]:
        if options.format == "json":
            found += _px_json(payload, variables, coded)
        else:
            cube = chosen(payload, read_cubes(payload, spec.bounds.max_rows), None)
            _agree(payload, cube, variables)
            found += cells(cube, payload, coded)
    return assemble(spec, found)


def read_metadata(payload: Payload) -> tuple[Variable, ...]:
    """Variables of a table from the GET answer."""
    root = load_json(payload)
    given = root.get("variables") if isinstance(root, dict) else None
    if not isinstance(given, list) or not given:
        raise unreadable(payload, "PxWeb metadata with variables", str(root)[:120], "check the table's address")
    variables = tuple(_variable(payload, entry) for entry in given)
    if len({v.code for v in variables}) != len(variables):
        raise unreadable(payload, "each variable once", ", ".join(v.code for v in variables), _REMEDY)
    return variables


def read_limits(payload: Payload | None, options: PxWebOptions) -> Limits:
    """Ceilings from the `?config` answer; what it does not state comes from the source's options."""
    stated: dict[str, int] = {}
    if payload is not None:
        root = load_json(payload)
        if not isinstance(root, dict):
            raise unreadable(payload, "a PxWeb config", str(root)[:120], "ask ?config on the language level")
        for name in ("maxCells", "maxDataCells", "maxValues"):
            value = root.get(name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
                raise unreadable(payload, f"a positive whole {name}", str(value), "look at the config answer")
            stated[name] = value
    return Limits(
        max_cells=stated.get("maxCells", stated.get("maxDataCells", options.max_cells)),
        max_values=stated.get("maxValues", options.max_values),
    )


def questions(spec: SourceSpec, back: Span | None = None) -> Questions:
    """The server's ceilings where the source states their address, the table's metadata, and the queries made from both.

    A look back widens the selection of the newest so many periods.
    """
    config = None
    if any(address.role == "config" for address in spec.addresses):
        config = yield Question("config", address_of(spec, "config"))
    metadata = yield Question("metadata", address_of(spec, "metadata"))
    queries = plan_queries(metadata, config, spec if back is None else _widened(spec, back))
    for number, query in enumerate(queries, start=1):
        name = "data" if len(queries) == 1 else f"data-{number}"
        yield Question(name, address_of(spec, "data"), body=query.body)


def plan_queries(metadata: bytes, config: bytes | None, spec: SourceSpec) -> list[Query]:
    """Bodies to POST for the source's selection, split so that each stays under every ceiling.

    Parameters
    ----------
    metadata : the GET answer of the table.
    config : the `?config` answer, or None where the server gives none.
    spec : the source; selections are label texts.

    Raises `UnreadableInput` for a label or variable the table does not have, and for a variable nobody declared.
    """
    options = spec.options
    assert isinstance(options, PxWebOptions)
    variables = read_metadata(Payload(metadata, "", "metadata"))
    limits = read_limits(Payload(config, "", "config") if config is not None else None, options)
    wanted = _selected(spec, variables, options.select)
    ceiling = min(limits.max_cells, limits.max_values)
    queries = []
    for part in _split([codes for _, codes in wanted], ceiling, limits.max_values):
        body = {
            "query": [
                {"code": variable.code, "selection": {"filter": "item", "values": list(codes)}}
                for (variable, _), codes in zip(wanted, part, strict=True)
            ],
            "response": {"format": options.format},
        }
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        queries.append(Query(text.encode(), prod(len(codes) for codes in part)))
    return queries


def _widened(spec: SourceSpec, back: Span) -> SourceSpec:
    options = spec.options
    assert isinstance(options, PxWebOptions)
    periods = enough_periods(back.first, back.last, spec.series_mapping.time.freq)
    select = tuple(s.model_copy(update={"newest": periods}) if s.newest else s for s in options.select)
    return spec.model_copy(update={"options": options.model_copy(update={"select": select})})


def _selected(
    spec: SourceSpec, variables: Sequence[Variable], selections: Sequence[Selection]
) -> list[tuple[Variable, tuple[str, ...]]]:
    left = {v.code: v for v in variables}
    chosen_codes: dict[str, tuple[str, ...]] = {}
    for selection in selections:
        hits = [v for v in variables if v.code in selection.variable or v.text in selection.variable]
        if len(hits) != 1:
            raise UnreadableInput(
                f"{spec.id}: expected variable {' or '.join(selection.variable)}, found "
                f"{', '.join(v.text for v in variables)[:200]}",
                "correct options.select after looking at the metadata",
            )
        variable = hits[0]
        left.pop(variable.code, None)
        if selection.eliminate:
            if not variable.elimination:
                raise UnreadableInput(
                    f"{spec.id}: expected that {variable.text} can be eliminated, found that it cannot",
                    "select its total by label instead",
                )
            continue
        chosen_codes[variable.code] = _codes(spec, variable, selection)
    if left:
        raise UnreadableInput(
            f"{spec.id}: expected no other variable, found {', '.join(v.text for v in left.values())[:200]}",
            "select from it by label, or declare eliminate: true",
        )
    return [(v, chosen_codes[v.code]) for v in variables if v.code in chosen_codes]


def _codes(spec: SourceSpec, variable: Variable, selection: Selection) -> tuple[str, ...]:
    if selection.every:
        return variable.codes
    if selection.newest is not None:
        axis = spec.series_mapping.time
        dated = []
        for code, label in zip(variable.codes, variable.labels, strict=True):
            try:
                text = code if axis.by == "code" else label
                dated.append((read_period(text, axis.formats, axis.freq, axis.anchor, kept=calendar_of(axis)), code))
            except NotAPeriod as fault:
                raise UnreadableInput(
                    f"{spec.id}: expected periods of frequency {axis.freq} in {variable.text}, found {fault.reason}",
                    "correct mapping.time after looking at the metadata",
                ) from None
        return tuple(code for _, code in sorted(dated, reverse=True)[: selection.newest])
    codes = []
    for label in selection.labels:
        places = [k for k, text in enumerate(variable.labels) if " ".join(text.split()) == label]
        if len(places) != 1:
            raise UnreadableInput(
                f"{spec.id}: expected label {label!r} once in {variable.text}, found it {len(places)} times among "
                f"{', '.join(variable.labels)[:200]}",
                "correct options.select after looking at the metadata",
            )
        codes.append(variable.codes[places[0]])
    return tuple(codes)


def _split(axes: list[tuple[str, ...]], ceiling: int, max_values: int) -> Iterator[list[tuple[str, ...]]]:
    """Boxes of the selection under both ceilings: halve the longest axis until each fits."""
    if (prod(len(a) for a in axes) <= ceiling and sum(len(a) for a in axes) <= max_values) or max(map(len, axes)) == 1:
        yield axes
        return
    longest = max(range(len(axes)), key=lambda k: (len(axes[k]), -k))
    middle = len(axes[longest]) // 2
    for part in (axes[longest][:middle], axes[longest][middle:]):
        yield from _split([*axes[:longest], part, *axes[longest + 1 :]], ceiling, max_values)


def _variable(payload: Payload, entry: Json) -> Variable:
    if not isinstance(entry, dict):
        raise unreadable(payload, "a variable", str(entry)[:120], _REMEDY)
    codes, labels = entry.get("values"), entry.get("valueTexts")
    code, text = entry.get("code"), entry.get("text", entry.get("code"))
    if not (
        isinstance(code, str)
        and isinstance(text, str)
        and isinstance(codes, list)
        and isinstance(labels, list)
        and len(codes) == len(labels) > 0
        and all(isinstance(v, str) for v in (*codes, *labels))
        and len(set(map(str, codes))) == len(codes)
    ):
        raise unreadable(payload, "code, values and as many valueTexts", str(entry)[:120], _REMEDY)
    return Variable(code, text, tuple(map(str, codes)), tuple(map(str, labels)), entry.get("elimination") is True)


def _agree(payload: Payload, cube: Cube, variables: Sequence[Variable]) -> None:
    """Codes of the answer must carry the labels of the metadata; otherwise a release came between the two."""
    known = {v.code: v for v in variables}
    for dimension in cube.dimensions:
        variable = known.get(dimension.name)
        if variable is None:
            continue
        for code, label in zip(dimension.codes, dimension.labels, strict=True):
            stated = variable.label(code)
            if stated is None or " ".join(stated.split()) != " ".join(label.split()):
                raise unreadable(
                    payload, f"{dimension.name} code {code} to mean {stated!r} as in the metadata", repr(label), _REMEDY
                )


def _px_json(payload: Payload, variables: Sequence[Variable], coded: frozenset[str]) -> list[Cell]:
    root = load_json(payload)
    columns = root.get("columns") if isinstance(root, dict) else None
    rows = root.get("data") if isinstance(root, dict) else None
    if not isinstance(columns, list) or not isinstance(rows, list) or not columns:
        raise unreadable(payload, "PX-JSON with columns and data", str(root)[:120], "check the format asked for")
    if not variables:
        raise unreadable(payload, "metadata beside PX-JSON", "none", "record the GET answer of the same run too")
    known = {v.code: v for v in variables}
    keys: list[Variable] = []
    contents: list[tuple[str, str]] = []
    for column in columns:
        code = column.get("code") if isinstance(column, dict) else None
        kind = column.get("type") if isinstance(column, dict) else None
        if not isinstance(code, str) or kind not in ("d", "t", "c"):
            raise unreadable(payload, "a column of type d, t or c", str(column)[:120], _REMEDY)
        if kind == "c":
            contents.append((code, str(column.get("text", code)) if isinstance(column, dict) else code))
        elif code in known:
            keys.append(known[code])
        else:
            raise unreadable(payload, f"columns among {', '.join(known)}", code, _REMEDY)
    holder = _contents_variable(payload, variables, keys, contents)
    found: list[Cell] = []
    for number, row in enumerate(rows):
        key = row.get("key") if isinstance(row, dict) else None
        values = row.get("values") if isinstance(row, dict) else None
        if not isinstance(key, list) or len(key) != len(keys):
            raise unreadable(payload, f"{len(keys)} keys in row {number}", str(row)[:120], _REMEDY)
        if not isinstance(values, list) or len(values) != len(contents):
            raise unreadable(payload, f"{len(contents)} values in row {number}", str(row)[:120], _REMEDY)
        labels: dict[str, str] = {}
        for variable, code in zip(keys, key, strict=True):
            label = variable.label(code) if isinstance(code, str) else None
            if label is None:
                raise unreadable(payload, f"a known code of {variable.text}", str(code)[:40], _REMEDY)
            labels[variable.code] = str(code) if variable.code in coded else label
        for place, value in enumerate(values):
            if isinstance(value, bool | list | dict):
                raise unreadable(payload, "figures as text", str(value)[:80], _REMEDY)
            extra = {holder.code: holder.label(contents[place][0]) or contents[place][1]} if holder else {}
            found.append(Cell({**labels, **extra}, value, f"/data/{number}/values/{place}", payload.sha256))
    return found


def _contents_variable(
    payload: Payload, variables: Sequence[Variable], keys: Sequence[Variable], contents: Sequence[tuple[str, str]]
) -> Variable | None:
    """The variable whose categories became figure columns; None for a table with a single content."""
    if not contents:
        raise unreadable(payload, "a column of figures", "none", _REMEDY)
    used = {v.code for v in keys}
    for variable in variables:
        if variable.code not in used and all(code in variable.codes for code, _ in contents):
            return variable
    if len(contents) > 1:
        raise unreadable(payload, "one figure column or a contents variable", f"{len(contents)} columns", _REMEDY)
    return None


ADAPTER = Figures("pxweb", PxWebOptions, parse, questions)
