"""From named columns to cells, for a payload that is a table with names above.

In: the names as they stand, and what the source declares of them. Out: which column holds labels and which figures.
Names are matched without regard to capitals and runs of blanks, and labels go under the name that the source declares.
Nothing is left out that the source does not leave out: a column that nobody declared refuses the payload.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossings.source.patterns import first_fit, fits, is_open
from transforms.parse.contract import Cell, Figure, Payload, clipped, unreadable

_REMEDY = "look at the payload; the layout, delimiter or encoding differs from options"


@dataclass(frozen=True)
class Columns:
    """Where labels and figures stand.

    Attributes
    ----------
    labels : place and name of each label column.
    figures : place of each figure column, and the labels that its own name states.
    more : labels that hold for the whole payload.
    """

    labels: tuple[tuple[int, str], ...]
    figures: tuple[tuple[int, dict[str, str]], ...]
    more: dict[str, str]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of all labels of a cell."""
        return tuple({**self.more, **{name: "" for _, name in self.labels}, **self.figures[0][1]})

    def cells(self, labels: Sequence[str], figures: Sequence[Figure], places: Sequence[str], sha256: str) -> list[Cell]:
        """Cells of one row: its labels and figures by place in the row, and where each figure stands."""
        stated = {**self.more, **{name: labels[place] for place, name in self.labels}}
        return [
            Cell({**stated, **said}, figures[place], places[place], sha256, first=order == 0)
            for order, (place, said) in enumerate(self.figures)
        ]

    def torn(self, record: str, reason: str, place: str, sha256: str) -> Cell:
        """A row that cannot be read: one cell without labels, with the row as received."""
        return Cell(dict.fromkeys(self.dimensions, ""), record, place, sha256, fault=("V01", reason))


def matched(
    payload: Payload,
    header: Sequence[str],
    columns: Sequence[str],
    values: Sequence[str],
    values_as: str | None,
    ignored: Sequence[str],
    more: dict[str, str],
) -> Columns:
    """Which column of a header is which.

    Raises `UnreadableInput` for a declared column that is missing, stands twice or out of order, and for one that nobody
    declared.
    """
    wanted = [plain(name) for name in columns]
    exact = len(set(wanted)) < len(wanted)
    found: dict[int, str] = {}
    open_values = [name for name in values if is_open(name)]
    stated: dict[int, dict[str, str]] = {}
    strange: list[str] = []
    for place, name in enumerate(header):
        said: dict[str, str] | None
        known = next((c for c in columns if (name == c if exact else plain(name) == plain(c))), None)
        if known is not None:
            found[place] = known
            if known in values:
                stated[place] = {} if values_as is None else {values_as: known}
        elif (said := first_fit(name, ignored)) is not None:
            continue
        elif (pattern := next((p for p in open_values if fits(name, p) is not None), None)) is not None:
            said = fits(name, pattern) or {}
            stated[place] = said or {str(values_as): " ".join(name.split())}
        else:
            strange.append(name or "one without a name")
    if list(found.values()) != list(columns) or not stated or len({tuple(s) for s in stated.values()}) > 1:
        raise unreadable(payload, f"columns {', '.join((*columns, *open_values))}", ", ".join(header), _REMEDY)
    if strange:
        raise unreadable(
            payload,
            f"columns {', '.join((*columns, *open_values))} and no other",
            ", ".join(strange[:20]),
            "declare the new column, or leave it out with ignore_columns",
        )
    twice = [said for said, n in Counter(tuple(s.items()) for s in stated.values()).items() if n > 1 and said]
    if twice:
        raise unreadable(payload, "each figure column once", " ".join(text for _, text in twice[0]), _REMEDY)
    labels = tuple((place, name) for place, name in found.items() if place not in stated)
    return Columns(labels, tuple(sorted(stated.items())), more)


def in_order(names: Iterable[str], columns: Sequence[str]) -> list[str]:
    """Names with the declared columns first, in the order of the source, where the order of a payload says nothing."""
    spelled = {plain(name): place for place, name in reversed(list(enumerate(columns)))}
    exact = {name: place for place, name in enumerate(columns)}
    return sorted(names, key=lambda name: exact.get(name, spelled.get(plain(name), len(columns))))


def plain(name: str) -> str:
    """A name without regard to capitals and runs of blanks."""
    return " ".join(name.split()).casefold()


def said_by_name(payload: Payload, pattern: str | None) -> dict[str, str]:
    """Labels that the name of a payload states; `UnreadableInput` where it does not fit what the source declares."""
    if pattern is None:
        return {}
    found = fits(payload.name, pattern)
    if found is None:
        raise unreadable(
            payload, f"a file named {pattern}", clipped(payload.name), "name the file as its publisher does"
        )
    return found
