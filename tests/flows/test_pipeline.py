"""The main job on the real register: what it publishes, twice, in two ways, and what it does with bad input."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
import socket_guard
from published import Published, Spoken

from crossings.lake import Lake, Release, digest
from crossings.schema.tables import TABLES
from crossings.settings import Settings
from flows import pipeline
from flows.workspace import Workspace

pytestmark = pytest.mark.slow

ENTRY = "FIN/entry/RUS/national/land/crossings/border_control"
EXIT = "FIN/exit/RUS/national/land/crossings/border_control"
Command = Callable[..., Spoken]


def bytes_below(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): digest(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


def untouched(lake: Path) -> tuple[dict[str, str], str | None]:
    """What must survive a failing run: every released byte, and where `current` points."""
    link = lake / "current"
    return bytes_below(lake / "releases"), link.readlink().name if link.is_symlink() else None


# -- what a release of the real register holds --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series", "day", "estimate", "report"),
    [
        (ENTRY, dt.date(2022, 9, 24), 8572, "FIN-021"),
        (ENTRY, dt.date(2022, 9, 25), 8314, "FIN-001"),
        (EXIT, dt.date(2022, 9, 25), 5068, "FIN-003"),
    ],
)
def test_days_that_were_stated_are_reported_with_their_reports(
    series: str, day: dt.date, estimate: int, report: str, published: Published
) -> None:
    frame = Release(published.release).read("daily", "FIN").to_pandas()
    row = frame.loc[(frame["series"] == series) & (frame["date"] == day)].iloc[0]
    assert report in row["report_ids"]
    assert (row["estimate"], row["status"]) == (estimate, "reported")


def test_all_rows_of_the_register_are_accounted_for(published: Published) -> None:
    release = Release(published.release)
    counts = {c["source_id"]: c for c in published.outcome.counts}["register"]
    assert counts["rows_in"] == 1180 == counts["accepted"] + counts["quarantined"] + counts["duplicates"]
    rows = release.read("reports").to_pandas().query("source_id == 'register'")
    assert len(rows) + release.read("quarantine").num_rows + counts["duplicates"] == 1180
    assert rows["report_id"].is_unique
    assert rows["payload_locator"].is_unique


def test_a_relay_lies_in_one_origin_with_its_siblings(published: Published) -> None:
    reports = Release(published.release).read("reports", "KAZ").to_pandas().set_index("report_id")
    relay = reports.loc["KAZ-200"]
    siblings = reports.loc[reports["origin_id"] == relay["origin_id"]]
    assert (relay["value"], relay["lower"], relay["upper"]) == (98000, 97500, 98499)
    assert len(siblings) > 30
    assert (siblings["role"] == "constraint").sum() == 1


def test_reports_are_as_printed_beside_the_decided_encoding(published: Published, root: Path) -> None:
    printed = pd.read_csv(root / "data/register/reports.csv", dtype=str, keep_default_na=False).set_index("report_id")
    stored = Release(published.release).read("reports").to_pandas().set_index("report_id").loc[printed.index]
    for column in ("value_text", "direction", "url", "note", "start_time", "published_on"):
        assert stored[column].fillna("").tolist() == printed[column].tolist()
    for column in ("value", "value_low", "tier"):
        assert [str(int(v)) if pd.notna(v) else "" for v in stored[column]] == printed[column].tolist()
    assert [str(d) for d in stored["recorded_on"]] == printed["recorded_on"].tolist()


def test_every_day_names_reports_that_are_there(published: Published) -> None:
    release = Release(published.release)
    known = set(release.read("reports")["report_id"].to_pylist())
    daily = release.read("daily").to_pandas()
    for column in ("report_ids", "lower_proof", "upper_proof"):
        assert {i for ids in daily[column] for i in ids} <= known
    stated = daily.loc[daily["status"] == "reported"]
    assert (stated["report_ids"].map(len) > 0).all()
    assert daily.loc[daily["status"] == "none", "estimate"].isna().all()


def test_the_raw_bytes_are_archived_under_the_digest_that_the_reports_name(published: Published, root: Path) -> None:
    reports = Release(published.release).read("reports").to_pandas().query("source_id == 'register'")
    (sha,) = reports["payload_sha256"].unique()
    assert digest((root / "data/register/reports.csv").read_bytes()) == sha
    assert any(p.name == sha for p in (published.lake / "raw").rglob("*"))


def test_three_readers_agree_on_types_and_rows_with_one_line_each(published: Published) -> None:
    import duckdb
    import polars as pl
    import pyarrow as pa

    place = published.lake / "current" / "daily"
    by_pandas = pd.read_parquet(place, dtype_backend="pyarrow")
    by_polars = pl.read_parquet(place / "*.parquet")
    by_duckdb = duckdb.sql(f"select * from '{place}/*.parquet'").to_arrow_table()

    wanted = TABLES["daily"].arrow()
    order = list(TABLES["daily"].key)
    tables = [pa.Table.from_pandas(by_pandas, preserve_index=False), by_polars.to_arrow(), by_duckdb]
    plain = []
    for table in tables:
        assert table.column_names == wanted.names
        for field in wanted:
            found = table.schema.field(field.name).type
            small = pa.types.is_list(field.type) or pa.types.is_string(field.type)
            assert found == field.type or (small and "string" in str(found)), (field.name, found)
        plain.append(table.cast(pa.schema([f.with_nullable(True) for f in wanted])).to_pandas()
                     .sort_values(order, ignore_index=True))  # fmt: skip
    assert len(plain[0]) == Release(published.release).manifest["tables"]["daily"]["rows"]
    for other in plain[1:]:
        pd.testing.assert_frame_equal(plain[0], other)


def test_progress_is_told_step_by_step(published: Published) -> None:
    told = "\n".join(published.told)
    assert "register: 1,180 rows in = 1,180 accepted + 0 quarantined + 0 duplicates" in told
    assert "FIN, GEO, KAZ, MNG" in told


# -- two ways to start it, in processes of their own under a socket guard ---------------------------------------------


@dataclass(frozen=True)
class Started:
    lake: Path
    home: Path
    code: int
    out: str
    sockets: list[str]

    @property
    def release(self) -> Path:
        return (self.lake / "current").resolve()


WAYS = ["small", "flow", pytest.param("local", marks=pytest.mark.long)]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, small_lake: Path, root: Path) -> Callable[[str], Started]:
    """`crossings run` in a process of its own, once a way: as a flow, or locally on the small or the real register."""
    small = small_lake.parent / "data"
    ways = {"small": (small, ["--local"]), "local": (root / "data", ["--local"]), "flow": (root / "data", [])}

    @cache
    def start(way: str) -> Started:
        data, options = ways[way]
        folder = tmp_path_factory.mktemp(way)
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith(("CROSSINGS_", "PREFECT_", "PYTHONHASHSEED"))
        }
        environment = inherited | socket_guard.environment(folder) | {
            "CROSSINGS_LAKE": str(folder / "lake"), "CROSSINGS_DATA": str(data), "HOME": str(folder),
            "PREFECT_HOME": str(folder / "prefect"), "PYTHONHASHSEED": str(len(options)),
        }  # fmt: skip
        for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            environment.pop(proxy, None)
        program = [sys.executable, "-c", "from flows.cli import main; main()", "run", *options]
        done = subprocess.run(
            program, cwd=root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=540,
            check=False,
        )  # fmt: skip
        sockets = (folder / "sockets.log").read_text().splitlines()
        return Started(folder / "lake", folder / "prefect", done.returncode, done.stdout, sockets)

    return start


@pytest.mark.parametrize("way", WAYS)
def test_a_run_ends_well_and_says_where_everything_lies(way: str, started: Callable[[str], Started]) -> None:
    run = started(way)
    assert run.code == 0, run.out
    assert f"Published release {run.release.name}" in run.out
    assert str(run.lake / "validation") in run.out
    assert "Traceback" not in run.out


@pytest.mark.parametrize("way", WAYS)
def test_both_ways_give_the_bytes_of_the_pipeline_in_this_process(
    way: str, started: Callable[[str], Started], request: pytest.FixtureRequest
) -> None:
    lake = request.getfixturevalue("small_lake") if way == "small" else request.getfixturevalue("published").lake
    assert bytes_below(started(way).release) == bytes_below((lake / "current").resolve())


@pytest.mark.parametrize(("way", "processes"), [("small", 1), ("flow", 2)])
def test_a_run_opens_no_outside_socket(way: str, processes: int, started: Callable[[str], Started]) -> None:
    sockets = started(way).sockets
    assert len({line.split()[0] for line in sockets if " guarded " in line}) >= processes
    assert [line for line in sockets if " refused " in line] == []
    if way == "flow":
        assert any(" allowed socket.connect " in line for line in sockets)


def test_the_guard_itself_refuses(tmp_path: Path) -> None:
    environment = os.environ | socket_guard.environment(tmp_path)
    program = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert "OutsideSocket" in done.stderr
    assert "refused" in (tmp_path / "sockets.log").read_text()


def test_the_flow_leaves_tasks_and_artifacts_that_a_person_can_follow(started: Callable[[str], Started]) -> None:
    with sqlite3.connect(started("flow").home / "prefect.db") as database:
        tasks = [row[0] for row in database.execute("select name from task_run")]
        states = {row[0] for row in database.execute("select state_type from flow_run")}
        artifacts = dict(database.execute("select key, data from artifact"))
    assert states == {"COMPLETED"}
    assert {"ingest register", "estimate FIN", "estimate GEO", "estimate KAZ", "estimate MNG"} <= set(tasks)
    assert len(tasks) < 40
    assert {"row-accounting", "tables", "findings", "validation-page"} <= set(artifacts)
    assert "1180" in artifacts["row-accounting"]
    assert "validation" in artifacts["validation-page"]


# -- runs in this process, on a small register -------------------------------------------------------------------------


def rows_of(data: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((data / "register" / "reports.csv").read_text())))


def write_rows(data: Path, rows: list[dict[str, str]]) -> None:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    (data / "register" / "reports.csv").write_text(out.getvalue())


def decide(data: Path, line: str) -> None:
    path = data / "register" / "decisions.csv"
    path.write_text(path.read_text() + line + "\n")


@pytest.fixture
def running(lake: Path, small_data: Path, command: Command) -> Command:
    """The command line on a small register of twelve reports."""
    return command


@pytest.fixture
def again(running: Command, lake: Path, small_lake: Path) -> Command:
    """The command line, where that register was published before."""
    shutil.copytree(small_lake, lake, symlinks=True)
    return running


def test_a_second_run_writes_no_byte_into_releases_and_says_so(again: Command, lake: Path) -> None:
    before = untouched(lake)
    times = {p: p.stat().st_mtime_ns for p in (lake / "releases").rglob("*")}
    second = again("run", "--local")
    assert second.code == 0
    assert "Nothing new" in second.out
    assert "No byte was written into releases/" in second.out
    assert untouched(lake) == before
    assert {p: p.stat().st_mtime_ns for p in (lake / "releases").rglob("*")} == times
    assert len(Lake(lake).switches()) == 1
    outcomes = [json.loads(line)["outcome"] for line in (lake / "runs.jsonl").read_text().splitlines()]
    assert outcomes == ["published", "unchanged"]
    assert not json.loads(again("run", "--local", "--json").out)["written"]


def test_a_rebuild_does_all_the_work_again_and_gives_the_same_bytes(again: Command, lake: Path) -> None:
    before = untouched(lake)
    for table in (lake / "staging").rglob("*.parquet"):
        table.write_bytes(b"not a table")
    rebuilt = again("run", "--local", "--rebuild")
    assert rebuilt.code == 0, rebuilt.err
    assert "a rebuild gave the same bytes" in rebuilt.out
    assert untouched(lake) == before


def test_a_rebuild_restores_a_damaged_file_and_a_half_made_stage(again: Command, lake: Path) -> None:
    before = untouched(lake)
    (lake / "current" / "daily" / "FIN.parquet").resolve().unlink()
    for summary in (lake / "staging").rglob("summary.json"):
        summary.unlink()
    assert json.loads(again("status", "--json").out)["damaged"] == ["daily/FIN.parquet"]
    assert again("run", "--local", "--rebuild").code == 0
    assert untouched(lake) == before
    assert json.loads(again("status", "--json").out)["damaged"] == []


def test_a_changed_register_gives_a_new_release_and_keeps_the_old_one(
    again: Command, lake: Path, small_data: Path
) -> None:
    old = (lake / "current").readlink()
    rows = rows_of(small_data)
    write_rows(small_data, [*rows, rows[0] | {"report_id": "FIN-900", "note": "one more relay"}])
    assert again("run", "--local").code == 0
    assert (lake / "current").readlink() != old
    assert len(list((lake / "releases").iterdir())) == 2
    assert Release(lake / "current").read("reports").num_rows == 13


def test_the_order_of_the_register_changes_no_estimate(again: Command, lake: Path, small_data: Path) -> None:
    before = Release((lake / "current").resolve()).read("daily").to_pandas()
    write_rows(small_data, rows_of(small_data)[::-1])
    assert again("run", "--local").code == 0
    pd.testing.assert_frame_equal(Release(lake / "current").read("daily").to_pandas(), before)


def test_a_register_that_shrank_is_stopped_and_current_stays(again: Command, lake: Path, small_data: Path) -> None:
    before = untouched(lake)
    write_rows(small_data, rows_of(small_data)[:-1])
    stopped = again("run", "--local")
    assert stopped.code == 1
    assert "V62: reports that were there before are gone (1 rows)" in stopped.err
    assert "`current` is as it was" in stopped.err
    assert "Traceback" not in stopped.err
    assert untouched(lake) == before
    assert "release stopped" in (lake / "validation" / "latest.html").read_text()
    assert json.loads((lake / "runs.jsonl").read_text().splitlines()[-1])["outcome"] == "failed"
    shown = again("show", "FIN", "--from", "2022-09-25", "--to", "2022-09-25")
    assert "8,314" in shown.out


def test_a_run_while_another_is_writing_is_told_to_wait(running: Command, lake: Path) -> None:
    with Lake(lake).writing():
        second = running("run", "--local")
    assert second.code == 1
    assert "another run is writing" in second.err
    assert len(second.err.strip().splitlines()) == 1
    assert not (lake / "releases").exists()


def test_a_lake_below_a_file_is_said_before_any_work(
    running: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CROSSINGS_LAKE", str(tmp_path / "file" / "lake"))
    for options in (["--local"], []):
        failed = running("run", *options)
        assert failed.code == 1
        assert "cannot be written" in failed.err
        assert "CROSSINGS_LAKE" in failed.err
        assert len(failed.err.strip().splitlines()) == 1


def _spoil(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def apply(data: Path) -> None:
        path = data / "register" / "reports.csv"
        path.write_bytes(change(path.read_bytes()))

    return apply


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a missing register": (lambda d: (d / "register" / "reports.csv").unlink(), "reports.csv is missing"),
    "missing decisions": (lambda d: (d / "register" / "decisions.csv").unlink(), "decisions.csv is missing"),
    "a missing reference": (lambda d: (d / "reference" / "series.csv").unlink(), "series.csv is missing"),
    "an empty register": (_spoil(lambda _: b""), "is empty"),
    "a register torn inside a quote": (_spoil(lambda b: b[: b.rindex(b'"') - 3]), "quote is never closed"),
    "UTF-16": (_spoil(lambda b: b.decode().encode("utf-16")), "is UTF-16"),
    "Latin-1": (_spoil(lambda b: b + "päivä".encode("latin-1")), "not UTF-8"),
    "a web page": (_spoil(lambda _: b"<html>Service unavailable</html>"), "web page"),
    "an unknown column": (_spoil(lambda b: b.replace(b"report_id", b"report", 1)), "unknown columns: 'report'"),
    "a decision for a report that is not there": (
        lambda d: decide(d, "D-1,FIN-999,exclude,,,,gone,"), "decision D-1 concerns report FIN-999, which is not there"),
    "a decision whose guard does not hold": (
        lambda d: decide(d, "D-1,FIN-001,recode,value,8313,8314,typo,"), "decision D-1 expects value of FIN-001"),
    "a decision with an unreadable value": (
        lambda d: decide(d, "D-1,FIN-001,recode,value,8314,many,typo,"), "decision D-1 gives value of FIN-001"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_input_is_one_line_and_the_lake_stays_as_it_was(
    name: str, running: Command, lake: Path, small_data: Path
) -> None:
    spoil, says = UNUSABLE[name]
    spoil(small_data)
    failed = running("run", "--local")
    assert failed.code == 1
    (line,) = failed.err.strip().splitlines()
    assert says in line
    assert " — " in line, "what to do"
    assert "Traceback" not in failed.out + failed.err
    assert untouched(lake) == ({}, None)
    assert not list((lake / "staging").glob("*/*")) if (lake / "staging").exists() else True


def test_an_unusable_register_after_a_good_one_leaves_the_good_release(
    again: Command, lake: Path, small_data: Path
) -> None:
    before = untouched(lake)
    for name in ("a missing register", "UTF-16", "a decision for a report that is not there"):
        good = {p: p.read_bytes() for p in (small_data / "register").iterdir()}
        UNUSABLE[name][0](small_data)
        assert again("run", "--local").code == 1
        assert untouched(lake) == before
        for path, content in good.items():
            path.write_bytes(content)
    assert "Nothing new" in again("run", "--local").out


def test_bad_rows_are_quarantined_with_rule_and_record_and_none_is_lost(
    running: Command, lake: Path, small_data: Path
) -> None:
    rows = rows_of(small_data)
    bad = {
        "V01": {"value": "many", "value_text": ""},
        "V02": {"direction": "inward"},
        "V04": {"period_end": "2022-02-30"},
        "V07": {"value": "-5", "value_text": ""},
        "V14": {"timezone": "Mars/Base"},
    }
    added = [rows[0] | {"report_id": f"FIN-90{i}", "supersedes": ""} | change for i, change in enumerate(bad.values())]
    other_content, exact_copy = rows[0] | {"value": "8315", "value_text": "8315"}, rows[1]
    write_rows(small_data, [*rows, *added, other_content, exact_copy])
    with (small_data / "register" / "reports.csv").open("a") as out:
        out.write("FIN-999,torn,FIN\n")
    done = running("run", "--local", "--json")
    assert done.code == 0, done.err
    counts = {c["source_id"]: c for c in json.loads(done.out)["counts"]}["register"]
    assert counts["rows_in"] == 12 + 5 + 2 + 1
    assert (counts["accepted"], counts["quarantined"], counts["duplicates"]) == (12, 7, 1)
    quarantine = Release(lake / "current").read("quarantine").to_pandas()
    by_record = {r["rule"]: r["record"] for r in quarantine.to_dict("records") if "torn" not in r["record"]}
    assert set(by_record) == {*bad, "V21"}
    assert '"value": "many"' in by_record["V01"]
    assert '"value": "8315"' in by_record["V21"]
    assert "FIN-999,torn,FIN" in "".join(quarantine["record"])
    page = (lake / "validation" / "latest.html").read_text()
    for shown in ("V04", "not a calendar date", "FIN-902", '<td class="n">20</td>'):
        assert shown in page


def test_a_register_with_a_header_only_is_a_release_without_reports(
    running: Command, lake: Path, small_data: Path
) -> None:
    path = small_data / "register" / "reports.csv"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    assert running("run", "--local").code == 0
    assert Release(lake / "current").read("reports").num_rows == 0


def test_steps_exchange_names_and_never_frames(lake: Path, small_data: Path) -> None:
    handed: list[object] = []

    def each(step: Callable[..., str], workspace: Workspace, items: list[tuple[object, ...]]) -> list[str]:
        results = pipeline.in_process(step, workspace, items)
        handed.extend([*items, *results])
        return results

    pipeline.run(Workspace.open(Settings(lake=lake, data=small_data)), each, lambda _: None)
    flat = json.dumps(handed)
    assert len(flat) < 5000


def test_a_quarantined_row_defines_no_series(running: Command, lake: Path, small_data: Path) -> None:
    rows = rows_of(small_data)
    odd = rows[0] | {"report_id": "FIN-000", "scope": "checkpoint:nowhere", "timezone": "Mars/Base"}
    write_rows(small_data, [*rows[:3], odd, odd | {"report_id": "FIN-901", "timezone": "Europe/Helsinki"}])
    assert running("run", "--local").code == 0
    series = Release(lake / "current").read("series").to_pandas().set_index("series")
    name = next(n for n in series.index if "checkpoint:nowhere" in n)
    assert series.at[name, "timezone"] == "Europe/Helsinki"
