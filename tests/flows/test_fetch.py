"""The fetcher against a publisher on real sockets: what it keeps, what it refuses, and what it never says aloud."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import threading
import time
import traceback
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import publisher as pub
import pytest
from certificates import Chain, issue_chain
from hypothesis import given
from hypothesis import strategies as st
from publisher import Asked, Line, Publisher

from crossings import __version__
from crossings.errors import CrossingsError, FetchFailed
from flows.archive import Archive
from flows.fetch import Fetcher, FetchPolicy, HostGate, Request, Validators, user_agent
from flows.request import REDACTED, redacted_url
from flows.spool import spooled
from flows.wire import is_public

BODY = json.dumps({"value": [1, 2, 3]}).encode()
SECRET = "k3y-0f-the-0ffice"


class Clock:
    """Seconds that pass only when somebody sleeps; every wait is written down."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []
        self._guard = threading.Lock()

    def __call__(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._guard:
            self.waits.append(seconds)
            self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(clock: Clock) -> Iterator[Publisher]:
    with Publisher(clock) as server:
        yield server


def policy_for(office: Publisher, **changes: object) -> FetchPolicy:
    policy = FetchPolicy(hosts=frozenset({office.host()}), per_second=1e6, allow_private=True, attempts=3)
    return replace(policy, **changes)


Fetching = Callable[..., Fetcher]


@pytest.fixture
def fetching(office: Publisher, clock: Clock, tmp_path: Path) -> Iterator[Fetching]:
    opened: list[Fetcher] = []

    def enter(**changes: object) -> Fetcher:
        outside = {name: changes.pop(name) for name in ("resolver", "gate", "clock", "sleep", "now") if name in changes}
        settings = {"clock": clock, "sleep": clock.sleep, "spool": tmp_path} | outside
        fetcher = Fetcher(policy_for(office, **changes), **settings)
        opened.append(fetcher)
        return fetcher.__enter__()

    yield enter
    for fetcher in opened:
        fetcher.__exit__(None, None, None)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "lake", lambda: datetime(2022, 9, 28, 6, 0, tzinfo=UTC))


def ask(office: Publisher, path: str = "/table", **more: object) -> Request:
    return Request("GET", office.url(path), **more)


# -- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_comes_with_its_digest_its_validators_and_an_honest_name(office, fetching):
    office.script("/table", pub.ok(BODY, etag='"v1"', last_modified="Wed, 28 Sep 2022 05:00:00 GMT"))
    fetched = fetching().get(ask(office))
    assert (fetched.status, fetched.content, fetched.size) == ("new", BODY, len(BODY))
    assert fetched.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (fetched.etag, fetched.last_modified) == ('"v1"', "Wed, 28 Sep 2022 05:00:00 GMT")
    assert (fetched.media_type, fetched.final_url) == ("application/json", office.url("/table"))
    assert office.asked[0].headers["user-agent"] == f"crossings/{__version__}"
    assert office.asked[0].headers["accept-encoding"] == "gzip, deflate"
    assert "cookie" not in office.asked[0].headers


def test_the_user_agent_names_a_contact_and_nothing_else():
    assert user_agent("data@example.org") == f"crossings/{__version__} (+data@example.org)"
    with pytest.raises(FetchFailed, match="contact"):
        user_agent("a\r\nX-Evil: 1")


@pytest.mark.parametrize("known", [Validators(etag='"v1"'), Validators(last_modified="Wed, 28 Sep 2022 05:00:00 GMT")])
def test_an_unchanged_source_costs_one_request_and_no_body(office, fetching, known):
    office.script("/table", pub.ok(BODY, etag='"v1"', last_modified="Wed, 28 Sep 2022 05:00:00 GMT"))
    fetched = fetching().get(ask(office), known)
    assert (fetched.status, fetched.content, fetched.path) == ("not_modified", b"", None)
    assert (fetched.etag, fetched.attempts, len(office.asked)) == ('"v1"', 1, 1)


def test_304_without_a_condition_is_a_fault(office, fetching):
    office.script("/table", pub.raw(pub.head(304)))
    with pytest.raises(FetchFailed) as told:
        fetching().get(ask(office))
    assert told.value.status == 304


