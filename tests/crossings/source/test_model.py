"""A source as a whole: what must stand in it, and what excludes what."""

from __future__ import annotations

import pytest
from parse_support import made, sources
from pydantic import ValidationError

from crossings.source.model import Address, Bounds, InvalidSource
from crossings.source.reader import build_source

MAPPING = {
    "series": {"country": "FIN", "scope": "national", "mode": "all", "direction": "entry", "citizenship": "all"},
    "time": {"dimension": "day", "freq": "D", "formats": ["YYYY-MM-DD"]},
}


def source(options=None, mapping=MAPPING, **more):
    return made("table", {"columns": ["day", "n"], "values": ["n"]} | (options or {}), mapping, **more)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"confirmed": True}, "leaves nothing in to_confirm"),
        ({"to_confirm": []}, "needs to_confirm"),
        ({"fetch": {}}, "addresses is empty"),
        ({"country": "FI"}, "ISO 3166-1 alpha-3"),
        ({"timezone": "Europe/Nowhere"}, "IANA time zone"),
        ({"measure": "people"}, "'people' is no code of measure"),
        ({"options": {"parser": "emiss"}}, "options.parser differs from parser"),
        ({"fetch": {"offline": True, "user_agent_note": "x"}}, "user_agent_note: Extra inputs"),
    ],
)
def test_a_source_that_contradicts_itself_is_refused(more, told):
    with pytest.raises(InvalidSource, match=told):
        source(**more)


def test_a_statistics_source_needs_a_mapping():
    with pytest.raises(InvalidSource, match="mapping is missing"):
        build_source({**source().model_dump(mode="json"), "mapping": None}, "made.yaml")


def test_a_source_says_once_which_protocol_it_speaks():
    assert source().options.parser == source().parser == "table"


def test_only_a_file_of_statements_is_by_hand_and_needs_no_mapping():
    by_hand = {name for name, spec in sources().items() if spec.by_hand}
    assert by_hand == {"register"}
    with pytest.raises(InvalidSource, match="mapping is missing"):
        _ = sources()["register"].series_mapping
    assert source(fetch={"offline": True}).by_hand is False, "a file brought by hand is still read by its protocol"


@pytest.mark.parametrize(
    "url", ["http://office.example/", "https://user@office.example/", "https://localhost/", "ftp://office.example/", ""]
)
def test_an_address_is_https_with_a_host_and_no_user(url):
    with pytest.raises(ValidationError, match="must be an https address"):
        Address(role="data", url=url)


def test_bounds_are_in_order():
    with pytest.raises(ValidationError, match="min_rows exceeds max_rows"):
        Bounds(min_rows=3, max_rows=2)
