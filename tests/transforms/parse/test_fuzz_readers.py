"""What the readers of tables in files say of mutated bytes: counted rows or a fault with a remedy, never anything else.

Small valid inputs in the shapes that a source can declare. Each mutation is derived from its number, so it can be repeated:
a few hundred in every run, twenty thousand in `make test-long`.
"""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mutations import MUTATE
from parse_support import made, payload
from workbooks import book

from crossings.errors import CrossingsError
from transforms.parse.registry import parse

PORTIONS = [(0, 400), *(pytest.param((n, n + 2_450), marks=pytest.mark.long) for n in range(400, 20_000, 2_450))]
COUNTRY = {"dimension": "country", "field": "citizenship", "codes_from": "country"}
FLOW = {"dimension": "flow", "labels": {"Entries": {"direction": "entry"}, "Exits": {"direction": "exit"}}}
MAPPING = {
    "series": {"country": "FIN", "scope": "national", "mode": "all", "direction": "entry"},
    "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
    "dimensions": [COUNTRY],
    "symbols": {"..": "Q"},
    "thousands": " ",
}
BOTH_WAYS = MAPPING | {"series": {"country": "FIN", "scope": "national", "mode": "all"}, "dimensions": [COUNTRY, FLOW]}
SUMMED = MAPPING | {"dimensions": [COUNTRY, {"dimension": "point", "sum": True}]}
COLUMNS = {"columns": ["country", "month", "trips"], "values": ["trips"]}
ROWS = [
    ("Russia", "2023-09", 1410),
    ("Estonia", "2023-09", 55),
    ("Russia", "2023-10", None),
    ("Estonia", "2023-10", 61),
]
HEAD = ("country", "2023-09", "2023-10")
SHEET = {"stub": [["country"]], "levels": [{"dimension": "month"}], "notes": ["Source"]}


def written(table, **how):
    out = io.BytesIO()
    pq.write_table(table, out, **how)
    return out.getvalue()


def tables():
    lines = [",".join(str(v if v is not None else "..") for v in row) for row in ROWS]
    headed = "\n".join(["country,month,trips", *lines, ""])
    yield headed, made("table", COLUMNS, MAPPING)
    yield (
        headed.replace(",", ";").encode("utf-16"),
        made("table", COLUMNS | {"delimiter": ";", "encoding": "utf-16"}, MAPPING),
    )
    quoted = headed.replace("Russia", '"Russia"') + "Source: an office\n"
    yield quoted, made("table", COLUMNS | {"footer": ["Source"], "skip_blanks": True}, MAPPING)
    wide = {"columns": ["country"], "values": ["####-##"], "values_as": "month", "row_names": True}
    yield "country,2023-09,2023-10\n1,Russia,1410,1 275\n2,Estonia,55,61\n", made("table", wide, MAPPING)
    parts = {"columns": ["country", "point", "month", "trips"], "values": ["trips"]}
    yield (
        "country,point,month,trips\nRussia,A,2023-09,5\nRussia,B,2023-09,6\nEstonia,A,2023-09,7\nEstonia,B,2023-09,8\n",
        made("table", parts, SUMMED),
    )


def records():
    objects = [dict(zip(COLUMNS["columns"], row, strict=True)) for row in ROWS]
    yield json.dumps({"data": {"rows": objects}}), made("records", COLUMNS | {"path": "/data/rows"}, MAPPING)
    yield (
        "\n".join(map(json.dumps, objects)),
        made("records", COLUMNS | {"lines": True, "ignore_columns": ["x*"]}, MAPPING),
    )
    arrays = [COLUMNS["columns"], *map(list, ROWS)]
    yield json.dumps(arrays), made("records", COLUMNS | {"header": True}, MAPPING)
    nested = [{"country": c, "of": {"month": m, "trips": n}, "geo": {"x": [1, 2]}} for c, m, n in ROWS]
    named = {"columns": ["country", "of.month", "/of/trips"], "values": ["/of/trips"], "ignore_columns": ["geo"]}
    yield json.dumps(nested), made("records", named, MAPPING | {"time": MAPPING["time"] | {"dimension": "of.month"}})


