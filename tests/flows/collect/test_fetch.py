"""The fetcher against a publisher on real sockets: what it keeps, what it tries again, and where it stops."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import publisher as pub
import pytest
from asking import BODY, ask, policy_for

from crossings import __version__
from crossings.errors import FetchFailed
from flows.collect.fetch import Fetcher, Request, Validators, user_agent

# -- answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_comes_with_its_digest_its_validators_and_an_honest_name(office, fetching):
    office.script("/table", pub.ok(BODY, etag='"v1"', last_modified="Wed, 28 Sep 2022 05:00:00 GMT"))
    fetched = fetching().fetch(ask(office))
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
    fetched = fetching().fetch(ask(office), known)
    assert (fetched.status, fetched.content, fetched.path) == ("not_modified", b"", None)
    assert (fetched.etag, fetched.attempts, len(office.asked)) == ('"v1"', 1, 1)


def test_304_without_a_condition_is_a_fault(office, fetching):
    office.script("/table", pub.raw(pub.head(304)))
    with pytest.raises(FetchFailed) as told:
        fetching().fetch(ask(office))
    assert told.value.status == 304


def test_a_query_is_posted_as_it_stands_and_without_validators(office, fetching):
    office.script("/table", pub.ok(BODY))
    query = b'{"query":[],"response":{"format":"json-stat2"}}'
    request = Request("POST", office.url("/table"), {"Content-Type": "application/json"}, query)
    fetching().fetch(request, Validators(etag='"v1"'))
    assert office.asked[0].method == "POST"
    assert office.asked[0].body == query
    assert "if-none-match" not in office.asked[0].headers


def test_addresses_reach_the_publisher_letter_by_letter(office, fetching):
    # Uljas writes a space as `*;` and joins codes with a quote; nothing of that may be re-encoded.
    office.script("/uljas/graph/api.aspx", pub.ok(BODY))
    target = "/uljas/graph/api.aspx?lang=en&ifile=/DATABASE/02*;LOGISTIIKKA,X/09&Maa=RU%22FI&Aika==FIRST*;12"
    fetching().fetch(ask(office, target))
    assert office.asked[0].target == target


def test_an_error_page_with_status_200_is_for_the_parsers_to_judge(office, fetching):
    page = b"<html><body>Service unavailable</body></html>"
    office.script("/table", pub.ok(page, "text/html"))
    fetched = fetching().fetch(ask(office))
    assert (fetched.content, fetched.media_type) == (page, "text/html")


def test_spooled_answers_are_gone_when_the_fetcher_closes(office, clock, tmp_path):
    office.script("/table", pub.ok(BODY))
    with Fetcher(policy_for(office), clock=clock, sleep=clock.sleep, spool=tmp_path) as fetcher:
        path = fetcher.fetch(ask(office)).path
        assert path.is_file()
    assert list(tmp_path.iterdir()) == []


def test_a_publisher_that_keeps_its_line_open_is_read_to_the_announced_end(office, fetching):
    office.script("/table", pub.kept_open(BODY))
    assert fetching().fetch(ask(office)).content == BODY


def test_interim_answers_are_passed_over(office, fetching):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 2
    office.script("/table", pub.raw(interim + pub.head(200, Content_Length=len(BODY)) + BODY))
    assert fetching().fetch(ask(office)).content == BODY


def test_a_body_of_unknown_length_ends_with_the_connection(office, fetching):
    office.script("/table", pub.raw(b"HTTP/1.0 200 OK\r\n\r\n" + BODY))
    assert fetching().fetch(ask(office)).content == BODY


# -- faults that may pass ---------------------------------------------------------------------------------------------


def test_retry_after_in_seconds_is_honoured(office, fetching, clock):
    office.script("/table", pub.status(429, Retry_After=17), pub.ok(BODY))
    fetched = fetching().fetch(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 2)
    assert office.asked[1].at - office.asked[0].at >= 17
    assert 17 <= sum(clock.waits) < 30


def test_retry_after_as_a_date_is_read_on_the_publishers_clock(office, fetching, clock):
    said = datetime(2031, 1, 1, 12, 0, tzinfo=UTC)
    until = format_datetime(said + timedelta(seconds=40), usegmt=True)
    office.script("/table", pub.status(503, Retry_After=until, Date=format_datetime(said, usegmt=True)), pub.ok(BODY))
    fetching().fetch(ask(office))
    assert office.asked[1].at - office.asked[0].at >= 40


def test_a_publisher_that_asks_for_hours_is_left_alone(office, fetching, clock):
    office.script("/table", pub.status(429, Retry_After=7200), pub.ok(BODY))
    with pytest.raises(FetchFailed, match="7200 s") as told:
        fetching().fetch(ask(office))
    assert (told.value.status, len(office.asked), clock.waits) == (429, 1, [])


@pytest.mark.parametrize("nonsense", ["soon", "-5", "9" * 5000, "Wed, 99 Foo 2022", "\x7f"])
def test_an_illegible_retry_after_means_the_usual_wait(office, fetching, clock, nonsense):
    office.script("/table", pub.status(503, Retry_After=nonsense), pub.ok(BODY))
    assert fetching().fetch(ask(office)).content == BODY
    assert len(clock.waits) == 1


def test_500_is_tried_again_after_growing_waits_with_jitter(office, fetching, clock):
    office.script("/table", pub.status(500), pub.status(500), pub.ok(BODY))
    fetched = fetching(retry_initial_seconds=10.0).fetch(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 3)
    first, second = clock.waits
    assert 10 < first < 20
    assert 20 < second < 40


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 418, 204, 206])
def test_other_answers_are_not_tried_again(office, fetching, clock, code):
    office.script("/table", pub.raw(pub.head(code, Content_Length=0)))
    with pytest.raises(FetchFailed) as told:
        fetching().fetch(ask(office))
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
    fetched = fetching().fetch(ask(office))
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
    assert [look.sha256 for look in archive.looks("src") if look.outcome == "new"] == [before.sha256]
    assert archive.damaged() == []
    after = archive.look("src", ask(office), fetcher)
    assert [look.outcome for look in archive.looks()] == ["new", "failed", "new"]
    assert archive.read(after.sha256) == BODY


def test_a_drip_ends_at_the_total_time_however_steady(office, fetching, clock):
    office.script("/table", pub.drip(bytes(20), pause=lambda: clock.sleep(20)), pub.ok(BODY))
    fetched = fetching(total_seconds=300.0, read_seconds=60.0).fetch(ask(office))
    assert (fetched.content, fetched.attempts) == (BODY, 2)


def test_silence_ends_at_the_total_time_where_that_comes_first(office, fetching, clock):
    office.script("/table", pub.silent(BODY * 10, before=lambda: clock.sleep(299.9)))
    with pytest.raises(FetchFailed, match="fell silent"):
        fetching(total_seconds=300.0, read_seconds=600.0, attempts=1).fetch(ask(office))


def test_silence_in_mid_body_ends_at_the_read_time(office, fetching):
    office.script("/table", pub.silent(BODY * 10))
    with pytest.raises(FetchFailed, match=r"fell silent.*\(2 tries\)"):
        fetching(read_seconds=1.0, attempts=2).fetch(ask(office))
    assert len(office.asked) == 2


def test_a_port_where_nobody_listens_is_a_fault_with_a_remedy(office, fetching):
    with pytest.raises(FetchFailed, match="No connection") as told:
        fetching(hosts=frozenset({"127.0.0.1:1"})).fetch(Request("GET", "http://127.0.0.1:1/"))
    assert "network" in told.value.remedy


def test_a_name_that_does_not_resolve_is_a_fault(office, fetching):
    with pytest.raises(FetchFailed, match="does not resolve"):
        fetching(hosts=frozenset({"office.invalid"}), resolver=lambda host, port: []).fetch(
            Request("GET", "http://office.invalid/")
        )


# -- limits -----------------------------------------------------------------------------------------------------------


def test_a_length_beyond_the_limit_is_refused_before_the_body_is_read(office, fetching):
    office.script("/table", pub.raw(pub.head(200, Content_Length=2**31)))
    with pytest.raises(FetchFailed, match="announces 2147483648 bytes"):
        fetching().fetch(ask(office))
