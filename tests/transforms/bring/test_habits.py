"""Files in the shapes of 26 publishers become sources with at most three questions; others are refused with advice."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pytest
from habits import HABITS, Habit

from crossings.errors import CrossingsError
from crossings.source.reader import build_source, load_labels
from transforms.bring.draft import Answers, Draft, draft
from transforms.parse import registry
from transforms.parse.contract import Parsed, Payload

ROOT = Path(__file__).resolve().parents[3]
COMING_IN = [h for h in HABITS if not h.refused]


@cache
def labels() -> dict[str, dict[str, str]]:
    return load_labels(ROOT / "data" / "reference" / "labels.csv")


def payload(name: str, content: bytes) -> Payload:
    return Payload(content, hashlib.sha256(content).hexdigest(), name)


def answered(habit: Habit) -> tuple[Draft, list[str]]:
    """The draft after all questions were answered as the habit says, and the keys of the questions."""
    answers, asked = Answers(), list[str]()
    while True:
        found = draft(payload(habit.name, habit.content), "brought", answers, labels(), {})
        if not found.open:
            return found, asked
        question = found.open[0]
        assert question.key in habit.answers, f"{habit.name} was asked: {question}"
        assert question.key not in asked, f"{habit.name} was asked twice: {question}"
        asked.append(question.key)
        answers = answers.told(question.key, habit.answers[question.key])


def brought(habit: Habit) -> Parsed:
    found, _ = answered(habit)
    spec = build_source(found.document, "brought.yaml", labels())
    return registry.parse([payload(habit.name, habit.content)], spec)


@pytest.mark.parametrize("habit", COMING_IN, ids=lambda h: h.name)
def test_a_file_comes_in_with_at_most_three_questions_and_its_own_figures(habit: Habit) -> None:
    _, asked = answered(habit)
    parsed = brought(habit)
    rows = parsed.observations.to_dict("records")
    found = {(str(r["period_start"]), r["country"], r["direction"], r["citizenship"], r["value"]) for r in rows}
    assert set(asked) == set(habit.answers)
    assert len(asked) <= 3
    assert set(habit.expected) <= found
    assert len(rows) == habit.rows
    assert parsed.rejected.empty


@pytest.mark.parametrize("habit", [h for h in HABITS if h.refused], ids=lambda h: h.name)
def test_a_file_without_a_table_is_refused_with_what_to_do(habit: Habit) -> None:
    with pytest.raises(CrossingsError, match=habit.refused):
        draft(payload(habit.name, habit.content), "brought", Answers(), labels(), {})


def test_there_are_the_habits_of_25_publishers() -> None:
    assert len(COMING_IN) >= 25


def test_the_commonest_file_is_asked_for_what_it_counts_alone() -> None:
    plain = next(h for h in HABITS if h.name == "plain.csv")
    found = draft(payload(plain.name, plain.content), "brought", Answers(), labels(), {})
    assert [question.key for question in found.open] == ["counts"]


@pytest.mark.parametrize("answer", ["entrances", "entries of Atlantis"])
def test_an_answer_without_a_meaning_is_refused(answer: str) -> None:
    plain = next(h for h in HABITS if h.name == "plain.csv")
    with pytest.raises(CrossingsError):
        draft(payload(plain.name, plain.content), "brought", Answers(counts=answer), labels(), {})


def test_months_that_may_be_quarters_are_asked_about() -> None:
    text = "country,period,value\nARM,2022/1,10\nARM,2022/2,20\nARM,2022/3,30\nARM,2022/4,44\n"
    found = draft(payload("x.csv", text.encode()), "brought", Answers(counts="permits of RUS"), labels(), {})
    assert [(q.key, [a for a, _ in q.choices]) for q in found.open] == [("freq", ["M", "Q"])]


def test_dates_seven_days_apart_are_asked_about_unless_they_are_mondays() -> None:
    text = "country,date,value\nFIN,2022-09-{},10\nFIN,2022-09-{},20\nFIN,2022-09-{},30\n"
    for days, keys in (((8, 15, 22), ["freq"]), ((5, 12, 19), [])):
        content = text.format(*(f"{d:02}" for d in days)).encode()
        found = draft(payload("x.csv", content), "brought", Answers(counts="entries of RUS"), labels(), {})
        assert [q.key for q in found.open] == keys


def test_a_column_that_splits_figures_is_never_passed_over() -> None:
    text = "country,date,reason,value\nFIN,2022-09-21,work,10\nFIN,2022-09-21,study,20\nFIN,2022-09-22,work,30\n"
    found = draft(payload("x.csv", text.encode()), "brought", Answers(counts="permits of RUS"), labels(), {})
    (question,) = found.open
    assert question.text.startswith("Column reason splits the figures")


def test_a_fiscal_year_is_asked_about() -> None:
    text = "fiscal year,month,value\n2021,OCT,41\n2021,NOV,44\n2022,OCT,355\n"
    answers = Answers(counts="detections", country="USA")
    found = draft(payload("x.csv", text.encode()), "brought", answers, labels(), {})
    assert [q.key for q in found.open] == ["year_starts"]
    spec = build_source(
        draft(payload("x.csv", text.encode()), "brought", answers.told("year_starts", "10"), labels(), {}).document,
        "brought.yaml",
        labels(),
    )
    parsed = registry.parse([payload("x.csv", text.encode())], spec)
    assert [str(day) for day in parsed.observations["period_start"]] == ["2020-10-01", "2020-11-01", "2021-10-01"]


def test_countries_beside_a_stated_country_are_asked_about() -> None:
    text = "country,month,value\nTotal,2022-09,100\nRussia,2022-09,90\nLatvia,2022-09,10\n"
    found = draft(payload("x.csv", text.encode()), "brought", Answers(counts="visits", country="EST"), labels(), {})
    (question,) = found.open
    assert [answer for answer, _ in question.choices] == [
        "country=citizenship",
        "country=counterpart",
        "country=country",
    ]


def test_one_of_several_columns_of_numbers_is_never_chosen_alone() -> None:
    text = "country,date,residents,visitors\nFIN,2022-09-21,1310,640\nFIN,2022-09-22,2270,7415\n"
    answers = Answers(counts="entries")
    (question,) = draft(payload("x.csv", text.encode()), "brought", answers, labels(), {}).open
    assert question.text.startswith("Several columns hold numbers")
    summed = draft(
        payload("x.csv", text.encode()), "brought", answers.told("as", "visitors,residents=sum"), labels(), {}
    )
    parsed = registry.parse([payload("x.csv", text.encode())], build_source(summed.document, "brought.yaml", labels()))
    assert list(parsed.observations["value"]) == [1950, 9685]
