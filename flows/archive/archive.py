"""The raw archive: every payload for ever under its SHA-256, and a log of every look that survives a kill at any byte.

In: answers of the fetcher and files at hand. Out: `raw/sha256/ab/ab…`, written once and never again, and
`raw/fetch-log.jsonl`, one line per look with its own checksum. A payload is on disk before the line that speaks of it;
a line that was torn is named, skipped, and closed by the next append. One lock orders all writers, threads and processes.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

from crossings.durable import Journal, make_directory, sync_directory, telling
from crossings.errors import CrossingsError, FetchFailed, StorageFault
from flows.archive.log import Look, Outcome, look_of, utc
from flows.archive.request import Fetched, Request, Validators, one_line

__all__ = ["Archive", "Look"]

_CHUNK = 2**20


class Asks(Protocol):
    """What the archive needs of a fetcher."""

    def fetch(self, request: Request, validators: Validators | None = None) -> Fetched:
        """Ask one question."""
        ...


class Archive:
    """The raw archive under one directory.

    Parameters
    ----------
    root : holds `raw/`; made on the first write.
    now : the UTC instant, asked once for each look.

    Attributes
    ----------
    raw : folder of payloads and log. log : every look, in order, and which lines of it are not whole.
    """

    def __init__(self, root: Path, now: Callable[[], datetime]) -> None:
        self.raw = root / "raw"
        self.log = Journal(self.raw / "fetch-log.jsonl", look_of)
        self._now = now

    # -- looking ------------------------------------------------------------------------------------------------------

    def look(self, source_id: str, request: Request, fetcher: Asks) -> Look:
        """Ask the publisher what changed since the last look, keep what came, and log the look, failed ones included.

        Raises
        ------
        FetchFailed : after the failure was logged.
        """
        try:
            fetched = fetcher.fetch(request, self.validators(source_id, request.key))
        except FetchFailed as fault:
            self.record_failure(source_id, request, fault)
            raise
        try:
            return self.record(source_id, request, fetched)
        finally:
            fetched.discard()

    def record(self, source_id: str, request: Request, fetched: Fetched) -> Look:
        """Keep an answer and log it."""
        with self.log.writing() as append:
            before = self.latest(source_id, request.key)
            outcome: Outcome
            if fetched.status == "not_modified":
                # Another process may have brought other bytes since we asked: the answer is about those we asked with.
                standing = fetched.sha256 or (before.sha256 if before is not None else None)
                if standing is None:
                    raise StorageFault(
                        f"{request.key} was answered 'not modified', but no payload of it is archived",
                        "look again without validators",
                    )
                with telling(self.path(standing), "be read"):
                    size = self.path(standing).stat().st_size
                sha256, outcome = standing, "not_modified"
            else:
                assert fetched.path is not None
                sha256, size = self._store(fetched.path)
                outcome = "unchanged" if before is not None and before.sha256 == sha256 else "new"
            look = Look(
                source_id=source_id,
                request_key=request.key,
                request_body=request.shown_body,
                looked_at=utc(self._now()),
                outcome=outcome,
                sha256=sha256,
                size=size,
                etag=fetched.etag,
                last_modified=fetched.last_modified,
                media_type=fetched.media_type or (before.media_type if before and outcome == "not_modified" else None),
                final_url=fetched.final_url,
            )
            append(look.line())
        return look

    def record_failure(self, source_id: str, request: Request, fault: CrossingsError) -> Look:
        """Log a look that brought nothing."""
        with self.log.writing() as append:
            look = Look(
                source_id=source_id,
                request_key=request.key,
                request_body=request.shown_body,
                looked_at=utc(self._now()),
                outcome="failed",
                http_status=getattr(fault, "status", None),
                error=one_line(str(fault), 1000),
            )
            append(look.line())
        return look

    def add_local(
        self,
        source_id: str,
        path_or_bytes: Path | bytes,
        name: str,
        recorded_at: datetime | None = None,
        *,
        log_unchanged: bool = True,
    ) -> Look:
        """Keep a file at hand, as if it had been fetched; the same bytes again are `unchanged`.

        Parameters
        ----------
        name : what the file is called within the source; it takes the place of the request.
        recorded_at : the instant to log, the archive's clock where None.
        log_unchanged : False to write nothing at all, and to return the look that stands, where the bytes are the same.
        """
        key = f"LOCAL {one_line(name)}"
        with self.log.writing() as append:
            before = self.latest(source_id, key)
            sha256, size = self._store(path_or_bytes)
            unchanged = before is not None and before.sha256 == sha256
            if before is not None and unchanged and not log_unchanged:
                return before
            look = Look(
                source_id=source_id,
                request_key=key,
                request_body=None,
                looked_at=utc(recorded_at or self._now()),
                outcome="unchanged" if unchanged else "new",
                sha256=sha256,
                size=size,
            )
            append(look.line())
        return look

    # -- reading ------------------------------------------------------------------------------------------------------

    def looks(self, source_id: str | None = None) -> list[Look]:
        """Every look in the order of the log, of one source or of all."""
        return [look for look in self.log.read() if source_id is None or look.source_id == source_id]

    def latest(self, source_id: str, request_key: str) -> Look | None:
        """The last look at this question that did not fail; its `sha256` is the payload that holds."""
        for look in reversed(self.log.read()):
            if (look.source_id, look.request_key) == (source_id, request_key) and look.outcome != "failed":
                return look
        return None

    def validators(self, source_id: str, request_key: str) -> Validators:
        """What to ask with, so that an unchanged source costs no body; empty where the payload is not whole on disk."""
        look = self.latest(source_id, request_key)
        if look is None or look.sha256 is None or not (look.etag or look.last_modified):
            return Validators()
        path = self.path(look.sha256)
        if not path.is_file() or _digest(path) != look.sha256:
            return Validators()
        return Validators(look.etag, look.last_modified, look.sha256)

    def path(self, sha256: str) -> Path:
        """Where a payload lies."""
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise StorageFault(f"{one_line(sha256, 80)!r} is not a SHA-256", "name 64 hexadecimal digits")
        return self.raw / "sha256" / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """The bytes of a payload, verified."""
        path = self.path(sha256)
        try:
            content = path.read_bytes()
        except OSError as fault:
            raise StorageFault(
                f"{path} cannot be read ({fault.strerror})", "restore it from a copy of the archive"
            ) from None
        if hashlib.sha256(content).hexdigest() != sha256:
            raise _corrupt(path)
        return content

    def damaged(self) -> list[Path]:
        """Every archived file whose bytes are not those of its name; reads the whole archive."""
        files = sorted(self.raw.glob("sha256/??/*"))
        return [path for path in files if _digest(path) != path.name]

    # -- payloads on disk ---------------------------------------------------------------------------------------------

    def _store(self, content: Path | bytes) -> tuple[str, int]:
        """Under the lock: the digest and size of a payload that is on disk, whole and synced, when this returns."""
        with telling(content if isinstance(content, Path) else self.raw, "be read"):
            sha256 = _digest(content)
        target = self.path(sha256)
        with telling(target, "be kept"):
            if target.exists():
                if _digest(target) != sha256:
                    raise _corrupt(target)
                return sha256, target.stat().st_size
            # Only the holder of the lock writes this one name, so what a killed writer left there is simply replaced.
            part = self.raw / "incoming.part"
            part.unlink(missing_ok=True)
            copied, size = hashlib.sha256(), 0
            with part.open("xb") as file:
                for piece in _pieces(content):
                    copied.update(piece)
                    size += len(piece)
                    file.write(piece)
                file.flush()
                os.fchmod(file.fileno(), 0o444)
                os.fsync(file.fileno())
            if copied.hexdigest() != sha256:
                part.unlink()
                raise StorageFault(
                    f"The bytes for {target} changed while they were read", "run again when nobody writes to them"
                )
            make_directory(target.parent)
            part.rename(target)
            sync_directory(target.parent)
        return sha256, size


def _pieces(content: Path | bytes) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def _digest(content: Path | bytes) -> str:
    digest = hashlib.sha256()
    for piece in _pieces(content):
        digest.update(piece)
    return digest.hexdigest()


def _corrupt(path: Path) -> StorageFault:
    return StorageFault(
        f"{path} does not hold the bytes of its name", "move it aside and restore it from a copy, or fetch it again"
    )
