"""Simulated series of which some reports are wrong, and how bounds and estimate keep to the truth all the same.

In: how many reports of a series, how many of them wrong. Out: `Kept`: days covered by the bounds, their width, the error
of the estimate on contested days, for the product and for the least movement of interval ends that makes all agree,
which is what a statistician reaches for first. Only series whose reports clash count (docs/method.md 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import sparse
from scipy.optimize import linprog
from solvers import Stated
from truths import SEED

from transforms.estimator.days import Days
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import SolvedSeries, solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements
from transforms.estimator.tools import Tools

DAYS = 42
DAY = 86_400
LENGTHS, OF_LENGTH = (1, 2, 3, 7, 14, 21, 42), (0.45, 0.1, 0.1, 0.15, 0.1, 0.05, 0.05)
OF_TIER = (0.15, 0.4, 0.3, 0.15)
ODDS = (1 / 400, 1 / 55, 1 / 20, 1 / 7)  # of an error, by tier: what the declared costs stand for
HEDGED = (0.0, 0.1, 0.7, 0.7)  # share of figures that are not exact, by tier
TOOLS = Tools(EstimateSettings(interval_level=None), engine_for)


@dataclass(frozen=True)
class Kept:
    """What some series came to: sums over their days, and counts of series.

    Attributes
    ----------
    series, whole : those that clash, and those of them with every day inside the bounds. days, inside : their days.
    contested, contested_inside : days on which explanations differ, and those inside the bounds.
    width : mean width of finite bounds over the mean level. error : on contested days, sum of absolute errors over truth.
    """

    series: int
    whole: int
    days: int
    inside: int
    contested: int
    contested_inside: int
    width: float
    error: float


def series_with_mistakes(reports: int, wrong: int, number: int) -> tuple[Statements, FloatArray]:
    """One series: its statements, some of them wrong, and the crossings of each day."""
    rng = np.random.default_rng([SEED, reports, wrong, number])
    level = rng.uniform(300, 12_000) * np.exp(np.cumsum(rng.normal(0, 0.06, DAYS))) * rng.lognormal(0, 0.08, DAYS)
    flow = np.rint(level)
    total = np.concatenate(([0.0], np.cumsum(flow)))
    length = rng.choice(LENGTHS, size=reports, p=OF_LENGTH)
    start = np.array([rng.integers(0, DAYS - n + 1) for n in length])
    tier = rng.choice(4, size=reports, p=OF_TIER) + 1
    odds = np.array(ODDS)[tier - 1]
    mistaken = rng.choice(reports, size=wrong, replace=False, p=odds / odds.sum())
    lower, upper = np.zeros(reports), np.zeros(reports)
    for i in range(reports):
        said = total[start[i] + length[i]] - total[start[i]]
        if i in mistaken:
            said = _mistake(rng, said, total, int(start[i]), int(length[i]))
        lower[i], upper[i] = _hedge(rng, said) if rng.random() < HEDGED[tier[i] - 1] else (said, said)
    ids = np.array([f"R{i:02d}" for i in range(reports)], dtype=object)
    sigma = np.maximum(0.5, np.array((0.0, 0.001, 0.03, 0.05))[tier - 1] * lower)
    return Statements.of_one(start * DAY, (start + length) * DAY, lower, upper, ids, ids, tier, sigma), flow


def _mistake(rng: Generator, said: float, total: FloatArray, start: int, length: int) -> float:
    """A figure as it goes wrong: swapped digits, a window off by days, another flow, a revision never told."""
    kind = rng.integers(4)
    if kind == 0 and said >= 10:
        digits = list(str(int(said)))
        k = int(rng.integers(len(digits) - 1))
        digits[k], digits[k + 1] = digits[k + 1], digits[k]
        return float("".join(digits))
    if kind == 1:
        moved = int(np.clip(start + rng.choice((-3, -2, -1, 1, 2, 3)), 0, DAYS - length))
        return float(total[moved + length] - total[moved])
    if kind == 2:
        return float(np.rint(said * rng.uniform(0.4, 0.8)))
    return float(np.rint(said * (1 + rng.choice((-1, 1)) * rng.uniform(0.02, 0.08))))


def _hedge(rng: Generator, said: float) -> tuple[float, float]:
    """An interval around a figure: rounded, about, more than, up to."""
    unit = 10 ** max(0, len(str(int(said))) - 2)
    rounded = np.floor(said / unit + 0.5) * unit
    return {
        0: (rounded - unit // 2, rounded + unit // 2),
        1: (np.floor(0.9 * said), np.ceil(1.1 * said)),
        2: (np.floor(said / unit) * unit, np.inf),
        3: (0.0, np.ceil(said / unit + 1) * unit),
    }[int(rng.integers(4))]


def solved(c: Statements) -> SolvedSeries:
    """The product's own answer."""
    days = Days.of(c, "UTC", "00:00")
    return solve_series("S", c, days, np.zeros(len(days), dtype=bool), frozenset(), TOOLS)


