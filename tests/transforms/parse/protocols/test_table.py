"""Delimited text: what is declared is read, everything else is refused."""

from __future__ import annotations

import json
from datetime import date

import pytest
from daily_file import daily, read
from parse_support import made, payload
from protocol_laws import ProtocolLaws

from crossings.errors import CrossingsError, UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "table"
    renamed = (b"persons", b"people")
    end_is_marked = False

    def sample(self):
        return daily(addresses=[{"role": "data", "url": "https://office.example/data.csv"}]), [
            payload("day,persons\n2022-09-24,8572\n2022-09-25,8314\n", "data.csv")
        ]


def test_a_plain_file_becomes_observations_with_their_place():
    parsed = read("day,persons\n2022-09-24,8572\n2022-09-25,8314\n")
    frame = parsed.observations
    assert frame["value"].tolist() == [8572, 8314]
    assert frame["payload_locator"].tolist() == ["row 2 col 2", "row 3 col 2"]
    assert frame["period_start"].tolist() == [date(2022, 9, 24), date(2022, 9, 25)]
    assert json.loads(frame["raw"][0]) == {"day": "2022-09-24"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected 2 to"),
        ("  \n", "an empty answer"),
        ("day,persons\n", "answer of size zero"),
        ("<!DOCTYPE html><html><title>Not found</title></html>", "HTML page: Not found"),
        ("day;persons\n2022-09-24;1\n", "expected columns day, persons"),
        ("persons,day\n1,2022-09-24\n", "expected columns day, persons"),
        ("day,persons,note\n2022-09-24,1,x\n", "expected columns day, persons"),
        ("day,persons\n2022-09-24,1,2\n", "expected 2 fields in line 2, found 3"),
        ('day,persons\n2022-09-24,"1\n', "delimited text"),
        ("day,persons\n2022-09-24,1\x00\n", "1 NUL bytes"),
        ("day,persons\n2022-09,1\n", "expected periods of frequency D"),
        (f"day,persons\n2022-09-24,{'1' * 20_000}\n", "fields up to 10,000 characters"),
        ("PK\x03\x04 day,persons", "a zip or xlsx file"),
    ],
)
def test_a_fault_of_the_file_refuses_it_whole(text, told):
    with pytest.raises(UnreadableInput, match=told):
        read(text)


def test_wrong_charsets_are_told_both_ways():
    with pytest.raises(UnreadableInput, match="byte 0xe4"):
        parse([payload("day,persons\nä,1\n".encode("latin-1"))], daily())
    with pytest.raises(UnreadableInput, match="UTF-8 bytes"):
        read("day,persons\nä,1\n", daily(options={"encoding": "windows-1252"}))
    with pytest.raises(UnreadableInput, match="1 replacement characters"):
        read("day,persons\n\ufffd,1\n")


def test_byte_order_mark_and_crlf_are_no_content():
    assert read("\ufeffday,persons\r\n2022-09-24,5\r\n").observations["value"].tolist() == [5]


def test_nul_bytes_are_dropped_only_where_declared():
    text = "title line\nday;persons\n2022-09-24;\x005\n"
    spec = daily(options={"delimiter": ";", "skip_lines": 1, "drop_nul": True})
    assert read(text, spec).observations["value"].tolist() == [5]
    assert read(text, spec).observations["payload_locator"].tolist() == ["row 3 col 2"]


def trips(text, **options):
    """Monthly trips by country, in whatever shape the options declare; bytes stay as they are."""
    mapping = {
        "series": {"country": "FIN", "scope": "national", "mode": "all", "direction": "entry"},
        "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
        "dimensions": [{"dimension": "country", "field": "citizenship", "codes_from": "country"}],
    }
    named = {"columns": ["country", "month", "trips"], "values": ["trips"]}
    return parse([payload(text)], made("table", named | options, mapping))


def figures(parsed):
    frame = parsed.observations
    return dict(
        zip(zip(frame["citizenship"], frame["period_start"].map(str), strict=True), frame["value"], strict=True)
    )


