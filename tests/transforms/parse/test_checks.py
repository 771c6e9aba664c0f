"""Claims over a whole file: date order, completeness, reach and totals; a file that breaks one is refused."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from daily_file import SERIES, daily, read
from parse_support import made

from crossings.errors import UnreadableInput


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


def suppressed(*parts, total=100):
    rows = "".join(f"2022-09-24,{name},{figure}\n" for name, figure in zip("abcdef", parts, strict=False))
    return f"day,group,n\n2022-09-24,all,{total}\n{rows}"


def marked(**more):
    return made(
        "table",
        {"columns": ["day", "group", "n"], "values": ["n"]},
        {
            "series": {k: v for k, v in SERIES.items() if k != "citizenship"},
            "time": {"dimension": "day", "freq": "D", "formats": ["YYYY-MM-DD"]},
            "symbols": {"..": "Q"},
            "dimensions": [
                {"dimension": "group", "labels": {"all": {"citizenship": "all"}}, "unselected": list("abcdef")}
            ],
            "totals": [{"dimension": "group", "total": "all"} | more],
        },
    )


@pytest.mark.parametrize("parts", [("90", "30", ".."), ("101", ".."), ("..", "..", "101"), ("60", "41", "x")])
def test_a_missing_part_does_not_switch_off_the_check_of_those_that_are_known(parts):
    with pytest.raises(UnreadableInput, match="all 100, known parts 1"):
        read(suppressed(*parts), marked())


@pytest.mark.parametrize("parts", [("90", ".."), ("90", "10", ".."), ("..", ".."), ("-5", "106", "..")])
def test_known_parts_that_leave_room_are_no_contradiction(parts):
    assert len(read(suppressed(*parts), marked()).observations) == 1


def test_a_part_that_has_no_row_is_a_missing_part_where_parts_are_named():
    with pytest.raises(UnreadableInput, match="known parts 120"):
        read(suppressed("90", "30"), marked(parts=["a", "b", "c"]))
