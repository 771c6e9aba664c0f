"""Faults met in public files, each with figures of our own, from the file to what a reader sees: one case a kind.

Statements go through the stand-alone door, sources through one lake with one release, shapes of files through the parser.
`faults/KIND/` holds the file; of a source `source.yaml` says what differs from `faults/common.yaml`.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import yaml
from daily_file import daily, read
from parse_support import made, payload
from sharing import once
from statements import decision as decided
from statements import decisions_of, known

from crossings.lake import Lake
from transforms import ask
from transforms.parse.registry import parse

pytestmark = pytest.mark.slow
FAULTS = Path(__file__).parent / "faults"
KINDS = sorted(path.parent.name for path in FAULTS.glob("*/source.yaml"))
FILES = {
    "older-edition": (("winter.csv", dt.date(2023, 8, 20)), ("autumn.csv", dt.date(2023, 7, 18))),
    "vanished-row": (("first.csv", None), ("second.csv", None)),
}


# -- statements ---------------------------------------------------------------------------------------------------------


@cache
def estimated(kind: str, *excluded: str) -> ask.Estimated:
    """What a file of statements gives, after decisions that exclude some."""
    from flows.judge import judge

    rows = [decided(decision_id=f"D-{n}", report_id=name, action="exclude") for n, name in enumerate(excluded)]
    return ask.estimate_reports(
        (FAULTS / kind / "reports.csv").read_bytes(), lambda prepared, ref: judge(prepared, ref)[0], known(),
        decisions=decisions_of(*rows),
    )  # fmt: skip


def days(found: ask.Estimated) -> dict[str, tuple[int | None, int, int, int]]:
    """Day -> estimate, lower, upper, reliability."""
    return {
        str(row.date): (
            None if pd.isna(row.estimate) else int(row.estimate),
            int(row.lower),
            int(row.upper),
            row.reliability,
        )
        for row in found.daily.itertuples()
    }


def warned(found: ask.Estimated, rule: str) -> tuple[list[str], str]:
    """The reports and the words of the one warning of a rule."""
    (row,) = found.findings[(found.findings["rule"] == rule) & (found.findings["severity"] == "warn")].itertuples()
    return list(row.report_ids), row.message


def test_zeros_between_usual_days_are_told_and_not_graded_best() -> None:
    found = estimated("zero-weekend")
    ids, words = warned(found, "zero_between")
    assert (set(ids), "perhaps no report" in words) == ({"z6", "z7", "z8"}, True)
    grades = {day: grade for day, (_, _, _, grade) in days(found).items()}
    assert {day for day, grade in grades.items() if grade == 1} == {
        "2023-06-05", "2023-06-06", "2023-06-07", "2023-06-08", "2023-06-09", "2023-06-13",
    }  # fmt: skip
    assert days(found)["2023-06-10"][0] == 0, "the figure stays until somebody decides"


def test_a_total_that_stands_still_is_told_and_its_days_are_one_window() -> None:
    found = estimated("stale-total")
    ids, words = warned(found, "repeated_total")
    assert "s3" in ids or "s3" in words
    both = [days(found)[f"2023-04-0{day}"] for day in (6, 7)]
    assert sum(point or 0 for point, *_ in both) == 36910 - 23890
    assert all((low, high) == (0, 13020) for _, low, high, _ in both)


@pytest.mark.parametrize("kind", ["falling-total", "corrected-longer-window"])
def test_the_later_running_total_of_an_authority_replaces_the_earlier(kind: str) -> None:
    assert days(estimated(kind))["2023-11-07"][:3] == (5130, 5130, 5130)
    before = [days(estimated(kind))[f"2023-11-0{day}"] for day in range(1, 7)]
    assert sum(point or 0 for point, *_ in before) == 31210
    assert not (estimated(kind).findings["rule"] == "conflict").any()


def test_the_latest_figure_of_a_day_stands_and_the_others_are_told_as_revisions() -> None:
    found = estimated("restated-days")
    assert {day: row[:3] for day, row in days(found).items()} == {
        "2023-08-14": (962, 962, 962), "2023-08-15": (1093, 1093, 1093), "2023-08-16": (1180, 1180, 1180),
    }  # fmt: skip
    told = found.findings[found.findings["rule"] == "restated"]["report_ids"]
    assert {name for ids in told for name in ids} == {"r1", "r2", "r3", "r4", "r5"}


def test_a_day_that_repeats_another_at_every_checkpoint_is_told() -> None:
    found = estimated("copied-day")
    _, words = warned(found, "copied_period")
    assert "2023-07-12 repeats 2023-07-11" in words
    assert "4 of 4" in words
    assert found.daily["reliability"].min() > 1


# -- sources ------------------------------------------------------------------------------------------------------------


def _lake(folder: Path) -> Path:
    import shutil

    from crossings.settings import Settings
    from flows import pipeline
    from flows.collect import questions
    from flows.workspace import Workspace

    data = folder / "data"
    for name in ("reference", "register"):
        shutil.copytree(Path(__file__).parents[2] / "data" / name, data / name)
    (data / "sources").mkdir()
    common = yaml.safe_load((FAULTS / "common.yaml").read_text(encoding="utf-8"))
    for kind in KINDS:
        own = yaml.safe_load((FAULTS / kind / "source.yaml").read_text(encoding="utf-8"))
        text = yaml.safe_dump({"id": kind} | common | own, sort_keys=False)
        (data / "sources" / f"{kind}.yaml").write_text(text, encoding="utf-8")
    for kind in KINDS:
        alone = [(path.name, None) for path in (FAULTS / kind).iterdir() if path.stem == "data"]
        for name, edition in FILES.get(kind, alone):
            workspace = Workspace.open(Settings(lake=folder / "lake", data=data))
            questions.bring(workspace, workspace.source(kind), [FAULTS / kind / name], edition)
    workspace = Workspace.open(Settings(lake=folder / "lake", data=data))
    pipeline.publish(workspace, pipeline.in_process, lambda _: None)
    return folder / "lake"


@pytest.fixture(scope="module")
def tables(request: pytest.FixtureRequest) -> dict[str, pd.DataFrame]:
    """Tables of a release of all these sources."""
    release = Lake(once(request, "faults", _lake)).release()
    return {name: release.read(name).to_pandas() for name in ("official", "findings", "quarantine", "series")}


def figures(official: pd.DataFrame, countries: list[str]) -> dict[str, str]:
    """Series, by what tells them apart, with their first date -> figures in order, each with its status unless it is A."""
    mine = official[official["country"].isin(countries)].sort_values("date")
    found = {}
    for (country, citizenship, scope, direction), rows in mine.groupby(
        ["country", "citizenship", "scope", "direction"]
    ):
        cells = [
            ("–" if pd.isna(value) else str(int(value))) + status.replace("A", "")
            for value, status in zip(rows["value"], rows["obs_status"], strict=True)
        ]
        part = "" if scope == "national" else f" {scope}"
        found[f"{country} {citizenship}{part} {direction} from {rows['date'].min()}"] = " ".join(cells)
    return found


SOURCES: dict[str, tuple[dict[str, str], dict[str, str]]] = {  # kind -> figures that stand, and what is told, by rule
    "zero-month": (
        {"LVA foreign entry from 2021-10-01": "14210 15330 17805 0U 19240 18870"},
        {"zero_between": "give 0 for 2022-01-01 to 2022-01-31, between 17,805 and 19,240"},
    ),
    "running-total-declared": (
        {"LTU all entry from 2022-07-11": "3100 4350 8450 7900 12300"},
        {"computed": "the running total since 2022-07-11"},
    ),
    "running-total-unsaid": (
        {"HUN all entry from 2022-07-11": "3100 7450 15900 23800 36100"},
        {"looks_cumulative": "state mapping.statistic: cumulative and since"},
    ),
    "fiscal-year": ({"USA GEO entry from 2021-10-01": "18 23 27 31 140 166"}, {}),
    "older-edition": (
        {"NOR RUS entry from 2023-05-01": "8177 9512 6020"},
        {"older_edition": "was issued on 2023-07-18, before one brought earlier: 2 of its figures differ"},
    ),
    "vanished-row": (
        {"POL RUS entry from 2023-01-01": "3010 3105U 2890 2950 3015"},
        {"vanished": "3,105 of 2023-02-01"},
    ),
    "weeks-as-months": ({}, {"unreadable_look": "found 8 of 20: period \"202413\" (1)"}),
    "weeks-declared": (
        {"AUT all entry from 2024-01-01": " ".join(str(2400 + 7 * week) for week in range(1, 21))}, {},
    ),
    "absent-nowhere": ({"ARM foreign entry from 2022-01-01": "1660 –O"}, {}),
    "copied-month": (
        {
            "MEX all checkpoint:west exit from 2024-03-01": "51230 53870 52160 55420U 55420U 57110",
            "MEX all checkpoint:new exit from 2024-03-01": "164180 171020 180390 18410U 18410U 176930",
            "MEX all checkpoint:rail exit from 2024-03-01": "90410 88730 93250 91980U 91980U 95040",
        },
        {
            "copied_period": "every figure of 2024-07 repeats 2024-06 (3 of 3 series)",
            "slipped_digit": "a tenth of its neighbours, perhaps a digit lost",
        },
    ),
    "total-below-its-parts": ({}, {"unreadable_look": "All 250, known parts 285"}),
    "status-column": (
        {
            "MLT RUS entry from 2024-01-01": "120 135P", "LUX RUS entry from 2024-02-01": "–Q",
            "CYP RUS entry from 2024-02-01": "40B",
        },
        {},
    ),
    "declared-break": ({"SWE all entry from 2023-05-01": "7300 7450 4010B 4120"}, {}),
    "parts-without-a-total": (
        {"SGP all entry from 2024-03-03": "5265", "SGP all exit from 2024-03-03": "5163"},
        {"computed": "our sum over point, who: 2,105 (Causeway guests, row 3 col 5)"},
    ),
    "labels": (
        {
            f"ISL {code} entry from 2024-05-01": str(value)
            for value, code in enumerate(
                ["RUS", "MDA", "IRN", "KOR", "SVK", "VEN", "MAC", "FRA", "DEU", "POL", "UKR", "ESP", "CHN", "GEO"], 31
            )
        },
        {"unread": 'labels: {"Persons of no country": {citizenship: CODE}}'},
    ),
    "px-data-in-a-text": (
        {"DNK NOR exit from 2024-03-01": "11 23", "DNK POL exit from 2024-03-01": "37 41"}, {},
    ),
    "px-note-in-two": (
        {"IRL NOR exit from 2024-03-01": "11 23", "IRL POL exit from 2024-03-01": "37 41"}, {},
    ),
    "equal-parts": ({"PRT LVA entry from 2024-08-01": "79 80"}, {"computed": "our sum over sex"}),
    "equal-parts-ignored": ({}, {}),
}  # fmt: skip
SET_ASIDE = {  # kind -> reasons of what is set aside
    "absent-nowhere": {"unknown country code", "unknown country code EMU", "unknown country code HIC"},
    "labels": {"country 'Persons of no country' is not in the mapping"},
    "equal-parts-ignored": {
        f"one series and period has several figures: {figures}; they differ in sex, which may be parts: sum: true adds them"
        for figures in ("37 at row 2 col 3, 42 at row 3 col 3", "40 at row 4 col 3, 40 at row 5 col 3")
    },
}


def test_every_source_has_its_case() -> None:
    assert set(SOURCES) == set(KINDS)


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_gives_these_figures_and_tells_these_faults(kind: str, tables: dict[str, pd.DataFrame]) -> None:
    stand, told = SOURCES[kind]
    series = yaml.safe_load((FAULTS / kind / "source.yaml").read_text(encoding="utf-8"))
    countries = sorted({key[:3] for key in stand} or {series["country"]})
    assert figures(tables["official"], countries) == stand
    findings = tables["findings"]
    about = findings[
        (findings["message"].str.startswith(f"{kind}:") | findings["country"].isin(countries))
        & ~findings["rule"].isin(["V20", "restated"])
    ]
    assert set(about["rule"]) == set(told)
    for rule, words in told.items():
        assert any(words in message for message in about.loc[about["rule"] == rule, "message"]), rule
    aside = tables["quarantine"]
    assert set(aside.loc[aside["source_id"] == kind, "reason"]) == SET_ASIDE.get(kind, set())


def test_what_a_declared_break_means_stands_with_the_series(tables: dict[str, pd.DataFrame]) -> None:
    (title,) = tables["series"].loc[tables["series"]["country"] == "SWE", "title"]
    assert "passages without commuters" in title


# -- shapes of files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "freq", "spelling", "more", "first", "last"),
    [
        ("4.3.2021", "D", "D.M.YYYY", {}, "2021-03-04", "2021-03-04"),
        ("3/14/21", "D", "M/D/YY", {}, "2021-03-14", "2021-03-14"),
        ("14.03.21", "D", "DD.MM.YY", {}, "2021-03-14", "2021-03-14"),
        ("20210314", "D", "YYYYMMDD", {}, "2021-03-14", "2021-03-14"),
        ("2021/03/14", "D", "YYYY/MM/DD", {}, "2021-03-14", "2021-03-14"),
        ("2021-03-14T00:00:00", "D", "YYYY-MM-DD[Thh:mm:ss]", {}, "2021-03-14", "2021-03-14"),
        ("2021-03-14 00:00:00", "D", "YYYY-MM-DD[ hh:mm:ss]", {}, "2021-03-14", "2021-03-14"),
        ("03/01/2021 12:00:00 AM", "M", "MM/DD/YYYY hh:mm:ss AM", {}, "2021-03-01", "2021-03-31"),
        ("14 March 2021", "D", "D MONTH YYYY", {}, "2021-03-14", "2021-03-14"),
        ("14-Mar-21", "D", "D-MON-YY", {}, "2021-03-14", "2021-03-14"),
        ("Mar-21", "M", "MON-YY", {}, "2021-03-01", "2021-03-31"),
        ("03/2021", "M", "MM/YYYY", {}, "2021-03-01", "2021-03-31"),
        ("2021-3", "M", "YYYY-M", {}, "2021-03-01", "2021-03-31"),
        ("2021 M03", "M", "YYYY 'M'MM", {}, "2021-03-01", "2021-03-31"),
        ("Q1 2021", "Q", "Qq YYYY", {}, "2021-01-01", "2021-03-31"),
        ("II 2021", "Q", "IV YYYY", {}, "2021-04-01", "2021-06-30"),
        ("Jan-Mar 2021", "Q", "MON-MON YYYY", {}, "2021-01-01", "2021-03-31"),
        ("2021-S1", "S", "YYYY-Ss", {}, "2021-01-01", "2021-06-30"),
        ("2021-W10", "W", "YYYY-Www", {}, "2021-03-08", "2021-03-14"),
        ("202110", "W", "YYYYww", {}, "2021-03-08", "2021-03-14"),
        ("CY 2021", "A", "CY YYYY", {}, "2021-01-01", "2021-12-31"),
        ("FY2021", "A", "FYYYYY", {"year_starts": 4}, "2020-04-01", "2021-03-31"),
        ("2020-21", "A", "YYYY-YY", {"year_starts": 7}, "2020-07-01", "2021-06-30"),
        ("2564", "A", "BBBB", {}, "2021-01-01", "2021-12-31"),
        ("2021 (p)", "A", "YYYY", {"symbols": {"p": "P"}}, "2021-01-01", "2021-12-31"),
        ("2021*", "A", "YYYY", {"symbols": {"*": "E"}}, "2021-01-01", "2021-12-31"),
    ],
)  # fmt: skip
def test_a_declared_spelling_names_its_days(
    text: str, freq: str, spelling: str, more: dict, first: str, last: str
) -> None:
    time = {"freq": freq} | {k: v for k, v in more.items() if k != "symbols"}
    spec = daily(spelling, time=time, mapping={"symbols": more.get("symbols", {})})
    (row,) = read(f"day,persons\n{text},481\n", spec).observations.to_dict("records")
    assert (str(row["period_start"])[:10], str(row["period_end"])[:10], row["value"]) == (first, last, 481)


ROWS = "Poland,2024-01,812\nNorway,2024-01,47\n"
NAMES = "country,month,trips\n"


@pytest.mark.parametrize(
    ("text", "options", "set_aside"),
    [
        (NAMES + ROWS + "\nSource: an office of examples\nUpdated 2024-02-20\n", {"footer": ["Source", "Updated"]}, 0),
        (ROWS, {"header": False}, 0),
        (NAMES + "7,Poland,2024-01,812\n8,Norway,2024-01,47\n", {"row_names": True}, 0),
        (NAMES + "Poland,2024-01,812\nMoldova, Republic of,2024-01,9\nNorway,2024-01,47\n", {}, 1),
        (NAMES + "#country+name,#date,#indicator+num\n" + ROWS, {"skip_after_header": 1}, 0),
        ("country,month,trips,note\nPoland,2024-01,812,\nNorway,2024-01,47,revised\n", {"ignore_columns": ["note"]}, 0),
        ("Country,MONTH,trips\n" + ROWS, {}, 0),
    ],
)
def test_a_csv_of_another_shape_is_read_where_it_is_declared(text: str, options: dict, set_aside: int) -> None:
    found = parse([payload(text)], trips({"columns": ["country", "month", "trips"], "values": ["trips"]} | options))
    assert dict(zip(found.observations["citizenship"], found.observations["value"], strict=True)) == {
        "POL": 812,
        "NOR": 47,
    }
    assert len(found.rejected) == set_aside


@pytest.mark.parametrize("months", [("2023-12", "2024-01"), ("2023-12", "2024-01", "2024-02")])
def test_months_may_be_added_as_columns(months: tuple[str, ...]) -> None:
    figures_of = {"Poland": (790, 812, 833), "Norway": (52, 47, 61)}
    lines = [",".join(["country", *months])]
    lines += [",".join([name, *map(str, values[: len(months)])]) for name, values in figures_of.items()]
    options = {"columns": ["country"], "values": ["####-##"], "values_as": "month"}
    found = parse([payload("\n".join(lines) + "\n")], trips(options)).observations
    assert len(found) == 2 * len(months)
    assert int(found["value"].sum()) == sum(sum(values[: len(months)]) for values in figures_of.values())


def trips(options: dict):
    """A source of monthly trips by country, read with some options."""
    mapping = {
        "series": {"country": "EST", "scope": "national", "mode": "all", "direction": "entry"},
        "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
        "dimensions": [{"dimension": "country", "field": "citizenship", "codes_from": "country"}],
    }
    return made("table", options, mapping, system="tourism", measure="trips")