def test_a_query_is_posted_as_it_stands_and_without_validators(office, fetching):
    office.script("/table", pub.ok(BODY))
    query = b'{"query":[],"response":{"format":"json-stat2"}}'
    request = Request("POST", office.url("/table"), {"Content-Type": "application/json"}, query)
    fetching().post(request, Validators(etag='"v1"'))
    assert office.asked[0].method == "POST"
    assert office.asked[0].body == query
    assert "if-none-match" not in office.asked[0].headers


def test_addresses_reach_the_publisher_letter_by_letter(office, fetching):
    # Uljas writes a space as `*;` and joins codes with a quote; nothing of that may be re-encoded.
    office.script("/uljas/graph/api.aspx", pub.ok(BODY))
    target = "/uljas/graph/api.aspx?lang=en&ifile=/DATABASE/02*;LOGISTIIKKA,X/09&Maa=RU%22FI&Aika==FIRST*;12"
    fetching().get(ask(office, target))
    assert office.asked[0].target == target


def test_an_error_page_with_status_200_is_for_the_parsers_to_judge(office, fetching):
    page = b"<html><body>Service unavailable</body></html>"
    office.script("/table", pub.ok(page, "text/html"))
    fetched = fetching().get(ask(office))
    assert (fetched.content, fetched.media_type) == (page, "text/html")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "raw deflate"])
def test_compressed_answers_are_unfolded(office, fetching, encoding):
    text = BODY * 50_000
    packed = {
        "gzip": pub.gzipped(text[:100]) + pub.gzipped(text[100:]),
        "deflate": zlib.compress(text),
        "raw deflate": zlib.compress(text)[2:-4],
    }[encoding]
    office.script("/table", pub.ok(packed, encoding=encoding.removeprefix("raw ")))
    assert fetching().get(ask(office)).content == text


@given(st.binary(max_size=3000), st.integers(1, 50), st.sampled_from(["gzip", "deflate"]))
def test_unfolding_does_not_depend_on_how_the_bytes_arrive(tmp_path_factory, body, cut, encoding):
    packed = pub.gzipped(body) if encoding == "gzip" else zlib.compress(body)
    pieces = iter([packed[at : at + cut] for at in range(0, len(packed), cut)])
    target = tmp_path_factory.mktemp("spool") / "answer"
    size, _ = spooled(pieces, encoding, FetchPolicy(hosts=frozenset({"x"})), target)
    assert (size, target.read_bytes()) == (len(body), body)


def test_spooled_answers_are_gone_when_the_fetcher_closes(office, clock, tmp_path):
    office.script("/table", pub.ok(BODY))
    with Fetcher(policy_for(office), clock=clock, sleep=clock.sleep, spool=tmp_path) as fetcher:
        path = fetcher.get(ask(office)).path
        assert path.is_file()
    assert list(tmp_path.iterdir()) == []


# -- faults that may pass ---------------------------------------------------------------------------------------------


def test_retry_after_in_seconds_is_honoured(office, fetching, clock):
    office.script("/table", pub.status(429, Retry_After=17), pub.ok(BODY))
    fetched = fetching().get(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 2)
    assert office.asked[1].at - office.asked[0].at >= 17
    assert 17 <= sum(clock.waits) < 30


def test_retry_after_as_a_date_is_read_on_the_publishers_clock(office, fetching, clock):
    said = datetime(2031, 1, 1, 12, 0, tzinfo=UTC)
    until = format_datetime(said + timedelta(seconds=40), usegmt=True)
    office.script("/table", pub.status(503, Retry_After=until, Date=format_datetime(said, usegmt=True)), pub.ok(BODY))
    fetching().get(ask(office))
    assert office.asked[1].at - office.asked[0].at >= 40


def test_a_publisher_that_asks_for_hours_is_left_alone(office, fetching, clock):
    office.script("/table", pub.status(429, Retry_After=7200), pub.ok(BODY))
    with pytest.raises(FetchFailed, match="7200 s") as told:
        fetching().get(ask(office))
    assert (told.value.status, len(office.asked), clock.waits) == (429, 1, [])


@pytest.mark.parametrize("nonsense", ["soon", "-5", "9" * 5000, "Wed, 99 Foo 2022", "\x7f"])
def test_an_illegible_retry_after_means_the_usual_wait(office, fetching, clock, nonsense):
    office.script("/table", pub.status(503, Retry_After=nonsense), pub.ok(BODY))
    assert fetching().get(ask(office)).content == BODY
    assert len(clock.waits) == 1


