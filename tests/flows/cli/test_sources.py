"""The commands about sources: what they print, and one line with a remedy for everything that goes wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from parse_support import RECORDED, sources
from published import Spoken
from serving import revised, served

from crossings.lake import Lake

pytestmark = pytest.mark.slow

Command = Callable[..., Spoken]
NAME = "mn-nso-border-points"
EXITS = RECORDED / "ru-fsb-exits" / "data.csv"


def refused(spoken: Spoken, *words: str) -> None:
    """One line on standard error with a remedy, exit code 1, nothing on standard output, no traceback."""
    assert spoken.code == 1
    assert spoken.out == ""
    (line,) = spoken.err.strip().splitlines()
    assert line.startswith("error ")
    assert " — " in line, "a remedy"
    for word in words:
        assert word in line


@pytest.fixture
def copy() -> Iterator[str]:
    with served(sources()[NAME]) as address:
        yield address


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch, command: Command) -> Command:
    """The command line on a screen of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    return command


# -- the list -----------------------------------------------------------------------------------------------------------


def test_the_list_fits_80_columns_and_folds_no_identifier(lake: Path, copy: str, narrow: Command) -> None:
    assert narrow("ingest", NAME, "--base-url", copy).code == 0
    said = narrow("sources")
    assert said.code == 0
    lines = said.out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert lines[0].split() == ["source_id", "country", "measure", "cadence", "state", "looked"]
    rows = {line.split()[0]: line.split() for line in lines[1 : lines.index("")]}
    assert set(rows) == {id_ + ("" if spec.confirmed else "*") for id_, spec in sources().items()}
    looked = next(iter(json.loads(narrow("sources", "--json").out)[k]["last_looked"] for k in [11]))
    assert rows[f"{NAME}*"] == [f"{NAME}*", "MNG", "crossings", "M", "fresh", looked[:10]]
    assert rows["ge-geostat*"][-1] == "never"


def test_the_list_has_a_legend(lake: Path, narrow: Command) -> None:
    said = narrow("sources").out
    assert "* 16 of 17 are not confirmed on the live service and are never scheduled" in said
    for word in ("cadence: D day", "never", "fresh", "due", "overdue", "ended", "crossings sources check"):
        assert word in said


def test_the_list_is_json_for_a_script(lake: Path, command: Command) -> None:
    rows = {r["source_id"]: r for r in json.loads(command("sources", "--json").out)}
    assert set(rows) == set(sources())
    row = rows[NAME]
    assert (row["confirmed"], row["scheduled"], row["state"], row["last_looked"]) == (False, False, "never", None)
    assert row["to_confirm"]
    assert rows["register"]["scheduled"] is True


