"""How the cells of a payload become figures of a series: the part of a source's YAML that every protocol shares.

In: parsed YAML. Out: frozen pydantic models. A code outside its list is refused with the codes that are known.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from crossings.source.closed import Closed, IsoDate, Names, Texts, as_tuple, checked_code, one_or_many
from crossings.source.spellings import compiled, with_exchanged

Freq: TypeAlias = Literal["D", "W", "M", "Q", "S", "A"]
Statistic: TypeAlias = Literal["total", "cumulative", "mean_per_day", "mean_per_week", "mean_per_month", "stock"]
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
    year in which it ends or starts; `calendar` where months stand beside calendar years all the same.
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
    year_named: Literal["end", "start", "calendar"] = "end"
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
    sum : its categories are parts of one figure, which we add up; `sparse` where the publisher leaves out parts that are
    zero. status : its categories are marks of the figures beside them, read by `symbols`.
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
    sum: bool | Literal["sparse"] = False
    status: bool = False
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
        meanings = bool(self.labels or self.codes_from or self.codes or self.as_code)
        if meanings + self.ignore + bool(self.sum) + self.status == 0:
            raise ValueError("state labels, codes_from, as_code or ignore: true (or sum: true, status: true)")
        if meanings + self.ignore + bool(self.sum) + self.status > 1:
            raise ValueError("labels and codes, ignore, sum and status exclude each other")
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
    """Unit of the figures: its text, the power of ten to apply once, and the texts the payload may state.

    `rounding_unit` is the precision that the publisher states, in whole units; with it a fraction of a unit is rounded,
    without it no fraction is a count.
    """

    text: str
    mult: int = Field(default=0, ge=0, le=9)
    rounding_unit: int | None = Field(default=None, ge=1)
    expect: Texts = ()


class Mapping(Closed):
    """From cells of a payload to observations of a series.

    `series` states what is constant; dimensions add the rest. `symbols` maps the publisher's marks beside or instead
    of figures or behind a period to SDMX observation status. `thousands` and `decimal` are the marks of figures written as
    text. `statistic` says what a figure says of its period: its total, a running total that starts on the day `since` (or
    anew with each `year`), a mean of its days, weeks or months, or the number present (`stock`). `countries` holds the codes
    of the label table, against which cells without a figure are held too.
    """

    series: dict[SeriesField, str]
    statistic: Statistic = "total"
    since: Literal["year"] | IsoDate | None = None
    time: TimeAxis
    dimensions: Annotated[tuple[DimensionMap, ...], BeforeValidator(as_tuple)] = ()
    unit: Unit
    symbols: dict[str, str] = Field(default_factory=dict)
    thousands: Literal["", ",", ".", " ", "'"] = ""
    decimal: Literal[".", ","] = "."
    totals: Annotated[tuple[TotalCheck, ...], BeforeValidator(as_tuple)] = ()
    countries: Texts = Field(default=(), repr=False)

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
    def _fits_together(self) -> Self:
        if self.thousands == self.decimal:
            raise ValueError("thousands and decimal must be different marks")
        if (self.statistic == "cumulative") != (self.since is not None):
            raise ValueError("statistic: cumulative needs since: the first day, or year; nothing else has one")
        if self.statistic == "mean_per_month" and self.time.freq in ("D", "W"):
            raise ValueError("statistic: mean_per_month needs periods of months (freq M, Q, S or A)")
        if self.statistic == "stock" and self.series.get("direction", "stock") != "stock":
            raise ValueError("statistic: stock has series.direction: stock")
        return self
