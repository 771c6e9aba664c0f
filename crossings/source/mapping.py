"""How the cells of a payload become figures of a series: the part of a source's YAML that every protocol shares.

In: parsed YAML. Out: frozen pydantic models. A code outside its list is refused with the codes that are known.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from crossings.source.closed import Closed, Names, Texts, as_tuple, checked_code, one_or_many
from crossings.source.spellings import compiled, with_exchanged

Freq: TypeAlias = Literal["D", "W", "M", "Q", "S", "A"]
SeriesField: TypeAlias = Literal[
    "country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system"
]
def _checked_spelling(value: str) -> str:
    compiled(value)
    return value


PeriodFormat: TypeAlias = Annotated[str, AfterValidator(_checked_spelling)]


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
    formats : spellings accepted, and no other; see `crossings.source.spellings`.
    anchor : which day of the period a full date names.
    year_starts, year_named : first month of the publisher's year, and whether that year bears the number of the calendar
    year in which it ends or starts.
    months : month names that are not known; `known_months` holds those of the label table.
    unselected : texts in place of a period that are left out on purpose (totals of a year among its months, notes).
    order, complete, rows_per_period : whole-file claims; a file that breaks one is refused.
    """

    dimension: Names | None = None
    year: Names | None = None
    month: Names | None = None
    quarter: Names | None = None
    by: Literal["label", "code"] = "label"
    freq: Freq
    formats: Annotated[tuple[PeriodFormat, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    anchor: Literal["start", "end"] = "start"
    year_starts: int = Field(default=1, ge=1, le=12)
    year_named: Literal["end", "start"] = "end"
    months: dict[str, int] = Field(default_factory=dict)
    known_months: dict[str, int] = Field(default_factory=dict, repr=False)
    unselected: Texts = ()
    order: Literal["ascending", "descending", "any"] = "any"
    complete: bool = False
    rows_per_period: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Self:
        if (self.dimension is None) == (self.year is None):
            raise ValueError("state either dimension or year (with month or quarter)")
        for name in self.formats:
            if (turned := with_exchanged(name)) in self.formats and turned != name:
                raise ValueError(f"{name} and {turned} exclude each other: state the publisher's date order")
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
    dimensions: Annotated[tuple[DimensionMap, ...], BeforeValidator(as_tuple)] = ()
    unit: Unit
    symbols: dict[str, str] = Field(default_factory=dict)
    thousands: Literal["", ",", ".", " ", "'"] = ""
    decimal: Literal[".", ","] = "."
    totals: Annotated[tuple[TotalCheck, ...], BeforeValidator(as_tuple)] = ()

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
