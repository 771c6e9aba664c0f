"""A report with rows in several places is right or wrong in all of them.

In: the stretches of some tied series and the series by themselves. Out: both, where a report that is contested in one place
carries its doubt to its rows in others: bounds there hold with and without it, paths do without it where it is set
aside (method.md 4.4, 4.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from transforms.estimator.single import SolvedSeries, doubting
from transforms.estimator.stretch import Stretch, outside, settle
from transforms.estimator.tools import Tools


def right_or_wrong_everywhere(
    alone: Mapping[str, SolvedSeries], found: Sequence[Stretch], breaks: Sequence[int], tools: Tools
) -> tuple[dict[str, SolvedSeries], list[Stretch]]:
    """The series and the stretches; those that hold rows of a report contested elsewhere are looked at again."""
    beyond = {name: outside(name, own.reported, found).ids for name, own in alone.items()}
    places = [(s.contested, s.aside) for s in found]
    places += [(own.contested & beyond[name], own.aside & beyond[name]) for name, own in alone.items()]
    contested = frozenset().union(*(doubt for doubt, _ in places))
    wrong = frozenset().union(*(aside for _, aside in places))
    series = dict(alone)
    for name, own in alone.items():
        doubted = (contested & beyond[name]) - own.contested
        if doubted:
            bent = np.isin(own.days.starts[:-1], np.array(list(breaks), dtype=np.int64))
            series[name] = doubting(name, own, doubted, doubted & wrong, bent, tools)
    stretches = []
    for stretch in found:
        doubted = contested.intersection(stretch.said.report_ids) - stretch.contested
        days = stretch.days
        again = (
            settle(stretch.said, days.timezone, days.boundary, tools, doubted, doubted & wrong) if doubted else stretch
        )
        stretches.append(again)
    return series, stretches
