"""Workbooks are read by their contract, and a changed layout is refused with what was expected and found."""

from __future__ import annotations

import io
from datetime import date

import pytest
from openpyxl import load_workbook
from parse_support import payload, recorded, sources
from protocol_laws import ProtocolLaws
from workbooks import book, day, read, repacked, saved, sheet_with, spec, table

from crossings.errors import CrossingsError, UnreadableInput
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


COUNTRY = {"dimension": "Country", "field": "citizenship", "codes_from": "country"}
FLOWS = {"dimension": "Flow", "labels": {"Entries": {"direction": "entry"}, "Exits": {"direction": "exit"}}}
ANY_WAY = {"country": "GEO", "scope": "national", "mode": "all"}
HEAD = ("Country", "SEP2023", "OCT2023")
BOTH_WAYS = {
    ("2023-09-01", "RUS", "entry"): 410,
    ("2023-10-01", "RUS", "entry"): 390,
    ("2023-09-01", "RUS", "exit"): 300,
    ("2023-10-01", "RUS", "exit"): 310,
}
STACKED = [("Entries",), HEAD, ("Russia", 410, 390), (), ("Exits",), HEAD, ("Russia", 300, 310)]


def figures(parsed):
    keys = parsed.observations[["period_start", "citizenship", "direction"]].astype(str).itertuples(index=False)
    return {tuple(key): value for key, value in zip(keys, parsed.observations["value"], strict=True)}


def flows(**options):
    """A source whose tables say in their titles, or elsewhere, whether they are entries or exits."""
    return spec({"series": ANY_WAY, "dimensions": [COUNTRY, FLOWS]}, **options)


def test_all_sheets_that_are_declared_are_read():
    content = book(
        **{
            "2022": [("Country", "NOV2022", "DEC2022"), ("Russia", 1100, 1200)],
            "Notes": [("about", 2022)],
            "2023": [("Country", "JAN2023", "FEB2023"), ("Russia", 410, 390)],
        }
    )
    for sheet in (["2022", "2023"], "####"):
        parsed = read(content, spec(sheet=sheet))
        assert parsed.observations["value"].tolist() == [1100, 1200, 410, 390]
        assert parsed.observations["payload_locator"].tolist() == ["2022!B2", "2022!C2", "2023!B2", "2023!C2"]


def test_names_under_which_a_sheet_may_appear_need_only_be_there_once():
    rows = [HEAD, ("Russia", 410, 390)]
    for sheets in (
        {"Visitors": rows},
        {"international  visitors": rows},
        {"Visitors": rows, "International Visitors": []},
    ):
        assert len(read(book(**sheets), spec(sheet=["Visitors", "International Visitors"])).observations) == 2
    with pytest.raises(UnreadableInput, match=r"Russia / SEP2023 at Visitors!B2 and at Old!B2") as told:
        read(book(Visitors=rows, Old=rows), spec(sheet=["Visitors", "Old"]))
    assert "name only the sheet" in told.value.remedy


def test_a_sheet_with_the_same_header_of_which_nobody_said_anything_is_told():
    rows = [("Visitors",), HEAD, ("Russia", 410, 390)]
    content = book(Data=rows, Exits=rows, Old=rows, Empty=[HEAD], Notes=[("Country", "see"), ("Russia", "the office")])
    (note,) = read(content).notes
    assert note.rule == "unread_sheet"
    assert "sheet Exits, Old; add it to sheet or to ignore_sheets" in note.message
    assert read(content, spec(ignore_sheets=["exits", "O*"])).notes == ()


