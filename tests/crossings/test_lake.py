"""The lake: a reader sees whole releases only, whatever happens to the writer."""

from __future__ import annotations

import datetime as dt
import random
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from crossings import lake as lakes
from crossings.errors import CrossingsError, ReleaseStopped, StorageFault
from crossings.lake import Lake
from crossings.schema.tables import RELEASED, TABLES

NOW = dt.datetime(2022, 9, 28, 6, tzinfo=dt.UTC)
COUNTRIES = ("FIN", "GEO", "KAZ")


def tables(estimate: int, days: int = 30) -> dict[str, pa.Table]:
    """A release in which every day of every country has the same estimate."""
    rows = [
        {"date": dt.date(2022, 9, 1) + dt.timedelta(days=i), "country": c, "series": f"{c}/s", "direction": "entry",
         "citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control",
         "estimate": estimate, "lower": estimate, "upper": estimate, "status": "reported", "reliability": 1,
         "obs_status": "A", "report_ids": ["A-1"], "lower_proof": ["A-1"], "upper_proof": ["A-1"],
        "lower_terms": [], "upper_terms": [], "lower_aside": [], "upper_aside": [],
        "n_origins": 1}
        for c in COUNTRIES for i in range(days)
    ]  # fmt: skip
    empty = {name: TABLES[name].arrow().empty_table() for name in RELEASED}
    return empty | {"daily": TABLES["daily"].conform(pd.DataFrame(rows))}


def publish(lake: Lake, estimate: int, when: dt.datetime = NOW) -> lakes.Published:
    return lake.publish(tables(estimate), {"estimate": str(estimate)}, when)


