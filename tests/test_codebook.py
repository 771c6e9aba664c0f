"""The codebook of the register says of its files only what they hold."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from crossings import catalog

DATA = Path(__file__).parents[1] / "data"
TEXT = (DATA / "register" / "README.md").read_text(encoding="utf-8")
COUNTRIES = ("FIN", "GEO", "KAZ", "MNG")
CODED = ("country", "mode", "direction", "citizenship", "measure", "system", "reporter_side", "statistic", "modality",
         "period_basis", "qualifier", "speech_mode")  # fmt: skip


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / name, dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def reports() -> pd.DataFrame:
    return read("register/reports.csv")


@pytest.fixture(scope="module")
def decisions() -> pd.DataFrame:
    return read("register/decisions.csv").sort_values("decision_id")


def said_of(column: str) -> str:
    found = re.search(rf"^\| {re.escape(column)} \| (.*) \|$", TEXT, re.MULTILINE)
    assert found, column
    return found[1]


@pytest.mark.parametrize("column", CODED)
def test_every_code_is_listed_with_how_often_it_stands(column: str, reports: pd.DataFrame) -> None:
    listed = {code: int(n) for code, n in re.findall(r"`([^`]+)` (\d+)", said_of(column))}
    assert listed == reports.loc[reports[column] != "", column].value_counts().to_dict()


def test_what_is_empty_or_filled_is_counted(reports: pd.DataFrame) -> None:
    for column, pattern, empty in (
        ("start_time, end_time", r"(\d+) rows", False), ("value_text", r"(\d+) rows", False),
        ("authority", r"(\d+) rows name none", True), ("published_on", r"(\d+) empty", True),
        ("counterpart", r"empty (\d+)", True), ("supersedes, revision_kind", r"(\d+) rows", False),
    ):  # fmt: skip
        found = re.search(pattern, said_of(column))
        values = reports[column.split(",")[0]]
        assert found, column
        assert int(found[1]) == int(((values == "") == empty).sum()), column
    tiers = {tier: int(n) for tier, n in re.findall(r"([1-5]): (\d+)", said_of("tier"))}
    assert tiers == reports["tier"].value_counts().to_dict()
    replaced = re.findall(r"(\w+-\d+) replaces (\w+-\d+)", said_of("supersedes, revision_kind"))
    assert dict(replaced) == dict(reports.loc[reports["supersedes"] != "", ["report_id", "supersedes"]].to_numpy())


def test_the_table_at_its_head_counts_reports_origins_and_what_is_left(
    reports: pd.DataFrame, decisions: pd.DataFrame
) -> None:
    excluded: set[str] = set()
    for row in decisions.itertuples():
        excluded |= {str(row.report_id)} if row.action == "exclude" else set()
        excluded -= {str(row.report_id)} if row.action == "include" else set()
    decided = reports.copy()
    for row in decisions[decisions["action"] == "recode"].itertuples():
        decided.loc[decided["report_id"] == row.report_id, row.field] = row.new_value
    left = (decided["modality"] == "observed") & (decided["tier"] != "5") & ~decided["report_id"].isin(excluded)
    national = left & (reports["scope"] == "national") & (reports["citizenship"] == "RUS")
    national &= (reports["measure"] == "crossings") & (reports["system"] == "border_control")
    wanted = {
        "reports": [int((reports["country"] == c).sum()) for c in COUNTRIES],
        "origins": [int(reports.loc[reports["country"] == c, "origin_id"].nunique()) for c in COUNTRIES],
        "excluded by decision": [
            int((reports["report_id"].isin(excluded) & (reports["country"] == c)).sum()) for c in COUNTRIES
        ],
        "observed, tier 1-4, not excluded": [int((left & (reports["country"] == c)).sum()) for c in COUNTRIES],
        "of these national, citizens of RUS, crossings, border control": [
            int((national & (reports["country"] == c)).sum()) for c in COUNTRIES
        ],
    }
    for name, counts in wanted.items():
        assert [int(n) for n in re.findall(r"\d+", said_of(name))] == [*counts, sum(counts)], name


def test_its_first_lines_count_the_files(reports: pd.DataFrame, decisions: pd.DataFrame) -> None:
    files = {n: len(read(f"reference/{n}.csv")) for n in ("events", "authorities", "checkpoints")}
    publishers = reports.loc[reports["publisher"] != "", "publisher"].nunique()
    counts = (f"{len(read('register/relations.csv'))} statements that compare",
              f"{len(reports):,} reports from {publishers} publishers", f"{reports['origin_id'].nunique()} statements",
              f"{len(decisions)} curator's decisions", *(f"{n} {name}" for name, n in files.items()))  # fmt: skip
    for count in counts:
        assert count in TEXT, count


def test_decisions_are_counted_by_action_and_by_field(decisions: pd.DataFrame) -> None:
    line = next(line for line in TEXT.splitlines() if " rows: " in line and "Fields recoded" in line)
    actions, fields = line.split("Fields recoded:")
    for said, counts in (
        (actions.split("rows:")[1], decisions["action"].value_counts()),
        (fields, decisions.loc[decisions["action"] == "recode", "field"].value_counts()),
    ):
        assert {k: int(n) for k, n in re.findall(r"(\w+) (\d+)", said)} == counts.to_dict()
    assert (decisions["decided_on"] != "").all()


def test_the_open_conflicts_are_those_of_the_release(analyst) -> None:
    findings = catalog.findings()
    found = findings[findings["rule"] == "conflict"]
    part = TEXT[TEXT.index("## Open conflicts") : TEXT.index("Not among them any more")]
    gaps = sorted(int(g.replace(",", "")) for g in re.findall(r"gap ([\d,]+)\.", part))
    assert gaps == sorted(int(g) for g in found["gap"])
    named = set(re.findall(r"[A-Z]{3}-\d{3}", part))
    assert {i for ids in found["report_ids"] for i in ids} <= named
