"""The raw archive: nothing is lost, nothing is rewritten, and a kill at any byte costs at most the look under way."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import publisher as pub
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publisher import Publisher

from crossings.errors import CrossingsError, FetchFailed, StorageFault
from flows.archive.archive import Archive, Look
from flows.archive.log import look_of
from flows.archive.request import Validators
from flows.collect.fetch import Fetcher, FetchPolicy, Request

MORNING = datetime(2022, 9, 28, 6, 0, tzinfo=UTC)


class Days:
    """A clock that goes on by a day at each look."""

    def __init__(self) -> None:
        self.day = -1

    def __call__(self) -> datetime:
        self.day += 1
        return MORNING + timedelta(days=self.day)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


@pytest.fixture
def archive(lake: Path) -> Archive:
    return Archive(lake, Days())


@pytest.fixture
def fetcher(office: Publisher, tmp_path: Path) -> Iterator[Fetcher]:
    policy = FetchPolicy(hosts=frozenset({office.host()}), per_second=1e6, allow_private=True, attempts=1)
    with Fetcher(policy, spool=tmp_path) as entered:
        yield entered


def log_of(archive: Archive) -> Path:
    return archive.raw / "fetch-log.jsonl"


def files(archive: Archive) -> dict[str, bytes]:
    return {str(path.relative_to(archive.raw)): path.read_bytes() for path in archive.raw.rglob("*") if path.is_file()}


# -- payloads ---------------------------------------------------------------------------------------------------------


def test_a_payload_lies_under_its_digest_for_ever_and_read_only(archive):
    look = archive.add_local("register", b"report_id\n", "reports.csv")
    digest = sha256(b"report_id\n").hexdigest()
    path = archive.raw / "sha256" / digest[:2] / digest
    assert look.sha256 == digest
    assert path.read_bytes() == archive.read(digest) == b"report_id\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_the_same_bytes_are_logged_again_but_never_written_again(archive):
    first = archive.add_local("register", b"a", "reports.csv")
    before = archive.path(first.sha256).stat()
    again = archive.add_local("register", b"a", "reports.csv")
    after = archive.path(first.sha256).stat()
    assert (first.outcome, again.outcome) == ("new", "unchanged")
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_run_over_an_unchanged_file_can_leave_no_trace(archive, tmp_path):
    path = tmp_path / "reports.csv"
    path.write_bytes(b"a\nb\n")
    first = archive.add_local("register", path, "reports.csv", MORNING)
    before = files(archive)
    assert archive.add_local("register", path, "reports.csv", log_unchanged=False) == first
    assert files(archive) == before
    path.write_bytes(b"a\nb\nc\n")
    assert archive.add_local("register", path, "reports.csv", log_unchanged=False).outcome == "new"


def test_one_payload_of_two_sources_is_one_file_with_two_arrivals(archive):
    archive.add_local("one", b"same", "x")
    archive.add_local("two", b"same", "x")
    assert len(list(archive.raw.glob("sha256/*/*"))) == 1
    assert [look.looked_at for look in archive.looks("one")] == [MORNING]
    assert [look.looked_at for look in archive.looks("two")] == [MORNING + timedelta(days=1)]


def test_a_publisher_that_goes_back_to_earlier_bytes_is_new_each_time_and_stored_once(archive):
    for content in (b"old", b"new", b"old", b"new", b"newest"):
        archive.add_local("src", content, "table")
    assert [archive.read(look.sha256) for look in archive.looks("src")] == [b"old", b"new", b"old", b"new", b"newest"]
    assert [look.outcome for look in archive.looks("src")] == ["new"] * 5
    assert len(list(archive.raw.glob("sha256/*/*"))) == 3


def test_corrupted_bytes_are_named_and_never_overwritten(archive):
    look = archive.add_local("src", b"right", "table")
    path = archive.path(look.sha256)
    path.chmod(0o644)
    path.write_bytes(b"wrong")
    assert archive.damaged() == [path]
    for attempt in (lambda: archive.read(look.sha256), lambda: archive.add_local("src", b"right", "table")):
        with pytest.raises(StorageFault) as told:
            attempt()
        assert str(path) in told.value.message
        assert "copy" in told.value.remedy
    assert path.read_bytes() == b"wrong"
    assert len(archive.looks()) == 1


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "ab" * 31, "ab" * 32 + "\n", "00" * 32])
def test_what_is_not_the_digest_of_a_payload_reads_nothing(archive, name):
    with pytest.raises(StorageFault):
        archive.read(name)


def test_a_file_that_is_not_there_is_a_fault_with_a_remedy(archive, tmp_path):
    with pytest.raises(StorageFault, match=r"missing\.csv cannot be read"):
        archive.add_local("register", tmp_path / "missing.csv", "missing.csv")
    assert archive.looks() == []


def test_an_archive_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "raw").write_bytes(b"a file where the directory should be")
    with pytest.raises(CrossingsError, match="cannot be opened"):
        Archive(tmp_path, Days()).add_local("src", b"a", "table")


def test_an_instant_without_a_time_zone_is_never_logged(archive):
    with pytest.raises(ValueError, match="time zone"):
        archive.add_local("src", b"a", "table", datetime(2022, 9, 28))  # noqa: DTZ001
    assert archive.looks() == []


# -- looking ----------------------------------------------------------------------------------------------------------


def test_a_source_is_looked_at_new_then_not_modified_then_changed(archive, office, fetcher):
    request = Request("GET", office.url("/table"))
    office.script("/table", pub.ok(b"[1]", etag='"v1"'))
    new = archive.look("src", request, fetcher)
    same = archive.look("src", request, fetcher)
    office.script("/table", pub.ok(b"[1,2]", etag='"v2"'))
    changed = archive.look("src", request, fetcher)
    assert [look.outcome for look in archive.looks("src")] == ["new", "not_modified", "new"]
    assert (same.sha256, same.size, same.media_type) == (new.sha256, 3, "application/json")
    assert archive.read(changed.sha256) == b"[1,2]"
    assert [asked.headers.get("if-none-match") for asked in office.asked] == [None, '"v1"', '"v1"']


def test_a_publisher_without_validators_is_unchanged_by_its_bytes(archive, office, fetcher):
    office.script("/table", pub.ok(b"[1]"))
    request = Request("POST", office.url("/table"), {}, b'{"query":[]}')
    looks = [archive.look("src", request, fetcher) for _ in range(3)]
    assert [look.outcome for look in looks] == ["new", "unchanged", "unchanged"]
    assert {look.request_body for look in looks} == {'{"query":[]}'}
    assert len({look.sha256 for look in looks}) == 1


def test_a_failed_look_is_logged_and_changes_nothing_else(archive, office, fetcher):
    request = Request("GET", office.url("/table"))
    office.script("/table", pub.ok(b"[1]", etag='"v1"'), pub.status(404), pub.ok(b"[1]", etag='"v1"'))
    first = archive.look("src", request, fetcher)
    with pytest.raises(FetchFailed):
        archive.look("src", request, fetcher)
    failed = archive.looks()[-1]
    assert (failed.outcome, failed.sha256, failed.http_status) == ("failed", None, 404)
    assert "answered 404" in failed.error
    assert archive.latest("src", request.key) == first
    assert archive.look("src", request, fetcher).outcome == "not_modified"


def test_validators_are_not_sent_for_bytes_that_are_no_longer_whole(archive, office, fetcher):
    request = Request("GET", office.url("/table"))
    office.script("/table", pub.ok(b"[1]", etag='"v1"'))
    look = archive.look("src", request, fetcher)
    assert archive.validators("src", request.key) == Validators('"v1"', None, look.sha256)
    archive.path(look.sha256).unlink()
    assert archive.validators("src", request.key) == Validators()
    archive.look("src", request, fetcher)
    assert archive.read(look.sha256) == b"[1]"


def test_not_modified_speaks_of_the_bytes_that_were_asked_about(archive, lake, office, fetcher):
    request = Request("GET", office.url("/table"))
    office.script("/table", pub.ok(b"[1]", etag='"v1"'))
    first = archive.look("src", request, fetcher)
    asked = fetcher.fetch(request, archive.validators("src", request.key))
    office.script("/table", pub.ok(b"[1,2]", etag='"v2"'))
    Archive(lake, Days()).look("src", request, fetcher)  # meanwhile, another process
    assert archive.record("src", request, asked).sha256 == first.sha256


def test_questions_of_one_source_do_not_mix(archive, office, fetcher):
    office.script("/a", pub.ok(b"[1]", etag='"a"'))
    office.script("/b", pub.ok(b"[2]", etag='"b"'))
    for path in ("/a", "/b", "/a"):
        archive.look("src", Request("GET", office.url(path)), fetcher)
    assert [look.outcome for look in archive.looks()] == ["new", "new", "not_modified"]
    assert archive.looks("other") == []
    assert archive.latest("src", "GET nothing") is None


def test_spooled_bytes_are_given_back_once_archived(archive, office, fetcher, tmp_path):
    office.script("/table", pub.ok(b"[1]"))
    archive.look("src", Request("GET", office.url("/table")), fetcher)
    assert [path for path in tmp_path.glob("crossings-*/*") if path.is_file()] == []


# -- the log ----------------------------------------------------------------------------------------------------------

texts = st.text(max_size=40)
optional = st.none() | texts
looks = st.builds(
    Look,
    source_id=texts,
    request_key=texts,
    request_body=optional,
    looked_at=st.datetimes(timezones=st.just(UTC)),
    outcome=st.sampled_from(["new", "unchanged", "not_modified", "failed"]),
    sha256=optional,
    size=st.none() | st.integers(0, 2**60),
    etag=optional,
    media_type=optional,
    error=optional,
)


@given(looks)
def test_any_look_comes_back_as_it_was_written(look):
    assert look_of(look.line()) == look


def three_looks(root: Path) -> tuple[bytes, list[Look]]:
    archive = Archive(root, Days())
    for content in (b"a", b"b", b"c"):
        archive.add_local("src", content, "table")
    return log_of(archive).read_bytes(), archive.looks()


def test_a_log_cut_at_any_byte_keeps_every_whole_line_and_heals(lake, tmp_path):
    whole, expected = three_looks(lake)
    cut = Archive(tmp_path / "cut", Days())
    cut.add_local("src", b"a", "table")
    path = log_of(cut)
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        # A line that lacks nothing but its end is whole: its checksum says so.
        kept = whole[:length].count(b"\n") + (length in line_ends(whole))
        torn = length > 0 and length not in line_ends(whole) and whole[length - 1 : length] != b"\n"
        reader = Archive(tmp_path / "cut", Days())
        assert reader.looks() == expected[:kept], length
        assert [fault.kind for fault in reader.log.faults()] == ["torn"] * torn, length
        if length < sorted(line_ends(whole))[1]:
            continue  # the writer's side at every byte of one line, both its ends included
        appended = reader.add_local("src", b"d", "other")
        again = Archive(tmp_path / "cut", Days())
        assert again.looks() == reader.looks() == [*expected[:kept], appended], length
        assert len(again.log.faults()) == len(reader.log.faults()) == int(torn), length
        assert path.read_bytes().startswith(whole[:length])


def line_ends(whole: bytes) -> set[int]:
    return {at for at, byte in enumerate(whole) if byte == 0x0A}


def test_a_changed_byte_anywhere_is_noticed_and_costs_one_line(lake):
    whole, expected = three_looks(lake)
    path = log_of(Archive(lake, Days()))
    first, second = sorted(line_ends(whole))[:2]
    for at in range(first + 1, second):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        reader = Archive(lake, Days())
        assert reader.looks() == [expected[0], expected[2]], at
        assert len(reader.log.faults()) == 1, at


def test_zeros_after_a_crash_of_the_machine_are_skipped(lake):
    whole, expected = three_looks(lake)
    path = log_of(Archive(lake, Days()))
    path.write_bytes(whole + bytes(512))
    reader = Archive(lake, Days())
    assert reader.looks() == expected
    reader.add_local("src", b"d", "table")
    assert [look.outcome for look in Archive(lake, Days()).looks()] == ["new"] * 4


def test_a_torn_line_is_reported_once_in_the_program_log(lake, caplog):
    whole, _ = three_looks(lake)
    path = log_of(Archive(lake, Days()))
    path.write_bytes(whole + b'{"source_id":"s')
    reader = Archive(lake, Days())
    reader.add_local("src", b"d", "table")
    reader.looks()
    reader.looks()
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: the torn line at byte {len(whole)} is left out"
    ]


def test_a_reader_sees_what_others_append(lake):
    reader, writer = Archive(lake, Days()), Archive(lake, Days())
    assert reader.looks() == []
    for count in range(1, 4):
        writer.add_local("src", b"a", "table")
        assert len(reader.looks()) == count


def test_a_reader_waits_for_a_line_that_is_being_written(lake):
    whole, expected = three_looks(lake)
    path = log_of(Archive(lake, Days()))
    end = sorted(line_ends(whole))[1] + 1
    path.write_bytes(whole[:end])
    with ThreadPoolExecutor(1) as threads, path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(whole[end:-20])
        reader = Archive(lake, Days())
        seen = threads.submit(lambda: (reader.looks(), reader.log.faults()))
        wait([seen], timeout=0.3)  # a reader that does not wait is done by now
        file.write(whole[-20:])
        fcntl.flock(file, fcntl.LOCK_UN)
        assert seen.result(timeout=300) == (expected, [])


def test_names_that_a_later_version_adds_are_skipped(archive):
    look = archive.add_local("src", b"a", "table")
    archive.log.append(look.line() | {"colour": "red"})
    assert archive.looks() == [look, look]


def test_threads_of_one_process_append_whole_lines(lake):
    archive = Archive(lake, lambda: MORNING)
    start = threading.Barrier(4)

    def write(number: int) -> None:
        start.wait(timeout=300)
        for turn in range(25):
            archive.add_local(f"src{number}", f"{number} {turn}".encode(), "table")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert_whole(Archive(lake, Days()), 100)


def assert_whole(archive: Archive, count: int) -> None:
    assert len(archive.looks()) == count
    assert archive.log.faults() == []
    assert archive.damaged() == []


# -- other processes --------------------------------------------------------------------------------------------------

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from flows.archive.archive import Archive

archive = Archive(Path(sys.argv[1]), lambda: datetime(2022, 9, 28, tzinfo=UTC))
for turn in range(int(sys.argv[3])):
    content = f"{sys.argv[2]} {turn} ".encode() * (1 + turn % 7 * 3000)
    look = archive.add_local(sys.argv[2], content, f"table {turn % 3}")
    print(turn, look.sha256, flush=True)
"""


