"""Workbooks are read by their contract, and a changed layout is refused with what was expected and found."""

from __future__ import annotations

import io
from datetime import date

import pytest
from openpyxl import load_workbook
from parse_support import payload, recorded, sources
from protocol_laws import ProtocolLaws
from workbooks import day, read, repacked, saved, sheet_with, spec, table

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "workbook"
    renamed = (b"Russia", b"Ruritania")

    def relabelled(self, content):
        return repacked(content, lambda m: {name: body.replace(*self.renamed) for name, body in m.items()})

    def sample(self):
        return sources()["ge-gnta-visitors"], recorded("ge-gnta-visitors")


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
