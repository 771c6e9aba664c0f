"""What a source's YAML may say about reading its payloads: one closed model per parser, and the mapping to series.

In: parsed YAML. Out: frozen pydantic models; anything they do not know is refused. `crossings.source.model` puts them
together with publisher, addresses and fetch policy. Codes are checked against the lists of `crossings.schema.tables`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS

Freq: TypeAlias = Literal["D", "W", "M", "Q", "A"]
SeriesField: TypeAlias = Literal[
    "country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system"
]
PeriodFormat: TypeAlias = Literal[
    "YYYY",
    "YYYY-MM",
    "YYYYMM",
    "YYYYMmm",
    "YYYYQq",
    "MONYYYY",
    "YYYY MONTH",
    "YYYY сар",
    "YYYY улирал",
    "YYYY-MM-DD",
    "DD.MM.YYYY",
    "DD-MM-YYYY",
    "D/M/YYYY",
    "M/D/YYYY",
    "serial",
]
AREA = r"[A-Z]{3}"


class Closed(BaseModel):
    """A frozen model that refuses what it does not know and never converts a type silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _one_or_many(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


def checked_code(field: str, code: str) -> str:
    """The code itself if it belongs to the field's code list or pattern; ValueError otherwise."""
    if field in ("country", "counterpart"):
        known = re.fullmatch(AREA, code) is not None
        wanted = "three capital letters (ISO 3166-1 alpha-3)"
    elif field in OPEN_PATTERNS:
        known = re.fullmatch(OPEN_PATTERNS[field], code) is not None
        wanted = OPEN_PATTERNS[field]
    else:
        known = code in CODE_LISTS[field]
        wanted = ", ".join(CODE_LISTS[field])
    if not known:
        raise ValueError(f"{code!r} is no code of {field}; known: {wanted}")
    return code


def _checked_contribution(value: dict[SeriesField, str]) -> dict[SeriesField, str]:
    for field, code in value.items():
        checked_code(field, code)
    return value


class TimeAxis(Closed):
    """How the payload says its reference period.

    Attributes
    ----------
    dimension : names under which the time variable may appear; or `year` with `month` or `quarter` for split axes.
    by : read the category's label or its code.
    freq : SDMX frequency that every period must have.
    formats : spellings accepted, and no other.
    anchor : which day of the period a full date names.
    months : month names of the publisher's language, in addition to English.
    order, complete, rows_per_period : whole-file claims; a file that breaks one is refused.
    """

    dimension: Names | None = None
    year: Names | None = None
    month: Names | None = None
    quarter: Names | None = None
    by: Literal["label", "code"] = "label"
    freq: Freq
    formats: Annotated[tuple[PeriodFormat, ...], BeforeValidator(_one_or_many), Field(min_length=1)]
    anchor: Literal["start", "end"] = "start"
    months: dict[str, int] = Field(default_factory=dict)
    order: Literal["ascending", "descending", "any"] = "any"
    complete: bool = False
    rows_per_period: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if (self.dimension is None) == (self.year is None):
            raise ValueError("state either dimension or year (with month or quarter)")
        if {"D/M/YYYY", "M/D/YYYY"} <= set(self.formats):
            raise ValueError("D/M/YYYY and M/D/YYYY exclude each other: state the publisher's date order")
        if any(not 1 <= month <= 12 for month in self.months.values()):
            raise ValueError("months must map names to 1-12")
        return self


class DimensionMap(Closed):
    """What the categories of one dimension mean for the series.

    Attributes
    ----------
    dimension : names under which it may appear (languages, editions).
    by : match labels or codes.
    labels : category -> series fields it states; `{}` selects it without stating anything.
    field : series field that a category found through `codes_from` or `as_code` states.
    codes_from : kind in data/reference/labels.csv; `codes` holds the resolved table.
    as_code : the category is the code itself.
    unselected : categories left out on purpose (aggregates inside the axis, for instance).
    ignore : the whole dimension says nothing about the series.
    optional : the dimension may be absent.
    """

    dimension: Names
    by: Literal["label", "code"] = "label"
    labels: dict[str, dict[SeriesField, str]] = Field(default_factory=dict)
    field: SeriesField | None = None
    codes_from: str | None = None
    codes: dict[str, str] = Field(default_factory=dict, repr=False)
    as_code: bool = False
    unselected: Texts = ()
    ignore: bool = False
    optional: bool = False

    @field_validator("labels")
    @classmethod
    def _known_codes(cls, value: dict[str, dict[SeriesField, str]]) -> dict[str, dict[SeriesField, str]]:
        for contribution in value.values():
            _checked_contribution(contribution)
        return value

    @model_validator(mode="after")
    def _field_where_needed(self) -> Self:
        if (self.codes_from or self.codes or self.as_code) and self.field is None:
            raise ValueError("codes_from and as_code need the field they state")
        if not (self.ignore or self.labels or self.codes_from or self.codes or self.as_code):
            raise ValueError("state labels, codes_from, as_code or ignore: true")
        return self


class TotalCheck(Closed):
    """A total inside the payload that must equal its parts.

    `parts` left out means every other category of the dimension. `tolerance` is in the payload's own unit.
    """

    dimension: Names
    total: str
    parts: Texts | None = None
    tolerance: float = Field(default=0.0, ge=0)


class Unit(Closed):
    """Unit of the figures: its text, the power of ten to apply once, and the texts the payload may state."""

    text: str
    mult: int = Field(default=0, ge=0, le=9)
    expect: Texts = ()


class Mapping(Closed):
    """From cells of a payload to observations of a series.

    `series` states what is constant; dimensions add the rest. `symbols` maps the publisher's marks beside or instead
    of figures to SDMX observation status. `thousands` and `decimal` are the marks of figures written as text.
    """

    series: dict[SeriesField, str]
    time: TimeAxis
    dimensions: Annotated[tuple[DimensionMap, ...], BeforeValidator(_as_tuple)] = ()
    unit: Unit
    symbols: dict[str, str] = Field(default_factory=dict)
    thousands: Literal["", ",", ".", " ", "'"] = ""
    decimal: Literal[".", ","] = "."
    totals: Annotated[tuple[TotalCheck, ...], BeforeValidator(_as_tuple)] = ()

    @field_validator("series")
    @classmethod
    def _known_series(cls, value: dict[SeriesField, str]) -> dict[SeriesField, str]:
        return _checked_contribution(value)

    @field_validator("symbols")
    @classmethod
    def _known_symbols(cls, value: dict[str, str]) -> dict[str, str]:
        for code in value.values():
            checked_code("obs_status", code)
        return value

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal must be different marks")
        return self


class JsonStatOptions(Closed):
    """JSON-stat 1.x or 2; `dataset` names the member of a bundle."""

    parser: Literal["jsonstat"]
    dataset: str | None = None
    max_cells: int = Field(default=1_000_000, gt=0)


class EurostatOptions(Closed):
    """Eurostat statistics API: JSON-stat 2 with letter flags."""

    parser: Literal["eurostat"]
    max_cells: int = Field(default=1_000_000, gt=0)


class Selection(Closed):
    """What to ask of one PxWeb variable, in words: label texts, every category, or the newest so many periods."""

    variable: Names
    labels: Texts = ()
    every: bool = False
    newest: int | None = Field(default=None, gt=0)
    eliminate: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum((bool(self.labels), self.every, self.newest is not None, self.eliminate)) != 1:
            raise ValueError("state exactly one of labels, every, newest, eliminate")
        return self


class PxWebOptions(Closed):
    """PxWeb API v1. `max_cells`, `max_values` hold where `?config` states none."""

    parser: Literal["pxweb"]
    format: Literal["json-stat2", "json-stat", "json"]
    select: Annotated[tuple[Selection, ...], BeforeValidator(_as_tuple)]
    max_cells: int = Field(default=10_000, gt=0)
    max_values: int = Field(default=10_000, gt=0)


class PcAxisOptions(Closed):
    """PC-Axis file. `encoding` overrules CHARSET; `lossy_labels` admits a file that lost letters before us."""

    parser: Literal["pcaxis"]
    encoding: str | None = None
    language: str | None = None
    lossy_labels: bool = False
    max_cells: int = Field(default=1_000_000, gt=0)


class UljasOptions(Closed):
    """Uljas cube: `dimensions` in cube order, `indicators` one per figure of `vals`."""

    parser: Literal["uljas"]
    cube: str
    dimensions: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    indicators: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    select: dict[str, Names]


class HeaderLevel(Closed):
    """One header row of a workbook: the dimension its texts belong to, and the texts it may hold, if closed."""

    dimension: str
    expect: Texts = ()


class WorkbookOptions(Closed):
    """Layout contract of a sheet.

    Attributes
    ----------
    sheet : exact name of the sheet.
    stub : header texts of the label columns, left to right; the first one marks the header.
    levels : header rows above the figures, top to bottom; merged headers are spread over their span.
    header_rows_from : the header is looked for in the first so many rows.
    ignore_columns : last-level header texts of columns that are no figures we want.
    notes : words that may open a note below the table; a figure below the table is a changed layout.
    serial_dates : header numbers are day serials.
    fill_down : stub columns whose merged or blank cells repeat the label above.
    """

    parser: Literal["workbook", "frontex"]
    sheet: Names
    stub: Annotated[tuple[Names, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    levels: Annotated[tuple[HeaderLevel, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    header_rows_from: int = Field(default=20, gt=0, le=200)
    ignore_columns: Texts = ()
    notes: Texts = ()
    serial_dates: bool = False
    fill_down: Texts = ()
    max_cells: int = Field(default=500_000, gt=0)
    max_uncompressed_bytes: int = Field(default=80_000_000, gt=0)


class IblockOptions(Closed):
    """stat.gov.kz table: the dimension behind each term, in order."""

    parser: Literal["iblock"]
    terms: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class TaldauOptions(Closed):
    """Taldau tree: the dimension that `text` belongs to, the measure name expected, other keys allowed."""

    parser: Literal["taldau"]
    dimension: str
    measure_name: str | None = None
    ignore_keys: Texts = ()


class TableOptions(Closed):
    """Delimited text: exact columns in order, and which of them hold figures.

    `values_as` names the dimension made of the figure columns' headers.
    """

    parser: Literal["table"]
    columns: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    values: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    values_as: str | None = None
    encoding: str = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    skip_lines: int = Field(default=0, ge=0)
    drop_nul: bool = False
    max_field: int = Field(default=10_000, gt=0)

    @model_validator(mode="after")
    def _values_are_columns(self) -> Self:
        missing = sorted(set(self.values) - set(self.columns))
        if missing:
            raise ValueError(f"values names {', '.join(missing)}, which is no column")
        if len(self.values) > 1 and self.values_as is None:
            raise ValueError("several figure columns need values_as, the dimension their headers belong to")
        return self


class EmissOptions(Closed):
    """EMISS: the quarter-end CSV, or SDMX-ML with code lists in the message; sniffed from the bytes.

    `one_to_one` names pairs of columns whose values must correspond one to one over the whole file.
    """

    parser: Literal["emiss"]
    columns: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
    value: str
    one_to_one: Annotated[
        tuple[Annotated[tuple[str, str], BeforeValidator(_as_tuple)], ...], BeforeValidator(_as_tuple)
    ] = ()
    encoding: str = "utf-8"


class RegisterOptions(Closed):
    """Statement CSV in the register's columns; it has no options, because its columns are the codebook's."""

    parser: Literal["register"]


Options: TypeAlias = Annotated[
    JsonStatOptions
    | EurostatOptions
    | PxWebOptions
    | PcAxisOptions
    | UljasOptions
    | WorkbookOptions
    | IblockOptions
    | TaldauOptions
    | TableOptions
    | EmissOptions
    | RegisterOptions,
    Field(discriminator="parser"),
]
