"""JSON-stat in all its dialects gives the same cells; anything else is refused."""

from __future__ import annotations

import json
from datetime import date

import pytest
from parse_support import made, payload
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.protocols.jsonstat import cells, read_cubes
from transforms.parse.registry import parse

DIMENSIONS = {
    "Country": {
        "label": "Country",
        "category": {"index": {"RU": 0, "CN": 1}, "label": {"RU": "Russia", "CN": "China"}},
    },
    "Month": {"label": "Month", "category": {"index": ["2026M02", "2026M01"]}},
}
V2 = {"class": "dataset", "id": ["Country", "Month"], "size": [2, 2], "dimension": DIMENSIONS, "value": [1, 2, None, 4]}
V1 = {
    "dataset": {
        "dimension": {**DIMENSIONS, "id": ["Country", "Month"], "size": [2, 2], "role": {"time": ["Month"]}},
        "value": [1, 2, None, 4],
    }
}


class TestLaws(ProtocolLaws):
    name = "jsonstat"
    renamed = (b"Russia", b"Ruritania")

    def sample(self):
        return spec(), [payload(json.dumps(V2), "data.json")]


def spec(**options):
    return made(
        "jsonstat",
        options,
        {
            "series": {"country": "MNG", "scope": "national", "mode": "all", "direction": "entry"},
            "time": {"dimension": "Month", "freq": "M", "formats": ["YYYYMmm"]},
            "dimensions": [{"dimension": "Country", "field": "citizenship", "codes_from": "country"}],
            "symbols": {"..": "Q"},
        },
        addresses=[{"role": "data", "url": "https://office.example/table.json"}],
    )


def read(root, **options):
    return parse([payload(json.dumps(root))], spec(**options))


def figures(parsed):
    frame = parsed.observations
    return dict(
        zip(
            zip(frame["period_start"], frame["citizenship"], strict=True),
            (
                None if v is None or v != v else v
                for v in frame["value"].astype(object).where(frame["value"].notna(), None)
            ),
            strict=True,
        )
    )


EXPECTED = {
    (date(2026, 2, 1), "RUS"): 1,
    (date(2026, 1, 1), "RUS"): 2,
    (date(2026, 2, 1), "CHN"): None,
    (date(2026, 1, 1), "CHN"): 4,
}


@pytest.mark.parametrize(
    "root",
    [
        V2,
        V1,
        {"a name": V1["dataset"]},
        V2 | {"value": {"0": 1, "3": 4, "1": 2}},
        V2 | {"role": {"time": ["Month"]}, "version": "2.0"},
        V2 | {"size": ["2", "2"]},
        V2 | {"status": [None, None, "..", None]},
        V2 | {"status": {"2": ".."}},
    ],
)
def test_every_dialect_gives_the_same_figures(root):
    assert figures(read(root)) == EXPECTED


def test_status_stays_beside_the_null_with_its_code():
    frame = read(V2 | {"status": {"2": ".."}}).observations
    row = frame[frame["citizenship"].eq("CHN") & frame["value"].isna()].iloc[0]
    assert (row["obs_status"], row["status_symbol"], row["payload_locator"]) == ("Q", "..", "/value/2")


def test_one_status_for_all_and_a_list_of_one():
    for status in ("p", ["p"]):
        given = payload(json.dumps(V2 | {"status": status}))
        assert {c.symbol for c in cells(read_cubes(given, 100)[""], given)} == {"p"}


def test_a_bundle_needs_a_name():
    bundle = {"x": V1["dataset"], "y": V1["dataset"]}
    with pytest.raises(UnreadableInput, match="expected one dataset, found x, y"):
        read(bundle)
    assert figures(read(bundle, dataset="y")) == EXPECTED
    assert read(bundle, dataset="y").observations["payload_locator"].str.startswith("/y/value/").all()
    with pytest.raises(UnreadableInput, match="expected dataset z"):
        read(bundle, dataset="z")