def test_a_failed_look_is_shown_in_the_list(lake: Path, command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    folder.mkdir()
    (folder / "unrelated.txt").write_text("no figures here")
    with served(sources()["eu-eurostat-asylum"], folder) as address:
        refused(command("ingest", "eu-eurostat-asylum", "--base-url", address), "answered 404", "new address")
    said = command("sources").out
    assert "last look failed eu-eurostat-asylum" in said
    assert "answered 404" in said


# -- check --------------------------------------------------------------------------------------------------------------


def test_check_tells_what_came_and_brings_nothing_into_a_release(lake: Path, copy: str, command: Command) -> None:
    said = command("sources", "check", NAME, "--base-url", copy)
    assert said.code == 0, said.err
    for words in (
        "confirmed  no", "to confirm certificate chain of data.1212.mn", "came       metadata:", "came       data:",
        "12 accepted, 0 refused, 0 not selected", "periods    2026-01-01 to 2026-02-28", "as declared: ",
    ):  # fmt: skip
        assert words in said.out
    published = command("publish", "--local")
    assert published.code == 1
    assert "the archive holds nothing to publish — run" in published.err


def test_check_shows_refused_rows_as_they_came(lake: Path, command: Command) -> None:
    with served(sources()["kz-bns-visitors"]) as address:
        said = command("sources", "check", "kz-bns-visitors", "--base-url", address)
    assert "5 accepted, 1 refused" in said.out
    assert "'1 010' is no figure" in said.out
    assert said.code == 1, "something is to be corrected"
    assert said.out.splitlines()[-1].startswith("differs: 1 refused by ")


def test_check_of_the_register_says_what_it_is(lake: Path, command: Command) -> None:
    refused(command("sources", "check", "register"), "statement file", "crossings ingest register")


# -- ingest and publish -------------------------------------------------------------------------------------------------


def test_ingest_from_a_served_copy_prints_the_accounting_and_publish_shows_it(
    lake: Path, copy: str, command: Command, tmp_path: Path
) -> None:
    said = command("ingest", NAME, "--base-url", copy)
    assert said.code == 0, said.err
    assert f"{NAME}: 12 rows in = 12 accepted + 0 quarantined + 0 duplicates" in said.out
    assert "periods 2026-01-01 to 2026-02-28" in said.out
    assert "/value/4" in said.out
    folder = tmp_path / "revised"
    assert revised(NAME, folder) == 1
    with served(sources()[NAME], folder) as address:
        counts = json.loads(command("ingest", NAME, "--base-url", address, "--json").out)
    assert (counts["rows_in"], counts["accepted"], counts["duplicates"]) == (24, 13, 11)
    assert command("publish", "--local").code == 0
    official = Lake(lake).release().read("official", "MNG").to_pandas()
    assert official["value"].max() == 1501
    assert official["obs_status"].tolist().count("Q") == 1
    again = command("publish", "--local")
    assert "Nothing new" in again.out


def test_ingest_of_a_file_at_hand_under_any_name(lake: Path, command: Command, tmp_path: Path) -> None:
    for name in ("any [name].csv", "bundle", "register"):
        shutil.copy(EXITS, tmp_path / name)
        said = command("ingest", "ru-fsb-exits", "--file", str(tmp_path / name))
        assert said.code == 0, said.err
        assert "ru-fsb-exits: 6 rows in = 4 accepted + 2 quarantined + 0 duplicates" in said.out
    assert "Tram" in said.out
    assert "row 4" in said.out


def test_the_newer_edition_stands_although_the_older_one_is_brought_later(
    lake: Path, command: Command, tmp_path: Path
) -> None:
    older = tmp_path / "older.csv"
    older.write_bytes(EXITS.read_bytes().replace(b"1,234", b"1,111"))
    for path, day in ((EXITS, "2026-11-15"), (older, "2026-10-15")):
        assert command("ingest", "ru-fsb-exits", "--file", str(path), "--edition", day).code == 0
    assert command("publish", "--local").code == 0
    reports = Lake(lake).release().read("reports").to_pandas()
    assert set(reports.loc[reports["role"] == "regular", "published_on"]) == {"2026-11-15"}
    assert set(reports.loc[reports["role"] == "superseded", "published_on"]) == {"2026-10-15"}


def test_ingest_of_several_files_named_after_their_roles(lake: Path, command: Command) -> None:
    files = [str(RECORDED / NAME / f"{role}.json") for role in ("metadata", "data")]
    said = command("ingest", NAME, "--file", files[0], "--file", files[1], "--json")
    assert json.loads(said.out)["accepted"] == 12


def test_a_statement_file_is_ingested_as_statements(lake: Path, command: Command, small_data: Path) -> None:
    said = command("ingest", "register", "--file", str(RECORDED / "register" / "reports.csv"))
    assert said.code == 0, said.err
    assert "register: " in said.out
    refused(
        command("ingest", "register", "--file", str(EXITS), "--file", str(EXITS)), "one statement file", "one --file"
    )


def test_requarantine_frees_what_a_mended_mapping_understands(lake: Path, command: Command, small_data: Path) -> None:
    assert command("ingest", "ru-fsb-exits", "--file", str(EXITS)).code == 0
    assert command("publish", "--local").code == 0
    before = Lake(lake).release().read("quarantine").to_pandas()
    assert len(before) == 2
    path = small_data / "sources" / "ru-fsb-exits.yaml"
    path.write_text(path.read_text().replace("Walk: {mode: foot}", "Walk: {mode: foot}, Tram: {mode: land}"))
    said = command("requarantine", "--json")
    assert said.code == 0, said.err
    told = json.loads(said.out)
    assert (told["before"], len(told["readmitted"]), told["still"]) == (2, 1, 1)
    reports = Lake(lake).release().read("reports", "FIN").to_pandas()
    assert reports.loc[reports["mode"] == "land", "value"].tolist() == [5]
    assert "0 of 1 records left quarantine, 1 stay" in command("requarantine").out


# -- what goes wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "no-such-source"), ("no source 'no-such-source'", "crossings sources")),
        (("sources", "check", "no-such-source"), ("no source 'no-such-source'",)),
        (("sources", "serve", "no-such-source", "."), ("no source 'no-such-source'",)),
        (("sources", "serve", NAME, "no-such-folder"), ("no-such-folder holds no payloads",)),
        (("ingest", NAME, "--file", "x.json", "--base-url", "http://127.0.0.1:1"), ("exclude each other",)),
        (("ingest", NAME, "--edition", "2023-11-15"), ("--edition is of a file at hand", "--file")),
        (("ingest", "ru-fsb-exits", "--file", str(EXITS), "--edition", "2999-01-01"), ("lies in the future",)),
        (("ingest", "register", "--file", str(EXITS), "--edition", "2023-11-15"), ("leave --edition out",)),
        (("ingest", NAME, "--file", "no-such-file.json"), ("no-such-file.json is missing",)),
        (("ingest", NAME, "--base-url", "127.0.0.1:8765"), ("is not an address", "http://127.0.0.1:8765")),
        (("ingest", "register", "--base-url", "http://127.0.0.1:1"), ("one statement file",)),
        (("ingest", "ru-fsb-exits"), ("brought by hand", "crossings ingest ru-fsb-exits --file PATH")),
        (("requarantine",), ("no release", "crossings run")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_a_mistake_is_one_line_with_a_remedy(
    arguments: tuple[str, ...], words: tuple[str, ...], lake: Path, command: Command
) -> None:
    refused(command(*arguments), *words)


def test_a_publisher_that_nobody_plays_is_one_line(
    lake: Path, command: Command, tmp_path: Path, small_data: Path
) -> None:
    path = small_data / "sources" / "eu-eurostat-asylum.yaml"
    assert "retries" not in path.read_text()
    path.write_text(path.read_text().replace("fetch: {", "fetch: {retries: 0, ", 1))
    with served(sources()["eu-eurostat-asylum"]) as address:
        pass
    refused(command("ingest", "eu-eurostat-asylum", "--base-url", address), "127.0.0.1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><html><title>Down [/for] maintenance</title></html>", ("HTML page", "Down [/for] maintenance")),
        (b"", ("bytes",)),
        (b"\x00\x01\x02\xff" * 10, ("ru-fsb-exits",)),
        (b"a,b\n1,2\n", ("expected",)),
        (EXITS.read_bytes()[:-30] + b'"', ("ru-fsb-exits",)),
    ],
    ids=["a web page", "an empty file", "binary", "another table", "a torn file"],
)  # fmt: skip
def test_a_wrong_file_is_one_line_and_leaves_the_source_as_it_was(
    content: bytes, words: tuple[str, ...], lake: Path, command: Command, tmp_path: Path
) -> None:
    assert command("ingest", "ru-fsb-exits", "--file", str(EXITS)).code == 0
    wrong = tmp_path / "wrong.csv"
    wrong.write_bytes(content)
    refused(command("ingest", "ru-fsb-exits", "--file", str(wrong)), *words)
    refused(command("ingest", "ru-fsb-exits", "--file", str(wrong)), *words)
    kept = json.loads(command("ingest", "ru-fsb-exits", "--file", str(EXITS), "--json").out)
    assert (kept["accepted"], kept["quarantined"], kept["duplicates"]) == (4, 2, 6)


