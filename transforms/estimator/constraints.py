"""Interval statements on one cumulative series, as arrays: the common language of the estimator.

Every active report becomes one or more rows `lower <= C(end) - C(start) <= upper`, where C is the cumulative number
of crossings of one series at a UTC instant (method.md 4.1). A per-day statement is one row per civil day and
repeats its report id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
TextArray: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class Constraints:
    """Rows of interval statements on one series.

    Attributes
    ----------
    start, end : int64, UTC instants in seconds since 1970; half-open window, start < end.
    lower, upper : float64 holding whole numbers, or -inf / +inf where nothing is stated.
    report_id : object array of str; the report that says so.
    origin_id : object array of str; the statement behind the report.
    tier : int64, 1 (official final) to 4 (attributed media).
    sigma : float64 > 0, standard error in crossings (method.md 4.4).
    """

    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray
    report_id: TextArray
    origin_id: TextArray
    tier: IntArray
    sigma: FloatArray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Self:
        """The given rows, in the given order."""
        return type(self)(
            self.start[rows],
            self.end[rows],
            self.lower[rows],
            self.upper[rows],
            self.report_id[rows],
            self.origin_id[rows],
            self.tier[rows],
            self.sigma[rows],
        )
