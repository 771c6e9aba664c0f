"""What of a payload was not understood, told once: periods, labels and marks with their counts, ready for the source's YAML.

In: how often each unknown text stood in the cells. Out: a note, or `UnreadableInput` where the share is above the declared one: a
spelling that fits part of a column is the wrong spelling, also for the part that it fits.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from transforms.parse.contract import Note
from transforms.parse.periods import NotAPeriod, calendar_of, read_period

_MOST_SHOWN = 300
_MOST_PERIODS = 10  # the spelling tells more than all of them
COMMON = {
    "D": ("YYYY-MM-DD", "D.M.YYYY", "D/M/YYYY", "M/D/YYYY", "D-M-YYYY", "YYYY/M/D", "YYYYMMDD", "D.M.YY", "D/M/YY", "M/D/YY",
          "D MONTH YYYY", "D-MON-YY", "D-MON-YYYY", "MONTH D, YYYY", "YYYY-MM-DDThh:mm:ss[Z]", "YYYY-MM-DD hh:mm:ss",
          "M/D/YYYY h:mm:ss AM", "YYYY年M月D日"),
    "W": ("YYYY-Www", "YYYYWww", "YYYY Www", "YYYYww", "YYYY-w", "Ww YYYY", "KWw/YYYY", "KW w/YYYY"),
    "M": ("YYYYMM", "YYYY-M", "YYYYMmm", "YYYY 'M'MM", "M/YYYY", "M.YYYY", "YYYY/M", "YYYY.M", "MONYYYY", "YYYY MONTH", "MON-YY",
          "MON YY",
          "YYYY-MON", "YYYY'M'M", "YYYY年M月", "YYYY년 M월"),
    "Q": ("YYYYQq", "Qq YYYY", "Tq YYYY", "Qq/YYYY", "q/YYYY", "YYYY/q", "IV YYYY", "IV/YYYY", "YYYY IV", "MON-MON YYYY"),
    "S": ("YYYY-Ss", "YYYYSs", "YYYYHs", "YYYY-Hs", "Hs YYYY"),
    "A": ("YYYY", "CY YYYY", "BBBB"),
}  # fmt: skip


@dataclass
class Unread:
    """Texts that were not understood.

    Attributes
    ----------
    seen : cells of the payload that were to be read.
    periods, symbols : text -> cells. labels : dimension -> label -> cells. fields : dimension -> the field it states.
    """

    seen: int = 0
    periods: Counter[str] = field(default_factory=Counter)
    symbols: Counter[str] = field(default_factory=Counter)
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)

    def label(self, dimension: str, label: str, states: str | None) -> None:
        """One cell under an unknown label."""
        self.labels.setdefault(dimension, Counter())[label] += 1
        self.fields[dimension] = states or "FIELD"

    def settle(self, spec: SourceSpec) -> list[Note]:
        """A note about what was not understood, if anything.

        Raises `UnreadableInput` where more than `bounds.max_unread` of the cells have an unknown period, or an unknown label
        in one dimension. One odd text alone refuses nothing, unless no period at all is read.
        """
        share = spec.bounds.max_unread
        kinds = [self.periods, *self.labels.values()]
        over = [
            texts for texts in kinds if texts.total() > share * self.seen and (len(texts) > 1 or texts is self.periods)
        ]
        if len(self.periods) == 1 and self.periods.total() < self.seen:
            over = [texts for texts in over if texts is not self.periods]
        if over:
            raise UnreadableInput(
                f"{spec.id}: expected {self._expected(spec, over)}, at most {share:.0%} of the cells unknown, found "
                f"{max(texts.total() for texts in over):,} of {self.seen:,}: {self._told()}",
                self._remedy(spec),
            )
        if not any((*kinds, self.symbols)):
            return []
        return [Note("unread", f"not understood, their cells are set aside: {self._told()}; {self._remedy(spec)}")]

    def _expected(self, spec: SourceSpec, over: Sequence[Counter[str]]) -> str:
        axis = spec.series_mapping.time
        if any(texts is self.periods for texts in over):
            return f"periods of frequency {axis.freq} written {' or '.join(axis.formats)}"
        return "labels that the mapping knows"

    def _told(self) -> str:
        several = len(self.periods) > _MOST_PERIODS
        parts = [f"{len(self.periods):,} periods, first {_counted(self.periods, _MOST_PERIODS)}"] if several else []
        parts += [f"period {_counted(self.periods)}"] if self.periods and not several else []
        parts += [f"{name} {_counted(texts)}" for name, texts in sorted(self.labels.items())]
        parts += [f"mark {_counted(self.symbols)}"] if self.symbols else []
        return "; ".join(parts)

    def _remedy(self, spec: SourceSpec) -> str:
        told = []
        if self.periods:
            fitting = _fitting(list(self.periods), spec)
            out = f"correct time.formats or leave them out: time: {{unselected: {_listed(sorted(self.periods))}}}"
            told.append(f"time.formats {fitting} would read them" if fitting else out)
        for name, texts in sorted(self.labels.items()):
            told.append(
                f"give each a code or leave it out: {{dimension: {_quoted(name)}, labels: {{"
                + ", ".join(f"{_quoted(label)}: {{{self.fields[name]}: CODE}}" for label in sorted(texts)[:_MOST_SHOWN])
                + f"}}, unselected: {_listed(sorted(texts))}}}"
            )
        if self.symbols:
            told.append(
                "say what each means: symbols: {" + ", ".join(f"{_quoted(s)}: CODE" for s in sorted(self.symbols)) + "}"
            )
        return "in mapping, " + "; ".join(told)


def _counted(texts: Counter[str], most: int = _MOST_SHOWN) -> str:
    ordered = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(ordered) - most:,} more" if len(ordered) > most else ""
    return ", ".join(f"{_quoted(text)} ({number:,})" for text, number in ordered[:most]) + more


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, texts[:_MOST_SHOWN])) + "]"


def _quoted(text: str) -> str:
    return json.dumps(text[:80], ensure_ascii=False)


def _fitting(texts: Sequence[str], spec: SourceSpec) -> str:
    """Common spellings that would read all these texts."""
    kept = calendar_of(spec.series_mapping.time)

    def reads(name: str, freq: str) -> bool:
        try:
            for text in texts:
                read_period(text, (name,), freq, kept=kept)
        except NotAPeriod:
            return False
        return True

    found = [f"{name} (freq {freq})" for freq, names in COMMON.items() for name in names if reads(name, freq)]
    return " or ".join(found[:3])