def writer(root: Path, name: str, turns: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(root), name, str(turns)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_append_at_the_same_time(lake):
    writers = [writer(lake, name, 80) for name in ("one", "two")]
    said = {name: process.communicate(timeout=300)[0] for name, process in zip(("one", "two"), writers, strict=True)}
    archive = Archive(lake, Days())
    assert_whole(archive, 160)
    for name, lines in said.items():
        assert [look.sha256 for look in archive.looks(name)] == [line.split()[1] for line in lines.splitlines()]


def test_a_killed_writer_loses_nothing_that_it_acknowledged(lake):
    chance = random.Random(20220921)
    acknowledged: list[tuple[str, str]] = []
    for round_number in range(12):
        name = f"round {round_number}"
        process = writer(lake, name, 10**9)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(chance.randrange(1, 25))]
        # Between two acknowledgements lies a random stretch of the next store and append.
        for _ in range(chance.randrange(20_000)):
            os.getpid()
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines(keepends=True)
        process.wait(timeout=300)
        process.stdout.close()
        acknowledged += [(name, line.split()[1]) for line in lines if line.endswith("\n")]
        archive = Archive(lake, Days())
        logged = [(look.source_id, look.sha256) for look in archive.looks()]
        assert logged[-1:] == acknowledged[-1:] or logged[-2:-1] == acknowledged[-1:]
        assert [pair for pair in logged if pair in set(acknowledged)] == acknowledged
        assert archive.damaged() == []
        assert archive.log.faults() == []
    assert archive.add_local("after", b"all of it", "table").outcome == "new"


