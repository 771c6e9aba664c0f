"""Write a file, swap a pointer, append a line: after a kill each is whole or absent, and what is torn is said."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossings.durable import Journal, make_directory, swap_pointer, write_file
from crossings.errors import StorageFault

LINES = [{"n": 1, "what": "first"}, {"n": 2, "what": "второй — ещё"}, {"n": 3, "what": "a\nb"}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "log.jsonl"


def journal(path: Path, **options: bool) -> Journal[dict[str, Any]]:
    return Journal(path, dict, **options)


def written(path: Path) -> bytes:
    """The bytes of a log of three lines."""
    for line in LINES:
        journal(path).append(line)
    return path.read_bytes()


# -- lines ------------------------------------------------------------------------------------------------------------


def test_a_log_that_is_not_there_has_no_lines_and_no_faults(path: Path) -> None:
    assert journal(path).read() == []
    assert journal(path).faults() == []
    assert not path.parent.exists()


def test_lines_come_back_in_order_one_a_line_each_json(path: Path) -> None:
    content = written(path)
    assert journal(path).read() == LINES
    assert journal(path).faults() == []
    assert [json.loads(line)["n"] for line in content.splitlines()] == [1, 2, 3]


def test_a_log_cut_at_any_byte_keeps_the_whole_lines_and_names_the_torn_one(path: Path) -> None:
    whole = written(path)
    ends = [at for at, byte in enumerate(whole) if byte == 0x0A]
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        kept = sum(end <= length for end in ends)  # a line that lacks nothing but its end is whole
        torn = length not in ends and length - 1 not in ends and length > 0
        held = journal(path)
        assert held.read() == LINES[:kept], length
        assert [fault.kind for fault in held.faults()] == ["torn"] * torn, length


def test_an_append_after_a_torn_tail_does_not_glue_two_lines_together(path: Path) -> None:
    whole = written(path)
    path.write_bytes(whole[:-10])
    journal(path).append({"n": 4})
    again = journal(path)
    assert again.read() == [*LINES[:2], {"n": 4}]
    assert [fault.kind for fault in again.faults()] == ["torn"]
    assert path.read_bytes().startswith(whole[:-10])


def test_a_torn_line_in_the_middle_hides_no_line_after_it(path: Path) -> None:
    first, second, third = written(path).splitlines(keepends=True)
    path.write_bytes(first + second[:20] + b"\n" + third)
    held = journal(path)
    assert held.read() == [LINES[0], LINES[2]]
    (fault,) = held.faults()
    assert (fault.offset, fault.length) == (len(first), 20)
    assert str(fault) == f"the torn line at byte {len(first)} is left out"


def test_a_changed_byte_costs_its_line_and_no_other(path: Path) -> None:
    first, second, third = written(path).splitlines(keepends=True)
    path.write_bytes(first + second.replace(b'"n":2', b'"n":7') + third)
    held = journal(path)
    assert held.read() == [LINES[0], LINES[2]]
    assert [fault.kind for fault in held.faults()] == ["damaged"]


def test_lines_of_earlier_versions_without_a_checksum_are_taken_where_that_is_said(path: Path) -> None:
    make_directory(path.parent)
    path.write_text('{"n": 1}\n{"n": 2, "what": "to\n{"n": 3}\n{"n": 4')
    held = journal(path, unchecked=True)
    assert held.read() == [{"n": 1}, {"n": 3}]
    assert [fault.kind for fault in held.faults()] == ["torn", "torn"]
    held.append({"n": 5})
    assert journal(path, unchecked=True).read() == [{"n": 1}, {"n": 3}, {"n": 5}]
    assert journal(path).read() == [{"n": 5}]


@pytest.mark.parametrize("line", ["17", '"text"', "null", '{"other": 1}'])
def test_a_line_that_means_nothing_is_left_out_and_named(path: Path, line: str) -> None:
    make_directory(path.parent)
    path.write_text(line + '\n{"n": 1}\n')
    held = Journal(path, lambda values: values["n"], unchecked=True)
    assert held.read() == [1]
    assert [fault.kind for fault in held.faults()] == ["damaged"]


def test_a_torn_line_is_said_once_in_the_program_log(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second, third = written(path).splitlines(keepends=True)
    path.write_bytes(first + second[:20] + b"\n" + third)
    held = journal(path)
    held.read()
    held.read()
    assert [r.getMessage() for r in caplog.records] == [f"{path}: the torn line at byte {len(first)} is left out"]


def test_a_reader_sees_what_another_appends_and_a_log_that_was_replaced(path: Path) -> None:
    reader = journal(path)
    for n in range(3):
        assert len(reader.read()) == n
        journal(path).append({"n": n})
    path.unlink()
    assert reader.read() == []
    journal(path).append({"n": 9})
    assert reader.read() == [{"n": 9}]


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFault, match=r"log\.jsonl cannot be opened"):
        journal(tmp_path / "file" / "log.jsonl").append({})


# -- files and pointers -----------------------------------------------------------------------------------------------


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "below" / "page.html"
    for content in (b"old", b"new"):
        write_file(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_a_fault_with_a_remedy_and_the_old_one_stands(tmp_path: Path) -> None:
    path = tmp_path / "page"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(StorageFault, match=r"page cannot be written .*free space"):
        write_file(path, b"new")
    assert (path / "old").read_text() == "old"


def test_a_pointer_points_to_the_old_or_the_new(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        swap_pointer(link, Path(name))
        assert link.resolve() == tmp_path / name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["current", "one", "two"]


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from crossings.durable import Journal, swap_pointer, write_file
    root, first = Path(sys.argv[1]), int(sys.argv[2])
    journal = Journal(root / "log.jsonl", dict)
    for n in range(first, first + 10**6):
        write_file(root / f"file-{n % 3}", f"{n} ".encode() * 20_000)
        swap_pointer(root / "current", Path(f"file-{n % 3}"))
        journal.append({"n": n, "text": "x" * 500})
        print(n, flush=True)
""")


def test_a_writer_killed_anywhere_leaves_whole_files_and_every_line_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    said: list[int] = []
    for trial in range(6):
        arguments = [sys.executable, "-c", WRITER, str(tmp_path), str(trial * 10**6)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said += [int(writer.stdout.readline()) for _ in range(chance.randrange(1, 20))]
            writer.send_signal(signal.SIGKILL)
            said += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        lines = [line["n"] for line in journal(tmp_path / "log.jsonl").read()]
        assert [n for n in lines if n in set(said)] == said
        words = (tmp_path / "current").read_text().split()
        assert len(words) == 20_000
        assert len(set(words)) == 1


def test_a_journal_reads_with_any_meaning_of_its_lines(path: Path) -> None:
    written(path)
    meanings: list[Callable[[dict[str, Any]], object]] = [lambda values: values["n"], lambda values: len(values)]
    assert [Journal(path, meaning).read() for meaning in meanings] == [[1, 2, 3], [2, 2, 2]]