def least_movement(c: Statements, starts: IntArray) -> Statements:
    """The statements with their ends moved as little as makes them agree, weighted by their standard errors."""
    p = Stated.of(c, starts)
    n, rows = p.sums.shape[1], len(c)
    finite = np.flatnonzero(np.isfinite(p.upper))
    none, move = sparse.csr_array((rows, rows)), sparse.eye_array(rows)
    below = sparse.hstack((-p.sums, -move, none))
    above = sparse.hstack((p.sums, none, -move)).tocsr()[finite]
    answer = linprog(
        np.concatenate((np.zeros(n), 1 / c.sigma, 1 / c.sigma)),
        A_ub=sparse.vstack((below, above)), b_ub=np.concatenate((-p.lower, p.upper[finite])),
        bounds=(0, None), method="highs",
    )  # fmt: skip
    assert answer.status == 0, answer.message
    down, up = answer.x[n : n + rows], answer.x[n + rows :]
    moved = np.floor(c.lower - down + 1e-6), np.ceil(c.upper + up - 1e-6)
    return Statements.of_one(c.start, c.end, *moved, c.report_id, c.origin_id, c.tier, c.sigma)


def kept(reports: int, wrong: int, count: int) -> tuple[Kept, Kept]:
    """Least movement and the product on the first `count` series; with wrong reports, the first that clash."""
    others, ours = [], []
    number = 0
    while len(ours) < count:
        c, flow = series_with_mistakes(reports, wrong, number)
        number += 1
        result = solved(c)
        if wrong and not result.conflicts:
            continue
        truth = flow[result.days.starts[:-1] // DAY]
        contested = result.differs | np.array([b.contested for b in result.bounds])
        ours.append(_compared(result, truth, contested))
        relaxed = solved(least_movement(c, result.days.starts)) if wrong else result
        others.append(_compared(relaxed, truth, contested))
    return _added(others), _added(ours)


@dataclass(frozen=True)
class _Compared:
    inside: BoolArray
    contested: BoolArray
    width: FloatArray
    missed: FloatArray
    truth: FloatArray
    level: float


def _compared(result: SolvedSeries, truth: FloatArray, contested: BoolArray) -> _Compared:
    inside = (result.lower <= truth) & (truth <= result.upper)
    return _Compared(
        inside, contested, result.upper - result.lower, np.abs(result.estimate - truth), truth, float(truth.mean())
    )


def _added(parts: list[_Compared]) -> Kept:
    contested = np.concatenate([p.contested for p in parts])
    inside = np.concatenate([p.inside for p in parts])
    missed, truth = np.concatenate([p.missed for p in parts]), np.concatenate([p.truth for p in parts])
    here = contested & np.isfinite(missed)
    widths = np.concatenate([p.width[np.isfinite(p.width)] / p.level for p in parts])
    return Kept(
        len(parts), sum(bool(p.inside.all()) for p in parts), len(inside), int(inside.sum()),
        int(contested.sum()), int((inside & contested).sum()),
        float(widths.mean()), float(missed[here].sum() / truth[here].sum()) if here.any() else float("nan"),
    )  # fmt: skip
