"""A body on its way to disk: unfolded, measured, and stopped at its limits in bounded memory."""

from __future__ import annotations

import hashlib
import tracemalloc
import zlib

import publisher as pub
import pytest
from asking import BODY, ask
from hypothesis import given
from hypothesis import strategies as st

from crossings.errors import FetchFailed
from flows.archive.request import FetchPolicy
from flows.collect.spool import STEP, spooled


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_compressed_answers_are_unfolded(office, fetching, encoding):
    text = BODY * 50_000
    packed = {
        "gzip": pub.gzipped(text[:100]) + pub.gzipped(text[100:]),
        "deflate": zlib.compress(text),
        "raw deflate": zlib.compress(text)[2:-4],
    }[encoding]
    office.script("/table", pub.ok(packed, encoding=encoding.removeprefix("raw ")))
    assert fetching().fetch(ask(office)).content == text


@given(st.binary(max_size=3000), st.integers(1, 50), st.sampled_from(["gzip", "deflate"]))
def test_unfolding_does_not_depend_on_how_the_bytes_arrive(tmp_path_factory, body, cut, encoding):
    packed = pub.gzipped(body) if encoding == "gzip" else zlib.compress(body)
    pieces = iter([packed[at : at + cut] for at in range(0, len(packed), cut)])
    target = tmp_path_factory.mktemp("spool") / "answer"
    size, _ = spooled(pieces, encoding, FetchPolicy(hosts=frozenset({"x"})), target)
    assert (size, target.read_bytes()) == (len(body), body)


def test_the_last_bytes_come_out_wherever_a_step_ends(tmp_path):
    for surplus in range(300):
        text = bytes(STEP + surplus)
        target = tmp_path / str(surplus)
        size, digest = spooled(
            iter([zlib.compress(text)[2:-4]]), "deflate", FetchPolicy(hosts=frozenset({"x"}), max_ratio=1e9), target
        )
        assert (size, digest) == (len(text), hashlib.sha256(text).hexdigest())
        target.unlink()


def test_an_endless_body_stops_at_the_limit_in_bounded_memory(office, fetching, tmp_path):
    sent: list[int] = []
    office.script("/table", pub.endless_chunks(sent))
    fetcher = fetching(max_bytes=32 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(FetchFailed, match="larger than 33554432 bytes"):
            fetcher.fetch(ask(office))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
    assert len(office.asked) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    ("limits", "message"),
    [({"max_ratio": 100.0}, "unfolds to more than 100 times"), ({"max_ratio": 1e9}, "larger than 16777216 bytes")],
)
def test_a_bomb_is_stopped_by_ratio_and_by_size(office, fetching, tmp_path, encoding, limits, message):
    office.script("/table", pub.bomb(128 * 2**20, encoding))
    fetcher = fetching(max_bytes=16 * 2**20, **limits)
    tracemalloc.start()
    try:
        with pytest.raises(FetchFailed, match=message):
            fetcher.fetch(ask(office))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_encodings_that_were_not_asked_for_are_refused(office, fetching, encoding):
    office.script("/table", pub.ok(BODY, encoding=encoding))
    with pytest.raises(FetchFailed, match="not asked for"):
        fetching().fetch(ask(office))
    assert len(office.asked) == 1
