"""Parquet: declared columns are read whatever their kind says of dates and texts, everything else is refused."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from parse_support import made, payload
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse

MAPPING = {
    "series": {"country": "POL", "scope": "national", "mode": "all", "direction": "entry"},
    "time": {"dimension": "day", "freq": "D", "formats": "YYYY-MM-DD"},
    "dimensions": [{"dimension": "country", "field": "citizenship", "codes_from": "country"}],
}
NAMED = {"columns": ["country", "day", "persons"], "values": ["persons"]}
DAYS = [date(2022, 3, 1), date(2022, 3, 2)]


def table(day=None, persons=None, country=("Ukraine", "Poland"), **more):
    given = {"country": pa.array(country), "day": pa.array(DAYS) if day is None else day}
    return pa.table(given | {"persons": pa.array([81730, 2050]) if persons is None else persons} | more)


def written(of, **how):
    out = io.BytesIO()
    pq.write_table(of, out, **how)
    return out.getvalue()


def read(of, mapping=None, **options):
    content = of if isinstance(of, bytes) else written(of)
    return parse([payload(content)], made("parquet", NAMED | options, mapping or MAPPING))


def figures(parsed):
    return dict(zip(parsed.observations["citizenship"], parsed.observations["value"], strict=True))


class TestLaws(ProtocolLaws):
    name = "parquet"
    renamed = (b"Ukraine", b"Ruritania")

    def relabelled(self, content):
        old, new = (name.decode() for name in self.renamed)
        found = pq.read_table(io.BytesIO(content))
        names = pa.array([new if name == old else name for name in found.column("country").to_pylist()])
        return written(found.set_column(0, "country", names))

    def sample(self):
        addresses = [{"role": "data", "url": "https://office.example/data.parquet"}]
        return made("parquet", NAMED, MAPPING, addresses=addresses), [payload(written(table()), "data.parquet")]


NOON = datetime(2022, 3, 2, 12)  # noqa: DTZ001 - a clock without a zone is what the column holds


@pytest.mark.parametrize(
    "of",
    [
        table(),
        table(day=pa.array(DAYS, pa.date64())),
        table(day=pa.array(DAYS).cast(pa.timestamp("s"))),
        table(day=pa.array(DAYS).cast(pa.timestamp("ns"))),
        table(day=pa.array(["2022-03-01", "2022-03-02"])),
        table(day=pa.array(["2022-03-01", "2022-03-02"], pa.large_string()), country=("Ukraine", "Poland")),
        table(persons=pa.array([81730.0, 2050.0])),
        table(persons=pa.array([81730, 2050], pa.uint32())),
        table(persons=pa.array([Decimal("81730.00"), Decimal("2050.00")])),
        table(persons=pa.array(["81730", "2050"])),
        pa.table({"PERSONS ": [81730, 2050], "Day": DAYS, "country": ["Ukraine", "Poland"]}),
    ],
    ids=lambda of: " ".join(str(kind) for kind in of.schema.types),
)
def test_columns_of_several_kinds_give_the_same_figures(of):
    parsed = read(of)
    assert figures(parsed) == {"UKR": 81730, "POL": 2050}
    assert parsed.observations["period_start"].tolist() == DAYS
    assert parsed.observations["payload_locator"].str.casefold().str.split().map(" ".join).tolist() == [
        "row 1 persons", "row 2 persons",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "how",
    [
        {"compression": "none", "use_dictionary": False},
        {"compression": "zstd", "write_page_checksum": True},
        {"version": "1.0", "data_page_version": "2.0"},
        {"row_group_size": 1},
        {"store_schema": False},
    ],
)
def test_the_way_of_writing_makes_no_difference(how):
    encoded = table(country=pa.array(["Ukraine", "Poland"]).dictionary_encode())
    for of in (table(), encoded):
        assert figures(read(written(of, **how))) == {"UKR": 81730, "POL": 2050}


def test_a_clock_is_the_day_at_midnight_and_else_says_so():
    parsed = read(table(day=pa.array([datetime(2022, 3, 1), NOON], pa.timestamp("ms"))))  # noqa: DTZ001
    assert figures(parsed) == {"UKR": 81730}
    assert parsed.rejected["reason"].tolist() == ["'2022-03-02T12:00:00' is not written as YYYY-MM-DD"]


def test_a_clock_with_a_zone_is_that_of_its_zone():
    instants = pa.array([datetime(2022, 2, 28, 22), datetime(2022, 3, 1, 22)], pa.timestamp("us"))  # noqa: DTZ001
    helsinki = instants.cast(pa.timestamp("us", "Europe/Helsinki"))
    assert read(table(day=helsinki)).observations["period_start"].tolist() == DAYS
    with pytest.raises(UnreadableInput, match="2022-02-28T22:00:00"):
        read(table(day=instants.cast(pa.timestamp("us", "UTC"))))


def test_null_is_an_absent_figure_and_a_row_without_a_label_is_set_aside():
    parsed = read(table(persons=pa.array([None, 2050])))
    assert parsed.observations["value"].isna().tolist() == [True, False]
    assert parsed.observations["obs_status"].tolist() == ["O", "A"]
    bare = read(table(country=("Ukraine", None)))
    assert figures(bare) == {"UKR": 81730}
    assert bare.rejected["reason"].tolist() == ["expected a text, number or date under country, found null"]
    assert "persons 2050" in bare.rejected["record"][0]


def test_what_is_no_count_is_set_aside():
    parsed = read(table(persons=pa.array([1.5, float("nan")])))
    assert sorted(parsed.rejected["rule"]) == ["V01", "V07"]
    assert read(table(persons=pa.array([True, False]))).rejected["rule"].tolist() == ["V01", "V01"]


def test_whole_numbers_in_a_column_with_gaps_are_labels_without_a_fraction():
    mapping = MAPPING | {"time": {"year": "day", "month": "month", "freq": "M", "formats": "YYYY MONTH"}}
    of = table(day=pa.array([2022.0, 2022.0]), month=pa.array([1, 2]))
    parsed = read(of, mapping, columns=["country", "day", "persons", "month"])
    assert parsed.observations["period_start"].map(str).tolist() == ["2022-01-01", "2022-02-01"]


def test_columns_for_each_month_are_an_open_set():
    mapping = MAPPING | {"time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"}}
    of = pa.table({"country": ["Ukraine"], "id": [[1]], "2022-02": [1], "2022-03": [2]})
    parsed = read(of, mapping, columns=["country"], values=["####-##"], values_as="month", ignore_columns=["id"])
    assert parsed.observations["value"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (table(note=pa.array(["x", "y"])), "and no other, found note"),
        (table().drop_columns("day"), "expected columns country, day, persons, found country, persons"),
        (table(persons=pa.array([[1], [2]])), "expected texts, numbers or dates in persons, found list"),
        (table(day=pa.array([b"2022", b"2023"])), "expected texts, numbers or dates in day, found binary"),
        (table(country=("x" * 20_000, "Poland")), "texts up to 10,000 characters, found 20,000 in country"),
        (table().slice(0, 0), "an answer of size zero"),
        (b"PAR1" + b"\0" * 40 + b"PAR1", "expected a whole Parquet file"),
        (b"day,persons\n2022-03-01,1\n", "expected a whole Parquet file, found b'day,persons"),
        (b"<html><title>Not found</title></html>", "HTML page: Not found"),
        (written(table()).replace(b"Ukraine", b"Ukr\xff\xfe\xfde"), "expected a whole Parquet file"),
        (written(table(), write_page_checksum=True, compression="none").replace(b"Ukraine", b"Ukrainf"), "a whole Parquet file"),
    ],
)  # fmt: skip
def test_a_fault_of_the_file_refuses_it_whole(of, told):
    with pytest.raises(UnreadableInput, match=told) as fault:
        read(of)
    assert "\n" not in str(fault.value)


def test_a_file_beyond_the_declared_size_is_refused_before_it_is_unpacked():
    with pytest.raises(UnreadableInput, match="bytes unpacked"):
        read(table(), max_uncompressed_bytes=10)
    many = table(country=["Ukraine"] * 2_000, day=pa.array(DAYS * 1_000), persons=pa.array(range(2_000)))
    with pytest.raises(UnreadableInput, match="at most 1,999 rows, found 2,000"):
        parse([payload(written(many))], made("parquet", NAMED, MAPPING, bounds={"max_rows": 1_999}))
