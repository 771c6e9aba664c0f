"""What one would reach for instead of the estimator: cvxpy, scipy, and the baselines without a solver.

In: interval statements on windows of whole days. Out: the smoothest path or the bounds of days, found by others from
the same statement of the problem (method.md 4.2 and 4.5), pro rata and linear interpolation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from transforms.estimator.statements import FloatArray, IntArray, Statements


@dataclass(frozen=True, eq=False)
class Stated:
    """The problem as one would state it by hand: sums of days A x between lower and upper, in crossings."""

    start: IntArray
    end: IntArray
    sums: sparse.csr_array
    lower: FloatArray
    upper: FloatArray

    @classmethod
    def of(cls, c: Statements, starts: IntArray) -> Stated:
        """Windows of whole days as a 0/1 matrix."""
        a, b = np.searchsorted(starts, c.start), np.searchsorted(starts, c.end)
        length = b - a
        lines = np.repeat(np.arange(len(c)), length)
        days = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + np.repeat(a, length)
        sums = sparse.csr_array((np.ones(len(days)), (lines, days)), shape=(len(c), len(starts) - 1))
        return cls(a, b, sums, np.maximum(c.lower, 0.0), c.upper)

    @property
    def middle(self) -> FloatArray:
        """Centres of the intervals; the lower end where there is no upper one."""
        return (self.lower + np.where(np.isfinite(self.upper), self.upper, self.lower)) / 2

    @property
    def scale(self) -> float:
        """Median reported daily rate."""
        finite = np.isfinite(self.upper)
        return float(np.median((self.middle / (self.end - self.start))[finite]))

    def objective(self, path: FloatArray) -> float:
        """Sum of squared changes, in units of the scale."""
        return float((np.diff(path / self.scale) ** 2).sum())

    def missed(self, path: FloatArray) -> float:
        """By how many crossings a path misses the report it misses most, or falls below zero."""
        flow = self.sums @ path
        return float(max((self.lower - flow).max(), (flow - self.upper).max(), -path.min(), 0.0))


def cvxpy_point(p: Stated, solver: str, *, by_report: bool) -> FloatArray:
    """The smoothest path by cvxpy, from the stated problem to the answer.

    by_report : one constraint a report, as one writes it first; otherwise one matrix for all, the fastest way.
    """
    import cvxpy as cp

    lower, upper = p.lower / p.scale, p.upper / p.scale
    x = cp.Variable(p.sums.shape[1], nonneg=True)
    exact, finite = lower == upper, np.isfinite(upper)
    if by_report:
        totals = [cp.sum(x[a:b]) for a, b in zip(p.start, p.end, strict=True)]
        limits = []
        for i, total in enumerate(totals):
            limits += [total == lower[i]] if exact[i] else [total >= lower[i]]
            limits += [total <= upper[i]] if finite[i] and not exact[i] else []
    else:
        limits = [p.sums[exact] @ x == lower[exact], p.sums[~exact] @ x >= lower[~exact]]
        limits += [p.sums[finite & ~exact] @ x <= upper[finite & ~exact]]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(cp.diff(x))), limits)
    problem.solve(solver=solver)
    assert x.value is not None, f"{solver}: {problem.status}"
    return np.asarray(x.value) * p.scale


def cvxpy_bounds(p: Stated, solver: str, sample: IntArray) -> tuple[float, FloatArray]:
    """Least and greatest flow of a sample of days: seconds it would take for all days, and lower and upper by day.

    The problem is stated and compiled once, with the objective as a parameter; that is counted once.
    """
    import cvxpy as cp

    start = time.perf_counter()
    x, goal = cp.Variable(p.sums.shape[1], nonneg=True), cp.Parameter(p.sums.shape[1])
    finite = np.isfinite(p.upper)
    limits = [p.sums @ x >= p.lower / p.scale, p.sums[finite] @ x <= p.upper[finite] / p.scale]
    problem = cp.Problem(cp.Minimize(goal @ x), limits)
    goal.value = np.ones(p.sums.shape[1])
    problem.get_problem_data(solver)
    stated = time.perf_counter()
    found = np.zeros((len(sample), 2))
    for i, day in enumerate(sample):
        for side, sign in enumerate((1.0, -1.0)):
            goal.value = sign * np.eye(1, p.sums.shape[1], day)[0]
            problem.solve(solver=solver)
            found[i, side] = sign * float(problem.value) * p.scale
    return stated - start + (time.perf_counter() - stated) / len(sample) * p.sums.shape[1], found


def linprog_bounds(p: Stated, sample: IntArray) -> tuple[float, FloatArray]:
    """The same by scipy's linprog with HiGHS."""
    start = time.perf_counter()
    finite = np.isfinite(p.upper)
    lines = sparse.csr_array(sparse.vstack((p.sums[finite], -p.sums)))
    right = np.concatenate((p.upper[finite], -p.lower))
    stated = time.perf_counter()
    found = np.zeros((len(sample), 2))
    for i, day in enumerate(sample):
        for side, sign in enumerate((1.0, -1.0)):
            goal = sign * np.eye(1, p.sums.shape[1], day)[0]
            answer = linprog(goal, A_ub=lines, b_ub=right, bounds=(0, None), method="highs")
            assert answer.status == 0, answer.message
            found[i, side] = sign * answer.fun
    return stated - start + (time.perf_counter() - stated) / len(sample) * p.sums.shape[1], found


def pro_rata(p: Stated) -> FloatArray:
    """Each total, the shortest window first, spread evenly over its days that have no figure yet."""
    flows = np.full(p.sums.shape[1], np.nan)
    for days, mean in _remainders(p):
        flows[days] = mean
    return np.nan_to_num(flows)


def linear_interpolation(p: Stated) -> FloatArray:
    """Straight lines through exact days and, at the middle of the days they are for, what is left of each total.

    Flat before the first and after the last of these points. It keeps to exact days and not to totals.
    """
    points = [(days.mean(), mean) for days, mean in _remainders(p)]
    at, level = np.array(sorted(points)).T
    return np.asarray(np.interp(np.arange(p.sums.shape[1]), at, level))


def _remainders(p: Stated) -> list[tuple[IntArray, float]]:
    """For each total, the shortest window first: its days without a figure yet, and what is left for each of them."""
    flows = np.full(p.sums.shape[1], np.nan)
    found = []
    for row in np.lexsort((p.start, p.end - p.start)):
        free = p.start[row] + np.flatnonzero(np.isnan(flows[p.start[row] : p.end[row]]))
        if len(free) and np.isfinite(p.upper[row]):
            mean = max(p.middle[row] - np.nansum(flows[p.start[row] : p.end[row]]), 0.0) / len(free)
            flows[free] = mean
            found.append((free, float(mean)))
    return found
