"""The engine of one series of flows that cannot be negative: shortest paths in its constraint graph.

The flow between instants a < b lies in [-dist(b, a), dist(a, b)], and both ends are attained; the edges on a shortest
path are the proof. A negative cycle is a contradiction, a cycle of length 0 an equality that nobody stated
(method.md 4.2, 4.3, 4.6).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components, dijkstra

from transforms.estimator.engine import Clash, Hull, Infeasible
from transforms.estimator.engines.difference.cycles import candidate_sets, shortest_cycle
from transforms.estimator.engines.difference.family import Family, lengths_of
from transforms.estimator.engines.difference.graph import Bags, Edges, Graph, Sweep, report_scale
from transforms.estimator.grids import grid_of, on_grid
from transforms.estimator.results import Bound, Rounded, Term, Window
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements
from transforms.estimator.system import Block

_FEW = 2  # windows; once a feasible C is known, so few are answered sooner by two searches each than by a sweep
_NONE = np.zeros(0, dtype=np.int64)


class DifferenceEngine:
    """Difference constraints of one block.

    Parameters
    ----------
    block : one member that cannot be negative, no identities.
    bags : how long blocks are cut.
    whole_search : rows; in a longer block a clash is looked for in the stretch in which it comes about.
    """

    def __init__(self, block: Block, bags: Bags | None = None, whole_search: int = 300) -> None:
        assert len(block.members) == 1, "series tied by identities are the linear engine's"
        self.block = block
        self.bags = bags or Bags()
        self.whole_search = whole_search
        self._potential: FloatArray | None = None

    @cached_property
    def graph(self) -> Graph:
        """The constraint graph."""
        return Graph.of(self.block)

    def _like(self, block: Block) -> DifferenceEngine:
        return DifferenceEngine(block, self.bags, self.whole_search)

    def without(self, report_ids: frozenset[str]) -> Sequence[DifferenceEngine]:
        """One engine for each block into which the rest falls."""
        return [self._like(block) for block in self.block.without(report_ids).blocks()]

    @cached_property
    def _is_feasible(self) -> bool:
        if self._potential is not None:
            return True
        try:
            next(iter(Sweep(self.graph, _NONE, _NONE, self.bags)))
        except Infeasible:
            return False
        return True

    def feasible(self) -> bool:
        """Whether there is no negative cycle."""
        return self._is_feasible

    def potential(self) -> FloatArray:
        """One feasible whole-number C at the nodes of the graph. Raises Infeasible."""
        if self._potential is None:
            self._sweep(_Asked(_NONE, _NONE), _Asked(_NONE, _NONE))
        assert self._potential is not None
        return self._potential

    @cached_property
    def _family(self) -> Family:
        return Family(self.graph, len(self.block.statements), self.bags)

    def agrees(self, aside: BoolArray) -> bool:
        """Whether there is no negative cycle once some rows are set aside."""
        return self._family.agrees(aside)

    def hull(self, windows: Sequence[Window], asides: Sequence[BoolArray]) -> list[Hull]:
        """Loosest bounds over some choices of rows to set aside; raises Infeasible. Far from these rows all is one."""
        forward, back = self._asked(windows)
        left, right = (np.concatenate(k) for k in ((forward.left, back.left), (forward.right, back.right)))
        family = Family(self.graph, len(self.block.statements), self.bags, left, right)
        choices = [family.solved(aside) for aside in asides]
        n = len(forward.left)
        upper = lengths_of(choices, lambda bag: bag.ahead)[:, :n]
        lower = 0.0 - lengths_of(choices, lambda bag: bag.back)[:, n:]
        most, least = upper.max(axis=0), lower.min(axis=0)
        for k in np.flatnonzero(np.isfinite(most) & (forward.right > forward.left)):
            rows = choices[upper[:, k].argmax()].rows(int(k), ahead=True)
            forward.terms[k] = self._terms(rows, upper=True)
        for k in np.flatnonzero(np.isfinite(least) & (least != 0) & (back.right > back.left)):
            rows = choices[lower[:, k].argmin()].rows(n + int(k), ahead=False)
            back.terms[k] = self._terms(rows, upper=False)
        return [
            Hull(Bound(float(least[v]), float(most[u]), back.terms[v], forward.terms[u]), lower[:, v], upper[:, u])
            for u, v in zip(forward.of, back.of, strict=True)
        ]

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:  # noqa: ARG002
        """Tightest flow in each window, by shortest paths; raises Infeasible.

        What a window reaches into counts for its upper end, what it holds wholly for its lower end.
        """
        if self._potential is not None and len(windows) <= _FEW:
            return [self._search(window) for window in windows]
        forward, back = self._asked(windows)
        self._sweep(forward, back)
        return [
            Bound(float(-back.length[v]), float(forward.length[u]), back.terms[v], forward.terms[u])
            for u, v in zip(forward.of, back.of, strict=True)
        ]

    def _asked(self, windows: Sequence[Window]) -> tuple[_Asked, _Asked]:
        """Pairs of nodes whose distances bound the windows: above and below."""
        nodes = self.graph.nodes
        starts = np.array([w.start for w in windows], dtype=np.int64)
        ends = np.array([w.end for w in windows], dtype=np.int64)
        forward = _Asked(np.searchsorted(nodes, starts, side="right") - 1, np.searchsorted(nodes, ends, side="left"))
        back = _Asked(np.searchsorted(nodes, starts, side="left"), np.searchsorted(nodes, ends, side="right") - 1)
        return forward, back

    def _sweep(self, forward: _Asked, back: _Asked) -> None:
        """Fill in the asked distances (forward: left to right, back: right to left), and find a feasible C."""
        left, right = (np.concatenate(k) for k in ((forward.left, back.left), (forward.right, back.right)))
        sweep = Sweep(self.graph, left, right, self.bags)
        potential = np.full(len(self.graph.nodes), np.nan)
        potential[-1] = 0.0
        for bag in sweep:
            settled = bag.settled if len(bag.settled) else np.array([len(bag.nodes) - 1])
            potential[bag.nodes] = (potential[bag.nodes[settled], None] + bag.distance[settled]).min(axis=0)
            for asked, ahead in ((forward, True), (back, False)):
                inside = np.flatnonzero(
                    (asked.right > bag.low) & (asked.right <= bag.nodes[-1]) & (asked.right > asked.left)
                )
                i, j = np.searchsorted(bag.nodes, asked.left[inside]), np.searchsorted(bag.nodes, asked.right[inside])
                length = bag.distance[i, j] if ahead else bag.distance[j, i]
                asked.length[inside] = length
                for k, size in zip(inside, length, strict=True):
                    if not np.isfinite(size) or (size == 0 and not ahead):
                        continue
                    u, v = int(asked.left[k]), int(asked.right[k])
                    rows = sweep.rows(bag.paths, u, v) if ahead else sweep.rows(bag.paths, v, u)
                    asked.terms[k] = self._terms(rows, upper=ahead)
        self._potential = potential

    def _terms(self, rows: Sequence[tuple[int, bool]], *, upper: bool) -> tuple[Term, ...]:
        """A path as a sum: an edge ahead counts an upper end, one back a lower end; a lower bound turns the signs."""
        s = self.block.statements
        return tuple(
            Term(str(s.report_id[r]), "upper" if up else "lower", 1 if up == upper else -1, int(s.start[r]))
            for r, up in rows
        )

    def _search(self, window: Window) -> Bound:
        """Bounds of one window by two single-source searches."""
        nodes = self.graph.nodes
        u = int(np.searchsorted(nodes, window.start, side="right")) - 1
        v = int(np.searchsorted(nodes, window.end, side="left"))
        upper, upper_rows = self._distance(u, v)
        u = int(np.searchsorted(nodes, window.start, side="left"))
        v = int(np.searchsorted(nodes, window.end, side="right")) - 1
        length, lower_rows = self._distance(v, u) if u < v else (0.0, [])
        return Bound(
            -length + 0.0,
            upper,
            self._terms(lower_rows, upper=False) if length else (),
            self._terms(upper_rows, upper=True),
        )

    @cached_property
    def _reweighted(self) -> tuple[sparse.csr_matrix, Edges, float]:
        """The graph with weights made non-negative by the feasible C; each report edge weighs one more."""
        e, potential, n = self.graph.edges, self.potential(), len(self.graph.nodes)
        scale = report_scale(self.graph)
        weight = (e.weight + potential[e.src] - potential[e.dst]) * scale + (e.label >= 0 if scale > 1 else 0.0)
        edges = Edges(e.src, e.dst, weight, e.label).lightest(n)
        starts = np.searchsorted(edges.src, np.arange(n + 1))
        graph = sparse.csr_matrix((edges.weight, edges.dst.astype(np.int32), starts.astype(np.int32)), shape=(n, n))
        return graph, edges, scale

    def _distance(self, u: int, v: int) -> tuple[float, list[tuple[int, bool]]]:
        graph, edges, scale = self._reweighted
        potential, n = self.potential(), len(self.graph.nodes)
        result: Any = dijkstra(graph, directed=True, indices=u, return_predecessors=True)
        length, pred = result
        if not np.isfinite(length[v]):
            return np.inf, []
        pair = edges.src * n + edges.dst
        rows: list[tuple[int, bool]] = []
        at = v
        while at != u:
            before = int(pred[at])
            label = int(edges.label[int(np.searchsorted(pair, before * n + at))])
            if label >= 0:
                rows.append((label, at > before))
            at = before
        return float(np.floor(length[v] / scale) - potential[u] + potential[v]), rows[::-1]

    def suspects(self) -> list[tuple[str, ...]]:
        """Reports of short negative cycles; in a long block, of the shortest stretch, the earliest to end, that clashes."""
        engine = self if len(self.block.statements) <= self.whole_search else self._narrowed()
        return candidate_sets(engine.block, engine.graph)

    def _narrowed(self) -> DifferenceEngine:
        part = self.block
        for side, sign in (("end", 1), ("start", -1)):
            at = sign * getattr(part.statements, side)
            instants = np.unique(at)
            low, high = 0, len(instants) - 1
            while low < high:
                middle = (low + high) // 2
                agrees = all(self._like(b).feasible() for b in part.take(at <= instants[middle]).blocks())
                low, high = (middle + 1, high) if agrees else (low, middle)
            part = part.take(at <= instants[low])
        return next(e for e in map(self._like, part.blocks()) if not e.feasible())

    def clash(self) -> Clash:
        """The shortest negative cycle."""
        return shortest_cycle(self.block, self.graph)

    def implied(self) -> Statements:
        """Rows with lower = upper between neighbouring nodes tied by a cycle of length 0; none where not on a grid.

        Given one feasible C, such cycles lie inside strong components of the edges that C makes tight. The rows carry
        the report id of some row and must not be shown; exact rows of the block are implied, too.
        """
        s = self.block.statements
        grid = grid_of(s)
        steps = on_grid(s, grid)
        if steps is None:
            return Statements.none()
        engine = self._like(replace(self.block, statements=steps))
        if not engine.feasible():
            return Statements.none()
        potential, e, n = engine.potential(), engine.graph.edges, len(engine.graph.nodes)
        tight = np.flatnonzero(potential[e.dst] - potential[e.src] == e.weight)
        graph = sparse.csr_matrix((np.ones(len(tight)), (e.src[tight], e.dst[tight])), shape=(n, n))
        _, group = connected_components(graph, directed=True, connection="strong")
        order = np.argsort(group, kind="stable")
        beside = np.flatnonzero(group[order][1:] == group[order][:-1])
        a, b = order[beside], order[beside + 1]
        value: FloatArray = np.asarray((potential[b] - potential[a]) / grid)
        rows = s.take(np.zeros(len(value), dtype=np.intp))
        nodes = self.graph.nodes
        return replace(rows, start=nodes[a], end=nodes[b], lower=value, upper=value.copy())

    def round(self, nodes: IntArray, cumulative: FloatArray, theta: float) -> Rounded:
        """Whole C at the block's nodes, each clipped to what the nodes assigned before, from the latest on, leave open.

        The last node keeps its floor. Distances within a bag of the sweep are exact for the whole block, and a bag's
        separator screens it from all that was assigned before, so clipping against the bag is clipping against
        everything; the system is totally unimodular, so nothing is missed.
        """
        wanted = np.floor(cumulative[0][np.searchsorted(nodes, self.graph.nodes)] + theta)
        whole = wanted.copy()
        fixed = np.zeros(len(whole), dtype=bool)
        fixed[-1] = True
        for bag in Sweep(self.graph, _NONE, _NONE, self.bags):
            for k in range(len(bag.nodes) - 1, -1, -1):
                here = bag.nodes[k]
                if not fixed[here]:
                    done = np.flatnonzero(fixed[bag.nodes])
                    low = (whole[bag.nodes[done]] - bag.distance[k, done]).max()
                    high = (whole[bag.nodes[done]] + bag.distance[done, k]).min()
                    whole[here] = min(max(whole[here], low), high)
                    fixed[here] = True
        return Rounded(whole[None, :].astype(np.int64), np.zeros(len(self.block.statements), dtype=np.int64))


class _Asked:
    """Pairs of nodes left <= right whose distance is wanted, each distinct pair once."""

    def __init__(self, left: NDArray[np.integer[Any]], right: NDArray[np.integer[Any]]) -> None:
        pairs = left.astype(np.int64) * (2**31) + np.maximum(left, right)
        distinct, self.of = np.unique(pairs, return_inverse=True)
        self.left, self.right = distinct // 2**31, distinct % 2**31
        self.length = np.zeros(len(distinct))
        self.terms: list[tuple[Term, ...]] = [()] * len(distinct)
