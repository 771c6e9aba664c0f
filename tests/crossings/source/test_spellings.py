"""A spelling is checked when the source is read: letters that mean nothing, years that are missing, brackets left open."""

from __future__ import annotations

import pytest

from crossings.source.mapping import TimeAxis
from crossings.source.spellings import NAMED, TOKENS, compiled, with_exchanged
from transforms.parse import unread


@pytest.mark.parametrize(
    ("spelling", "told"),
    [
        ("MM-DD", "must name a year"),
        ("YYYY-MM-XX", "letter 'X' is no token"),
        ("YYYY[-MM", "left open"),
        ("YYYY[-MM[-DD]]", "do not nest"),
        ("YYYY DD", "day without a month"),
        ("YYYY YYYY YYYY", "nothing more than twice"),
        ("month YYYY", "is no token"),
    ],
)
def test_a_spelling_without_a_meaning_is_refused_in_one_sentence(spelling, told):
    with pytest.raises(ValueError, match=told):
        TimeAxis.model_validate({"dimension": "t", "freq": "M", "formats": spelling})


def test_every_token_and_every_common_spelling_can_be_declared():
    for name in (*NAMED, *(name for names in unread.COMMON.values() for name in names)):
        assert compiled(name)
    assert all(meaning for _, _, meaning in TOKENS.values())


def test_day_and_month_are_exchanged_in_any_spelling():
    assert with_exchanged("D/M/YYYY") == "M/D/YYYY"
    assert with_exchanged("YYYY-MM-DD") == "YYYY-DD-MM"
    assert with_exchanged("M/D/YYYY h:mm AM") == "D/M/YYYY h:mm AM"
    assert with_exchanged("D MON YYYY") is None
