"""Smallest weighted movement of the reports that makes coupled series consistent, tier by tier.

In: an infeasible block of coupled series. Out: the slack of every row, the relaxed whole-number intervals on which
bounds are computed, and the shifted intervals on which the point is. The maths is in method.md 4.4 (Stone's method),
on the coupled system of 4.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from crossings.errors import CrossingsError
from transforms.estimator.engines.linear.programme import FlowProgramme, snap
from transforms.estimator.pieces import Grid, coverage, least_flow, ties
from transforms.estimator.quadratic import Quadratic, minimise
from transforms.estimator.statements import BoolArray, FloatArray
from transforms.estimator.system import Block

_HAIR = (1e-8, 1e-7, 5e-7)  # room for systems that are feasible in a hair's breadth only


@dataclass(frozen=True, eq=False)
class Moved:
    """What reconciliation makes of a block; all arrays run over its statements.

    Attributes
    ----------
    slack : movement of each interval, crossings; 0 where the report stays as it is. Rows of one report move alike,
        unless no such movement serves.
    relaxed : the block with `[floor(L + min(s, 0)), ceil(U + max(s, 0))]`.
    shifted : the block with `[L + s, U + s]`, widened by the solver's rounding to what was attained.
    widened : relaxed intervals were widened by one more crossing to make up for rounding.
    absolute : in some tier the quadratic programme was not solved exactly enough and the least sum of |s| / sigma was
        taken in its place.
    """

    slack: FloatArray
    relaxed: Block
    shifted: Block
    widened: bool
    absolute: bool


def unit_of(block: Block) -> float:
    """Median reported daily rate of the block, crossings a day, at least 1: the unit the solvers work in."""
    s = block.statements
    s = s.take(np.isfinite(s.lower) | np.isfinite(s.upper))
    centre = np.where(
        np.isfinite(s.lower) & np.isfinite(s.upper),
        (s.lower + s.upper) / 2,
        np.where(np.isfinite(s.lower), s.lower, s.upper),
    )
    rate = np.abs(centre) * 86_400 / (s.end - s.start)
    rate = rate[np.isfinite(rate) & (rate > 0)]
    return max(1.0, float(np.median(rate))) if len(rate) else 1.0


def reconcile_tied(block: Block) -> Moved:
    """Move the reports of an infeasible block as little as their standard errors ask for; tier 1 first.

    Raises
    ------
    CrossingsError : the figures differ so much in size that not even a linear programme settles them.
    """
    s = block.statements
    slack = np.zeros(len(s))
    lower, upper = s.lower.copy(), s.upper.copy()
    absolute = False
    negligible = max(1e-3, 1e-7 * unit_of(block))  # crossings; below it a movement is the solver's rounding
    for tier in np.unique(s.tier):
        now = s.tier <= tier
        moving = s.tier == tier
        # Later tiers say nothing yet, but the windows they state are there: identities of shared windows hold on them.
        part = block.with_intervals(np.where(now, lower, -np.inf), np.where(now, upper, np.inf))
        if _agree(part):
            continue
        found = _move(part, moving, apart=False) or _move(part, moving, apart=True)
        absolute |= found is None
        moved, value = least_absolute(part, moving) if found is None else found
        moved[np.abs(moved) <= negligible] = 0.0
        rows = np.flatnonzero(now)
        moved, value = moved[rows], value[rows]
        slack[rows] += moved
        # what was attained stays attainable: without this the next step would start from a system that is
        # infeasible, or feasible in a hair's breadth only, by the solver's rounding
        exact = lower[rows] == upper[rows]
        lower[rows] = np.where(exact, value, np.minimum(lower[rows] + moved, value))
        upper[rows] = np.where(exact, value, np.maximum(upper[rows] + moved, value))
    low, high = s.lower + np.minimum(slack, 0.0), s.upper + np.maximum(slack, 0.0)
    relaxed_lower = np.array([np.floor(snap(v)) for v in low])
    relaxed_upper = np.array([np.ceil(snap(v)) for v in high])
    relaxed = block.with_intervals(relaxed_lower, relaxed_upper)
    widened = not _agree(relaxed)
    if widened:
        step = (slack != 0).astype(float)
        relaxed = block.with_intervals(relaxed_lower - step, relaxed_upper + step)
        if not _agree(relaxed):
            raise CrossingsError(
                f"reconciling {', '.join(block.members)} leaves a contradiction of less than one crossing",
                "look for figures of very different size among the reports of these series",
            )
    return Moved(slack, relaxed, block.with_intervals(lower, upper), widened, absolute)


def least_absolute(block: Block, moving: BoolArray) -> tuple[FloatArray, FloatArray]:
    """As `_move`, with the sum of |s| / sigma in place of the sum of squares; always solvable."""
    sigma = block.statements.sigma
    # rows already settled move only by the rounding of the steps before
    price = np.where(moving, 1.0, 1e4) / sigma
    grid = Grid.whole(block.nodes)
    programme = FlowProgramme(block, grid, price / price.min())
    programme.least_slack()
    moved, flows = programme.movement()
    return np.where(moving, moved, 0.0), np.asarray(coverage(block, grid) @ flows)


def _agree(block: Block) -> bool:
    return FlowProgramme(block, Grid.whole(block.nodes)).feasible()


def _move(block: Block, moving: BoolArray, *, apart: bool) -> tuple[FloatArray, FloatArray] | None:
    """Slack of the moving rows (0 for the others) and the flow attained for every row; None if not solved.

    apart : each row has a slack of its own; otherwise the rows of one report have one. A lower end of 0 of a flow that
    cannot be negative states nothing and does not move.
    """
    s = block.statements
    grid, unit = Grid.whole(block.nodes), unit_of(block)
    covered, tied = coverage(block, grid), ties(block, grid)
    n_flows = covered.shape[1]
    index = np.flatnonzero(moving)
    ids, of = np.unique(s.report_id[index].astype(str), return_inverse=True)
    if apart and len(ids) == len(index):
        return None
    report = np.arange(len(index)) if apart else of
    size = int(report.max()) + 1
    # the unknown is s / sigma, so that the objective is the same for every report
    shift = sp.csr_array((-s.sigma[index] / unit, (index, report)), shape=(len(s), size))
    none = sp.csr_array((tied.rows.shape[0], size))
    said, held = sp.csr_array(sp.hstack([covered, shift])), sp.csr_array(sp.hstack([tied.rows, none]))
    flows = sp.csr_array(sp.hstack([sp.eye_array(n_flows), sp.csr_array((n_flows, size))]))
    exact, above = s.lower == s.upper, np.isfinite(s.upper)
    stated = np.isfinite(s.lower) & ((s.lower > 0) | block.signed[s.member])
    above, below = np.flatnonzero(above & ~exact), np.flatnonzero(stated & ~exact)
    floor = np.flatnonzero(np.isfinite(least_flow(block, grid.n_pieces)))
    saying = np.flatnonzero(np.isfinite(s.lower) | np.isfinite(s.upper))
    unreported = np.asarray(covered[saying].sum(axis=0)).ravel() == 0
    # a flow nobody reports has no place in the objective; a trace of it keeps the solver from wandering off
    weight = np.concatenate([np.where(unreported, 1e-10, 0.0), np.full(size, 2.0)])
    problem = Quadratic(
        P=sp.csc_array(sp.diags_array(weight)),
        q=np.zeros(n_flows + size),
        E=sp.csc_array(sp.vstack([said[np.flatnonzero(exact)], held[tied.equal]])),
        e=np.concatenate([s.lower[exact] / unit, np.zeros(int(tied.equal.sum()))]),
        G=sp.csc_array(sp.vstack([said[above], -said[below], held[~tied.equal], -flows[floor]])),
        h=np.concatenate(
            [s.upper[above] / unit, -s.lower[below] / unit, np.zeros(int((~tied.equal).sum()) + len(floor))]
        ),
    )
    solution = minimise(problem, room=_HAIR)
    if not solution.accepted:
        return None
    slack = np.zeros(len(s))
    slack[index] = solution.z[n_flows:][report] * s.sigma[index]
    return slack, np.asarray(covered @ solution.z[:n_flows]) * unit
