"""What has to reach the disk before anybody is told so: write a file, swap a pointer, append a line.

After a kill at any byte each is whole or absent. What the operating system refuses becomes a `StorageFault` in plain
words. `Journal` is the one append log: of looks, of runs, of switches of the current release.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from crossings.errors import StorageFault

T = TypeVar("T")

_CHUNK = 2**20
_CHECK = re.compile(rb',"check":"([0-9a-f]{16})"}\Z')
log = logging.getLogger("crossings.durable")


def make_directory(path: Path) -> None:
    """Make a directory and sync the one above, so that a crash cannot lose a name that was promised."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(exist_ok=True)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Sync a directory, and with it the names made or moved in it."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def telling(path: Path, what: str) -> Iterator[None]:
    """Turn what the operating system refuses into a `StorageFault`: "`path` cannot `what`"."""
    try:
        yield
    except OSError as fault:
        raise StorageFault(
            f"{path} cannot {what} ({fault.strerror})", "check rights and free space there, then run again"
        ) from None


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one: temporary file, sync, rename.

    Raises StorageFault; the old file then stands.
    """
    with telling(path, "be written"):
        make_directory(path.parent)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        with temporary.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
        sync_directory(path.parent)


def swap_pointer(link: Path, target: Path) -> None:
    """Point a symbolic link elsewhere: a reader sees where it pointed before or where it points now.

    Raises StorageFault; the link then points where it did.
    """
    with telling(link, "be switched"):
        temporary = link.with_name(f".{link.name}.{os.getpid()}")
        temporary.unlink(missing_ok=True)
        temporary.symlink_to(target)
        temporary.replace(link)
        sync_directory(link.parent)


@dataclass(frozen=True)
class LineFault:
    """A line of a journal that is not whole: `torn` (a writer was killed) or `damaged` (the bytes changed since)."""

    offset: int
    kind: Literal["torn", "damaged"]
    length: int

    def __str__(self) -> str:
        return f"the {self.kind} line at byte {self.offset} is left out"


class Journal(Generic[T]):
    """An append log: one JSON object a line, each with its own checksum, whole after a kill at any byte.

    A line is appended in one synced write under one lock for all writers, threads and processes. A line that was torn
    is skipped and named, wherever it lies, and closed by the next append. Reading looks only at what was appended since.

    Parameters
    ----------
    path : the file; made by the first append.
    take : what a line means, from its fields; KeyError, TypeError or ValueError where it means nothing.
    unchecked : take lines without a checksum too, as earlier versions wrote them into this file.
    """

    def __init__(self, path: Path, take: Callable[[dict[str, Any]], T], *, unchecked: bool = False) -> None:
        self.path = path
        self._take = take
        self._unchecked = unchecked
        self._guard = threading.RLock()
        self._held: int | None = None
        self._forget()

    def read(self) -> list[T]:
        """Every whole line, in order."""
        with self._guard:
            self._refresh()
            return [*self._lines, *(value for value in self._tail if not isinstance(value, LineFault))]

    def faults(self) -> list[LineFault]:
        """Lines that are not whole, in order; the lines beside them are unharmed."""
        with self._guard:
            self._refresh()
            return [*self._faults, *(value for value in self._tail if isinstance(value, LineFault))]

    def append(self, values: Mapping[str, Any]) -> None:
        """Append one line; it is on disk when this returns. Raises StorageFault."""
        with self.writing() as append:
            append(values)

    @contextmanager
    def writing(self) -> Iterator[Callable[[Mapping[str, Any]], None]]:
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

    def _append(self, values: Mapping[str, Any]) -> None:
        """One write: the line, and before it the end of a line that somebody was killed in."""
        assert self._held is not None, "appending is for the time of `writing`"
        with telling(self.path, "be appended to"):
            size = os.fstat(self._held).st_size
            torn = size > 0 and os.pread(self._held, 1, size - 1) != b"\n"
            line = (b"\n" if torn else b"") + _line(values)
            written = os.write(self._held, line)
            os.fsync(self._held)
        if written != len(line):
            raise StorageFault(
                f"{self.path} took {written} of {len(line)} bytes of a line", "free space there, then run again"
            )

    def _forget(self) -> None:
        self._lines: list[T] = []
        self._faults: list[LineFault] = []
        self._tail: tuple[T | LineFault, ...] = ()
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
            raise StorageFault(f"{self.path} cannot be read ({fault.strerror})", "mend its rights") from None
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
            value = self._parsed(line)
            self._offset += len(line) + 1
            if isinstance(value, LineFault):
                self._faults.append(value)
                log.warning("%s: %s", self.path, value)
            else:
                self._lines.append(value)
        # A last line without its end is read again each time: the next append may close it.
        self._tail = (self._parsed(tail),) if tail else ()

    def _parsed(self, line: bytes) -> T | LineFault:
        check = _CHECK.search(line)
        body = line if check is None else line[: check.start()] + b"}"
        if check is None and not self._unchecked:
            return LineFault(self._offset, "torn", len(line))
        if check is not None and _checksum(body) != check[1]:
            return LineFault(self._offset, "damaged", len(line))
        try:
            values = json.loads(body)
        except ValueError:
            return LineFault(self._offset, "torn", len(line))
        try:
            return self._take(values)
        except (KeyError, TypeError, ValueError):
            return LineFault(self._offset, "damaged", len(line))


def _line(values: Mapping[str, Any]) -> bytes:
    body = json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return body[:-1] + b',"check":"' + _checksum(body) + b'"}\n'


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:16].encode("ascii")
