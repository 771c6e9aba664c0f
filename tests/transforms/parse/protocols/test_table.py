"""Delimited text: what is declared is read, everything else is refused."""

from __future__ import annotations

import json
from datetime import date

import pytest
from daily_file import daily, read
from parse_support import payload
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
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
