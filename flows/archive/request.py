"""What is asked of a publisher, under which policy, and what came back: plain values, safe to print and to store.

In: addresses and limits as a source declares them. Out: frozen dataclasses, and one rule of redaction for all of them:
secrets in queries, user information and form bodies never reach a log, an error or a provenance record.
Importing this module loads no network client, so that reading the fetch log stays cheap.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, unquote_plus, urlencode, urlsplit, urlunsplit

from crossings._version import __version__
from crossings.errors import FetchFailed

if TYPE_CHECKING:
    from transforms.parse.contract import Question

REDACTED = "REDACTED"
BODY_SHOWN = 4096
"""Request bodies up to this many bytes are kept as text in the fetch log: a query explains the answer."""

# A safety net under what a source declares: a key forgotten in a YAML file must not be published with the provenance.
ALWAYS_SECRET = frozenset(
    {
        *("apikey", "api_key", "api-key", "x-api-key", "access_token", "token", "auth", "authorization", "password"),
        *("secret", "client_secret", "signature", "subscription-key", "ocp-apim-subscription-key", "cookie"),
    }
)


def user_agent(contact: str | None = None) -> str:
    """`crossings/<version>`, with an address to write to where the operator gives one: `crossings/1.0 (+contact)`."""
    if contact is None or not contact.strip():
        return f"crossings/{__version__}"
    if not re.fullmatch(r"[\x21-\x27\x2a-\x7e]+", contact.strip()):
        raise FetchFailed(
            "The contact for the User-Agent holds blanks, brackets or characters beyond ASCII",
            "set the contact to one e-mail address or one web address",
        )
    return f"crossings/{__version__} (+{contact.strip()})"


@dataclass(frozen=True)
class FetchPolicy:
    """How one source may be asked.

    Attributes
    ----------
    hosts : host names the source names, `host` (ports 80 and 443) or `host:port`; nothing else is ever contacted.
    per_second : requests per second to one host, shared by all threads of the process.
    concurrent : requests under way at one host at a time.
    connect_seconds, read_seconds : the longest wait for a connection, and between two pieces of an answer.
    total_seconds : the longest one exchange may take, from connecting to the last byte, however steadily it drips.
    max_bytes : the largest payload, after decompression.
    max_ratio : the largest ratio of decompressed to received bytes (judged from the first megabyte on).
    attempts : tries in all for faults that may pass.
    retry_initial_seconds, retry_max_seconds : the exponential waits between tries, jitter comes on top.
    retry_after_cap_seconds : the longest wait a publisher may ask for within one look; asked for more, the look ends.
    user_agent : see `user_agent`.
    extra_ca_pem : certificates added to the trusted ones, for publishers that send an incomplete chain.
    allow_private : True, or the host names, for which loopback and private addresses are accepted: tests and
        served copies.
    """

    hosts: frozenset[str]
    per_second: float = 1.0
    concurrent: int = 1
    connect_seconds: float = 20.0
    read_seconds: float = 60.0
    total_seconds: float = 300.0
    max_bytes: int = 64 * 2**20
    max_ratio: float = 200.0
    attempts: int = 4
    retry_initial_seconds: float = 1.0
    retry_max_seconds: float = 60.0
    retry_after_cap_seconds: float = 120.0
    user_agent: str = field(default_factory=user_agent)
    extra_ca_pem: Path | None = None
    allow_private: bool | frozenset[str] = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "hosts", frozenset(self.hosts))
        for name in ("per_second", "concurrent", "connect_seconds", "read_seconds", "total_seconds", "max_bytes"):
            if not getattr(self, name) > 0:
                raise FetchFailed(f"{name} is {getattr(self, name)!r} in a fetch policy", "write a number above zero")
        if self.attempts < 1:
            raise FetchFailed(f"attempts is {self.attempts!r} in a fetch policy", "allow one attempt at least")

    def accepts_private(self, host: str) -> bool:
        """Whether loopback and private addresses are accepted for this host."""
        return self.allow_private if isinstance(self.allow_private, bool) else host in self.allow_private


@dataclass(frozen=True)
class Request:
    """One question to a publisher.

    Attributes
    ----------
    method : GET or POST.
    url : the address, secrets included; read `shown_url` for anything that is printed or stored.
    headers : beyond those that the fetcher sets itself; never printed nor stored.
    body : bytes of a POST.
    redact : names of query parameters (and form fields) whose values are secret.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    redact: frozenset[str] = frozenset()

    @property
    def shown_url(self) -> str:
        """The address without secrets."""
        return redacted_url(self.url, self.redact)

    @property
    def shown_body(self) -> str | None:
        """The body as text where it is short and holds no secret, else None."""
        if not self.body or len(self.body) > BODY_SHOWN:
            return None
        try:
            text = self.body.decode("utf-8")
        except UnicodeDecodeError:
            return None
        names = {unquote_plus(word).lower() for word in re.split(r"[^\w%+.\-]+", text)}
        return None if names & (_lowered(self.redact) | ALWAYS_SECRET) else text

    @property
    def key(self) -> str:
        """The identity of the question in the fetch log: method, address without secrets, digest of the body."""
        if self.body is None:
            return f"{self.method} {self.shown_url}"
        return f"{self.method} {self.shown_url} body-sha256:{hashlib.sha256(self.body).hexdigest()}"

    def secrets(self) -> list[str]:
        """Every secret value in play, longest first, to be struck from texts that others wrote."""
        found = {value for name, value in self.headers.items() if name.lower() in _lowered(self.redact) | ALWAYS_SECRET}
        before, _, query = self.url.partition("#")[0].partition("?")
        found |= {piece.partition("=")[2] for piece in query.split("&") if _is_secret(piece, self.redact)}
        user = _user_information(before)
        name, _, password = user.partition(":")
        found |= {user, password or name}
        # Short values would strike ordinary words out of messages; the redaction by name still covers them.
        spellings = {spelling for value in found for spelling in (value, unquote_plus(value)) if len(spelling) > 3}
        return sorted(spellings, key=lambda text: (-len(text), text))

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.shown_url}>"


