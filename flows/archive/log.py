"""One line of the fetch log: what a look at a source brought, and how it is written down.

The log itself is a `crossings.durable.Journal`: each line has its own checksum and is whole after a kill at any byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["new", "unchanged", "not_modified", "failed"]


@dataclass(frozen=True)
class Look:
    """One line of the fetch log.

    Attributes
    ----------
    source_id : the source.
    request_key : the question without secrets: method, address, digest of the body; `LOCAL name` for a file at hand.
    request_body : the body of a POST as text, where short and free of secrets.
    looked_at : UTC instant at which the answer was recorded.
    outcome : `new` (other bytes than at the last look), `unchanged` (the same bytes came), `not_modified` (the publisher
        said so, without bytes), `failed`.
    sha256, size : of the payload that holds since this look; None where failed.
    etag, last_modified, media_type, final_url : as the publisher sent them; the address without secrets.
    http_status : of a failed look, where an answer came at all.
    error : message and remedy of a failed look.
    """

    source_id: str
    request_key: str
    request_body: str | None
    looked_at: datetime
    outcome: Outcome
    sha256: str | None = None
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    media_type: str | None = None
    final_url: str | None = None
    http_status: int | None = None
    error: str | None = None

    def line(self) -> dict[str, Any]:
        """The look as a line of the log holds it; what it lacks is left out."""
        written = {name: value for name, value in asdict(self).items() if value is not None}
        return written | {"looked_at": self.looked_at.isoformat(timespec="microseconds").replace("+00:00", "Z")}


_FIELDS = frozenset(field.name for field in fields(Look))


def look_of(line: Mapping[str, Any]) -> Look:
    """The look that a line of the log holds; names that a later version added are skipped."""
    values = {name: value for name, value in line.items() if name in _FIELDS}
    return Look(**({"request_body": None} | values | {"looked_at": datetime.fromisoformat(values["looked_at"])}))


def utc(instant: datetime) -> datetime:
    """The instant in UTC; one without a time zone is a mistake of the caller."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return instant.astimezone(UTC)
