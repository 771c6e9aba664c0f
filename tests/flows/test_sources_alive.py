"""The life of a source against served copies: checked, confirmed, taken by runs, changed by its publisher, confirmed again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from parse_support import RECORDED
from published import Spoken
from serving import served

from crossings.lake import Lake
from crossings.settings import Settings
from crossings.source.model import SourceSpec
from flows.workspace import Workspace

pytestmark = pytest.mark.slow

Command = Callable[..., Spoken]
NAME, UNIT = "mn-nso-border-points", "fi-statfin-accommodation"


def spec(data: Path, name: str = NAME) -> SourceSpec:
    return Workspace.open(Settings(lake=data.parent / "lake", data=data)).source(name)


def copied(name: str, folder: Path, *changes: tuple[str, str]) -> Path:
    """The recorded payloads of a source with some words changed in all of them."""
    shutil.copytree(RECORDED / name, folder)
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        for old, new in changes:
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return folder


def mended(data: Path, name: str, *changes: tuple[str, str]) -> None:
    """Correct the YAML of a source."""
    path = data / "sources" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def row(command: Command, name: str = NAME) -> dict[str, Any]:
    (found,) = (r for r in json.loads(command("sources", "--json").out) if r["source_id"] == name)
    return dict(found)


def figures(lake: Path, country: str) -> dict[tuple[str, str], int]:
    official = Lake(lake).release().read("official", country).to_pandas()
    official = official[official["value"].notna()]
    return {(r.series, str(r.date)): int(r.value) for r in official.itertuples()}


def told(lake: Path) -> pd.DataFrame:
    findings = Lake(lake).release().read("findings").to_pandas()
    return findings[findings["rule"] == "changed_layout"]


def taken(command: Command, data: Path, folder: Path | None = None, name: str = NAME) -> Spoken:
    """Check a served copy, confirm it, and let a run take it."""
    with served(spec(data, name), folder) as address:
        assert command("sources", "check", name, "--base-url", address).code == 0
        assert command("sources", "confirm", name).code == 0
        return command("run", "--local", "--base-url", address)


def test_a_source_is_taken_changes_and_is_taken_again(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    with served(spec(small_data)) as address:
        said = command("sources", "check", NAME, "--base-url", address)
        assert said.code == 0
        assert "layout     cf1f0c9deba0c301: pxweb, frequency M; Border crossing, Direction, Month" in said.out
        assert "labels     Border crossing: 3: Altanbulag, Total, Zamyn-Uud" in said.out
        assert said.out.splitlines()[-1].startswith(f"as declared: `crossings sources confirm {NAME}`")
        confirmed = command("sources", "confirm", NAME, "--by", "A. Person", "--note", "compared")
        assert "a served copy, so only `crossings run --base-url URL` takes it" in confirmed.out
        assert (
            row(command)["confirmation"].items() >= {"by": "A. Person", "note": "compared", "base_url": address}.items()
        )

        # A confirmation of a copy says nothing of the publisher.
        assert row(command)["scheduled"] is False
        assert "looking at register\n" in command("run", "--local").out

        run = command("run", "--local", "--base-url", address)
        assert run.code == 0, run.err
        assert f"looking at {NAME}, register" in run.out
        first = figures(lake, "MNG")
        assert len(first) == 11
        assert "Nothing new" in command("run", "--local", "--base-url", address).out

    renamed = copied(NAME, tmp_path / "renamed", ("Border crossing", "Checkpoint"), ("1500", "1510"), ("1450", "1460"))
    with served(spec(small_data), renamed) as address:
        run = command("run", "--local", "--base-url", address)
        assert run.code == 0, run.err
        assert f"{NAME}: changed on " in run.out
        assert "Checkpoint" in run.out
        assert figures(lake, "MNG") == first, "what it had stands"
        (finding,) = told(lake).to_dict("records")
        assert finding["severity"] == "error"
        assert f"crossings sources check {NAME}" in finding["message"]
        assert row(command)["state"] == "changed"
        assert f"changed {NAME}: " in command("sources").out

        looks = len(Workspace.open(Settings(lake=lake, data=small_data)).archive.looks(NAME))
        again = command("run", "--local", "--base-url", address)
        assert f"{NAME}: changed on " in again.out
        assert "looking at register\n" in again.out
        assert "Nothing new" in again.out
        assert len(Workspace.open(Settings(lake=lake, data=small_data)).archive.looks(NAME)) == looks

        refused = command("sources", "confirm", NAME)
        assert refused.code == 1
        assert f"{NAME} changed after the check of" in refused.err

        said = command("sources", "check", NAME, "--base-url", address)
        assert said.code == 1
        assert said.out.splitlines()[-1].startswith("differs: ")
        assert "found Checkpoint, Direction, Month" in said.out
        assert "differed at the check of" in command("sources", "confirm", NAME).err

        mended(small_data, NAME, ("[Border crossing, Name of", "[Border crossing, Checkpoint, Name of"))
        said = command("sources", "check", NAME, "--base-url", address)
        assert said.code == 0, said.out
        assert "confirmed: new dimension Checkpoint; no dimension Border crossing any more" in said.out
        assert command("sources", "confirm", NAME).code == 0
        assert row(command)["state"] == "fresh"
        run = command("run", "--local", "--base-url", address)
        assert run.code == 0, run.err
    now = figures(lake, "MNG")
    assert now.keys() == first.keys()
    assert sorted(set(now.values()) - set(first.values())) == [1460, 1510]
    assert told(lake).empty
    reports = Lake(lake).release().read("reports", "MNG").to_pandas()
    assert (reports["role"] == "superseded").sum() == 2, "the earlier look is still read"


def test_figures_in_another_unit_never_enter_and_a_correction_leaves_the_earlier_ones_as_they_were(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    """The dangerous change: everything is where it was, and the figures are in thousands."""
    mended(small_data, UNIT, ("{text: arrivals, expect: [number, lkm]}", "{text: arrivals}"))
    assert taken(command, small_data, name=UNIT).code == 0
    first = figures(lake, "FIN")
    assert sorted(first.values()) == [120, 8000, 9000]
    in_thousands = copied(
        UNIT, tmp_path / "thousands", ('"number"', '"thousand"'), ("9000", "9"), ("8000", "8"), ("120", "1"),
        ("2025M11", "2025M10"),
    )  # fmt: skip
    with served(spec(small_data, UNIT), in_thousands) as address:
        run = command("run", "--local", "--base-url", address)
        assert "confirmed: new unit thousand; no unit number any more" in run.out
        assert figures(lake, "FIN") == first
        assert len(told(lake)) == 1, "one change, told once"
        assert row(command, UNIT)["state"] == "changed"

        said = command("sources", "check", UNIT, "--base-url", address)
        assert said.code == 1, "the YAML says nothing of thousands"
        assert said.out.splitlines()[-1].startswith("differs: unit thousand instead of number")

        mended(small_data, UNIT, ("{text: arrivals}", "{text: arrivals, mult: 3}"))
        assert command("publish", "--local").code == 0
        assert figures(lake, "FIN") == first, "corrected for the new unit, not for what came in the old one"

        assert command("sources", "check", UNIT, "--base-url", address).code == 0
        assert command("sources", "confirm", UNIT).code == 0
        assert command("run", "--local", "--base-url", address).code == 0
    now = figures(lake, "FIN")
    assert {k: v for k, v in now.items() if k[1] == "2025-11-01"} == {
        k: v for k, v in first.items() if k[1] == "2025-11-01"
    }
    assert sorted(v for k, v in now.items() if k[1] == "2025-10-01") == [1000, 9000]
    assert told(lake).empty

    rebuilt = command("run", "--local", "--rebuild")
    assert "a rebuild gave the same bytes" in rebuilt.out


def test_a_new_label_is_no_change_of_layout_and_is_told_as_unread(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    mended(small_data, NAME, ("max_change: 0.2", "max_change: 0.2, max_unread: 0.5"))
    taken(command, small_data)
    more = copied(NAME, tmp_path / "more", ("Zamyn-Uud", "Zamyn-Uud II"))
    with served(spec(small_data), more) as address:
        run = command("run", "--local", "--base-url", address)
        assert "changed on" not in run.out
        said = command("sources", "check", NAME, "--base-url", address)
    assert row(command)["state"] == "fresh"
    assert told(lake).empty
    findings = Lake(lake).release().read("findings").to_pandas()
    assert findings.loc[findings["rule"] == "unread", "message"].str.contains("Zamyn-Uud II").any()
    assert said.code == 1, "the YAML does not say all that came"
    assert '"Zamyn-Uud II"' in said.out.splitlines()[-1]


@pytest.mark.parametrize("answer", [b"<!DOCTYPE html><html><title>Moved</title></html>", b'{"value": ['])
def test_an_answer_that_cannot_be_read_changes_the_state_and_an_absent_one_does_not(
    answer: bytes, lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    taken(command, small_data)
    first = figures(lake, "MNG")
    mended(small_data, NAME, ("max_bytes: 20000000", "max_bytes: 20000000\n  retries: 0"))
    with served(spec(small_data)) as address:
        pass
    run = command("run", "--local", "--base-url", address)
    assert "what the archive holds of it stands" in run.out
    assert row(command)["state"] == "fresh", "a publisher that is down has not changed"
    folder = copied(NAME, tmp_path / "broken")
    (folder / "data.json").write_bytes(answer)
    with served(spec(small_data), folder) as address:
        run = command("run", "--local", "--base-url", address)
    assert run.code == 0, run.err
    assert row(command)["state"] == "changed"
    assert figures(lake, "MNG") == first
    assert len(told(lake)) == 1


def test_a_look_by_hand_of_another_layout_stays_out_and_is_one_line(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    taken(command, small_data)
    first = figures(lake, "MNG")
    other = copied(NAME, tmp_path / "other", ('"Direction"', '"Passengers"'))
    with served(spec(small_data), other) as address:
        said = command("ingest", NAME, "--base-url", address)
    assert said.code == 1
    (line,) = said.err.strip().splitlines()
    assert "new dimension Passengers" in line
    assert f"crossings sources confirm {NAME}" in line
    assert command("publish", "--local").code == 0
    assert figures(lake, "MNG") == first
    assert len(told(lake)) == 1


def test_a_confirmation_is_undone_before_a_release_was_made_with_it(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    taken(command, small_data)
    first = figures(lake, "MNG")
    other = copied(NAME, tmp_path / "other", ('"Direction"', '"Passengers"'), ("1500", "1510"))
    with served(spec(small_data), other) as address:
        command("run", "--local", "--base-url", address)
        before = row(command)
        assert before["state"] == "changed"
        assert command("sources", "check", NAME, "--base-url", address).code == 0
        assert command("sources", "confirm", NAME).code == 0
    said = command("sources", "confirm", NAME, "--withdraw")
    assert "withdrawn; it is as before" in said.out
    assert row(command) | {"last_looked": 0} == before | {"last_looked": 0}
    assert command("publish", "--local").code == 0
    assert figures(lake, "MNG") == first


def test_what_was_released_stands_when_its_confirmation_is_withdrawn(
    lake: Path, small_data: Path, command: Command
) -> None:
    taken(command, small_data)
    first = figures(lake, "MNG")
    assert "what releases show of it stands" in command("sources", "confirm", NAME, "--withdraw").out
    with served(spec(small_data)) as address:
        run = command("run", "--local", "--base-url", address)
        assert run.code == 0, run.err
        assert "looking at register\n" in run.out
        assert "the confirmation of" in run.out
        assert figures(lake, "MNG") == first
        assert len(told(lake)) == 1
        assert "is left alone already" in command("sources", "confirm", NAME, "--withdraw").err
        assert "changed after the check" in command("sources", "confirm", NAME).err
        assert command("sources", "check", NAME, "--base-url", address).code == 0
        assert command("sources", "confirm", NAME).code == 0
        assert f"looking at {NAME}, register" in command("run", "--local", "--base-url", address).out
    assert told(lake).empty


def test_figures_from_before_the_first_confirmation_stay_in_the_release(
    lake: Path, small_data: Path, command: Command, tmp_path: Path
) -> None:
    """They were brought by hand in a layout that nobody confirmed; no release may lose them."""
    other = copied(NAME, tmp_path / "other", ('"Direction"', '"Passengers"'))
    with served(spec(small_data), other) as address:
        assert command("ingest", NAME, "--base-url", address).code == 0
    assert command("publish", "--local").code == 0
    first = figures(lake, "MNG")
    assert taken(command, small_data).code == 0
    assert figures(lake, "MNG") == first
    assert told(lake).empty


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("nothing", ("was never checked", f"crossings sources check {NAME}")),
        ("a corrected YAML", ("is not as it was at the check", "crossings sources check")),
        ("a torn record", ("seen.json cannot be read", "move it aside")),
    ],
)
def test_what_cannot_be_confirmed_is_refused_in_one_line(
    before: str, words: tuple[str, ...], lake: Path, small_data: Path, command: Command
) -> None:
    if before != "nothing":
        with served(spec(small_data)) as address:
            assert command("sources", "check", NAME, "--base-url", address).code == 0
    if before == "a corrected YAML":
        mended(small_data, NAME, ("Altanbulag: {", "Altan Bulag: {"))
    if before == "a torn record":
        (lake / "sources" / NAME / "seen.json").write_text('{"source_id": ')
    said = command("sources", "confirm", NAME)
    assert said.code == 1
    assert said.out == ""
    (line,) = said.err.strip().splitlines()
    assert all(word in line for word in words)


def test_the_walk_ends_with_a_table_and_one_failure_stops_no_other(
    lake: Path, small_data: Path, command: Command
) -> None:
    for path in sorted((small_data / "sources").glob("*.yaml")):
        if path.stem not in (NAME, "eu-eurostat-asylum", "kz-taldau", "register"):
            path.unlink()
    with served(spec(small_data)) as address:
        said = command("sources", "check", "--all", "--base-url", address)
        rows = {
            r["source_id"]: r
            for r in json.loads(command("sources", "check", "--all", "--json", "--base-url", address).out)
        }
    assert said.code == 1
    assert [line.split()[0] for line in said.out.splitlines() if not line.startswith((" ", "·"))][:2] == [
        "source_id",
        "eu-eurostat-asylum",
    ]
    assert {name: r["outcome"] for name, r in rows.items()} == {
        NAME: "as declared", "eu-eurostat-asylum": "failed", "kz-taldau": "failed",
    }  # fmt: skip
    assert "answered 404" in rows["kz-taldau"]["differs"][0]
    assert rows[NAME]["fingerprint"] == "cf1f0c9deba0c301"
    assert command("sources", "confirm", NAME).code == 0
    mistaken = command("sources", "check")
    assert "name one source, or give --all" in mistaken.err
