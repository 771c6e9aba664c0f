"""Calibrated intervals: how far the estimate was from exact day counts it had not seen.

In: the statements a series keeps to, and which of them are exact single-day counts. Out: one number for the series,
the quantile of the relative errors, or None where there are too few days or no regular bulletin (method.md 5). The
assumption to state beside them: days without a report resemble days with one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crossings.rules import RULES
from transforms.estimator.disaggregate import local_level, smoothest_paths
from transforms.estimator.engine import Engines
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements

FOLDS = 10
FEWEST_DAYS, REGULAR_SHARE = (RULES["V67"].limits[name] for name in ("fewest_days", "regular_share"))


@dataclass(frozen=True)
class Calibration:
    """quantile : half width of the interval in units of the local level; days : how many errors it rests on."""

    quantile: float
    days: int


def exact_days(statements: Statements, midnights: IntArray) -> tuple[NDArray[np.intp], IntArray]:
    """Rows that state an exact count of exactly one civil day, and the numbers of those days."""
    c = statements
    day = np.searchsorted(midnights, c.start)
    inside = day < len(midnights) - 1
    whole = np.zeros(len(c), dtype=bool)
    whole[inside] = (midnights[day[inside]] == c.start[inside]) & (midnights[day[inside] + 1] == c.end[inside])
    rows = np.flatnonzero(whole & (c.lower == c.upper))
    return rows, day[rows].astype(np.int64)


def calibrate(
    shifted: Statements,
    midnights: IntArray,
    breaks: BoolArray,
    regular: BoolArray,
    settings: EstimateSettings,
    engines: Engines,
) -> Calibration | None:
    """Ten-fold cross-validated quantile of the relative errors; None where the conditions of method.md 5 fail.

    Parameters
    ----------
    shifted : statements the point estimate keeps to, which agree.
    regular : for each row whether it belongs to a regular bulletin; at least a third of the days must.
    """
    if settings.interval_level is None:
        return None
    rows, days = exact_days(shifted, midnights)
    distinct = np.unique(days)
    if len(distinct) < FEWEST_DAYS:
        return None
    fold = _folds(shifted, rows, days, distinct)
    errors: list[float] = []
    from_bulletin = 0
    for k in range(FOLDS):
        left_out = distinct[fold == k]
        kept = np.ones(len(shifted), dtype=bool)
        kept[rows[np.isin(days, left_out)]] = False
        flows, level = _path(shifted.take(kept), midnights, breaks, settings, engines)
        for day in left_out:
            mine = rows[days == day]
            if np.isfinite(flows[day]):
                errors.append(abs(float(shifted.lower[mine[0]]) - flows[day]) / level[day])
                from_bulletin += bool(regular[mine].any())
    m = len(errors)
    if m < FEWEST_DAYS or from_bulletin < REGULAR_SHARE * m:
        return None
    rank = min(int(np.ceil(round((m + 1) * settings.interval_level, 9))), m)
    return Calibration(float(np.sort(errors)[rank - 1]), m)


def around(
    flows: FloatArray, level: FloatArray, lower: FloatArray, upper: FloatArray, calibration: Calibration
) -> tuple[FloatArray, FloatArray]:
    """Whole-number intervals around the estimates, rounded outwards and clipped to the logical bounds."""
    half = calibration.quantile * level
    return (
        np.clip(np.floor(np.round(flows - half, 6)), lower, upper),
        np.clip(np.ceil(np.round(flows + half, 6)), lower, upper),
    )


def _folds(c: Statements, rows: NDArray[np.intp], days: IntArray, distinct: IntArray) -> IntArray:
    """Fold of each calibration day, in the order of the digest of its first report id."""
    first = [min(str(c.report_id[r]) for r in rows[days == day]) for day in distinct]
    digests = [(hashlib.sha256(i.encode()).hexdigest(), i) for i in first]
    order = sorted(range(len(distinct)), key=lambda k: digests[k])
    fold = np.empty(len(distinct), dtype=np.int64)
    fold[order] = np.arange(len(distinct)) % FOLDS
    return fold


def _path(
    c: Statements, midnights: IntArray, breaks: BoolArray, settings: EstimateSettings, engines: Engines
) -> tuple[FloatArray, FloatArray]:
    """Flows and local levels by day; NaN where there is no point."""
    flows = np.full(len(midnights) - 1, np.nan)
    level = np.full(len(midnights) - 1, np.nan)
    for path in smoothest_paths("", c, midnights, breaks, settings, engines):
        if path.solution.accepted:
            (run,) = path.domain.runs
            here = slice(run.first, run.last + 1)
            flows[here] = path.days(run, midnights)
            level[here] = local_level(flows[here], breaks[here])
    return flows, level
