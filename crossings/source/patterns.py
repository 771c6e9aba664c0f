"""Texts that a source's YAML does not know letter by letter: names of files and of columns.

In: a pattern and a text. Out: whether the text fits, and the parts of it that the pattern names. In a pattern `*` stands
for any letters, `?` for one, `#` for one digit, `{Name}` for letters that become the label of the dimension `Name`, and
`{Name:####}` for those of that shape. Capitals and runs of blanks make no difference; nothing else of a text is a mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_PART = re.compile(r"\{([^{}:]+)(?::([^{}]+))?\}")
_MARKS = {"*": r".*", "?": r".", "#": r"[0-9]"}
_LONGEST = 200


def names_of(pattern: str) -> tuple[str, ...]:
    """Names of the parts of a pattern, in order."""
    return tuple(found.group(1) for found in _PART.finditer(pattern))


def is_open(pattern: str) -> bool:
    """Whether a pattern is more than the one text that it spells."""
    return any(mark in pattern for mark in _MARKS) or bool(names_of(pattern))


def fits(text: str, pattern: str) -> dict[str, str] | None:
    """The named parts of a text that fits, an empty dict where none is named; None where it does not fit."""
    plain = " ".join(text.split())
    if plain.casefold() == " ".join(pattern.split()).casefold():
        return {} if not names_of(pattern) else None
    if not is_open(pattern) or len(plain) > _LONGEST:
        return None
    found = _compiled(pattern).fullmatch(plain)
    return (
        None if found is None else dict(zip(names_of(pattern), (part.strip() for part in found.groups()), strict=True))
    )


def first_fit(text: str, patterns: Iterable[str]) -> dict[str, str] | None:
    """As `fits`, for the first of several patterns that the text fits."""
    return next((found for pattern in patterns if (found := fits(text, pattern)) is not None), None)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    spelled = " ".join(pattern.split())
    pieces: list[str] = []
    end = 0
    for part in _PART.finditer(spelled):
        pieces += [_shape(spelled[end : part.start()]), f"({_shape(part.group(2)) if part.group(2) else '.+?'})"]
        end = part.end()
    return re.compile("".join([*pieces, _shape(spelled[end:])]), re.IGNORECASE | re.DOTALL)


def _shape(text: str) -> str:
    return "".join(_MARKS.get(letter) or re.escape(letter) for letter in re.sub(r"\*+", "*", text))
