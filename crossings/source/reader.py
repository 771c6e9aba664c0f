"""From YAML to the model of a source, and from a mistake to its place: the file, and the field or line in it.

In: a directory of YAML files and, beside it, the label table `labels.csv`. Out: `SourceSpec` by id, or `InvalidSource`.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from crossings.source.labels import known_months, label_key
from crossings.source.mapping import DimensionMap, Mapping
from crossings.source.model import InvalidSource, SourceSpec


class _PlainLoader(yaml.SafeLoader):
    """YAML without surprises: no dates, no `no` that is false, no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice[0]!r} stands twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", list("tf")),
    ("tag:yaml.org,2002:int", r"-?(?:0|[1-9][0-9_]*)", list("-0123456789")),
    ("tag:yaml.org,2002:float", r"-?[0-9]+\.[0-9]+", list("-0123456789")),
):
    _PlainLoader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_pattern})$"), _first)


def load_labels(path: Path) -> dict[str, dict[str, str]]:
    """Label table by kind: `kind -> label_key(label) -> code`; months by language too: `month.pl`.

    The CSV has the columns kind, label, language, code. `InvalidSource` where one label means two codes.
    """
    tables: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            kind = f"month.{row['language']}" if row["kind"] == "month" else row["kind"]
            table = tables.setdefault(kind, {})
            label = label_key(row["label"])
            if table.setdefault(label, row["code"]) != row["code"]:
                raise InvalidSource(f"{path.name}: {row['label']!r} means two codes", "keep one row for a label")
    return tables


def build_source(raw: object, name: str, labels: dict[str, dict[str, str]] | None = None) -> SourceSpec:
    """The model of one parsed YAML document.

    Raises `InvalidSource` naming the file and every field concerned. `codes_from` references are resolved with
    `labels` (see `load_labels`).
    """
    try:
        spec = SourceSpec.model_validate(raw)
    except ValidationError as fault:
        raise InvalidSource(f"{name}: {_explained(fault)}", "correct the named fields of that file") from fault
    if spec.mapping is None:
        return spec
    known = labels or {}
    countries = country_codes(known)
    _check_countries(spec.mapping, name, countries)
    resolved = tuple(_resolved(d, name, known) for d in spec.mapping.dimensions)
    time = spec.mapping.time.model_copy(update={"known_months": known_months(known, spec.language)})
    found = {"dimensions": resolved, "time": time, "countries": countries}
    return spec.model_copy(update={"mapping": spec.mapping.model_copy(update=found)})


def read_source(path: Path, labels: dict[str, dict[str, str]] | None = None) -> SourceSpec:
    """The source in one YAML file; its id must be the file's name."""
    try:
        # _PlainLoader is a SafeLoader
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_PlainLoader)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        raise InvalidSource(f"{path.name}: {' '.join(str(fault).split())}", "write valid YAML in UTF-8") from fault
    spec = build_source(raw, path.name, labels)
    if spec.id != path.stem:
        raise InvalidSource(f"{path.name}: id is {spec.id!r}", "name the file after the id")
    return spec


def load_sources(directory: Path, labels: Path | None = None) -> dict[str, SourceSpec]:
    """Every source of a directory, by id, in order of id.

    `labels` is the label table, by default `../reference/labels.csv` seen from the directory.
    """
    table = labels if labels is not None else directory.parent / "reference" / "labels.csv"
    known = load_labels(table) if table.exists() else {}
    return {path.stem: read_source(path, known) for path in sorted(directory.glob("*.yaml"))}


def country_codes(labels: dict[str, dict[str, str]]) -> tuple[str, ...]:
    """Every code that stands for a country or is reserved like one."""
    return tuple(sorted({code for kind in ("iso2", "reserved") for code in labels.get(kind, {}).values()}))


def _check_countries(mapping: Mapping, name: str, known: tuple[str, ...]) -> None:
    """Codes that the file itself states; what a payload states is held against the same table when it is read."""
    stated = [mapping.series, *(given for d in mapping.dimensions for given in d.labels.values())]
    codes = {given[field] for given in stated for field in ("country", "counterpart") if field in given}
    if known and (wrong := sorted(codes - set(known))):
        raise InvalidSource(f"{name}: mapping: {wrong[0]!r} is no country code", "use ISO 3166-1 alpha-3")


def _resolved(dimension: DimensionMap, name: str, labels: dict[str, dict[str, str]]) -> DimensionMap:
    if dimension.codes_from is None or dimension.codes:
        return dimension
    if dimension.codes_from not in labels:
        raise InvalidSource(
            f"{name}: mapping.dimensions: codes_from {dimension.codes_from!r} is no kind of the label table",
            "use a kind of data/reference/labels.csv",
        )
    return dimension.model_copy(update={"codes": labels[dimension.codes_from]})


def _explained(fault: ValidationError) -> str:
    told = []
    for error in fault.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in error["loc"]) or "the document"
        told.append(f"{where}: {error['msg']}")
    return "; ".join(told)