def test_500_is_tried_again_after_growing_waits_with_jitter(office, fetching, clock):
    office.script("/table", pub.status(500), pub.status(500), pub.ok(BODY))
    fetched = fetching(retry_initial_seconds=10.0).get(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 3)
    first, second = clock.waits
    assert 10 < first < 20
    assert 20 < second < 40


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 418, 204, 206])
def test_other_answers_are_not_tried_again(office, fetching, clock, code):
    office.script("/table", pub.raw(pub.head(code, Content_Length=0)))
    with pytest.raises(FetchFailed) as told:
        fetching().get(ask(office))
    assert (told.value.status, len(office.asked), clock.waits) == (code, 1, [])
    assert told.value.remedy


PASSING_FAULTS = {
    "broken off": lambda: pub.truncated(BODY * 100),
    "chunks without an end": lambda: pub.broken_chunks(BODY * 100),
    "longer than announced": lambda: pub.too_long(BODY, 10),
    "not HTTP": lambda: pub.raw(b"SSH-2.0-OpenSSH_9.0\r\n\r\n"),
    "no answer at all": lambda: pub.raw(b""),
    "gzip cut short": lambda: pub.ok(pub.gzipped(BODY)[:-12], encoding="gzip"),
    "gzip that is none": lambda: pub.ok(BODY, encoding="gzip"),
}


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_damaged_answer_is_detected_and_the_next_try_recovers(office, fetching, tmp_path, fault):
    office.script("/table", PASSING_FAULTS[fault](), pub.ok(BODY))
    fetched = fetching().get(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 2)
    assert len(list(tmp_path.rglob("*"))) == 2  # the spool and the one whole answer in it


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_a_damaged_answer_leaves_the_archive_as_it_was(office, fetching, archive, fault):
    office.script("/table", pub.ok(b"[1]"), *[PASSING_FAULTS[fault]()] * 3, pub.ok(BODY))
    fetcher = fetching()
    before = archive.look("src", ask(office), fetcher)
    with pytest.raises(FetchFailed):
        archive.look("src", ask(office), fetcher)
    assert archive.latest("src", ask(office).key) == before
    assert [payload.sha256 for payload in archive.payloads("src")] == [before.sha256]
    assert archive.damaged() == []
    after = archive.look("src", ask(office), fetcher)
    assert [look.outcome for look in archive.looks()] == ["new", "failed", "new"]
    assert archive.read(after.sha256) == BODY


def test_a_drip_ends_at_the_total_time_however_steady(office, fetching):
    office.script("/table", pub.drip(bytes(100_000), seconds=0.02), pub.ok(BODY))
    # The deadline is on the real clock here: only real time makes a real socket wait.
    fetched = fetching(clock=time.monotonic, total_seconds=0.3, read_seconds=20.0).get(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 2)


def test_silence_in_mid_body_ends_at_the_read_time(office, fetching):
    office.script("/table", pub.silent(BODY * 10))
    with pytest.raises(FetchFailed, match=r"fell silent.*\(2 tries\)"):
        fetching(read_seconds=0.2, attempts=2).get(ask(office))
    assert len(office.asked) == 2


def test_a_port_where_nobody_listens_is_a_fault_with_a_remedy(office, fetching):
    with pytest.raises(FetchFailed, match="No connection") as told:
        fetching(hosts=frozenset({"127.0.0.1:1"})).get(Request("GET", "http://127.0.0.1:1/"))
    assert "network" in told.value.remedy


def test_a_name_that_does_not_resolve_is_a_fault(office, fetching):
    with pytest.raises(FetchFailed, match="does not resolve"):
        fetching(hosts=frozenset({"office.invalid"}), resolver=lambda host, port: []).get(
            Request("GET", "http://office.invalid/")
        )


# -- limits -----------------------------------------------------------------------------------------------------------


