"""A source is data first: the typed model of `data/sources/<id>.yaml`, and its reader.

In: a directory of YAML files and, beside it, the label table `labels.csv`. Out: `SourceSpec`, frozen and closed: a
field it does not know, a code outside its list or a wrong type is `InvalidSource`, naming file, field and remedy.
"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from crossings.errors import CrossingsError
from crossings.source.options import AREA, Closed, DimensionMap, Freq, Mapping, Names, Options, Texts, checked_code

Parser: TypeAlias = Literal[
    "jsonstat",
    "eurostat",
    "pxweb",
    "pcaxis",
    "uljas",
    "workbook",
    "frontex",
    "iblock",
    "taldau",
    "table",
    "emiss",
    "register",
]


_HTTPS = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?/")


class InvalidSource(CrossingsError):
    """A source file that does not say what a source must say; the message names file and field."""


def _iso_date(value: object) -> object:
    return date.fromisoformat(value) if isinstance(value, str) else value


IsoDate: TypeAlias = Annotated[date, BeforeValidator(_iso_date)]


class Licence(Closed):
    """Terms of reuse as far as known: name, address, and the terms in one sentence."""

    name: str
    url: str | None = None
    terms: str


class Epoch(Closed):
    """A stretch of time over which the publisher's definition is constant; what changed is said in words."""

    start: IsoDate | None = None
    end: IsoDate | None = None
    definition: str


class Address(Closed):
    """Where one kind of payload is got.

    Attributes
    ----------
    role : what the payload is to the parser (metadata, data, config, class, page, file).
    url : https address; `{name}` parts are filled by the fetcher from `values` of the role it belongs to.
    method : GET, or POST with a body that the parser plans or the `form` states.
    form : fields of a form-encoded POST.
    headers : request headers the service insists on; never keys.
    variable : dimension whose code list the address gives (role class).
    """

    role: Literal["metadata", "data", "config", "class", "page", "file"]
    url: str
    method: Literal["GET", "POST"] = "GET"
    form: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    variable: str | None = None

    @field_validator("url")
    @classmethod
    def _https(cls, value: str) -> str:
        if not _HTTPS.match(value):
            raise ValueError("must be an https address with a host and without user or password")
        return value


class Fetch(Closed):
    """Fetch policy: how often, how long, how much. Verification of TLS is not a setting."""

    min_interval_seconds: float = Field(default=1.0, ge=0)
    concurrency: int = Field(default=1, ge=1, le=8)
    timeout_seconds: float = Field(default=60.0, gt=0)
    max_bytes: int = Field(default=50_000_000, gt=0)
    retries: int = Field(default=3, ge=0, le=10)
    extra_ca: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._-]+\.pem$")
    user_agent_note: str | None = None
    offline: bool = False


class Bounds(Closed):
    """What a healthy answer looks like.

    `rows` counts cells considered; `earliest_period` and `latest_period` are first days of periods that the time axis
    must reach; `max_change` is the share of already known figures that one look may change before a person decides.
    """

    min_rows: int = Field(default=1, ge=1)
    max_rows: int = Field(default=1_000_000, ge=1)
    min_bytes: int = Field(default=2, ge=1)
    earliest_period: IsoDate | None = None
    latest_period: IsoDate | None = None
    max_change: float = Field(default=0.2, ge=0, le=1)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_rows > self.max_rows:
            raise ValueError("min_rows exceeds max_rows")
        return self


class SourceSpec(Closed):
    """One source: who publishes what, under which terms, where, and how its payloads become observations.

    `confirmed` is true only where the live service was seen to answer as declared; until then the source is never
    scheduled and `to_confirm` says what is left to see.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    title: str
    publisher: str
    country: str | None = None
    licence: Licence
    language: str = Field(pattern=r"^[a-z]{2}$")
    cadence: Literal["D", "W", "M", "Q", "A", "irregular"]
    usual_lag_days: int | None = Field(default=None, ge=0)
    timezone: str
    system: str
    measure: str
    definition_epochs: Annotated[tuple[Epoch, ...], BeforeValidator(lambda v: tuple(v))] = ()
    addresses: Annotated[tuple[Address, ...], BeforeValidator(lambda v: tuple(v))] = ()
    fetch: Fetch = Field(default_factory=Fetch)
    parser: Parser
    options: Options
    mapping: Mapping | None = None
    bounds: Bounds = Field(default_factory=Bounds)
    confirmed: bool
    to_confirm: Texts = ()
    enabled: bool = True
    notes: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _parser_once(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("options", {}), dict) and "parser" in value:
            options = value.get("options") or {}
            if "parser" in options and options["parser"] != value["parser"]:
                raise ValueError("options.parser differs from parser")
            return {**value, "options": {**options, "parser": value["parser"]}}
        return value

    @field_validator("country")
    @classmethod
    def _area(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(AREA, value):
            raise ValueError("must be ISO 3166-1 alpha-3")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as fault:
            raise ValueError("must be an IANA time zone") from fault
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.parser != "register":
            checked_code("system", self.system)
            checked_code("measure", self.measure)
            if self.mapping is None:
                raise ValueError("mapping is missing")
        if self.confirmed and self.to_confirm:
            raise ValueError("confirmed: true leaves nothing in to_confirm")
        if not self.confirmed and not self.to_confirm:
            raise ValueError("confirmed: false needs to_confirm: what remains to be seen on the live service")
        if not (self.addresses or self.fetch.offline):
            raise ValueError("addresses is empty; state one, or fetch.offline: true for a file brought by hand")
        return self

    @property
    def series_mapping(self) -> Mapping:
        """The mapping; `InvalidSource` for a parser that has none."""
        if self.mapping is None:
            raise InvalidSource(f"{self.id}: mapping is missing", "state mapping in the source's YAML")
        return self.mapping

    def expecting(self, latest_period: date) -> SourceSpec:
        """The same source, required to reach the period that starts on the given day."""
        return self.model_copy(update={"bounds": self.bounds.model_copy(update={"latest_period": latest_period})})


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
    """Label table by kind: `kind -> casefolded label -> code`.

    The CSV has the columns kind, label, language, code. `InvalidSource` where one label means two codes.
    """
    tables: dict[str, dict[str, str]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            table = tables.setdefault(row["kind"], {})
            label = " ".join(row["label"].split()).casefold()
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
    resolved = tuple(_resolved(d, name, labels or {}) for d in spec.mapping.dimensions)
    return spec.model_copy(update={"mapping": spec.mapping.model_copy(update={"dimensions": resolved})})


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


__all__ = [
    "Address",
    "Bounds",
    "Epoch",
    "Fetch",
    "Freq",
    "InvalidSource",
    "Licence",
    "Mapping",
    "Names",
    "Options",
    "SourceSpec",
    "build_source",
    "load_labels",
    "load_sources",
    "read_source",
]