def tree(folder: Path) -> dict[str, tuple[str, int]]:
    return {str(p.relative_to(folder)): (lakes.digest(p.read_bytes()), p.stat().st_mtime_ns)
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.make()
    return lake


def test_before_the_first_release_there_is_nothing_to_read(place: Lake) -> None:
    assert place.current() is None
    assert place.switches() == []
    with pytest.raises(CrossingsError, match=r"no release.*crossings run"):
        place.release()


def test_a_release_has_one_file_per_country_and_a_manifest_that_fits(place: Lake) -> None:
    done = publish(place, 7)
    assert done.written
    names = {str(p.relative_to(done.release.path)) for p in done.release.path.rglob("*") if p.is_file()}
    assert {f"daily/{c}.parquet" for c in COUNTRIES} <= names
    manifest = done.release.manifest
    assert manifest["release_id"] == done.release.path.name == lakes.release_id({"estimate": "7"})
    assert {f["path"] for t in manifest["tables"].values() for f in t["files"]} | {"manifest.json"} == names
    assert manifest["tables"]["daily"]["rows"] == 90
    assert done.release.verify() == []
    assert done.release.countries() == sorted(COUNTRIES)
    current = place.current()
    assert current is not None
    assert current.path == done.release.path.resolve()


def test_rows_and_types_come_back_as_they_were_written(place: Lake) -> None:
    release = publish(place, 7).release
    assert release.read("daily").schema == TABLES["daily"].arrow()
    assert release.read("daily", "GEO").num_rows == 30
    assert release.read("daily", "NOW").num_rows == 0
    assert release.read("daily", "FIN", columns=["estimate"]).column_names == ["estimate"]
    assert release.read("findings").schema == TABLES["findings"].arrow()


def test_dates_and_countries_are_columns_inside_the_files(place: Lake) -> None:
    import pyarrow.parquet as pq

    schema = pq.read_schema(publish(place, 7).release.path / "daily" / "FIN.parquet")
    assert schema.field("date").type == pa.date32()
    assert schema.field("country").type == pa.string()


def test_released_files_are_read_only(place: Lake) -> None:
    for file in publish(place, 7).release.path.rglob("*"):
        assert not file.is_file() or stat.S_IMODE(file.stat().st_mode) == 0o444


def test_the_same_inputs_write_no_byte(place: Lake) -> None:
    publish(place, 7)
    before = tree(place.root)
    again = publish(place, 7, NOW + dt.timedelta(hours=1))
    assert not again.written
    assert tree(place.root) == before


def test_other_bytes_from_the_same_inputs_stop_and_change_nothing(place: Lake) -> None:
    publish(place, 7)
    before = tree(place.root)
    with pytest.raises(ReleaseStopped, match="same inputs gave other bytes"):
        place.publish(tables(8), {"estimate": "7"}, NOW)
    assert tree(place.root) == before


def test_settings_are_told_in_the_manifest_and_do_not_change_the_release_id(tmp_path: Path) -> None:
    made = Lake(tmp_path / "lake").publish(tables(7), {"estimate": "7"}, NOW, {"rounding": 0.5}).release
    assert made.manifest["settings"] == {"rounding": 0.5}
    assert made.id == lakes.release_id({"estimate": "7"})


def test_the_bytes_do_not_depend_on_when_they_are_written(tmp_path: Path) -> None:
    one, other = Lake(tmp_path / "one"), Lake(tmp_path / "other")
    for lake, when in ((one, NOW), (other, NOW + dt.timedelta(days=400))):
        lake.make()
        publish(lake, 7, when)
    digests = [{k: v[0] for k, v in tree(lake.releases).items()} for lake in (one, other)]
    assert digests[0] == digests[1]


def test_the_order_of_the_inputs_does_not_change_the_release() -> None:
    assert lakes.release_id({"a": "1", "b": "2"}) == lakes.release_id({"b": "2", "a": "1"})
    assert lakes.release_id({"a": "1", "b": "2"}) != lakes.release_id({"a": "2", "b": "1"})


def test_a_damaged_file_is_named_and_restored_by_a_rebuild(place: Lake) -> None:
    release = publish(place, 7).release
    broken, lost = release.path / "daily" / "GEO.parquet", release.path / "daily" / "KAZ.parquet"
    whole = broken.read_bytes()
    broken.chmod(0o644)
    broken.write_bytes(whole[:100])
    lost.unlink()
    assert release.verify() == ["daily/GEO.parquet", "daily/KAZ.parquet"]
    assert publish(place, 7).written
    assert release.verify() == []
    assert broken.read_bytes() == whole
    assert stat.S_IMODE(broken.stat().st_mode) == 0o444


def test_a_release_without_its_manifest_is_no_release_and_is_built_again(place: Lake) -> None:
    release = publish(place, 7).release
    (release.path / "manifest.json").unlink()
    assert place.current() is None
    assert publish(place, 7).written
    assert release.verify() == []


def test_what_a_killed_run_left_is_cleared_away(place: Lake) -> None:
    left = place.releases / ".building-rdead"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    publish(place, 7)
    assert [p.name for p in place.releases.iterdir()] == [lakes.release_id({"estimate": "7"})]


def test_history_tells_which_release_was_shown_when(place: Lake) -> None:
    ids = [publish(place, n, NOW + dt.timedelta(days=i)).release.path.name for i, n in enumerate((1, 2, 1))]
    assert [s["release_id"] for s in place.switches()] == ids
    assert place.shown_at(NOW).path.name == ids[0]
    assert place.shown_at(NOW + dt.timedelta(days=1, hours=3)).path.name == ids[1]
    assert place.shown_at(NOW + dt.timedelta(days=9)).path.name == ids[2]
    with pytest.raises(CrossingsError, match="no release was current"):
        place.shown_at(NOW - dt.timedelta(seconds=1))


def test_a_switch_that_was_torn_is_no_switch_and_takes_no_other_with_it(place: Lake) -> None:
    ids = [publish(place, n, NOW + dt.timedelta(days=n)).release.path.name for n in (1, 2)]
    whole = place.history.path.read_bytes().splitlines(keepends=True)
    place.history.path.write_bytes(whole[0] + whole[1][:-30])
    assert [s["release_id"] for s in Lake(place.root).switches()] == ids[:1]
    third = publish(place, 3, NOW + dt.timedelta(days=3)).release.path.name
    assert [s["release_id"] for s in Lake(place.root).switches()] == [ids[0], third]


def test_a_file_of_a_release_that_is_damaged_is_a_fault_with_a_remedy(place: Lake) -> None:
    release = publish(place, 7).release
    for spoilt, gone in (("FIN", False), ("GEO", True)):
        file = release.path / "daily" / f"{spoilt}.parquet"
        file.chmod(0o644)
        file.unlink() if gone else file.write_bytes(b"PAR1 and nothing else")
        with pytest.raises(StorageFault, match=rf"{spoilt}\.parquet cannot be read.*--rebuild"):
            release.read("daily", spoilt)


def test_a_release_that_is_not_there_is_an_error_that_lists_those_that_are(place: Lake) -> None:
    known = publish(place, 7).release.path.name
    with pytest.raises(CrossingsError, match=known):
        place.release("rnothing")


def test_a_lake_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CrossingsError, match=r"cannot be written.*CROSSINGS_LAKE") as caught:
        Lake(tmp_path / "file" / "lake").make()
    assert "\n" not in str(caught.value)


