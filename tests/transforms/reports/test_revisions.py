"""Looks at a statistics source, put together: each figure once, each revision as its own report."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parse_support import made, payload

from crossings.schema.tables import OFFICIAL
from crossings.source.model import SourceSpec
from transforms.parse import registry
from transforms.parse.contract import Note, Parsed
from transforms.reports.revisions import Gathered, Look, gather

ZONES = {"FIN": "Europe/Helsinki", "GEO": "Asia/Tbilisi"}
SPEC = made(
    "table",
    {"columns": ["month", "country", "persons"], "values": ["persons"]},
    {
        "series": {"scope": "national", "mode": "all", "direction": "entry", "citizenship": "RUS"},
        "time": {"dimension": "month", "freq": "M", "formats": "YYYY-MM"},
        "dimensions": [{"dimension": "country", "labels": {"Finland": {"country": "FIN"}, "Georgia": {"country": "GEO"}}}],
        "symbols": {"..": "Q", "-": "O", "n": "M"},
    },
    bounds={"max_change": 0.4},
    addresses=[{"role": "file", "url": "https://office.example/persons.csv"}],
)  # fmt: skip
Figures = dict[tuple[str, str], str]


def look(day: int, figures: Figures, spec: SourceSpec = SPEC) -> Look:
    """A look in May 2026 at a CSV of figures by (month, country)."""
    rows = "".join(f"{month},{country},{figure}\n" for (month, country), figure in figures.items())
    parsed = registry.parse([payload(f"month,country,persons\n{rows}")], spec)
    return Look(parsed, dt.datetime(2026, 5, day, 6, 30, tzinfo=dt.UTC), f"look-{day}")


def taken(*looks: Figures) -> Gathered:
    gathered = gather([look(day, figures) for day, figures in enumerate(looks, start=1)], SPEC, ZONES)
    accounted(gathered)
    return gathered


def accounted(gathered: Gathered) -> None:
    statements = gathered.statements
    assert gathered.rows_in == (
        len(statements.reports) + len(statements.torn) + gathered.absences + gathered.repeated
    )  # fmt: skip


def reports(gathered: Gathered) -> list[tuple[Any, ...]]:
    frame = gathered.statements.reports
    return [
        (f"{r.period_start:%Y-%m}", r.country, r.value, r.report_id[-1], r.revision_kind if pd.notna(r.revision_kind) else None)
        for r in frame.itertuples()
    ]  # fmt: skip


MARCH, APRIL = ("2026-03", "Finland"), ("2026-04", "Finland")
GEORGIA = ("2026-03", "Georgia")


def test_a_first_look_makes_one_report_for_each_figure() -> None:
    gathered = taken({MARCH: "100", GEORGIA: "250"})
    assert reports(gathered) == [("2026-03", "FIN", 100, "1", None), ("2026-03", "GEO", 250, "1", None)]
    row = gathered.statements.reports.iloc[0]
    assert (row["qualifier"], row["statistic"], row["modality"]) == ("exact", "total", "observed")
    assert (row["published_on"], str(row["recorded_on"].date())) == ("2026-05-01", "2026-05-01")
    assert row["recorded_at"] == pd.Timestamp("2026-05-01 06:30", tz="UTC")
    assert (row["url"], row["publisher"]) == ("https://office.example/persons.csv", "nobody")
    assert row["locator"]
    assert len(row["payload_sha256"]) == 64
    assert json.loads(row["note"])["country"] == "Finland"


def test_periods_are_civil_dates_of_the_country_they_are_about() -> None:
    zones = taken({MARCH: "100", GEORGIA: "250"}).statements.reports["timezone"].tolist()
    assert zones == ["Europe/Helsinki", "Asia/Tbilisi"]
    assert gather([look(1, {MARCH: "1"})], SPEC, {}).statements.reports["timezone"].tolist() == ["UTC"]


def test_a_figure_that_stays_is_not_repeated() -> None:
    gathered = taken({MARCH: "100"}, {MARCH: "100"}, {MARCH: "100", APRIL: "7"})
    assert reports(gathered) == [("2026-03", "FIN", 100, "1", None), ("2026-04", "FIN", 7, "1", None)]
    assert gathered.repeated == 2


def test_a_figure_that_changes_is_a_new_report_that_supersedes_the_one_before() -> None:
    gathered = taken({MARCH: "100"}, {MARCH: "90"}, {MARCH: "100"})
    assert [r[2:] for r in reports(gathered)] == [(100, "1", None), (90, "2", "update"), (100, "3", "update")]
    frame = gathered.statements.reports
    assert frame["supersedes"].tolist()[1:] == frame["report_id"].tolist()[:-1]
    assert pd.isna(frame["supersedes"].iloc[0])
    assert frame["report_id"].is_unique
    assert frame["published_on"].tolist() == ["2026-05-01", "2026-05-02", "2026-05-03"]


def test_a_cell_without_a_figure_keeps_its_reason_and_makes_no_report() -> None:
    gathered = taken({MARCH: "..", APRIL: "-", GEORGIA: "250"}, {MARCH: "..", APRIL: "-", GEORGIA: "250"})
    assert [r[1] for r in reports(gathered)] == ["GEO"]
    missing = gathered.missing.sort_values("date")
    assert missing[["date", "obs_status"]].values.tolist() == [[dt.date(2026, 3, 1), "Q"], [dt.date(2026, 4, 1), "O"]]
    assert missing[["value", "report_id"]].isna().all(axis=None)
    assert OFFICIAL.conform(missing).num_rows == 2
    assert (gathered.absences, gathered.repeated) == (2, 3)


def test_a_reason_that_changes_is_no_repetition_and_the_last_one_stands() -> None:
    gathered = taken({MARCH: ".."}, {MARCH: "n"})
    assert gathered.missing["obs_status"].tolist() == ["M"]
    assert (gathered.absences, gathered.repeated) == (2, 0)


def test_a_figure_that_comes_later_takes_the_place_of_its_absence() -> None:
    gathered = taken({MARCH: ".."}, {MARCH: "100"})
    assert reports(gathered) == [("2026-03", "FIN", 100, "1", None)]
    assert gathered.missing.empty
    assert gathered.absences == 1


def test_a_figure_that_is_taken_back_is_retracted_and_may_return() -> None:
    withdrawn = taken({MARCH: "100", APRIL: "7"}, {MARCH: "..", APRIL: "7"}, {MARCH: "..", APRIL: "7"})
    assert reports(withdrawn)[-1] == ("2026-03", "FIN", 100, "2", "retraction")
    assert withdrawn.missing["obs_status"].tolist() == ["Q"]
    assert pd.isna(withdrawn.statements.reports["value_text"].iloc[-1]), "nothing was printed in its place"
    back = taken({MARCH: "100"}, {MARCH: ".."}, {MARCH: "100"})
    assert [r[2:] for r in reports(back)] == [(100, "1", None), (100, "2", "retraction"), (100, "3", "update")]
    assert back.missing.empty


def test_a_figure_that_is_no_longer_shown_stands() -> None:
    gathered = taken({MARCH: "100", APRIL: "7"}, {APRIL: "7"})
    assert len(gathered.statements.reports) == 2
    assert gathered.missing.empty


def test_a_refused_record_is_kept_once_with_the_look_that_first_showed_it() -> None:
    gathered = taken({MARCH: "100", ("2026-03", "Narnia"): "3"}, {MARCH: "100", ("2026-03", "Narnia"): "3"})
    torn = gathered.statements.torn
    assert torn[["rule", "payload_sha256"]].values.tolist() == [["unknown_label", "look-1"]]
    assert "Narnia" in torn["reason"].iloc[0]
    assert gathered.repeated == 2


def test_a_status_other_than_normal_goes_with_the_report_until_it_becomes_final() -> None:
    def with_status(status: str, day: int) -> Look:
        seen = look(day, {MARCH: "100"})
        return Look(_changed(seen.parsed, obs_status=status), seen.recorded_at)

    provisional = gather([with_status("P", 1)], SPEC, ZONES)
    (report_id,) = provisional.statements.reports["report_id"]
    assert provisional.marked[["report_id", "obs_status", "value"]].values.tolist() == [[report_id, "P", 100]]
    final = gather([with_status("P", 1), with_status("A", 2)], SPEC, ZONES)
    assert final.marked.empty
    assert len(final.statements.reports) == 1


def _changed(parsed: Parsed, *, notes: tuple[Note, ...] = (), **columns: Any) -> Parsed:
    return Parsed(parsed.observations.assign(**columns), parsed.rejected, parsed.considered, parsed.unselected, notes)


def test_what_a_parser_notes_becomes_a_finding_once() -> None:
    seen = look(1, {MARCH: "100"})
    noted = Look(_changed(seen.parsed, notes=(Note("latest_period", "it ends in March"),)), seen.recorded_at)
    told = gather([noted, noted], SPEC, ZONES).findings
    assert {t.finding_id for t in told} == {told[0].finding_id}
    assert told[0].message == "made-for-a-test: it ends in March"
    assert (told[0].rule, told[0].severity) == ("latest_period", "warn")


@pytest.mark.parametrize(("revised", "told"), [(1, []), (2, []), (3, ["3 of 5"]), (5, ["5 of 5"])])
def test_a_look_that_changes_more_than_allowed_is_told(revised: int, told: list[str]) -> None:
    months = [(f"2026-0{k}", "Finland") for k in range(1, 6)]
    before = dict.fromkeys(months, "10")
    after = {m: "11" if k < revised else "10" for k, m in enumerate(months)} | {("2025-12", "Finland"): "4"}
    gathered = taken(before, after)
    found = [f for f in gathered.findings if f.rule == "revision_size"]
    assert [f"{words} known figures, more than 40%" in f.message for words, f in zip(told, found, strict=True)] == [
        True
    ] * len(told)
    assert all("2026-05-02" in f.message for f in found)


def test_no_looks_give_empty_tables_that_fit_the_schema() -> None:
    nothing = gather([], SPEC, ZONES)
    assert nothing.statements.considered == nothing.rows_in == 0
    assert OFFICIAL.conform(nothing.missing).num_rows == OFFICIAL.conform(nothing.marked).num_rows == 0


figures = st.sampled_from(["0", "1", "10", "11", "..", "-", "n", "x", "-3"])
places = st.tuples(
    st.sampled_from(["2026-01", "2026-02", "2026-03"]), st.sampled_from(["Finland", "Georgia", "Narnia"])
)
histories = st.lists(st.dictionaries(places, figures, min_size=1, max_size=9), min_size=1, max_size=5)


@given(histories)
def test_every_cell_of_every_look_is_accounted_for_and_the_last_figure_stands(history: list[Figures]) -> None:
    gathered = taken(*history)
    frame = gathered.statements.reports
    assert frame["report_id"].is_unique
    assert frame["supersedes"].dropna().isin(frame["report_id"]).all()
    assert frame["supersedes"].dropna().is_unique
    last: dict[tuple[Any, ...], Any] = {}
    for seen in (look(1, figures) for figures in history):
        for row in seen.parsed.observations.itertuples():
            last[row.country, row.period_start] = row.value
    heads = frame.loc[~frame["report_id"].isin(frame["supersedes"].dropna()) & (frame["revision_kind"] != "retraction")]
    stands = {(r.country, r.period_start.date()): r.value for r in heads.itertuples()}
    assert stands == {place: value for place, value in last.items() if pd.notna(value)}
    absent = {(r.country, r.date) for r in gathered.missing.itertuples()}
    assert absent == {place for place, value in last.items() if pd.isna(value)}


@given(histories, st.integers(1, 5))
def test_what_was_reported_is_the_same_whatever_comes_later(history: list[Figures], cut: int) -> None:
    early, late = taken(*history[:cut]).statements.reports, taken(*history).statements.reports
    pd.testing.assert_frame_equal(early, late.iloc[: len(early)])


@given(histories, st.randoms(use_true_random=False))
def test_the_order_of_rows_in_a_file_never_matters(history: list[Figures], chance: Any) -> None:
    def shuffled(given_: Figures) -> Figures:
        items = list(given_.items())
        chance.shuffle(items)
        return dict(items)

    there, back = taken(*history), taken(*map(shuffled, history))
    columns = ["report_id", "value", "supersedes", "revision_kind", "published_on"]
    pd.testing.assert_frame_equal(there.statements.reports[columns], back.statements.reports[columns])
    pd.testing.assert_frame_equal(
        *(g.missing.sort_values(["series", "date"], ignore_index=True) for g in (there, back))
    )
