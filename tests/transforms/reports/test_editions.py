"""Editions of one source in any order of bringing, and figures that a later one no longer shows."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from typing import Any

import pandas as pd
import pytest
from parse_support import made, payload
from statements import TODAY, declared, known

from flows.judge import judge
from transforms.parse import registry
from transforms.parse.contract import Payload
from transforms.parse.edition import stated_edition
from transforms.reports import decisions as decide
from transforms.reports import prepare, revisions
from transforms.reports.revisions import Gathered, Look, gather
from transforms.tables import official

SPEC = made(
    "table",
    {"columns": ["month", "place", "persons"], "values": ["persons"]},
    {
        "series": {"country": "FIN", "mode": "all", "direction": "entry", "citizenship": "RUS"},
        "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
        "dimensions": [{"dimension": "place", "labels": {"all": {"scope": "national"}, "east": {"scope": "checkpoint:east"},
                                                         "west": {"scope": "checkpoint:west"}}}],
        "symbols": {"..": "Q"},
    },
    bounds={"max_change": 1.0},
    addresses=[{"role": "file", "url": "https://office.example/persons.csv"}],
)  # fmt: skip
ZONES = {"FIN": "Europe/Helsinki"}
AUGUST, SEPTEMBER, OCTOBER = "2023-08", "2023-09", "2023-10"


def edition(figures: dict[str, str], issued: str | None, day: int, place: str = "all", **more: Any) -> Look:
    """Figures by month as a file that was brought in January 2026."""
    rows = "".join(f"{month},{place},{figure}\n" for month, figure in figures.items())
    parsed = registry.parse([payload(f"month,place,persons\n{rows}")], SPEC)
    given = None if issued is None else dt.date.fromisoformat(issued)
    return Look(parsed, dt.datetime(2026, 1, day, 6, tzinfo=dt.UTC), f"{day:064}", given, **({"by_hand": True} | more))


def table(gathered: Gathered) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What stands in `official` after all rules, and the reports."""
    ready = prepare.ready(
        "an-office", "0" * 64, gathered.statements, decide.none(), declared(), known(), TODAY, regular=True
    )
    tables = prepare.settle(ready, judge(ready, known())[0])
    assert not len(tables.quarantine)
    assert gathered.rows_in == len(gathered.statements.reports) + gathered.absences + gathered.repeated
    nothing = pd.DataFrame({"date": [], "country": [], "series": [], "estimate": []})
    cells = pd.concat([gathered.missing, gathered.marked], ignore_index=True)
    return official.build(tables.reports, tables.series, cells, nothing).table, tables.reports


def standing(*looks: Look) -> dict[str, int]:
    rows, _ = table(gather(looks, SPEC, ZONES))
    return {f"{d:%Y-%m}": v for d, v in zip(rows["date"], rows["value"], strict=True) if pd.notna(v)}


