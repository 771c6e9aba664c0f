"""Uljas: the cube service's own spelling of a query, its code lists, its answers."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_support import as_json, changed, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.contract import Span
from transforms.parse.protocols.uljas import encode, query_string, questions
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "uljas"
    renamed = (b"Entering", b"Arriving")

    def sample(self):
        return sources()["fi-tulli-border-traffic"], recorded("fi-tulli-border-traffic")


@pytest.fixture(scope="module")
def specs():
    return sources()


def asked(spec, back=None):
    """The questions of a look; no answer changes the next one."""
    return list(questions(spec, back))


def test_uljas_encodes_spaces_and_letters_in_its_own_way():
    assert encode("02 LOGISTIIKKA") == "02*;LOGISTIIKKA"
    assert encode("Määrä öljy Åbo") == "M*228;*228;r*228;*;*246;ljy*;*197;bo"
    assert encode("å") == "*229;"


def test_uljas_joins_codes_with_a_double_quote_and_keeps_ranges():
    query = query_string("data", "/DATABASE/02 X/Y", {"Country": ["RU", "EE"], "Month": ["=FIRST*;12"]})
    assert query == (
        "lang=en&atype=data&konv=json&ifile=/DATABASE/02*;X/Y&Select=Codes&Country=RU%22EE&Month==FIRST*;12"
    )
    assert query_string("class", "/A", {"class": ["Country"]}, lang="fi") == (
        "lang=fi&atype=class&konv=json&ifile=/A&class=Country"
    )


@given(st.text(max_size=30))
def test_an_encoded_text_never_breaks_the_query(text):
    assert not set(encode(text)) & set(' &#?"+<>')


def test_the_border_traffic_query_names_cube_and_every_selection(specs):
    query = asked(specs["fi-tulli-border-traffic"])[-1].query
    assert "ifile=/DATABASE/02*;LOGISTIIKKATILASTOT/09*;RAJALIIKENNE/ULJAS_RAJALIIKENNE" in query
    assert "Direction=E%22L" in query


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda _: b"<html><head><title>Uljas error</title></head></html>", "HTML page: Uljas error"),
        (lambda _: b"[]", "an answer of size zero"),
        (lambda _: b'{"keys": []}', "a list of keys and vals"),
        (as_json(lambda r: r[0]["keys"].pop() and None), "expected 4 keys in row 0"),
        (as_json(lambda r: r[0]["vals"].append(1)), "expected 1 vals in row 0"),
    ],
)
def test_an_uljas_answer_of_another_shape_is_refused(change, told, specs):
    with pytest.raises(UnreadableInput, match=told):
        parse(changed("fi-tulli-border-traffic", "data", change), specs["fi-tulli-border-traffic"])


def test_the_code_lists_are_asked_first_and_by_their_own_query(specs):
    classes, data = asked(specs["fi-tulli-border-traffic"])
    assert (classes.name, data.name) == ("class-Direction", "data")
    assert classes.query.endswith("&class=Direction")
    assert "atype=class" in classes.query
    assert "atype=data" in data.query


def test_a_look_back_asks_for_the_first_so_many_months_and_leaves_other_selections_alone(specs):
    spec = specs["fi-tulli-border-traffic"]
    usual, back = (asked(spec, span)[-1].query for span in (None, Span(date(2016, 4, 1), date(2026, 4, 1))))
    months = int(re.search(r"Month==FIRST\*;(\d+)", back).group(1))
    assert months >= 120
    assert back.replace(f"FIRST*;{months}", "FIRST*;36") == usual
