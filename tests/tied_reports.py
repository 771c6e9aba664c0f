"""Reports on tied series, as `daily.build` takes them, and an independent oracle for what they imply together."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from builders import report
from interval_systems import breaks_on
from scipy.optimize import linprog

from crossings.calendar import midnights
from crossings.schema.tables import SERIES_KEY
from transforms.tables.daily import build

USUAL = {
    "country": "FIN", "direction": "entry", "citizenship": "RUS", "scope": "national", "mode": "land",
    "measure": "crossings", "system": "border_control", "timezone": "Europe/Helsinki", "day_boundary": "00:00",
}  # fmt: skip
FLOWS = ("entry", "exit", "both", "net")


def series_of(**parts):
    """A definition with the usual key but for some parts."""
    key = USUAL | parts
    return key | {"series": "/".join(key[p] for p in SERIES_KEY)}


NAME = {d: series_of(direction=d)["series"] for d in FLOWS}
WHOLE, PART = series_of(), series_of(scope="district:east")


def said(report_id, series, first, last, lower, upper=None, **more):
    """A report on one of the tied series."""
    return report(report_id, first, last, lower, upper, series=series, **more)


def built(*reports, definitions=None, events=None, **more):
    """`daily.build` on the four flows of one key, or on the definitions given."""
    rows = [series_of(direction=d) for d in FLOWS] if definitions is None else definitions
    return build(
        pd.DataFrame(list(reports)), pd.DataFrame(rows), breaks_on([], "FIN") if events is None else events, **more
    )


def cell(result, series, number):
    """The row of one day of September 2022."""
    rows = result.daily[(result.daily["series"] == series) & (result.daily["date"] == dt.date(2022, 9, number))]
    assert len(rows) == 1, (series, number, len(rows))
    return rows.iloc[0]


def ends(row):
    return tuple(None if pd.isna(v) else int(v) for v in (row["lower"], row["upper"]))


def flow_range(reports, goal, n):
    """Least and greatest of the sum of some flows (direction, day 1..n) under all reports and identities, by an LP.

    None where the reports contradict each other. Unknowns: entries and exits of each day; the rest is computed.
    """
    sign = {"entry": (1, 0), "exit": (0, 1), "both": (1, 1), "net": (1, -1)}
    of = {name: direction for direction, name in NAME.items()}

    def row(direction, first, last):
        line = np.zeros(2 * n)
        line[first - 1 : last] = sign[direction][0]
        line[n + first - 1 : n + last] = sign[direction][1]
        return line

    start = midnights(dt.date(2022, 9, 1), dt.date(2022, 9, n), "Europe/Helsinki")
    lines, right = [], []
    for r in reports:
        a, b = int(np.searchsorted(start, r["start_instant"])) + 1, int(np.searchsorted(start, r["end_instant"]))
        line = row(of[r["series"]], a, b)
        if np.isfinite(r["upper"]):
            lines.append(line)
            right.append(r["upper"])
        if np.isfinite(r["lower"]):
            lines.append(-line)
            right.append(-r["lower"])
    target = row(goal[0], *goal[1:])
    found = []
    for direction in (1, -1):
        solution = linprog(
            direction * target,
            A_ub=np.array(lines),
            b_ub=right,
            bounds=[(0, None)] * (2 * n),
            options={"presolve": False},
        )
        if solution.status == 2:
            return None
        found.append(np.inf * -direction if solution.status in (3, 4) else direction * solution.fun)
    return found[0], found[1]
