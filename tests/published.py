"""What the shared fixtures hand to tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.pipeline import Outcome


@dataclass(frozen=True)
class Published:
    """A lake with one release of the real register in it, for reading only."""

    lake: Path
    release: Path
    told: list[str]
    outcome: Outcome


@dataclass(frozen=True)
class Spoken:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str
