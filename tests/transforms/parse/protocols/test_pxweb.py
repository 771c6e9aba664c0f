"""PxWeb queries are built from words, split under every ceiling, and answers are joined with their own metadata."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_support import made, payload, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import CrossingsError, UnreadableInput
from transforms.parse.contract import Span
from transforms.parse.protocols.pxweb import plan_queries, questions, read_limits, read_metadata
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "pxweb"
    renamed = ("ОХУ".encode(), "РУР".encode())
    unread = ("config",)

    def sample(self):
        return sources()["mn-nso-country-of-origin"], recorded("mn-nso-country-of-origin")


def variable(code, labels, **more):
    return {"code": code, "text": code, "values": [str(k) for k in range(len(labels))], "valueTexts": labels} | more


def metadata(months=("2026-01", "2025-12", "2025-11"), **more):
    variables = [
        variable("Улсын нэр", ["БҮГД", "ОХУ", "Хятад"]),
        variable("Хүйс", ["Бүгд", "Эр"], elimination=True),
        variable("Сар", list(months)),
    ]
    return json.dumps({"title": "t", "variables": variables} | more).encode()


def spec(select=None, **options):
    return made(
        "pxweb",
        {
            "format": "json",
            "select": select
            or [
                {"variable": ["Улсын нэр", "Country"], "labels": ["ОХУ", "БҮГД"]},
                {"variable": "Хүйс", "eliminate": True},
                {"variable": "Сар", "newest": 2},
            ],
        }
        | options,
        {
            "series": {"country": "MNG", "scope": "national", "mode": "all", "direction": "entry"},
            "time": {"dimension": "Сар", "freq": "M", "formats": ["YYYY-MM", "YYYY сар"]},
            "dimensions": [
                {
                    "dimension": "Улсын нэр",
                    "labels": {"ОХУ": {"citizenship": "RUS"}, "БҮГД": {"citizenship": "foreign"}},
                    "unselected": ["Хятад"],
                }
            ],
            "symbols": {"..": "Q", "-": "O", ".": "M", ":": "O"},
        },
    )


def bodies(queries):
    return [{q["code"]: q["selection"]["values"] for q in json.loads(query.body)["query"]} for query in queries]


def test_a_query_is_built_from_labels_and_the_newest_periods():
    queries = plan_queries(metadata(), None, spec())
    assert bodies(queries) == [{"Улсын нэр": ["1", "0"], "Сар": ["0", "1"]}]
    assert json.loads(queries[0].body)["response"] == {"format": "json"}
    assert queries[0].cells == 4


def test_after_a_release_the_same_words_give_other_codes():
    grown = metadata(("2026-02", "2026-01", "2025-12", "2025-11"))
    oldest_first = metadata(("2025-11", "2025-12", "2026-01"))
    assert bodies(plan_queries(grown, None, spec()))[0]["Сар"] == ["0", "1"]
    assert bodies(plan_queries(oldest_first, None, spec()))[0]["Сар"] == ["2", "1"]
    labelled = [
        {"variable": "Улсын нэр", "every": True},
        {"variable": "Хүйс", "labels": ["Бүгд"]},
        {"variable": "Сар", "labels": ["2026-01"]},
    ]
    assert bodies(plan_queries(grown, None, spec(labelled)))[0]["Сар"] == ["1"]
    assert bodies(plan_queries(metadata(), None, spec(labelled)))[0]["Сар"] == ["0"]


@pytest.mark.parametrize(
    ("select", "told"),
    [
        ([{"variable": "Улсын нэр", "labels": ["Атлантис"]}], "expected label 'Атлантис' once"),
        ([{"variable": "Country", "every": True}], "expected variable Country"),
        (
            [{"variable": "Улсын нэр", "every": True}, {"variable": "Хүйс", "eliminate": True}],
            "other variable, found Сар",
        ),
        ([{"variable": "Сар", "eliminate": True}], "can be eliminated"),
        ([{"variable": "Хүйс", "newest": 1}], "periods of frequency M in Хүйс"),
    ],
)
def test_a_selection_that_does_not_fit_is_told(select, told):
    with pytest.raises(UnreadableInput, match=told):
        plan_queries(metadata(), None, spec(select))


def test_limits_come_from_config_and_else_from_the_source():
    config = payload(json.dumps({"maxValues": 500, "maxCalls": 30, "timeWindow": 10, "CORS": True}), "config")
    limits = read_limits(config, spec(max_cells=77).options)
    assert (limits.max_cells, limits.max_values) == (77, 500)
    with pytest.raises(UnreadableInput, match="positive whole maxCells"):
        read_limits(payload('{"maxCells": "many"}', "config"), spec().options)


@given(st.integers(1, 9), st.integers(1, 30), st.integers(4, 60), st.integers(4, 60))
def test_a_split_asks_for_each_cell_once_under_every_ceiling(countries, months, max_cells, max_values):
    names = [f"country {k}" for k in range(countries)]
    periods = [f"{2000 + k // 12}-{k % 12 + 1:02}" for k in range(months)]
    table = {"variables": [variable("Улсын нэр", names), variable("Сар", periods)]}
    every = [{"variable": "Улсын нэр", "every": True}, {"variable": "Сар", "every": True}]
    config = json.dumps({"maxCells": max_cells, "maxValues": max_values}).encode()
    queries = plan_queries(json.dumps(table).encode(), config, spec(every))
    asked = []
    for query, body in zip(queries, bodies(queries), strict=True):
        assert query.cells <= min(max_cells, max_values)
        assert sum(map(len, body.values())) <= max_values
        asked += product(*body.values())
    assert len(asked) == len(set(asked)) == countries * months


def px_json(rows, columns=None):
    return json.dumps(
        {
            "columns": columns
            or [
                {"code": "Улсын нэр", "text": "Улсын нэр", "type": "d"},
                {"code": "Сар", "text": "Сар", "type": "t"},
                {"code": "n", "text": "n", "type": "c"},
            ],
            "data": [{"key": list(key), "values": list(values)} for *key, values in rows],
        }
    )


def run(data, months=("2026-01", "2025-12", "2025-11")):
    return parse([payload(metadata(months), "metadata.json"), payload(data, "data.json")], spec())


def test_px_json_keys_are_positions_in_the_metadata_of_the_run():
    rows = [("1", "0", ["10"]), ("1", "2", [".."]), ("2", "0", ["7"])]
    parsed = run(px_json(rows))
    assert (parsed.considered, parsed.unselected) == (3, 1)
    assert parsed.observations["period_start"].tolist() == [date(2025, 11, 1), date(2026, 1, 1)]
    assert parsed.observations["status_symbol"][0] == ".."
    later = run(px_json(rows), ("2026-02", "2026-01", "2025-12"))
    assert later.observations["period_start"].tolist() == [date(2025, 12, 1), date(2026, 2, 1)]


def test_mongolian_month_labels_are_read():
    parsed = run(px_json([("1", "0", ["10"])]), ("2026 оны 1 сар", "2025 оны 12 сар", "2025 оны 11 сар"))
    assert parsed.observations["period_start"].tolist() == [date(2026, 1, 1)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (px_json([("9", "0", ["1"])]), "a known code of Улсын нэр"),
        (px_json([("1", ["1"])]), "expected 2 keys"),
        (px_json([("1", "0", ["1", "2"])]), "expected 1 values"),
        (px_json([]), "an answer of size zero"),
        (px_json([("1", "0", [{}])]), "figures as text"),
        (px_json([], [{"code": "x", "type": "d"}]), "columns among"),
        (px_json([], [{"code": "x", "type": "z"}]), "type d, t or c"),
        ('{"error": "Parameter error"}', "PX-JSON"),
        ("<html>error</html>", "an HTML page"),
    ],
)
def test_a_broken_answer_is_refused(data, told):
    with pytest.raises(UnreadableInput, match=told):
        run(data)


def test_px_json_needs_the_metadata_of_the_same_run():
    with pytest.raises(UnreadableInput, match="metadata beside PX-JSON"):
        parse([payload(px_json([("1", "0", ["1"])]), "data.json")], spec())


def test_labels_that_moved_between_metadata_and_data_are_refused():
    spec_ = sources()["mn-nso-country-of-origin"]
    files = recorded("mn-nso-country-of-origin")
    later = []
    for file in files:
        body = file.content.replace(b"2026-01", b"2026-02") if file.role == "metadata" else file.content
        later.append(replace(payload(body), name=file.name))
    assert len(parse(files, spec_).observations) == 18
    with pytest.raises(UnreadableInput, match="code 0 to mean '2026-02' as in the metadata"):
        parse(later, spec_)


def test_a_split_answer_is_one_table():
    spec_ = sources()["mn-nso-tourists"]
    files = {f.name: f for f in recorded("mn-nso-tourists")}
    root = json.loads(files["data.json"].content.decode("utf-8-sig"))
    halves = [root | {"data": root["data"][:3]}, root | {"data": root["data"][3:]}]
    parts = [payload(json.dumps(half), f"data-{k}.json") for k, half in enumerate(halves, 1)]
    whole = parse(list(files.values()), spec_).observations
    split = parse([files["metadata.json"], *parts], spec_).observations
    assert split["value"].equals(whole["value"])
    assert split["payload_sha256"].nunique() == 2


def test_metadata_must_be_whole():
    for broken in (
        {"variables": []},
        {"variables": [variable("a", ["x"]) | {"values": ["0", "1"]}]},
        {"title": "x"},
        [],
    ):
        with pytest.raises(UnreadableInput):
            read_metadata(payload(json.dumps(broken), "metadata"))


def test_every_pxweb_source_plans_queries_from_its_recorded_metadata():
    planned = 0
    for name, source in sources().items():
        if source.parser != "pxweb":
            continue
        files = {f.role: f for f in recorded(name)}
        assert plan_queries(files["metadata"].content, files["config"].content, source)
        planned += 1
    assert planned == 6


def asked(source, back=None, answers=None):
    """The questions of a look, each answered by the recorded payload of its role."""
    files = {f.role: f.content for f in recorded(source.id)} | (answers or {})
    looking, told = questions(source, back), []
    question = next(looking, None)
    while question is not None:
        told.append(question)
        try:
            question = looking.send(files.get(question.name, b""))
        except StopIteration:
            question = None
    return told


def test_ceilings_and_labels_are_asked_before_the_figures():
    told = asked(sources()["mn-nso-tourists"])
    assert [(q.name, q.address.method) for q in told] == [("config", "GET"), ("metadata", "GET"), ("data", "POST")]
    assert [q.body is None for q in told] == [True, True, False]


def test_a_table_beyond_the_ceilings_is_asked_in_numbered_pieces():
    told = asked(sources()["mn-nso-tourists"], answers={"config": b'{"maxValues": 4, "maxCells": 4}'})
    assert [q.name for q in told[2:]] == [f"data-{k}" for k in range(1, len(told) - 1)]
    assert len(told) > 3


def test_a_look_back_asks_for_every_period_since():
    months = [f"{2026 - k // 12}-{12 - k % 12:02}" for k in range(120)]
    source = sources()["mn-nso-country-of-origin"]
    table = json.loads({f.role: f for f in recorded(source.id)}["metadata"].content.decode("utf-8-sig"))
    time = next(v for v in table["variables"] if v["code"] == "Сар")
    time |= {"values": [str(k) for k in range(120)], "valueTexts": months}
    answers = {"metadata": json.dumps(table).encode(), "config": b"{}"}
    usual = bodies(asked(source, None, answers)[2:])[0]["Сар"]
    back = bodies(asked(source, Span(date(2022, 1, 1), date(2026, 12, 31)), answers)[2:])[0]["Сар"]
    assert (len(usual), usual) == (36, back[:36])
    assert len(back) >= 60


def test_a_source_without_metadata_is_told_what_it_lacks():
    source = sources()["mn-nso-tourists"]
    bare = source.model_copy(update={"addresses": tuple(a for a in source.addresses if a.role == "data")})
    with pytest.raises(CrossingsError, match="no address for metadata"):
        next(questions(bare))
