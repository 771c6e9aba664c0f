"""What a source may say of its figures: running totals, means, sums of parts, statuses, breaks; what we computed says so."""

from __future__ import annotations

import json

import pytest
from daily_file import SERIES, daily, read
from parse_support import made

from crossings.errors import UnreadableInput
from crossings.source.model import InvalidSource


def values(parsed):
    return parsed.observations["value"].tolist()


def statuses(parsed):
    return parsed.observations["obs_status"].tolist()


RUNNING = "day,persons\n2022-02-24,22400\n2022-02-25,51900\n2022-02-26,118300\n2022-02-27,170500\n2022-02-28,251100\n"


def running(since="2022-02-24", formats="YYYY-MM-DD", **time):
    return daily(formats, time=time, mapping={"statistic": "cumulative", "since": since})


def test_a_running_total_becomes_the_figures_of_its_periods():
    parsed = read(RUNNING, running())
    assert values(parsed) == [22400, 29500, 66400, 52200, 80600]
    assert "51,900 minus 22,400" in json.loads(parsed.observations["raw"][1])["computed"]
    assert parsed.observations["value_text"].isna().all()
    backwards = "day,persons\n" + "\n".join(reversed(RUNNING.splitlines()[1:])) + "\n"
    assert values(read(backwards, running())) == values(parsed)


@pytest.mark.parametrize(
    ("text", "spec", "made_of_it", "refused"),
    [
        # each year anew, by months
        ("day,persons\nJan-Nov 2021,90\nJan-Dec 2021,100\nJan-Jan 2022,7\nJan-Feb 2022,19\n",
         running("year", "MON-MON YYYY", freq="M"), [10, 7, 12], 1),
        # a fiscal year that starts in October
        ("day,persons\n2021-10,5\n2021-11,9\n2022-10,4\n", running("year", "YYYY-MM", freq="M", year_starts=10), [5, 4, 4], 0),
        # the same beside calendar years
        ("day,persons\n2021-09,90\n2021-10,5\n2021-11,9\n",
         running("year", "YYYY-MM", freq="M", year_starts=10, year_named="calendar"), [5, 4], 1),
        # a gap: what fell on two days together is no day
        ("day,persons\n2022-02-24,10\n2022-02-26,30\n2022-02-27,35\n", running(), [10, 5], 1),
        # a fall: neither of the days around it
        ("day,persons\n2022-02-24,10\n2022-02-25,40\n2022-02-26,30\n2022-02-27,35\n", running(), [10, 5], 2),
        # it begins before the file does
        ("day,persons\n2022-03-01,300\n2022-03-02,310\n", running(), [10], 1),
    ],
)  # fmt: skip
def test_a_running_total_that_says_nothing_of_a_period_is_set_aside(text, spec, made_of_it, refused):
    parsed = read(text, spec)
    assert values(parsed) == made_of_it
    assert parsed.rejected["rule"].tolist() == ["running_total"] * refused


def test_days_that_never_fall_and_rise_fast_look_like_a_running_total():
    (note,) = read(RUNNING).notes
    assert note.rule == "looks_cumulative"
    assert not read(RUNNING.replace("118300", "11830")).notes
    assert not read("day,persons\n" + "".join(f"2022-09-{k:02},{1000 + k}\n" for k in range(1, 9))).notes


@pytest.mark.parametrize(
    ("statistic", "freq", "spelling", "row", "mult", "total"),
    [
        ("mean_per_month", "Q", "YYYYQq", "2023Q1,140.254666", 3, 420764),
        ("mean_per_month", "A", "YYYY", "2023,12.5", 0, 150),
        ("mean_per_day", "M", "YYYY-MM", "2023-02,10.25", 0, 287),
        ("mean_per_week", "M", "YYYY-MM", "2023-02,7", 0, 28),
        ("mean_per_day", "W", "YYYY-Www", "2023-W05,0.5", 3, 3500),
    ],
)
def test_a_mean_becomes_the_total_of_its_period_and_says_so(statistic, freq, spelling, row, mult, total):
    spec = daily(
        spelling, time={"freq": freq}, mapping={"statistic": statistic, "unit": {"text": "made", "mult": mult}}
    )
    parsed = read(f"day,persons\n{row}\n", spec)
    assert (values(parsed), statuses(parsed)) == ([total], ["E"])
    assert "mean" in json.loads(parsed.observations["raw"][0])["computed"]


