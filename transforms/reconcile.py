"""The smallest movement of the reports that restores consistency, weighted by their standard errors, tier by tier.

In: interval statements of one series. Out: one signed slack a row; zero everywhere if and only if the reports agree.
Stone's method: within a tier, minimise the sum of squared slacks over their variances, earlier tiers held fixed
(method.md 4.4).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from transforms.bounds import infeasible_blocks
from transforms.constraints import Constraints, FloatArray
from transforms.network import blocks, canonical
from transforms.quadratic import Quadratic, minimise

_NOISE = 1e-9  # relative to the largest figure: what a solver leaves behind


@dataclass(frozen=True, eq=False)
class Reconciled:
    """Constraints in canonical order, and how far each row was moved.

    Attributes
    ----------
    reported : the rows as encoded.
    slack : float64, crossings added to both ends of the row; 0 = not moved.
    unsolved : report ids of blocks for which the solver found nothing usable; their bounds are widened, see `widened`.
    """

    reported: Constraints
    slack: FloatArray
    relaxed: Constraints
    unsolved: tuple[str, ...]

    @property
    def shifted(self) -> Constraints:
        """Intervals moved by the slack: what the point estimate keeps to."""
        c = self.reported
        return replace(c, lower=c.lower + self.slack, upper=c.upper + self.slack)

    def moved(self) -> dict[str, float]:
        """Largest slack of each report that was moved, by report id, sorted."""
        largest: dict[str, float] = {}
        for report_id, slack in zip(self.reported.report_id, self.slack, strict=True):
            if slack and abs(slack) > abs(largest.get(report_id, 0.0)):
                largest[str(report_id)] = float(slack)
        return dict(sorted(largest.items()))


def reconcile(constraints: Constraints) -> Reconciled:
    """Slacks of all rows; blocks whose reports agree are not touched and cost nothing but the check."""
    c = canonical(constraints)
    slack = np.zeros(len(c))
    unsolved: list[str] = []
    clashing = infeasible_blocks(c)
    for block in clashing:
        moved = _by_tier(c.take(block.rows))
        if moved is None:
            unsolved.extend(str(i) for i in c.report_id[block.rows])
            continue
        slack[block.rows] = moved
    relaxed = _relaxed(c, slack)
    # Noise of the solver may leave a relaxed system a whole crossing short; ends that moved then move one further.
    for _ in range(3):
        short = infeasible_blocks(relaxed) if clashing else []
        if not short:
            break
        for block in short:
            rows = block.rows
            down, up = rows[slack[rows] < 0], rows[slack[rows] > 0]
            relaxed.lower[down] -= 1
            relaxed.upper[up] += 1
    for block in infeasible_blocks(relaxed) if clashing else []:
        unsolved.extend(str(i) for i in c.report_id[block.rows])
        slack[block.rows] = 0.0
        # Nothing can be promised of such a block but that flows are not negative.
        relaxed.lower[block.rows] = 0.0
        relaxed.upper[block.rows] = np.inf
    return Reconciled(c, slack, relaxed, tuple(sorted(set(unsolved))))


def _relaxed(c: Constraints, slack: FloatArray) -> Constraints:
    """Whole-number intervals that contain both what was reported and what was reconciled."""
    return replace(c, lower=np.floor(c.lower + np.minimum(slack, 0.0)), upper=np.ceil(c.upper + np.maximum(slack, 0.0)))


def _by_tier(c: Constraints) -> FloatArray | None:
    slack = np.zeros(len(c))
    for tier in np.unique(c.tier):
        known = c.tier <= tier
        if not slack.any() and not infeasible_blocks(c.take(known)):
            continue
        rows = np.flatnonzero(known)
        moved = _least_squares(c.take(rows), slack[rows], c.tier[rows] == tier)
        if moved is None:
            return None
        slack[rows] += moved
    return slack


def _least_squares(c: Constraints, fixed: FloatArray, free: np.ndarray) -> FloatArray | None:
    """Slacks of the free rows: minimise sum (s/sigma)^2 with the other rows held at their fixed slack."""
    slack = np.zeros(len(c))
    for block in blocks(c):
        rows = block.rows
        part = c.take(rows)
        mine = np.flatnonzero(free[rows])
        if not len(mine):
            continue
        moved = _one_block(part, fixed[rows], mine)
        if moved is None:
            return None
        slack[rows[mine]] = moved
    return slack


def _one_block(c: Constraints, fixed: FloatArray, mine: np.ndarray) -> FloatArray | None:
    nodes = np.unique(np.concatenate((c.start, c.end)))
    a, b = np.searchsorted(nodes, c.start), np.searchsorted(nodes, c.end)
    n, m = len(nodes), len(mine)
    ends = np.concatenate((c.lower[np.isfinite(c.lower)], c.upper[np.isfinite(c.upper)]))
    largest = max(1.0, float(np.abs(ends).max()))
    scale = float(np.median(c.sigma[mine]))
    # Unknowns: C at all nodes but the first, then z = slack / sigma of the free rows, all in units of `scale`.
    column = np.full(len(c), -1)
    column[mine] = n - 1 + np.arange(m)
    # Where an earlier tier was moved, its noise must not make the next tier impossible.
    loose = _NOISE * largest if fixed.any() else 0.0
    lower = (c.lower + fixed - np.where(column < 0, loose, 0.0)) / scale
    upper = (c.upper + fixed + np.where(column < 0, loose, 0.0)) / scale
    equal = np.isfinite(lower) & (lower == upper)
    above = np.isfinite(upper) & ~equal
    below = np.isfinite(lower) & (c.lower + fixed > 0) & ~equal

    def rows_of(chosen: np.ndarray, sign: float) -> sparse.csr_array:
        at = np.flatnonzero(chosen)
        k = np.arange(len(at))
        shift = column[at] >= 0
        cols = np.concatenate((b[at] - 1, a[at] - 1, column[at][shift]))
        vals = np.concatenate((np.full(len(at), sign), np.full(len(at), -sign), -sign * c.sigma[at][shift] / scale))
        lines = np.concatenate((k, k, k[shift]))
        keep = cols >= 0
        return sparse.csr_array((vals[keep], (lines[keep], cols[keep])), shape=(len(at), n - 1 + m))

    back = np.arange(n - 1)
    order = sparse.csr_array(
        (
            np.concatenate((-np.ones(n - 1), np.ones(n - 2))),
            (np.concatenate((back, back[1:])), np.concatenate((back, back[1:] - 1))),
        ),
        shape=(n - 1, n - 1 + m),
    )
    weight = np.concatenate((np.zeros(n - 1), np.full(m, 2.0)))
    solution = minimise(
        Quadratic(
            sparse.csc_array(sparse.diags_array(weight, format="csc")),
            np.zeros(n - 1 + m),
            sparse.csc_array(rows_of(equal, 1.0)),
            lower[equal],
            sparse.csc_array(sparse.vstack((rows_of(above, 1.0), rows_of(below, -1.0), order))),
            np.concatenate((upper[above], -lower[below], np.zeros(n - 1))),
        )
    )
    if not solution.accepted:
        return None
    moved = solution.z[n - 1 :] * c.sigma[mine]
    noise = max(1e-7, _NOISE * largest)
    moved[np.abs(moved) < noise] = 0.0
    whole = np.round(moved)
    return np.asarray(np.where(np.abs(moved - whole) < noise, whole, moved))