OLD, NEW = {AUGUST: "150120", SEPTEMBER: "171900"}, {AUGUST: "151004", SEPTEMBER: "175260", OCTOBER: "61230"}
THIRD = {AUGUST: "151010", SEPTEMBER: "175260"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_edition_stands_whatever_the_order_of_bringing(order):
    editions = [(OLD, "2023-10-15"), (NEW, "2023-11-15"), (THIRD, "2023-12-15")]
    looks = [edition(*editions[which], day) for day, which in enumerate(order, start=1)]
    assert standing(*looks) == {AUGUST: 151010, SEPTEMBER: 175260, OCTOBER: 61230}


def test_figures_count_from_the_day_of_their_edition_and_older_ones_are_told():
    gathered = gather([edition(NEW, "2023-11-15", 1), edition(OLD, "2023-10-15", 2)], SPEC, ZONES)
    assert [f.rule for f in gathered.findings] == ["older_edition"]
    _, rows = table(gathered)
    said = {(v, p, r) for v, p, r in zip(rows["value"], rows["published_on"], rows["role"], strict=True)}
    assert said == {
        (151004, "2023-11-15", "regular"), (175260, "2023-11-15", "regular"), (61230, "2023-11-15", "regular"),
        (150120, "2023-10-15", "superseded"), (171900, "2023-10-15", "superseded"),
    }  # fmt: skip


def test_a_file_of_no_known_day_that_ends_earlier_replaces_nothing_and_is_told():
    gathered = gather([edition(NEW, None, 1), edition(OLD, None, 2), edition(OLD, None, 3)], SPEC, ZONES)
    assert [f.rule for f in gathered.findings] == ["older_edition"]
    assert "--edition" in gathered.findings[0].message
    rows, reports = table(gathered)
    assert rows["value"].tolist() == [151004, 175260, 61230]
    older = reports.loc[reports["revision_kind"] == "earlier"]
    assert (older["role"].tolist(), older["published_on"].isna().tolist()) == (["superseded"] * 2, [True, True])


def test_a_live_look_that_ends_earlier_is_the_newer_one():
    looks = [edition(NEW, None, 1, by_hand=False), edition(OLD, None, 2, by_hand=False)]
    assert standing(*looks) == {AUGUST: 150120, SEPTEMBER: 171900, OCTOBER: 61230}


def test_an_older_edition_adds_what_only_it_shows():
    looks = [edition({SEPTEMBER: "175260"}, "2023-11-15", 1), edition(OLD, "2023-10-15", 2)]
    assert standing(*looks) == {AUGUST: 150120, SEPTEMBER: 175260}


def test_what_a_newer_edition_suppressed_does_not_come_back_with_an_older_one():
    looks = [edition({AUGUST: "..", SEPTEMBER: "175260"}, "2023-11-15", 1), edition(OLD, "2023-10-15", 2)]
    assert standing(*looks) == {SEPTEMBER: 175260}


def gone(*looks: Look) -> list[tuple[str, list[str]]]:
    """Periods that are told as no longer shown, by series."""
    gathered = gather(looks, SPEC, ZONES)
    rows, _ = table(gathered)
    told = {i for f in gathered.findings if f.rule == "vanished" for i in f.report_ids}
    marked = rows.loc[(rows["obs_status"] == "U")]
    assert set(marked["report_id"]) == told
    return sorted((f"{d:%Y-%m}", s) for d, s in zip(marked["date"], marked["scope"], strict=True))


FIRST = {AUGUST: "5100", SEPTEMBER: "5200", OCTOBER: "5150"}


def test_a_figure_inside_the_range_of_a_later_look_that_is_no_longer_shown_is_marked_and_kept():
    looks = [edition(FIRST, None, 1), edition({AUGUST: "5100", OCTOBER: "5150", "2023-11": "5000"}, None, 2)]
    assert gone(*looks) == [(SEPTEMBER, "national")]
    assert standing(*looks)[SEPTEMBER] == 5200


def test_a_figure_that_comes_back_or_lies_outside_the_range_is_not_marked():
    short = edition({SEPTEMBER: "5200", OCTOBER: "5150"}, None, 2)  # the window of the table moved on
    assert gone(edition(FIRST, None, 1), short) == []
    lacking = edition({AUGUST: "5100", OCTOBER: "5150"}, None, 2)
    assert gone(edition(FIRST, None, 1), lacking, edition(FIRST, None, 3)) == []


def test_a_series_that_is_gone_from_a_later_look_is_marked_and_one_of_another_file_is_not():
    def both(east: str, west: str, day: int) -> Look:
        rows = "".join(
            f"{m},{p},{v}\n" for p, months in (("east", east), ("west", west)) for m, v in FIRST.items() if months
        )
        parsed = registry.parse([payload(f"month,place,persons\n{rows}")], SPEC)
        return Look(parsed, dt.datetime(2026, 1, day, 6, tzinfo=dt.UTC), f"{day:064}", None, by_hand=True)

    assert gone(both("x", "x", 1), both("x", "", 2)) == [(m, "checkpoint:west") for m in FIRST]
    assert gone(edition(FIRST, None, 1, "east"), edition(FIRST, None, 2, "west")) == []


def test_an_older_edition_withdraws_nothing():
    looks = [edition(FIRST, "2023-11-15", 1), edition({AUGUST: "5100", OCTOBER: "5150"}, "2023-11-01", 2)]
    assert gone(*looks) == []


@pytest.mark.parametrize(
    ("content", "day"),
    [
        (b'{"class": "dataset", "updated": "2023-11-15T08:00:00Z"}', dt.date(2023, 11, 15)),
        (b'CHARSET="ANSI";\nLAST-UPDATED="20231115 09:00";\nCREATION-DATE="20200101 09:00";\n', dt.date(2023, 11, 15)),
        (b'CHARSET="ANSI";\nCREATION-DATE="20231115 09:00";\n', dt.date(2023, 11, 15)),
        (b'{"class": "dataset", "updated": "soon"}', None),
        (b'{"class": "dataset"}', None),
        (b'{"torn', None),
        (b'CREATION-DATE="20231345 09:00";\n', None),
        (b"month,persons\n2023-08,5\n", None),
    ],
)
def test_the_day_that_a_file_states(content, day):
    assert stated_edition([Payload(content, "0" * 64, "data")]) == day


def test_a_stated_day_before_the_last_period_is_not_that_of_the_edition():
    parsed = registry.parse([payload("month,place,persons\n2023-08,all,5\n")], SPEC)
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    days = [revisions.look(parsed, at, "", None, dt.date(2023, m, 15)).issued for m in (8, 9)]
    assert days == [dt.date(2026, 1, 1), dt.date(2023, 9, 15)]
