"""What a source's YAML may say about reading its publisher's protocol: one closed model a protocol.

In: parsed YAML. Out: frozen pydantic models. Only `transforms.parse.protocols` names a class of this module; whoever
else holds options passes them on as `Options`, told apart by the protocol's name in `parser`.
"""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crossings.source.closed import Closed, Names, ProtocolOptions, Texts, as_tuple, one_or_many
from crossings.source.patterns import is_open, names_of


class FileOptions(ProtocolOptions):
    """Options of a protocol whose file may say in its name what its figures are.

    `file_name` is a pattern such as `arrivals-{Year:####}.csv`; its parts become labels of every figure in the file. Several
    files of one look are then read together.
    """

    file_name: str | None = None

    @field_validator("file_name")
    @classmethod
    def _names_a_part(cls, value: str | None) -> str | None:
        if value is not None and not names_of(value):
            raise ValueError("file_name names no part in braces, such as {Year:####}; without one it says nothing")
        return value

    @property
    def file_pattern(self) -> str | None:
        """The pattern of `file_name`."""
        return self.file_name


class ColumnOptions(FileOptions):
    """Columns of a table with names: those that hold labels, and those that hold figures.

    Attributes
    ----------
    columns : names of the columns that are read, in order; those not among `values` hold labels.
    values : the columns of figures: names, or patterns such as `####-##` where months are added to the right.
    values_as : dimension made of the figure columns' names; the parts of patterns such as `{Direction}_{Month}` are dimensions
        by themselves.
    ignore_columns : names or patterns of other columns that may stand there; `"*"` lets any.
    """

    columns: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    values: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    values_as: str | None = None
    ignore_columns: Texts = ()

    @model_validator(mode="after")
    def _values_are_columns(self) -> Self:
        closed = {name for name in self.values if not is_open(name)}
        missing = sorted(closed - set(self.columns))
        if missing:
            raise ValueError(f"values names {', '.join(missing)}, which is no column")
        unnamed = any(not names_of(name) for name in self.values)
        if unnamed and self.values_as is None and (len(self.values) > 1 or not closed):
            raise ValueError("several figure columns need values_as, the dimension their headers belong to")
        return self


class JsonStatOptions(ProtocolOptions):
    """JSON-stat 1.x or 2; `dataset` names the member of a bundle."""

    parser: Literal["jsonstat"]
    dataset: str | None = None
    max_cells: int = Field(default=1_000_000, gt=0)


class EurostatOptions(ProtocolOptions):
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


class PxWebOptions(ProtocolOptions):
    """PxWeb API v1. `max_cells`, `max_values` hold where `?config` states none."""

    parser: Literal["pxweb"]
    format: Literal["json-stat2", "json-stat", "json"]
    select: Annotated[tuple[Selection, ...], BeforeValidator(as_tuple)]
    max_cells: int = Field(default=10_000, gt=0)
    max_values: int = Field(default=10_000, gt=0)


class PcAxisOptions(ProtocolOptions):
    """PC-Axis file. `encoding` overrules CHARSET; `lossy_labels` admits a file that lost letters before us."""

    parser: Literal["pcaxis"]
    encoding: str | None = None
    language: str | None = None
    lossy_labels: bool = False
    max_cells: int = Field(default=1_000_000, gt=0)


class UljasOptions(ProtocolOptions):
    """Uljas cube: `dimensions` in cube order, `indicators` one per figure of `vals`."""

    parser: Literal["uljas"]
    cube: str
    dimensions: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    indicators: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    select: dict[str, Names]


class HeaderLevel(Closed):
    """One header row of a workbook: the dimension its texts belong to, and the texts it may hold, if closed."""

    dimension: str
    expect: Texts = ()


