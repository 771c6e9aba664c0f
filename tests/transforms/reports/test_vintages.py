"""The past, asked again: an instant sees what had been published by then, and nothing else."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import decision, decisions_of, settled, statement, unjudged

from crossings import catalog
from crossings.errors import CrossingsError
from crossings.schema.tables import REPORTS
from transforms.reports import vintages


def table(*rows: dict[str, str], decisions: pd.DataFrame | None = None) -> pd.DataFrame:
    """The released table `reports` of some rows."""
    return REPORTS.conform(unjudged(*rows, decisions=decisions).reports).to_pandas(types_mapper=pd.ArrowDtype)


def seen(reports: pd.DataFrame, when: str | None, decisions: pd.DataFrame | None = None) -> dict[str, str]:
    chosen = decisions_of() if decisions is None else decisions
    found = vintages.encoded(reports, chosen, catalog.instant(when) if when else None)
    return dict(zip(found["report_id"], found["role"], strict=True))


@pytest.mark.parametrize(
    ("when", "instant"),
    [
        ("2022-09-28", dt.datetime(2022, 9, 28, 23, 59, 59, 999999, dt.UTC)),
        (dt.date(2022, 9, 28), dt.datetime(2022, 9, 28, 23, 59, 59, 999999, dt.UTC)),
        ("2022-09-28T12:00", dt.datetime(2022, 9, 28, 12, tzinfo=dt.UTC)),
        ("2022-09-28T12:00+03:00", dt.datetime(2022, 9, 28, 9, tzinfo=dt.UTC)),
        (dt.datetime(2022, 9, 28, 12), dt.datetime(2022, 9, 28, 12, tzinfo=dt.UTC)),  # noqa: DTZ001
    ],
)
def test_an_instant_may_be_a_date_a_text_or_a_datetime(when: object, instant: dt.datetime) -> None:
    assert catalog.instant(when) == instant


@pytest.mark.parametrize(
    ("published_on", "before", "after"),
    [
        ("2022-09-26", "2022-09-26T20:59:59", "2022-09-26T21:00"),  # the end of the day in Helsinki
        ("2022-09", "2022-09-30T20:59:59", "2022-09-30T21:00"),
        ("2022", "2022-12-31T21:59:59", "2022-12-31T22:00"),
        ("", "2022-09-26T23:59:59", "2022-09-27T00:00"),  # its recording, where no publication day is known
    ],
)
def test_a_report_is_known_from_the_end_of_its_publication_day_month_or_year(
    published_on: str, before: str, after: str
) -> None:
    recorded = {"recorded_on": "2022-09-27" if not published_on else "2026-11-22"}
    reports = table(statement(published_on=published_on, **recorded))
    assert seen(reports, before) == {}
    assert seen(reports, after) == {"A-1": "constraint"}


def test_without_an_instant_everything_is_known() -> None:
    assert seen(table(statement(), statement(report_id="A-2", published_on="")), None) == {
        "A-1": "constraint", "A-2": "constraint"}  # fmt: skip


def test_a_correction_counts_from_its_own_publication() -> None:
    correction = statement(report_id="A-2", value=8320, value_text=8320, published_on="2022-10-03", supersedes="A-1",
                           recorded_on="2022-10-04", revision_kind="correction")  # fmt: skip
    reports = table(statement(), correction)
    assert seen(reports, "2022-09-30") == {"A-1": "constraint"}
    assert seen(reports, "2022-10-03") == {"A-1": "superseded", "A-2": "constraint"}


def test_a_retraction_withdraws_from_its_own_publication() -> None:
    retraction = statement(report_id="A-2", published_on="2022-10-03", supersedes="A-1", recorded_on="2022-10-04",
                           revision_kind="retraction")  # fmt: skip
    reports = table(statement(), retraction)
    assert seen(reports, "2022-09-30") == {"A-1": "constraint"}
    assert seen(reports, "2022-10-03") == {"A-1": "superseded", "A-2": "superseded"}


def test_a_copy_stands_for_its_statement_until_the_exact_one_is_published() -> None:
    about = statement(origin_id="O", value=8000, value_text=8000, qualifier="about", rounding_unit=1000)
    exact = statement(report_id="A-2", origin_id="O", published_on="2022-10-03", recorded_on="2022-10-04")
    reports = table(about, exact)
    assert seen(reports, "2022-09-30") == {"A-1": "constraint"}
    assert seen(reports, "2022-10-03") == {"A-1": "copy", "A-2": "constraint"}


def test_decisions_hold_for_every_vintage_that_knows_their_report() -> None:
    decisions = decisions_of(
        decision(action="exclude"),
        decision(
            decision_id="D-2", report_id="A-2", action="recode", field="direction", expect="entry", new_value="exit"
        ),
    )
    reports = table(statement(), statement(report_id="A-2", published_on="2022-10-03", recorded_on="2022-10-04"),
                    decisions=decisions)  # fmt: skip
    assert seen(reports, "2022-09-30", decisions) == {"A-1": "excluded"}
    found = vintages.encoded(reports, decisions)
    assert found[["report_id", "direction", "role"]].values.tolist() == [
        ["A-1", "entry", "excluded"], ["A-2", "exit", "constraint"]]  # fmt: skip


def test_a_held_report_stays_held_in_every_vintage() -> None:
    _, tables = settled(statement(value_text="8314 a day"))
    reports = REPORTS.conform(tables.reports).to_pandas(types_mapper=pd.ArrowDtype)
    assert seen(reports, "2022-09-30") == {"A-1": "held"}


def test_the_vintage_of_everything_repeats_the_encoding_of_the_release() -> None:
    reports = table(statement(), statement(report_id="A-2", qualifier="more_than", value_text=""))
    found = vintages.encoded(reports, decisions_of())
    assert found["lower"].tolist() == [8314, 8315]
    assert found["upper"].fillna(-1).tolist() == [8314, -1]
    assert found["role"].tolist() == reports["role"].tolist()


PUBLISHED = st.dates(dt.date(2022, 9, 26), dt.date(2022, 10, 9))


@given(st.lists(PUBLISHED, min_size=1, max_size=6), PUBLISHED)
def test_the_past_is_not_changed_by_what_was_published_later(days: list[dt.date], asked: dt.date) -> None:
    rows = [statement(report_id=f"A-{i}", origin_id=f"O-{i % 2}", published_on=day, recorded_on="2022-10-20", value=8000 + i,
                      value_text="") for i, day in enumerate(days)]  # fmt: skip
    instant = dt.datetime.combine(asked, dt.time(12), dt.UTC)
    everything = table(*rows)
    then = everything.loc[[i for i, day in enumerate(days) if day < asked]]
    known_then = vintages.encoded(everything, decisions_of(), instant)
    assert set(known_then["report_id"]) == set(then["report_id"])
    pd.testing.assert_frame_equal(known_then, vintages.encoded(then, decisions_of()))


def test_a_decision_that_no_longer_fits_its_report_stops_a_vintage_too() -> None:
    wrong = decisions_of(decision(action="recode", field="value", expect="1", new_value="2"))
    with pytest.raises(CrossingsError, match="D-1"):
        vintages.encoded(table(statement()), wrong)
