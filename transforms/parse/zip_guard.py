"""Is a workbook's zip safe to open? Bombs, path tricks, encryption, macros, entities and huge spans are refused.

In: a payload that claims to be XLSX. Out: nothing, or `UnreadableInput`. Everything is read from the zip directory
and from bounded members in memory; nothing is written and no formula or link is followed.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from transforms.parse.contract import Payload, unreadable
from transforms.parse.text import refuse_error_page

_MAX_MEMBERS = 2_000
_MAX_RATIO = 400
_SMALL = 100_000
_MARKS_A_CELL = 8
_DTD = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
_SPAN = re.compile(rb"\bref\s*=\s*[\"']([A-Za-z]{1,3})(\d{1,7}):([A-Za-z]{1,3})(\d{1,7})[\"']")
_EXPANDED = re.compile(rb"<(?:\w+:)?(?:mergeCell|hyperlink)\s[^>]*>")
_HOSTILE = "do not open the file; look at where it came from"
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


def refuse_hostile_workbook(payload: Payload, *, max_bytes: int, max_cells: int) -> bool:
    """Refuse an archive that is not a plain, modest workbook.

    Parameters
    ----------
    max_bytes : uncompressed bytes allowed in total.
    max_cells : cells allowed over all sheets, merged spans included.

    Returns whether any sheet holds a formula.
    """
    if not payload.content.startswith(b"PK\x03\x04"):
        _say_what_it_is(payload)
    try:
        with zipfile.ZipFile(io.BytesIO(payload.content)) as archive:
            _check_directory(payload, archive.infolist(), max_bytes)
            return _check_members(payload, archive, max_cells)
    except _FAULTS as fault:
        raise unreadable(payload, "a whole xlsx file", f"{type(fault).__name__}: {fault}", "fetch again") from None


def _say_what_it_is(payload: Payload) -> None:
    if payload.content.startswith(b"\xd0\xcf\x11\xe0"):
        raise unreadable(
            payload, "an xlsx file", "an old or encrypted Office file", "convert it to xlsx and archive both"
        )
    refuse_error_page(payload, "an xlsx file")
    raise unreadable(payload, "an xlsx file", repr(payload.content[:16]), "fetch again")


def _check_directory(payload: Payload, members: list[zipfile.ZipInfo], max_bytes: int) -> None:
    names = [m.filename for m in members]
    if len(members) > _MAX_MEMBERS or len(set(names)) != len(names):
        raise unreadable(
            payload, "a plain zip directory", f"{len(members)} members, some repeated or too many", _HOSTILE
        )
    total = sum(m.file_size for m in members)
    if total > max_bytes:
        raise unreadable(payload, f"at most {max_bytes:,} bytes unpacked", f"{total:,}", _HOSTILE)
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or member.filename.startswith(("/", "\\")) or ":" in member.filename:
            raise unreadable(payload, "plain member names", repr(member.filename[:80]), _HOSTILE)
        if member.flag_bits & 1:
            raise unreadable(payload, "an open file", "an encrypted one", "ask the publisher for an open file")
        if member.file_size > _SMALL and member.file_size > _MAX_RATIO * max(member.compress_size, 1):
            ratio = member.file_size // max(member.compress_size, 1)
            raise unreadable(payload, f"compression up to {_MAX_RATIO} times", f"{ratio:,} times", _HOSTILE)
    lowered = {name.lower() for name in names}
    if any(name.endswith("vbaproject.bin") for name in lowered):
        raise unreadable(payload, "a workbook without macros", "macros", "ask the publisher for a file without macros")
    if "[content_types].xml" not in lowered or "xl/workbook.xml" not in lowered:
        raise unreadable(payload, "an xlsx file", f"a zip of {', '.join(names[:5])}", "fetch again")


def _check_members(payload: Payload, archive: zipfile.ZipFile, max_cells: int) -> bool:
    cells, marks, formulas = 0, 0, False
    for member in archive.infolist():
        if not member.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        content = archive.read(member)
        if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00")) or b"\x00" in content[:64]:
            raise unreadable(payload, "XML in UTF-8", f"another encoding in {member.filename}", _HOSTILE)
        if _DTD.search(content):
            raise unreadable(payload, "XML without entities", f"a DTD in {member.filename}", _HOSTILE)
        marks += content.count(b"<")
        if marks > _MARKS_A_CELL * max_cells:
            raise unreadable(payload, f"XML for at most {max_cells:,} cells", f"{marks:,} tags and more", _HOSTILE)
        if not member.filename.startswith("xl/worksheets/"):
            continue
        cells += len(_CELL.findall(content)) + _spans(content)
        formulas = formulas or b"<f" in content or b":f" in content
        if cells > max_cells:
            raise unreadable(payload, f"at most {max_cells:,} cells", f"{cells:,} and more", _HOSTILE)
    return formulas


def _spans(content: bytes) -> int:
    total = 0
    for element in _EXPANDED.findall(content):
        for left, top, right, bottom in _SPAN.findall(element):
            total += (abs(_column(right) - _column(left)) + 1) * (abs(int(bottom) - int(top)) + 1)
    return total


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