FULL_DISK = """
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from crossings.errors import StorageFault
from flows.archive.archive import Archive

archive = Archive(Path(sys.argv[1]), lambda: datetime(2022, 9, 28, tzinfo=UTC))
archive.add_local("src", b"z", "table")
size = archive.raw.joinpath("fetch-log.jsonl").stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    archive.add_local("src", b"y", "table")
except StorageFault as fault:
    print(fault)
"""


@pytest.mark.parametrize("room", [0, 1, 40, 150])
def test_a_disk_that_is_full_in_the_middle_of_a_line_tears_only_that_line(lake, room):
    _, expected = three_looks(lake)
    ended = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(lake), str(room)], capture_output=True, text=True, timeout=300, check=True
    )
    assert "fetch-log.jsonl" in ended.stdout
    assert "free space" in ended.stdout
    archive = Archive(lake, Days())
    assert archive.looks()[:3] == expected
    assert len(archive.looks()) == 4
    assert [fault.length for fault in archive.log.faults()] == ([room] if room else [])
    assert archive.add_local("src", b"y", "table").outcome == "new"
    assert len(archive.looks()) == 5
    assert archive.damaged() == []


def test_what_a_writer_left_half_stored_is_replaced_by_the_next(archive):
    archive.add_local("src", b"a", "table")
    leftover = archive.raw / "incoming.part"
    leftover.write_bytes(b"half of someth")
    leftover.chmod(0o444)
    assert archive.read(archive.add_local("src", b"b", "table").sha256) == b"b"
    assert not leftover.exists()
    assert archive.damaged() == []


def test_a_payload_stored_without_its_line_is_new_at_the_next_look(archive, lake):
    look = archive.add_local("src", b"a", "table")
    log_of(archive).write_bytes(b"")
    again = Archive(lake, Days()).add_local("src", b"a", "table")
    assert replace(again, looked_at=look.looked_at) == look


def test_reading_the_log_loads_no_network_client():
    heavy = "{'httpx', 'httpcore', 'ssl', 'stamina', 'prefect'}"
    code = f"import sys, flows.archive.archive; print(sorted({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert ended.stdout.strip() == "[]"
