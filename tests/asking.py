"""What the tests of the fetcher ask with: a clock that only sleeping moves, a policy for one publisher, a question."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

from publisher import Publisher

from flows.collect.fetch import FetchPolicy, Request

BODY = json.dumps({"value": [1, 2, 3]}).encode()


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


def policy_for(office: Publisher, **changes: object) -> FetchPolicy:
    policy = FetchPolicy(hosts=frozenset({office.host()}), per_second=1e6, allow_private=True, attempts=3)
    return replace(policy, **changes)


def ask(office: Publisher, path: str = "/table", **more: object) -> Request:
    return Request("GET", office.url(path), **more)


def to_loopback(host: str, port: int) -> list[str]:
    """A name server that knows one address."""
    return ["127.0.0.1"]
