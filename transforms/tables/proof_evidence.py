"""Every published bound beside the sum of its proof, worked out from the tables alone (docs/rules.md, V74).

In: `daily`, the reports with their ends and windows, and the series. Out: one row per bound, which an expectation
judges. No solver and nothing of the estimator is asked: a reader can do the same with the published tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from crossings.calendar import midnights, shifted
from transforms.estimator.statements import OFF_BY
from transforms.reports.encode import doubtful

Term: TypeAlias = tuple[str, str, float, Any]
Windows: TypeAlias = Mapping[tuple[str, str], tuple[int, int]]  # report and end of its interval -> instants


def proofs(daily: pd.DataFrame, reports: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """V74: per bound that is not open: the bound, what its terms add up to, and whether their windows hold the day.

    reports : decided rows with `lower`, `upper`, `start_instant`, `end_instant` (UTC seconds); of an inferred
    day, the days that it might be bind.
    Columns date, series, upper, bound, total, covers. The windows are looked at where all terms are of the series
    itself; a bound that follows from other series rests on identities, which no table holds.
    """
    active = reports.loc[reports["role"] == "constraint"]
    ends = {end: active.set_index("report_id")[end].astype("Float64").to_dict() for end in ("lower", "upper")}
    owner = dict(zip(active["report_id"], active["series"], strict=True))
    zones = {n: (z, b) for n, z, b in series[["series", "timezone", "day_boundary"]].itertuples(index=False)}
    windows = _windows(active, {str(name): str(zone) for name, (zone, _) in zones.items()})
    rows = []
    for name, own in daily.groupby("series", sort=True, observed=True):
        clock = _Days(own["date"], *zones[str(name)])
        for end in ("lower", "upper"):
            kept = own[[f"{end}", f"{end}_terms", "date"]]
            known: dict[tuple[Term, ...], _Proof] = {}
            for bound, terms, date in kept[kept[end].notna()].itertuples(index=False):
                key = tuple((t["report_id"], t["end"], float(t["times"]), t["day"]) for t in terms)
                if key not in known:
                    within = all(owner.get(t[0]) == name for t in key)
                    known[key] = _Proof(key, ends, windows if within else None, clock)
                proof = known[key]
                covers = proof.holds(*clock.of(date), upper=end == "upper")
                rows.append((date, name, end == "upper", float(bound), proof.total, covers))
    frame = pd.DataFrame(rows, columns=["date", "series", "upper", "bound", "total", "covers"])
    return frame.astype({"upper": bool, "bound": "float64", "total": "float64", "covers": bool})


def _windows(active: pd.DataFrame, zones: Mapping[str, str]) -> Windows:
    """Where the ends of each report bind; `zones` : time zone by series."""
    instants = active[["report_id", "start_instant", "end_instant"]]
    found = {(i, end): (int(a), int(b)) for i, a, b in instants.itertuples(index=False) for end in ("lower", "upper")}
    for series, rows in active.loc[doubtful(active)].groupby("series"):
        start, end = (rows[c].to_numpy(np.int64) for c in ("start_instant", "end_instant"))
        for name, by in (("lower", -OFF_BY), ("upper", OFF_BY)):
            moved = zip(shifted(start, by, zones[str(series)]), shifted(end, -by, zones[str(series)]), strict=True)
            found |= {(i, name): (int(a), int(b)) for i, (a, b) in zip(rows["report_id"], moved, strict=True)}
    return found


class _Days:
    """Instants of the civil days of a series."""

    def __init__(self, dates: pd.Series, zone: str, boundary: str) -> None:
        self.first, last = dates.min(), dates.max()
        self.starts = midnights(self.first, last, zone, boundary)

    def of(self, date: Any) -> tuple[int, int]:
        """Start and end of a day."""
        k = (date - self.first).days
        if not 0 <= k < len(self.starts) - 1:
            return -1, -1
        return int(self.starts[k]), int(self.starts[k + 1])


class _Proof:
    """The terms of a bound: their sum, and how often their windows cover each moment."""

    def __init__(
        self, terms: Sequence[Term], ends: Mapping[str, Mapping[str, Any]], windows: Windows | None, clock: _Days
    ) -> None:
        amounts = [ends[end].get(report_id, pd.NA) for report_id, end, _, _ in terms]
        known = not any(pd.isna(a) for a in amounts)
        times = [t[2] for t in terms]
        self.total = math.fsum(n * float(a) for n, a in zip(times, amounts, strict=True)) if known else math.nan
        self.looked_at = windows is not None
        change: dict[int, float] = {}
        for report_id, which, often, day in terms if windows is not None else ():
            start, end = (windows or {}).get((report_id, which), (0, 0))
            if day is not None:
                low, high = clock.of(day)
                start, end = max(start, low), min(end, high)
            change[start] = change.get(start, 0.0) + often
            change[end] = change.get(end, 0.0) - often
        self.at = np.array(sorted(change), dtype=np.int64)
        self.cover = np.cumsum([change[int(t)] for t in self.at])

    def holds(self, start: int, end: int, *, upper: bool) -> bool:
        """Whether the windows cover the day once more than anything else, at least (upper) or at most (lower)."""
        if not self.looked_at:
            return True
        edges = np.unique(np.concatenate((self.at, [start, end])))
        place = np.searchsorted(self.at, edges, side="right") - 1
        cover = np.where(place >= 0, self.cover[place] if len(self.cover) else 0.0, 0.0)
        wanted = ((edges >= start) & (edges < end)).astype(np.float64)
        return bool((cover >= wanted - 1e-6).all() if upper else (cover <= wanted + 1e-6).all())
