"""A publisher that misbehaves: after every fault all is as before, the failed look is logged, and the next run recovers.

Real sockets, the real path: `collect.collect`, `ingest.ingest`, `pipeline.publish`.
"""

from __future__ import annotations

import json
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import publisher
import pytest
from parse_support import RECORDED, sources
from publisher import Answer, Asked, Line, Publisher, ok
from serving import workspace

from crossings.errors import FetchFailed, UnreadableInput
from crossings.lake import digest
from crossings.source.model import SourceSpec
from flows import pipeline, stage
from flows.steps import collect, ingest
from flows.workspace import Workspace

pytestmark = pytest.mark.slow

PXWEB, GET = "mn-nso-border-points", "eu-eurostat-asylum"
CONFIG = "/api/v1/en"
PAGE = b"<!DOCTYPE html><html><body>Maintenance. Please try again later.</body></html>"


def path_of(spec: SourceSpec) -> str:
    """The path of the source's data as it is asked for."""
    (url,) = {a.url.partition("?")[0] for a in spec.addresses if a.role == "data"}
    return "/" + url.split("/", 3)[3].replace(" ", "%20")


def content(name: str, file: str = "data.json") -> bytes:
    return (RECORDED / name / file).read_bytes()


def by_method(**answers: Answer) -> Answer:
    def answer(line: Line, asked: Asked) -> None:
        answers[asked.method](line, asked)

    return answer


@dataclass
class Played:
    """One source of one lake, and the publisher that plays it."""

    workspace: Workspace
    spec: SourceSpec
    office: Publisher
    before: dict[str, str]

    def play(self, *data: Answer, metadata: Answer | None = None) -> None:
        """What the publisher answers when it is asked for figures, in order; the last answer repeats."""
        if self.spec.id == GET:
            self.office.script(path_of(self.spec), *data)
            return
        labels = metadata or ok(content(PXWEB, "metadata.json"))
        self.office.script(CONFIG, ok(content(PXWEB, "config.json")))
        self.office.script(path_of(self.spec), labels, *(by_method(POST=a, GET=labels) for a in data))

    def collect(self) -> str:
        return collect.collect(self.workspace, self.spec.id, self.office.url(""))

    def tables(self) -> dict[str, str]:
        """Everything below the lake that a failed look must leave alone, by path and digest."""
        root = self.workspace.lake.root
        kept = [root / "raw" / "sha256", root / "staging", root / "releases"]
        files = {
            str(p.relative_to(root)): digest(p.read_bytes()) for k in kept for p in sorted(k.rglob("*")) if p.is_file()
        }
        return files | {"current": (root / "current").readlink().name}

    def as_before(self) -> bool:
        """Whether every byte that was there is there; the archive may have grown by what came."""
        now = self.tables()
        grown = [name for name in now if name not in self.before and not name.startswith("raw/")]
        return grown == [] and all(now.get(name) == was for name, was in self.before.items())

    def figures(self) -> dict[str, bytes]:
        release = self.workspace.lake.release().path
        return {
            p.name: p.read_bytes() for t in ("reports", "official") for p in sorted((release / t).rglob("*.parquet"))
        }

    def recovers(self) -> None:
        """The next run, with the publisher well again, brings what was there before and nothing twice."""
        shown = self.figures()
        self.play(ok(self.good()))
        name = ingest.ingest(self.workspace, self.spec.id, self.collect(), strict=True)
        counts = stage.Stage(self.workspace.staging / name).summary["counts"]
        assert counts["rows_in"] == counts["accepted"] + counts["quarantined"] + counts["duplicates"]
        pipeline.publish(self.workspace, pipeline.in_process, lambda _: None)
        assert self.figures() == shown
        assert self.workspace.archive.looks(self.spec.id)[-1].outcome != "failed"
        assert not list(self.workspace.archive.raw.glob("*.part"))
        assert self.workspace.archive.damaged() == []

    def good(self) -> bytes:
        return content(self.spec.id)


def hurried(spec: SourceSpec, **fetch: object) -> SourceSpec:
    """The source with a policy that asks once and at once."""
    policy = {"min_interval_seconds": 0.0, "retries": 0} | fetch
    return spec.model_copy(update={"fetch": spec.fetch.model_copy(update=policy)})


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """For each source a lake with one good look and one release."""
    lakes = {}
    for name in (PXWEB, GET):
        lakes[name] = tmp_path_factory.mktemp(name) / "lake"
        with Publisher() as office:
            there = Played(workspace(lakes[name]), hurried(sources()[name]), office, {})
            there.workspace.sources[name] = there.spec
            there.play(ok(there.good()))
            there.collect()
            pipeline.publish(there.workspace, pipeline.in_process, lambda _: None)
    return lakes


@pytest.fixture(params=[PXWEB, GET])
def played(request: pytest.FixtureRequest, healthy: dict[str, Path], tmp_path: Path, office: Publisher) -> Played:
    lake = tmp_path / "lake"
    shutil.copytree(healthy[request.param], lake, symlinks=True)
    there = Played(workspace(lake), hurried(sources()[request.param]), office, {})
    there.workspace.sources[request.param] = there.spec
    there.before = there.tables()
    return there