def test_a_fraction_is_rounded_only_where_the_source_states_its_precision():
    text = "day,persons\n2022-09-24,12.3456\n2022-09-25,12.3\n"
    thousands = {"text": "thousand", "mult": 3}
    assert read(text, daily(mapping={"unit": thousands})).rejected["rule"].tolist() == ["V07"]
    stated = read(text, daily(mapping={"unit": thousands | {"rounding_unit": 100}}))
    assert (values(stated), statuses(stated)) == ([12346, 12300], ["E", "A"])


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"statistic": "cumulative"}, "needs since"),
        ({"since": "2022-02-24"}, "needs since"),
        ({"statistic": "cumulative", "since": "24.2.2022"}, "since"),
        ({"statistic": "mean_per_month"}, "needs periods of months"),
        ({"statistic": "stock"}, "direction: stock"),
        ({"statistic": "median"}, "statistic"),
    ],
)
def test_a_statistic_is_checked_when_the_source_is_read(mapping, told):
    with pytest.raises(InvalidSource, match=told):
        daily(mapping=mapping)


def parts(*dimensions, columns=("day", "point", "who", "n"), values=("n",), **options):
    return made(
        "table",
        {"columns": list(columns), "values": list(values)} | options,
        {
            "series": SERIES,
            "time": {"dimension": "day", "freq": "D", "formats": "YYYY-MM-DD"},
            "symbols": {"..": "Q", "-": "M"},
            "dimensions": [{"dimension": name, "sum": True} | more for name, more in dimensions],
        },
    )


BOTH = ("point", {}), ("who", {})
WIDE = "day,point,residents,visitors\n2024-06-30,Airport,1310,640\n2024-06-30,Old Bridge,2270,7415\n"


def test_parts_are_added_and_the_sum_names_them():
    spec = parts(
        *BOTH, columns=("day", "point", "residents", "visitors"), values=("residents", "visitors"), values_as="who"
    )
    parsed = read(WIDE, spec)
    assert (values(parsed), parsed.considered, parsed.summed) == ([11635], 4, 3)
    said = json.loads(parsed.observations["raw"][0])["computed"]
    assert "our sum" in said
    assert "7,415 (Old Bridge visitors, row 3 col 4)" in said
    assert [note.rule for note in parsed.notes] == ["computed"]


LONG = "day,point,who,n\n2024-06-29,A,x,1\n2024-06-29,B,x,2\n2024-06-30,A,x,3\n"


@pytest.mark.parametrize(
    ("last", "kept", "status", "refused"),
    [
        ("2024-06-30,B,x,4\n", [3, 7], ["A", "A"], []),
        ("", [3], ["A"], ["incomplete_sum"]),  # a part that is missing
        ("2024-06-30,B,x,4a\n", [3], ["A"], ["V11", "incomplete_sum"]),  # a part that cannot be read
        ("2024-06-30,B,x,..\n", [3, None], ["A", "Q"], []),  # a part that is suppressed
        ("2024-06-30,B,x,-\n", [3, 3], ["A", "A"], []),  # a part that cannot exist
        ("2024-06-30,B,x,4\n2024-06-30,B,x,4\n", [3, 7], ["A", "A"], ["V22"]),  # a part that is copied
        ("2024-06-30,B,x,4\n2024-06-30,B,x,5\n", [3], ["A"], ["duplicate_key", "duplicate_key", "incomplete_sum"]),
    ],
)
def test_a_sum_is_whole_or_not_made(last, kept, status, refused):
    parsed = read(LONG + last, parts(*BOTH))
    found = [None if value is not value or str(value) == "<NA>" else value for value in values(parsed)]
    assert (found, statuses(parsed)) == (kept, status)
    assert sorted(parsed.rejected["rule"]) == sorted(refused)


def test_a_publisher_may_leave_out_parts_that_are_zero():
    assert values(read(LONG, parts(("point", {"sum": "sparse"}), ("who", {})))) == [3, 3]


def test_a_total_among_the_parts_is_never_added_to_them():
    text = "day,point,who,n\n" + "".join(
        f"2024-06-{d},A,x,{d}\n2024-06-{d},B,x,{2 * d}\n2024-06-{d},All,x,{3 * d}\n" for d in (10, 11)
    )
    with pytest.raises(UnreadableInput, match="point 'All' always equals the sum of the others"):
        read(text, parts(*BOTH))
    assert values(read(text, parts(("point", {"unselected": ["All"]}), ("who", {})))) == [30, 33]