def test_the_name_of_a_sheet_states_what_its_rows_do_not():
    mapping = {"time": {"year": "Year", "month": "Month", "freq": "M", "formats": "YYYY MONTH"}}
    sheets = {
        year: [(f"Visitors {year}",), ("Country", "January", "February"), ("Russia", *two)]
        for year, two in (("2022", (11, 12)), ("2023", (410, 390)))
    }
    parsed = read(book(**sheets), spec(mapping, sheet="{Year:####}"))
    assert parsed.observations["period_start"].map(str).tolist() == [
        "2022-01-01", "2022-02-01", "2023-01-01", "2023-02-01",
    ]  # fmt: skip
    assert parsed.observations["value"].tolist() == [11, 12, 410, 390]
    by_title = spec(mapping, sheet="####", titles=["Visitors {Year:####}"])
    assert figures(read(book(**sheets), by_title)) == figures(parsed)


def test_blank_rows_are_no_rows_and_labels_without_figures_are_rows_all_the_same():
    rows = [HEAD, (), ("EUROPE",), ("Estonia", 55, 61), (), (), ("ASIA",), ("China", 9, 8), ("Note: rounded",)]
    parsed = read(book(Data=rows), spec({"dimensions": [COUNTRY | {"unselected": ["EUROPE", "ASIA"]}]}))
    assert parsed.observations["value"].tolist() == [9, 55, 8, 61]
    assert parsed.unselected == 4
    with pytest.raises(UnreadableInput, match=r'found 4 of 8: Country "ASIA" \(2\), "EUROPE" \(2\)'):
        read(book(Data=rows))
    words = read(book(Data=[*rows[:4], (), ("Figures are rounded",), (), ("by the office",)]), spec(notes=[]))
    assert words.considered == 4


def test_rows_without_figures_may_group_the_rows_below():
    rows = [HEAD, ("Total", 64, 69), ("Entries",), ("Russia", 55, 61), (), ("Exits",), ("Russia", 9, 8)]
    mapping = {"series": ANY_WAY, "dimensions": [COUNTRY | {"labels": {"Total": {"citizenship": "all"}}}, FLOWS]}
    parsed = read(book(Data=rows), spec(mapping, groups="Flow"))
    assert figures(parsed) == {
        ("2023-09-01", "RUS", "entry"): 55,
        ("2023-10-01", "RUS", "entry"): 61,
        ("2023-09-01", "RUS", "exit"): 9,
        ("2023-10-01", "RUS", "exit"): 8,
    }
    assert parsed.rejected["reason"].tolist() == ["Flow '' is not in the mapping"] * 2
    assert parsed.considered == 6


def test_a_row_of_formulas_without_values_is_no_group():
    rows = [HEAD, ("Entries",), ("Russia", "=1+1", "=2+2"), ("China", 9, 8)]
    parsed = read(book(Data=rows), flows(groups="Flow"))
    assert figures(parsed) == {("2023-09-01", "CHN", "entry"): 9, ("2023-10-01", "CHN", "entry"): 8}
    assert parsed.rejected["rule"].tolist() == ["formula_without_value"] * 2


def test_a_merged_group_over_two_label_columns_holds_below():
    def fill(sheet):
        for row in (
            ("Country", "Way", "SEP2023"),
            ("EUROPE",),
            ("Russia", "Entries", 5),
            (None, "Exits", 6),
            ("ASIA",),
        ):
            sheet.append(row)
        sheet.append(("China", "Entries", 7))
        sheet.merge_cells("A2:B2")
        sheet.merge_cells("A3:A4")

    ways = FLOWS | {"dimension": "Way"}
    region = {"dimension": "Region", "labels": {"EUROPE": {}, "ASIA": {}}}
    source = spec(
        {"series": ANY_WAY, "dimensions": [COUNTRY, ways, region]}, stub=[["Country"], ["Way"]], groups="Region"
    )
    assert figures(read(saved(fill), source)) == {
        ("2023-09-01", "RUS", "entry"): 5,
        ("2023-09-01", "RUS", "exit"): 6,
        ("2023-09-01", "CHN", "entry"): 7,
    }