# Whole releases of one source in each run, of the other in the long suite: what differs between them is how they are asked.
BY_ONE = pytest.mark.parametrize("played", [PXWEB, pytest.param(GET, marks=pytest.mark.long)], indirect=True)


def under(played: Played, **fetch: object) -> None:
    """Another policy for what is asked from now on."""
    played.spec = hurried(played.spec, **fetch)
    played.workspace.sources[played.spec.id] = played.spec


FATAL: dict[str, tuple[Callable[[bytes], Answer], str]] = {
    "500 for good": (lambda body: publisher.status(500), "answered 500"),
    "time-out in mid-body": (publisher.silent, "fell silent in the middle"),
    "truncated body": (publisher.truncated, "broke off before its end"),
    "longer than announced": (
        lambda body: publisher.too_long(body, len(body) - 7),
        "sent more than the [0-9]+ bytes it announced",
    ),
    "chunks without an end": (publisher.broken_chunks, "broke off before its end"),
    "gzip bomb": (lambda body: publisher.bomb(64 * 2**20), "unfolds to more than 200 times"),
    "torn gzip": (
        lambda body: ok(publisher.gzipped(body)[:-9], encoding="gzip"),
        "gzip bytes of the answer end too early",
    ),
    "redirect to a private address": (lambda body: publisher.redirect(307, "http://10.0.0.1/x"), "not one of those"),
    "redirect to this machine": (lambda body: publisher.redirect(307, "http://127.0.0.1:9/x"), "not one of those"),
    "404": (lambda body: publisher.status(404), "answered 404"),
    "not HTTP": (lambda body: publisher.raw(b"\x00\xff" * 40), "is not HTTP"),
}


@pytest.mark.parametrize("fault", FATAL)
def test_a_look_that_fails_changes_nothing_but_the_log(fault: str, played: Played) -> None:
    answer, words = FATAL[fault]
    usual = played.spec.fetch.timeout_seconds
    under(played, timeout_seconds=1.0 if answer is publisher.silent else usual)
    played.play(answer(played.good()))
    with pytest.raises(FetchFailed, match=words) as failed:
        played.collect()
    under(played, timeout_seconds=usual)
    assert "\n" not in str(failed.value)
    assert failed.value.remedy
    assert played.as_before()
    last = played.workspace.archive.looks(played.spec.id)[-1]
    assert (last.outcome, last.sha256) == ("failed", None)
    assert last.error is not None
    assert failed.value.remedy in last.error
    played.recovers()


def test_a_run_without_the_publisher_keeps_what_the_archive_holds(played: Played) -> None:
    held = collect.archived(played.workspace)[played.spec.id]
    played.play(publisher.status(503))
    assert collect.collect_or_keep(played.workspace, played.spec.id, played.office.url("")) == held
    assert played.workspace.archive.looks(played.spec.id)[-1].outcome == "failed"
    assert played.as_before()


def _digests(played: Played) -> set[str | None]:
    return {look.sha256 for look in played.workspace.archive.looks(played.spec.id)}


def test_an_unchanged_answer_costs_one_request_and_no_body(played: Played) -> None:
    answer = ok(played.good(), etag='"v1"', last_modified="Mon, 02 Mar 2026 06:00:00 GMT")
    played.play(answer, metadata=ok(content(PXWEB, "metadata.json"), etag='"m1"'))
    first = played.collect()
    asked = len(played.office.asked)
    played.play(answer, metadata=ok(content(PXWEB, "metadata.json"), etag='"m1"'))
    assert played.collect() == first
    again = played.office.asked[asked:]
    conditional = [a for a in again if a.method == "GET" and a.path != CONFIG]
    assert [a.headers["if-none-match"] for a in conditional] == ['"m1"' if played.spec.id == PXWEB else '"v1"']
    outcomes = [look.outcome for look in played.workspace.archive.looks(played.spec.id)[-len(again) - 1 :]]
    assert "not_modified" in outcomes
    assert "new" not in outcomes
    assert played.as_before()
    played.recovers()


@BY_ONE
@pytest.mark.parametrize(
    "fault", [publisher.status(429, Retry_After=1), publisher.status(500)], ids=["429 with Retry-After", "500 then 200"]
)
def test_a_fault_that_passes_is_waited_out(fault: Answer, played: Played) -> None:
    under(played, retries=1)
    played.play(fault, ok(played.good()))
    collected = played.collect()
    assert collected in _digests(played)
    assert played.as_before()
    assert "failed" not in {look.outcome for look in played.workspace.archive.looks(played.spec.id)}
    played.recovers()


