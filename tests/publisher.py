"""A publisher on this machine: real sockets on the loopback, scripted answers and scripted faults.

In: for each path, a list of answers, the last of which repeats. Out: everything that was asked, and how many requests
were under way at once. An answer is a function of the socket and of what was asked; the faults below write broken HTTP.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Asked:
    """One request as it arrived; `at` is the reading of the publisher's clock."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    server_name: str | None = None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Answer = Callable[["Line", Asked], None]


@dataclass
class Line:
    """The way back to whoever asked."""

    connection: socket.socket
    closing: threading.Event

    def send(self, content: bytes) -> bool:
        """Send everything; False where the other side has gone."""
        try:
            self.connection.sendall(content)
        except OSError:
            return False
        return True


@dataclass
class Publisher:
    """The server; a context manager. `clock` stamps what was asked."""

    clock: Callable[[], float] = lambda: 0.0
    certificate: Path | None = None
    asked: list[Asked] = field(default_factory=list)
    most_at_once: int = 0

    def __enter__(self) -> Self:
        self._scripts: dict[str, list[Answer]] = {}
        self._guard = threading.Lock()
        self._under_way = 0
        self._closing = threading.Event()
        self._names: dict[int, str | None] = {}
        self._tls: ssl.SSLContext | None = None
        if self.certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(self.certificate)
            self._tls.sni_callback = self._named
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        # A blocked accept() is not woken by closing its socket; a last caller wakes it.
        with socket.create_connection(("127.0.0.1", self.port), timeout=5):
            self._thread.join(timeout=5)
        self._listener.close()

    def script(self, path: str, *answers: Answer) -> None:
        """What to answer at `path`, in order; the last answer repeats."""
        with self._guard:
            self._scripts[path] = list(answers)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        scheme = "http" if self.certificate is None else "https"
        return f"{scheme}://{host}:{self.port}{path}"

    def host(self, name: str = "127.0.0.1") -> str:
        return f"{name}:{self.port}"

    def _named(self, secured: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        self._names[threading.get_ident()] = name

    def _accept(self) -> None:
        while not self._closing.is_set():
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                if self._tls is None:
                    self._converse(connection)
                else:
                    with self._tls.wrap_socket(connection, server_side=True) as secured:
                        self._converse(secured)
        except OSError:
            return  # the other side went away, as some tests want it to

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as incoming:
            first = incoming.readline().decode("latin-1").split()
            if len(first) < 2:
                return
            headers: dict[str, str] = {}
            for line in iter(incoming.readline, b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            body = incoming.read(int(headers.get("content-length", "0")))
            name = self._names.get(threading.get_ident())
            asked = Asked(first[0], first[1], headers, body, self.clock(), name)
            with self._guard:
                self.asked.append(asked)
                self._under_way += 1
                self.most_at_once = max(self.most_at_once, self._under_way)
                script = self._scripts.get(asked.path, [status(404)])
                answer = script.pop(0) if len(script) > 1 else script[0]
        try:
            answer(Line(connection, self._closing), asked)
        finally:
            with self._guard:
                self._under_way -= 1


def head(code: int, **headers: str | int) -> bytes:
    lines = [f"HTTP/1.1 {code} Said"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def ok(
    body: bytes,
    media_type: str = "application/json",
    etag: str | None = None,
    last_modified: str | None = None,
    encoding: str | None = None,
) -> Answer:
    """200 with the body, or 304 where the validators still hold."""

    def answer(line: Line, asked: Asked) -> None:
        validators = {"ETag": etag, "Last_Modified": last_modified}
        sent = {name: value for name, value in validators.items() if value is not None}
        same_etag = etag is not None and asked.headers.get("if-none-match") == etag
        same_date = last_modified is not None and asked.headers.get("if-modified-since") == last_modified
        if same_etag or (same_date and "if-none-match" not in asked.headers):
            line.send(head(304, **sent))
            return
        if encoding is not None:
            sent["Content_Encoding"] = encoding
        line.send(head(200, Content_Type=media_type, Content_Length=len(body), **sent) + body)

    return answer


def status(code: int, body: bytes = b"<html>no</html>", **headers: str | int) -> Answer:
    def answer(line: Line, asked: Asked) -> None:
        line.send(head(code, Content_Type="text/html", Content_Length=len(body), **headers) + body)

    return answer


def redirect(code: int, location: str) -> Answer:
    return status(code, b"", Location=location)


def raw(content: bytes) -> Answer:
    """Whatever bytes, then the end of the connection."""

    def answer(line: Line, asked: Asked) -> None:
        line.send(content)

    return answer


def drip(body: bytes, pause: Callable[[], None]) -> Answer:
    """The body byte by byte with a pause before each, and then nothing: for ever polite and never done."""

    def answer(line: Line, asked: Asked) -> None:
        line.send(head(200, Content_Type="text/plain", Content_Length=len(body) + 1))
        line.connection.settimeout(300)
        for byte in body:
            pause()
            if not line.send(bytes([byte])):
                return
        line.connection.recv(1)

    return answer


def silent(body: bytes, before: Callable[[], None] = lambda: None) -> Answer:
    """Half of the body, then nothing until the other side gives up; `before` happens before the first byte."""

    def answer(line: Line, asked: Asked) -> None:
        before()
        line.send(head(200, Content_Type="text/plain", Content_Length=len(body)) + body[: len(body) // 2])
        line.connection.settimeout(300)
        line.connection.recv(1)

    return answer


def truncated(body: bytes) -> Answer:
    """Half of the body under the Content-Length of the whole, then the end."""
    return raw(head(200, Content_Type="text/plain", Content_Length=len(body)) + body[: len(body) // 2])


def kept_open(body: bytes) -> Answer:
    """The whole body, and then a line that stays open until the other side closes it."""

    def answer(line: Line, asked: Asked) -> None:
        line.send(head(200, Content_Type="text/plain", Content_Length=len(body)) + body)
        line.connection.settimeout(300)
        line.connection.recv(1)

    return answer


def broken_chunks(body: bytes) -> Answer:
    """A chunked body without its last chunk."""
    return raw(head(200, Transfer_Encoding="chunked") + f"{len(body):x}\r\n".encode() + body + b"\r\n")


def too_long(body: bytes, announced: int) -> Answer:
    """More bytes than announced."""
    return raw(head(200, Content_Type="text/plain", Content_Length=announced) + body)


def endless_chunks(sent: list[int]) -> Answer:
    """Chunks until the other side leaves; `sent` receives the number of bytes."""
    piece = bytes(range(256)) * 256
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"

    def answer(line: Line, asked: Asked) -> None:
        line.send(head(200, Transfer_Encoding="chunked"))
        count = 0
        while not line.closing.is_set() and line.send(chunk):
            count += len(piece)
        sent.append(count)

    return answer


def bomb(unfolded: int, encoding: str = "gzip") -> Answer:
    """A small compressed body that unfolds to `unfolded` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16 if encoding == "gzip" else zlib.MAX_WBITS)
    parts = [packer.compress(bytes(2**20)) for _ in range(unfolded // 2**20)]
    return ok(b"".join([*parts, packer.flush()]), "text/plain", encoding=encoding)


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def folder(root: Path) -> Iterator[tuple[str, Answer]]:
    """Path and answer for every file under a folder, for `script`: a served copy of a publisher."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield f"/{path.relative_to(root).as_posix()}", ok(path.read_bytes(), "application/octet-stream")
