"""A source is data first: the typed model of `data/sources/<id>.yaml`.

In: a parsed YAML document. Out: `SourceSpec`, frozen and closed: a field it does not know, a code outside its list or a
wrong type is refused. `crossings.source.reader` reads the files.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from crossings.errors import CrossingsError
from crossings.source.closed import AREA, Closed, IsoDate, Texts, checked_code
from crossings.source.mapping import Mapping
from crossings.source.options import Options

_HTTPS = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d{1,5})?/")


class InvalidSource(CrossingsError):
    """A source file that does not say what a source must say; the message names file and field."""


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
    offline: bool = False


class Bounds(Closed):
    """What a healthy answer looks like.

    `rows` counts cells considered; `earliest_period` and `latest_period` are first days of periods that the time axis
    must reach; `max_change` is the share of already known figures that one look may change before a person decides;
    `max_unread` the share of cells whose period, or whose label in a dimension, may be unknown before the file is refused.
    """

    min_rows: int = Field(default=1, ge=1)
    max_rows: int = Field(default=1_000_000, ge=1)
    min_bytes: int = Field(default=2, ge=1)
    earliest_period: IsoDate | None = None
    latest_period: IsoDate | None = None
    max_change: float = Field(default=0.2, ge=0, le=1)
    max_unread: float = Field(default=0.1, ge=0, le=1)

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
    parser: str
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
        if not self.by_hand:
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
    def by_hand(self) -> bool:
        """Whether it is a file of statements, so that nobody is asked for it."""
        return self.options.by_hand

    @property
    def series_mapping(self) -> Mapping:
        """The mapping; `InvalidSource` for a parser that has none."""
        if self.mapping is None:
            raise InvalidSource(f"{self.id}: mapping is missing", "state mapping in the source's YAML")
        return self.mapping
