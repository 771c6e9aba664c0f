"""Contradictions: irreducible sets of reports that cannot all hold, with the size of each clash in plain words.

In: interval statements of one series. Out: one `Conflict` for each independent set, and the least total shift that
would make everything agree. A set is a negative cycle of the constraint graph; its gap is minus the length
(method.md 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from transforms.estimator.bounds import infeasible_blocks
from transforms.estimator.constraints import Constraints, FloatArray, IntArray
from transforms.estimator.network import Block, canonical

_SOURCES_AT_ONCE = 512
_STEPS_PER_DAY_ROWS = 32  # a per-day report may stand in a cycle once a day and still count as one report
_CANDIDATES = 64
_WHOLE_SEARCH = 300  # rows; in a longer block the search is confined to the stretch in which the clash comes about


@dataclass(frozen=True)
class Change:
    """The smallest change of one report alone that would make the set agree."""

    report_id: str
    side: str  # lower: its lower end must fall; upper: its upper end must rise
    before: float
    after: float


@dataclass(frozen=True)
class Conflict:
    """An irreducible set of reports that cannot all hold.

    Attributes
    ----------
    report_ids : sorted.
    at_most : reports whose upper ends clash, in order of time; together they allow at most `most`.
    at_least : reports whose lower ends clash, in order of time; together they demand at least `least`.
    gap : least - most, in crossings.
    start, end : UTC instants the set spans.
    changes : the smallest change of each report, in the order of `report_ids`.
    set_aside : the report left out to look for further conflicts: the lowest tier, then the longest window (single days
        are the better evidence, and the same clash is not told twice with other days), then the last id.
    """

    report_ids: tuple[str, ...]
    at_most: tuple[str, ...]
    at_least: tuple[str, ...]
    most: float
    least: float
    gap: float
    start: int
    end: int
    changes: tuple[Change, ...]
    set_aside: str
    irreducible: bool = True


@dataclass(frozen=True)
class Named:
    """How a report is called in a message: its publisher and its figure as text."""

    publisher: str
    figure: str


def find_conflicts(constraints: Constraints) -> list[Conflict]:
    """All independent irreducible sets, in the order in which they were found within each block, blocks in time order.

    Each set has the fewest reports among the negative cycles looked at (every node of the block starts one), then the
    smallest ids. The lowest-tier report of a set is set aside before the next is looked for, until the rest is feasible.
    """
    c = canonical(constraints)
    found: list[Conflict] = []
    pending = [c.take(block.rows) for block in infeasible_blocks(c)]
    while pending:
        part = pending.pop(0)
        conflict = _smallest_conflict(part)
        found.append(conflict)
        rest = part.take(part.report_id != conflict.set_aside)
        pending[:0] = [rest.take(block.rows) for block in infeasible_blocks(rest)]
    return found


def minimal_total_slack(constraints: Constraints) -> float:
    """Least sum of absolute shifts of interval ends that makes all reports agree: one number for the whole set (LP)."""
    total = 0.0
    c = canonical(constraints)
    for block in infeasible_blocks(c):
        e = block.edges
        n, m = len(block.nodes), len(e.src)
        k = np.arange(m)
        shift = np.flatnonzero(e.label >= 0)
        flow = sparse.csr_array(
            (
                np.concatenate((np.ones(m), -np.ones(m), -np.ones(len(shift)))),
                (np.concatenate((k, k, shift)), np.concatenate((e.dst, e.src, n + np.arange(len(shift))))),
            ),
            shape=(m, n + len(shift)),
        )
        cost = np.concatenate((np.zeros(n), np.ones(len(shift))))
        limits = np.concatenate((np.full((n, 2), [-np.inf, np.inf]), np.full((len(shift), 2), [0.0, np.inf])))
        solution = linprog(cost, A_ub=flow, b_ub=e.weight, bounds=limits, method="highs")
        # The matrix is totally unimodular and the data whole, so the optimum is a whole number.
        total += float(np.round(solution.fun))
    return total


def describe(conflict: Conflict, names: Mapping[str, Named], period: str, unit: str) -> str:
    """The conflict in plain words: the reports, publishers, figures, and the smallest changes that would settle it.

    Parameters
    ----------
    names : publisher and figure of each report id; an id without a name stands for itself.
    period : the span of the set as text, for example `2022-09-21 to 2022-09-27`.
    unit : what is counted, for example `crossings`.
    """

    def called(ids: tuple[str, ...]) -> str:
        return ", ".join(_called(i, names) for i in ids)

    changes = "; ".join(
        f"{'raise' if c.side == 'upper' else 'lower'} {c.report_id} from {c.before:,.0f} to {c.after:,.0f}"
        for c in conflict.changes
    )
    least = (
        f"{called(conflict.at_least)} {'gives' if len(conflict.at_least) == 1 else 'together give'}"
        f" at least {conflict.least:,.0f}"
        if conflict.at_least
        else "a flow cannot be negative"
    )
    verb = "gives" if len(conflict.at_most) == 1 else "together give"
    return (
        f"CONFLICT gap={conflict.gap:,.0f} {unit}: {called(conflict.at_most)} {verb} at most {conflict.most:,.0f}"
        f" for {period}; {least}. Smallest change, one of: {changes}"
    )


def _called(report_id: str, names: Mapping[str, Named]) -> str:
    name = names.get(report_id)
    if name is None:
        return report_id
    return f"{report_id} ({', '.join(p for p in (name.publisher, name.figure) if p)})"


def _smallest_conflict(part: Constraints) -> Conflict:
    if len(part) > _WHOLE_SEARCH:
        part = _stretch(part)
    block = infeasible_blocks(part)[0]
    best: tuple[int, tuple[str, ...]] | None = None
    for ids in _candidate_sets(part, block):
        if best is not None and len(ids) > best[0] and len(set(part.report_id)) == len(part):
            break
        kept = _deletion_filter(part, ids)
        if best is None or (len(kept), kept) < best:
            best = (len(kept), kept)
    assert best is not None, "an infeasible block has a negative cycle"
    return _measured(part, best[1])


def _stretch(part: Constraints) -> Constraints:
    """All reports inside the shortest stretch of time, the earliest to end, in which some reports clash."""
    for side, sign in (("end", 1), ("start", -1)):
        at = sign * getattr(part, side)
        instants = np.unique(at)
        low, high = 0, len(instants) - 1
        while low < high:
            middle = (low + high) // 2
            if infeasible_blocks(part.take(at <= instants[middle])):
                high = middle
            else:
                low = middle + 1
        part = part.take(at <= instants[low])
    return part


def _candidate_sets(part: Constraints, block: Block) -> list[tuple[str, ...]]:
    """Report sets of short negative cycles, the fewest reports first."""
    distinct = np.unique(part.report_id).size == len(part)
    sets: set[tuple[str, ...]] = set()
    for steps, source in _negative_sources(block, 0 if distinct else _STEPS_PER_DAY_ROWS):
        rows = [row for row, _ in _cycle(block, source, steps)]
        sets.add(tuple(sorted({str(part.report_id[row]) for row in rows})))
        if len(sets) >= _CANDIDATES:
            break
    return sorted(sets, key=lambda ids: (len(ids), ids))


def _report_edges(block: Block) -> tuple[IntArray, IntArray, FloatArray, IntArray, IntArray]:
    """Lightest report edges sorted by target, and where each target's edges begin."""
    e = block.edges.lightest(len(block.nodes))
    by_target = np.flatnonzero(e.label >= 0)
    by_target = by_target[np.argsort(e.dst[by_target], kind="stable")]
    starts = np.flatnonzero(np.concatenate(([True], np.diff(e.dst[by_target]) > 0)))
    return e.src[by_target], e.dst[by_target], e.weight[by_target], e.label[by_target], starts


