"""Delimited text: what is declared is read, everything else is refused or set aside with its reason."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parse_support import made, payload

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse

SERIES = {"country": "FIN", "scope": "national", "mode": "land", "direction": "entry", "citizenship": "RUS"}


def daily(formats="YYYY-MM-DD", *, time=None, options=None, mapping=None, **more):
    return made(
        "table",
        {"columns": ["day", "persons"], "values": ["persons"]} | (options or {}),
        {"series": SERIES, "time": {"dimension": "day", "freq": "D", "formats": formats} | (time or {})}
        | (mapping or {}),
        **more,
    )


def read(text, spec=None):
    return parse([payload(text)], spec or daily())


def test_a_plain_file_becomes_observations_with_their_place():
    parsed = read("day,persons\n2022-09-24,8572\n2022-09-25,8314\n")
    frame = parsed.observations
    assert frame["value"].tolist() == [8572, 8314]
    assert frame["payload_locator"].tolist() == ["row 2 col 2", "row 3 col 2"]
    assert frame["period_start"].tolist() == [date(2022, 9, 24), date(2022, 9, 25)]
    assert json.loads(frame["raw"][0]) == {"day": "2022-09-24"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected 2 to"),
        ("  \n", "an empty answer"),
        ("day,persons\n", "answer of size zero"),
        ("<!DOCTYPE html><html><title>Not found</title></html>", "HTML page: Not found"),
        ("day;persons\n2022-09-24;1\n", "expected columns day, persons"),
        ("persons,day\n1,2022-09-24\n", "expected columns day, persons"),
        ("day,persons,note\n2022-09-24,1,x\n", "expected columns day, persons"),
        ("day,persons\n2022-09-24,1,2\n", "expected 2 fields in line 2, found 3"),
        ('day,persons\n2022-09-24,"1\n', "delimited text"),
        ("day,persons\n2022-09-24,1\x00\n", "1 NUL bytes"),
        ("day,persons\n2022-09,1\n", "expected periods of frequency D"),
        (f"day,persons\n2022-09-24,{'1' * 20_000}\n", "fields up to 10,000 characters"),
        ("PK\x03\x04 day,persons", "a zip or xlsx file"),
    ],
)
def test_a_fault_of_the_file_refuses_it_whole(text, told):
    with pytest.raises(UnreadableInput, match=told):
        read(text)


def test_wrong_charsets_are_told_both_ways():
    with pytest.raises(UnreadableInput, match="byte 0xe4"):
        parse([payload("day,persons\nä,1\n".encode("latin-1"))], daily())
    with pytest.raises(UnreadableInput, match="UTF-8 bytes"):
        read("day,persons\nä,1\n", daily(options={"encoding": "windows-1252"}))
    with pytest.raises(UnreadableInput, match="1 replacement characters"):
        read("day,persons\n\ufffd,1\n")


def test_byte_order_mark_and_crlf_are_no_content():
    assert read("\ufeffday,persons\r\n2022-09-24,5\r\n").observations["value"].tolist() == [5]


def test_nul_bytes_are_dropped_only_where_declared():
    text = "title line\nday;persons\n2022-09-24;\x005\n"
    spec = daily(options={"delimiter": ";", "skip_lines": 1, "drop_nul": True})
    assert read(text, spec).observations["value"].tolist() == [5]
    assert read(text, spec).observations["payload_locator"].tolist() == ["row 3 col 2"]


def test_separators_are_read_as_declared_and_never_guessed():
    text = 'day,persons\n2022-09-24,"6,734"\n2022-09-25,6.734\n2022-09-26,6734\n'
    plain = read(text)
    assert plain.observations["value"].tolist() == [6734]
    assert plain.rejected["rule"].tolist() == ["V11", "V07"]
    declared = read(text, daily(mapping={"thousands": ","}))
    assert declared.observations["value"].tolist() == [6734, 6734]


@pytest.mark.parametrize(
    ("figure", "rule"),
    [("-5", "V07"), ("1.5", "V07"), ("12a", "V11"), ("1e3", "V11"), ("9" * 30, "V07"), ("NA", "V11")],
)
def test_what_is_no_count_is_set_aside(figure, rule):
    parsed = read(f"day,persons\n2022-09-24,{figure}\n2022-09-25,7\n")
    assert parsed.rejected["rule"].tolist() == [rule]
    assert json.loads(parsed.rejected["record"][0])["value"] == figure
    assert parsed.observations["value"].tolist() == [7]


def test_a_declared_symbol_stays_beside_the_null():
    parsed = read("day,persons\n2022-09-24,..\n2022-09-25,\n", daily(mapping={"symbols": {"..": "Q"}}))
    frame = parsed.observations
    assert frame["value"].isna().all()
    assert frame["obs_status"].tolist() == ["Q", "O"]
    assert frame["status_symbol"][0] == ".."
    assert frame["value_text"].tolist() == ["..", ""]


def test_a_day_that_does_not_exist_is_set_aside():
    parsed = read("day,persons\n2022-02-28,1\n2022-02-29,2\n")
    assert parsed.rejected["rule"].tolist() == ["V04"]
    assert "2022-02-29" in parsed.rejected["reason"][0]


def test_copies_are_dropped_and_contradictions_set_aside():
    parsed = read("day,persons\n2022-09-24,1\n2022-09-24,1\n2022-09-25,2\n2022-09-25,3\n")
    assert parsed.observations["value"].tolist() == [1]
    assert sorted(parsed.rejected["rule"]) == ["V22", "duplicate_key", "duplicate_key"]
    assert parsed.considered == 4


def days(first, number):
    return [first + timedelta(days=k) for k in range(number)]


def test_one_row_in_another_date_order_refuses_the_file():
    with pytest.raises(UnreadableInput, match=r"1 of 2 rows written DD-MM-YYYY; 1 of them"):
        read("day,persons\n2022-09-24,1\n05-09-2022,2\n")


def test_slashed_dates_that_only_read_day_first_refuse_a_month_first_file():
    with pytest.raises(UnreadableInput, match="written D/M/YYYY"):
        read("day,persons\n1/2/2022,1\n25/2/2022,2\n", daily("M/D/YYYY"))


def test_exchanged_days_break_order_or_completeness():
    rows = [f"{d.isoformat()},{k}" for k, d in enumerate(days(date(2022, 9, 1), 30))]
    good = "day,persons\n" + "\n".join(rows)
    swapped = "day,persons\n" + "\n".join(
        f"{r[:4]}-{r[8:10]}-{r[5:7]}{r[10:]}" if int(r[8:10]) <= 12 else r for r in rows
    )
    for claim in ({"order": "ascending"}, {"complete": True}):
        assert len(read(good, daily(time=claim)).observations) == 30
        with pytest.raises(UnreadableInput):
            read(swapped, daily(time=claim))


def test_order_completeness_and_rows_are_claims_of_the_source():
    backwards = "day,persons\n2022-09-25,1\n2022-09-24,2\n"
    assert len(read(backwards, daily(time={"order": "descending"})).observations) == 2
    with pytest.raises(UnreadableInput, match="1 breaks"):
        read(backwards, daily(time={"order": "ascending"}))
    with pytest.raises(UnreadableInput, match="starting 2022-09-25"):
        read("day,persons\n2022-09-24,1\n2022-09-26,2\n", daily(time={"complete": True}))
    with pytest.raises(UnreadableInput, match="expected 2 rows a period, found 1"):
        read(backwards, daily(time={"rows_per_period": 2}))


def test_a_time_axis_must_reach_the_expected_period():
    text = "day,persons\n2022-09-24,1\n"
    assert len(read(text, daily(bounds={"latest_period": "2022-09-24"})).observations) == 1
    with pytest.raises(UnreadableInput, match="up to the one starting 2022-09-25, found the last at 2022-09-24"):
        read(text, daily(bounds={"latest_period": "2022-09-25"}))


def groups(**more):
    return made(
        "table",
        {"columns": ["day", "all", "rus", "rest"], "values": ["all", "rus", "rest"], "values_as": "group"},
        {
            "series": {k: v for k, v in SERIES.items() if k != "citizenship"},
            "time": {"dimension": "day", "freq": "D", "formats": ["YYYY-MM-DD"]},
            "dimensions": [
                {
                    "dimension": "group",
                    "labels": {"all": {"citizenship": "all"}, "rus": {"citizenship": "RUS"}},
                    "unselected": ["rest"],
                }
            ],
            "totals": [{"dimension": "group", "total": "all", "parts": ["rus", "rest"]} | more],
        },
    )


def test_a_total_that_differs_from_its_parts_refuses_the_file():
    good, bad = "day,all,rus,rest\n2022-09-24,10,7,3\n", "day,all,rus,rest\n2022-09-24,10,7,4\n"
    parsed = read(good, groups())
    assert (parsed.considered, len(parsed.observations), parsed.unselected) == (3, 2, 1)
    with pytest.raises(UnreadableInput, match="all 10, parts 11"):
        read(bad, groups())
    assert len(read(bad, groups(tolerance=1.0)).observations) == 2


def test_an_unknown_label_is_set_aside_and_an_unknown_column_refused():
    spec = made(
        "table",
        {"columns": ["day", "way", "n"], "values": ["n"]},
        {
            "series": {k: v for k, v in SERIES.items() if k != "direction"},
            "time": {"dimension": "day", "freq": "D", "formats": ["YYYY-MM-DD"]},
            "dimensions": [{"dimension": "way", "labels": {"in": {"direction": "entry"}}}],
        },
    )
    parsed = read("day,way,n\n2022-09-24,in,1\n2022-09-24,sideways,2\n", spec)
    assert parsed.rejected["rule"].tolist() == ["unknown_label"]
    assert "sideways" in parsed.rejected["reason"][0]
    unmapped = spec.model_copy(update={"mapping": spec.mapping.model_copy(update={"dimensions": ()})})
    with pytest.raises(UnreadableInput, match="expected no other dimension, found way"):
        read("day,way,n\n2022-09-24,in,1\n", unmapped)


def test_size_bounds_are_kept():
    with pytest.raises(UnreadableInput, match="expected 3 to"):
        read("day,persons\n2022-09-24,1\n", daily(bounds={"min_rows": 3}))
    with pytest.raises(UnreadableInput, match="bytes, found"):
        read("day,persons\n2022-09-24,1\n", daily(bounds={"min_bytes": 1000}))
    with pytest.raises(UnreadableInput, match="at most 1 rows"):
        read("day,persons\n2022-09-24,1\n2022-09-25,1\n", daily(bounds={"max_rows": 1}))
    with pytest.raises(UnreadableInput, match="to 10 bytes"):
        read("day,persons\n2022-09-24,1\n", daily(fetch={"offline": True, "max_bytes": 10}))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.dates(date(2000, 1, 1), date(2030, 1, 1)), st.text(alphabet="0123456789.,-NA ", max_size=8)),
        min_size=1,
        max_size=30,
    ),
    st.randoms(use_true_random=False),
)
def test_every_row_is_accounted_for_whatever_its_order(rows, dice):
    def written(pairs):
        return "day,persons\n" + "".join(f'{d.isoformat()},"{n}"\n' for d, n in pairs)

    parsed = read(written(rows), daily(mapping={"thousands": ","}))
    assert parsed.considered == len(rows) == len(parsed.observations) + len(parsed.rejected)
    shuffled = list(rows)
    dice.shuffle(shuffled)
    again = read(written(shuffled), daily(mapping={"thousands": ","}))
    columns = ["period_start", "value", "obs_status", "raw"]
    assert parsed.observations[columns].equals(again.observations[columns])
    assert sorted(parsed.rejected["record"]) == sorted(again.rejected["record"])
