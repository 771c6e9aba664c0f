"""What is made of mutated files: a source that reads them with counted rows, questions, or a fault with a remedy."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from habits import HABITS, Habit
from mutations import MUTATE

from crossings.errors import CrossingsError
from crossings.source.reader import build_source, load_labels
from transforms.bring.draft import Answers, draft
from transforms.parse import registry
from transforms.parse.contract import Payload

ROOT = Path(__file__).resolve().parents[3]
PORTIONS = [(0, 150), *(pytest.param((n, n + 950), marks=pytest.mark.long) for n in range(150, 5_850, 950))]


def attempts(portion: tuple[int, int]) -> Iterator[tuple[Habit, bytes]]:
    for number in range(*portion):
        chance = random.Random(number)
        habit = chance.choice(HABITS)
        yield habit, chance.choice(MUTATE)(habit.content, chance)


@pytest.mark.parametrize("portion", PORTIONS)
def test_a_mutated_file_is_read_asked_about_or_refused(portion: tuple[int, int]) -> None:
    labels = load_labels(ROOT / "data" / "reference" / "labels.csv")
    outcomes = {"read": 0, "asked": 0, "refused": 0}
    for habit, content in attempts(portion):
        payload = Payload(content, hashlib.sha256(content).hexdigest(), habit.name)
        answers = Answers()
        for key, answer in habit.answers.items():
            if key != "as":
                answers = answers.told(key, answer)
        try:
            found = draft(payload, "mutated", answers, labels, {})
            if found.open:
                outcomes["asked"] += 1
                assert all(question.text for question in found.open)
                continue
            parsed = registry.parse([payload], build_source(found.document, "mutated.yaml", labels))
        except CrossingsError as fault:
            outcomes["refused"] += bool(fault.remedy)
            continue
        counted = len(parsed.observations) + len(parsed.rejected) + parsed.unselected + parsed.summed
        assert parsed.considered == counted
        outcomes["read"] += 1
    assert all(outcomes.values()), outcomes
    assert sum(outcomes.values()) == portion[1] - portion[0], "every fault has a remedy"
