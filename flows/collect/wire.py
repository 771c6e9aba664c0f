"""One exchange on the wire: only checked addresses, a deadline on every read, and an answer that ends where it should.

In: a prepared request and a policy. Out: status, headers, and the raw body piece by piece. The host name is resolved
once for each connection, every address is checked, and the connection goes to a checked address while the name stays in
SNI, in the certificate check and in the Host header: there is no second resolution that could answer otherwise.
"""

from __future__ import annotations

import ipaddress
import logging
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import httpcore
import httpx

from crossings.errors import FetchFailed
from flows.archive.request import FetchPolicy, one_line
from flows.collect.politeness import Clock

Resolver: TypeAlias = Callable[[str, int], Sequence[str]]

_HEAD_END = re.compile(rb"\n\r?\n")
_WIRE_FAULTS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Transient(FetchFailed):
    """A fault that may pass: tried again while attempts are left. `retry_after` is the publisher's word, in seconds."""

    def __init__(
        self, message: str, remedy: str, status: int | None = None, *, retry_after: float | None = None
    ) -> None:
        super().__init__(message, remedy, status)
        self.retry_after = retry_after


def _silence(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


# At DEBUG this logger prints whole answer headers, redirect targets with their keys included.
logging.getLogger("httpcore.http11").addFilter(_silence)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host in the system's order of preference."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Whether an IP address is globally reachable.

    Loopback, private, link-local (cloud metadata), shared, multicast, reserved, unspecified, IPv4-mapped, 6to4 and
    Teredo addresses are not; a NAT64 address is as public as the IPv4 address inside it.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip.is_site_local or ip.scope_id:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def tls_context(policy: FetchPolicy) -> ssl.SSLContext:
    """The default verifying context, with the source's extra certificates added; verification is never off."""
    context = httpx.create_ssl_context(trust_env=False)
    # An extra intermediate completes a chain, it does not replace its root.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_PARTIAL_CHAIN", 0)
    if policy.extra_ca_pem is not None:
        try:
            context.load_verify_locations(cafile=policy.extra_ca_pem)
        except (OSError, ssl.SSLError) as fault:
            raise FetchFailed(
                f"The certificates in {policy.extra_ca_pem} cannot be read ({type(fault).__name__})",
                "store the publisher's missing intermediate there in PEM form",
            ) from None
    return context


class Deadline:
    """The instant by which one exchange must be over, on the given monotonic clock."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self.seconds = seconds
        self._clock = clock
        self._at = clock() + seconds

    def left(self, longest: float | None) -> float:
        """Seconds until the deadline, at most `longest`; a fault where none are left."""
        seconds = self._at - self._clock()
        if seconds <= 0:
            raise Transient(
                f"The answer was not complete after {self.seconds:g} s", "raise total_seconds if the publisher is slow"
            )
        return seconds if longest is None else min(seconds, longest)


class _BodyMeter:
    """Counts what arrived after the head of the answer, to be held against Content-Length."""

    def __init__(self) -> None:
        self.body = 0
        self._head: bytes | None = b""

    def feed(self, piece: bytes) -> None:
        while self._head is not None:
            self._head += piece
            end = _HEAD_END.search(self._head)
            if end is None:
                return
            piece, interim = self._head[end.end() :], re.match(rb"\s*HTTP/[\d.]+ 1\d\d", self._head)
            self._head = b"" if interim else None
            if interim and not piece:
                return
        self.body += len(piece)


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends at the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline, meter: _BodyMeter) -> None:
        self._inner, self._deadline, self._meter = inner, deadline, meter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        piece = self._inner.read(max_bytes, self._deadline.left(timeout))
        self._meter.feed(piece)
        return piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            secure = self._inner.start_tls(ssl_context, server_hostname, self._deadline.left(timeout))
        except httpcore.ConnectError as fault:
            cause = fault.__cause__
            if isinstance(cause, ssl.SSLCertVerificationError):
                raise FetchFailed(
                    f"The certificate of {server_hostname} cannot be verified: {one_line(cause.verify_message)}",
                    "if the publisher's chain is incomplete, declare the missing intermediate as extra_ca_pem; "
                    "verification stays on",
                ) from None
            raise
        return _Stream(secure, self._deadline, self._meter)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and to nothing else."""

    def __init__(self, policy: FetchPolicy, resolver: Resolver, deadline: Deadline, meter: _BodyMeter) -> None:
        self._policy, self._resolver, self._deadline, self._meter = policy, resolver, deadline, meter
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._checked(host, port)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return self._connect(addresses[-1], port, timeout, local_address, socket_options)

    def _connect(
        self, address: str, port: int, timeout: float | None, local: str | None, options: Iterable[Any] | None
    ) -> httpcore.NetworkStream:
        inner = self._plain.connect_tcp(address, port, self._deadline.left(timeout), local, options)
        return _Stream(inner, self._deadline, self._meter)

    def _checked(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = self._resolver(host, port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses:
            raise Transient(f"The name {host} does not resolve", "check the network, and the host name in the source")
        private = [address for address in addresses if not is_public(address)]
        if private and not self._policy.accepts_private(host):
            raise FetchFailed(
                f"The name {host} leads to {private[0]}, which is not a public address",
                "check the host name; loopback and private addresses are for tests and served copies only",
            )
        return addresses


class Exchange:
    """One request and its answer, on a connection of its own.

    The connection is not kept: bytes that a publisher sends beyond its own Content-Length can then never be taken for
    the beginning of the next answer, and every look checks the address anew. Use as a context manager.
    """

    def __init__(
        self,
        request: httpx.Request,
        policy: FetchPolicy,
        context: ssl.SSLContext,
        resolver: Resolver,
        clock: Clock,
    ) -> None:
        self._deadline = Deadline(policy.total_seconds, clock)
        self._meter = _BodyMeter()
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=1,
            network_backend=_CheckedBackend(policy, resolver, self._deadline, self._meter),
        )
        self._request = httpcore.Request(
            request.method,
            httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.content,
            extensions={
                "timeout": {
                    "connect": policy.connect_seconds,
                    "read": policy.read_seconds,
                    "write": policy.read_seconds,
                    "pool": policy.connect_seconds,
                }
            },
        )
        self._answer: httpcore.Response | None = None
        self.status = 0
        self.headers = httpx.Headers()

    def __enter__(self) -> Exchange:
        try:
            self._answer = self._pool.handle_request(self._request)
        except _WIRE_FAULTS as fault:
            raise _as_fault(fault) from None
        self.status = self._answer.status
        self.headers = httpx.Headers(self._answer.headers)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._answer is not None
        self._answer.close()
        self._pool.close()

    def body(self) -> Iterator[bytes]:
        """The body as it came, still compressed; a fault where it is shorter or longer than announced."""
        assert self._answer is not None
        try:
            yield from self._answer.iter_stream()
            surplus = self._surplus()
        except _WIRE_FAULTS as fault:
            raise _as_fault(fault) from None
        if surplus:
            raise Transient(
                f"The publisher sent more than the {self.headers.get('content-length', 'chunked')} bytes it announced",
                "look again later; the answer was not kept",
            )

    def _surplus(self) -> bool:
        assert self._answer is not None
        announced = self.headers.get("content-length", "")
        if "transfer-encoding" not in self.headers and announced.isdigit() and self._meter.body > int(announced):
            return True
        # We asked for the connection to be closed, so nothing but its end may follow. A publisher that keeps it open
        # all the same costs this second and nothing else.
        try:
            return bool(self._answer.extensions["network_stream"].read(1, timeout=1.0))
        except (httpcore.TimeoutException, httpcore.NetworkError):
            return False


def _as_fault(fault: Exception) -> FetchFailed:
    """What happened on the wire, in our words: the library's own may repeat headers and their secrets."""
    if isinstance(fault, httpcore.ConnectTimeout):
        return Transient("The publisher did not accept a connection in time", "look again later")
    if isinstance(fault, httpcore.TimeoutException):
        return Transient("The publisher fell silent in the middle of the exchange", "look again later")
    if isinstance(fault, httpcore.ConnectError):
        return Transient("No connection to the publisher could be made", "check the network, or look again later")
    if isinstance(fault, httpcore.RemoteProtocolError):
        return Transient("The answer broke off before its end, or is not HTTP", "look again later")
    if isinstance(fault, httpcore.NetworkError):
        return Transient("The connection broke in the middle of the exchange", "look again later")
    return FetchFailed("The request cannot be sent as it is", "check its headers and its address for stray letters")
