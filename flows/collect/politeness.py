"""Politeness towards one host: how many requests at a time, and how many per second.

In: the host, and the limits of the policy that asks. Out: a block of code that runs when it is its turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], None]


class HostGate:
    """Holds back requests so that one host sees no more of them than the policies allow.

    Shared by the threads, and by the fetchers of several sources that live on one host.
    """

    def __init__(self, clock: Clock = time.monotonic, sleep: Sleep = time.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._turn = threading.Condition()
        self._under_way: dict[str, int] = {}
        self._free_at: dict[str, float] = {}

    @contextmanager
    def slot(self, host: str, per_second: float, concurrent: int) -> Iterator[None]:
        """Wait for a place and for the host's next instant, and keep the place for the time of the block."""
        with self._turn:
            while self._under_way.get(host, 0) >= concurrent:
                self._turn.wait()
            self._under_way[host] = self._under_way.get(host, 0) + 1
            now = self._clock()
            start = max(now, self._free_at.get(host, now))
            self._free_at[host] = start + 1.0 / per_second
        try:
            if start > now:
                self._sleep(start - now)
            yield
        finally:
            with self._turn:
                self._under_way[host] -= 1
                self._turn.notify_all()

    def hold(self, host: str, seconds: float) -> None:
        """Let nobody ask this host for the given time: a publisher's Retry-After concerns all of us."""
        with self._turn:
            now = self._clock()
            self._free_at[host] = max(self._free_at.get(host, now), now + seconds)


PROCESS_GATE = HostGate()