SEPTEMBER = {("RUS", "2023-09-01"): 1410, ("EST", "2023-09-01"): 55}
ROWS = "Russia,2023-09,1410\nEstonia,2023-09,55\n"
HEADED = "country,month,trips\n" + ROWS


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (HEADED + "\nSource: an office\nData last updated 2023-10-20\n", {"footer": ["Source", "Data last updated"]}),
        (HEADED + "Source: an office,,\n\n* revised,,\n", {"footer": ["Source", "*"]}),
        (HEADED + '"Notes, in\ntwo lines"\n', {"footer": ["Notes"]}),
        (HEADED + "(c) office; 2023\nlast line without a word\n", {"footer": ["(c)"]}),
        (ROWS, {"header": False}),
        ("a title\n\n" + ROWS, {"header": False, "skip_lines": 2}),
        ("1,Russia,2023-09,1410\n2,Estonia,2023-09,55\n", {"header": False, "row_names": True}),
        ("country,month,trips\n1,Russia,2023-09,1410\n2,Estonia,2023-09,55\n", {"row_names": True}),
        (",country,month,trips\n0,Russia,2023-09,1410\n1,Estonia,2023-09,55\n", {"row_names": True}),
        ("country\tmonth\ttrips\na\tRussia\t2023-09\t1410\nb\tEstonia\t2023-09\t55\n", {"row_names": True, "delimiter": "\t"}),
        ("country,month,trips\n#country,#date,#num\n" + ROWS, {"skip_after_header": 1}),
        ("country,month,trips\nName\nunits,,persons\n" + ROWS, {"skip_after_header": 2}),
        ("country,month,trips,note\nRussia,2023-09,1410,\nEstonia,2023-09,55,revised\n", {"ignore_columns": ["*"]}),
        ("id,country,x1,month,trips\n7,Russia,,2023-09,1410\n8,Estonia,,2023-09,55\n", {"ignore_columns": ["id", "x#"]}),
        ("Country,MONTH, trips \n" + ROWS, {}),
        ("country,month,trips,\nRussia,2023-09,1410,\nEstonia,2023-09,55,\n", {}),
        ("\ufeff" + HEADED.replace("\n", "\r\n"), {}),
        (HEADED.replace("\n", "\r"), {}),
        (HEADED.encode("utf-16"), {"encoding": "utf-16"}),
        (HEADED.replace(",", ";").encode("utf-16-be"), {"encoding": "utf-16-be", "delimiter": ";"}),
        (HEADED.replace(",", "^"), {"delimiter": "^"}),
        ("country  month  trips\nRussia   2023-09  1410\nEstonia  2023-09  55\n", {"delimiter": " "}),
        (HEADED.replace(",", ", ").replace("Russia, ", '"Russia", '), {"skip_blanks": True}),
        (HEADED.replace("Russia", "'Russia'"), {"quote": "'"}),
        (HEADED + 'Source "office, 2023\n', {"quote": "", "footer": ["Source"]}),
        ("sep=,\n" + HEADED, {"skip_lines": 1}),
    ],
)  # fmt: skip
def test_a_declared_shape_gives_the_same_figures(text, options):
    parsed = trips(text, **options)
    assert figures(parsed) == SEPTEMBER
    assert parsed.considered == 2


def test_cyrillic_in_one_byte_letters_is_read_where_it_is_declared():
    text = HEADED.replace("Russia", "Россия").encode("windows-1251")
    assert figures(trips(text, encoding="windows-1251")) == SEPTEMBER
    with pytest.raises(UnreadableInput, match="byte 0xd0 at"):
        trips(text)


def test_utf_16_that_nobody_declared_is_named():
    with pytest.raises(UnreadableInput, match="the byte-order mark of UTF-16"):
        trips(HEADED.encode("utf-16"))


@pytest.mark.parametrize(
    ("torn", "reason"),
    [
        ("Korea, Republic of,2023-09,12\n", "expected 3 fields in line 3, found 4"),
        ("Latvia,2023-09\n", "expected 3 fields in line 3, found 2"),
        ('Latvia,2023-09,"12\n', "expected delimited text in line 3"),
        ('Latvia,"2023"-09,12\n', "expected delimited text in line 3"),
        ("Note: without a footer word\n", "expected 3 fields in line 3, found 1"),
    ],
)
def test_a_torn_row_is_set_aside_and_the_others_are_read(torn, reason):
    parsed = trips(HEADED.replace("Estonia", torn + "Estonia"))
    assert figures(parsed) == SEPTEMBER
    assert parsed.rejected["rule"].tolist() == ["V01"]
    assert parsed.rejected["reason"][0].startswith(reason)
    assert json.loads(parsed.rejected["record"][0])["value"] == torn
    assert parsed.rejected["payload_locator"].tolist() == ["row 3"]


