"""JSON records: a list at a declared path is a table, and everything that nobody declared refuses it."""

from __future__ import annotations

import json

import pytest
from parse_support import made, payload
from protocol_laws import ProtocolLaws

from crossings.errors import CrossingsError, UnreadableInput
from transforms.parse.registry import parse

BY_COUNTRY = {
    "series": {"country": "POL", "scope": "national", "mode": "all", "direction": "entry"},
    "time": {"dimension": "day", "freq": "D", "formats": "YYYY-MM-DD"},
    "dimensions": [{"dimension": "country", "field": "citizenship", "codes_from": "country"}],
}
NAMED = {"columns": ["country", "day", "persons"], "values": ["persons"]}
TWO = [
    {"country": "Ukraine", "day": "2022-03-01", "persons": 81730},
    {"country": "Poland", "day": "2022-03-01", "persons": 2050},
]


class TestLaws(ProtocolLaws):
    name = "records"
    renamed = (b"Ukraine", b"Ruritania")

    def sample(self):
        addresses = [{"role": "data", "url": "https://office.example/data.json"}]
        given = payload(json.dumps({"data": {"rows": TWO}}), "data.json")
        return made("records", NAMED | {"path": "/data/rows"}, BY_COUNTRY, addresses=addresses), [given]


def read(document, mapping=None, **options):
    text = document if isinstance(document, str) else json.dumps(document)
    return parse([payload(text)], made("records", NAMED | options, mapping or BY_COUNTRY))


def figures(parsed):
    return dict(zip(parsed.observations["citizenship"], parsed.observations["value"], strict=True))


ARRIVALS = {"UKR": 81730, "POL": 2050}


@pytest.mark.parametrize(
    ("document", "options"),
    [
        (TWO, {}),
        ({"data": {"timeseries": TWO}}, {"path": "/data/timeseries"}),
        ([{"page": 1, "pages": 1}, TWO], {"path": "/1"}),
        ({"a/b": {"c~d": TWO}}, {"path": "/a~1b/c~0d"}),
        ([dict(reversed(list(row.items()))) for row in TWO], {}),
        ([{"Country ": row["country"], "DAY": row["day"], "persons": row["persons"]} for row in TWO], {}),
        ([row | {"unix_timestamp": 1} for row in TWO], {"ignore_columns": ["unix*"]}),
        ([row | {"geo": {"point": [1, 2], "of": {"x": None}}} for row in TWO], {"ignore_columns": ["geo"]}),
        ("".join(json.dumps(row) + "\r\n\n" for row in TWO), {"lines": True}),
        ([list(row.values()) for row in TWO], {}),
        ("".join(json.dumps(list(row.values())) + "\n" for row in TWO), {"lines": True}),
        ({"rows": [["Country", "Day", "Note", "Persons"], *([*list(r.values())[:2], "x", r["persons"]] for r in TWO)]},
         {"path": "/rows", "header": True, "ignore_columns": ["note"]}),
    ],
)  # fmt: skip
def test_a_declared_shape_gives_the_same_figures(document, options):
    parsed = read(document, **options)
    assert figures(parsed) == ARRIVALS
    assert parsed.considered == 2


def test_figures_keep_the_pointer_to_them():
    parsed = read({"data": {"timeseries": TWO}}, path="/data/timeseries")
    assert sorted(parsed.observations["payload_locator"]) == [f"/data/timeseries/{k}/persons" for k in (0, 1)]
    lines = read("\n".join(map(json.dumps, TWO)), lines=True)
    assert sorted(lines.observations["payload_locator"]) == ["line 1 /persons", "line 2 /persons"]
    arrays = read([list(row.values()) for row in TWO])
    assert sorted(arrays.observations["payload_locator"]) == ["/0/2", "/1/2"]


