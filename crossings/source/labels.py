"""How two spellings of one label are known to be the same: abbreviations, articles, accents, order of the words.

In: a label as printed. Out: its key, under which the label table `labels.csv` is held and asked. "Iran (Islamic Rep. of)", "Iran,
Islamic Republic of" and "Islamic Republic of Iran" have one key; nothing is matched that only looks alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_SHORT = {
    "rep": "republic", "dem": "democratic", "fed": "federated", "st": "saint", "sts": "states", "is": "islands",
    "isl": "islands", "island": "islands", "terr": "territory", "peoples": "people",
}  # fmt: skip
_EMPTY = {"the", "of", "and"}


@lru_cache(maxsize=100_000)
def label_key(label: str) -> str:
    """The key of a label; labels with one key mean one thing."""
    text = unicodedata.normalize("NFKC", label).casefold()
    text = "".join(_plain(letter) for letter in text)
    text = re.sub(r"['’‘ʼ`´]", "", text)
    words = [word for word in re.split(r"[\s.,;()\[\]/&-]+", text) if word]
    if len(words) > 1:  # one word alone is no abbreviation: Island is a country in German
        words = [_SHORT.get(word, word) for word in words]
    kept = [word for word in words if word not in _EMPTY]
    return " ".join(sorted(kept or words)) or text


def _plain(letter: str) -> str:
    """A Latin letter without its accents; other scripts keep their signs."""
    parts = unicodedata.normalize("NFD", letter)
    return parts[0] if len(parts) > 1 and parts[0].isascii() else letter


def country_code(name: str, labels: Mapping[str, Mapping[str, str]]) -> str | None:
    """The alpha-3 code of a country by its name in any known language or its code of two letters; None where unknown."""
    key = label_key(name)
    return labels.get("country", {}).get(key) or labels.get("iso2", {}).get(key)


def known_months(labels: Mapping[str, Mapping[str, str]], language: str) -> dict[str, int]:
    """Month names of the source's language, and those of other languages that mean one month everywhere."""
    found: dict[str, set[int]] = {}
    for kind, table in labels.items():
        if kind.startswith("month."):
            for label, code in table.items():
                found.setdefault(label, set()).add(int(code))
    own = {label: int(code) for label, code in labels.get(f"month.{language}", {}).items()}
    return {label: min(months) for label, months in found.items() if len(months) == 1} | own