def test_a_file_of_torn_rows_is_refused():
    with pytest.raises(UnreadableInput, match="found 4; 3 of 4 rows are torn"):
        trips(HEADED[: len("country,month,trips\n")] + "Russia,2023-09,1410\n" + "Estonia,2023-09,5,5\n" * 3)
    with pytest.raises(UnreadableInput, match="1 of 3 rows are torn"):
        trips(HEADED + "Korea, Republic of,2023-09,12\n", max_torn=0.2)


def test_a_row_below_the_footer_refuses_the_file():
    with pytest.raises(UnreadableInput, match="nothing but words below the footer, found a row in line 5"):
        trips(HEADED + "Source: an office\nLatvia,2023-09,7\n", footer=["Source"])


def test_a_column_that_nobody_declared_refuses_the_file():
    with pytest.raises(UnreadableInput, match="and no other, found note") as told:
        trips("country,month,trips,note\nRussia,2023-09,1410,x\n")
    assert "ignore_columns" in told.value.remedy


def test_months_are_an_open_set_of_columns():
    wide = {"columns": ["country"], "values": ["####-##"], "values_as": "month"}
    for text, number in (
        ("country,2023-08,2023-09\nRussia,1380,1410\nEstonia,61,55\n", 4),
        ("country,2023-08,2023-09,2023-10\nRussia,1380,1410,1275\nEstonia,61,55,70\n", 6),
    ):
        parsed = trips(text, **wide)
        assert len(parsed.observations) == number
        assert SEPTEMBER.items() <= figures(parsed).items()
    with pytest.raises(UnreadableInput, match="and no other, found 2023 total"):
        trips("country,2023-08,2023 total\nRussia,1380,1410\n", **wide)
    with pytest.raises(UnreadableInput, match="each figure column once"):
        trips("country,2023-08,2023-08\nRussia,1380,1410\n", **wide)


def test_parts_of_a_column_name_are_labels():
    mapping = {
        "series": {"country": "FIN", "scope": "national", "mode": "all", "citizenship": "RUS"},
        "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
        "dimensions": [
            {"dimension": "way", "labels": {"in": {"direction": "entry"}, "out": {"direction": "exit"}}},
            {"dimension": "post", "ignore": True},
        ],
    }
    options = {"columns": ["post"], "values": ["{way}_{month:####-##}"]}
    parsed = parse([payload("post,in_2023-09,out_2023-09\nA,5,6\n")], made("table", options, mapping))
    assert dict(zip(parsed.observations["direction"], parsed.observations["value"], strict=True)) == {
        "entry": 5,
        "exit": 6,
    }


def test_the_name_of_a_file_states_what_its_rows_do_not():
    mapping = {
        "series": {"country": "FIN", "scope": "national", "mode": "all", "direction": "entry", "citizenship": "RUS"},
        "time": {"year": "year", "month": "month", "freq": "M", "formats": "YYYY MONTH"},
    }
    options = {"columns": ["month", "trips"], "values": ["trips"], "file_name": "trips-{year:####}.csv"}
    source = made("table", options, mapping)
    given = [payload(f"month,trips\nJanuary,{n}\n", f"trips-{year}.csv") for year, n in ((2022, 11), (2023, 410))]
    frame = parse(given, source).observations
    assert frame["period_start"].map(str).tolist() == ["2022-01-01", "2023-01-01"]
    assert frame["value"].tolist() == [11, 410]
    with pytest.raises(UnreadableInput, match="expected a file named trips-"):
        parse([payload("month,trips\nJanuary,1\n", "data")], source)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"delimiter": ", "}, "delimiter"),
        ({"delimiter": "'", "quote": "'"}, "different characters"),
        ({"header": False, "ignore_columns": ["*"]}, "without a header"),
        ({"values": ["####-##"]}, "values_as"),
        ({"file_name": "data.csv"}, "names no part in braces"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, told):
    with pytest.raises(CrossingsError, match=told):
        trips(HEADED, **options)
