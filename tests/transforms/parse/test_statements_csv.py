"""Parsing a statement CSV: strict about bytes and header, patient with rows, and no row is ever lost."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import COLUMNS, DATA, frame_of, judged, prepared_from, statement, statement_csv

from crossings.errors import CrossingsError, UnreadableInput
from crossings.schema.tables import FINDINGS, QUARANTINE, REPORTS
from transforms.parse import statements_csv

REAL = (DATA / "register" / "reports.csv").read_bytes()
NARROW = "report_id,country,direction,period_start,period_end,value\n"


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableInput) as caught:
        statements_csv.parse(content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_real_register_parses_without_a_torn_or_unread_field() -> None:
    found = statements_csv.parse(REAL)
    assert found.considered == len(found.reports) == 1180
    assert (found.reports["unparsed"] == "").all()
    assert found.reports.loc[0, ["report_id", "value"]].tolist() == ["FIN-001", 8314]


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    plain, marked = statements_csv.parse(REAL), statements_csv.parse(b"\xef\xbb\xbf" + REAL)
    pd.testing.assert_frame_equal(plain.reports, marked.reports)


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_other_line_endings_give_the_same_rows(ending: bytes) -> None:
    content = statement_csv(statement(), statement(report_id="A-2"))
    other = statements_csv.parse(content.replace(b"\n", ending)).reports
    pd.testing.assert_frame_equal(other, statements_csv.parse(content).reports)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        (REAL.decode().encode("utf-16"), "UTF-16"),
        (statement_csv(statement(publisher="Helsingin Sanomat, päivä")).decode().encode("latin-1"), "not UTF-8"),
        (REAL[:500] + b"\x00" + REAL[500:], "NUL byte at offset 500"),
        (b"<!DOCTYPE html><html><body>Service unavailable</body></html>", "web page"),
        (b'{"error": "not found"}', "web page or JSON"),
        (NARROW.replace("value", "value,value").encode(), "repeats the column value"),
        (NARROW.replace("value", "value,colour").encode(), "unknown columns: 'colour'"),
        (NARROW.replace(",period_end", "").encode(), "lacks the columns period_end"),
        (NARROW.encode() + b'A-1,FIN,entry,2022-09-25,2022-09-25,"8314\nA-2,FIN,entry', "quote is never closed"),
    ],
)
def test_bytes_that_are_no_statement_csv_are_refused_in_one_line(content: bytes, says: str) -> None:
    assert says in refusal(content)


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (
            NARROW.replace(",", ";"),
            "reports.csv is separated by semicolons, not by commas — save it as CSV with commas",
        ),
        ("\ufeff" + NARROW.strip().replace(",", '";"').join('""') + "\r\n", "is separated by semicolons"),
        (NARROW.replace(",", "\t"), "is separated by tabs"),
        (NARROW.replace(",", " | ").replace("value", "colour"), "is separated by bars"),
    ],
)
def test_a_file_with_another_separator_is_named_as_such(header: str, says: str) -> None:
    assert says in refusal((header + "A-1\n").encode())


@pytest.mark.parametrize(
    ("start", "end", "read"),
    [
        ("0:00", "24:00", ("00:00", "24:00")),
        ("00:00:00", "24:00:00", ("00:00", "24:00")),
        ("9:05", "23:59", ("09:05", "24:00")),
        ("7:30:00", "23:59:59", ("07:30", "24:00")),
        (" 23:59 ", "23:59:00", ("23:59", "24:00")),
        ("10:00", "10:00", ("10:00", "10:00")),
        ("10.30", "10:30:15", ("10.30", "10:30:15")),
        ("9:5", "123:00", ("9:5", "123:00")),
    ],
)
def test_clocks_are_read_with_seconds_and_one_digit_and_the_last_minute_ends_the_day(
    start: str, end: str, read: tuple[str, str]
) -> None:
    rows = (statement(start_time=start, end_time=end), statement(report_id="A-2", start_time=start, end_time=end))
    found = statements_csv.parse(statement_csv(*rows)).reports
    assert found[["start_time", "end_time"]].drop_duplicates().values.tolist() == [list(read)]


def test_the_wrong_byte_is_named_with_its_line() -> None:
    content = statement_csv(statement(), statement(report_id="A-2", note="päivä")).decode().encode("latin-1")
    assert "0xe4 in line 3" in refusal(content)


def test_a_header_of_thousands_of_unknown_columns_gives_a_short_message() -> None:
    assert len(refusal((",".join(f"column{i}" for i in range(5000)) + "\n").encode())) < 400


@pytest.mark.parametrize("header", [NARROW.replace(",", " , "), NARROW.strip().replace(",", '","').join('""') + "\n"])
def test_a_header_with_spaces_or_quotes_names_the_same_columns(header: str) -> None:
    found = statements_csv.parse(header.encode() + b"A-1,FIN,entry,2022-09-25,2022-09-25,8314\n").reports
    assert found.loc[0, "value"] == 8314
    assert found.loc[0, "period_start"] == pd.Timestamp("2022-09-25")


def test_columns_that_the_file_lacks_take_the_least_committal_code() -> None:
    found = statements_csv.parse(NARROW.encode() + b"A-1,FIN,entry,2022-09-25,2022-09-25,8314\n").reports.iloc[0]
    assert found[["scope", "mode", "citizenship", "statistic", "qualifier"]].tolist() == [
        "national", "all", "all", "total", "exact"]  # fmt: skip
    assert found["tier"] == 4
    assert found["origin_id"] == "A-1"
    assert pd.isna(found["url"])


def test_a_header_without_rows_is_a_register_without_reports() -> None:
    found = statements_csv.parse(NARROW.encode())
    assert found.considered == 0
    assert list(found.reports["report_id"]) == []


def test_torn_rows_are_kept_as_received_with_place_and_reason() -> None:
    lines = [NARROW.strip(), "A-1,FIN,entry,2022-09-25,2022-09-25,8314", "A-2,FIN,entry",
             "A-3,FIN,entry,2022-09-25,2022-09-25,8314,9,9", "A-4,FIN,entry,2022-09-25,2022-09-25,8314"]  # fmt: skip
    found = statements_csv.parse("\n".join(lines).encode())
    assert found.considered == 4
    assert found.reports[["report_id", "locator"]].values.tolist() == [["A-1", "record 1"], ["A-4", "record 4"]]
    assert found.torn["locator"].tolist() == ["record 2", "record 3"]
    assert [json.loads(r)["line"] for r in found.torn["record"]] == lines[2:4]
    assert found.torn["reason"].tolist() == ["3 fields where the header has 6", "8 fields where the header has 6"]


def test_torn_rows_go_to_quarantine_and_the_others_stay() -> None:
    content = statement_csv(statement(), statement(report_id="A-3")) + b"A-2,FIN,entry\n"
    rules, tables = judged(prepared_from(content))
    assert rules == set()
    assert tables.rows_in == 3
    assert tables.reports["report_id"].tolist() == ["A-1", "A-3"]
    assert tables.quarantine[["rule", "payload_locator"]].values.tolist() == [["V01", "record 3"]]


def test_newlines_and_commas_inside_quotes_belong_to_the_field() -> None:
    found = frame_of(statement(note="first line\nsecond, line"), statement(report_id="A-2"))
    assert found["note"].iloc[0] == "first line\nsecond, line"
    assert found["report_id"].tolist() == ["A-1", "A-2"]


def test_a_field_of_megabytes_is_read_whole() -> None:
    note = "x" * 3_000_000
    assert frame_of(statement(note=note), statement(report_id="A-2"))["note"].iloc[0] == note


def test_a_monstrous_field_is_read_whole_or_the_file_refused() -> None:
    content = statement_csv(statement(note="x" * 20_000_000))
    try:
        found = statements_csv.parse(content)
    except UnreadableInput as error:
        refused = error
    else:
        assert len(found.reports["note"].iloc[0]) == 20_000_000
        return
    assert len(str(refused)) < 300


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("period_start", "2022-02-30"),
        ("period_end", "25.9.2022"),
        ("recorded_on", "tomorrow"),
        ("published_on", "2022-13"),
        ("published_on", "26.9.2022"),
        ("value", "8 314"),
        ("value", "83.14"),
        ("value", "1" * 16),
        ("tier", "first"),
        ("tier", "300"),
        ("cutoff_assumed", "perhaps"),
    ],
)
def test_a_field_that_does_not_parse_is_named_and_empty(field: str, text: str) -> None:
    row = frame_of(statement(**{field: text})).iloc[0]
    if field != "tier" or text != "300":  # a tier that is a number, but no tier, is missing and fails as such
        assert row["unparsed"] == field
    if field != "published_on":
        assert pd.isna(row[field])


@pytest.mark.parametrize("text", ["2022", "2022-09", "2022-09-26", ""])
def test_a_publication_day_may_be_a_day_a_month_or_a_year(text: str) -> None:
    assert frame_of(statement(published_on=text)).iloc[0]["unparsed"] == ""


def test_one_badly_written_publication_day_does_not_spoil_the_others() -> None:
    rows = prepared_from(statement_csv(statement(published_on="26.9.2022"), statement(report_id="A-2"))).frame
    alone = prepared_from(statement_csv(statement(report_id="A-2"))).frame
    assert rows["published_at"].iloc[1] == alone["published_at"].iloc[0]


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_the_calendar_do_no_harm(date: str) -> None:
    row = statement(period_start=date, period_end=date, published_on="")
    assert judged(prepared_from(statement_csv(row)))[1].rows_in == 1


def test_optional_columns_state_bounds_and_instants() -> None:
    row = frame_of(statement(lower="97500.5", upper="", sigma="nan", published_at="2022-09-26T09:00:00+03:00")).iloc[0]
    assert row["lower"] == 97500.5
    assert pd.isna(row["upper"])
    assert row["published_at"] == pd.Timestamp("2022-09-26T06:00:00Z")
    assert row["unparsed"] == "sigma"


SEED = b"".join(REAL.splitlines(keepends=True)[:12])
HOSTILE = [b"\n", b"\r\n", b",", b'"', b'""', b"\x00", b"\xff", b"-", b"9" * 30, b"nan", b"2022-02-30", b"\xef\xbb\xbf",
           "\u2028".encode(), "²".encode(), b"=1+1", b" ", b"entry", b"1e9", b"\\"]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = SEED
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["insert", "delete", "cut", "replace"]))
        length = draw(st.integers(1, 40))
        inserted = draw(st.sampled_from(HOSTILE) | st.binary(max_size=4))
        if kind == "insert":
            content = content[:place] + inserted + content[place:]
        elif kind == "delete":
            content = content[:place] + content[place + length :]
        elif kind == "replace":
            content = content[:place] + inserted + content[place + length :]
        else:
            content = content[:place]
    return content


def records(content: bytes) -> int:
    """Records below the header of a CSV without quotes: its lines that are not empty."""
    return sum(1 for line in re.split(rb"\r\n|\r|\n", content.removeprefix(b"\xef\xbb\xbf"))[1:] if line)


@given(content=mutated())
def test_whatever_the_bytes_every_record_is_parsed_or_torn_or_the_file_refused(content: bytes) -> None:
    try:
        found = statements_csv.parse(content)
    except CrossingsError:
        return
    assert len(found.reports) == found.raw.num_rows
    assert len({*found.reports["locator"], *found.torn["locator"]}) == found.considered
    if b'"' not in content:
        assert found.considered == records(content)


@given(content=mutated())
def test_whatever_the_bytes_every_record_ends_in_exactly_one_place(content: bytes) -> None:
    try:
        prepared = prepared_from(content)
    except CrossingsError:
        return
    _, tables = judged(prepared)
    assert tables.rows_in == len(tables.reports) + len(tables.quarantine) + tables.duplicates
    assert REPORTS.conform(tables.reports).num_rows == len(tables.reports)
    assert QUARANTINE.conform(tables.quarantine).num_rows == len(tables.quarantine)
    assert FINDINGS.conform(tables.findings.drop_duplicates("finding_id")).num_rows >= 0


def test_the_raw_record_of_a_row_is_what_the_file_holds() -> None:
    found = statements_csv.parse(statement_csv(statement(note="ä, b")))
    record = json.loads(statements_csv.raw_records(found, [0])[0])
    assert list(record) == COLUMNS
    assert record["note"] == "ä, b"
    assert record["value"] == "8314"
