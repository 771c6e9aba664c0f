"""Which explanation of a clash the estimate follows: the cheapest, unless another gives a path twice as smooth.

In: a series, what may be wrong, its days and breaks. Out: the same explanations, each led by the chosen correction, and
the days on which the path depends on the choice (method.md 4.4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transforms.estimator.days import Days
from transforms.estimator.disaggregate import smoothest_paths
from transforms.estimator.explanations import Correction, Explained
from transforms.estimator.readings import path_rows
from transforms.estimator.statements import BoolArray, FloatArray, Statements
from transforms.estimator.tools import Tools

_NEAR = 1  # cost; explanations that cost no more beyond the cheapest may lead where their path is smoother
_SMOOTHER = 0.5  # root mean square change from day to day, of the leader's
_FLAT = 1e-3  # of the mean level; smaller changes count as this
_SAME = 0.5  # crossings; paths closer than this are one


def led(
    series: str, statements: Statements, explained: Sequence[Explained], days: Days, breaks: BoolArray, tools: Tools
) -> tuple[list[Explained], BoolArray]:
    """Explanations with their leaders, and the days whose path is another in some admitted one.

    Cluster by cluster, the others held at their leaders.
    """
    found = list(explained)
    differs = np.zeros(len(days), dtype=bool)
    known: dict[tuple[int, frozenset[str]], FloatArray] = {}
    for number, group in enumerate(found):
        if group.too_many:
            continue
        span = min(b.start for b in group.blocks), max(b.end for b in group.blocks)
        for k, cluster in enumerate(group.clusters):
            if len(cluster.corrections) == 1:
                continue
            others = frozenset().union(*(e.leading for j, e in enumerate(found) if j != number))
            paths = []
            for correction in cluster.corrections:
                aside = others | found[number].led_by(k, correction).leading
                if (number, aside) not in known:
                    kept, _ = path_rows(series, statements, aside, tools)
                    known[number, aside] = _flows(series, kept, span, days, breaks, tools)
                paths.append(known[number, aside])
            apart = [~((np.abs(p - paths[0]) <= _SAME) | (np.isnan(p) & np.isnan(paths[0]))) for p in paths[1:]]
            differs |= np.logical_or.reduce(apart) if apart else False
            found[number] = found[number].led_by(k, _leader(cluster.corrections, paths, breaks, tools))
    return found, differs


def _flows(
    series: str, statements: Statements, span: tuple[int, int], days: Days, breaks: BoolArray, tools: Tools
) -> FloatArray:
    """Path of the runs that touch a span of time, by day; NaN elsewhere and where there is no point."""
    flows = np.full(len(days), np.nan)
    for path in smoothest_paths(
        series, statements, days.starts, breaks, tools.settings, tools.engines, solver=tools.solver, within=span
    ):
        if path.solution.accepted:
            (run,) = path.domain.runs
            flows[run.first : run.last + 1] = path.days(run, days.starts)
    return flows


def _leader(
    corrections: Sequence[Correction], paths: Sequence[FloatArray], breaks: BoolArray, tools: Tools
) -> Correction:
    known: BoolArray = np.asarray(np.isfinite(np.array(paths)).all(axis=0))
    beside = known[1:] & known[:-1]
    if not beside.any():
        return corrections[0]
    weight = np.where(breaks[1:], tools.settings.break_weight, 1.0)[beside]
    rough = []
    for path in paths:
        change = np.diff(path)[beside]
        rough.append(max(float(np.sqrt((weight * change**2).mean())), _FLAT * float(path[known].mean())))
    near = [k for k, c in enumerate(corrections) if c.cost <= corrections[0].cost + _NEAR]
    smoothest = min(near, key=lambda k: rough[k])
    return corrections[smoothest] if rough[smoothest] <= _SMOOTHER * rough[0] else corrections[0]
