"""A hostile or foreign file is refused before anything is unpacked in earnest."""

from __future__ import annotations

import struct

import pytest
from workbooks import read, repacked, saved, sheet_with, table

from crossings.errors import UnreadableInput


def with_lying_sizes(content):
    """The same archive whose directory claims two gigabytes for each member."""
    body = bytearray(content)
    place = body.find(b"PK\x01\x02")
    while place >= 0:
        body[place + 24 : place + 28] = struct.pack("<I", 2_000_000_000)
        place = body.find(b"PK\x01\x02", place + 4)
    return bytes(body)


GOOD = saved(table)
HOSTILE = {
    "bomb by ratio": (
        repacked(GOOD, lambda m: m | {"xl/media/a.bin": b"\0" * 30_000_000}),
        "compression up to 400 times",
    ),
    "bomb by size": (with_lying_sizes(GOOD), "bytes unpacked"),
    "too many members": (repacked(GOOD, lambda m: m | {f"x/{k}": b"" for k in range(2_100)}), "plain zip directory"),
    "path upwards": (repacked(GOOD, lambda m: m | {"../../etc/cron.d/x": b"x"}), "plain member names"),
    "absolute path": (repacked(GOOD, lambda m: m | {"/etc/passwd": b"x"}), "plain member names"),
    "drive path": (repacked(GOOD, lambda m: m | {"C:\\x": b"x"}), "plain member names"),
    "macros": (repacked(GOOD, lambda m: m | {"xl/vbaProject.bin": b"x"}), "without macros"),
    "entities": (
        repacked(
            GOOD,
            sheet_with(b"<worksheet", b'<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><worksheet'),
        ),
        "a DTD in",
    ),
    "merged sheet": (
        repacked(
            GOOD,
            sheet_with(
                b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
            ),
        ),
        "at most 500,000 cells",
    ),
    "linked sheet": (
        repacked(
            GOOD,
            sheet_with(
                b"</sheetData>", b'</sheetData><hyperlinks><hyperlink ref="A1:XFD1048576" location="x"/></hyperlinks>'
            ),
        ),
        "at most 500,000 cells",
    ),
    "many tags": (
        repacked(GOOD, lambda m: m | {"xl/theme/theme1.xml": b"<a>" + b"<b x='1'/><c y='23'/>" * 2_200_000 + b"</a>"}),
        "compression up to 400 times|tags and more",
    ),
    "far cell": (
        repacked(
            GOOD, sheet_with(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
        ),
        "at most 500,000 cells",
    ),
    "huge text": (
        repacked(
            GOOD,
            sheet_with(
                b"</sheetData>",
                b'<row r="9"><c r="A9" t="inlineStr"><is><t>' + b"ab" * 20_000 + b"</t></is></c></row></sheetData>",
            ),
        ),
        "texts up to 32,767",
    ),
    "utf-16 xml": (
        repacked(
            GOOD, lambda m: m | {"xl/worksheets/sheet1.xml": m["xl/worksheets/sheet1.xml"].decode().encode("utf-16")}
        ),
        "XML in UTF-8",
    ),
    "torn": (GOOD[: len(GOOD) // 2], "a whole xlsx file"),
    "another zip": (repacked(GOOD, lambda _: {"readme.txt": b"x"}), "a zip of readme.txt"),
    "old office file": (b"\xd0\xcf\x11\xe0" + b"x" * 600, "an old or encrypted Office file"),
    "error page": (b"<html><title>403</title></html>", "an HTML page: 403"),
    "text": (b"Country;JAN2026", "an xlsx file"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_or_foreign_file_is_refused(kind):
    content, told = HOSTILE[kind]
    with pytest.raises(UnreadableInput, match=told) as fault:
        read(content)
    assert fault.value.remedy


def test_external_links_are_ignored():
    linked = repacked(
        GOOD,
        lambda m: (
            m
            | {
                "xl/externalLinks/externalLink1.xml": b'<externalLink xmlns="http://schemas.openxmlformats.org/'
                b'spreadsheetml/2006/main"/>',
            }
        ),
    )
    assert len(read(linked).observations) == 4
