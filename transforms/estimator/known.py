"""How long the finest known total around a day is: it decides how far a path can be trusted there.

In: reports that agree and the days. Out: per day, the length of the shortest stretch between ends of reports, at most a
month, that holds the day and whose total is known to within a third; 0 where there is none (method.md 4.5).
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from transforms.estimator.bounded import Bounded
from transforms.estimator.days import Days
from transforms.estimator.results import Window
from transforms.estimator.statements import IntArray, Statements

LONGEST = 31  # days; beyond a month a path knows of single days no more than an even split
_ROUNDS = ((1, 1), (2, 3), (4, 7), (8, 15), (16, LONGEST))  # lengths asked at once, the shortest first
_SHARE = 3  # 3 (upper - lower) <= upper: a spoken range widened by a tenth is just about that wide


def known_over(kept: Statements, bounded: Bounded, days: Days) -> IntArray:
    """Days of the shortest known stretch around each day; 0 where none is known."""
    found = np.zeros(len(days), dtype=np.int64)
    nodes = np.unique(np.concatenate((kept.start, kept.end)))
    first = np.searchsorted(days.starts, nodes, side="left")  # first whole day after a node
    last = np.searchsorted(days.starts, nodes, side="right") - 1  # days before it are whole
    of_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for i in range(len(nodes)):
        j = i + 1
        while j < len(nodes):
            length = _length(int(nodes[i]), int(nodes[j]), days)
            if length > LONGEST:
                break
            if last[j] > first[i]:
                of_length[length].append((i, j))
            j += 1
    for low, high in _ROUNDS:
        asked = [
            (length, i, j)
            for length in range(low, high + 1)
            for i, j in of_length[length]
            if not found[first[i] : last[j]].all()
        ]
        bounds = bounded.bounds([Window(0, int(nodes[i]), int(nodes[j])) for _, i, j in asked]) if asked else []
        for (length, i, j), bound in zip(asked, bounds, strict=True):
            if np.isfinite(bound.upper) and _SHARE * (bound.upper - bound.lower) <= bound.upper:
                here = found[first[i] : last[j]]
                here[here == 0] = length
    return found


def _length(start: int, end: int, days: Days) -> int:
    """Civil days that a stretch touches, a part of one counted as one."""
    low = int(np.searchsorted(days.starts, start, side="right")) - 1
    return int(np.searchsorted(days.starts, end, side="left")) - low
