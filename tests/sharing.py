"""What is built once a session, whichever worker comes first, and read by all of them."""

from __future__ import annotations

import fcntl
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def once(request: pytest.FixtureRequest, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make` gives for a folder of its own; other workers wait for it and get the same.

    The folder belongs to the whole session, so it is for reading and copying. What `make` gives survives pickling.
    """
    base: Path = request.getfixturevalue("tmp_path_factory").getbasetemp()
    session = base.parent if hasattr(request.config, "workerinput") else base
    folder, made = session / f"once-{name}", session / f"once-{name}.pickle"
    with (session / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_file():
            shutil.rmtree(folder, ignore_errors=True)  # of a worker that did not get to the end
            folder.mkdir()
            made.write_bytes(pickle.dumps(make(folder)))
    found: Made = pickle.loads(made.read_bytes())
    return found