def without(member):
    return {k: v for k, v in V2.items() if k != member}


def with_category(category):
    return V2 | {"dimension": DIMENSIONS | {"Country": {"category": category}}}


@pytest.mark.parametrize(
    ("root", "told"),
    [
        (V2 | {"size": [2, 0], "value": []}, "an answer of size zero in Month"),
        (V2 | {"size": [2, 2, 1]}, "as many sizes as ids"),
        (V2 | {"size": [2, -2]}, "whole sizes"),
        (V2 | {"size": [10**6, 10**6]}, "at most 1,000,000 cells"),
        (V2 | {"value": [1, 2, 3]}, "expected 4 entries in value, found 3"),
        (V2 | {"value": {"4": 1}}, "positions below 4"),
        (V2 | {"value": {"-1": 1}}, "positions below 4"),
        (V2 | {"value": [1, 2, 3, [4]]}, "numbers or text"),
        (V2 | {"value": [1, 2, 3, True]}, "numbers or text"),
        (V2 | {"status": [1, 2, 3, 4]}, "text as status"),
        (V2 | {"id": ["Country", "Country"]}, "as many sizes as ids"),
        (with_category({"index": {"RU": 0, "CN": 2}}), "positions 0 to 1"),
        (with_category({"index": {"RU": 0, "CN": 0}}), "one position a category"),
        (with_category({"index": {"RU": 0}}), "2 categories of Country, found 1"),
        (without("dimension"), "member dimension"),
        ({"error": {"message": "no such table"}}, "an error message"),
        ({}, "members none"),
        ([], "a JSON-stat object"),
        ({"class": "collection", "value": None, "link": {}}, "member dimension"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(root, told):
    with pytest.raises(UnreadableInput, match=told) as fault:
        read(root)
    assert fault.value.remedy


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(V2)[:-10], "whole JSON"),
        (json.dumps(V2) + "x", "whole JSON"),
        (json.dumps(V2).replace("null", "NaN"), "NaN is not JSON"),
        (json.dumps(V2).replace("null", "1e400"), "beyond reason"),
        ('{"value": [], "value": []}', "stands twice"),
        ("[" * 100_000, "JSON"),
        ("<html><head><title>503 busy</title></head></html>", "HTML page: 503 busy"),
        ('{"value": ' + "9" * 10_000 + "}", "whole JSON"),
    ],
)
def test_torn_or_hostile_json_is_refused(text, told):
    with pytest.raises(UnreadableInput, match=told):
        parse([payload(text)], spec())


def test_a_period_of_another_frequency_refuses_the_payload():
    yearly = V2 | {"dimension": DIMENSIONS | {"Month": {"category": {"index": ["2026", "2025"]}}}}
    with pytest.raises(UnreadableInput, match="frequency M"):
        read(yearly)


def test_a_new_dimension_refuses_the_payload():
    sex = {"Sex": {"category": {"index": ["T"]}}}
    with pytest.raises(UnreadableInput, match="expected no other dimension, found Sex"):
        read(V2 | {"id": ["Sex", "Country", "Month"], "size": [1, 2, 2], "dimension": DIMENSIONS | sex})


def test_a_unit_nobody_expected_refuses_the_payload():
    measured = V2 | {
        "dimension": DIMENSIONS
        | {
            "Country": DIMENSIONS["Country"]
            | {"category": DIMENSIONS["Country"]["category"] | {"unit": {"RU": {"base": "tonnes"}}}}
        }
    }
    strict = spec()
    unit = strict.mapping.unit.model_copy(update={"expect": ("persons",)})
    strict = strict.model_copy(update={"mapping": strict.mapping.model_copy(update={"unit": unit})})
    with pytest.raises(UnreadableInput, match="expected unit persons, found 'tonnes'"):
        parse([payload(json.dumps(measured))], strict)
    assert len(parse([payload(json.dumps(V2))], strict).observations) == 4