def request_of(question: Question, base_url: str | None = None) -> Request:
    """The request that puts a protocol's question to its publisher, or to a served copy of it at `base_url`.

    A blank in the address is encoded; all else stands letter by letter as the protocol spelled it.
    """
    address = question.address
    parts = urlsplit(address.url if question.query is None else f"{address.url}?{question.query}")
    served = parts if base_url is None else urlsplit(base_url)
    path = quote(parts.path, safe="/%:*;,=~+-._()")
    url = urlunsplit((served.scheme, served.netloc, path, parts.query.replace(" ", "%20"), ""))
    headers, body = dict(address.headers), question.body
    kind = "application/x-www-form-urlencoded" if body is None else "application/json"
    if body is None and address.form:
        body = urlencode(address.form).encode()
    if address.method == "POST":
        body = body or b""
        headers["Content-Type"] = kind
    return Request(address.method, url, headers=headers, body=body)


@dataclass(frozen=True)
class Validators:
    """What a publisher gave with its last answer, to be asked whether anything changed since.

    `sha256` is the payload that came with them, and that stands where the publisher says "not modified".
    """

    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None

    def __bool__(self) -> bool:
        return bool(self.etag or self.last_modified)


@dataclass(frozen=True)
class Fetched:
    """An answer.

    Attributes
    ----------
    status : `new` (bytes came; whether they differ from the last ones is for the archive to say) or `not_modified`.
    path : the spooled bytes, owned by the fetcher and gone when it closes; None where not modified.
    sha256 : of the decompressed bytes; where not modified, of the payload that stands as far as the validators say.
    size : bytes that came, decompressed; 0 where not modified.
    media_type : the Content-Type as sent, charset included.
    etag, last_modified : validators for the next look.
    final_url : the address that answered, after redirects, without secrets.
    elapsed : seconds, waits and retries included.
    attempts : tries it took.
    """

    status: Literal["new", "not_modified"]
    path: Path | None
    sha256: str | None
    size: int
    media_type: str | None
    etag: str | None
    last_modified: str | None
    final_url: str
    elapsed: float
    attempts: int

    @property
    def content(self) -> bytes:
        """The bytes; empty where not modified."""
        return b"" if self.path is None else self.path.read_bytes()

    def discard(self) -> None:
        """Give the spooled bytes back before the fetcher closes."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def redacted_url(url: str, names: Iterable[str] = ()) -> str:
    """The address without fragment, user information, and values of secret parameters; all else letter by letter."""
    address, _, query = url.partition("#")[0].partition("?")
    user = _user_information(address)
    if user:
        address = address.replace(f"{user}@", f"{REDACTED}@", 1)
    if not query:
        return one_line(address, 8192)
    pieces = [
        f"{piece.partition('=')[0]}={REDACTED}" if _is_secret(piece, names) else piece for piece in query.split("&")
    ]
    return one_line(f"{address}?{'&'.join(pieces)}", 8192)


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """A text that somebody else wrote, on one line, without the given secrets."""
    for secret in secrets:
        text = text.replace(secret, REDACTED)
    return one_line(text)


def one_line(text: str, longest: int = 500) -> str:
    """The text without control characters and line breaks, cut where it is too long."""
    flat = "".join(letter if letter.isprintable() else " " for letter in text).strip()
    return flat if len(flat) <= longest else f"{flat[: longest - 1]}…"


def _user_information(address: str) -> str:
    authority = address.partition("://")[2].partition("/")[0]
    return authority.rpartition("@")[0]


def _is_secret(piece: str, names: Iterable[str]) -> bool:
    name = unquote_plus(piece.partition("=")[0]).lower()
    return name in ALWAYS_SECRET or name in _lowered(names)


def _lowered(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.lower() for name in names)
