"""One look at one source: the questions of its protocol put to the publisher, and the bundle of answers.

In: a source's specification and the archive. Out: the digest of what is to be read: of a file of statements, or of a
bundle, a small JSON that names the payloads of this look; it is archived like any payload, so that every vintage of a
source can be parsed again. What to ask, and in which order, is the protocol's own; nothing here knows one.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crossings.errors import CrossingsError, UnreadableInput
from crossings.source.model import SourceSpec
from flows.archive.archive import Archive, Look
from flows.archive.request import FetchPolicy, request_of, user_agent
from flows.collect.fetch import Fetcher
from flows.workspace import Workspace, read_file
from transforms.parse import registry
from transforms.parse.contract import Payload, Span
from transforms.parse.edition import stated_edition

BUNDLE = "bundle"
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True)
class Part:
    """One payload of a bundle: its role as a name, and its digest."""

    name: str
    sha256: str


def look(workspace: Workspace, spec: SourceSpec, *, base_url: str | None = None, since: dt.date | None = None) -> str:
    """Look at a source; returns the digest of what is to be read.

    A publisher, or a served copy of it at `base_url`, is asked for what the source selects or, with `since`, for every
    period from that day on. A file of statements is read where it lies, and is never looked back at.

    Raises FetchFailed or another CrossingsError; the archive then holds what came, and no bundle.
    """
    if not spec.by_hand:
        return bundle(workspace.archive, spec.id, ask(workspace, spec, base_url=base_url, since=since))
    if since is not None:
        raise CrossingsError(f"{spec.id} is a file of statements", "there is nothing to look back at; edit the file")
    return bring(workspace, spec, [workspace.settings.data / spec.id / "reports.csv"])


def ask(
    workspace: Workspace, spec: SourceSpec, *, base_url: str | None = None, since: dt.date | None = None
) -> list[Part]:
    """As `look` at a publisher, without a bundle of the answers: they lie in the archive, and no release will read them."""
    back = None if since is None else _back(since, workspace.now.date())
    if spec.fetch.offline and base_url is None:
        raise CrossingsError(f"{spec.id} is brought by hand", f"run `crossings ingest {spec.id} --file PATH`")
    archive = workspace.archive
    parts: list[Part] = []
    questions = registry.adapter(spec.parser).questions(spec, back)
    with Fetcher(policy(workspace, spec, base_url)) as fetcher:
        question = next(questions, None)
        while question is not None:
            request = request_of(question, base_url)
            seen = archive.look(spec.id, request, fetcher)
            assert seen.sha256 is not None
            parts.append(Part(question.name, seen.sha256))
            try:
                question = questions.send(archive.read(seen.sha256))
            except StopIteration:
                question = None
            except UnreadableInput as fault:
                # What came forbids the next question; that is a failed look, as if nothing had come.
                archive.record_failure(spec.id, request, fault)
                raise
    return parts


def _back(since: dt.date, today: dt.date) -> Span:
    if since > today:
        raise CrossingsError(f"{since} lies in the future", "give a date in the past with --from")
    return Span(since, today)


def bring(workspace: Workspace, spec: SourceSpec, files: list[Path], edition: dt.date | None = None) -> str:
    """Archive files at hand as one look; returns the digest of what is to be read.

    edition : the day on which the publisher issued them; without one the file may say it itself (`parse.edition`).

    A file is named after its role (`data.csv`, `metadata.json`, `file.xlsx`); a single one may have any name, which is kept
    where the source reads it. The one file of statements leaves no trace where its bytes are unchanged, so that an unchanged run
    writes nothing. Raises CrossingsError for a file that is missing or larger than the source allows, and for an edition in the
    future.
    """
    if edition is not None and (spec.by_hand or edition > workspace.now.date()):
        raise CrossingsError(
            f"{spec.id} is a file of statements, each with its own day"
            if spec.by_hand
            else f"{edition} lies in the future",
            "leave --edition out" if spec.by_hand else "give the day on which the file was issued",
        )
    if spec.by_hand:
        (path,) = files
        seen = workspace.archive.add_local(spec.id, read_file(path), spec.parser, workspace.now, log_unchanged=False)
        assert seen.sha256 is not None
        return seen.sha256
    for path in files:
        if path.is_file() and path.stat().st_size > spec.fetch.max_bytes:
            raise CrossingsError(
                f"{path} has {path.stat().st_size:,} bytes, more than the {spec.fetch.max_bytes:,} of {spec.id}",
                "bring the right file, or raise fetch.max_bytes in the source's YAML",
            )
    parts = []
    for name, path in zip(payload_names(spec, [f.name for f in files]), files, strict=True):
        seen = workspace.archive.add_local(spec.id, read_file(path), f"file {path.name}", workspace.now)
        assert seen.sha256 is not None
        parts.append(Part(name, seen.sha256))
    stated = stated_edition(contents(workspace.archive, parts))
    days = {"edition": edition, "stated": stated if stated is None or stated <= workspace.now.date() else None}
    return bundle(workspace.archive, spec.id, parts, {n: None if d is None else d.isoformat() for n, d in days.items()})


def payload_names(spec: SourceSpec, files: list[str]) -> list[str]:
    """Names under which files at hand go to the parser: a single one by its role, unless its own name says something."""
    role = next((a.role for a in spec.addresses if a.role in ("data", "file")), "data")
    return [role] if len(files) == 1 and spec.options.file_pattern is None else files


def bundle(archive: Archive, source_id: str, parts: list[Part], brought: dict[str, str | None] | None = None) -> str:
    """Archive the list of payloads that belong together; returns its digest. brought : of files, the days of their edition."""
    listed: Any = [[p.name, p.sha256] for p in sorted(parts, key=lambda p: p.name)]
    content = json.dumps(listed if brought is None else {"parts": listed, **brought}).encode()
    seen = archive.add_local(source_id, content, BUNDLE)
    assert seen.sha256 is not None
    return seen.sha256


def arrivals(archive: Archive, spec: SourceSpec) -> list[Look]:
    """Statement files or bundles of a source, each change of bytes once, a return to earlier bytes included."""
    key = f"LOCAL {spec.parser if spec.by_hand else BUNDLE}"
    return [look for look in archive.looks(spec.id) if look.request_key == key and look.outcome == "new"]


def payloads(archive: Archive, sha256: str) -> list[Payload]:
    """The payloads of a bundle that hold figures or their labels, verified; an overview page only led to them."""
    listed = json.loads(archive.read(sha256))
    return contents(archive, [Part(*part) for part in (listed["parts"] if isinstance(listed, dict) else listed)])


@dataclass(frozen=True)
class Brought:
    """How a bundle came: `by_hand` where it is of files, `edition` the day given for them, `stated` the one they state."""

    by_hand: bool = False
    edition: dt.date | None = None
    stated: dt.date | None = None


def brought(archive: Archive, sha256: str) -> Brought:
    """How a bundle came."""
    listed = json.loads(archive.read(sha256))
    if not isinstance(listed, dict):
        return Brought()
    days = {name: dt.date.fromisoformat(text) for name in ("edition", "stated") if (text := listed.get(name))}
    return Brought(by_hand=True, **days)


def contents(archive: Archive, parts: list[Part]) -> list[Payload]:
    """The bytes of the parts, verified, without an overview page."""
    return [Payload(archive.read(part.sha256), part.sha256, part.name) for part in parts if part.name != "page"]


def policy(workspace: Workspace, spec: SourceSpec, base_url: str | None) -> FetchPolicy:
    """The fetcher's policy from the source's own."""
    hosts = {urlsplit(a.url).hostname or "" for a in spec.addresses}
    private: frozenset[str] = frozenset()
    if base_url is not None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CrossingsError(f"{base_url!r} is not an address", "write it as http://127.0.0.1:8765")
        hosts, private = {parts.netloc}, frozenset({parts.hostname})
    fetch = spec.fetch
    # A copy on this machine needs no consideration between questions.
    interval = 0.0 if private and private <= _HERE else fetch.min_interval_seconds
    authority = workspace.settings.data / "sources" / fetch.extra_ca if fetch.extra_ca else None
    return FetchPolicy(
        hosts=frozenset(hosts), per_second=1 / interval if interval else 1000.0,
        concurrent=fetch.concurrency, read_seconds=fetch.timeout_seconds, total_seconds=4 * fetch.timeout_seconds,
        max_bytes=fetch.max_bytes, attempts=fetch.retries + 1, allow_private=private, extra_ca_pem=authority,
        user_agent=user_agent(workspace.settings.contact or None),
    )  # fmt: skip
