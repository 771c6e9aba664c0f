"""The fetch log: one line per look, each with its own checksum, whole after a kill at any byte.

In: looks. Out: looks, and the places of lines that are not whole. Lines are appended in one synced write under one lock
for all writers; a line that was torn is named, skipped, and closed by the next append.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from flows.durable import ArchiveFault, make_directory, sync_directory, telling

Outcome: TypeAlias = Literal["new", "unchanged", "not_modified", "failed"]

_CHUNK = 2**20
_CHECK = re.compile(rb',"check":"([0-9a-f]{16})"}\Z')
log = logging.getLogger("flows.archive.log")


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


@dataclass(frozen=True)
class LogFault:
    """A line of the fetch log that is not whole: `torn` (a writer was killed) or `damaged` (the bytes changed since)."""

    offset: int
    kind: Literal["torn", "damaged"]
    length: int


class FetchLog:
    """The log in one file; reads only what was appended since it was last asked."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._guard = threading.RLock()
        self._held: int | None = None
        self._forget()

    def looks(self) -> list[Look]:
        """Every look, in the order of the log."""
        with self._guard:
            self._refresh()
            return self._known()

    def faults(self) -> list[LogFault]:
        """Lines that are not whole, in order; the looks beside them are unharmed."""
        with self._guard:
            self._refresh()
            return [*self._faults, *([self._tail] if isinstance(self._tail, LogFault) else [])]

    def latest(self, source_id: str, request_key: str) -> Look | None:
        """The last look at this question that did not fail."""
        for look in reversed(self.looks()):
            if (look.source_id, look.request_key) == (source_id, request_key) and look.outcome != "failed":
                return look
        return None

    @contextmanager
    def writing(self) -> Iterator[Callable[[Look], None]]:
        """The way to append, for the time of the block, with every other writer locked out."""
        with self._guard:
            with telling(self.path, "be opened"):
                make_directory(self.path.parent)
                handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                with telling(self.path, "be locked"):
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    if os.fstat(handle).st_size == 0:
                        sync_directory(self.path.parent)
                self._held = handle
                yield self._append
            finally:
                self._held = None
                os.close(handle)

    def _append(self, look: Look) -> None:
        """One write: the line, and before it the end of a line that somebody was killed in."""
        assert self._held is not None, "appending is for the time of `writing`"
        with telling(self.path, "be appended to"):
            size = os.fstat(self._held).st_size
            torn = size > 0 and os.pread(self._held, 1, size - 1) != b"\n"
            line = (b"\n" if torn else b"") + _line(look)
            written = os.write(self._held, line)
            os.fsync(self._held)
        if written != len(line):
            raise ArchiveFault(
                f"{self.path} took {written} of {len(line)} bytes of a line", "free space there, then run again"
            )

    def _forget(self) -> None:
        self._looks: list[Look] = []
        self._faults: list[LogFault] = []
        self._tail: Look | LogFault | None = None
        self._offset = 0
        self._inode = -1

    def _refresh(self) -> None:
        if self._held is not None:
            self._read_on(self._held)
            return
        try:
            handle = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            self._forget()
            return
        except OSError as fault:
            raise ArchiveFault(f"{self.path} cannot be read ({fault.strerror})", "mend its rights") from None
        try:
            # A writer in the middle of its line is not a torn line.
            fcntl.flock(handle, fcntl.LOCK_SH)
            self._read_on(handle)
        finally:
            os.close(handle)

    def _read_on(self, handle: int) -> None:
        """Read what was appended since the last time."""
        status = os.fstat(handle)
        if status.st_ino != self._inode or status.st_size < self._offset:
            self._forget()
            self._inode = status.st_ino
        blob = bytearray()
        while piece := os.pread(handle, _CHUNK, self._offset + len(blob)):
            blob += piece
        *lines, tail = bytes(blob).split(b"\n")
        for line in lines:
            self._take(line)
            self._offset += len(line) + 1
        # A last line without its end is read again each time: the next append may close it.
        self._tail = _parsed(tail, self._offset) if tail else None

    def _take(self, line: bytes) -> None:
        parsed = _parsed(line, self._offset)
        if isinstance(parsed, Look):
            self._looks.append(parsed)
        else:
            self._faults.append(parsed)
            log.warning("%s: the %s line at byte %d is left out", self.path, parsed.kind, parsed.offset)

    def _known(self) -> list[Look]:
        return [*self._looks, *([self._tail] if isinstance(self._tail, Look) else [])]


_FIELDS = frozenset(field.name for field in fields(Look))


def _line(look: Look) -> bytes:
    written = {name: value for name, value in asdict(look).items() if value is not None}
    written["looked_at"] = look.looked_at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    body = json.dumps(written, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return body[:-1] + b',"check":"' + hashlib.sha256(body).hexdigest()[:16].encode("ascii") + b'"}\n'


def _parsed(line: bytes, offset: int) -> Look | LogFault:
    check = _CHECK.search(line)
    if check is None:
        return LogFault(offset, "torn", len(line))
    body = line[: check.start()] + b"}"
    if hashlib.sha256(body).hexdigest()[:16].encode("ascii") != check[1]:
        return LogFault(offset, "damaged", len(line))
    # Names that a later version added are skipped, so that an older one still reads the log.
    values = {name: value for name, value in json.loads(body).items() if name in _FIELDS}
    values["looked_at"] = datetime.fromisoformat(values["looked_at"])
    values.setdefault("request_body", None)
    return Look(**values)


def utc(instant: datetime) -> datetime:
    """The instant in UTC; one without a time zone is a mistake of the caller."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone")
    return instant.astimezone(UTC)
