"""Contradictions between coupled series: which reports and identities cannot all hold, and by how much.

In: a block of coupled series. Out: irreducible sets of report ids with the identities they need, the gap of each, and
the smallest total slack. The maths is in method.md 4.3 and 4.7: an infeasibility certificate, the irreducible
subsystem that HiGHS makes of it, then a deletion filter that makes the result certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from transforms.estimator.coupled_blocks import Block, Link
from transforms.estimator.coupled_bounds import FlowProgramme, snap

_IIS_STRATEGIES = (2, 4)  # the default finds an empty set and 1 fails (method.md 3.1)


@dataclass(frozen=True)
class CoupledConflict:
    """Reports that cannot all hold under the identities named.

    Attributes
    ----------
    report_ids : the reports, by instant and then id; leaving out any one of them removes the contradiction.
    links : the identities it needs; empty where the reports of one series contradict each other by themselves.
    series : the series of the reports.
    gap : smallest total absolute slack of these reports, in crossings.
    set_aside : the report of the lowest tier, left out when looking for further conflicts.
    start, end : UTC instants, first and last of the windows.
    """

    report_ids: tuple[str, ...]
    links: tuple[Link, ...]
    series: tuple[str, ...]
    gap: float
    set_aside: str
    start: int
    end: int

    @property
    def message(self) -> str:
        """The conflict in plain words."""
        under = f" under {'; '.join(map(str, self.links))}" if self.links else ""
        return f"CONFLICT gap={self.gap:,g} crossings: {', '.join(self.report_ids)} cannot all hold{under}"


def is_feasible(block: Block) -> bool:
    """Whether all reports and identities of the block can hold together."""
    return not len(block.statements) or FlowProgramme(block, block.coarse).feasible()


def least_total_slack(block: Block) -> float:
    """Smallest sum of absolute movements of interval ends that makes the block feasible, in crossings."""
    if not len(block.statements):
        return 0.0
    return snap(FlowProgramme(block, block.coarse, np.ones(len(block.statements))).least_slack()[0])


def conflicts_of(block: Block) -> tuple[CoupledConflict, ...]:
    """Independent irreducible conflicts: after each, its lowest-tier report (then largest id) is set aside."""
    found: list[CoupledConflict] = []
    while not is_feasible(block):
        conflict = _conflict(block)
        found.append(conflict)
        block = block.only(block.statements.report_id != conflict.set_aside, block.links)
    return tuple(found)


def _conflict(block: Block) -> CoupledConflict:
    programme = FlowProgramme(block, block.coarse, np.ones(len(block.statements)))
    _, forcing = programme.least_slack()
    core = _restrict(block, np.flatnonzero(forcing).tolist(), programme)
    programme = FlowProgramme(core, core.coarse)
    programme.feasible()
    candidates = [core, *(_restrict(core, programme.irreducible_rows(k), programme) for k in _IIS_STRATEGIES)]
    filtered = [_deletion_filter(c) for c in candidates if not is_feasible(c)]
    chosen = min(filtered, key=_preference)
    s = chosen.statements
    tier = {str(r): int(t) for r, t in zip(s.report_id, s.tier, strict=True)}
    return CoupledConflict(
        tuple(_ids(chosen)),
        chosen.links,
        tuple(chosen.members[m] for m in sorted(chosen.reported)),
        least_total_slack(chosen),
        max(tier, key=lambda r: (tier[r], r)),
        chosen.start,
        chosen.end,
    )


def _restrict(block: Block, rows: Sequence[int], programme: FlowProgramme) -> Block:
    """The reports (with all their rows) and links to which the given rows of a programme belong."""
    n = len(block.statements)
    ids = {str(block.statements.report_id[r]) for r in rows if r < n}
    links = {int(programme.link_of[r - n]) for r in rows if r >= n}
    keep = np.array([str(r) in ids for r in block.statements.report_id], dtype=np.bool_)
    return block.only(keep, [link for k, link in enumerate(block.links) if k in links])


def _deletion_filter(block: Block) -> Block:
    """Leave out one report or identity after the other as long as the rest is still infeasible."""
    for report_id in _ids(block):
        fewer = block.only(block.statements.report_id != report_id, block.links)
        if not is_feasible(fewer):
            block = fewer
    for link in block.links:
        fewer = block.only(np.ones(len(block.statements), dtype=np.bool_), [k for k in block.links if k != link])
        if not is_feasible(fewer):
            block = fewer
    return block


def _ids(block: Block) -> list[str]:
    first: dict[str, int] = {}
    for start, report_id in zip(block.statements.start.tolist(), block.statements.report_id, strict=True):
        first.setdefault(str(report_id), start)
    return sorted(first, key=lambda r: (first[r], r))


def _preference(block: Block) -> tuple[int, list[str], int, list[str]]:
    ids = sorted(_ids(block))
    return len(ids), ids, len(block.links), [str(link) for link in block.links]
