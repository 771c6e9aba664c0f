"""The grammar in which a source says how its reference periods are spelled: tokens, words in quotes, parts in brackets.

In: a spelling such as `D MON YYYY` or `YYYY-MM-DD[Thh:mm:ss]`. Out: its parts as a regular expression, or ValueError in one
sentence. `transforms.parse.periods` makes days of what the parts say.
"""

from __future__ import annotations

import re
from functools import lru_cache

_NAME = r"[^\W\d_][^\d\s/,_–—-]*"  # month names hold vowel signs and dots in some languages
TOKENS: dict[str, tuple[str, str, str]] = {
    "YYYY": ("y", r"[0-9]{4}", "year of four digits"),
    "YY": ("yy", r"[0-9]{2}", "year of two digits, 1970 to 2069"),
    "BBBB": ("thai", r"[0-9]{4}", "Thai (Buddhist) year, 543 more"),
    "ROC": ("roc", r"[0-9]{2,3}", "Taiwanese year, 1911 less"),
    "MONTH": ("mon", _NAME, "month by name or short name"),
    "MON": ("mon", _NAME, "the same"),
    "MM": ("m", r"[0-9]{2}", "month of two digits"),
    "M": ("m", r"[0-9]{1,2}", "month of one or two digits"),
    "DD": ("d", r"[0-9]{2}", "day of two digits"),
    "D": ("d", r"[0-9]{1,2}", "day of one or two digits"),
    "ww": ("w", r"[0-9]{2}", "ISO week of two digits"),
    "w": ("w", r"[0-9]{1,2}", "ISO week of one or two digits"),
    "q": ("q", r"[1-4]", "quarter"),
    "IV": ("rom", r"(?:IV|I{1,3}|Ⅳ|Ⅲ|Ⅱ|Ⅰ)", "quarter in Roman numerals"),
    "s": ("s", r"[12]", "half-year"),
    "II": ("half", r"(?:II|I|Ⅱ|Ⅰ)", "half-year in Roman numerals"),
    "hh": ("hh", r"[0-9]{2}", "hour of two digits"),
    "h": ("hh", r"[0-9]{1,2}", "hour of one or two digits"),
    "mm": ("mi", r"[0-9]{2}", "minute"),
    "ss": ("se", r"[0-9]{2}(?:[.,]0+)?", "second"),
    "AM": ("am", r"[AaPp]\.?[Mm]\.?", "AM or PM"),
}
"""Token -> group of the regular expression, what it matches, and what it means. Longer tokens are tried first."""

NAMED: dict[str, str] = {
    "YYYYMmm": r"(?P<y1>[0-9]{4})M(?P<m1>[0-9]{2})",
    "YYYYQq": r"(?P<y1>[0-9]{4})[- ]?[QKT]?(?:(?<=[ QKT-])(?P<q1>[1-4])|(?<=[ -])(?P<rom1>IV|I{1,3}))",
    "MONYYYY": rf"(?P<mon1>{_NAME}?)[ .-]?(?P<y1>[0-9]{{4}})",
    "YYYY MONTH": rf"(?P<y1>[0-9]{{4}})[ ,]+(?:(?P<m1>[0-9]{{1,2}})|(?P<mon1>{_NAME}))",
    "YYYY сар": r"(?P<y1>[0-9]{4})(?: ?он(?:ы)?)?[ ,-]+(?P<m1>[0-9]{1,2})(?:[- ]?р)?[ -]?сар",
    "YYYY улирал": r"(?P<y1>[0-9]{4})(?: ?он(?:ы)?)?[ ,-]+(?:(?P<q1>[1-4])|(?P<rom1>IV|I{1,3}))(?:[- ]?р)?[ -]?улирал",
    "serial": r"(?P<serial1>[0-9]{5})",
}
"""Spellings that a publisher writes in several ways at once."""

_LETTERS = "TWQSKHZFCГ"  # letters that publishers put beside a number: Q3, W38, S2, K4, H1, T and Z of a clock, FY, CY
_PARTS = re.compile(
    r"'(?P<quoted>[^']*)'|(?P<prefix>FY|CY)(?=[ ]?Y)|(?P<token>"
    + "|".join(sorted(TOKENS, key=len, reverse=True))
    + r")|(?P<other>.)"
)
_YEARS = {"y", "yy", "thai", "roc"}
_FINEST = (("d", "D"), ("w", "W"), ("m", "M"), ("mon", "M"), ("q", "Q"), ("rom", "Q"), ("s", "S"), ("half", "S"))


@lru_cache(maxsize=256)
def compiled(spelling: str) -> re.Pattern[str]:
    """The regular expression of a spelling; a token that stands twice (first and last month) has the groups 1 and 2.

    Raises ValueError, in one sentence, for a spelling that has no meaning.
    """
    if spelling in NAMED:
        return re.compile(NAMED[spelling])
    pattern, counted, depth = "", dict[str, int](), 0
    for found in _PARTS.finditer(" ".join(spelling.split())):
        if found["token"]:
            group, matches, _ = TOKENS[found["token"]]
            counted[group] = counted.get(group, 0) + 1
            pattern += f"(?P<{group}{counted[group]}>{matches})"
        elif found["other"] in ("[", "]"):
            depth += 1 if found["other"] == "[" else -1
            pattern += "(?:" if found["other"] == "[" else ")?"
            if depth not in (0, 1):
                raise ValueError(
                    f"spelling {spelling!r}: brackets [ ] mark a part that may be absent; they do not nest"
                )
        else:
            literal = found["quoted"] if found["quoted"] is not None else found["prefix"] or found["other"]
            if literal == found["other"] and literal.isascii() and literal.isalpha() and literal not in _LETTERS:
                raise ValueError(f"spelling {spelling!r}: letter {literal!r} is no token; put words in quotes 'so'")
            pattern += re.escape(literal).replace(r"\ ", " ")
    if depth:
        raise ValueError(f"spelling {spelling!r}: bracket [ is left open")
    years = sum(counted.get(group, 0) for group in _YEARS)
    if not 1 <= years <= 2 or any(number > 2 for number in counted.values()):
        raise ValueError(f"spelling {spelling!r} must name a year (YYYY, YY, BBBB or ROC), and nothing more than twice")
    if "d" in counted and not {"m", "mon"} & set(counted):
        raise ValueError(f"spelling {spelling!r} names a day without a month")
    return re.compile(pattern)


def is_date(spelling: str) -> bool:
    """Whether it names a day and a month in digits, so that their order matters."""
    groups = compiled(spelling).groupindex
    return {"d1", "m1"} <= set(groups) and not {"mon1", "d2", "m2"} & set(groups)


def with_exchanged(spelling: str) -> str | None:
    """The spelling with day and month exchanged; None where it does not name both in digits."""
    if spelling in NAMED or not is_date(spelling):
        return None
    letters = {"D": "M", "DD": "MM", "M": "D", "MM": "DD"}
    parts = [found[0] for found in _PARTS.finditer(spelling)]
    tokens = [bool(found["token"]) for found in _PARTS.finditer(spelling)]
    return "".join(letters.get(part, part) if token else part for part, token in zip(parts, tokens, strict=True))


def finest(groups: dict[str, str | None]) -> str:
    """SDMX frequency of what the groups of a match name."""
    return next((freq for group, freq in _FINEST if groups.get(f"{group}1") is not None), "A")