def test_tables_one_below_another_have_titles():
    source = flows(titles=["{Flow}"])
    assert figures(read(book(Data=STACKED), source)) == BOTH_WAYS
    close = [row for row in STACKED if row]
    assert figures(read(book(Data=close), source)) == BOTH_WAYS
    beside = [("An office",), ("", "Entries"), *STACKED[1:4], ("", "Exits"), (), ("Note: x",), *STACKED[5:]]
    assert figures(read(book(Data=beside), source)) == BOTH_WAYS


def test_titles_of_several_lines_are_known_by_their_patterns():
    mapping = {
        "series": ANY_WAY,
        "time": {"year": "Year", "month": "Month", "freq": "M", "formats": "YYYY MONTH"},
        "dimensions": [COUNTRY, FLOWS],
    }
    head = ("Country", "September", "October")
    rows = [
        ("Table 1. Entries",), ("Persons, 2023",), head, ("Russia", 410, 390), ("Note: rounded",), (),
        ("Table 2. Exits",), ("Persons, 2023",), (), head, ("Russia", 300, 310),
    ]  # fmt: skip
    source = spec(mapping, titles=["Table #. {Flow}", ["Persons, {Year:####}", "Year {Year:####}"]])
    assert figures(read(book(Data=rows), source)) == BOTH_WAYS
    with pytest.raises(UnreadableInput, match=r"a title Persons, .* in row 9 of Data, found Note: rounded / Table 2"):
        read(book(Data=[*rows[:7], (), *rows[9:]]), source)


def test_a_table_below_that_nobody_told_apart_is_refused():
    with pytest.raises(UnreadableInput, match="expected one table, or only notes between two, found Exits in row 5"):
        read(book(Data=STACKED))
    with pytest.raises(UnreadableInput, match=r"Russia / SEP2023 at Data!B3 and at Data!B6"):
        read(book(Data=[*STACKED[:4], *STACKED[5:]]))
    disjoint = [*STACKED[:6], ("China", 300, 310)]
    for rows in (disjoint, [row for row in disjoint if row]):
        with pytest.raises(UnreadableInput, match="only notes between two"):
            read(book(Data=rows))


@pytest.mark.parametrize(
    "between",
    [
        [(None, "NOV2023", "DEC2023")],
        [(), (None, 2022, 2023)],
        [("Nationality", "SEP2023", "OCT2023")],
        [(), ("Exits",), ("Nationality", "NOV2023", "DEC2023")],
        [(), ("Nationality", day(2023, 11, 1), day(2023, 12, 1))],
    ],
)
def test_a_header_in_other_words_inside_a_table_refuses_it(between):
    with pytest.raises(UnreadableInput, match=r"what may be another header in row \d of Data"):
        read(book(Data=[*STACKED[1:3], *between, ("China", 300, 310)]))


def test_rows_of_marks_are_no_header():
    marks = {"symbols": {"n/a": "O", "..": "Q", "c": "Q"}}
    rows = [HEAD, ("Russia", 410, 390), ("India", "n/a", "c"), (), ("China", "..", ".."), (), ("Estonia", "n/a", "n/a")]
    assert read(book(Data=rows), spec(marks)).considered == 8


def test_a_header_that_is_repeated_on_every_page_is_no_row():
    rows = [HEAD, ("Russia", 410, 390), ("Note: page 1",), HEAD, ("China", 300, 310), (), HEAD, ("India", 1, 2)]
    parsed = read(book(Data=rows))
    assert parsed.considered == 6
    assert parsed.observations["value"].tolist() == [300, 1, 410, 310, 2, 390]


