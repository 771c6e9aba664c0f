"""From bytes to text and JSON without guessing: byte-order marks, NUL bytes, charsets, error pages, torn JSON.

In: a payload. Out: text or decoded JSON; `UnreadableInput` says what was expected and found. JSON numbers keep their
spelling: whole numbers are int, others `Decimal`.
"""

from __future__ import annotations

import codecs
import json
import re
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from transforms.parse.contract import Payload, unreadable

Json: TypeAlias = bool | int | Decimal | str | list["Json"] | dict[str, "Json"] | None

_REPLACEMENT = "\ufffd"
_HTML = re.compile(rb"\s*(?:<!doctype\s+html|<html|<head|<body|<script|<!--|<h1|<p>)", re.IGNORECASE)
_BINARY = {b"PK\x03\x04": "a zip or xlsx file", b"\xd0\xcf\x11\xe0": "an old Office file", b"%PDF": "a PDF file"}
_GZIP = b"\x1f\x8b"
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


def refuse_error_page(payload: Payload, expected: str) -> None:
    """`UnreadableInput` where the payload is empty, an HTML page, or a binary file instead of what was expected."""
    content = payload.content
    if not content.strip(b" \t\r\n\x00\xef\xbb\xbf"):
        raise unreadable(payload, expected, "an empty answer", "look again later; the publisher sent nothing")
    head = content[:512].removeprefix(codecs.BOM_UTF8)
    if _HTML.match(head):
        title = re.search(rb"<title[^>]*>(.{0,200}?)</title", content[:20_000], re.IGNORECASE | re.DOTALL)
        said = title.group(1).decode("utf-8", "replace") if title else head[:80].decode("utf-8", "replace")
        raise unreadable(payload, expected, f"an HTML page: {said}", "open the address; the service reports an error")
    if head.startswith(_GZIP):
        raise unreadable(payload, expected, "gzip bytes", "store the decoded body")
    for magic, what in _BINARY.items():
        if head.startswith(magic):
            raise unreadable(payload, expected, what, "declare the parser that reads this kind of file")


def decoded(payload: Payload, encoding: str, *, drop_nul: bool = False) -> str:
    """The text of a payload in the declared encoding, without byte-order mark.

    Raises `UnreadableInput` for bytes outside the encoding, for NUL bytes (unless they are to be dropped), for text
    that already holds replacement characters, and for UTF-8 that claims to be a one-byte charset.
    """
    content = payload.content
    try:
        charset = codecs.lookup(encoding).name
    except (LookupError, ValueError, UnicodeError):
        raise unreadable(payload, "a known charset", encoding, "declare a charset that exists") from None
    if drop_nul:
        content = content.replace(b"\x00", b"")
    elif content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not charset.startswith("utf-16"):
        raise unreadable(payload, f"{charset} text", "the byte-order mark of UTF-16", "declare encoding: utf-16")
    elif b"\x00" in content and not charset.startswith(("utf-16", "utf-32")):
        raise unreadable(
            payload,
            f"{charset} text",
            f"{content.count(0)} NUL bytes",
            "fetch again; if the publisher always sends them, declare drop_nul: true",
        )
    if charset == "utf-8":
        content = content.removeprefix(codecs.BOM_UTF8)
    elif not charset.startswith("utf") and is_multibyte_utf8(content):
        raise unreadable(payload, f"{charset} text", "UTF-8 bytes", "declare encoding: utf-8")
    try:
        text = content.decode(charset)
    except UnicodeDecodeError as fault:
        raise unreadable(
            payload,
            f"{charset} text",
            f"byte 0x{content[fault.start]:02x} at {fault.start}",
            "declare the publisher's charset, or fetch again",
        ) from None
    if _REPLACEMENT in text:
        raise unreadable(
            payload,
            "whole text",
            f"{text.count(_REPLACEMENT)} replacement characters: letters were lost before the file reached us",
            "ask the publisher for an undamaged file",
        )
    return text.removeprefix("\ufeff")


def is_multibyte_utf8(content: bytes) -> bool:
    """True where the bytes are valid UTF-8 and not plain ASCII."""
    if content.isascii():
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def load_json(payload: Payload) -> Json:
    """Decoded JSON of a payload.

    Refuses error pages, torn or trailing text, a key that stands twice in one object, NaN and Infinity, and nesting
    or numbers beyond reason.
    """
    refuse_error_page(payload, "JSON")
    text = decoded(payload, "utf-8")
    try:
        return json_of(text)
    except RecursionError:
        raise unreadable(payload, "JSON", "nesting beyond reason", "look at the payload; it may be hostile") from None
    except ValueError as fault:
        raise unreadable(payload, "whole JSON", str(fault), "fetch again; the answer is torn or not JSON") from None


def json_of(text: str) -> Json:
    """What a JSON text holds; `ValueError` for what `load_json` refuses, `RecursionError` for nesting beyond reason."""
    found: Json = json.loads(text, parse_float=_decimal, parse_constant=_no_constant, object_pairs_hook=_unique_members)
    if _HALF_ESCAPE.search(text) and (half := _half_letter(found)) is not None:
        raise ValueError(f"half a letter in the text {ascii(half)[:80]}")
    return found


def _half_letter(root: Json) -> str | None:
    """A text with half of a letter that JSON writes as two escapes; it cannot be stored. None where there is none."""
    left = [root]
    while left:
        value = left.pop()
        if isinstance(value, str) and _HALF.search(value):
            return value
        if isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value
    return None


def pointer_token(name: str) -> str:
    """The name of a member as a part of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"number {text[:40]} beyond reason") from None
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError(f"number {text[:40]} beyond reason")
    return number


def _no_constant(text: str) -> Json:
    raise ValueError(f"{text} is not JSON")


def _unique_members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"key {key[:80]!r} stands twice in one object")
            seen.add(key)
    return members
