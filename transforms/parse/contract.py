"""What a publisher's protocol does, and what goes into it and comes out: questions, payloads, cells, observations.

In: a source, and archived bytes with their digest. Out: `Question`s, and `Parsed`, two tables whose rows account for
every cell considered: considered = accepted + rejected + unselected. Rule names are those of method.md 8 or plain words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Protocol, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from crossings.errors import UnreadableInput
from crossings.source.closed import ProtocolOptions
from crossings.source.model import Address, SourceSpec
from transforms.parse.layout import Seen

Figure: TypeAlias = str | int | float | Decimal | None
Found = TypeVar("Found")

OBSERVATION_COLUMNS = (
    "period_start",
    "period_end",
    "freq",
    "value",
    "value_text",
    "obs_status",
    "status_symbol",
    "country",
    "counterpart",
    "scope",
    "mode",
    "direction",
    "citizenship",
    "measure",
    "system",
    "unit_text",
    "payload_sha256",
    "payload_locator",
    "raw",
)
SERIES_COLUMNS = ("country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system")
REJECTED_COLUMNS = ("record", "rule", "reason", "payload_locator")


@dataclass(frozen=True)
class Payload:
    """Bytes as received.

    Attributes
    ----------
    content : the bytes.
    sha256 : their digest in the archive.
    name : file name or role, such as `metadata.json`, `data-2.json` or `data`.
    media_type : as the server declared it, if it did.
    """

    content: bytes = field(repr=False)
    sha256: str
    name: str
    media_type: str | None = None

    @property
    def role(self) -> str:
        """The part of the name before the first dot or hyphen: `data` of `data-2.json`."""
        return self.name.split(".", 1)[0].split("-", 1)[0]


@dataclass(frozen=True)
class Note:
    """A plain finding about a payload that was read: rule and message."""

    rule: str
    message: str


@dataclass(slots=True)
class Cell:
    """One figure of a payload with the labels it stands under.

    Attributes
    ----------
    labels : dimension -> category, as the publisher writes it.
    value : the figure as decoded, text or number; None where there is none.
    locator : where it stands inside its payload.
    sha256 : digest of the payload.
    symbol : publisher's mark beside or instead of the figure.
    unit : unit the payload states for it.
    skipped : left out on purpose by the protocol (a position the publisher declares empty).
    fault : rule and reason that already forbid the cell.
    first : whether it is the first figure of its row; rows are counted by it.
    """

    labels: dict[str, str]
    value: Figure
    locator: str
    sha256: str
    symbol: str | None = None
    unit: str | None = None
    skipped: bool = False
    fault: tuple[str, str] | None = None
    first: bool = True

    def record(self) -> str:
        """The cell exactly as received, as JSON text."""
        received: dict[str, object] = {"labels": self.labels, "value": as_received(self.value)}
        if self.symbol is not None:
            received["symbol"] = self.symbol
        return json.dumps(received, ensure_ascii=False, sort_keys=True)


@dataclass(frozen=True, eq=False)
class Parsed:
    """Outcome of one parse.

    Attributes
    ----------
    observations : one row per accepted figure, `OBSERVATION_COLUMNS`; value Int64 in whole units.
    rejected : one row per refused figure, `REJECTED_COLUMNS`.
    considered : cells or rows seen; equals accepted + rejected + unselected + summed.
    unselected : cells left out on purpose by the mapping.
    summed : cells that went into a sum of ours beside its first part.
    notes : plain findings.
    seen : layout and labels of the cells.
    """

    observations: pd.DataFrame
    rejected: pd.DataFrame
    considered: int
    unselected: int = 0
    notes: tuple[Note, ...] = ()
    summed: int = 0
    seen: Seen | None = None

    def __post_init__(self) -> None:
        accounted = len(self.observations) + len(self.rejected) + self.unselected + self.summed
        assert self.considered == accounted, f"{self.considered} considered, {accounted} accounted for"


class RefusedCells(UnreadableInput):
    """Figures that were found and, as a whole, not taken; `seen` is the layout that they stand under."""

    def __init__(self, fault: UnreadableInput, seen: Seen) -> None:
        super().__init__(fault.message, fault.remedy)
        self.seen = seen


@dataclass(frozen=True)
class Span:
    """The days from `first` to `last`, both included."""

    first: date
    last: date


@dataclass(frozen=True)
class Question:
    """What to ask a publisher next, as plain data; `flows.archive.request` makes it a request.

    Attributes
    ----------
    name : what the answer is to the parser; the name of its payload (`metadata`, `data`, `data-2`, `class-Country`).
    address : where, and with which method, form and headers.
    query : what follows the question mark, letter by letter as the service wants it; None asks the address as it is.
    body : JSON to POST; None sends the form of the address.
    """

    name: str
    address: Address
    query: str | None = None
    body: bytes | None = None


Questions: TypeAlias = Generator[Question, bytes, None]
"""Questions in the order of asking; each is sent its answer, because the next one may depend on it."""


class Adapter(Protocol[Found]):
    """One publisher's protocol: all that the rest of the product knows of it. Pure: it asks nobody and keeps nothing."""

    @property
    def name(self) -> str:
        """What a source writes as `parser`."""

    @property
    def options(self) -> type[ProtocolOptions]:
        """What a source may say about reading this protocol."""

    @property
    def by_hand(self) -> bool:
        """Whether it is a file of statements that people write: nobody is asked, and no mapping reads it."""

    def parse(self, payloads: Sequence[Payload], spec: SourceSpec, /) -> Found:
        """What the payloads of one look say, whatever their order.

        Raises UnreadableInput for a fault of a whole payload: nothing is taken then.
        """

    def questions(self, spec: SourceSpec, back: Span | None, /) -> Questions:
        """What to ask for a look: what the source selects or, for a look back, every period that touches the span.

        Raises UnreadableInput for an answer that forbids the next question, FetchFailed for a page without the link
        that was sought, CrossingsError for a source without an address that the protocol needs.
        """

    def reach(self, found: Found, /) -> Span | None:
        """How far in time what was parsed reaches; None where it states no period."""


