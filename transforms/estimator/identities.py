"""Linear identities between series: sum(coefficient x flow) = 0 or <= 0, over any window or over shared ones.

In: what `transforms.series` knows of the series. Out: `Identity`, which the estimator keeps to (method.md 4.1, 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

SUMS = ("net", "both", "sum")  # kinds whose first term may be any sum of the others


@dataclass(frozen=True)
class Identity:
    """`sum(coefficient * flow) sense 0`.

    It holds for every window, however short, so it carries no constant.

    Attributes
    ----------
    kind : net, both, sum, rest, part, subset or persons; for people.
    terms : (series, coefficient) pairs; the first term is the one the identity defines (NET, BOTH, WHOLE, REST).
    sense : "=" or "<=".
    identical_windows : the identity holds only for windows that every one of its series reports as such, because one
        of them does not add up over time (distinct persons); otherwise for every pair of consecutive nodes.
    """

    kind: str
    terms: tuple[tuple[str, int], ...]
    sense: Literal["=", "<="] = "="
    identical_windows: bool = False

    @property
    def series(self) -> tuple[str, ...]:
        """Ids of its series, the defined one first."""
        return tuple(name for name, _ in self.terms)

    @property
    def defines(self) -> bool:
        """Whether the flow of its first series follows from those of the others in every window."""
        return self.sense == "=" and not self.identical_windows

    def about(self, series: str) -> Identity:
        """The same equality with another of its series as the one it defines."""
        own = next(c for name, c in self.terms if name == series)
        others = tuple((name, c // own) for name, c in self.terms if name != series)
        return replace(self, terms=((series, 1), *others))

    def __str__(self) -> str:
        """The identity in words, such as `net: N = E - X`."""
        (first, coefficient), *others = self.terms
        sign = 1 if coefficient > 0 else -1
        right = " ".join(f"{'-' if sign * c > 0 else '+'} {_times(c)}{s}" for s, c in others)
        return f"{self.kind}: {_times(coefficient)}{first} {self.sense} {right.removeprefix('+ ')}"


def _times(coefficient: int) -> str:
    return "" if abs(coefficient) == 1 else f"{abs(coefficient)} * "


def ordered(identities: Sequence[Identity]) -> tuple[Identity, ...]:
    """In an order that depends on their content alone."""
    return tuple(sorted(identities, key=lambda k: (k.kind, k.terms, k.sense)))


def groups(identities: Sequence[Identity]) -> list[list[Identity]]:
    """Identities that share a series, together."""
    found: list[tuple[set[str], list[Identity]]] = []
    for identity in identities:
        names, mine = set(identity.series), [identity]
        apart = []
        for others, theirs in found:
            if others & names:
                names, mine = names | others, theirs + mine
            else:
                apart.append((others, theirs))
        found = [*apart, (names, mine)]
    return [mine for _, mine in found]
