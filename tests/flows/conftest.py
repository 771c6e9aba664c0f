"""A publisher, a clock that only sleeping moves, and fetchers that are closed after each test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from publisher import Publisher

from flows.fetch import Fetcher, FetchPolicy


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