def test_a_file_larger_than_the_source_allows_is_not_even_read(lake: Path, command: Command, tmp_path: Path) -> None:
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as out:
        out.truncate(2 * 2**30)
    refused(command("ingest", "ru-fsb-exits", "--file", str(huge)), "2,147,483,648 bytes, more than the 50,000,000")
    assert not (lake / "raw").exists() or not list((lake / "raw").rglob("sha256/*/*"))


def test_a_broken_yaml_names_file_and_field(lake: Path, command: Command, small_data: Path) -> None:
    path = small_data / "sources" / f"{NAME}.yaml"
    path.write_text(path.read_text().replace("cadence: M", "cadence: monthly"))
    refused(command("sources"), f"{NAME}.yaml", "cadence", "correct the named fields")


def test_one_source_that_cannot_be_read_keeps_no_other_out_of_a_release(
    lake: Path, command: Command, small_data: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("<html>maintenance</html>")
    assert command("ingest", "ru-fsb-exits", "--file", str(wrong)).code == 1
    said = command("run", "--local")
    assert said.code == 0, said.err
    release = Lake(lake).release()
    assert release.read("reports").num_rows == 12
    findings = release.read("findings").to_pandas()
    (told,) = findings.loc[findings["rule"] == "unreadable_look"].to_dict("records")
    assert told["severity"] == "error"
    assert "ru-fsb-exits" in told["message"]


def test_a_publisher_that_gives_nothing_keeps_no_other_out_of_a_release(
    lake: Path, command: Command, small_data: Path
) -> None:
    """A scheduled source at a loopback address, which a fetch without a served copy must refuse."""
    path = small_data / "sources" / "eu-eurostat-asylum.yaml"
    said = yaml.safe_load(path.read_text(encoding="utf-8")) | {"confirmed": True}
    del said["to_confirm"]
    for address in said["addresses"]:
        address["url"] = "https://127.0.0.1:9/" + address["url"].split("/", 3)[3]
    said["fetch"]["retries"] = 0
    path.write_text(yaml.safe_dump(said, default_flow_style=False), encoding="utf-8")
    run = command("run", "--local")
    assert run.code == 0, run.err
    assert "looking at eu-eurostat-asylum, register" in run.out
    assert "eu-eurostat-asylum: GET https://127.0.0.1:9/" in run.out
    assert "what the archive holds of it stands" in run.out
    assert Lake(lake).release().read("reports").num_rows == 12
    rows = {r["source_id"]: r for r in json.loads(command("sources", "--json").out)}
    assert rows["eu-eurostat-asylum"]["last_failure"]
    assert rows["eu-eurostat-asylum"]["state"] == "never"
