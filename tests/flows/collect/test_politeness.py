"""One host sees no more requests at a time and a second than its sources allow."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import publisher as pub
import pytest
from asking import BODY, ask, policy_for
from publisher import Asked, Line

from crossings.errors import FetchFailed
from flows.collect.fetch import Fetcher
from flows.collect.politeness import HostGate


def test_no_more_requests_are_under_way_than_the_policy_allows(office, fetching):
    pairs = threading.Barrier(2)

    def in_pairs(line: Line, asked: Asked) -> None:
        pairs.wait(timeout=300)  # passes only when two are under way together
        pub.ok(BODY)(line, asked)

    office.script("/table", in_pairs)
    fetcher = fetching(concurrent=2)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: fetcher.fetch(ask(office)).content, range(8)))
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
        list(threads.map(lambda number: (one, other)[number % 2].fetch(ask(office)), range(8)))
    arrived = sorted(asked.at for asked in office.asked)
    assert [later - earlier for earlier, later in pairwise(arrived)] == [2.0] * 7


def test_retry_after_concerns_the_next_question_too(office, fetching, clock):
    office.script("/busy", pub.status(429, Retry_After=30))
    office.script("/table", pub.ok(BODY))
    fetcher = fetching(attempts=1)
    with pytest.raises(FetchFailed, match="answered 429"):
        fetcher.fetch(ask(office, "/busy"))
    fetcher.fetch(ask(office))
    assert office.asked[1].at - office.asked[0].at == 30


def test_a_held_host_does_not_hold_up_another(clock):
    gate = HostGate(clock, clock.sleep)
    gate.hold("office", 30.0)
    with gate.slot("office", 1.0, 1):
        assert clock() == 1030.0
    with gate.slot("elsewhere", 1.0, 1):
        assert clock() == 1030.0