class WorkbookOptions(FileOptions):
    """Layout contract of the tables of a workbook; in a header, capitals and runs of blanks make no difference.

    Attributes
    ----------
    sheet : names or patterns of the sheets; all that are there are read. Parts of a pattern such as `{Year:####}` are labels of
        every figure of the sheet.
    ignore_sheets : names or patterns of sheets with the same header that are left out; others are told.
    titles : lines above each table, the nearest one that fits; parts of their patterns are labels of every figure of the table.
    stub : header texts of the label columns, left to right; the first one marks the header.
    stub_columns : letters of the label columns, where nothing stands above them; `stub` then gives their names.
    levels : header rows above the figures, top to bottom; merged headers are spread over their span.
    header_row : number of the row in which the label texts of the first header stand, of its last row with `stub_columns`;
        without it, the header is looked for in the first `header_rows_from` rows.
    groups : the dimension to which a row with a label and nothing else belongs; it holds for the rows below, up to the next one.
    ignore_columns : header texts, or patterns of them, of columns that are no figures we want.
    notes : words that may open a note below the table; a figure below the table is a changed layout.
    serial_dates : header numbers are day serials.
    fill_down : stub columns whose merged or blank cells repeat the label above.
    """

    parser: Literal["workbook", "frontex"]
    sheet: Names
    ignore_sheets: Texts = ()
    titles: Annotated[tuple[Names, ...], BeforeValidator(one_or_many)] = ()
    stub: Annotated[tuple[Names, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    stub_columns: Texts = ()
    levels: Annotated[tuple[HeaderLevel, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    header_row: int | None = Field(default=None, gt=0)
    header_rows_from: int = Field(default=20, gt=0, le=200)
    groups: str | None = None
    ignore_columns: Texts = ()
    notes: Texts = ()
    serial_dates: bool = False
    fill_down: Texts = ()
    max_cells: int = Field(default=500_000, gt=0)
    max_uncompressed_bytes: int = Field(default=80_000_000, gt=0)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.stub_columns and len(self.stub_columns) != len(self.stub):
            raise ValueError("stub_columns states one letter for each name of stub")
        spelled = all(re.fullmatch(r"[A-Z]{1,2}", letters) for letters in self.stub_columns)
        if not spelled or len(set(self.stub_columns)) < len(self.stub_columns):
            raise ValueError("stub_columns are capital letters of columns, such as A, each once")
        if any(sorted(names_of(name)) != sorted(names_of(self.sheet[0])) for name in self.sheet):
            raise ValueError("all names of sheet must have the same parts in braces")
        for title in self.titles:
            if any(not names_of(p) or sorted(names_of(p)) != sorted(names_of(title[0])) for p in title):
                raise ValueError(
                    "each of titles names parts in braces, such as {Direction}, and its other spellings the same"
                )
        parts = [
            *names_of(self.file_name or ""),
            *names_of(self.sheet[0]),
            *(n for t in self.titles for n in names_of(t[0])),
        ]
        named = [*parts, *(s[0] for s in self.stub), *(v.dimension for v in self.levels), *filter(None, [self.groups])]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} is stated twice: by stub, levels, groups, titles, sheet or file_name")
        return self


class IblockOptions(ProtocolOptions):
    """stat.gov.kz table: the dimension behind each term, in order."""

    parser: Literal["iblock"]
    terms: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]


class TaldauOptions(ProtocolOptions):
    """Taldau tree: the dimension that `text` belongs to, the measure name expected, other keys allowed."""

    parser: Literal["taldau"]
    dimension: str
    measure_name: str | None = None
    ignore_keys: Texts = ()


class TableOptions(ColumnOptions):
    """Delimited text.

    Attributes
    ----------
    header : whether a row of names stands above; without one, `columns` gives the names.
    row_names : each row opens with a name or number of its own, above which the header has nothing.
    skip_lines, skip_after_header : lines above the header, and between it and the figures.
    footer : words that may open the lines below the table.
    delimiter, quote : one character each; a delimiter of one blank stands for runs of blanks, `quote: ""` for no quotes at all.
    skip_blanks : blanks after a delimiter belong to it.
    max_torn : share of rows with another number of fields than the header; they are set aside one by one, and the file is
        refused where there are more.
    max_field : the longest field.
    """

    parser: Literal["table"]
    header: bool = True
    row_names: bool = False
    skip_lines: int = Field(default=0, ge=0)
    skip_after_header: int = Field(default=0, ge=0)
    footer: Texts = ()
    encoding: str = "utf-8"
    delimiter: str = Field(default=",", pattern=r"^[^\w\r\n\"]$")
    quote: str = Field(default='"', pattern=r"^[^\w\r\n ]?$")
    skip_blanks: bool = False
    drop_nul: bool = False
    max_torn: float = Field(default=0.5, ge=0, le=1)
    max_field: int = Field(default=10_000, gt=0)

    @model_validator(mode="after")
    def _one_way_to_name_columns(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError("delimiter and quote must be different characters")
        if not self.header and (self.skip_after_header or self.ignore_columns or any(map(is_open, self.values))):
            raise ValueError("without a header there are no skip_after_header, ignore_columns and patterns of columns")
        return self


class RecordsOptions(ColumnOptions):
    """JSON: a list of objects, or of arrays, is a table. A member of a member is named `attributes.date` or `/attributes/date`.

    Attributes
    ----------
    path : JSON pointer to the list, such as `/data/timeseries`; empty where the document is the list.
    lines : each line is a record of its own.
    header : records are arrays, and the first one holds the names; without it, `columns` gives the names of arrays.
    max_torn : share of records that may lack a member or be no record; they are set aside one by one, and the file is refused
        where there are more.
    max_field : the longest text.
    """

    parser: Literal["records"]
    path: str = Field(default="", pattern=r"^(/[^/]*)*$")
    lines: bool = False
    header: bool = False
    max_torn: float = Field(default=0.5, ge=0, le=1)
    max_field: int = Field(default=10_000, gt=0)

    @model_validator(mode="after")
    def _one_way_to_the_records(self) -> Self:
        if self.lines and self.path:
            raise ValueError("with lines: true each line is a record, and there is no path")
        return self


class ParquetOptions(ColumnOptions):
    """Parquet. `max_field` is the longest text, `max_uncompressed_bytes` the size that the file may unpack to."""

    parser: Literal["parquet"]
    max_field: int = Field(default=10_000, gt=0)
    max_uncompressed_bytes: int = Field(default=500_000_000, gt=0)


class EmissOptions(ProtocolOptions):
    """EMISS: the quarter-end CSV, or SDMX-ML with code lists in the message; sniffed from the bytes.

    `one_to_one` names pairs of columns whose values must correspond one to one over the whole file.
    """

    parser: Literal["emiss"]
    columns: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]
    value: str
    one_to_one: Annotated[
        tuple[Annotated[tuple[str, str], BeforeValidator(as_tuple)], ...], BeforeValidator(as_tuple)
    ] = ()
    encoding: str = "utf-8"


class RegisterOptions(ProtocolOptions):
    """Statement CSV in the register's columns; it has no options, because its columns are the codebook's."""

    by_hand: ClassVar[bool] = True
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
    | RecordsOptions
    | ParquetOptions
    | EmissOptions
    | RegisterOptions,
    Field(discriminator="parser"),
]
