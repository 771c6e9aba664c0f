"""Negative cycles of a constraint graph: which reports of one series clash, the fewest first.

In: an infeasible block of one series. Out: sets of report ids among which an irreducible one lies, and the shortest
negative cycle as a certificate. The gap of a clash is minus the length of the cycle (method.md 4.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.estimator.engine import Clash
from transforms.estimator.engines.difference.graph import Graph
from transforms.estimator.results import Term
from transforms.estimator.statements import FloatArray, IntArray
from transforms.estimator.system import Block

_SOURCES_AT_ONCE = 512
_STEPS_PER_DAY_ROWS = 32  # a per-day report may stand in a cycle once a day and still count as one report
_CANDIDATES = 64


def candidate_sets(block: Block, graph: Graph) -> list[tuple[str, ...]]:
    """Report sets of short negative cycles, the fewest reports first, then the smallest ids."""
    ids = block.statements.report_id
    distinct = np.unique(ids).size == len(ids)
    sets: set[tuple[str, ...]] = set()
    for steps, source in _negative_sources(graph, 0 if distinct else _STEPS_PER_DAY_ROWS):
        rows = [row for row, _ in _cycle(graph, source, steps)]
        sets.add(tuple(sorted({str(ids[row]) for row in rows})))
        if len(sets) >= _CANDIDATES:
            break
    return sorted(sets, key=lambda found: (len(found), found))


def shortest_cycle(block: Block, graph: Graph) -> Clash:
    """The most negative of the cycles with the fewest steps: how far the reports are from agreeing."""
    s = block.statements
    cycles = [_cycle(graph, node, steps) for steps, node in _negative_sources(graph, 0)]
    lengths = [sum(float(s.upper[r]) if up else -float(s.lower[r]) for r, up in cycle) for cycle in cycles]
    rows = cycles[int(np.argmin(lengths))]
    terms = tuple(
        Term(str(s.report_id[r]), "upper" if up else "lower", 1 if up else -1, int(s.start[r])) for r, up in rows
    )
    return Clash(-min(lengths), terms)


def _report_edges(graph: Graph) -> tuple[IntArray, IntArray, FloatArray, IntArray, NDArray[np.intp]]:
    """Lightest report edges sorted by target, and where each target's edges begin."""
    e = graph.edges.lightest(len(graph.nodes))
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


def _negative_sources(graph: Graph, extra_steps: int) -> list[tuple[int, int]]:
    """Nodes on a negative closed walk with (nearly) the fewest report edges: (number of edges, node), sorted."""
    src, dst, weight, _, starts = _report_edges(graph)
    n = len(graph.nodes)
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


def _cycle(graph: Graph, source: int, steps: int) -> list[tuple[int, bool]]:
    """Report rows of the negative closed walk from a node with that many report edges: (row, upper side)."""
    src, dst, weight, label, starts = _report_edges(graph)
    n = len(graph.nodes)
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
