"""Where the fetcher goes, and where it does not: addresses, redirects, certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import publisher as pub
import pytest
from asking import BODY, Clock, ask, policy_for, to_loopback
from certificates import Chain, issue_chain
from publisher import Publisher

from crossings.errors import FetchFailed
from flows.collect.fetch import Fetcher, FetchPolicy, Request
from flows.collect.wire import is_public

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
        fetcher.fetch(Request("GET", office.url("/table", "office.test")))
    assert (asked, office.asked) == (["office.test"], [])


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_the_loopback_itself_is_refused_unless_a_test_says_so(office, fetching):
    office.script("/table", pub.ok(BODY))
    with pytest.raises(FetchFailed, match="not a public address"):
        fetching(allow_private=False).fetch(ask(office))
    assert office.asked == []


def test_a_redirect_to_a_private_address_is_refused(office, fetching):
    hosts = frozenset({office.host("office.test"), office.host("inner.test")})
    office.script("/table", pub.redirect(302, office.url("/secrets", "inner.test")))
    office.script("/secrets", pub.ok(BODY))
    fetcher = fetching(hosts=hosts, allow_private=frozenset({"office.test"}), resolver=lambda host, port: ["127.0.0.1"])
    with pytest.raises(FetchFailed, match=r"inner\.test leads to 127\.0\.0\.1"):
        fetcher.fetch(Request("GET", office.url("/table", "office.test")))
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
        fetching().fetch(ask(office))
    assert len(office.asked) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_within_the_named_hosts_are_followed_one_by_one(office, fetching, code):
    office.script("/table", pub.redirect(code, "moved?x=1"))
    office.script("/moved", pub.redirect(code, office.url("/final")))
    office.script("/final", pub.ok(BODY))
    fetched = fetching().fetch(ask(office))
    assert (fetched.content, fetched.final_url) == (BODY, office.url("/final"))
    assert [asked.target for asked in office.asked] == ["/table", "/moved?x=1", "/final"]


def test_redirects_in_a_ring_end(office, fetching):
    office.script("/table", pub.redirect(302, "/table"))
    with pytest.raises(FetchFailed, match="More than 5 redirects"):
        fetching().fetch(ask(office))
    assert len(office.asked) == 6


@pytest.mark.parametrize("location", ["", "http://[broken", "http://user:pass@127.0.0.1/", "http://a b/"])
def test_redirects_that_make_no_sense_are_faults(office, fetching, location):
    office.script("/table", pub.redirect(302, location))
    with pytest.raises(FetchFailed):
        fetching().fetch(ask(office))


@pytest.mark.parametrize(("code", "method"), [(303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirected_query_keeps_its_meaning(office, fetching, code, method):
    office.script("/table", pub.redirect(code, "/final"))
    office.script("/final", pub.ok(BODY))
    fetching().fetch(Request("POST", office.url("/table"), {}, b"{}"))
    assert (office.asked[1].method, office.asked[1].body) == (method, b"{}" if method == "POST" else b"")


@pytest.mark.parametrize("code", [301, 302])
def test_a_redirect_that_would_turn_a_query_into_another_is_refused(office, fetching, code):
    office.script("/table", pub.redirect(code, "/final"))
    with pytest.raises(FetchFailed, match=r"redirect .* of a POST"):
        fetching().fetch(Request("POST", office.url("/table"), {}, b"{}"))
    assert len(office.asked) == 1


def test_the_connection_goes_to_the_checked_address_under_the_publishers_name(office, fetching):
    # A name server that answers otherwise the second time is never asked a second time.
    answers = iter([["127.0.0.1"], ["203.0.113.66"]])
    office.script("/table", pub.ok(BODY))
    fetcher = fetching(hosts=frozenset({office.host("office.test")}), resolver=lambda host, port: next(answers))
    assert fetcher.fetch(Request("GET", office.url("/table", "office.test"))).content == BODY
    assert office.asked[0].headers["host"] == office.host("office.test")
    assert next(answers) == ["203.0.113.66"]


def test_the_next_address_is_tried_where_one_does_not_answer(office, fetching):
    office.script("/table", pub.ok(BODY))
    fetcher = fetching(
        hosts=frozenset({office.host("office.test")}),
        attempts=1,
        resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"],
    )
    assert fetcher.fetch(Request("GET", office.url("/table", "office.test"))).content == BODY


def test_proxies_of_the_environment_are_ignored(office, fetching, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    office.script("/table", pub.ok(BODY))
    assert fetching().fetch(ask(office)).content == BODY


@pytest.mark.parametrize(
    "url", ["http://", "http://[x/", "htp:/x", "table.px", "http://127.0.0.1:99999/", "http://a\nb/"]
)
def test_addresses_that_cannot_be_read_are_faults_with_a_remedy(office, fetching, url):
    with pytest.raises(FetchFailed) as told:
        fetching().fetch(Request("GET", url))
    assert told.value.remedy
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("entry", ["http://x", "x/y", "", "a b", "u@x"])
def test_hosts_are_hosts(entry):
    with pytest.raises(FetchFailed):
        Fetcher(FetchPolicy(hosts=frozenset({entry})))


@pytest.mark.parametrize("header", ["Host", "user-agent", "Accept-Encoding", "Range", "If-None-Match"])
def test_headers_that_the_fetcher_answers_for_cannot_be_set(office, fetching, header):
    with pytest.raises(FetchFailed, match=header):
        fetching().fetch(ask(office, headers={header: "x"}))


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


def secure_fetcher(secure: Publisher, clock: Clock, extra: Path | None, *hosts: str) -> Fetcher:
    policy = policy_for(secure, extra_ca_pem=extra, hosts=frozenset(secure.host(host) for host in hosts))
    return Fetcher(policy, clock=clock, sleep=clock.sleep, resolver=to_loopback)


def test_an_incomplete_chain_is_completed_by_the_declared_certificate(secure, clock, chain):
    with secure_fetcher(secure, clock, chain.root_and_intermediate, "office.test") as fetcher:
        assert fetcher.fetch(Request("GET", secure.url("/table", "office.test"))).content == BODY
    assert secure.asked[0].server_name == "office.test"


@pytest.mark.parametrize("declared", ["nothing", "root", "intermediate"])
def test_without_a_whole_chain_to_a_trusted_root_nothing_is_asked(secure, clock, chain, declared):
    extra = {"nothing": None, "root": chain.root, "intermediate": chain.intermediate}[declared]
    with (
        secure_fetcher(secure, clock, extra, "office.test") as fetcher,
        pytest.raises(FetchFailed, match="cannot be verified") as told,
    ):
        fetcher.fetch(Request("GET", secure.url("/table", "office.test")))
    assert "extra_ca_pem" in told.value.remedy
    assert (secure.asked, clock.waits) == ([], [])


def test_a_certificate_of_another_name_is_refused(secure, clock, chain):
    with (
        secure_fetcher(secure, clock, chain.root_and_intermediate, "other.test") as fetcher,
        pytest.raises(FetchFailed, match="cannot be verified"),
    ):
        fetcher.fetch(Request("GET", secure.url("/table", "other.test")))
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
        fetcher.fetch(Request("GET", secure.url("/table", "office.test")))
    assert office.asked == []


def test_an_extra_certificate_that_cannot_be_read_is_named(tmp_path, office):
    broken = tmp_path / "extra.pem"
    for content in (None, b"not a certificate"):
        if content is not None:
            broken.write_bytes(content)
        with pytest.raises(FetchFailed, match=r"extra\.pem"):
            Fetcher(policy_for(office, extra_ca_pem=broken))
