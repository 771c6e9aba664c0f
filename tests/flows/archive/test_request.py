"""What is printed and stored of a question: everything that explains it, and no secret."""

from __future__ import annotations

import logging
import re
import traceback
from dataclasses import replace

import publisher as pub
import pytest
from asking import BODY, ask, to_loopback
from hypothesis import given
from hypothesis import strategies as st
from publisher import Publisher

from crossings.errors import CrossingsError, FetchFailed
from crossings.source.model import Address
from flows.archive.request import REDACTED, redacted_url, request_of
from flows.collect.fetch import Request, Validators
from transforms.parse.contract import Question

SECRET = "k3y-0f-the-0ffice"


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
    fetched = fetching().fetch(Request("GET", office.url("/table").replace("//", "//user:pass@")))
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
    fetching(hosts=hosts, resolver=to_loopback).fetch(request, Validators(etag='"v1"'))
    assert {"authorization", "x-odd-key"} <= set(office.asked[0].headers)
    assert {"authorization", "x-odd-key", "if-none-match"} & set(office.asked[1].headers) == set()
    assert office.asked[1].headers["accept-language"] == "fi"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "naïve ☃", f"{SECRET}\x00"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(office, fetching, value):
    with pytest.raises(FetchFailed, match="cannot be sent") as told:
        fetching().fetch(ask(office, headers={"X-Key": value}))
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
        fetching().fetch(ask(office))
    assert re.fullmatch(r"[^\x00-\x1f]+", str(told.value))
    assert all("\n" not in record.getMessage() for record in caplog.records)


def asked_of(url="https://office.example/a b/table.px?x=1 2", base_url=None, *, query=None, body=None, **more):
    return request_of(Question("data", Address(role="data", url=url, **more), query, body), base_url)


def test_a_question_becomes_a_request_letter_by_letter_except_for_blanks():
    request = asked_of(headers={"X-Requested-With": "XMLHttpRequest"})
    assert (request.method, request.url) == ("GET", "https://office.example/a%20b/table.px?x=1%202")
    assert (request.headers, request.body) == ({"X-Requested-With": "XMLHttpRequest"}, None)
    spelled = asked_of("https://office.example/api", query="ifile=/DATABASE/02*;X&Maa=RU%22FI&Aika==FIRST*;12")
    assert spelled.url == "https://office.example/api?ifile=/DATABASE/02*;X&Maa=RU%22FI&Aika==FIRST*;12"


def test_a_posted_question_says_what_it_posts():
    planned = asked_of(method="POST", body=b'{"query":[]}')
    assert (planned.body, planned.headers["Content-Type"]) == (b'{"query":[]}', "application/json")
    form = asked_of(method="POST", form={"index": "57", "lang": "ru"})
    assert form.body == b"index=57&lang=ru"
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked_of(method="POST").body == b""


def test_a_served_copy_is_asked_for_the_same_path():
    assert asked_of(base_url="http://127.0.0.1:8765").url == "http://127.0.0.1:8765/a%20b/table.px?x=1%202"
