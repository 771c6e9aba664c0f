"""Real revisions and real bulk: 220 dated vintages of one daily series, and 26,160 quarterly figures of one file."""

from __future__ import annotations

import datetime as dt
import zipfile
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest
from parse_support import REAL, made, needs_real, payload
from serving import workspace

import crossings
from crossings.errors import NotComparable
from crossings.lake import Release
from flows import pipeline, stage
from flows.collect import questions
from flows.steps import ingest
from transforms.parse.registry import parse
from transforms.reports.revisions import Gathered, Look, gather

pytestmark = needs_real

SPEC = made(
    "table",
    {"columns": ["date", "individuals", "cumsum"], "values": ["individuals"]},
    {
        "series": {"country": "UKR", "scope": "national", "mode": "all", "direction": "exit", "citizenship": "all"},
        "time": {"dimension": "date", "freq": "D", "formats": "YYYY-MM-DD"},
        "dimensions": [{"dimension": "cumsum", "ignore": True}],
    },
    cadence="D",
    timezone="Europe/Kyiv",
)


@lru_cache(maxsize=1)
def looks() -> tuple[Look, ...]:
    """Every vintage as a look at the instant in its name, in order of time."""
    found = []
    with zipfile.ZipFile(REAL / "unhcr-ukraine-vintages" / "timeseries_vintages.zip") as vintages:
        for name in sorted(vintages.namelist()):
            stamp = dt.datetime.strptime(name.split("_")[1], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=dt.UTC)
            given = payload(vintages.read(name), name)
            found.append(Look(parse([given], SPEC), stamp, given.sha256))
    return tuple(found)


@lru_cache(maxsize=1)
def together() -> Gathered:
    return gather(looks(), SPEC, {})


def test_every_figure_of_every_vintage_is_accounted_for() -> None:
    gathered = together()
    assert len(looks()) == 220
    statements = gathered.statements
    assert gathered.rows_in == sum(look.parsed.considered for look in looks())
    assert gathered.rows_in == (
        len(statements.reports) + len(statements.torn) + gathered.absences + gathered.repeated
    )  # fmt: skip


def test_revisions_are_reports_of_their_own_and_none_is_lost() -> None:
    """Counted beside it, by comparing successive vintages as plain tables."""
    frame = together().statements.reports
    revisions = frame.loc[frame["supersedes"].notna()]
    expected, pairs = 0, 0
    known: dict[dt.date, int] = {}
    for look in looks():
        shown = dict(zip(look.parsed.observations["period_start"], look.parsed.observations["value"], strict=True))
        changed = sum(known[day] != value for day, value in shown.items() if day in known)
        expected += changed
        pairs += changed > 0
        known |= shown
    assert pairs >= 124
    assert len(revisions) == expected
    assert revisions["published_on"].nunique() <= pairs
    assert len(frame) - len(revisions) == len(known)
    heads = frame.loc[~frame["report_id"].isin(revisions["supersedes"])]
    assert {r.period_start.date(): r.value for r in heads.itertuples()} == known


def test_the_first_day_was_revised_again_and_again() -> None:
    frame = together().statements.reports
    first = frame.loc[frame["period_start"] == "2022-02-24", "value"].tolist()
    assert (first[0], first[-1], len(first)) == (79208, 79209, 11)
    places = [first.index(value) for value in (79208, 85382, 84681, 79982, 79209)]
    assert places == sorted(places)


def test_every_day_before_june_2022_ends_with_another_figure_than_it_began() -> None:
    frame = together().statements.reports
    spring = frame.loc[frame["period_start"] < "2022-06-01"]
    ends = spring.groupby("period_start")["value"].agg(["first", "last"])
    assert len(ends) == 97
    assert (ends["first"] != ends["last"]).all()
    change = ((ends["last"] - ends["first"]).abs() / ends["first"]).astype(float)
    assert change.idxmax() == pd.Timestamp("2022-03-08")


def test_dates_that_stand_twice_in_may_2023_are_refused_and_no_figure_is_chosen() -> None:
    torn = together().statements.torn
    doubled = torn.loc[torn["rule"] == "duplicate_key"]
    days = {dt.date.fromisoformat(text) for text in doubled["record"].str.extract(r'"date": "([0-9-]{10})"')[0]}
    assert days == {dt.date(2023, 5, 10), dt.date(2023, 5, 11), dt.date(2023, 5, 12)}
    assert doubled["reason"].str.contains("several figures").all()
    before = [look for look in looks() if look.recorded_at < dt.datetime(2023, 5, 17, tzinfo=dt.UTC)]
    assert not any(len(look.parsed.rejected) for look in before)


def test_large_revisions_are_told() -> None:
    told = [f for f in together().findings if f.rule == "revision_size"]
    assert told
    assert all("more than 20%" in f.message for f in told)


# -- the Border Service's own file, through the whole pipeline ----------------------------------------------------------


@pytest.fixture(scope="module")
def exits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, stage.Stage]:
    """A lake with one release of the real file of Russian exits, and its stage."""
    lake = tmp_path_factory.mktemp("exits") / "lake"
    there = workspace(lake)
    spec = there.source("ru-fsb-exits")
    bundle = questions.bring(there, spec, [REAL / "ru-border-service" / "Russia_out_master.csv"])
    made_ = stage.Stage(there.staging / ingest.ingest(there, spec.id, bundle, strict=True))
    pipeline.publish(there, pipeline.in_process, lambda _: None)
    return lake, made_


def test_the_checked_totals_of_2019_come_out_of_the_official_table(exits: tuple[Path, stage.Stage]) -> None:
    official = Release((exits[0] / "current").resolve()).read("official").to_pandas()
    year = official.loc[(official["date"] >= dt.date(2019, 1, 1)) & (official["date"] <= dt.date(2019, 12, 31))]
    assert set(year["freq"]) == {"Q"}
    assert set(year["measure"]) == {"trips"}
    sums = year.groupby("country")["value"].sum()
    assert {c: int(sums[c]) for c in ("KAZ", "FIN", "GEO", "MNG")} == {
        "KAZ": 3_417_996,
        "FIN": 3_962_865,
        "GEO": 1_218_720,
        "MNG": 143_854,
    }


def test_all_rows_of_the_file_are_accounted_for(exits: tuple[Path, stage.Stage]) -> None:
    counts = exits[1].summary["counts"]
    assert counts["rows_in"] == 26_160
    assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] + counts["duplicates"]
    refused = exits[1].frame("quarantine")
    assert len(refused) == counts["quarantined"]
    assert refused["reason"].str.len().gt(0).all()


def test_modes_of_one_country_are_series_that_do_not_add_up_by_accident(exits: tuple[Path, stage.Stage]) -> None:
    official = Release((exits[0] / "current").resolve()).read("official", "FIN").to_pandas()
    with pytest.raises(NotComparable, match="mode"):
        crossings.total(official, "value")
    road = official.loc[official["series"] == "FIN/entry/RUS/national/road/trips/mirror"]
    assert crossings.total(road, "value") == int(road["value"].sum())