def test_a_second_writer_is_told_that_another_run_is_writing(place: Lake) -> None:
    with place.writing(), pytest.raises(CrossingsError, match="another run is writing"), place.writing():
        pytest.fail("two writers")
    with place.writing():
        pass


def test_a_reader_during_publishing_sees_whole_releases_only(place: Lake) -> None:
    publish(place, 0)
    done = threading.Event()
    seen: set[int] = set()
    wrong: list[object] = []

    def read() -> None:
        while not done.is_set():
            release = place.current()
            if release is None:
                wrong.append("no release")
                continue
            estimates = set(release.read("daily")["estimate"].to_pylist())
            if len(estimates) != 1 or release.read("daily").num_rows != 90 or release.verify():
                wrong.append((release.path, estimates))
            seen.update(estimates)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    last = 0
    while last < 20 or (len(seen) < 3 and last < 400):
        last += 1
        publish(place, last)
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert len(seen) >= 3


def test_a_reader_holds_its_release_while_newer_ones_come(place: Lake) -> None:
    publish(place, 1)
    held = place.current()
    assert held is not None
    publish(place, 2)
    assert set(held.read("daily")["estimate"].to_pylist()) == {1}
    assert place.release().path.name != held.path.name


PUBLISH_FOR_EVER = textwrap.dedent("""
    import sys
    sys.path.insert(0, sys.argv[2])
    from pathlib import Path
    from test_lake import Lake, publish
    lake = Lake(Path(sys.argv[1]))
    first = int(sys.argv[3])
    for n in range(first, first + 100000):
        print(n, flush=True)
        publish(lake, n)
""")


def test_a_writer_that_is_killed_leaves_a_readable_current(place: Lake) -> None:
    publish(place, 0)
    chance = random.Random(4)
    for trial in range(1, 4):
        arguments = [str(place.root), str(Path(__file__).parent), str(trial * 1000)]
        with subprocess.Popen([sys.executable, "-c", PUBLISH_FOR_EVER, *arguments], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(chance.randint(1, 6)):
                assert writer.stdout.readline()
            spin = sum(range(chance.randint(0, 2_000_000)))  # somewhere in the midst of the next release
            assert spin >= 0
            writer.send_signal(signal.SIGKILL)
        release = place.current()
        assert release is not None
        assert release.verify() == []
        assert len(set(release.read("daily")["estimate"].to_pylist())) == 1
        assert place.switches()
    assert publish(place, 1).release.verify() == []
    assert [p for p in place.releases.iterdir() if p.name.startswith(".")] == []


def test_a_country_too_large_for_one_file_is_split_by_year(place: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lakes, "SPLIT_BYTES", 1000)
    release = place.publish(tables(7, days=200), {"days": "200"}, NOW).release
    assert sorted(p.name for p in (release.path / "daily").iterdir())[:2] == ["FIN-2022.parquet", "FIN-2023.parquet"]
    assert release.read("daily", "FIN").num_rows == 200
    assert release.countries() == sorted(COUNTRIES)
