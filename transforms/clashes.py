"""What the estimator has to tell about one series: conflicts, movements, and solver fall-backs, as findings.

In: a solved series and the figures of its reports. Out: rows of the findings table (method.md 4.3, 4.4 and the rules
V57, V58 and V70 of section 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from transforms.conflicts import Named, describe
from transforms.findings import interval
from transforms.one_series import SolvedSeries

MEDIA_TIER, OFFICIAL_TIER = 4, 1
MEDIA_MOVE = 0.20  # V57


def told(
    result: SolvedSeries, series: str, country: str, unit: str, names: Mapping[str, Named]
) -> list[dict[str, Any]]:
    """Findings of one series as mappings for `findings.table`."""
    about = {"table": "daily", "series": series, "country": country}
    rows = [about | row for row in _conflicts(result, unit, names)]
    rows += [about | row for row in _movements(result, names)]
    rows += [about | row for row in _solvers(result)]
    return rows


def _conflicts(result: SolvedSeries, unit: str, names: Mapping[str, Named]) -> Iterator[dict[str, Any]]:
    for conflict in result.conflicts:
        first, last = result.days.dates_of(conflict.start, conflict.end)
        period = str(first) if first == last else f"{first} to {last}"
        yield {
            "rule": "conflict",
            "severity": "warn",
            "date_start": first,
            "date_end": last,
            "report_ids": list(conflict.report_ids),
            "observed": f"at least {conflict.least:,.0f}",
            "expected": f"at most {conflict.most:,.0f}",
            "gap": conflict.gap,
            "message": describe(conflict, names, period, unit),
        }


def _movements(result: SolvedSeries, names: Mapping[str, Named]) -> Iterator[dict[str, Any]]:
    c = result.reconciled.reported
    for report_id, slack in result.reconciled.moved().items():
        rows = np.flatnonzero(c.report_id == report_id)
        moved = rows[np.argmax(np.abs(result.reconciled.slack[rows]))]
        first, last = result.days.dates_of(int(c.start[rows].min()), int(c.end[rows].max()))
        low, high = float(c.lower[moved]), float(c.upper[moved])
        shifted = result.reconciled.shifted
        before, after = _ends(low, high), _ends(float(shifted.lower[moved]), float(shifted.upper[moved]))
        name = names.get(report_id)
        publisher = f" ({name.publisher})" if name is not None and name.publisher else ""
        row = {
            "rule": "reconciled",
            "severity": "info",
            "date_start": first,
            "date_end": last,
            "report_ids": [report_id],
            "observed": before,
            "expected": after,
            "gap": slack,
            "message": f"{report_id}{publisher} is moved from {before} to {after} so that all reports can hold;"
            " the reported figure stays as it is",
        }
        yield row
        size = max((abs(v) for v in (low, high) if np.isfinite(v)), default=0.0)
        if int(c.tier[moved]) == MEDIA_TIER and abs(slack) > MEDIA_MOVE * size:
            share = f"{abs(slack) / size:.0%}" if size else "all"
            yield row | {
                "rule": "V57",
                "severity": "warn",
                "message": f"{report_id}{publisher}, a media figure, would have to move by {share}, from {before} to"
                f" {after}; review it",
            }
        if int(c.tier[moved]) == OFFICIAL_TIER:
            yield row | {
                "rule": "V58",
                "severity": "stop",
                "message": f"{report_id}{publisher}, a final official figure, would have to move from {before} to"
                f" {after}; decide which report is wrong",
            }


def _ends(lower: float, upper: float) -> str:
    if lower == upper and not float(lower).is_integer():
        return f"{lower:,.3f}".rstrip("0").rstrip(".")
    if not np.isfinite(lower) or not np.isfinite(upper) or (float(lower).is_integer() and float(upper).is_integer()):
        return interval(
            float(np.round(lower)) if np.isfinite(lower) else None,
            float(np.round(upper)) if np.isfinite(upper) else None,
        )
    return f"{lower:,.3f} to {upper:,.3f}"


def _solvers(result: SolvedSeries) -> Iterator[dict[str, Any]]:
    c = result.reconciled.reported
    for path in result.paths:
        how = path.solution.how
        if how in ("lu", "clarabel"):
            continue
        run = path.run
        yield {
            "rule": "V70",
            "severity": "warn",
            "date_start": result.days.date(run.first),
            "date_end": result.days.date(run.last),
            "observed": f"{path.solution.solver_status}, residual {path.solution.residual:.1e} of scale",
            "expected": "Solved, residual at most 1e-06 of scale",
            "message": "the solver was not accurate enough; the path comes from the active-set fallback"
            if how == "active_set"
            else "no solver was accurate enough; these days have bounds and no point",
        }
    if result.reconciled.fallback:
        rows = np.isin(c.report_id, np.array(result.reconciled.fallback, dtype=object))
        first, last = result.days.dates_of(int(c.start[rows].min()), int(c.end[rows].max()))
        yield {
            "rule": "V70",
            "severity": "warn",
            "date_start": first,
            "date_end": last,
            "report_ids": list(result.reconciled.fallback),
            "observed": "least weighted absolute movement",
            "expected": "weighted least squares",
            "message": "the solver was not accurate enough for the least squares; these reports have the least absolute movement",
        }
