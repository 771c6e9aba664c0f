"""What a person confirmed: which runs take the source, what is refused, and what a release depends on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from parse_support import ROOT, sources

from crossings.errors import CrossingsError, StorageFault
from crossings.settings import Settings
from crossings.source.model import SourceSpec
from flows.collect import standing
from flows.collect.standing import Change, Observation, Standing
from flows.steps import collect
from flows.workspace import Workspace
from transforms.parse.layout import Layout

NAME = "mn-nso-border-points"
DAY = dt.datetime(2026, 11, 25, 5, 30, tzinfo=dt.UTC)
COPY = "http://127.0.0.1:8765"
LAYOUT = Layout("pxweb", "M", ("A", "B"), ())
OTHER = Layout("pxweb", "M", ("A", "C"), ())


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return at(tmp_path)


def at(tmp_path: Path, days: int = 0) -> Workspace:
    """The same lake so many days later."""
    return Workspace(Settings(lake=tmp_path / "lake", data=ROOT / "data"), DAY + dt.timedelta(days))


def checked(place: Workspace, base_url: str | None = None, layout: Layout = LAYOUT, *differs: str) -> None:
    """As after a check; the publisher itself cannot be asked from here."""
    standing.keep(place, Observation(
        source_id=NAME, looked_at=place.now, base_url=base_url, declared=standing.declared(place.source(NAME)),
        layout=layout, figures=1, differs=differs,
    ))  # fmt: skip


def confirmed(place: Workspace, base_url: str | None = None, layout: Layout = LAYOUT) -> None:
    checked(place, base_url, layout)
    standing.confirm(place, place.source(NAME))


def changed(place: Workspace) -> None:
    known = standing.standing(place, NAME)
    standing.set_standing(place, NAME, known.model_copy(update={"changed": Change(at=place.now, why="otherwise")}))


def test_a_source_confirmed_live_is_taken_by_scheduled_runs_and_one_confirmed_on_a_copy_by_rehearsals(place, tmp_path):
    assert collect.sources(place) == collect.sources(place, COPY) == ["register"]
    confirmed(place, COPY)
    assert (collect.sources(place), collect.sources(place, COPY)) == (["register"], [NAME, "register"])
    confirmed(place)
    assert (collect.sources(place), collect.sources(place, COPY)) == ([NAME, "register"], ["register"])
    changed(place)
    assert collect.sources(place) == ["register"]
    confirmed(at(tmp_path, days=1))
    assert collect.sources(place) == [NAME, "register"]


def test_a_yaml_that_says_so_counts_for_the_publisher_alone(place):
    spec = sources()[NAME].model_copy(update={"confirmed": True})
    assert (Standing().scheduled(spec, copy=False), Standing().scheduled(spec, copy=True)) == (True, False)
    left_alone = Standing(changed=Change(at=DAY, why="unreadable"))
    assert left_alone.scheduled(spec, copy=False) is False
    assert Standing().scheduled(spec.model_copy(update={"enabled": False}), copy=False) is False


def test_a_served_copy_takes_no_confirmed_publishers_place(place):
    confirmed(place)
    checked(place, COPY)
    with pytest.raises(CrossingsError, match=r"is confirmed on its live service.*withdraw first"):
        standing.confirm(place, place.source(NAME))


def test_a_confirmation_is_of_the_last_check_and_of_todays_yaml(place, tmp_path):
    checked(place, None, LAYOUT, "1 label is unknown")
    with pytest.raises(CrossingsError, match=f"differed at the check of 2026-11-25.*unknown — run .*check {NAME}"):
        standing.confirm(place, place.source(NAME))
    confirmed(place)
    changed(place)
    with pytest.raises(CrossingsError, match="changed after the check"):
        standing.confirm(place, place.source(NAME))
    later = at(tmp_path, days=1)
    checked(later)
    later.sources[NAME] = other_yaml(later.source(NAME))
    with pytest.raises(CrossingsError, match="is not as it was at the check"):
        standing.confirm(later, later.source(NAME))


def other_yaml(spec: SourceSpec) -> SourceSpec:
    return spec.model_copy(update={"measure": "trips"})


def test_each_confirmed_layout_is_read_by_the_yaml_that_was_confirmed_with_it(place, tmp_path):
    confirmed(place)
    first = standing.declared(place.source(NAME))
    later = at(tmp_path, days=1)
    later.sources[NAME] = other_yaml(later.source(NAME))
    confirmed(later, layout=OTHER)
    known = standing.standing(later, NAME)
    assert known.readings == [(OTHER.fingerprint, None), (LAYOUT.fingerprint, first)]
    assert standing.confirmed_spec(later, NAME, first).measure == "crossings"
    changed(later)
    known = standing.standing(later, NAME)
    assert [said for _, said in known.readings] == [standing.declared(later.source(NAME)), first]
    kept = later.lake.root / "sources" / NAME / f"{first[:16]}.json"
    kept.write_bytes(kept.read_bytes()[:-10])
    with pytest.raises(StorageFault, match="check and confirm"):
        standing.confirmed_spec(later, NAME, first)


def test_looks_from_before_the_first_confirmation_are_not_held_against_it(place, tmp_path):
    assert Standing().guards(DAY) is False
    confirmed(place)
    confirmed(at(tmp_path, days=5))
    known = standing.standing(place, NAME)
    assert known.since == DAY
    assert (known.guards(DAY - dt.timedelta(seconds=1)), known.guards(DAY)) == (False, True)
    assert known.objection(LAYOUT) is None
    assert known.objection(OTHER).endswith("which was confirmed: new dimension C; no dimension B any more")


def test_a_release_depends_on_what_was_confirmed_and_neither_on_who_nor_on_when_it_was_said_again(place, tmp_path):
    assert standing.standing(place, NAME).said == ""
    confirmed(place)
    said = standing.standing(place, NAME).said
    later = at(tmp_path, days=1)
    checked(later)
    standing.confirm(later, later.source(NAME), by="A. Person", note="once more")
    standing.released(later, NAME)
    assert standing.standing(later, NAME).said == said
    changed(later)
    assert standing.standing(later, NAME).said != said


def test_withdrawing_undoes_until_a_release_was_made(place, tmp_path):
    spec = place.source(NAME)
    with pytest.raises(CrossingsError, match="no confirmation in this lake"):
        standing.withdraw(place, spec)
    confirmed(place)
    assert standing.withdraw(place, spec) is True
    assert standing.standing(place, NAME) == Standing()
    confirmed(place)
    standing.released(place, NAME)
    assert standing.withdraw(place, spec) is False
    known = standing.standing(place, NAME)
    assert known.readings, "what was released is still read"
    assert (known.live, known.scheduled(spec, copy=False)) == (False, False)
