"""What tied series have to tell: conflicts between series, movements that settled them, days without a common point.

In: the coupling of some series. Out: rows of the findings table (method.md 4.3, 4.4, 4.7, rules V32 to V36, V57, V58,
V60).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from transforms.estimator.conflicts import Named
from transforms.estimator.constraints import FloatArray
from transforms.estimator.coupled_conflicts import CoupledConflict
from transforms.tables.clashes import movement, too_large
from transforms.tables.coupling import Coupling
from transforms.tables.stretch import Stretch


def told_of_coupling(
    coupling: Coupling, definitions: Mapping[str, Mapping[str, Any]], names: Mapping[str, Named]
) -> tuple[list[dict[str, Any]], set[str]]:
    """Findings as mappings for `findings.table`, and the ids of the reports that were moved."""
    rows: list[dict[str, Any]] = []
    moved: set[str] = set()
    for stretch in coupling.stretches:
        for row in (*_conflicts(stretch, names), *_movements(stretch, names), *_pointless(stretch)):
            series = str(row["series"])
            rows.append({"table": "daily", "country": str(definitions[series]["country"])} | row)
            if row["rule"] == "reconciled_links":
                moved.update(row["report_ids"])
    return rows, moved


def _conflicts(stretch: Stretch, names: Mapping[str, Named]) -> Iterator[dict[str, Any]]:
    for conflict in stretch.settled.conflicts:
        first, last = _dates(stretch, conflict.start, conflict.end)
        under = "; ".join(map(str, conflict.links)) or "one series"
        called = ", ".join(
            f"{i} ({', '.join(p for p in (names[i].publisher, names[i].figure) if p)})" if i in names else i
            for i in conflict.report_ids
        )
        row = {
            "rule": "conflict",
            "severity": "warn",
            "series": conflict.series[0],
            "date_start": first,
            "date_end": last,
            "report_ids": list(conflict.report_ids),
            "observed": called,
            "expected": under,
            "gap": conflict.gap,
            "message": f"CONFLICT gap={conflict.gap:,g} crossings: {called} cannot all hold under {under},"
            f" {first} to {last}",
        }
        yield row
        yield from too_large(row, _total(stretch, conflict))


def _total(stretch: Stretch, conflict: CoupledConflict) -> float:
    s = stretch.block.statements
    here = np.isin(s.report_id, np.array(conflict.report_ids, dtype=object))
    ends = np.abs(np.concatenate((s.lower[here], s.upper[here])))
    return float(ends[np.isfinite(ends)].max(initial=0.0))


def _movements(stretch: Stretch, names: Mapping[str, Named]) -> Iterator[dict[str, Any]]:
    said, now = stretch.block.statements, stretch.settled.relaxed.statements
    changed = (said.lower != now.lower) | (said.upper != now.upper)
    for report_id in sorted({str(i) for i in said.report_id[changed]}):
        rows = np.flatnonzero((said.report_id == report_id) & changed)
        down = _furthest(said.lower[rows], now.lower[rows])
        up = _furthest(said.upper[rows], now.upper[rows])
        slack = up if abs(up) > abs(down) else down
        first, last = _dates(stretch, int(said.start[rows].min()), int(said.end[rows].max()))
        before = float(said.lower[rows[0]]), float(said.upper[rows[0]])
        about = {"series": stretch.block.members[int(said.member[rows[0]])], "date_start": first, "date_end": last}
        after = before[0] + slack, before[1] + slack
        for row in movement(report_id, int(said.tier[rows[0]]), before, after, slack, names, "reconciled_links"):
            yield about | row


def _furthest(before: FloatArray, after: FloatArray) -> float:
    """The largest move of an interval end; ends that were unbounded stay so."""
    known = np.isfinite(before) & np.isfinite(after)
    moves = after[known] - before[known]
    return float(moves[np.argmax(np.abs(moves))]) if len(moves) else 0.0


def _pointless(stretch: Stretch) -> Iterator[dict[str, Any]]:
    if stretch.pointless:
        first, last = _dates(stretch, stretch.block.start, stretch.block.end)
        yield {
            "rule": "V70",
            "severity": "warn",
            "series": stretch.block.members[min(stretch.block.reported)],
            "date_start": first,
            "date_end": last,
            "report_ids": sorted({str(i) for i in stretch.block.statements.report_id}),
            "observed": "no common path in whole numbers",
            "expected": "one path that keeps every report and identity",
            "message": "tied series have no common path in whole numbers; the days on which one breaks an identity have"
            " bounds and no point",
        }


def _dates(stretch: Stretch, start: int, end: int) -> tuple[dt.date, dt.date]:
    first = int(np.searchsorted(stretch.midnights, start, side="right")) - 1
    last = int(np.searchsorted(stretch.midnights, end, side="left")) - 1
    return stretch.date(first), stretch.date(max(first, last))
