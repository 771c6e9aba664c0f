"""Files in the shapes of 26 publishers become sources with at most three questions; others are refused with advice."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import pytest
from habits import HABITS, Habit

from crossings.errors import CrossingsError
from crossings.source.reader import build_source, load_labels
from transforms.bring.draft import Answers, Draft, doubtful, draft
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


NOT_GUESSED = {
    "origins that would fall into one series": (
        "Country of destination,Country of origin,Month,Persons\nGeorgia,Russia,2022-09,5\nGeorgia,Turkey,2022-09,6\n", {}, "as"),
    "a second column of countries": (
        "country,month,border,entries\nGEO,2022-09,Russia,5\nGEO,2022-09,Turkey,6\nGEO,2022-10,Russia,5\n", {}, "as"),
    "a scale in the name of the figures": (
        "Country,Month,Arrivals (in thousands)\nFinland,2022-09,12\nFinland,2022-10,13\n", {}, "unit"),
    "a scale in a column of units": (
        "Country,Month,Unit,Arrivals\nFinland,2022-09,Thousand,12\nFinland,2022-10,Thousand,13\n", {}, "unit"),
    "a scale in a title": ("Arrivals; thousand persons\n\ncountry,month,value\nFIN,2022-09,12\nFIN,2022-10,13\n", {}, "unit"),
    "a mean": ("Country,Month,Daily average entries\nGeorgia,2022-09,7400\nGeorgia,2022-10,3700\n", {}, "statistic"),
    "a running total by its name": ("country,date,cumulative\nPOL,2022-03-01,400\nPOL,2022-03-02,300\n", {}, "statistic"),
    "a running total by its growth": (
        "country,date,value\n" + "".join(f"POL,2022-03-{d:02},{400 + 90 * d - d * d}\n" for d in range(1, 12)), {}, "statistic"),
    "a total that starts anew each year": (
        "country,month,value\n" + "".join(f"POL,{y}-{m:02},{100 * m + y - 2020}\n" for y in (2021, 2022) for m in range(1, 13)),
        {}, "statistic"),
    "points that may be decimals": ("month,country,entries\n2022-09,Georgia,1.234\n2022-10,Georgia,2.045\n", {}, "marks"),
    "a figure in words beside a share": (
        "country,month,visitors,share\nGEO,2022-09,12 persons,12\nGEO,2022-10,13 persons,11\n", {}, "as"),
    "a total that is a part of others": (
        "country,month,Persons,of which Russians\nGEO,2022-09,100,40\nGEO,2022-10,90,30\n", {}, "as"),
}  # fmt: skip
REFUSED = {
    "last days that make other periods": (
        "country,start,end,entries\nGEO,2022-09-21,2022-10-05,120000\nGEO,2022-10-06,2022-10-12,40000\n", {}, "make no"),
    "rows from one country to another": (
        "date,from,to,count\n2022-09-21,Russia,Georgia,100\n2022-09-22,Georgia,Russia,80\n",
        {"country": "GEO"}, "one country to another"),
    "the other direction": (
        "Country,Month,Arrivals\nGeorgia,2022-09,100\nGeorgia,2022-10,200\n", {"counts": "exits"}, "--counts says"),
}  # fmt: skip


def test_a_column_of_indicators_may_be_directions_of_which_others_are_left_out() -> None:
    text = "country,month,indicator,value\n" + "".join(
        f"GEO,2022-{m:02},{what},{m * k}\n"
        for m in (9, 10)
        for k, what in ((3, "Entries"), (2, "Exits"), (1, "Entries of Russian citizens"))
    )
    (question,) = draft(payload("x.csv", text.encode()), "brought", Answers(counts="crossings"), labels(), {}).open
    assert "indicator=direction" in [answer for answer, _ in question.choices]
    answers = Answers(counts="crossings").told("as", "indicator=direction")
    found = draft(payload("x.csv", text.encode()), "brought", answers, labels(), {})
    assert ("left out", "indicator: Entries of Russian citizens") in found.facts
    parsed = registry.parse([payload("x.csv", text.encode())], build_source(found.document, "brought.yaml", labels()))
    assert sorted(zip(parsed.observations["direction"], parsed.observations["value"], strict=True)) == [
        ("entry", 27), ("entry", 30), ("exit", 18), ("exit", 20)
    ]  # fmt: skip


def test_words_of_status_become_codes_and_others_are_asked_about() -> None:
    text = "date,country,status,count\n2022-09-21,GEO,final,10\n2022-09-22,GEO,{},12\n"
    known = draft(
        payload("x.csv", text.format("provisional").encode()), "brought", Answers(counts="entries"), labels(), {}
    )
    parsed = registry.parse(
        [payload("x.csv", text.format("provisional").encode())], build_source(known.document, "brought.yaml", labels())
    )
    assert list(parsed.observations["obs_status"]) == ["A", "P"]
    asked = draft(
        payload("x.csv", text.format("forecast").encode()), "brought", Answers(counts="entries"), labels(), {}
    )
    assert "is every row a count?" in asked.open[0].text


@pytest.mark.parametrize("case", NOT_GUESSED)
def test_what_a_file_leaves_open_is_asked_first(case: str) -> None:
    content, said, key = NOT_GUESSED[case]
    answers = Answers(**{"counts": "entries", **said})
    found = draft(payload("x.csv", content.encode()), "brought", answers, labels(), {}).open
    if not found:
        document = draft(payload("x.csv", content.encode()), "brought", answers, labels(), {}).document
        found = tuple(
            doubtful(
                registry.parse([payload("x.csv", content.encode())], build_source(document, "brought.yaml", labels()))
            )
        )
    assert [question.key for question in found][:1] == [key]
    assert not any("=sum" in answer for question in found for answer, _ in question.choices if "of which" in answer)


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_file_contradicts_is_refused(case: str) -> None:
    content, said, words = REFUSED[case]
    with pytest.raises(CrossingsError, match=words):
        draft(payload("x.csv", content.encode()), "brought", Answers(**{"counts": "entries", **said}), labels(), {})


def test_of_several_lists_in_a_document_one_must_be_named() -> None:
    text = '{"entries": [{"date": "2022-09-21", "value": 1}], "exits": [{"date": "2022-09-21", "value": 3}]}'
    with pytest.raises(CrossingsError, match="/entries, /exits"):
        draft(payload("x.json", text.encode()), "brought", Answers(counts="entries", country="GEO"), labels(), {})
    answers = Answers(counts="exits", country="GEO", freq="D", path="/exits")
    found = draft(payload("x.json", text.encode()), "brought", answers, labels(), {})
    parsed = registry.parse([payload("x.json", text.encode())], build_source(found.document, "brought.yaml", labels()))
    assert list(parsed.observations["value"]) == [3]


def test_groups_of_countries_are_left_out_and_said() -> None:
    text = "geo,month,value\nEU27_2020,2022-09,9000\nDE,2022-09,4000\nFR,2022-09,5000\n"
    found = draft(payload("x.csv", text.encode()), "brought", Answers(counts="permits of RUS"), labels(), {})
    assert ("left out", "geo: EU27_2020") in found.facts
    parsed = registry.parse([payload("x.csv", text.encode())], build_source(found.document, "brought.yaml", labels()))
    assert sorted(parsed.observations["country"]) == ["DEU", "FRA"]


def test_thousands_may_be_set_apart_by_unbreakable_blanks() -> None:
    text = "Country;Month;Entries\nGeorgia;2022-09;1\u00a0234\nGeorgia;2022-10;12\u202f345\n"
    found = draft(payload("x.csv", text.encode()), "brought", Answers(counts="entries of RUS"), labels(), {})
    parsed = registry.parse([payload("x.csv", text.encode())], build_source(found.document, "brought.yaml", labels()))
    assert list(parsed.observations["value"]) == [1234, 12345]
