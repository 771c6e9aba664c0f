"""A statement that is set aside for its spelling is told which field, which text, and what would be read."""

from __future__ import annotations

import pytest
from statements import settled, statement


def set_aside(**changes: str) -> tuple[str, str]:
    """Rule and reason of the one row, which is set aside as received."""
    _, found = settled(statement(**changes))
    assert len(found.reports) == 0
    (row,) = found.quarantine.to_dict("records")
    assert all(f'"{text}"' in row["record"] for text in changes.values() if text and '"' not in text)
    return row["rule"], row["reason"]


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("country", "Finland", "'Finland' in country is no country code; FIN is"),
        ("country", "Suomi", "'Suomi' in country is no country code; FIN is"),
        ("country", "GE", "'GE' in country is no country code; GEO is"),
        ("country", "Казахстан", "'Казахстан' in country is no country code; KAZ is"),
        ("counterpart", "Russian Federation", "'Russian Federation' in counterpart is no country code; RUS is"),
        ("country", "Ruritania", "unknown country code"),
        ("counterpart", "Ruritania", "unknown country code in counterpart"),
    ],
)
def test_a_country_by_its_name_is_told_its_code(field: str, text: str, says: str) -> None:
    rule, reason = set_aside(**{field: text, "timezone": ""})
    assert rule == "V02"
    assert reason.startswith(says)


@pytest.mark.parametrize(
    ("field", "text", "rule", "form"),
    [
        ("period_start", "25.09.2022", "V04", "dates are read as 2023-09-25"),
        ("period_end", "2022-09-25 00:00:00", "V04", "dates are read as 2023-09-25"),
        ("period_start", "9/25/2022", "V04", "dates are read as 2023-09-25"),
        ("recorded_on", "2022-9-27", "V04", "dates are read as 2023-09-25"),
        ("published_on", "Sept 2022", "V04", "days of publication are read as 2023-09-25, 2023-09 or 2023"),
        ("value", "8,314", "V01", "figures are read as 7743, without marks"),
        ("value", "8 314", "V01", "figures are read as 7743, without marks"),
        ("value", "8'314", "V01", "figures are read as 7743, without marks"),
        ("value", "8.314", "V01", "figures are read as 7743, without marks"),
        ("period_end", "2022-02-30", "V04", "there is no such day"),
        ("value", "8314831483148314", "V01", "too many digits for a count"),
        ("cutoff_assumed", "perhaps", "V01", "it is read as true or false"),
        ("end_time", "25:10", "V15", "clocks are read as 09:30, to the minute, up to 24:00"),
        ("start_time", "10:30:15", "V15", "clocks are read as 09:30, to the minute, up to 24:00"),
    ],
)
def test_a_text_in_another_form_is_named_with_its_field_and_the_form_that_is_read(
    field: str, text: str, rule: str, form: str
) -> None:
    clocks = {"start_time": "00:00", "end_time": "24:00"} if field.endswith("_time") else {}
    assert set_aside(**clocks | {field: text}) == (rule, f"{text!r} in {field}: {form}")


def test_every_fault_of_a_row_is_told_the_country_first() -> None:
    _, reason = set_aside(country="Finnland", period_start="25/09/2022", value="8.314,0")
    assert [part.partition(" in ")[2].split(maxsplit=1)[0].rstrip(":") for part in reason.split("; ") if " in " in part] == [
        "country", "period_start", "value",
    ]  # fmt: skip
    assert "FIN is" in reason


def test_a_fault_of_another_rule_that_comes_first_is_told_as_before() -> None:
    assert set_aside(direction="inward", period_end="25.09.2022") == ("V02", "unknown direction code")


def test_a_row_that_is_wrong_in_what_it_says_keeps_the_words_of_its_rule() -> None:
    rule, reason = set_aside(period_end="2022-09-20")
    assert rule == "V03"
    assert " in period_end" not in reason