@dataclass(frozen=True)
class Figures:
    """The adapter of a protocol whose answers hold figures by period, put together from the functions of its module.

    Where a file can be shown before anybody declared how it is read: `shown` gives its cells, of a file that names its own
    dimensions; `tables` its tables by name, as rows of texts.
    """

    name: str
    options: type[ProtocolOptions]
    parse: Callable[[Sequence[Payload], SourceSpec], Parsed]
    questions: Callable[[SourceSpec, Span | None], Questions]
    shown: Callable[[Payload], list[Cell]] | None = None
    tables: Callable[[Payload], dict[str, list[list[str]]]] | None = None

    @property
    def by_hand(self) -> bool:
        """False: a publisher is asked."""
        return self.options.by_hand

    def reach(self, found: Parsed, /) -> Span | None:
        """From the first day of the earliest period to the last day of the latest one."""
        return span_of(found.observations)


@dataclass(slots=True)
class Observation:
    """One accepted figure before it becomes a row; `computed` says how we made it where it was not printed so."""

    cell: Cell
    series: dict[str, str]
    period: tuple[date, date]
    value: int | None
    obs_status: str
    symbol: str | None
    computed: str | None = None

    def key(self) -> tuple[object, ...]:
        """Series and period: what may occur once."""
        return (*(self.series.get(name) for name in SERIES_COLUMNS), *self.period)


@dataclass(slots=True)
class Refusal:
    """One refused cell with rule and reason."""

    cell: Cell
    rule: str
    reason: str


def as_received(value: Figure) -> str | None:
    """The figure as text, spelled as it was received."""
    return None if value is None else str(value)


