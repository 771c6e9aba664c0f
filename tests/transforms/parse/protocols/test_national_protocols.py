"""Uljas, stat.gov.kz, Taldau, EMISS and Eurostat: each with its own traps."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_support import made, payload, recorded, sources

from crossings.errors import UnreadableInput
from transforms.parse.protocols.uljas import encode, planned_query, query_string
from transforms.parse.registry import parse


@pytest.fixture(scope="module")
def specs():
    return sources()


def changed(name, role, change):
    """The recorded payloads of a source, one of them changed."""
    return [replace(payload(change(f.content)), name=f.name) if f.role == role else f for f in recorded(name)]


def as_json(change):
    def apply(content):
        root = json.loads(content.decode("utf-8-sig"))
        return json.dumps(change(root) or root).encode()

    return apply


# Uljas


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
    query = planned_query(specs["fi-tulli-border-traffic"])
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


# stat.gov.kz


def test_tab_separated_text_gives_the_same_figures_as_json(specs):
    spec = specs["kz-bns-visitors"]
    text = (
        "\ufeffТерритория\tСтрана\t30.06.2025\t30.09.2025\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tВсего\t2500\t2700\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tСНГ\t2000\t2100\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tРоссия\t610\tx\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tУзбекистан\t990\t1 010\r\n"
    )
    columns = ["period_start", "value", "citizenship", "obs_status", "status_symbol", "raw"]
    from_text = parse([payload(text)], spec)
    from_json = parse(recorded("kz-bns-visitors"), spec)
    assert from_text.observations[columns].equals(from_json.observations[columns])
    assert from_text.rejected["rule"].tolist() == from_json.rejected["rule"].tolist()
    assert from_text.observations["payload_locator"].str.fullmatch(r"row \d+ col \d+").all()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04rest", "a zip or xlsx file"),
        (b"%PDF-1.4", "a PDF file"),
        (b"\xd0\xcf\x11\xe0rest", "an old Office file"),
        (b"<!DOCTYPE html><title>404</title>", "HTML page: 404"),
        ("Территория,Страна,30.06.2025\n".encode(), "expected columns Территория, Страна and periods"),
        ("Территория\tСтрана\t30.06.2025\nx\ty\n".encode(), "expected 3 fields in row 2"),
        (b'[{"terms": ["1"], "termNames": ["x"], "periods": []}]', "expected 2 terms"),
        (b'[{"terms": [], "names": []}]', "terms, termNames and periods"),
        (b'{"message": "error"}', "a list of records"),
    ],
)
def test_an_iblock_file_is_sniffed_and_refused(content, told, specs):
    with pytest.raises(UnreadableInput, match=told):
        parse([payload(content)], specs["kz-bns-visitors"])


def test_a_date_that_ends_no_quarter_refuses_the_payload(specs):
    given_ = changed("kz-bns-visitors", "data", lambda c: c.replace(b"30.06.2025", b"01.06.2025"))
    with pytest.raises(UnreadableInput, match="not the last day of a period of frequency Q"):
        parse(given_, specs["kz-bns-visitors"])


# Taldau


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (as_json(lambda r: r[0].update(surprise=1)), "expected known keys, found surprise"),
        (as_json(lambda r: r[0].pop("122024") and None), "the twin 122024 beside y122024"),
        (as_json(lambda r: r[0].update({"y062024": "1", "062024": "2"})), "periods of frequency A, found y062024"),
        (as_json(lambda _: {"error": 500}), "a list of nodes"),
        (as_json(lambda r: r[0].pop("text") and None), "a node with a text"),
    ],
)
def test_a_taldau_answer_of_another_shape_is_refused(change, told, specs):
    with pytest.raises(UnreadableInput, match=told):
        parse(changed("kz-taldau", "data", change), specs["kz-taldau"])


def test_taldau_months_and_quarters_follow_the_declared_frequency():
    for freq, key, formats, first in (("M", "y052024", "YYYYMmm", 5), ("Q", "y062024", "YYYYQq", 4)):
        spec = made(
            "taldau",
            {"dimension": "Place"},
            {
                "series": {
                    "country": "KAZ",
                    "scope": "national",
                    "mode": "all",
                    "direction": "entry",
                    "citizenship": "all",
                },
                "time": {"dimension": "Period", "freq": freq, "formats": [formats]},
                "dimensions": [{"dimension": "Place", "ignore": True}],
            },
        )
        node = {"id": "1", "text": "x", key: "7", key[1:]: "900"}
        frame = parse([payload(json.dumps([node]))], spec).observations
        assert frame["value"].tolist() == [7]
        assert frame["period_start"][0].month == first


# EMISS


def test_a_code_exchanged_in_one_row_refuses_the_mirror_file(specs):
    given_ = changed("ru-fsb-exits", "data", lambda c: c.replace(b"Out,99,FI,FIN", b"Out,99,FI,EST"))
    with pytest.raises(UnreadableInput, match="correspond one to one"):
        parse(given_, specs["ru-fsb-exits"])


def test_a_date_inside_a_quarter_refuses_the_mirror_file(specs):
    given_ = changed("ru-fsb-exits", "data", lambda c: c.replace(b"3/31/2019", b"3/30/2019"))
    with pytest.raises(UnreadableInput, match="last day of a period"):
        parse(given_, specs["ru-fsb-exits"])


SDMX = """<?xml version="1.0" encoding="utf-8"?>
<GenericData xmlns="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/message"
 xmlns:generic="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/generic"
 xmlns:structure="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/structure">
