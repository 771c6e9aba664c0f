"""Contradictions: irreducible sets of reports that cannot all hold, and what each needs. Knows no engine.

In: an infeasible block and the engines. Out: one `Conflict` for each independent set. While the block is infeasible:
suspects, a deletion filter, a choice, one report set aside, again (method.md 4.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from transforms.estimator.engine import Clash, Engines
from transforms.estimator.identities import Identity
from transforms.estimator.results import Change, Conflict
from transforms.estimator.system import Block


def find_conflicts(blocks: Sequence[Block], engines: Engines) -> list[Conflict]:
    """All independent irreducible sets, in the order in which they were found within each block, blocks in time order.

    Each set has the fewest reports among those the engine suspects, then the smallest ids. The lowest-tier report of a
    set is set aside before the next is looked for, until the rest is feasible.
    """
    found: list[Conflict] = []
    pending = [block for block in blocks if not engines(block).feasible()]
    while pending:
        block = pending.pop(0)
        conflict = _smallest(block, engines)
        found.append(conflict)
        rest = engines(block).without(frozenset({conflict.set_aside}))
        pending[:0] = [engine.block for engine in rest if not engine.feasible()]
    return found


def agree(block: Block, engines: Engines) -> bool:
    """Whether what is left in a block can hold together; it may fall into several blocks by now."""
    return all(engines(part).feasible() for part in block.blocks())


def _smallest(block: Block, engines: Engines) -> Conflict:
    best: tuple[int, tuple[str, ...]] | None = None
    distinct = len(block.report_ids) == len(block.statements)
    for ids in engines(block).suspects():
        if best is not None and len(ids) > best[0] and distinct:
            break
        kept = _deletion_filter(block, ids, engines)
        if best is None or (len(kept), kept) < best:
            best = (len(kept), kept)
    assert best is not None, "an infeasible block has suspects"
    return _measured(block.only(best[1]), engines)


def _deletion_filter(block: Block, ids: Sequence[str], engines: Engines) -> tuple[str, ...]:
    """Leave out one report after the other as long as the rest is still infeasible."""
    kept = list(ids)
    for i in ids:
        rest = [k for k in kept if k != i]
        if rest and not agree(block.only(rest), engines):
            kept = rest
    return tuple(sorted(kept))


def _needed(block: Block, engines: Engines) -> tuple[Identity, ...]:
    """The identities without any one of which the reports would agree."""
    kept = list(block.identities)
    for identity in block.identities:
        fewer = [k for k in kept if k != identity]
        if not agree(block.under(fewer), engines):
            kept = fewer
    return tuple(kept)


def _measured(block: Block, engines: Engines) -> Conflict:
    """Gap, sides and changes of an irreducible set, from the certificate of the block in which it clashes."""
    identities = _needed(block, engines)
    clash = next(e.clash() for e in map(engines, block.under(identities).blocks()) if not e.feasible())
    s = block.statements
    ids = tuple(sorted(block.report_ids)) if len(block.members) == 1 else block.report_ids
    of_row = {(str(i), int(a)): r for r, (i, a) in enumerate(zip(s.report_id, s.start, strict=True))}
    rows = [of_row[t.report_id, t.start] for t in clash.terms]
    ends = {side: _ends(block, clash, rows, side) for side in ("upper", "lower")}
    tier = {str(i): int(t) for i, t in zip(s.report_id, s.tier, strict=True)}
    length = {i: int((s.end - s.start)[s.report_id == i].sum()) for i in ids}
    return Conflict(
        report_ids=ids,
        identities=identities,
        series=tuple(block.members[m] for m in block.reported),
        gap=clash.gap,
        at_most=tuple(ends["upper"]),
        at_least=tuple(ends["lower"]),
        most=float(sum(sum(v) for v in ends["upper"].values())),
        least=float(sum(sum(v) for v in ends["lower"].values())),
        start=int(s.start[rows].min()),
        end=int(s.end[rows].max()),
        changes=_changes(ids, ends, clash.gap),
        set_aside=max(ids, key=lambda i: (tier[i], length[i], i)),
    )


def _ends(block: Block, clash: Clash, rows: Sequence[int], side: str) -> dict[str, list[float]]:
    """Report id -> the ends that count, once for each time, in order of time of the windows."""
    s = block.statements
    counted = [(row, term) for row, term in zip(rows, clash.terms, strict=True) if term.end == side]
    found: dict[str, list[float]] = {}
    values = s.upper if side == "upper" else s.lower
    for row, term in sorted(counted, key=lambda r: (int(s.start[r[0]]), int(s.end[r[0]]), r[1].report_id)):
        found.setdefault(term.report_id, []).append(abs(term.times) * float(values[row]))
    return found


def _changes(ids: Sequence[str], ends: dict[str, dict[str, list[float]]], gap: float) -> tuple[Change, ...]:
    changes = []
    for report_id in ids:
        for side, sign in (("upper", 1.0), ("lower", -1.0)):
            mine = ends[side].get(report_id)
            if mine:
                step = float(np.ceil(gap / len(mine)))
                changes.append(
                    Change(report_id, "upper" if side == "upper" else "lower", mine[0], mine[0] + sign * step)
                )
    return tuple(changes)
