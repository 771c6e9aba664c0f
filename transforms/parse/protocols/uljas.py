"""Uljas, the cube service of Finnish Customs: query strings, code lists and JSON answers.

In: payloads named `class-<Dimension>` (code lists) and `data`, `data-2`…; or a source and what it selects.
Out: `Parsed`, or the questions. Answers are `[{"keys": [...], "vals": [...]}]`; a failed query is an HTML page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import UljasOptions
from transforms.parse.addresses import address_of
from transforms.parse.contract import Cell, Figures, Parsed, Payload, Question, Questions, Span, unreadable
from transforms.parse.mapping import assemble, by_code
from transforms.parse.periods import enough_periods
from transforms.parse.text import load_json

_ESCAPES = {" ": "*;", "ä": "*228;", "ö": "*246;", "å": "*229;", "Ä": "*196;", "Ö": "*214;", "Å": "*197;"}
_PLAIN = frozenset('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/=*;"(),')
_REMEDY = "look at the payload; the cube or the request changed"


def encode(text: str) -> str:
    """A text in the service's own escapes: a space is `*;`, other letters are `*<code point>;`.

    What is left outside plain URL characters is percent-encoded as UTF-8.
    """
    out = []
    for letter in text:
        if letter in _ESCAPES:
            out.append(_ESCAPES[letter])
        elif letter in _PLAIN:
            out.append("%22" if letter == '"' else letter)
        elif letter.isalpha() and ord(letter) < 256:
            out.append(f"*{ord(letter)};")
        else:
            out += [f"%{byte:02X}" for byte in letter.encode()]
    return "".join(out)


def query_string(
    atype: str, cube: str, selections: Mapping[str, Sequence[str]] | None = None, *, lang: str = "en"
) -> str:
    """The query of one GET.

    Parameters
    ----------
    atype : `dims`, `class` or `data`.
    cube : path of the cube.
    selections : dimension -> codes, joined with a double quote; or a range such as `=ALL`, `=FIRST*;12`.
    lang : language of labels.
    """
    parts = [("lang", lang), ("atype", atype), ("konv", "json"), ("ifile", cube)]
    given = dict(selections or {})
    if atype == "data":
        parts.append(("Select", "Codes"))
    encoded = [f"{name}={encode(value)}" for name, value in parts]
    encoded += [f"{encode(name)}={encode(chr(34).join(codes))}" for name, codes in given.items()]
    return "&".join(encoded)


def questions(spec: SourceSpec, back: Span | None = None) -> Questions:
    """The code lists that the source declares, then the figures.

    A look back widens every selection of the first so many codes (`=FIRST*;12`), which is how time is selected.
    """
    options = spec.options
    assert isinstance(options, UljasOptions)
    for classes in (a for a in spec.addresses if a.role == "class"):
        query = f"{query_string('class', options.cube, lang=spec.language)}&class={classes.variable}"
        yield Question(f"class-{classes.variable}", classes, query=query)
    select = options.select
    if back is not None:
        periods = enough_periods(back.first, back.last, spec.series_mapping.time.freq)
        select = {
            name: tuple(re.sub(r"(=FIRST\*;)\d+", rf"\g<1>{periods}", code) for code in codes)
            for name, codes in select.items()
        }
    query = query_string("data", options.cube, select, lang=spec.language)
    yield Question("data", address_of(spec, "data"), query=query)


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of data answers; labels come from the `class-<Dimension>` payloads of the same run."""
    options = spec.options
    assert isinstance(options, UljasOptions)
    lists: dict[str, dict[str, str]] = {}
    answers = []
    for payload in payloads:
        if payload.role == "class":
            name, codes = _code_list(payload)
            lists[name] = codes
        elif payload.role == "data":
            answers.append(payload)
        elif payload.role != "dims":
            raise unreadable(payload, "class, dims or data", payload.name, "name payloads after their role")
    coded = by_code(spec.series_mapping)
    found = [cell for payload in answers for cell in _cells(payload, options, lists, coded)]
    return assemble(spec, found)


def _code_list(payload: Payload) -> tuple[str, dict[str, str]]:
    name = payload.name.split("-", 1)[1].removesuffix(".json") if "-" in payload.name else ""
    root = load_json(payload)
    lists = root.get("classification") if isinstance(root, dict) else None
    entries = lists[0].get("class") if isinstance(lists, list) and lists and isinstance(lists[0], dict) else None
    if not name or not isinstance(entries, list):
        raise unreadable(payload, "a code list", str(root)[:120], _REMEDY)
    codes: dict[str, str] = {}
    for entry in entries:
        code = entry.get("code") if isinstance(entry, dict) else None
        text = entry.get("text") if isinstance(entry, dict) else None
        if not isinstance(code, str) or not isinstance(text, str) or code in codes:
            raise unreadable(payload, "code and text once each", str(entry)[:120], _REMEDY)
        codes[code] = " ".join(text.split())
    return name, codes


def _cells(
    payload: Payload, options: UljasOptions, lists: Mapping[str, Mapping[str, str]], coded: frozenset[str]
) -> list[Cell]:
    rows = load_json(payload)
    if not isinstance(rows, list):
        raise unreadable(payload, "a list of keys and vals", str(rows)[:120], _REMEDY)
    found: list[Cell] = []
    for number, row in enumerate(rows):
        keys = row.get("keys") if isinstance(row, dict) else None
        vals = row.get("vals") if isinstance(row, dict) else None
        if not isinstance(keys, list) or len(keys) != len(options.dimensions):
            raise unreadable(payload, f"{len(options.dimensions)} keys in row {number}", str(row)[:120], _REMEDY)
        if not isinstance(vals, list) or len(vals) != len(options.indicators):
            raise unreadable(payload, f"{len(options.indicators)} vals in row {number}", str(row)[:120], _REMEDY)
        labels: dict[str, str] = {}
        for name, key in zip(options.dimensions, keys, strict=True):
            if not isinstance(key, str):
                raise unreadable(payload, "codes as text", str(key)[:40], _REMEDY)
            labels[name] = key if name in coded or name not in lists else lists[name].get(key, key)
        for place, (indicator, value) in enumerate(zip(options.indicators, vals, strict=True)):
            if isinstance(value, bool | list | dict):
                raise unreadable(payload, "figures", str(value)[:80], _REMEDY)
            extra = {"Indicator": indicator} if len(options.indicators) > 1 else {}
            found.append(Cell({**labels, **extra}, value, f"/{number}/vals/{place}", payload.sha256))
    return found


ADAPTER = Figures("uljas", UljasOptions, parse, questions)
