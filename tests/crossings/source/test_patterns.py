"""Patterns of names: what fits, what does not, and the parts that they name."""

from __future__ import annotations

import pytest

from crossings.source.patterns import first_fit, fits, is_open, names_of


@pytest.mark.parametrize(
    ("text", "pattern", "found"),
    [
        ("2023-09", "####-##", {}),
        ("2023-9", "####-##", None),
        ("2023 total", "####", None),
        ("Entries_2023-09", "{Direction}_{Month:####-##}", {"Direction": "Entries", "Month": "2023-09"}),
        ("arrivals-2023.csv", "arrivals-{Year:####}.csv", {"Year": "2023"}),
        ("ARRIVALS-2023.CSV", "arrivals-{Year:####}.csv", {"Year": "2023"}),
        ("arrivals-2023xcsv", "arrivals-{Year:####}.csv", None),
        ("Share [%]", "Share [%]", {}),
        ("anything", "*", {}),
        ("", "*", {}),
        ("Q1", "Q?", {}),
        ("Which?", "Which?", {}),
        ("9" * 300, "*", None),
    ],
)
def test_a_text_fits_or_does_not(text, pattern, found):
    assert fits(text, pattern) == found


def test_the_first_pattern_that_fits_names_the_parts():
    assert first_fit("exits 2023", ["{D} in ####", "{D} {Year:####}", "*"]) == {"D": "exits", "Year": "2023"}
    assert first_fit("exits", ["####"]) is None
    assert names_of("{A} and {B:##}") == ("A", "B")
    assert not is_open("plain")
