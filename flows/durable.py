"""What has to reach the disk before anybody is told so: synced directories, and faults of the disk in plain words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crossings.errors import CrossingsError


class ArchiveFault(CrossingsError):
    """The raw archive is damaged or cannot be written; nothing that was in it before is lost."""


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
    """Turn what the operating system refuses into an `ArchiveFault`: "`path` cannot `what`"."""
    try:
        yield
    except OSError as fault:
        raise ArchiveFault(
            f"{path} cannot {what} ({fault.strerror})", "check rights and free space there, then run again"
        ) from None