def test_label_columns_may_be_known_by_letter():
    rows = [("Visitors",), (None, "SEP2023", "OCT2023"), ("Russia", 410, 390), ("China", 55, "..")]
    source = spec({"symbols": {"..": "Q"}}, stub_columns=["A"])
    parsed = read(book(Data=rows), source)
    assert parsed.considered == len(parsed.observations) == 4
    named = [("Visitors",), ("Land", "SEP2023", "OCT2023"), *rows[2:]]
    with pytest.raises(UnreadableInput, match="a header with nothing in A, and rows with labels below"):
        read(book(Data=named), source)
    declared = spec({"symbols": {"..": "Q"}}, stub_columns=["A"], header_row=2)
    assert figures(read(book(Data=named), declared)) == figures(parsed)
    apart = [(code, *row) for code, row in zip(("x", None, "RU", "CN"), rows, strict=True)]
    other = spec({"symbols": {"..": "Q"}}, stub_columns=["B"], ignore_columns=["code"], header_row=2)
    assert figures(read(book(Data=[apart[0], ("code", *rows[1]), *apart[2:]]), other)) == figures(parsed)


def test_tables_with_label_columns_by_letter_have_titles_too():
    bare = (None, "SEP2023", "OCT2023")
    rows = [bare if row == HEAD else row for row in STACKED]
    assert figures(read(book(Data=rows), flows(stub_columns=["A"], titles=["{Flow}"]))) == BOTH_WAYS
    with pytest.raises(UnreadableInput, match="only notes between two"):
        read(book(Data=[*rows[:-1], ("China", 300, 310)]), spec(stub_columns=["A"]))
    with pytest.raises(UnreadableInput, match="may be another header in row 4 of Data"):
        read(book(Data=[rows[0], bare, rows[2], (None, 2, 3), ("China", 300, 310)]), spec(stub_columns=["A"]))


def test_the_row_of_the_header_may_be_declared():
    rows = [("Country",), ("of citizenship",), HEAD, ("Russia", 410, 390)]
    with pytest.raises(UnreadableInput, match="header"):
        read(book(Data=rows))
    assert len(read(book(Data=rows), spec(header_row=3)).observations) == 2
    with pytest.raises(UnreadableInput, match="expected header Country in row 2 of Data, found of citizenship"):
        read(book(Data=rows), spec(header_row=2))


def test_header_texts_are_matched_without_regard_to_capitals_and_blanks():
    rows = [(" COUNTRY ", "sep2023", "Oct2023", "Share,  %", "Change 2"), ("Russia", 410, 390, 0.5, 3)]
    options = {
        "levels": [{"dimension": "Month", "expect": ["SEP2023", "OCT2023"]}],
        "ignore_columns": ["share, %", "Change #"],
    }
    parsed = read(book(Data=rows), spec(**options))
    assert parsed.observations["value"].tolist() == [410, 390]
    assert read(book(Data=rows), spec(**options | {"ignore_columns": ["*"]})).considered == 2
    with pytest.raises(UnreadableInput, match=r"found Change 2 at Data!E1"):
        read(book(Data=rows), spec(**options | {"ignore_columns": ["share, %"]}))


def test_the_name_of_a_workbook_states_what_its_sheets_do_not():
    mapping = {"time": {"year": "Year", "month": "Month", "freq": "M", "formats": "YYYY MONTH"}}
    source = spec(mapping, file_name="visitors-{Year:####}.xlsx")
    given = [
        payload(book(Data=[("Country", "January"), ("Russia", n)]), f"visitors-{year}.xlsx")
        for year, n in ((2022, 11), (2023, 410))
    ]
    assert parse(given, source).observations["value"].tolist() == [11, 410]
    with pytest.raises(UnreadableInput, match="expected a file named visitors-"):
        parse([payload(given[0].content, "data")], source)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sheet": ["{Year:####}", "Total"]}, "same parts in braces"),
        ({"titles": ["Entries"]}, "names parts in braces"),
        ({"titles": [["{Flow}", "{Year}"]]}, "names parts in braces"),
        ({"groups": "Country"}, "Country is stated twice"),
        ({"sheet": "{Month}"}, "Month is stated twice"),
        ({"stub_columns": ["A", "B"]}, "one letter for each name of stub"),
        ({"stub_columns": ["1"]}, "capital letters of columns"),
        ({"file_name": "data.xlsx"}, "names no part in braces"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(options, told):
    with pytest.raises(CrossingsError, match=told):
        spec(**options)
