"""A publisher played from recorded payloads on this machine, so that a connector can be seen at work without internet."""

from __future__ import annotations

import http.server
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from crossings.errors import CrossingsError
from crossings.source.model import SourceSpec


def serve(spec: SourceSpec, folder: Path, port: int) -> http.server.ThreadingHTTPServer:
    """A server on 127.0.0.1 that answers the source's addresses from files named after their roles.

    port : 0 chooses a free one; see `server_address`. The caller starts and stops it.
    """
    files = {
        path.name.split(".", 1)[0]: path.read_bytes()
        for path in sorted(folder.glob("*"))
        if path.is_file() and path.name != "expected.json"
    }
    if not files:
        raise CrossingsError(f"{folder} holds no payloads", "name a folder with files like data.json or metadata.json")

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(_role(spec, self.path, "GET"))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._answer(_role(spec, self.path, "POST"))

        def _answer(self, role: str | None) -> None:
            body = files.get(role or "")
            if role == "page" and body is None:
                body = _page(spec)
            self.send_response(200 if body is not None else 404)
            body = body if body is not None else b"no such payload"
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the client tells."""

    try:
        return http.server.ThreadingHTTPServer(("127.0.0.1", port), Answers)
    except OSError as error:
        raise CrossingsError(f"port {port} cannot be used: {error.strerror}", "choose another with --port") from error


def _role(spec: SourceSpec, asked: str, method: str) -> str | None:
    """The role of the address that was asked: of those that fit, the one that states most of what was asked."""
    parts = urlsplit(asked)
    path, query = unquote(parts.path), parse_qs(parts.query, keep_blank_values=True)
    fitting: list[tuple[int, str]] = []
    for address in spec.addresses:
        stated = urlsplit(address.url)
        pattern = "".join(
            "[^/]+" if p.startswith("{") else re.escape(p) for p in re.split(r"(\{\w+\})", unquote(stated.path))
        )
        names = set(parse_qs(stated.query, keep_blank_values=True))
        if address.method != method or not re.fullmatch(pattern, path) or not names <= set(query):
            continue
        if address.variable is None:
            fitting.append((len(names), address.role))
        elif query.get(address.role) == [address.variable]:
            fitting.append((len(names) + 1, f"{address.role}-{address.variable}"))
    return max(fitting)[1] if fitting else None


def _page(spec: SourceSpec) -> bytes:
    """A page that links to the file, as a publisher's overview does."""
    links = [re.sub(r"\{\w+\}", "2026", urlsplit(a.url).path) for a in spec.addresses if "{" in a.url]
    return "".join(f'<a href="{link}">file</a>' for link in links).encode()
