"""How fresh a source is, at instants that the tests choose."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parse_support import ROOT, sources

from crossings.errors import FetchFailed
from crossings.settings import Settings
from crossings.source.model import Epoch, SourceSpec
from flows.archive.request import Request
from flows.collect.freshness import Freshness, freshness
from flows.workspace import Workspace

CHANGED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
MONTHLY = sources()["mn-nso-border-points"]  # usual lag 15 days


def at(lake: Path, spec: SourceSpec, instant: datetime) -> Freshness:
    return freshness(Workspace(Settings(lake=lake, data=ROOT / "data"), instant), spec)


@pytest.fixture
def looked(tmp_path: Path) -> Path:
    """A lake in which the source brought bytes once, on 1 March 2026."""
    lake = tmp_path / "lake"
    workspace = Workspace(Settings(lake=lake, data=ROOT / "data"), CHANGED)
    workspace.archive.add_local(MONTHLY.id, b"figures", "bundle", CHANGED)
    return lake


def test_a_source_that_was_never_looked_at_is_never(tmp_path: Path) -> None:
    assert at(tmp_path / "lake", MONTHLY, CHANGED) == Freshness("never", None, None, None)


@pytest.mark.parametrize(
    ("days", "state"), [(0, "fresh"), (31, "fresh"), (32, "due"), (46, "due"), (47, "overdue"), (400, "overdue")]
)
def test_news_is_due_after_one_cadence_and_overdue_after_the_usual_lag(looked: Path, days: int, state: str) -> None:
    assert at(looked, MONTHLY, CHANGED + timedelta(days=days)).state == state


@pytest.mark.parametrize(("cadence", "fresh_for", "due_for"), [("D", 1, 1), ("W", 7, 1), ("Q", 92, 9), ("A", 366, 36)])
def test_without_a_stated_lag_a_tenth_of_the_cadence_is_granted(
    looked: Path, cadence: str, fresh_for: int, due_for: int
) -> None:
    spec = MONTHLY.model_copy(update={"cadence": cadence, "usual_lag_days": None})
    states = [
        at(looked, spec, CHANGED + timedelta(days=days)).state
        for days in (fresh_for, fresh_for + 1, fresh_for + due_for, fresh_for + due_for + 1)
    ]
    assert states == ["fresh", "due", "due", "overdue"]


def test_an_irregular_source_is_fresh_once_it_brought_anything(looked: Path) -> None:
    spec = MONTHLY.model_copy(update={"cadence": "irregular"})
    assert at(looked, spec, CHANGED + timedelta(days=4000)).state == "fresh"


def test_a_source_whose_definitions_have_all_ended_is_ended(looked: Path) -> None:
    last = (CHANGED + timedelta(days=10)).date()
    spec = MONTHLY.model_copy(update={"definition_epochs": (Epoch(end=last, definition="until then"),)})
    assert at(looked, spec, CHANGED + timedelta(days=10)).state == "fresh"
    assert at(looked, spec, CHANGED + timedelta(days=11)).state == "ended"
    going_on = (*spec.definition_epochs, Epoch(start=last, definition="since then"))
    assert at(looked, spec.model_copy(update={"definition_epochs": going_on}), CHANGED).state == "fresh"


def test_a_look_without_news_is_a_look_but_no_change(looked: Path) -> None:
    later = CHANGED + timedelta(days=40)
    workspace = Workspace(Settings(lake=looked, data=ROOT / "data"), later)
    workspace.archive.add_local(MONTHLY.id, b"figures", "bundle", later)
    found = at(looked, MONTHLY, later)
    assert (found.state, found.looked, found.changed, found.failed) == ("due", later, CHANGED, None)


def test_a_failed_look_is_told_until_the_next_one_succeeds(looked: Path) -> None:
    workspace = Workspace(Settings(lake=looked, data=ROOT / "data"), CHANGED)
    request = Request("GET", "https://data.1212.mn/api")
    workspace.archive.record_failure(MONTHLY.id, request, FetchFailed("answered 503", "look again later", 503))
    found = at(looked, MONTHLY, CHANGED)
    assert found.failed == "answered 503 — look again later"
    assert found.changed == CHANGED
    later = replace(workspace, now=CHANGED + timedelta(days=1))
    later.archive.add_local(MONTHLY.id, b"figures", "bundle", later.now)
    assert at(looked, MONTHLY, later.now).failed is None