def unreadable(payload: Payload, expected: str, found: str, remedy: str) -> UnreadableInput:
    """A fault of a whole payload, saying what was expected and what was found."""
    return UnreadableInput(f"{payload.name[:80]}: expected {clipped(expected)}, found {clipped(found)}", remedy)


def clipped(text: str) -> str:
    """A text on one line, short enough for a message."""
    shown = " ".join(text.split())
    return shown if len(shown) <= 300 else shown[:300] + "…"


def only(payloads: Sequence[Payload], what: str) -> Payload:
    """The single payload of a source that has one; `UnreadableInput` otherwise."""
    if len(payloads) != 1:
        names = ", ".join(p.name for p in payloads) or "none"
        raise UnreadableInput(f"{what}: expected one payload, found {names}", "pass exactly one payload")
    return payloads[0]


def files_of(payloads: Sequence[Payload], spec: SourceSpec) -> Sequence[Payload]:
    """The single payload of a source or, where the names of its files say what they hold, all files of a look."""
    return payloads if payloads and spec.options.file_pattern is not None else (only(payloads, spec.id),)


def span_of(periods: pd.DataFrame) -> Span | None:
    """From the first `period_start` to the last `period_end` of a table; None where it has no such days."""
    first, last = periods["period_start"].min(), periods["period_end"].max()
    return None if pd.isna(first) or pd.isna(last) else Span(pd.Timestamp(first).date(), pd.Timestamp(last).date())


def observation_frame(rows: Iterable[Observation], freq: str, unit_text: str) -> pd.DataFrame:
    """Accepted figures as a table sorted by period, series and place."""
    ordered = sorted(rows, key=_place)
    columns: dict[str, object] = {
        "period_start": [o.period[0] for o in ordered],
        "period_end": [o.period[1] for o in ordered],
        "freq": _texts([freq] * len(ordered)),
        "value": pd.array(
            np.array([o.value if o.value is not None else pd.NA for o in ordered], dtype=object), dtype="Int64"
        ),
        "value_text": _texts([None if o.computed else as_received(o.cell.value) for o in ordered]),
        "obs_status": _texts([o.obs_status for o in ordered]),
        "status_symbol": _texts([o.symbol for o in ordered]),
    }
    for name in SERIES_COLUMNS:
        columns[name] = _texts([o.series.get(name) for o in ordered])
    columns["unit_text"] = _texts([o.cell.unit or unit_text for o in ordered])
    columns["payload_sha256"] = _texts([o.cell.sha256 for o in ordered])
    columns["payload_locator"] = _texts([o.cell.locator for o in ordered])
    columns["raw"] = _texts([_raw(o) for o in ordered])
    return pd.DataFrame(columns, columns=list(OBSERVATION_COLUMNS))


def rejected_frame(rows: Iterable[Refusal]) -> pd.DataFrame:
    """Refused cells as a table sorted by place and rule."""
    ordered = sorted(rows, key=lambda r: (r.cell.sha256, r.cell.locator, r.rule))
    return pd.DataFrame(
        {
            "record": _texts([r.cell.record() for r in ordered]),
            "rule": _texts([r.rule for r in ordered]),
            "reason": _texts([r.reason for r in ordered]),
            "payload_locator": _texts([r.cell.locator for r in ordered]),
        },
        columns=list(REJECTED_COLUMNS),
    )


def _raw(o: Observation) -> str:
    """Labels as JSON and, of a figure that we computed, how."""
    computed = {"computed": o.computed} if o.computed else {}
    return json.dumps({**o.cell.labels, **computed}, ensure_ascii=False, sort_keys=True)


def _place(o: Observation) -> tuple[object, ...]:
    return (*o.period, *(o.series.get(name) or "" for name in SERIES_COLUMNS), o.cell.sha256, o.cell.locator)


def _texts(values: list[str | None] | list[str]) -> pd.Series:
    return pd.Series(values, dtype="string[pyarrow]")