def test_an_endless_body_stops_at_the_limit_in_bounded_memory(office, fetching, tmp_path):
    sent: list[int] = []
    office.script("/table", pub.endless_chunks(sent))
    fetcher = fetching(max_bytes=32 * 2**20)
    tracemalloc.start()
    try:
        with pytest.raises(FetchFailed, match="larger than 33554432 bytes"):
            fetcher.get(ask(office))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
    assert len(office.asked) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_length_beyond_the_limit_is_refused_before_the_body_is_read(office, fetching):
    office.script("/table", pub.raw(pub.head(200, Content_Length=2**31)))
    with pytest.raises(FetchFailed, match="announces 2147483648 bytes"):
        fetching().get(ask(office))


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
            fetcher.get(ask(office))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
def test_encodings_that_were_not_asked_for_are_refused(office, fetching, encoding):
    office.script("/table", pub.ok(BODY, encoding=encoding))
    with pytest.raises(FetchFailed, match="not asked for"):
        fetching().get(ask(office))
    assert len(office.asked) == 1


def test_no_more_requests_are_under_way_than_the_policy_allows(office, fetching):
    pairs = threading.Barrier(2)

    def in_pairs(line: Line, asked: Asked) -> None:
        pairs.wait(timeout=20)  # passes only when two are under way together
        pub.ok(BODY)(line, asked)

    office.script("/table", in_pairs)
    fetcher = fetching(concurrent=2)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: fetcher.get(ask(office)).content, range(8)))
    assert answers == [BODY] * 8
    assert office.most_at_once == 2


def test_the_rate_holds_over_threads_and_over_sources_on_one_host(office, clock, tmp_path):
    office.script("/table", pub.ok(BODY))
    gate = HostGate(clock, clock.sleep)
    policy = policy_for(office, per_second=0.5)
    with (
        Fetcher(policy, clock=clock, sleep=clock.sleep, gate=gate, spool=tmp_path) as one,
        Fetcher(policy, clock=clock, sleep=clock.sleep, gate=gate, spool=tmp_path) as other,
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(lambda number: (one, other)[number % 2].get(ask(office)), range(8)))
    arrived = sorted(asked.at for asked in office.asked)
    assert [later - earlier for earlier, later in pairwise(arrived)] == [2.0] * 7


def test_retry_after_holds_back_the_other_threads_too(clock):
    gate = HostGate(clock, clock.sleep)
    gate.hold("office", 30.0)
    with gate.slot("office", 1.0, 1):
        assert clock() == 1030.0
    with gate.slot("elsewhere", 1.0, 1):
        assert clock() == 1030.0


# -- where it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:db8::1"),
        *("::7f00:1", "2001::1", "fec0::1"),
    ],
)
def test_addresses_that_are_not_public_are_refused_before_any_connection(office, fetching, address):
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14", address]

    fetcher = fetching(hosts=frozenset({office.host("office.test")}), allow_private=False, resolver=resolver)
    with pytest.raises(FetchFailed, match="not a public address"):
        fetcher.get(Request("GET", office.url("/table", "office.test")))
    assert (asked, office.asked) == (["office.test"], [])


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_the_loopback_itself_is_refused_unless_a_test_says_so(office, fetching):
    office.script("/table", pub.ok(BODY))
    with pytest.raises(FetchFailed, match="not a public address"):
        fetching(allow_private=False).get(ask(office))
    assert office.asked == []


def test_a_redirect_to_a_private_address_is_refused(office, fetching):
    hosts = frozenset({office.host("office.test"), office.host("inner.test")})
    office.script("/table", pub.redirect(302, office.url("/secrets", "inner.test")))
    office.script("/secrets", pub.ok(BODY))
    fetcher = fetching(hosts=hosts, allow_private=frozenset({"office.test"}), resolver=lambda host, port: ["127.0.0.1"])
    with pytest.raises(FetchFailed, match=r"inner\.test leads to 127\.0\.0\.1"):
        fetcher.get(Request("GET", office.url("/table", "office.test")))
    assert [asked.path for asked in office.asked] == ["/table"]


@pytest.mark.parametrize(
    "location",
    [
        *("http://evil.test/", "//evil.test/x", "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:22/"),
        *("file:///etc/passwd", "gopher://127.0.0.1/", "http://127.0.0.1", "http://[::1]/", "http://2130706433/"),
    ],
)
def test_a_redirect_to_where_the_source_does_not_live_is_refused(office, fetching, location):
    office.script("/table", pub.redirect(302, location))
    with pytest.raises(FetchFailed, match=r"not one of those|is not HTTP"):
        fetching().get(ask(office))
    assert len(office.asked) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_within_the_named_hosts_are_followed_one_by_one(office, fetching, code):
    office.script("/table", pub.redirect(code, "moved?x=1"))
    office.script("/moved", pub.redirect(code, office.url("/final")))
    office.script("/final", pub.ok(BODY))
    fetched = fetching().get(ask(office))
    assert (fetched.content, fetched.final_url) == (BODY, office.url("/final"))
    assert [asked.target for asked in office.asked] == ["/table", "/moved?x=1", "/final"]


