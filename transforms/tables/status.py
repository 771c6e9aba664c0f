"""Status, SDMX observation status and reliability of a day: one rule, for single and for tied series.

In: arrays by day. Out: arrays by day. The codes are those of the schema; the grades are those of the dictionary:
1 exact reported, 2 derived, then by the width of the bounds over the estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

WIDTHS = ((0.05, 2), (0.25, 3), (1.00, 4))  # width of the bounds over the estimate -> reliability
UNRELIABLE = 5


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of each day.

    Attributes
    ----------
    lower, upper : bounds; may be infinite. estimate : the point, NaN where there is none.
    reported : a report states this very day, and the point is its figure. shaken : and that report was moved a little.
    moved : a report that was moved covers the day. proven_by_moved : its proof rests on one.
    broken : a declared break falls on the day.
    """

    lower: FloatArray
    upper: FloatArray
    estimate: FloatArray
    reported: BoolArray
    shaken: BoolArray
    moved: BoolArray
    proven_by_moved: BoolArray
    broken: BoolArray


def status_of(facts: Facts) -> NDArray[np.object_]:
    """reported, derived, reconciled, estimated or none."""
    point = np.isfinite(facts.estimate)
    proven = (facts.lower == facts.upper) & ~facts.proven_by_moved
    return np.select(
        [~point, facts.reported, proven, facts.moved],
        [np.array(s, dtype=object) for s in ("none", "reported", "derived", "reconciled")],
        default=np.array("estimated", dtype=object),
    )


def reliability_of(facts: Facts, status: NDArray[np.object_]) -> NDArray[np.int8]:
    """1 (exact, reported) to 5 (bounds wider than the estimate, or no point)."""
    size, width = np.abs(facts.estimate), facts.upper - facts.lower
    grades = [(status == "none", UNRELIABLE), ((status == "reported") & ~facts.shaken, 1), (status == "derived", 2)]
    grades += [(width <= share * size, grade) for share, grade in WIDTHS]
    return np.select([g[0] for g in grades], [g[1] for g in grades], default=UNRELIABLE).astype(np.int8)


def obs_status_of(facts: Facts, status: NDArray[np.object_], reliability: NDArray[np.int8]) -> NDArray[np.object_]:
    """SDMX CL_OBS_STATUS: missing, break, normal, estimated, of low reliability."""
    exact = (status == "reported") & ~facts.shaken
    return np.select(
        [status == "none", facts.broken, exact, reliability < UNRELIABLE],
        [np.array(c, dtype=object) for c in ("O", "B", "A", "E")],
        default=np.array("U", dtype=object),
    )
