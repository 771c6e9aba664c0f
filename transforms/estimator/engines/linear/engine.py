"""The engine of tied series and of series that may be negative: linear programming over the flows of a block.

One programme a block; each bound is two optimisations, where no solution seen before already attains what one report
states by itself. Multipliers are the proof (method.md 4.3, 4.6, 4.7).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from transforms.estimator.engine import Clash, Infeasible
from transforms.estimator.engines.linear.programme import FlowProgramme, forcing, snap
from transforms.estimator.engines.linear.tightest import tightest
from transforms.estimator.engines.linear.whole import whole_persons
from transforms.estimator.pieces import Grid, distinct
from transforms.estimator.results import Bound, Rounded, Window
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements
from transforms.estimator.system import Block

_IIS_STRATEGIES = (2, 4)  # the default finds an empty set and 1 fails (method.md 3)


class LinearEngine:
    """Linear programming over one block."""

    def __init__(self, block: Block) -> None:
        self.block = block
        self._bounds: dict[Window, Bound] = {}

    def without(self, report_ids: frozenset[str]) -> Sequence[LinearEngine]:
        """One engine for each block into which the rest falls."""
        return [LinearEngine(block) for block in self.block.without(report_ids).blocks()]

    @cached_property
    def _coarse(self) -> Grid:
        return Grid.whole(self.block.nodes)

    @cached_property
    def _is_feasible(self) -> bool:
        return not len(self.block.statements) or FlowProgramme(self.block, self._coarse).feasible()

    def feasible(self) -> bool:
        """Whether all statements and identities can hold together."""
        return self._is_feasible

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
        """Tightest flow in each window, by two optimisations at most; raises Infeasible. Kept once computed."""
        missing = [k for k, window in enumerate(windows) if window not in self._bounds]
        if missing:
            if not self.feasible():
                raise Infeasible
            asked, of = distinct([windows[k] for k in missing], self.block.nodes)
            first = dict(zip(of[::-1].tolist(), missing[::-1], strict=True))
            valid = [known[first[n]] for n in range(len(asked))] if known else []
            found = tightest(self.block, asked, valid)
            self._bounds.update((windows[k], found[n]) for k, n in zip(missing, of.tolist(), strict=True))
        return [self._bounds[window] for window in windows]

    def agrees(self, aside: BoolArray) -> bool:
        """Whether all can hold together once some rows are set aside."""
        return all(LinearEngine(block).feasible() for block in self.block.take(~aside).blocks())

    def hull(self, windows: Sequence[Window], asides: Sequence[BoolArray]) -> None:
        """None: one choice after the other, each with what the others have proved."""

    def suspects(self) -> list[tuple[str, ...]]:
        """The reports that force the least movement, then what the solver calls irreducible; all where these agree."""
        block = self.block
        priced = FlowProgramme(block, self._coarse, np.ones(len(block.statements)))
        core = block.take(forcing(block, priced, priced.least_slack()[1]))
        if LinearEngine(core).feasible():
            return [block.report_ids]
        found = [core.report_ids]
        programme = FlowProgramme(core, Grid.whole(core.nodes))
        programme.feasible()
        for strategy in _IIS_STRATEGIES:
            rows = programme.irreducible_rows(strategy)
            dual = np.zeros(len(core.statements) + len(programme.ties.equal))
            dual[rows] = 1.0
            part = core.take(forcing(core, programme, dual))
            if len(part.statements) and not all(LinearEngine(b).feasible() for b in part.blocks()):
                found.append(part.report_ids)
        return list(dict.fromkeys(found))

    def clash(self) -> Clash:
        """The least total movement of interval ends, and the multipliers that force it."""
        priced = FlowProgramme(self.block, self._coarse, np.ones(len(self.block.statements)))
        gap, dual = priced.least_slack()
        return Clash(snap(gap), priced.terms(-dual, -1.0))

    def implied(self) -> Statements:
        """None: equalities that follow are not looked for, an interior-point solver copes without them here."""
        return Statements.none()

    def round(self, nodes: IntArray, cumulative: FloatArray, theta: float) -> Rounded | None:
        """Whole counts by rounding the free series and deriving the rest, else by a small integer programme."""
        return whole_persons(self.block, Grid.whole(nodes), cumulative, theta)