@pytest.mark.parametrize("names", [("place.country", "when.day"), ("/place/country", "/when/day")])
def test_members_of_members_have_names_of_their_own(names):
    country, day = names
    mapping = BY_COUNTRY | {
        "time": BY_COUNTRY["time"] | {"dimension": day},
        "dimensions": [BY_COUNTRY["dimensions"][0] | {"dimension": country}],
    }
    nested = [
        {"place": {"country": row["country"], "id": 3}, "when": {"day": row["day"]}, "persons": row["persons"]}
        for row in TWO
    ]
    for ignored in (["place.id"], ["*"]):
        parsed = read(nested, mapping, columns=[country, day, "persons"], ignore_columns=ignored)
        assert figures(parsed) == ARRIVALS
    with pytest.raises(UnreadableInput, match=r"and no other, found place\.id"):
        read(nested, mapping, columns=[country, day, "persons"])


def test_a_flat_name_with_a_dot_beside_the_same_member_of_a_member_is_set_aside():
    rows = [{"a.b": n, "country": "Ukraine", "day": f"2022-03-0{n}"} for n in (1, 2, 3)] + [
        {"a.b": 4, "a": {"b": 5}, "country": "Ukraine", "day": "2022-03-04"}
    ]
    parsed = read(rows, columns=["country", "day", "a.b"], values=["a.b"])
    assert parsed.observations["value"].tolist() == [1, 2, 3]
    assert parsed.rejected["reason"].tolist() == ["expected each member once, found a.b twice"]


def test_numbers_keep_their_spelling_and_null_is_an_absent_figure():
    days = [{"country": "Ukraine", "day": f"2022-03-0{k + 1}", "persons": "%"} for k in range(6)]
    text = json.dumps(days)
    for spelled in ("81730", "81730.0", "8.173e4", "1.50", "null", '"81730"'):
        text = text.replace('"%"', spelled, 1)
    parsed = read(text)
    assert parsed.observations["value"].tolist()[:3] == [81730] * 3
    assert parsed.observations["value_text"].tolist()[:3] == ["81730", "81730.0", "8.173E+4"]
    assert parsed.observations["obs_status"].tolist() == ["A", "A", "A", "O", "A"]
    assert parsed.rejected["rule"].tolist() == ["V07"]
    assert json.loads(parsed.rejected["record"][0])["value"] == "1.50"


def test_labels_may_be_numbers():
    mapping = BY_COUNTRY | {"time": {"year": "year", "month": "month", "freq": "M", "formats": "YYYY MONTH"}}
    rows = [{"country": "Ukraine", "year": 2022, "month": month, "persons": month} for month in (1, 2)]
    parsed = read(rows, mapping, columns=["country", "year", "month", "persons"])
    assert parsed.observations["period_start"].map(str).tolist() == ["2022-01-01", "2022-02-01"]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"country": "Latvia", "day": "2022-03-01"}, "expected member persons"),
        ({"day": "2022-03-01", "persons": 1}, "expected member country"),
        ({"country": None, "day": "2022-03-01", "persons": 1}, "expected a text or number under country, found null"),
        ({"country": ["Latvia"], "day": "2022-03-01", "persons": 1}, "under country, found a list of 1"),
        (None, "expected an object, found null"),
        ("Latvia", 'expected an object, found "Latvia"'),
        (["Latvia", "2022-03-01", 1], "expected an object, found a list of 3"),
    ],
)
def test_a_record_that_is_none_is_set_aside_and_the_others_are_read(odd, reason):
    parsed = read([TWO[0], odd, TWO[1]])
    assert figures(parsed) == ARRIVALS
    assert reason in parsed.rejected["reason"][0]
    assert parsed.rejected["payload_locator"].tolist() == ["/1"]
    received = json.loads(parsed.rejected["record"][0])["value"]
    assert (received if isinstance(odd, str) else json.loads(received)) == odd


@pytest.mark.parametrize(
    ("odd", "reason"), [(True, "true is no figure"), ({"n": 1}, "an object of n"), ([1], "a list")]
)
def test_a_figure_that_is_none_is_set_aside_alone(odd, reason):
    rows = [row | {"exits": 7} for row in TWO]
    rows[0]["persons"] = odd
    mapping = BY_COUNTRY | {
        "series": {"country": "POL", "scope": "national", "mode": "all"},
        "dimensions": [
            *BY_COUNTRY["dimensions"],
            {"dimension": "way", "labels": {"persons": {"direction": "entry"}, "exits": {"direction": "exit"}}},
        ],
    }
    options = {"columns": ["country", "day", "persons", "exits"], "values": ["persons", "exits"], "values_as": "way"}
    parsed = read(rows, mapping, **options)
    assert sorted(parsed.observations["value"]) == [7, 7, 2050]
    assert parsed.rejected["rule"].tolist() == ["V01"]
    assert reason in parsed.rejected["reason"][0]


