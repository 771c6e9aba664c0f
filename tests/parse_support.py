"""Sources and payloads for the parser tests: recorded ones, real ones where they are at hand, and small made ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crossings.source.model import SourceSpec
from crossings.source.reader import build_source, load_labels, load_sources
from transforms.parse.contract import Payload

ROOT = Path(__file__).parents[1]
RECORDED = ROOT / "tests" / "payloads"
REAL = ROOT.parent / "shared" / "payloads"
LABELS = load_labels(ROOT / "data" / "reference" / "labels.csv")

needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the publishers' own files (../shared/payloads) are absent")


def payload(content: bytes | str, name: str = "data") -> Payload:
    body = content.encode() if isinstance(content, str) else content
    return Payload(body, hashlib.sha256(body).hexdigest(), name)


def real(path: str, name: str | None = None) -> Payload:
    return payload((REAL / path).read_bytes(), name or Path(path).name)


def recorded(source: str) -> list[Payload]:
    folder = RECORDED / source
    files = sorted(f for f in folder.iterdir() if f.name != "expected.json") if folder.is_dir() else []
    return [payload(f.read_bytes(), f.name) for f in files]


def changed(source: str, role: str, change: Callable[[bytes], bytes]) -> list[Payload]:
    """The recorded payloads of a source, one of them changed."""
    return [replace(payload(change(f.content)), name=f.name) if f.role == role else f for f in recorded(source)]


def as_json(change: Callable) -> Callable[[bytes], bytes]:
    """A change of bytes from a change of the JSON they hold."""

    def apply(content: bytes) -> bytes:
        root = json.loads(content.decode("utf-8-sig"))
        return json.dumps(change(root) or root).encode()

    return apply


def sources() -> dict[str, SourceSpec]:
    return load_sources(ROOT / "data" / "sources")


def made(parser: str, options: dict, mapping: dict, **more: object) -> SourceSpec:
    """A source for one test: what it says of its publisher does not matter."""
    raw = {
        "id": "made-for-a-test",
        "title": "made",
        "publisher": "nobody",
        "licence": {"name": "none", "terms": "none"},
        "language": "en",
        "cadence": "M",
        "timezone": "UTC",
        "system": "border_control",
        "measure": "crossings",
        "fetch": {"offline": True, "max_bytes": 100_000_000},
        "parser": parser,
        "options": options,
        "mapping": {"unit": {"text": "made"}} | mapping,
        "confirmed": False,
        "to_confirm": ["everything"],
    } | more
    return build_source(raw, "made.yaml", LABELS)
