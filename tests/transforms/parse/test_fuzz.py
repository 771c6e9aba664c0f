"""Mutated payloads end in counted rows or in a fault with a remedy, never in anything else.

Each mutation is derived from its number, so a failure can be repeated: a few hundred in every run, ten thousand in
`make test-long`.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from mutations import MUTATE
from parse_support import payload, recorded, sources

from crossings.errors import CrossingsError
from transforms.parse.registry import parse

PORTIONS = [(0, 400), *(pytest.param((n, n + 1_200), marks=pytest.mark.long) for n in range(400, 10_000, 1_200))]


@pytest.fixture(scope="module")
def subjects():
    return [(spec, recorded(name)) for name, spec in sources().items() if not spec.by_hand]


def outcome(number, subjects):
    """What one mutation led to: `parsed` or `refused`."""
    dice = random.Random(number)
    spec, payloads = subjects[number % len(subjects)]
    which = dice.randrange(len(payloads))
    body = dice.choice(MUTATE)(payloads[which].content, dice)
    mutated = [*payloads[:which], replace(payload(body), name=payloads[which].name), *payloads[which + 1 :]]
    parsed = fault = None
    try:
        parsed = parse(mutated, spec)
    except CrossingsError as told:
        fault = told
    if parsed is None:
        assert fault.remedy
        assert len(str(fault)) < 3_000
        return "refused"
    assert parsed.considered == len(parsed.observations) + len(parsed.rejected) + parsed.unselected
    assert parsed.considered > 0
    return "parsed"


@pytest.mark.parametrize("portion", PORTIONS, ids=lambda p: f"{p[0]} to {p[1]}")
def test_every_mutation_is_counted_or_refused(portion, subjects):
    seen = {"parsed": 0, "refused": 0}
    for number in range(*portion):
        try:
            seen[outcome(number, subjects)] += 1
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is the finding
            pytest.fail(f"mutation {number} of {subjects[number % len(subjects)][0].id}: {fault!r}")
    assert min(seen.values()) > 0


def test_a_mutation_is_repeatable(subjects):
    assert [outcome(n, subjects) for n in range(32)] == [outcome(n, subjects) for n in range(32)]
