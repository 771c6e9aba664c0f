"""Bytes become text and JSON without a guess: what is not as declared is told with what was found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_support import payload

from crossings.errors import UnreadableInput
from transforms.parse.text import decoded, is_multibyte_utf8, load_json, refuse_error_page


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "an empty answer"),
        (b"\xef\xbb\xbf \r\n", "an empty answer"),
        (b"<!DOCTYPE html><title>Down</title>", "an HTML page: Down"),
        (b"  <HTML><body>Wartung</body>", "an HTML page: <HTML>"),
        (b"\x1f\x8b\x08rest", "gzip bytes"),
        (b"%PDF-1.7", "a PDF file"),
    ],
)
def test_what_is_no_table_at_all_is_named(content, told):
    with pytest.raises(UnreadableInput, match=told):
        refuse_error_page(payload(content), "a table")


def test_a_charset_is_a_claim_that_the_bytes_must_bear_out():
    assert decoded(payload("ä".encode("latin-1")), "latin-1") == "ä"
    assert decoded(payload("\ufeffä"), "utf-8") == "ä"
    for content, encoding, told in (
        ("ä".encode("latin-1"), "utf-8", "byte 0xe4 at 0"),
        ("ä".encode(), "windows-1252", "UTF-8 bytes"),
        ("\ufffd".encode(), "utf-8", "1 replacement characters"),
        (b"a\x00b", "utf-8", "1 NUL bytes"),
        (b"a", "klingon", "found klingon"),
    ):
        with pytest.raises(UnreadableInput, match=told):
            decoded(payload(content), encoding)
    assert decoded(payload(b"a\x00b"), "utf-8", drop_nul=True) == "ab"


@given(st.text(st.characters(exclude_characters="\ufffd\x00\ufeff", exclude_categories=["Cs"])))
def test_whole_utf_8_is_given_back_letter_by_letter(text):
    assert decoded(payload(text.encode()), "utf-8") == text
    assert is_multibyte_utf8(text.encode()) == (not text.isascii())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1, "a": 2}', "key 'a' stands twice"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "beyond reason"),
        ('{"a": 1', "whole JSON"),
        ("[1] [2]", "whole JSON"),
        ("[" * 100_000, "nesting beyond reason|whole JSON"),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(text, told):
    with pytest.raises(UnreadableInput, match=told):
        load_json(payload(text))


def test_numbers_keep_their_spelling():
    assert load_json(payload("[12, 12.50, 1e3]")) == [12, Decimal("12.50"), Decimal("1e3")]
    assert str(load_json(payload("[12.50]"))[0]) == "12.50"


def test_a_letter_in_two_escapes_is_one_and_half_of_it_is_refused():
    assert load_json(payload(r'["\ud83d\ude00", "\\ud83d"]')) == ["\U0001f600", r"\ud83d"]
    with pytest.raises(UnreadableInput, match="half a letter in the text"):
        load_json(payload(r'{"a": [{"\ud83d": 1}]}'))
