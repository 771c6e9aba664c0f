"""Taldau: figures beside internal ids, and periods by the declared frequency."""

from __future__ import annotations

import json

import pytest
from parse_support import as_json, changed, made, payload, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "taldau"
    renamed = ("РЕСПУБЛИКА КАЗАХСТАН".encode(), "РУРИТАНИЯ".encode())

    def sample(self):
        return sources()["kz-taldau"], recorded("kz-taldau")


@pytest.fixture(scope="module")
def specs():
    return sources()


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
