"""Workbooks are read by their contract, and hostile ones are refused before anything is unpacked in earnest."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import date

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from parse_support import made, payload, recorded, sources

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


def spec(**options):
    return made(
        "workbook",
        {"sheet": "Data", "stub": [["Country"]], "levels": [{"dimension": "Month"}], "notes": ["Note"]} | options,
        {
            "series": {"country": "GEO", "scope": "national", "mode": "all", "direction": "entry"},
            "time": {"dimension": "Month", "freq": "M", "formats": ["MONYYYY", "YYYY-MM-DD", "serial"]},
            "dimensions": [{"dimension": "Country", "field": "citizenship", "codes_from": "country"}],
        },
    )


def day(*parts):
    """A date cell, which a workbook holds without a zone."""
    return pd.Timestamp(*parts).to_pydatetime()


def saved(fill):
    book = Workbook()
    book.active.title = "Data"
    fill(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def table(sheet, top=1, months=("JAN2026", "FEB2026"), rows=(("Russia", 5, 6), ("China", 7, 8))):
    for column, text in enumerate(("Country", *months), start=1):
        sheet.cell(top, column, text)
    for row, line in enumerate(rows, start=top + 1):
        for column, content in enumerate(line, start=1):
            sheet.cell(row, column, content)


def repacked(content, change):
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        members = {name: given.read(name) for name in given.namelist()}
    members = change(dict(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def sheet_with(old, new):
    def change(members):
        name = "xl/worksheets/sheet1.xml"
        assert old in members[name]
        return members | {name: members[name].replace(old, new, 1)}

    return change


def read(content, source=None):
    return parse([payload(content, "file.xlsx")], source or spec())


def test_figures_keep_their_cell_address():
    parsed = read(saved(lambda s: table(s, top=4)))
    frame = parsed.observations.set_index("payload_locator")
    assert frame.loc["Data!B5", "value"] == 5
    assert frame.loc["Data!C6", "citizenship"] == "CHN"
    assert parsed.considered == 4


def test_date_headers_are_read_as_dates_or_serials():
    dated = read(saved(lambda s: table(s, months=(day(2026, 1, 1), day(2026, 2, 1)))))
    serial = read(saved(lambda s: table(s, months=(46023, 46054))), spec(serial_dates=True))
    for parsed in (dated, serial):
        assert set(parsed.observations["period_start"]) == {date(2026, 1, 1), date(2026, 2, 1)}


@pytest.mark.parametrize(
    ("fill", "told"),
    [
        (lambda s: setattr(s, "title", "Sheet9"), "expected sheet Data, found Sheet9"),
        (lambda s: s.cell(1, 1, "Nation"), "expected header Country in the first 20 rows of Data, found Nation"),
        (lambda s: table(s, months=("JAN2026", "JAN2026")), "expected each header once"),
        (lambda s: table(s, months=("JAN2026", None)), "header above every figure"),
        (lambda s: (table(s), s.cell(9, 2, 55)), "notes only below the table, found a figure at Data!B9"),
        (lambda s: table(s, rows=()), "an answer of size zero"),
        (lambda s: table(s, months=("first", "second")), "periods of frequency M"),
    ],
)
def test_a_changed_layout_shows_expected_and_found(fill, told):
    with pytest.raises(UnreadableInput, match=told):
        read(saved(fill))


def test_closed_header_texts_show_what_is_missing():
    closed = spec(levels=[{"dimension": "Month", "expect": ["JAN2026", "FEB2026", "MAR2026"]}])
    with pytest.raises(UnreadableInput, match="expected header MAR2026, found no such column"):
        read(saved(table), closed)
    with pytest.raises(UnreadableInput, match="found MAY2026 at Data!C1"):
        read(saved(lambda s: table(s, months=("JAN2026", "MAY2026"))), closed)


def test_notes_below_are_no_rows_and_blank_labels_are_set_aside():
    def fill(sheet):
        table(sheet, rows=(("Russia", 5, 6), (None, 1, 2), ("Note: provisional", None, None)))

    parsed = read(saved(fill))
    assert parsed.considered == 4
    assert parsed.rejected["reason"].tolist() == ["the row has no Country"] * 2


def test_what_is_no_figure_is_set_aside():
    def fill(sheet):
        table(sheet, rows=(("Russia", "=1+1", True), ("China", "#REF!", day(2026, 1, 1)), ("India", 1.5, 9)))

    parsed = read(saved(fill))
    assert sorted(parsed.rejected["rule"]) == ["V01", "V01", "V01", "V07", "formula_without_value"]
    assert parsed.observations["value"].tolist() == [9]


def test_a_cached_formula_is_taken_and_told():
    cached = repacked(
        saved(lambda s: table(s, rows=(("Russia", "=2+3", 6),))), sheet_with(b"<f>2+3</f><v />", b"<f>2+3</f><v>5</v>")
    )
    parsed = read(cached)
    assert sorted(parsed.observations["value"]) == [5, 6]
    assert [note.rule for note in parsed.notes] == ["cached_formula"]


def test_the_georgian_and_frontex_layouts_pass_and_a_renamed_sheet_does_not():
    for name in ("ge-gnta-visitors", "ge-mia-entries", "eu-frontex-detections"):
        source = sources()[name]
        given = recorded(name)
        assert len(parse(given, source).observations) > 0
        book = load_workbook(io.BytesIO(given[0].content))
        for sheet in book.worksheets:
            sheet.title = f"old {sheet.title}"[:30]
        out = io.BytesIO()
        book.save(out)
        with pytest.raises(UnreadableInput, match="expected sheet"):
            parse([payload(out.getvalue(), "file.xlsx")], source)


def test_frontex_serial_headers_pass_and_a_gap_or_a_mixture_does_not():
    source = sources()["eu-frontex-detections"]

    def issue(*months):
        def fill(sheet):
            sheet.title = "Detections_of_IBC"
            for column, text in enumerate(("Route", "Border type", "Nationality", *months), start=1):
                sheet.cell(2, column, text)
            for column, content in enumerate(("Eastern Borders Route", "Land", "Russia", 1, 2), start=1):
                sheet.cell(3, column, content)

        return [payload(saved(fill), "file.xlsx")]

    for months in ((46023, 46054), ("JAN2026", "FEB2026"), (day(2026, 1, 1), day(2026, 2, 1))):
        assert parse(issue(*months), source).observations["value"].tolist() == [1, 2]
    with pytest.raises(UnreadableInput, match="both in one sheet"):
        parse(issue("JAN2026", 46054), source)
    with pytest.raises(UnreadableInput, match="starting 2026-02-01, found 2026-03-01"):
        parse(issue("JAN2026", "MAR2026"), source)


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
