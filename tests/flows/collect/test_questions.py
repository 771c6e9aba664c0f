"""One look: what the protocol asks is asked in its order, archived as it came, and bound into one bundle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from parse_support import RECORDED, ROOT, sources
from publisher import Publisher, ok, status
from serving import served, workspace

from crossings.errors import CrossingsError, FetchFailed, UnreadableInput
from flows.collect import questions
from flows.workspace import Workspace
from transforms.parse.contract import Payload

PXWEB, LINKED, ULJAS, CSV = "mn-nso-border-points", "eu-frontex-detections", "fi-tulli-border-traffic", "ru-fsb-exits"


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return workspace(tmp_path / "lake")


@pytest.fixture
def there() -> Iterator[Publisher]:
    with Publisher() as server:
        yield server


def come(place: Workspace, digest: str) -> dict[str, Payload]:
    return {p.name: p for p in questions.payloads(place.archive, digest)}


@pytest.mark.parametrize(
    ("name", "asked", "bound"),
    [
        (PXWEB, ["GET", "GET", "POST"], {"config", "metadata", "data"}),
        (ULJAS, ["GET", "GET"], {"class-Direction", "data"}),
        (LINKED, ["GET", "GET"], {"file"}),
        ("kz-taldau", ["POST"], {"data"}),
    ],
)
def test_a_look_binds_what_came_and_leaves_out_a_page_that_only_led_there(place, name, asked, bound):
    spec = sources()[name]
    with served(spec) as address:
        digest = questions.look(place, spec, base_url=address)
    looks = [look for look in place.archive.looks(name) if not look.request_key.startswith("LOCAL")]
    assert [look.request_key.split()[0] for look in looks] == asked
    found = come(place, digest)
    assert set(found) == bound
    recorded = {f.name.split(".", 1)[0]: f.read_bytes() for f in (RECORDED / name).iterdir()}
    assert all(found[part].content == recorded[part] for part in bound)
    assert [look.sha256 for look in questions.arrivals(place.archive, spec)] == [digest]


def test_the_same_answers_again_are_no_arrival(place):
    spec = sources()[PXWEB]
    with served(spec) as address:
        assert questions.look(place, spec, base_url=address) == questions.look(place, spec, base_url=address)
    assert len(questions.arrivals(place.archive, spec)) == 1


def test_asking_without_a_bundle_leaves_nothing_for_a_release(place):
    spec = sources()[PXWEB]
    with served(spec) as address:
        parts = questions.ask(place, spec, base_url=address)
    assert {p.name for p in questions.contents(place.archive, parts)} == {"config", "metadata", "data"}
    assert questions.arrivals(place.archive, spec) == []


def test_an_answer_that_forbids_the_next_question_is_a_failed_look(place, there):
    spec = sources()[PXWEB]
    there.script("/api/v1/en", ok(b"{}"))
    there.script(path_of(spec), ok(b"<html><title>Maintenance</title></html>"))
    with pytest.raises(UnreadableInput, match="Maintenance"):
        questions.look(place, spec, base_url=there.url(""))
    last = place.archive.looks(PXWEB)[-1]
    assert (last.outcome, last.request_key.split()[0]) == ("failed", "GET")
    assert "Maintenance" in last.error
    assert questions.arrivals(place.archive, spec) == []


def test_a_refused_question_ends_the_look_and_what_came_before_it_is_kept(place, there):
    spec = sources()[PXWEB]
    metadata = (RECORDED / PXWEB / "metadata.json").read_bytes()
    there.script("/api/v1/en", ok(b"{}"))
    there.script(path_of(spec), ok(metadata), status(403))
    with pytest.raises(FetchFailed, match="answered 403"):
        questions.look(place, spec, base_url=there.url(""))
    assert [look.outcome for look in place.archive.looks(PXWEB)] == ["new", "new", "failed"]


def path_of(spec) -> str:
    (url,) = {a.url for a in spec.addresses if a.role == "data"}
    return "/" + url.split("/", 3)[3].replace(" ", "%20")


def test_a_look_back_asks_for_more_of_the_same(place):
    spec = sources()[ULJAS]
    with served(spec) as address:
        questions.ask(place, spec, base_url=address, since=dt.date(2010, 1, 1))
    (data,) = (look for look in place.archive.looks(ULJAS) if "atype=data" in look.request_key)
    months = int(data.request_key.partition("FIRST*;")[2].partition("&")[0])
    assert months >= (place.now.date().year - 2010) * 12


def test_a_look_back_into_the_future_or_at_a_file_of_statements_is_told(place):
    with pytest.raises(CrossingsError, match="lies in the future"):
        questions.look(place, sources()[ULJAS], base_url="http://127.0.0.1:9", since=place.now.date() + dt.timedelta(2))
    with pytest.raises(CrossingsError, match="register is a file of statements"):
        questions.look(place, sources()["register"], since=dt.date(2020, 1, 1))


def test_a_file_of_statements_is_read_where_it_lies_and_leaves_no_trace_unchanged(place):
    spec = sources()["register"]
    digest = questions.look(place, spec)
    assert place.archive.read(digest) == (ROOT / "data" / "register" / "reports.csv").read_bytes()
    logged = len(place.archive.looks("register"))
    assert questions.look(place, spec) == digest
    assert len(place.archive.looks("register")) == logged
    assert [look.sha256 for look in questions.arrivals(place.archive, spec)] == [digest]


def test_files_at_hand_are_named_after_their_roles_and_a_single_one_by_its_source(place):
    data = RECORDED / CSV / "data.csv"
    assert set(come(place, questions.bring(place, sources()[CSV], [data]))) == {"data"}
    several = [RECORDED / PXWEB / f"{role}.json" for role in ("metadata", "data")]
    assert set(come(place, questions.bring(place, sources()[PXWEB], several))) == {"metadata.json", "data.json"}


def test_a_source_that_is_brought_by_hand_says_how(place):
    with pytest.raises(CrossingsError, match=f"{CSV} is brought by hand — run `crossings ingest {CSV} --file PATH`"):
        questions.look(place, sources()[CSV])


def test_a_copy_on_this_machine_needs_no_consideration_and_no_other_host_is_asked(place):
    spec = sources()[PXWEB]
    live, copy = questions.policy(place, spec, None), questions.policy(place, spec, "http://127.0.0.1:8765")
    assert (live.hosts, live.per_second, live.allow_private) == (frozenset({"data.1212.mn"}), 0.5, frozenset())
    assert (copy.hosts, copy.allow_private) == (frozenset({"127.0.0.1:8765"}), frozenset({"127.0.0.1"}))
    assert copy.per_second > 100
