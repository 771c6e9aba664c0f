"""Models refuse what they do not know; codes belong to their lists."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from crossings.source.closed import Closed, Names, Texts, checked_code


class Example(Closed):
    names: Names
    texts: Texts = ()
    number: int = 0


def test_one_text_is_a_list_of_one():
    assert Example(names="Month", texts=["a", "b"]) == Example(names=("Month",), texts=("a", "b"))


@pytest.mark.parametrize(
    "said", [{"names": []}, {"names": "a", "colour": "red"}, {"names": "a", "number": "1"}, {"names": 5}]
)
def test_what_is_unknown_or_of_another_type_is_refused(said):
    with pytest.raises(ValidationError):
        Example.model_validate(said)


def test_nothing_changes_once_it_is_read():
    with pytest.raises(ValidationError, match="frozen"):
        Example(names="a").number = 2


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("country", "FIN"),
        ("direction", "entry"),
        ("scope", "checkpoint:vaalimaa"),
        ("scope", "national"),
        ("measure", "trips"),
    ],
)
def test_a_code_of_its_list_or_pattern_is_itself(field, code):
    assert checked_code(field, code) == code


@pytest.mark.parametrize(
    ("field", "code", "known"),
    [("country", "Finland", "three capital letters"), ("direction", "in", "entry"), ("scope", "Everywhere", "known:")],
)
def test_another_code_is_told_with_those_that_are_known(field, code, known):
    with pytest.raises(ValueError, match=f"{code!r} is no code of {field}; .*{known}"):
        checked_code(field, code)
