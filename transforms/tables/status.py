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
_SPOKEN = 3  # best grade of a day that written counts alone do not give


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of each day.

    Attributes
    ----------
    lower, upper : bounds; may be infinite. firm_lower, firm_upper : those from written counts of officials alone.
    estimate : the point, NaN where there is none.
    reported : a report that is not set aside states this very day, and the point is its figure.
    contested : bounds or path depend on which report is wrong. broken : a declared break falls on the day.
    """

    lower: FloatArray
    upper: FloatArray
    firm_lower: FloatArray
    firm_upper: FloatArray
    estimate: FloatArray
    reported: BoolArray
    contested: BoolArray
    broken: BoolArray


def status_of(facts: Facts) -> NDArray[np.object_]:
    """reported, derived, contested, estimated or none."""
    point = np.isfinite(facts.estimate)
    return np.select(
        [~point, facts.reported, facts.lower == facts.upper, facts.contested],
        [np.array(s, dtype=object) for s in ("none", "reported", "derived", "contested")],
        default=np.array("estimated", dtype=object),
    )


def reliability_of(facts: Facts, status: NDArray[np.object_]) -> NDArray[np.int8]:
    """1 (exact, reported, uncontested) to 5 (bounds wider than the estimate, or no point).

    Never better than 3 where written counts alone do not give that grade: no clash warns of a spoken figure that is wrong.
    """
    grade = _by_width(facts.estimate, facts.upper - facts.lower)
    grade = np.where(status == "derived", np.minimum(grade, 2), grade)
    grade = np.where((status == "reported") & ~facts.contested, 1, grade)
    firm = _by_width(facts.estimate, facts.firm_upper - facts.firm_lower)
    firm = np.where(facts.firm_upper == facts.firm_lower, 1, firm)
    grade = np.where(firm > grade, np.maximum(grade, np.minimum(firm, _SPOKEN)), grade)
    return np.where(status == "none", UNRELIABLE, grade).astype(np.int8)


def _by_width(estimate: FloatArray, width: FloatArray) -> NDArray[np.int64]:
    size = np.abs(estimate)
    return np.select([width <= share * size for share, _ in WIDTHS], [g for _, g in WIDTHS], default=UNRELIABLE)


def obs_status_of(facts: Facts, status: NDArray[np.object_], reliability: NDArray[np.int8]) -> NDArray[np.object_]:
    """SDMX CL_OBS_STATUS: missing, break, normal, of low reliability, estimated."""
    return np.select(
        [
            status == "none", facts.broken, (status == "reported") & ~facts.contested,
            facts.contested & ~facts.reported, reliability < UNRELIABLE,
        ],
        [np.array(c, dtype=object) for c in ("O", "B", "A", "U", "E")],
        default=np.array("U", dtype=object),
    )  # fmt: skip