def _relax(
    reached: FloatArray, src: IntArray, dst: IntArray, weight: FloatArray, starts: NDArray[np.intp]
) -> FloatArray:
    """Shortest walks with one report edge more; steps back in time are free (a suffix minimum)."""
    best = reached.copy()
    step = np.minimum.reduceat(reached[:, src] + weight, starts, axis=1)
    targets = dst[starts]
    best[:, targets] = np.minimum(best[:, targets], step)
    return np.asarray(np.minimum.accumulate(best[:, ::-1], axis=1)[:, ::-1])


def _negative_sources(block: Block, extra_steps: int) -> list[tuple[int, int]]:
    """Nodes on a negative closed walk with (nearly) the fewest report edges: (number of edges, node), sorted."""
    src, dst, weight, _, starts = _report_edges(block)
    n = len(block.nodes)
    sources = np.unique(src[weight >= 0]) if (weight >= 0).any() else np.arange(n)
    if (weight < 0).any() and (dst[weight < 0] > src[weight < 0]).any():
        sources = np.arange(n)
    limit = n + 1
    found: list[tuple[int, int]] = []
    for chunk in np.array_split(sources, max(1, -(-len(sources) // _SOURCES_AT_ONCE))):
        reached = np.where(np.arange(n)[None, :] <= chunk[:, None], 0.0, np.inf)
        seen = np.zeros(len(chunk), dtype=bool)
        for steps in range(1, limit + 1):
            reached = _relax(reached, src, dst, weight, starts)
            new = (reached[np.arange(len(chunk)), chunk] < 0) & ~seen
            if new.any():
                seen |= new
                found.extend((steps, int(node)) for node in chunk[new])
                limit = min(limit, max(steps, extra_steps))
            if steps >= limit:
                break
    return sorted(pair for pair in found if pair[0] <= limit)


def _cycle(block: Block, source: int, steps: int) -> list[tuple[int, bool]]:
    """Report rows of the negative closed walk from a node with that many report edges: (row, upper side)."""
    src, dst, weight, label, starts = _report_edges(block)
    n = len(block.nodes)
    history = [np.where(np.arange(n) <= source, 0.0, np.inf)[None, :]]
    for _ in range(steps):
        history.append(_relax(history[-1], src, dst, weight, starts))
    rows: list[tuple[int, bool]] = []
    at = source
    for k in range(steps, 0, -1):
        length = history[k][0, at]
        if history[k - 1][0, at] == length:
            continue
        arriving = np.flatnonzero((history[k - 1][0, src] + weight == length) & (dst >= at))
        edge = int(arriving[0])
        rows.append((int(label[edge]), bool(dst[edge] > src[edge])))
        at = int(src[edge])
    return rows[::-1]


def _deletion_filter(part: Constraints, ids: tuple[str, ...]) -> tuple[str, ...]:
    kept = list(ids)
    for i in ids:
        rest = [k for k in kept if k != i]
        if rest and infeasible_blocks(part.take(np.isin(part.report_id, np.array(rest, dtype=object)))):
            kept = rest
    return tuple(sorted(kept))


def _measured(part: Constraints, ids: tuple[str, ...]) -> Conflict:
    """Gap, sides and changes of an irreducible set, from its shortest negative cycle."""
    own = part.take(np.isin(part.report_id, np.array(ids, dtype=object)))
    (block,) = infeasible_blocks(own)[:1]
    candidates = _negative_sources(block, 0)
    cycles = [_cycle(block, node, steps) for steps, node in candidates]
    lengths = [sum(float(own.upper[r]) if up else -float(own.lower[r]) for r, up in cycle) for cycle in cycles]
    rows = cycles[int(np.argmin(lengths))]
    gap = -min(lengths)
    uppers, lowers = [r for r, up in rows if up], [r for r, up in rows if not up]
    named = sorted({r for r, _ in rows})
    changes = []
    for report_id in ids:
        for side, used, sign, ends in (("upper", uppers, 1.0, own.upper), ("lower", lowers, -1.0, own.lower)):
            mine = [r for r in used if own.report_id[r] == report_id]
            if mine:
                before = float(ends[mine[0]])
                changes.append(Change(report_id, side, before, before + sign * float(np.ceil(gap / len(mine)))))
    tier = {str(own.report_id[r]): int(own.tier[r]) for r in range(len(own))}
    length = {i: int((own.end - own.start)[own.report_id == i].sum()) for i in ids}
    return Conflict(
        report_ids=ids,
        at_most=_in_time(own, uppers),
        at_least=_in_time(own, lowers),
        most=float(sum(own.upper[r] for r in uppers)),
        least=float(sum(own.lower[r] for r in lowers)),
        gap=gap,
        start=int(min(own.start[r] for r in named)),
        end=int(max(own.end[r] for r in named)),
        changes=tuple(changes),
        set_aside=max(ids, key=lambda i: (tier[i], length[i], i)),
    )


def _in_time(c: Constraints, rows: list[int]) -> tuple[str, ...]:
    ordered = sorted(set(rows), key=lambda r: (int(c.start[r]), int(c.end[r]), str(c.report_id[r])))
    return tuple(dict.fromkeys(str(c.report_id[r]) for r in ordered))
