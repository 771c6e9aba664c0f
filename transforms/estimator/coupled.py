"""Coupled series: entries, exits, net, both directions, parts and wholes, solved together.

In: the interval rows of several series and the identities between them. Out: tightest bounds with proofs for days and
periods of every series, conflicts between series, the reconciliation of them, and whole-person estimates on which the
identities hold. The maths is in method.md 4.7, with 4.3 (conflicts), 4.4 (reconciliation), 4.5 and 4.6 (point).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from transforms.estimator.constraints import Constraints, FloatArray
from transforms.estimator.coupled_blocks import Block, Link, cut
from transforms.estimator.coupled_bounds import snap
from transforms.estimator.coupled_conflicts import CoupledConflict, least_total_slack
from transforms.estimator.coupled_settled import CoupledFinding, CoupledSystem, Settled, ties

__all__ = ["CoupledConflict", "CoupledFinding", "CoupledSolution", "CoupledSystem", "Link", "solve"]


@dataclass(frozen=True, eq=False)
class CoupledSolution:
    """What the reports of a coupled system imply.

    Attributes
    ----------
    feasible : whether all reports and identities can hold together.
    days : one row per series and day of the linked stretches of time: `series`, `start`, `end` (UTC instants),
        `lower`, `upper`, `estimate` (Int64 crossings, missing = unbounded or no point), `path` (the estimate before
        rounding), `lower_proof`, `upper_proof` (tuples of report ids by instant), `reported` (an own report covers
        the whole day), `reconciled` (a report of the series, or of any series where the day has no report of its own,
        was moved and touches the day). A day about which nothing follows has no row.
    windows : the same columns, without `path` and `reconciled`, for every window asked for, by series, start, end.
    conflicts : irreducible sets of reports that cannot all hold.
    total_slack : smallest total movement of interval ends that would restore consistency, crossings.
    slacks : rows that were moved: `report_id`, `series`, `start`, `end`, `tier`, `sigma`, `slack` (crossings).
    relaxed : series id -> rows with the whole-number intervals on which the bounds rest; all rows, moved or not.
    findings : what must be told besides the conflicts.
    """

    feasible: bool
    days: pd.DataFrame
    windows: pd.DataFrame
    conflicts: tuple[CoupledConflict, ...] = ()
    total_slack: float = 0.0
    slacks: pd.DataFrame = field(default_factory=pd.DataFrame)
    relaxed: Mapping[str, Constraints] = field(default_factory=dict)
    findings: tuple[CoupledFinding, ...] = ()


def solve(system: CoupledSystem) -> CoupledSolution:
    """Bounds, proofs, conflicts and estimates of coupled series.

    Stretches of time in which no two series report and no identity bounds one through another are left to the
    estimator of single series; they are used here only where a day or window reaches into them.

    Raises
    ------
    CrossingsError : links and members do not fit together, or a solver fails.
    """
    order, blocks = cut(system.members, system.nonnegative, system.links)
    tied = [b for b in blocks if ties(b)]
    book = _Book(system, order, blocks)
    days = book.days(tied)
    windows = book.windows()
    settled = [book.settled(b) for b in tied]
    conflicts = tuple(c for w in settled for c in w.conflicts)
    return CoupledSolution(
        feasible=not conflicts,
        days=days,
        windows=windows,
        conflicts=conflicts,
        total_slack=sum(least_total_slack(w.said) for w in settled if w.conflicts),
        slacks=_slacks(settled),
        relaxed=_relaxed(system, settled),
        findings=tuple(f for w in settled for f in w.findings()),
    )


class _Book:
    """Adds up what the blocks say of a day or window."""

    def __init__(self, system: CoupledSystem, order: tuple[str, ...], blocks: Sequence[Block]) -> None:
        self.system = system
        self.order = order
        self.blocks = blocks
        self.starts = np.array([b.start for b in blocks], dtype=np.int64)
        self.ends = np.array([b.end for b in blocks], dtype=np.int64)
        self._settled: dict[int, Settled] = {}
        self._estimates: dict[tuple[str, int], int] = {}

    def settled(self, block: Block) -> Settled:
        """The block with its contradictions settled."""
        if block.start not in self._settled:
            self._settled[block.start] = Settled(block, self.system)
        return self._settled[block.start]

    def touching(self, start: int, end: int) -> list[Block]:
        """Blocks that share time with [start, end)."""
        a = int(np.searchsorted(self.ends, start, side="right"))
        b = int(np.searchsorted(self.starts, end, side="left"))
        return list(self.blocks[a:b])

    def days(self, tied: Sequence[Block]) -> pd.DataFrame:
        """Rows of `CoupledSolution.days`."""
        midnights = np.asarray(self.system.midnights, dtype=np.int64)
        asked: list[tuple[int, int]] = []
        for block in tied:
            a = max(0, int(np.searchsorted(midnights, block.start, side="right")) - 1)
            b = min(len(midnights) - 1, int(np.searchsorted(midnights, block.end, side="left")))
            asked.extend((int(midnights[i]), int(midnights[i + 1])) for i in range(a, b))
        rows = []
        for start, end in sorted(set(asked)):
            for block in self.touching(start, end):
                self.settled(block).path()
        for start, end in sorted(set(asked)):
            for member, series in enumerate(self.order):
                row = self._row(member, start, end)
                estimate, path = self._point(member, start, end)
                nothing = 0 if self.system.nonnegative[series] else None
                if row["upper"] is None and row["lower"] == nothing and not self._touches(series, start, end):
                    continue
                row["estimate"], row["path"] = estimate, path
                row["reconciled"] = self._was_moved(member, start, end, bool(row["reported"]))
                if estimate is not None:
                    self._estimates[series, start] = estimate
                rows.append(row)
        return _table(rows, _DAY_COLUMNS)

    def windows(self) -> pd.DataFrame:
        """Rows of `CoupledSolution.windows`."""
        midnights = np.asarray(self.system.midnights, dtype=np.int64)
        position = {name: i for i, name in enumerate(self.order)}
        asked = sorted(set(self.system.windows))
        for series, start, end in asked:
            for block in self.touching(start, end):
                self.settled(block).prepare([(position[series], max(start, block.start), min(end, block.end))])
        rows = []
        for series, start, end in asked:
            row = self._row(position[series], start, end)
            inside = midnights[(midnights >= start) & (midnights < end)].tolist()
            of_days = [self._estimates.get((series, t)) for t in inside]
            whole_days = bool(inside) and inside[0] == start and bool(np.any(midnights == end))
            known = [v for v in of_days if v is not None]
            row["estimate"] = sum(known) if whole_days and len(known) == len(of_days) else None
            rows.append(row)
        return _table(rows, _WINDOW_COLUMNS)

    def _row(self, member: int, start: int, end: int) -> dict[str, object]:
        series = self.order[member]
        bounds = []
        filled = 0
        for block in self.touching(start, end):
            a, b = max(start, block.start), min(end, block.end)
            bounds.append(self.settled(block).bound(member, a, b))
            filled += b - a
        lower = sum(b.lower for b in bounds)
        upper = sum(b.upper for b in bounds)
        if filled < end - start:
            upper = np.inf
            lower = lower if self.system.nonnegative[series] else -np.inf
        finite_lower, finite_upper = np.isfinite(lower), np.isfinite(upper)
        return {
            "series": series,
            "start": start,
            "end": end,
            "lower": int(np.floor(snap(lower))) if finite_lower else None,
            "upper": int(np.ceil(snap(upper))) if finite_upper else None,
            "lower_proof": _proof([b.lower_proof for b in bounds] if finite_lower else []),
            "upper_proof": _proof([b.upper_proof for b in bounds] if finite_upper else []),
            "reported": self._reported(series, start, end),
        }

    def _touches(self, series: str, start: int, end: int) -> bool:
        own = self.system.members[series]
        return bool(np.any((own.start < end) & (own.end > start)))

    def _reported(self, series: str, start: int, end: int) -> bool:
        own = self.system.members[series]
        hit = np.flatnonzero((own.start < end) & (own.end > start))
        reached = start
        for a, b in sorted(zip(own.start[hit].tolist(), own.end[hit].tolist(), strict=True)):
            if a > reached:
                return False
            reached = max(reached, b)
        return reached >= end

    def _point(self, member: int, start: int, end: int) -> tuple[int | None, float]:
        filled, whole, real = 0, 0, 0.0
        for block in self.touching(start, end):
            settled = self.settled(block)
            path = settled.path()
            part = int(np.searchsorted(settled.parts.start, max(start, block.start)))
            if not path.published[member, part]:
                return None, float("nan")
            filled += min(end, block.end) - max(start, block.start)
            whole += int(path.whole[member, part])
            real += float(path.flow[member, part])
        return (whole, real) if filled == end - start else (None, float("nan"))

    def _was_moved(self, member: int, start: int, end: int, reported: bool) -> bool:
        for block in self.touching(start, end):
            moved = self.settled(block).moved
            if moved:
                s = block.statements
                hit = (moved.slack != 0) & (s.start < end) & (s.end > start)
                if bool(np.any(hit & ((s.member == member) | (not reported)))):
                    return True
        return False


_WINDOW_COLUMNS = {
    "series": "str",
    "start": "int64",
    "end": "int64",
    "lower": "Int64",
    "upper": "Int64",
    "estimate": "Int64",
    "lower_proof": "object",
    "upper_proof": "object",
    "reported": "bool",
}
_DAY_COLUMNS = {**_WINDOW_COLUMNS, "path": "float64", "reconciled": "bool"}
_SLACK_COLUMNS = {
    "report_id": "str",
    "series": "str",
    "start": "int64",
    "end": "int64",
    "tier": "int64",
    "sigma": "float64",
    "slack": "float64",
}


def _table(rows: Sequence[Mapping[str, object]], columns: Mapping[str, str]) -> pd.DataFrame:
    table = {name: pd.Series([r[name] for r in rows], dtype=dtype) for name, dtype in columns.items()}
    return pd.DataFrame(table).sort_values(["series", "start", "end"], kind="stable", ignore_index=True)


def _proof(parts: Sequence[frozenset[tuple[int, str]]]) -> tuple[str, ...]:
    """Report ids of a proof by instant and then id."""
    first: dict[str, int] = {}
    for instant, report_id in sorted(set().union(*parts)):
        first.setdefault(report_id, instant)
    return tuple(first)


def _slacks(settled: Sequence[Settled]) -> pd.DataFrame:
    rows = [
        {
            "report_id": str(s.report_id[i]),
            "series": work.said.members[int(s.member[i])],
            "start": int(s.start[i]),
            "end": int(s.end[i]),
            "tier": int(s.tier[i]),
            "sigma": float(s.sigma[i]),
            "slack": round(float(work.moved.slack[i]), 6),
        }
        for work in settled
        if work.moved
        for s in (work.said.statements,)
        for i in np.flatnonzero(work.moved.slack).tolist()
    ]
    return _table(rows, _SLACK_COLUMNS)


def _relaxed(system: CoupledSystem, settled: Sequence[Settled]) -> dict[str, Constraints]:
    widened: dict[tuple[str, int, int, str, float, float], tuple[float, float]] = {}
    for work in settled:
        said, now = work.said.statements, work.relaxed.statements
        for i in np.flatnonzero((said.lower != now.lower) | (said.upper != now.upper)).tolist():
            key = (
                work.said.members[int(said.member[i])],
                int(said.start[i]),
                int(said.end[i]),
                str(said.report_id[i]),
                float(said.lower[i]),
                float(said.upper[i]),
            )
            widened[key] = (float(now.lower[i]), float(now.upper[i]))
    result: dict[str, Constraints] = {}
    for series, rows in system.members.items():
        lower: FloatArray = rows.lower.astype(np.float64).copy()
        upper: FloatArray = rows.upper.astype(np.float64).copy()
        for i in range(len(rows)):
            key = (
                series,
                int(rows.start[i]),
                int(rows.end[i]),
                str(rows.report_id[i]),
                float(rows.lower[i]),
                float(rows.upper[i]),
            )
            lower[i], upper[i] = widened.get(key, (lower[i], upper[i]))
        result[series] = replace(rows, lower=lower, upper=upper)
    return result
