"""One look at one source: which questions to ask in which order, and the bundle of answers that belong together.

In: a source's specification and the archive. Out: the digest of a bundle, a small JSON that names the payloads of this
look; it is archived like any payload, so that every vintage of a source can be parsed again. What to ask a PxWeb or
Uljas server is planned by the parsers; nothing here knows a publisher.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode, urljoin, urlsplit, urlunsplit

from crossings.errors import CrossingsError, FetchFailed, UnreadableInput
from crossings.source.model import Address, SourceSpec
from crossings.source.options import PxWebOptions, UljasOptions
from flows.archive.archive import Archive
from flows.archive.request import FetchPolicy, Request, user_agent
from flows.collect.fetch import Fetcher
from flows.workspace import Workspace, read_file
from transforms.parse.contract import Payload
from transforms.parse.protocols import pxweb, uljas

BUNDLE = "bundle"
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
Ask = Callable[[str, Request], bytes]


@dataclass(frozen=True)
class Part:
    """One payload of a bundle: its role as a name, and its digest."""

    name: str
    sha256: str


def look(workspace: Workspace, spec: SourceSpec, *, base_url: str | None = None) -> str:
    """Ask the publisher, or a served copy of it at `base_url`; returns the digest of the bundle.

    Raises FetchFailed or another CrossingsError; the archive then holds what came, and no bundle.
    """
    return bundle(workspace.archive, spec.id, ask(workspace, spec, base_url=base_url))


def ask(workspace: Workspace, spec: SourceSpec, *, base_url: str | None = None) -> list[Part]:
    """As `look`, without making a bundle of the answers: they lie in the archive, and no release will read them."""
    if spec.fetch.offline and base_url is None:
        raise CrossingsError(f"{spec.id} is brought by hand", f"run `crossings ingest {spec.id} --file PATH`")
    archive = workspace.archive
    parts: list[Part] = []
    asked: list[Request] = []
    with Fetcher(policy(workspace, spec, base_url)) as fetcher:

        def answered(name: str, request: Request) -> bytes:
            asked.append(request)
            seen = archive.look(spec.id, request, fetcher)
            assert seen.sha256 is not None
            parts.append(Part(name, seen.sha256))
            return archive.read(seen.sha256)

        try:
            for _ in _questions(spec, base_url, answered):
                pass
        except UnreadableInput as fault:
            # What came forbids the next question; that is a failed look, as if nothing had come.
            archive.record_failure(spec.id, asked[-1], fault)
            raise
    return parts


def bring(workspace: Workspace, spec: SourceSpec, files: list[Path]) -> str:
    """Archive files at hand as one look; a file is named after its role (`data.csv`, `metadata.json`, `file.xlsx`).

    A single file may have any name. Raises CrossingsError for a file that is missing or larger than the source allows.
    """
    for path in files:
        if path.is_file() and path.stat().st_size > spec.fetch.max_bytes:
            raise CrossingsError(
                f"{path} has {path.stat().st_size:,} bytes, more than the {spec.fetch.max_bytes:,} of {spec.id}",
                "bring the right file, or raise fetch.max_bytes in the source's YAML",
            )
    role = next((a.role for a in spec.addresses if a.role in ("data", "file")), "data")
    names = [role] if len(files) == 1 else [f.name for f in files]
    parts = []
    for name, path in zip(names, files, strict=True):
        seen = workspace.archive.add_local(spec.id, read_file(path), f"file {path.name}", workspace.now)
        assert seen.sha256 is not None
        parts.append(Part(name, seen.sha256))
    return bundle(workspace.archive, spec.id, parts)


def bundle(archive: Archive, source_id: str, parts: list[Part]) -> str:
    """Archive the list of payloads that belong together; returns its digest."""
    content = json.dumps([[p.name, p.sha256] for p in sorted(parts, key=lambda p: p.name)]).encode()
    seen = archive.add_local(source_id, content, BUNDLE)
    assert seen.sha256 is not None
    return seen.sha256


def payloads(archive: Archive, sha256: str) -> list[Payload]:
    """The payloads of a bundle that hold figures or their labels, verified; an overview page only led to them."""
    return contents(archive, [Part(name, part) for name, part in json.loads(archive.read(sha256))])


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


def _questions(spec: SourceSpec, base_url: str | None, ask: Ask) -> Iterator[bytes]:
    """Ask what the source's protocol asks, in its order."""
    by_role: dict[str, Address] = {a.role: a for a in spec.addresses if a.role != "class"}
    if isinstance(spec.options, PxWebOptions):
        yield from _pxweb(spec, base_url, ask, by_role)
    elif isinstance(spec.options, UljasOptions):
        for classes in (a for a in spec.addresses if a.role == "class"):
            query = f"{uljas.query_string('class', spec.options.cube, lang=spec.language)}&class={classes.variable}"
            yield ask(f"class-{classes.variable}", _request(classes, base_url, query=query))
        yield ask("data", _request(by_role["data"], base_url, query=uljas.planned_query(spec)))
    else:
        address = by_role.get("file") or by_role.get("data")
        if address is None:
            raise CrossingsError(f"{spec.id} states no address for data", "add one with role data or file to its YAML")
        if "{" in address.url:
            page = by_role.get("page")
            if page is None:
                raise CrossingsError(
                    f"{spec.id}: {address.url} has parts to fill in", "state the page that links to it"
                )
            html = ask("page", _request(page, base_url))
            address = address.model_copy(update={"url": _linked(spec, address.url, html, page.url)})
        yield ask(address.role, _request(address, base_url))


