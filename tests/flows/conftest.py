"""A publisher, a clock, an archive, and fetchers that are closed after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asking import Clock, policy_for
from publisher import Publisher

from flows.archive.archive import Archive
from flows.collect.fetch import Fetcher


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def office(clock: Clock) -> Iterator[Publisher]:
    with Publisher(clock) as server:
        yield server


@pytest.fixture
def fetching(office: Publisher, clock: Clock, tmp_path: Path) -> Iterator[Callable[..., Fetcher]]:
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
