"""The one HTTP client: polite, bounded, and suspicious of where it is sent.

In: a `Request`, a `FetchPolicy`, and the validators of the last answer. Out: a `Fetched`, or a `FetchFailed` with its
remedy. Retries with jitter for faults that may pass, `Retry-After` honoured, rate and concurrency held per host,
redirects followed one checked hop at a time. httpx is used below its `Client`: that one logs whole addresses, follows
the proxies of the environment and carries cookies from one look to the next.
"""

from __future__ import annotations

import base64
import logging
import random
import re
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx
import stamina

from crossings.errors import FetchFailed
from flows.archive.request import (
    Fetched,
    FetchPolicy,
    Request,
    Validators,
    one_line,
    redacted_url,
    scrubbed,
    user_agent,
)
from flows.collect.politeness import PROCESS_GATE, Clock, HostGate, Sleep
from flows.collect.spool import ACCEPTED_ENCODINGS, spooled
from flows.collect.wire import Exchange, Resolver, Transient, resolve, tls_context

__all__ = ["FetchPolicy", "Fetched", "Fetcher", "HostGate", "Request", "Transient", "Validators", "user_agent"]

MAX_REDIRECTS = 5
_OURS = frozenset(
    {
        *("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "user-agent", "range"),
        *("if-none-match", "if-modified-since", "upgrade", "te", "expect"),
    }
)
_HOST = re.compile(rb"[a-z0-9._-]+|[0-9a-f:.]+")
_KEPT_ACROSS_HOSTS = frozenset({"accept", "accept-language", "content-type", "x-requested-with"})

log = logging.getLogger("flows.collect.fetch")


@dataclass(frozen=True)
class _Hop:
    """Where a redirect leads: the next question."""

    method: str
    url: httpx.URL
    body: bytes | None


class Fetcher:
    """Asks publishers under one policy; a context manager, usable from several threads.

    Parameters
    ----------
    policy : the limits.
    clock, sleep : monotonic seconds, and the wait; injected in tests.
    now : the civil instant, to read a Retry-After date where the answer carries no Date of its own.
    resolver : host and port to IP addresses.
    gate : rate and concurrency, shared by the whole process unless the clock is injected.
    spool : the directory for answers on their way to the archive; removed on exit.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        resolver: Resolver = resolve,
        gate: HostGate | None = None,
        spool: Path | None = None,
    ) -> None:
        self._policy = policy
        self._clock, self._sleep, self._now = clock, sleep, now
        self._resolver = resolver
        # An injected clock keeps its own schedule: instants of two clocks cannot be compared.
        shared = clock is time.monotonic and sleep is time.sleep
        self._gate = gate or (PROCESS_GATE if shared else HostGate(clock, sleep))
        self._context = tls_context(policy)
        self._hosts = _endpoints(policy.hosts)
        self._spool_root = spool
        self._spool: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        self._spool = tempfile.TemporaryDirectory(prefix="crossings-", dir=self._spool_root)
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool is not None:
            self._spool.cleanup()
            self._spool = None

    def fetch(self, request: Request, validators: Validators | None = None) -> Fetched:
        """Ask, and try again while the fault may pass.

        Validators are not sent with a POST: no server answers 304 to one (RFC 9110, 13.1).

        Raises
        ------
        FetchFailed : no payload came; the message names the address without secrets, `status` the HTTP status if any.
        """
        started = self._clock()
        wait = 0.0
        failed: list[Transient] = []

        def may_pass(fault: Exception) -> bool | float:
            # The wait itself is ours (`sleep` is injected), so stamina is told not to add one.
            if isinstance(fault, Transient):
                failed.append(fault)
                return 0.0
            return False

        schedule = stamina.retry_context(
            on=may_pass,
            attempts=self._policy.attempts,
            timeout=None,
            wait_initial=self._policy.retry_initial_seconds,
            wait_max=self._policy.retry_max_seconds,
        )
        try:
            for attempt in schedule:
                if failed:
                    self._sleep(self._wait(wait, failed[-1].retry_after))
                wait = attempt.next_wait
                with attempt:
                    fetched = self._attempt(request, validators or Validators(), started, attempt.num)
                    log.info("%s %s: %s, %d bytes", request.method, request.shown_url, fetched.status, fetched.size)
                    return fetched
        except FetchFailed as fault:
            told = self._told(request, fault, len(failed))
        # Raised outside the handler: what the library had in hand may hold the whole address, and must not travel along.
        log.warning("%s", told)
        raise told

    def _wait(self, backoff: float, retry_after: float | None) -> float:
        jitter = random.uniform(0.0, max(backoff, 0.1))  # noqa: S311
        return (backoff if retry_after is None else retry_after) + jitter

    def _told(self, request: Request, fault: FetchFailed, failures: int) -> FetchFailed:
        tries = f" ({failures} tries)" if failures > 1 else ""
        text = scrubbed(fault.message, request.secrets())
        return FetchFailed(f"{request.method} {request.shown_url}: {text}{tries}", fault.remedy, fault.status)

    def _attempt(self, request: Request, validators: Validators, started: float, number: int) -> Fetched:
        headers = self._headers(request, validators)
        hop = _Hop(request.method, _parsed(request.url).copy_with(userinfo=b""), request.body)
        home = hop.url.raw_host
        for _ in range(MAX_REDIRECTS + 1):
            host = self._admitted(hop.url)
            if hop.url.raw_host != home:
                headers = {name: value for name, value in headers.items() if _travels(name)}
            prepared = _prepared(hop, headers)
            with (
                self._gate.slot(host, self._policy.per_second, self._policy.concurrent),
                Exchange(prepared, self._policy, self._context, self._resolver, self._clock) as answer,
            ):
                if answer.status in (301, 302, 303, 307, 308):
                    hop = self._next_hop(hop, answer)
                    continue
                if answer.status == 200:
                    return self._kept(answer, hop, request, started, number)
                if answer.status == 304 and validators and request.method == "GET":
                    return Fetched(
                        status="not_modified",
                        path=None,
                        sha256=validators.sha256,
                        size=0,
                        media_type=_header(answer, "content-type"),
                        etag=_header(answer, "etag") or validators.etag,
                        last_modified=_header(answer, "last-modified") or validators.last_modified,
                        final_url=redacted_url(str(hop.url), request.redact),
                        elapsed=self._clock() - started,
                        attempts=number,
                    )
                raise self._refusal(answer, host)
        raise FetchFailed(f"More than {MAX_REDIRECTS} redirects", "look at the address by hand and write the final one")

    def _kept(self, answer: Exchange, hop: _Hop, request: Request, started: float, number: int) -> Fetched:
        assert self._spool is not None, "a Fetcher is entered before it is used"
        announced = answer.headers.get("content-length", "")
        if announced.isdigit() and (len(announced) > 18 or int(announced) > self._policy.max_bytes):
            raise FetchFailed(
                f"The answer announces {one_line(announced, 20)} bytes, more than {self._policy.max_bytes}",
                "ask for less at once, or raise max_bytes of the source if such a size is expected",
            )
        path = Path(self._spool.name) / uuid.uuid4().hex
        try:
            size, digest = spooled(answer.body(), answer.headers.get("content-encoding", ""), self._policy, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return Fetched(
            status="new",
            path=path,
            sha256=digest,
            size=size,
            media_type=_header(answer, "content-type"),
            etag=_header(answer, "etag"),
            last_modified=_header(answer, "last-modified"),
            final_url=redacted_url(str(hop.url), request.redact),
            elapsed=self._clock() - started,
            attempts=number,
        )

    def _headers(self, request: Request, validators: Validators) -> dict[str, str]:
        headers = {"Accept": "*/*"}
        for name, value in request.headers.items():
            if name.lower() in _OURS:
                raise FetchFailed(f"The header {one_line(name)} is set by the fetcher", "remove it from the request")
            headers = {kept: text for kept, text in headers.items() if kept.lower() != name.lower()} | {name: value}
        user = request.url.partition("://")[2].partition("/")[0].rpartition("@")[0]
        if user:
            parsed = _parsed(request.url)
            pair = f"{parsed.username}:{parsed.password}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode('ascii')}"
        headers |= {
            "User-Agent": self._policy.user_agent,
            "Accept-Encoding": ACCEPTED_ENCODINGS,
            "Connection": "close",
        }
        if request.method == "GET" and validators.etag:
            headers["If-None-Match"] = validators.etag
        if request.method == "GET" and validators.last_modified:
            headers["If-Modified-Since"] = validators.last_modified
        return headers

    def _admitted(self, url: httpx.URL) -> str:
        if url.scheme not in ("http", "https"):
            raise FetchFailed(f"The scheme {one_line(url.scheme, 40)!r} is not HTTP", "write an https address")
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        if (host, port) not in self._hosts:
            raise FetchFailed(
                f"The host {host}:{port} is not one of those that the source names",
                "if the publisher has moved there, add it to the hosts of the source",
            )
        return host

    def _next_hop(self, hop: _Hop, answer: Exchange) -> _Hop:
        location = answer.headers.get("location", "")
        if not location:
            raise FetchFailed(
                f"A redirect ({answer.status}) without an address", "look at the address by hand", answer.status
            )
        try:
            target = hop.url.join(location).copy_with(fragment=None)
        except (httpx.InvalidURL, ValueError):
            raise FetchFailed(
                "A redirect to an address that cannot be read", "look at the address by hand", answer.status
            ) from None
        if hop.url.scheme == "https" and target.scheme == "http":
            raise FetchFailed(
                "A redirect from https to http", "find the publisher's https address; no downgrade is followed"
            )
        if target.userinfo:
            raise FetchFailed("A redirect to an address with a user name in it", "look at the address by hand")
        if hop.method == "POST" and answer.status in (301, 302):
            # Browsers turn it into a GET, and the answer to that is an answer to another question.
            raise FetchFailed(
                f"A redirect ({answer.status}) of a POST", "write the final address into the source", answer.status
            )
        if answer.status == 303:
            return _Hop("GET", target, None)
        return _Hop(hop.method, target, hop.body)

    def _refusal(self, answer: Exchange, host: str) -> FetchFailed:
        status = answer.status
        if status == 429 or status >= 500:
            wait = _retry_after(answer, self._now)
            if wait is not None and wait > self._policy.retry_after_cap_seconds:
                return FetchFailed(
                    f"answered {status} and asks to be left alone for {wait:.0f} s", "let a later run look", status
                )
            if wait is not None:
                self._gate.hold(host, wait)
            remedy = "lower per_second of the source" if status == 429 else "look again later"
            return Transient(f"answered {status}", remedy, status, retry_after=wait)
        remedies = {
            304: "report it: 304 was answered to a question that had no condition",
            401: "check the key of the source",
            403: "check the key and the publisher's terms; a wrong User-Agent is never the remedy",
            404: "look for the publisher's new address",
            410: "look for the publisher's new address",
        }
        return FetchFailed(f"answered {status}", remedies.get(status, "look at the address by hand"), status)


def _endpoints(hosts: frozenset[str]) -> frozenset[tuple[str, int]]:
    """The (host, port) pairs that may be contacted: `host` stands for ports 80 and 443, `host:port` for that one."""
    pairs: set[tuple[str, int]] = set()
    for entry in hosts:
        url = _parsed(f"http://{entry}")
        if url.path not in ("", "/") or url.query or url.userinfo or not _HOST.fullmatch(url.raw_host):
            raise FetchFailed(f"{one_line(entry)!r} is not a host", "write host or host:port, without scheme and path")
        host = url.raw_host.decode("ascii")
        pairs |= {(host, port) for port in ((80, 443) if url.port is None else (url.port,))}
    return frozenset(pairs)


def _parsed(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
        _ = parsed.raw_host, parsed.port
    except (httpx.InvalidURL, ValueError):
        raise FetchFailed(
            "The address cannot be read", "write it as https://host/path, with special letters encoded"
        ) from None
    return parsed.copy_with(fragment=None)


def _prepared(hop: _Hop, headers: dict[str, str]) -> httpx.Request:
    try:
        return httpx.Request(hop.method, hop.url, headers=headers, content=hop.body)
    except (UnicodeEncodeError, ValueError, TypeError):
        raise FetchFailed("The request cannot be sent as it is", "check its headers for letters beyond ASCII") from None


def _travels(header: str) -> bool:
    return header.lower() in _KEPT_ACROSS_HOSTS | {"user-agent", "accept-encoding", "connection"}


def _header(answer: Exchange, name: str) -> str | None:
    """A header of the answer where it is fit to be stored and sent back: printable ASCII of a sane length."""
    value = str(answer.headers.get(name, ""))
    return value if 0 < len(value) <= 1024 and value.isascii() and value.isprintable() else None


def _retry_after(answer: Exchange, now: Callable[[], datetime]) -> float | None:
    """Seconds that the publisher asks us to wait, None where it does not say so legibly."""
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}", value, re.ASCII):
        return float(value)
    until = _http_date(value)
    if until is None:
        return None
    # The publisher's own clock, where it tells it: ours may differ.
    reference = _http_date(answer.headers.get("date", "")) or now()
    return max(0.0, (until - reference).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