def test_a_torn_line_is_set_aside_and_the_others_are_read():
    parsed = read("\n".join([*map(json.dumps, TWO), '{"country": "Latvia", "da']), lines=True)
    assert figures(parsed) == ARRIVALS
    assert parsed.rejected["reason"][0].startswith("expected JSON in line 3, found Unterminated string")
    deep = read("\n".join([*map(json.dumps, TWO), "[" * 100_000]), lines=True)
    assert deep.rejected["reason"].tolist() == ["expected JSON in line 3, found nesting beyond reason"]


@pytest.mark.parametrize(
    ("document", "options", "told"),
    [
        ({"data": TWO}, {"path": "/data/timeseries"}, "expected a list at /data/timeseries, found no timeseries in a list of 2"),
        ({"data": TWO}, {"path": "/rows"}, "no rows in an object of data"),
        ({"data": {"a": 1}}, {"path": "/data"}, "expected a list at /data, found an object of a"),
        ({"data": TWO}, {}, "expected a list at the top, found an object of data"),
        ([], {}, "an answer of size zero"),
        ([row | {"note": "x"} for row in TWO], {}, "and no other, found note"),
        ([TWO[0], TWO[1] | {"note": {"by": "x"}}], {}, r"and no other, found note\.by"),
        ([{"country": "Ukraine", "persons": 5}], {}, "expected columns country, day, persons, found country, persons"),
        ([TWO[0], TWO[1] | {"Persons": 5}], {}, "expected columns country, day, persons"),
        ([1, 2, TWO[0]], {}, "expected an object, found 1; 2 of 3 records are no such"),
        ([{"country": "x" * 20_000, "day": "2022-03-01", "persons": 1}], {}, "texts up to 10,000 characters"),
        ([["Ukraine", "2022-03-01"]], {}, "expected 3 values, found 2; 1 of 1 records"),
        ([TWO[0]], {"header": True}, "expected an array of names at /0, found an object of country"),
        ('[{"country": "\\ud83d", "day": "2022-03-01", "persons": 1}]', {}, "half a letter"),
        ('[{"persons": 1, "persons": 2}]', {}, "stands twice"),
        ("[1,", {}, "expected whole JSON"),
    ],
)  # fmt: skip
def test_a_fault_of_the_document_refuses_it_whole(document, options, told):
    with pytest.raises(UnreadableInput, match=told):
        read(document, **options)


def test_more_records_than_declared_refuse_the_document():
    with pytest.raises(UnreadableInput, match="at most 1 rows, found 2"):
        parse([payload(json.dumps(TWO))], made("records", NAMED, BY_COUNTRY, bounds={"max_rows": 1}))


def test_the_name_of_a_file_states_what_its_records_do_not():
    mapping = BY_COUNTRY | {"time": {"year": "year", "month": "month", "freq": "M", "formats": "YYYY MONTH"}}
    options = {"columns": ["country", "month", "n"], "values": ["n"], "file_name": "arrivals-{year:####}.json"}
    given = [
        payload(json.dumps([{"country": "Ukraine", "month": 1, "n": year}]), f"arrivals-{year}.json")
        for year in (2021, 2022)
    ]
    frame = parse(given, made("records", options, mapping)).observations
    assert frame["value"].tolist() == [2021, 2022]


def test_months_as_members_are_an_open_set():
    mapping = BY_COUNTRY | {"time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"}}
    options = {"columns": ["country"], "values": ["in.{month:####-##}"]}
    rows = [{"country": row["country"], "in": {"2022-02": 1, "2022-03": row["persons"]}} for row in TWO]
    parsed = read(rows, mapping, **options)
    assert sorted(parsed.observations["value"]) == [1, 1, 2050, 81730]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"path": "data"}, "path"),
        ({"path": "/data", "lines": True}, "there is no path"),
        ({"values": ["n"]}, "no column"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, told):
    with pytest.raises(CrossingsError, match=told):
        read(TWO, **options)