def test_redirects_in_a_ring_end(office, fetching):
    office.script("/table", pub.redirect(302, "/table"))
    with pytest.raises(FetchFailed, match="More than 5 redirects"):
        fetching().get(ask(office))
    assert len(office.asked) == 6


@pytest.mark.parametrize("location", ["", "http://[broken", "http://user:pass@127.0.0.1/", "http://a b/"])
def test_redirects_that_make_no_sense_are_faults(office, fetching, location):
    office.script("/table", pub.redirect(302, location))
    with pytest.raises(FetchFailed):
        fetching().get(ask(office))


@pytest.mark.parametrize(("code", "method"), [(303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirected_query_keeps_its_meaning(office, fetching, code, method):
    office.script("/table", pub.redirect(code, "/final"))
    office.script("/final", pub.ok(BODY))
    fetching().post(Request("POST", office.url("/table"), {}, b"{}"))
    assert (office.asked[1].method, office.asked[1].body) == (method, b"{}" if method == "POST" else b"")


@pytest.mark.parametrize("code", [301, 302])
def test_a_redirect_that_would_turn_a_query_into_another_is_refused(office, fetching, code):
    office.script("/table", pub.redirect(code, "/final"))
    with pytest.raises(FetchFailed, match=r"redirect .* of a POST"):
        fetching().post(Request("POST", office.url("/table"), {}, b"{}"))
    assert len(office.asked) == 1


def test_the_connection_goes_to_the_checked_address_under_the_publishers_name(office, fetching):
    # A name server that answers otherwise the second time is never asked a second time.
    answers = iter([["127.0.0.1"], ["203.0.113.66"]])
    office.script("/table", pub.ok(BODY))
    fetcher = fetching(hosts=frozenset({office.host("office.test")}), resolver=lambda host, port: next(answers))
    assert fetcher.get(Request("GET", office.url("/table", "office.test"))).content == BODY
    assert office.asked[0].headers["host"] == office.host("office.test")
    assert next(answers) == ["203.0.113.66"]


def test_the_next_address_is_tried_where_one_does_not_answer(office, fetching):
    office.script("/table", pub.ok(BODY))
    fetcher = fetching(
        hosts=frozenset({office.host("office.test")}),
        attempts=1,
        resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"],
    )
    assert fetcher.get(Request("GET", office.url("/table", "office.test"))).content == BODY


def test_proxies_of_the_environment_are_ignored(office, fetching, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    office.script("/table", pub.ok(BODY))
    assert fetching().get(ask(office)).content == BODY


@pytest.mark.parametrize(
    "url", ["http://", "http://[x/", "htp:/x", "table.px", "http://127.0.0.1:99999/", "http://a\nb/"]
)
def test_addresses_that_cannot_be_read_are_faults_with_a_remedy(office, fetching, url):
    with pytest.raises(FetchFailed) as told:
        fetching().get(Request("GET", url))
    assert told.value.remedy
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("entry", ["http://x", "x/y", "", "a b", "u@x"])
def test_hosts_are_hosts(entry):
    with pytest.raises(FetchFailed):
        Fetcher(FetchPolicy(hosts=frozenset({entry})))


@pytest.mark.parametrize("header", ["Host", "user-agent", "Accept-Encoding", "Range", "If-None-Match"])
def test_headers_that_the_fetcher_answers_for_cannot_be_set(office, fetching, header):
    with pytest.raises(FetchFailed, match=header):
        fetching().get(ask(office, headers={header: "x"}))


@pytest.mark.parametrize("limit", ["per_second", "concurrent", "total_seconds", "max_bytes", "attempts"])
def test_a_policy_without_a_limit_is_refused(limit):
    with pytest.raises(FetchFailed, match=limit):
        FetchPolicy(hosts=frozenset({"x"}), **{limit: 0})


# -- TLS --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    return issue_chain(tmp_path_factory.mktemp("certificates"), "office.test")


@pytest.fixture
def secure(chain: Chain, clock: Clock) -> Iterator[Publisher]:
    with Publisher(clock, certificate=chain.leaf_only) as server:
        server.script("/table", pub.ok(BODY))
        yield server


def to_loopback(host: str, port: int) -> list[str]:
    return ["127.0.0.1"]


def secure_fetcher(secure: Publisher, clock: Clock, extra: Path | None, *hosts: str) -> Fetcher:
    policy = policy_for(secure, extra_ca_pem=extra, hosts=frozenset(secure.host(host) for host in hosts))
    return Fetcher(policy, clock=clock, sleep=clock.sleep, resolver=to_loopback)


def test_an_incomplete_chain_is_completed_by_the_declared_certificate(secure, clock, chain):
    with secure_fetcher(secure, clock, chain.root_and_intermediate, "office.test") as fetcher:
        assert fetcher.get(Request("GET", secure.url("/table", "office.test"))).content == BODY
    assert secure.asked[0].server_name == "office.test"


@pytest.mark.parametrize("declared", ["nothing", "root", "intermediate"])
def test_without_a_whole_chain_to_a_trusted_root_nothing_is_asked(secure, clock, chain, declared):
    extra = {"nothing": None, "root": chain.root, "intermediate": chain.intermediate}[declared]
    with (
        secure_fetcher(secure, clock, extra, "office.test") as fetcher,
        pytest.raises(FetchFailed, match="cannot be verified") as told,
    ):
        fetcher.get(Request("GET", secure.url("/table", "office.test")))
    assert "extra_ca_pem" in told.value.remedy
    assert (secure.asked, clock.waits) == ([], [])


def test_a_certificate_of_another_name_is_refused(secure, clock, chain):
    with (
        secure_fetcher(secure, clock, chain.root_and_intermediate, "other.test") as fetcher,
        pytest.raises(FetchFailed, match="cannot be verified"),
    ):
        fetcher.get(Request("GET", secure.url("/table", "other.test")))
    assert secure.asked == []


def test_a_redirect_from_https_to_http_is_refused(secure, office, clock, chain):
    secure.script("/table", pub.redirect(302, office.url("/table", "office.test")))
    policy = policy_for(
        secure,
        extra_ca_pem=chain.root_and_intermediate,
        hosts=frozenset({secure.host("office.test"), office.host("office.test")}),
    )
    with (
        Fetcher(policy, clock=clock, sleep=clock.sleep, resolver=to_loopback) as fetcher,
        pytest.raises(FetchFailed, match="from https to http"),
    ):
        fetcher.get(Request("GET", secure.url("/table", "office.test")))
    assert office.asked == []


def test_an_extra_certificate_that_cannot_be_read_is_named(tmp_path, office):
    broken = tmp_path / "extra.pem"
    for content in (None, b"not a certificate"):
        if content is not None:
            broken.write_bytes(content)
        with pytest.raises(FetchFailed, match=r"extra\.pem"):
            Fetcher(policy_for(office, extra_ca_pem=broken))


# -- secrets ----------------------------------------------------------------------------------------------------------


def faults_with_secrets(office: Publisher) -> dict[str, tuple[pub.Answer, ...]]:
    return {
        "refused": (pub.status(403, body=SECRET.encode()),),
        "busy": (pub.status(503),),
        "broken": (pub.truncated(SECRET.encode() * 100),),
        "redirected away": (pub.redirect(302, f"http://evil.test/?apiKey={SECRET}"),),
        "host made of it": (pub.redirect(302, f"http://{SECRET}.test/"),),
        "location unreadable": (pub.redirect(302, f"http://[{SECRET}"),),
        "encoding made of it": (pub.ok(BODY, encoding=SECRET),),
        "then well": (pub.redirect(302, f"/final?apiKey={SECRET}"),),
    }


@pytest.mark.parametrize("case", faults_with_secrets(Publisher()))
def test_secrets_are_in_no_log_no_error_and_no_provenance(office, fetching, archive, caplog, case):
    caplog.set_level(logging.DEBUG)
    office.script("/table", *faults_with_secrets(office)[case])
    office.script("/final", pub.ok(BODY, etag='"v1"'))
    address = office.url(f"/table?source=all&apiKey={SECRET}&pin={SECRET}").replace("//", f"//user:{SECRET}@")
    request = Request("GET", address, {"Authorization": SECRET, "X-Odd": "1"}, redact=frozenset({"pin"}))
    said = repr(request)
    hidden: list[BaseException | None] = []
    try:
        said += repr(archive.look("src", request, fetching()))
    except CrossingsError as fault:
        said += str(fault) + "".join(traceback.format_exception(fault))
        hidden = [fault.__context__, fault.__cause__]
    assert (case == "then well") == (hidden == [])
    assert not any(hidden)
    said += caplog.text + (archive.raw / "fetch-log.jsonl").read_text()
    assert SECRET in office.asked[0].target  # the publisher did get it
    assert SECRET not in said
    assert f"apiKey={REDACTED}&pin={REDACTED}" in said


def test_user_information_becomes_a_header_and_not_a_part_of_the_address(office, fetching):
    office.script("/table", pub.ok(BODY))
    fetched = fetching().get(Request("GET", office.url("/table").replace("//", "//user:pass@")))
    assert office.asked[0].headers["authorization"] == "Basic dXNlcjpwYXNz"
    assert "@" not in office.asked[0].headers["host"]
    assert fetched.final_url == office.url("/table")


def test_credentials_do_not_travel_to_another_host(office, fetching):
    hosts = frozenset({office.host("one.test"), office.host("two.test")})
    office.script("/table", pub.redirect(307, office.url("/final", "two.test")))
    office.script("/final", pub.ok(BODY))
    request = Request(
        "GET", office.url("/table", "one.test"), {"Authorization": "x", "X-Odd-Key": "y", "Accept-Language": "fi"}
    )
    fetching(hosts=hosts, resolver=to_loopback).get(request, Validators(etag='"v1"'))
    assert {"authorization", "x-odd-key"} <= set(office.asked[0].headers)
    assert {"authorization", "x-odd-key", "if-none-match"} & set(office.asked[1].headers) == set()
    assert office.asked[1].headers["accept-language"] == "fi"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "naïve ☃", f"{SECRET}\x00"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(office, fetching, value):
    with pytest.raises(FetchFailed, match="cannot be sent") as told:
        fetching().get(ask(office, headers={"X-Key": value}))
    assert value not in "".join(traceback.format_exception(told.value))
    assert office.asked == []


def test_a_short_query_is_shown_unless_it_holds_a_secret():
    plain = Request("POST", "https://x/", {}, b'{"query":[{"code":"Month"}]}')
    assert plain.shown_body == '{"query":[{"code":"Month"}]}'
    for body in (b"p_id=1&apiKey=abcd", b'{"pin": "abcd"}', b"\xff\xfe", bytes(5000), b"p%69n=abcd"):
        assert Request("POST", "https://x/", {}, body, frozenset({"PIN"})).shown_body is None


def test_two_questions_have_one_key_only_if_they_ask_the_same():
    asked = Request("POST", "https://x/t?apiKey=1", {}, b"a")
    assert asked.key == replace(asked, url="https://x/t?apiKey=2").key
    assert len({asked.key, replace(asked, body=b"b").key, replace(asked, url="https://x/u").key}) == 3


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.from_regex(r"[A-Z0-9%*;,\"]{6,12}", fullmatch=True))
    )
)
def test_redaction_touches_the_secret_values_and_nothing_else(pairs):
    query = "&".join(f"{name}={value}" for name, value in [*pairs, ("ApiKey", "SECRETVALUE")])
    shown = redacted_url(f"https://office.example/a b,c?{query}#part", {"c"})
    assert "SECRETVALUE" not in shown
    expected = [(name, REDACTED if name in ("c", "auth", "token") else value) for name, value in pairs]
    assert shown.partition("?")[2] == "&".join(f"{name}={value}" for name, value in [*expected, ("ApiKey", REDACTED)])


def test_what_a_publisher_writes_cannot_break_a_log_line(office, fetching, caplog):
    office.script("/table", pub.redirect(302, "http://evil.test/%0aforged"))
    with pytest.raises(FetchFailed) as told:
        fetching().get(ask(office))
    assert re.fullmatch(r"[^\x00-\x1f]+", str(told.value))
    assert all("\n" not in record.getMessage() for record in caplog.records)
