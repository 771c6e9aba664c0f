"""What was not understood is told once, ready for the source's YAML; above a declared share it refuses the file."""

from __future__ import annotations

import pytest
from daily_file import SERIES, daily, read
from parse_support import made

from crossings.errors import UnreadableInput


def rows(texts):
    return "day,persons\n" + "".join(f'"{text}",{1000 + k}\n' for k, text in enumerate(texts))


def weeks(*, spelled):
    return [spelled.format(week) for week in range(1, 53)]


@pytest.mark.parametrize(
    ("texts", "declared", "freq", "unread", "named"),
    [
        (weeks(spelled="2023{:02}"), "YYYYMM", "M", 40, "YYYYww (freq W)"),
        ([f"2023-{k:02}" for k in range(1, 25)], "YYYY-MM", "M", 12, "YYYY-w (freq W)"),
        (["2023Q1", "2023Q2", "2023Q3", "2023Q4", "2023-01", "2023-02"], "YYYYQq", "Q", 2, "YYYY-M (freq M)"),
        (["2019", "2020", "2021", "2022", "2020/21", "2021/22", "2022/23"], "YYYY", "A", 3, None),
    ],
)
def test_a_spelling_that_fits_part_of_a_column_refuses_the_file(texts, declared, freq, unread, named):
    spec = daily(declared, time={"freq": freq})
    with pytest.raises(UnreadableInput) as told:
        read(rows(texts), spec)
    assert f"found {unread} of {len(texts)}" in told.value.message
    assert (named or "unselected: [") in told.value.remedy
    assert "\n" not in str(told.value)


def test_texts_may_be_left_out_and_the_remedy_can_be_pasted():
    texts = [f"2022-{k:02}" for k in range(1, 13)] + ["year 2022", "note: crews excluded"]
    spec = daily("YYYY-MM", time={"freq": "M"})
    with pytest.raises(UnreadableInput) as told:
        read(rows(texts), spec)
    assert 'unselected: ["note: crews excluded", "year 2022"]' in told.value.remedy
    left = daily("YYYY-MM", time={"freq": "M", "unselected": ["note: crews excluded", "year 2022"]})
    parsed = read(rows(texts), left)
    assert (len(parsed.observations), len(parsed.rejected), parsed.unselected) == (12, 0, 2)


def test_the_share_is_data_and_one_odd_text_is_set_aside():
    texts = [f"2022-{k:02}" for k in range(1, 13)] + ["total", "note"]
    spec = daily("YYYY-MM", time={"freq": "M"}, bounds={"max_unread": 0.2})
    parsed = read(rows(texts), spec)
    assert len(parsed.observations) == 12
    assert [note.rule for note in parsed.notes] == ["unread"]
    assert '"note" (1), "total" (1)' in parsed.notes[0].message
    alone = read(rows([*texts[:4], "total"]), daily("YYYY-MM", time={"freq": "M"}))
    assert alone.rejected["rule"].tolist() == ["V04"]


def by_country(**more):
    return made(
        "table",
        {"columns": ["country", "month", "n"], "values": ["n"]},
        {
            "series": {k: v for k, v in SERIES.items() if k != "citizenship"},
            "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
            "dimensions": [{"dimension": "country", "field": "citizenship", "codes_from": "country"}],
        },
        **more,
    )


def table(*labels):
    return "country,month,n\n" + "".join(f'"{label}",2023-09,{k}\n' for k, label in enumerate(labels))


KNOWN = ("Russia", "Estonia", "Latvia", "Finland", "Norway", "Sweden", "Poland", "Spain", "France")


def test_unknown_labels_are_told_once_with_their_counts():
    parsed = read(
        table(*KNOWN, "Other countries") + "Other countries,2023-10,5\n", by_country(bounds={"max_unread": 0.2})
    )
    assert len(parsed.observations) == 9
    (note,) = parsed.notes
    assert '"Other countries" (2)' in note.message
    assert 'labels: {"Other countries": {citizenship: CODE}}' in note.message


@pytest.mark.parametrize(
    "strange", [("Mordor", "Narnia"), ("Ruritania", "Freedonia", "Sylvania"), ("x1", "x2", "x3", "x4")]
)
def test_more_unknown_labels_than_the_share_refuse_the_file_with_all_of_them(strange):
    with pytest.raises(UnreadableInput) as told:
        read(table(*KNOWN, *strange), by_country())
    for label in strange:
        assert f'"{label}" (1)' in told.value.message
        assert f'"{label}": {{citizenship: CODE}}' in told.value.remedy