def test_equal_figures_under_different_labels_are_no_copies():
    text = "day,sex,n\n2023-08-01,female,61\n2023-08-01,male,58\n2023-08-02,female,55\n2023-08-02,male,55\n"
    columns = ("day", "sex", "n")
    ignored = read(text, parts(("sex", {"sum": False, "ignore": True}), columns=columns))
    assert ignored.rejected["rule"].tolist() == ["duplicate_key"] * 4
    assert "sum: true" in ignored.rejected["reason"][0]
    assert values(read(text, parts(("sex", {}), columns=columns))) == [119, 110]
    again = text + "2023-08-02,male,55\n"
    assert values(read(again, parts(("sex", {}), columns=columns))) == [119, 110]


def flagged(**mapping):
    return made(
        "table",
        {"columns": ["day", "n", "flag"], "values": ["n"]},
        {
            "series": SERIES,
            "time": {"dimension": "day", "freq": "D", "formats": "YYYY-MM-DD"},
            "symbols": {"p": "P", "c": "Q", "b": "B", "*": "A"},
            "dimensions": [{"dimension": "flag", "status": True}],
        }
        | mapping,
    )


def test_a_column_may_be_the_status_of_the_figure_beside_it():
    parsed = read("day,n,flag\n2023-09-01,390,\n2023-09-02,410,p\n2023-09-03,,c\n2023-09-04,25,b\n", flagged())
    assert statuses(parsed) == ["A", "P", "Q", "B"]
    odd = read("day,n,flag\n2023-09-01,390,\n2023-09-02,410,z\n2023-09-03,9,c\n", flagged())
    assert odd.rejected["rule"].tolist() == ["unknown_symbol", "unknown_symbol"]


@pytest.mark.parametrize(
    ("cell", "status"), [("410 p", "P"), ("410p", "P"), ("410 (p)", "P"), ("410[b]", "B"), ("410*", "A")]
)
def test_a_mark_may_stand_behind_the_figure(cell, status):
    parsed = read(f"day,persons\n2023-09-02,{cell}\n", daily(mapping={"symbols": {"p": "P", "b": "B", "*": "A"}}))
    assert (values(parsed), statuses(parsed)) == ([410], [status])
    assert len(read(f"day,persons\n2023-09-02,{cell}\n2023-09-03,1\n").rejected) == 1


@pytest.mark.parametrize(("text", "status"), [("2022*", "A"), ("2022 (p)", "P"), ("2022 p", "P"), ("2022", "A")])
def test_a_mark_may_stand_behind_the_period(text, status):
    spec = daily("YYYY", time={"freq": "A"}, mapping={"symbols": {"p": "P", "*": "A"}})
    assert statuses(read(f"day,persons\n{text},7\n", spec)) == [status]


EPOCHS = [
    {"end": "2023-09-30", "definition": "all travellers"},
    {"start": "2023-10-01", "definition": "without crews"},
]


@pytest.mark.parametrize(
    ("months", "epochs", "status"),
    [
        (["2023-08", "2023-09", "2023-10", "2023-11"], EPOCHS, ["A", "A", "B", "A"]),
        (["2023-09", "2023-11"], EPOCHS, ["A", "B"]),  # the first month of the epoch is not there
        (["2023-10", "2023-11"], EPOCHS, ["B", "A"]),  # the epoch before lies outside the file
        (["2023-11", "2023-12"], EPOCHS, ["A", "A"]),
        (["2023-09", "2023-10"], [{"start": "2023-10-15", "definition": "made"}], ["A", "B"]),  # inside a month
        (["2023-10", "2023-11"], [{"start": "2023-10-01", "definition": "made"}], ["A", "A"]),  # nothing before it
    ],
)
def test_the_first_figure_of_a_declared_epoch_is_a_break(months, epochs, status):
    spec = daily("YYYY-MM", time={"freq": "M"}, definition_epochs=epochs)
    parsed = read("day,persons\n" + "".join(f"{m},{k}\n" for k, m in enumerate(months, 5100)), spec)
    assert statuses(parsed) == status


def test_an_absence_is_held_against_the_country_codes():
    spec = made(
        "table",
        {"columns": ["code", "2021", "2022"], "values": ["2021", "2022"], "values_as": "Year"},
        {
            "series": {k: v for k, v in SERIES.items() if k != "country"},
            "time": {"dimension": "Year", "freq": "A", "formats": "YYYY"},
            "dimensions": [{"dimension": "code", "field": "country", "as_code": True}],
        },
    )
    parsed = read("code,2021,2022\nGEO,4000,\nWLD,,\nARB,,\n", spec)
    assert parsed.observations["country"].tolist() == ["GEO", "GEO"]
    assert parsed.rejected["rule"].tolist() == ["V02"] * 4
    with pytest.raises(InvalidSource, match="'WLD' is no country code"):
        daily(mapping={"series": SERIES | {"country": "WLD"}})
