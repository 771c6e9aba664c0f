"""Eurostat: combined flags, aggregates inside the axes, positions declared empty, and how far back is asked."""

from __future__ import annotations

from datetime import date

import pytest
from parse_support import as_json, changed, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.contract import Span
from transforms.parse.protocols.eurostat import questions
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "eurostat"
    renamed = (b'"RU"', b'"XX"')

    def sample(self):
        return sources()["eu-eurostat-asylum"], recorded("eu-eurostat-asylum")


@pytest.fixture(scope="module")
def specs():
    return sources()


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


def test_a_look_back_moves_the_start_of_the_table_and_nothing_else(specs):
    spec = specs["eu-eurostat-asylum"]
    (usual,), (back,) = list(questions(spec)), list(questions(spec, Span(date(2015, 3, 9), date(2026, 4, 1))))
    assert "sinceTimePeriod=2021-01" in usual.address.url
    assert back.address.url == usual.address.url.replace("2021-01", "2015-03")


def test_a_look_back_of_a_yearly_table_names_a_year(specs):
    spec = specs["eu-eurostat-permits"]
    address = spec.addresses[0].model_copy(update={"url": f"{spec.addresses[0].url}&sinceTimePeriod=2021"})
    yearly = spec.model_copy(update={"addresses": (address,)})
    (back,) = questions(yearly, Span(date(2015, 3, 9), date(2026, 4, 1)))
    assert back.address.url.endswith("sinceTimePeriod=2015")
    (whole,) = questions(spec, Span(date(2015, 3, 9), date(2026, 4, 1)))
    assert whole.address == spec.addresses[0], "a table that answers with its whole history is asked as it is"
