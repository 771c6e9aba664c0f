"""Rows of the daily table for one series by itself: status, grade, covering reports, bounds and proofs.

In: a solved series. Out: a frame by the schema of `daily`. The rules of status and grade are in the schema's code lists;
the design of `daily` and method.md 4.2 to 4.6 and 5 give their reasons.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.schema.tables import DAILY
from transforms.estimator.constraints import Constraints, FloatArray
from transforms.estimator.estimate import EstimateSettings
from transforms.estimator.one_series import SMALL_MOVE, SolvedSeries
from transforms.tables.grades import reliability

PARTS = ("direction", "citizenship", "scope", "measure", "system")


def rows_of_series(
    series: dict[str, Any],
    result: SolvedSeries,
    break_ids: list[str | None],
    exact: dict[str, float],
    settings: EstimateSettings,
) -> pd.DataFrame:
    """The rows of one series, by the schema of `daily`.

    Parameters
    ----------
    series : its definition. break_ids : per day, the event that bends the estimate there. exact : figures said to be
        exact counts of their window, by report id.
    """
    c, days = result.reconciled.reported, result.days
    n = len(days)
    first = np.searchsorted(days.starts, c.start, side="right") - 1
    stop = np.searchsorted(days.starts, c.end, side="left")
    report_ids, n_origins = _covering(c, first, stop, n)
    covered = n_origins > 0
    shown = covered | _short_gaps(covered, settings.longest_gap)
    bounds = result.solved.days
    point = np.isfinite(result.estimate) & covered
    status, shaken = _status(result, first, stop, covered, point, exact)
    grade = reliability(status, ~shaken, result.estimate, bounds.upper - bounds.lower)
    broken = np.array([b is not None for b in break_ids]) & point
    obs = np.select([~point, broken, (status == "reported") & ~shaken, grade < 5], ["O", "B", "A", "E"], default="U")
    with_interval = np.isfinite(result.pi_lower) & point
    rows = np.flatnonzero(shown)
    columns: dict[str, Any] = {
        "date": [days.date(int(i)) for i in rows],
        "country": str(series["country"]),
        "series": str(series["series"]),
        **{part: str(series[part]) for part in PARTS},
        "estimate": _integers(result.estimate, rows),
        "lower": _integers(bounds.lower, rows),
        "upper": _integers(bounds.upper, rows),
        "pi_lower": _integers(np.where(with_interval, result.pi_lower, np.nan), rows),
        "pi_upper": _integers(np.where(with_interval, result.pi_upper, np.nan), rows),
        "pi_level": pd.array(np.where(with_interval, settings.interval_level or np.nan, np.nan)[rows], dtype="Float64"),
        "status": status[rows],
        "reliability": grade[rows],
        "obs_status": obs[rows],
        "report_ids": [list(report_ids[i]) for i in rows],
        "lower_proof": [list(bounds.lower_proof[i]) for i in rows],
        "upper_proof": [list(bounds.upper_proof[i]) for i in rows],
        "n_origins": n_origins[rows],
        "break_id": [break_ids[i] for i in rows],
    }
    return pd.DataFrame(columns).reindex(columns=list(DAILY.names))


def _integers(values: FloatArray, rows: NDArray[np.intp]) -> pd.api.extensions.ExtensionArray:
    """Whole numbers as nullable integers; NaN and inf are missing."""
    chosen = values[rows]
    missing = ~np.isfinite(chosen)
    return pd.arrays.IntegerArray(np.where(missing, 0, chosen).astype(np.int64), missing)


def _covering(
    c: Constraints, first: NDArray[np.intp], stop: NDArray[np.intp], n: int
) -> tuple[list[tuple[str, ...]], NDArray[np.int16]]:
    """Reports whose window overlaps each day, sorted, and how many origins they have."""
    changes: dict[int, list[tuple[int, int]]] = {}
    for row in range(len(c)):
        changes.setdefault(int(first[row]), []).append((row, 1))
        changes.setdefault(int(stop[row]), []).append((row, -1))
    report_ids: list[tuple[str, ...]] = []
    n_origins = np.zeros(n, dtype=np.int16)
    reports: Counter[str] = Counter()
    origins: Counter[str] = Counter()
    now: tuple[str, ...] = ()
    for day in range(n):
        if day in changes:
            for row, step in changes[day]:
                for counter, key in ((reports, c.report_id[row]), (origins, c.origin_id[row])):
                    counter[key] += step
                    if not counter[key]:
                        del counter[key]
            now = tuple(sorted(reports))
        report_ids.append(now)
        n_origins[day] = len(origins)
    return report_ids, n_origins


def _short_gaps(covered: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Days without a report between covered days, in gaps of at most `longest` days."""
    gaps = np.zeros(len(covered), dtype=bool)
    on = np.flatnonzero(covered)
    for before, after in pairwise(on):
        if 1 < after - before <= longest + 1:
            gaps[before + 1 : after] = True
    return gaps


def _status(
    result: SolvedSeries,
    first: NDArray[np.intp],
    stop: NDArray[np.intp],
    covered: NDArray[np.bool_],
    point: NDArray[np.bool_],
    exact: dict[str, float],
) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Status of each day, and which days keep the figure of an exact report that reconciliation moved a little."""
    c, days, bounds = result.reconciled.reported, result.days, result.solved.days
    slack = result.reconciled.slack
    single = (stop - first == 1) & (days.starts[first] == c.start) & (days.starts[first + 1] == c.end)
    reported, shaken = np.zeros(len(days), dtype=bool), np.zeros(len(days), dtype=bool)
    # A total of exactly zero states every single day of its window: a closed border is data, not an estimate.
    for row in np.flatnonzero((c.lower <= 0) & (c.upper == 0) & (slack == 0)):
        low, high = np.searchsorted(days.starts, (c.start[row], c.end[row]), side="left")
        inside = slice(int(low), int(high) if days.starts[high] == c.end[row] else int(high) - 1)
        reported[inside] = result.estimate[inside] == 0
    for row in np.flatnonzero(single & (slack == 0)):
        value = float(c.lower[row]) if c.lower[row] == c.upper[row] else exact.get(str(c.report_id[row]), np.nan)
        if result.estimate[first[row]] == value:
            reported[first[row]] = True
    for row in np.flatnonzero(single & (slack != 0) & (np.abs(slack) < SMALL_MOVE) & (c.lower == c.upper)):
        day = first[row]
        shaken[day] = shaken[day] or (not reported[day] and result.estimate[day] == c.lower[row])
    reported |= shaken
    change = np.zeros(len(days) + 1, dtype=np.int64)
    np.add.at(change, first[slack != 0], 1)
    np.add.at(change, stop[slack != 0], -1)
    moved = np.cumsum(change)[:-1] > 0
    gave_way = set(result.reconciled.moved())
    proven = bounds.lower == bounds.upper
    for day in np.flatnonzero(proven & moved):
        proven[day] = gave_way.isdisjoint(bounds.lower_proof[day]) and gave_way.isdisjoint(bounds.upper_proof[day])
    status = np.select(
        [~(point & covered), reported, proven, moved],
        [np.array(s, dtype=object) for s in ("none", "reported", "derived", "reconciled")],
        default=np.array("estimated", dtype=object),
    )
    return status, shaken
