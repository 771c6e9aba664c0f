"""What the estimator has to tell about one series: conflicts, movements, and solver fall-backs, as findings.

In: a solved series and the figures of its reports. Out: rows of the findings table (method.md 4.3, 4.4 and the rules
V57, V58, V60, V70 and V73 of section 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from transforms.estimator.conflicts import Named, describe
from transforms.estimator.one_series import SolvedSeries
from transforms.findings import interval

MEDIA_TIER, OFFICIAL_TIER = 4, 1
MEDIA_MOVE = 0.20  # V57
GRAVE_GAP = 0.05  # V60, of the total of the period
OFTEN = 3  # V73, irreducible sets


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
        row = {
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
        yield row
        yield from too_large(row, max(conflict.most, conflict.least))


def too_large(conflict: Mapping[str, Any], total: float) -> Iterator[dict[str, Any]]:
    """V60: a conflict whose gap is more than 5 % of the total of its period stops the points of the series."""
    gap = float(conflict["gap"])
    if gap > GRAVE_GAP * total:
        share = f"{gap / total:.0%} of {total:,.0f}" if total else "more than all"
        yield dict(conflict) | {
            "rule": "V60",
            "severity": "stop",
            "message": f"the conflict of {', '.join(conflict['report_ids'])} is as large as {gap:,.0f}, {share};"
            " decide which report is wrong",
        }


def often_in_conflict(found: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """V73: reports that stand in three or more irreducible sets; they come first in a review."""
    sets: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in found:
        if row["rule"] == "conflict":
            for report_id in row["report_ids"]:
                sets.setdefault((str(row["series"]), str(report_id)), []).append(row)
    for (_, report_id), rows in sorted(sets.items()):
        if len(rows) >= OFTEN:
            yield dict(rows[0]) | {
                "rule": "V73",
                "severity": "warn",
                "date_start": min(r["date_start"] for r in rows),
                "date_end": max(r["date_end"] for r in rows),
                "report_ids": [report_id],
                "observed": f"{len(rows)} irreducible sets",
                "expected": f"fewer than {OFTEN}",
                "gap": max(float(r["gap"]) for r in rows),
                "message": f"{report_id} stands in {len(rows)} conflicts; look at it first",
            }


def _movements(result: SolvedSeries, names: Mapping[str, Named]) -> Iterator[dict[str, Any]]:
    c, shifted = result.reconciled.reported, result.reconciled.shifted
    for report_id, slack in result.reconciled.moved().items():
        rows = np.flatnonzero(c.report_id == report_id)
        moved = rows[np.argmax(np.abs(result.reconciled.slack[rows]))]
        first, last = result.days.dates_of(int(c.start[rows].min()), int(c.end[rows].max()))
        before = float(c.lower[moved]), float(c.upper[moved])
        after = float(shifted.lower[moved]), float(shifted.upper[moved])
        about = {"date_start": first, "date_end": last}
        for row in movement(report_id, int(c.tier[moved]), before, after, slack, names):
            yield about | row


def movement(
    report_id: str,
    tier: int,
    before: tuple[float, float],
    after: tuple[float, float],
    slack: float,
    names: Mapping[str, Named],
    rule: str = "reconciled",
) -> Iterator[dict[str, Any]]:
    """The movement of one report, and V57 or V58 where it is a media or a final official figure that moves too far."""
    name = names.get(report_id)
    publisher = f" ({name.publisher})" if name is not None and name.publisher else ""
    said, settled = _ends(*before), _ends(*after)
    row = {
        "rule": rule,
        "severity": "info",
        "report_ids": [report_id],
        "observed": said,
        "expected": settled,
        "gap": slack,
        "message": f"{report_id}{publisher} is moved from {said} to {settled} so that all reports can hold;"
        " the reported figure stays as it is",
    }
    yield row
    size = max((abs(v) for v in before if np.isfinite(v)), default=0.0)
    if tier == MEDIA_TIER and abs(slack) > MEDIA_MOVE * size:
        share = f"{abs(slack) / size:.0%}" if size else "all"
        yield row | {
            "rule": "V57",
            "severity": "warn",
            "message": f"{report_id}{publisher}, a media figure, would have to move by {share}, from {said} to"
            f" {settled}; review it",
        }
    if tier == OFFICIAL_TIER:
        yield row | {
            "rule": "V58",
            "severity": "stop",
            "message": f"{report_id}{publisher}, a final official figure, would have to move from {said} to"
            f" {settled}; decide which report is wrong",
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
