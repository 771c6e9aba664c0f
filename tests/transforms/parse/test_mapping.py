"""From cells to observations: each is taken, set aside with its reason, or left out on purpose."""

from __future__ import annotations

import json
from datetime import date

import pytest
from daily_file import SERIES, daily, read
from hypothesis import given
from hypothesis import strategies as st
from parse_support import made

from crossings.errors import UnreadableInput


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