def _pxweb(spec: SourceSpec, base_url: str | None, ask: Ask, by_role: dict[str, Address]) -> Iterator[bytes]:
    config = ask("config", _request(by_role["config"], base_url)) if "config" in by_role else None
    metadata = ask("metadata", _request(by_role["metadata"], base_url))
    queries = pxweb.plan_queries(metadata, config, spec)
    for number, query in enumerate(queries, start=1):
        name = "data" if len(queries) == 1 else f"data-{number}"
        yield ask(name, _request(by_role["data"], base_url, body=query.body, kind="application/json"))


def _request(
    address: Address,
    base_url: str | None,
    *,
    query: str | None = None,
    body: bytes | None = None,
    kind: str | None = None,
) -> Request:
    url = address.url if query is None else f"{address.url}?{query}"
    parts = urlsplit(url)
    netloc, scheme = parts.netloc, parts.scheme
    if base_url is not None:
        served = urlsplit(base_url)
        scheme, netloc = served.scheme, served.netloc
    url = urlunsplit((scheme, netloc, quote(parts.path, safe="/%:*;,=~+-._()"), parts.query.replace(" ", "%20"), ""))
    headers = dict(address.headers)
    if address.form and body is None:
        body, kind = urlencode(address.form).encode(), "application/x-www-form-urlencoded"
    if address.method == "POST":
        body = body if body is not None else b""
        headers["Content-Type"] = kind or "application/x-www-form-urlencoded"
    return Request(address.method, url, headers=headers, body=body)


def _linked(spec: SourceSpec, template: str, html: bytes, page: str) -> str:
    """The newest address on the page that fits the template; its filled parts sort by date."""
    path = urlsplit(template).path
    pattern = "".join(
        r"[^\"'<>\s/]+" if piece.startswith("{") else re.escape(piece) for piece in re.split(r"(\{\w+\})", path)
    )
    found = sorted(set(re.findall(pattern, html.decode("utf-8", errors="replace"))), key=_by_number)
    if not found:
        raise FetchFailed(
            f"{spec.id}: {page} links to nothing like {path}", "look at the page; correct the address in the YAML"
        )
    newest: str = found[-1]
    return urljoin(template, newest)


def _by_number(text: str) -> list[tuple[int, str]]:
    """A sorting key under which 9 comes before 10."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]