<CodeLists><structure:CodeList id="s_strana">
<structure:Code value="398"><structure:Description>Казахстан</structure:Description></structure:Code>
</structure:CodeList></CodeLists>
<DataSet><generic:Series><generic:SeriesKey><generic:Value concept="s_strana" value="398"/></generic:SeriesKey>
<generic:Obs><generic:Time>2019Q1</generic:Time><generic:ObsValue value="12 345"/></generic:Obs>
<generic:Obs><generic:Time>2019Q2</generic:Time><generic:ObsValue value="7"/></generic:Obs></generic:Series></DataSet>
</GenericData>
"""


def emiss_xml():
    return made(
        "emiss",
        {"columns": ["a"], "value": "a"},
        {
            "series": {
                "counterpart": "RUS",
                "scope": "national",
                "mode": "all",
                "direction": "entry",
                "citizenship": "RUS",
            },
            "time": {"dimension": "Time", "freq": "Q", "formats": ["YYYYQq"]},
            "dimensions": [{"dimension": "s_strana", "field": "country", "codes_from": "country"}],
            "thousands": " ",
            "decimal": ",",
        },
        measure="trips",
    )


def test_sdmx_ml_is_read_with_the_names_of_its_own_code_lists():
    frame = parse([payload(SDMX)], emiss_xml()).observations
    assert frame["value"].tolist() == [12_345, 7]
    assert set(frame["country"]) == {"KAZ"}
    assert frame["payload_locator"].tolist() == ["series 1 observation 1", "series 1 observation 2"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<GenericData", '<!DOCTYPE x [<!ENTITY a "b">]><GenericData', "without entities"),
        ("</GenericData>", "", "without entities, found ParseError"),
        ("<generic:Time>2019Q1</generic:Time>", "", "Time and ObsValue"),
        ('concept="s_strana"', 'idea="s_strana"', "concept and value"),
    ],
)
def test_hostile_or_torn_sdmx_is_refused(old, new, told):
    assert old in SDMX
    with pytest.raises(UnreadableInput, match=told):
        parse([payload(SDMX.replace(old, new, 1))], emiss_xml())


# Eurostat


def test_a_valid_but_empty_code_is_refused(specs):
    def emptied(root):
        root["size"][2] = 0
        root["dimension"]["citizen"]["category"] = {"index": {}, "label": {}}
        root["value"] = {}
        root["status"] = {}

    with pytest.raises(UnreadableInput, match="size zero in citizen"):
        parse(changed("eu-eurostat-asylum", "data", as_json(emptied)), specs["eu-eurostat-asylum"])


def test_combined_flags_take_the_break_first_and_keep_their_spelling(specs):
    frame = parse(recorded("eu-eurostat-asylum"), specs["eu-eurostat-asylum"]).observations
    flagged = frame[frame["status_symbol"].notna()].set_index("status_symbol")["obs_status"].to_dict()
    assert flagged == {"bp": "B", "p": "P"}


def test_an_unknown_flag_sets_the_figure_aside(specs):
    given_ = changed("eu-eurostat-asylum", "data", as_json(lambda r: r["status"].update({"3": "z"})))
    parsed = parse(given_, specs["eu-eurostat-asylum"])
    assert parsed.rejected["rule"].tolist() == ["unknown_symbol"]


def test_aggregates_inside_the_axes_are_never_taken(specs):
    parsed = parse(recorded("eu-eurostat-asylum"), specs["eu-eurostat-asylum"])
    assert parsed.unselected == 4
    assert set(parsed.observations["citizenship"]) == {"RUS"}


def test_positions_declared_empty_are_left_out_not_missing(specs):
    parsed = parse(recorded("eu-eurostat-permits"), specs["eu-eurostat-permits"])
    assert set(parsed.observations["country"]) == {"FIN"}
    declared = changed(
        "eu-eurostat-permits", "data", as_json(lambda r: r["extension"]["positions-with-no-data"].update(geo=[]))
    )
    undeclared = parse(declared, specs["eu-eurostat-permits"]).observations
    assert undeclared.loc[undeclared["country"] == "DNK", "obs_status"].tolist() == ["O", "O"]


def test_no_payload_is_told(specs):
    with pytest.raises(UnreadableInput, match="expected a payload, found none"):
        parse([], specs["kz-taldau"])
    with pytest.raises(UnreadableInput, match="expected one payload"):
        parse([payload("[]"), payload("[1]")], specs["kz-taldau"])