def without_dimension(body: bytes) -> bytes:
    """The answer as if the publisher had dropped its first dimension of more than one category, or the place."""
    cube = json.loads(body.decode("utf-8-sig"))
    gone = next(k for k, name in enumerate(cube["id"]) if name in ("Direction", "geo"))
    step = cube["size"][gone]
    values = cube["value"] if isinstance(cube["value"], list) else None
    del cube["dimension"][cube["id"][gone]], cube["id"][gone], cube["size"][gone]
    cube.pop("status", None)
    if values is not None:
        cube["value"] = values[: len(values) // step]
    return json.dumps(cube).encode()


def empty(body: bytes) -> bytes:
    cube = json.loads(body.decode("utf-8-sig"))
    return json.dumps(cube | {"value": []}).encode()


UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "an error page with status 200": lambda body: PAGE,
    "a missing dimension": without_dimension,
    "an answer without figures": empty,
}


@BY_ONE
@pytest.mark.parametrize("fault", UNREADABLE)
def test_an_answer_that_cannot_be_read_leaves_the_source_at_its_last_good_look(fault: str, played: Played) -> None:
    shown = played.figures()
    bad = UNREADABLE[fault](played.good())
    played.play(ok(bad))
    collected = played.collect()
    with pytest.raises(UnreadableInput) as refused:
        ingest.ingest(played.workspace, played.spec.id, collected, strict=True)
    assert "\n" not in str(refused.value)
    assert played.spec.id in refused.value.message
    with pytest.raises(UnreadableInput):  # asked again, it is refused again
        ingest.ingest(played.workspace, played.spec.id, collected, strict=True)
    after = played.tables()
    assert all(after[name] == was for name, was in played.before.items()), "figures in the release and in the archive"
    assert played.workspace.archive.read(digest(bad)) == bad, "what came is kept as evidence"

    pipeline.publish(played.workspace, pipeline.in_process, lambda _: None)
    assert played.figures() == shown
    assert unreadable(played) == ["error"]
    played.recovers()
    assert unreadable(played) == ["warn"]


def unreadable(played: Played) -> list[str]:
    findings = played.workspace.lake.release().read("findings").to_pandas()
    here = findings.loc[findings["rule"] == "unreadable_look"]
    assert here["message"].str.contains("the looks before it stand").all()
    return here["severity"].tolist()


def test_a_renamed_label_ends_the_look_before_a_wrong_question_is_asked(
    healthy: dict[str, Path], tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(healthy[PXWEB], lake, symlinks=True)
    with Publisher() as office:
        played = Played(workspace(lake), hurried(sources()[PXWEB]), office, {})
        played.workspace.sources[PXWEB] = played.spec
        played.before = played.tables()
        renamed = content(PXWEB, "metadata.json").replace(b'"Inbound"', b'"Arrivals"')
        played.play(ok(played.good()), metadata=ok(renamed))
        with pytest.raises(UnreadableInput, match=r"expected label 'Inbound' once in Direction.*Arrivals, Outbound"):
            played.collect()
        assert [a.method for a in office.asked] == ["GET", "GET"]
        assert played.as_before()
        last = played.workspace.archive.looks(PXWEB)[-1]
        assert last.outcome == "failed"
        assert "expected label 'Inbound'" in (last.error or "")
        played.recovers()


@BY_ONE
def test_a_label_nobody_mapped_is_quarantined_and_the_known_figure_stands(played: Played) -> None:
    name = b'"Altanbulag"' if played.spec.id == PXWEB else b'"EL"'
    played.play(
        ok(played.good().replace(name, b'"Elsewhere"')),
        metadata=ok(content(PXWEB, "metadata.json").replace(name, b'"Elsewhere"')),
    )
    collected = played.collect()
    made = stage.Stage(
        played.workspace.staging / ingest.ingest(played.workspace, played.spec.id, collected, strict=True)
    )
    refused, reports = made.frame("quarantine"), made.frame("reports")
    assert set(refused["rule"]) == {"unknown_label"}
    assert refused["reason"].str.contains("Elsewhere").all()
    assert (reports["role"] == "regular").all(), "nothing is superseded by what nobody understood"
    played.recovers()


# -- answers without an end ---------------------------------------------------------------------------------------------


@pytest.fixture
def measured() -> Iterator[Callable[[], int]]:
    """The most memory that Python objects took since the start of the test, in bytes."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_an_endless_answer_ends_in_one_line_and_little_memory(played: Played, measured: Callable[[], int]) -> None:
    ceiling = 16 * 2**20
    under(played, max_bytes=ceiling)
    sent: list[int] = []
    played.play(publisher.endless_chunks(sent))
    with pytest.raises(FetchFailed, match="larger than 16777216 bytes; reading stopped there") as failed:
        played.collect()
    assert "\n" not in str(failed.value)
    assert measured() < ceiling / 2, "an answer goes to disk piece by piece"
    assert played.as_before()


def test_an_answer_that_announces_two_gigabytes_is_not_even_read(played: Played, measured: Callable[[], int]) -> None:
    announced = publisher.raw(publisher.head(200, Content_Length=2 * 2**30) + b"x" * 1000)
    played.play(announced)
    with pytest.raises(FetchFailed, match="announces 2147483648 bytes, more than"):
        played.collect()
    assert measured() < 8 * 2**20
    assert played.as_before()
    played.recovers()