def parquet():
    columns = list(zip(*ROWS, strict=True))
    plain = pa.table({"country": columns[0], "month": columns[1], "trips": pa.array(columns[2])})
    dated = plain.set_column(1, "month", pa.array([date.fromisoformat(f"{m}-01") for m in columns[1]], pa.date32()))
    coded = plain.set_column(0, "country", pa.array(columns[0]).dictionary_encode())
    days = MAPPING | {"time": MAPPING["time"] | {"formats": "YYYY-MM-DD"}}
    yield written(plain, compression="none"), made("parquet", COLUMNS, MAPPING)
    yield written(plain, compression="none", use_dictionary=False), made("parquet", COLUMNS, MAPPING)
    yield written(dated, data_page_version="2.0"), made("parquet", COLUMNS, days)
    yield written(coded, compression="zstd", row_group_size=2), made("parquet", COLUMNS, MAPPING)
    stamped = dated.set_column(1, "month", dated.column(1).cast(pa.timestamp("ms")).cast(pa.timestamp("ms", "UTC")))
    yield written(stamped, compression="gzip", write_page_checksum=True), made("parquet", COLUMNS, days)


def workbooks():
    data = [HEAD, ("Russia", 1410, 1275), (), ("Estonia", 55, ".."), ("Source: an office",)]
    yield book(Data=data), made("workbook", SHEET | {"sheet": "Data"}, MAPPING)
    stacked = [("Entries",), HEAD, *data[1:4], ("Exits",), HEAD, *data[1:4]]
    yield book(Data=stacked), made("workbook", SHEET | {"sheet": "Data", "titles": ["{flow}"]}, BOTH_WAYS)
    yield book(Entries=data, Exits=data), made("workbook", SHEET | {"sheet": "{flow}"}, BOTH_WAYS)
    grouped = [HEAD, ("Entries",), data[1], ("Exits",), data[1], data[3]]
    yield book(Data=grouped), made("workbook", SHEET | {"sheet": "Data", "groups": "flow"}, BOTH_WAYS)
    bare = [("Trips",), (None, *HEAD[1:]), *data[1:]]
    yield book(Data=bare), made("workbook", SHEET | {"sheet": "Data", "stub_columns": ["A"]}, MAPPING)


def cubes():
    text = (
        'CHARSET="ANSI";\nTITLE="Trips";\nUNITS="trips";\nSTUB="country";\nHEADING="month";\n'
        'VALUES("country")="Russia","Estonia";\nVALUES("month")="2023-09","2023-10";\n'
        'NOTE="made; for a test";\nDATA=\n1410 1275\n55 "..";\n'
    )
    yield text, made("pcaxis", {}, MAPPING)
    yield text.replace("ANSI", "UTF-8").replace("Trips", "Поездки"), made("pcaxis", {"encoding": "utf-8"}, MAPPING)


@pytest.fixture(scope="module")
def subjects():
    """Readers in turn, and the shapes of each: content and source."""
    return [
        [(payload(content), source) for content, source in kind()]
        for kind in (tables, records, parquet, workbooks, cubes)
    ]


def test_the_inputs_are_read_whole(subjects):
    for shapes in subjects:
        for given, source in shapes:
            parsed = parse([given], source)
            assert len(parsed.observations) > 0
            assert len(parsed.rejected) == 0


def outcome(number, subjects):
    """What one mutation led to: the reader, and `parsed` or `refused`."""
    dice = random.Random(number)
    given, source = dice.choice(subjects[number % len(subjects)])
    body = dice.choice(MUTATE)(given.content, dice)
    parsed = fault = None
    try:
        parsed = parse([payload(body)], source)
    except CrossingsError as told:
        fault = told
    if parsed is None:
        assert fault.remedy
        assert len(str(fault)) < 3_000
        assert "\n" not in str(fault)
        return source.parser, "refused"
    assert parsed.considered > 0
    assert parsed.considered == len(parsed.observations) + len(parsed.rejected) + parsed.unselected + parsed.summed
    return source.parser, "parsed"


@pytest.mark.parametrize("portion", PORTIONS, ids=lambda p: f"{p[0]} to {p[1]}")
def test_every_mutation_is_counted_or_refused(portion, subjects):
    seen = Counter()
    for number in range(*portion):
        try:
            seen[outcome(number, subjects)] += 1
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
            pytest.fail(f"mutation {number}: {fault!r}")
    assert len(seen) == 2 * len(subjects), seen
