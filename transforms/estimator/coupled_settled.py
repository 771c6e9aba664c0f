"""One block of coupled series from contradiction to estimate: conflicts, reconciliation, bounds, path.

In: a block and the system it belongs to. Out: its conflicts, the relaxed intervals, bounds of any window inside it and
the whole-person path of its days. The maths is in method.md 4.3 to 4.7; each step has its own module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from transforms.estimator.constraints import Constraints, IntArray
from transforms.estimator.coupled_blocks import Block, Link
from transforms.estimator.coupled_bounds import Bound, tightest
from transforms.estimator.coupled_conflicts import conflicts_of, is_feasible
from transforms.estimator.coupled_point import DayParts, Path, smoothest
from transforms.estimator.coupled_reconcile import Reconciled, reconcile


@dataclass(frozen=True, eq=False)
class CoupledSystem:
    """Series that identities tie together.

    Attributes
    ----------
    members : series id -> its interval rows; without rows for a series that only follows from others.
    nonnegative : series id -> False where the flow may be negative (net).
    links : the identities.
    midnights : UTC instants of the civil midnights, in order; consecutive ones are the days asked for.
    windows : (series, start, end) asked for besides, UTC instants.
    breaks : UTC instants at which a declared break starts a new regime.
    """

    members: Mapping[str, Constraints]
    nonnegative: Mapping[str, bool]
    links: Sequence[Link]
    midnights: IntArray
    windows: Sequence[tuple[str, int, int]] = ()
    breaks: Sequence[int] = ()


@dataclass(frozen=True)
class CoupledFinding:
    """Something that must be told: rule, reports and instants concerned, size in crossings, and plain words."""

    rule: str
    severity: str
    report_ids: tuple[str, ...]
    series: tuple[str, ...]
    start: int
    end: int
    gap: float | None
    message: str


class Settled:
    """A block with its contradictions settled; bounds and path are computed once and kept."""

    def __init__(self, block: Block, system: CoupledSystem) -> None:
        self.said = block
        self.system = system
        self.conflicts = () if is_feasible(block) else conflicts_of(block)
        self.moved: Reconciled | None = reconcile(block) if self.conflicts else None
        self.relaxed = self.moved.relaxed if self.moved else block
        midnights = np.asarray(system.midnights, dtype=np.int64)
        inside = (midnights[1:] > block.start) & (midnights[:-1] < block.end)
        opens, closes = midnights[:-1][inside], midnights[1:][inside]
        start, end = np.maximum(opens, block.start), np.minimum(closes, block.end)
        self.parts = DayParts(start, end, (end - start) / (closes - opens))
        self._bounds: dict[tuple[int, int, int], Bound] = {}
        self._path: Path | None = None

    def bound(self, member: int, start: int, end: int) -> Bound:
        """Tightest bounds of a window that was prepared."""
        return self._bounds[member, start, end]

    def prepare(self, windows: Sequence[tuple[int, int, int]]) -> None:
        """Compute the bounds of (member, start, end) inside the block, in one fixed order."""
        missing = sorted(set(windows) - set(self._bounds))
        self._bounds.update(zip(missing, tightest(self.relaxed, missing), strict=True))

    def path(self) -> Path:
        """Bounds of every day part, then the point; both are settled by the first call.

        Where no whole numbers hold every report, the relaxed intervals are widened to those found, and the bounds with
        them, so that no estimate ever lies outside its bounds.
        """
        if self._path is None:
            self._path = self._find_path()
        return self._path

    def _find_path(self) -> Path:
        spans = list(zip(self.parts.start.tolist(), self.parts.end.tolist(), strict=True))
        days = [(m, a, b) for a, b in spans for m in range(len(self.said.members))]
        self.prepare(days)
        by_part = {(m, d): self.bound(m, a, b) for d, (a, b) in enumerate(spans) for m in range(len(self.said.members))}
        shifted = self.moved.shifted if self.moved else self.said
        path = smoothest(shifted, self.relaxed, self.parts, by_part, self.system.breaks)
        if path.missed.any():
            s = self.relaxed.statements
            self.relaxed = self.relaxed.with_intervals(
                s.lower + np.minimum(path.missed, 0), s.upper + np.maximum(path.missed, 0)
            )
            self._bounds.clear()
            self.prepare(days)
        return path

    def findings(self) -> list[CoupledFinding]:
        """What must be told of the point and the reconciliation."""
        series = tuple(self.said.members[m] for m in sorted(self.said.reported))
        ids = self.said.statements.report_id
        path = self.path()
        told: list[CoupledFinding] = []

        def tell(rule: str, reports: Sequence[str], gap: float | None, message: str) -> None:
            told.append(
                CoupledFinding(rule, "warn", tuple(reports), series, self.said.start, self.said.end, gap, message)
            )

        if path.reason:
            tell("no_point", sorted(set(map(str, ids))), None, f"no estimate: {path.reason}")
        missed = np.flatnonzero(path.missed)
        if len(missed):
            size = np.abs(path.missed[missed])
            names = sorted({str(ids[i]) for i in missed})
            tell(
                "whole_persons",
                names,
                float(size.sum()),
                f"no whole numbers satisfy all reports and identities: {', '.join(names)} missed by at most "
                f"{int(size.max())}",
            )
        if self.moved and self.moved.widened:
            names = sorted({str(ids[i]) for i in np.flatnonzero(self.moved.slack)})
            tell("reconciled_widened", names, 1.0, "reconciled intervals were widened by one crossing for rounding")
        if self.moved and self.moved.absolute:
            names = sorted({str(ids[i]) for i in np.flatnonzero(self.moved.slack)})
            tell("reconciled_absolute", names, None, "reconciled by least absolute in place of least squares")
        return told


def ties(block: Block) -> bool:
    """Whether the identities say something in this block: two members report, or one bounds another."""
    if len(block.reported) > 1:
        return True
    s = block.statements
    member = int(s.member[0])
    kinds = sorted({(_sign(lo), _sign(hi)) for lo, hi in zip(s.lower, s.upper, strict=True) if lo <= hi})
    others = [(m, 0, 1) for m in range(len(block.members)) if m != member]
    for low, high in kinds:
        one = np.array([0], dtype=np.int64)
        sample = replace(s.take(one), start=one, end=one + 1, lower=np.array([low]), upper=np.array([max(low, high)]))
        for (m, _, _), bound in zip(others, tightest(replace(block, statements=sample), others), strict=True):
            below, above = np.isfinite(bound.lower), np.isfinite(bound.upper)
            if (below and above) or (not block.signed[m] and bound.lower > 0):
                return True
    return False


def _sign(value: float) -> float:
    return value if np.isinf(value) else float(np.sign(value))
