"""Small coupled systems built by hand: days are counted from 0, midnights are multiples of 86,400."""

from __future__ import annotations

import numpy as np
import pandas as pd
from transforms.estimator.constraints import Constraints
from transforms.estimator.coupled import CoupledSolution, CoupledSystem, Link

DAY = 86_400
INF = float("inf")
NET = Link("net", (("N", 1), ("E", -1), ("X", 1)))
BOTH = Link("both", (("B", 1), ("E", -1), ("X", -1)))
PART = Link("part", (("P", 1), ("W", -1)), "<=")
REST = Link("rest", (("R", 1), ("W", -1), ("P", 1)))
SUM = Link("sum", (("W", 1), ("P", -1), ("Q", -1)))


def row(report_id, first, last, lower, upper=None, tier=2, sigma=1.0):
    """A report on the days first..last inclusive, counted from day 0."""
    return (first * DAY, (last + 1) * DAY, lower, lower if upper is None else upper, report_id, tier, sigma)


def clock(report_id, start_hour, end_hour, value):
    """An exact report on a window in hours from instant 0."""
    return (start_hour * 3600, end_hour * 3600, value, value, report_id, 2, 1.0)


def constraints(*rows):
    def column(k, dtype):
        return np.array([r[k] for r in rows], dtype=dtype)

    return Constraints(
        column(0, np.int64), column(1, np.int64), column(2, float), column(3, float),
        column(4, object), column(4, object), column(5, np.int64), column(6, float),
    )  # fmt: skip


def system(members, links, n_days, **more):
    given_rows = {name: constraints(*rows) for name, rows in members.items()}
    return CoupledSystem(
        given_rows, {name: name != "N" for name in members}, links, np.arange(n_days + 1) * DAY, **more
    )


def day(solution: CoupledSolution, series: str, number: int) -> pd.Series:
    found = solution.days[(solution.days["series"] == series) & (solution.days["start"] == number * DAY)]
    assert len(found) == 1
    return found.iloc[0]


def interval(found: pd.Series):
    return tuple(None if pd.isna(v) else int(v) for v in (found["lower"], found["upper"]))


def estimates(solution: CoupledSolution, series: str):
    return solution.days.loc[solution.days["series"] == series, "estimate"].astype("Int64").tolist()


def wide(days: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of the days, a row per day and a column per series."""
    return days.set_index(["start", "series"])[column].unstack()  # noqa: PD010
