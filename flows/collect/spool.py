"""An answer's body on its way to disk: decompressed in small steps, measured and hashed, stopped at the limits.

In: raw pieces of a body and its Content-Encoding. Out: a file, its size and its SHA-256. Memory stays constant however
much is sent, and however much a compressed body unfolds to.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

from crossings.errors import FetchFailed
from flows.archive.request import FetchPolicy, one_line
from flows.collect.wire import Transient

ACCEPTED_ENCODINGS = "gzip, deflate"
STEP = 2**18
RATIO_FROM = 2**20
"""Decompressed bytes from which the ratio is judged: small answers of many zeros are honest."""


class _Inflater:
    """gzip (several members, padding of zeros) or deflate (with or without the zlib wrapper), in bounded steps."""

    def __init__(self, encoding: str) -> None:
        self._gzip = encoding == "gzip"
        self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16) if self._gzip else None
        self._held = b""
        self._any = False

    def steps(self, piece: bytes) -> Iterator[bytes]:
        self._any = self._any or bool(piece)
        if self._inner is None:
            self._held += piece
            if len(self._held) < 2:
                return
            piece, self._held = self._held, b""
            wrapped = piece[0] & 0x0F == 8 and int.from_bytes(piece[:2], "big") % 31 == 0
            self._inner = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        full = True
        while piece or full:
            if self._inner.eof:
                piece = piece.lstrip(b"\0")
                if not piece:
                    return
                if not self._gzip:
                    raise zlib.error("bytes after the end")
                self._inner = zlib.decompressobj(zlib.MAX_WBITS | 16)
            step = self._inner.decompress(piece, STEP)
            full = len(step) == STEP
            piece = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            if step:
                yield step

    def complete(self) -> bool:
        return not self._any or (self._inner is not None and self._inner.eof)


def spooled(pieces: Iterator[bytes], encoding: str, policy: FetchPolicy, target: Path) -> tuple[int, str]:
    """Write a body to `target`; returns its size in bytes and its SHA-256, both of the decompressed bytes.

    Raises
    ------
    FetchFailed : larger than `policy.max_bytes`, unfolding more than `policy.max_ratio`, or in an encoding that was not
        asked for.
    Transient : broken or incomplete compressed bytes.
    """
    received, size, digest = 0, 0, hashlib.sha256()
    coding = encoding.strip().lower().removeprefix("x-") or "identity"
    if coding not in ("identity", "gzip", "deflate"):
        raise FetchFailed(
            f"The answer is encoded as {one_line(coding, 40)!r}, which was not asked for",
            "ask the publisher for gzip or plain answers; nothing else is decoded",
        )
    inflater = None if coding == "identity" else _Inflater(coding)
    try:
        with target.open("xb") as file:
            for piece in pieces:
                received += len(piece)
                _within(received, received, policy)
                for step in (piece,) if inflater is None else inflater.steps(piece):
                    size += len(step)
                    _within(size, received, policy)
                    digest.update(step)
                    file.write(step)
    except zlib.error:
        raise Transient(f"The {coding} bytes of the answer are broken", "look again later") from None
    except OSError as fault:
        raise FetchFailed(
            f"The answer cannot be spooled to {target.parent} ({fault.strerror})", "free space there, or name another"
        ) from None
    if inflater is not None and not inflater.complete():
        raise Transient(f"The {coding} bytes of the answer end too early", "look again later")
    return size, digest.hexdigest()


def _within(size: int, received: int, policy: FetchPolicy) -> None:
    if size > policy.max_bytes:
        raise FetchFailed(
            f"The answer is larger than {policy.max_bytes} bytes; reading stopped there",
            "ask for less at once, or raise max_bytes of the source if such a size is expected",
        )
    if size > RATIO_FROM and size > policy.max_ratio * received:
        raise FetchFailed(
            f"The answer unfolds to more than {policy.max_ratio:g} times what was sent; reading stopped there",
            "look at the address by hand; raise max_ratio of the source only if such a ratio is honest",
        )
