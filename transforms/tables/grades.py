"""The reliability grade of a day: 1 exact reported, 2 derived, and then by the width of its bounds (design of `daily`).

In: status, estimate and bounds. Out: 1 to 5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.estimator.constraints import FloatArray

WIDTHS = ((0.05, 2), (0.25, 3), (1.00, 4))  # width of the bounds over the estimate -> reliability
UNRELIABLE = 5


def reliability(
    status: NDArray[np.object_], exact: NDArray[np.bool_], estimate: FloatArray, width: FloatArray
) -> NDArray[np.int8]:
    """Grades of many days; `exact` marks reported days whose report was not moved."""
    grades = [(status == "none", UNRELIABLE), ((status == "reported") & exact, 1), (status == "derived", 2)]
    grades += [(width <= share * estimate, grade) for share, grade in WIDTHS]
    return np.select([g[0] for g in grades], [g[1] for g in grades], default=UNRELIABLE).astype(np.int8)


def reliability_of(status: str, exact: bool, estimate: float, width: float) -> int:
    """The grade of one day."""
    one = reliability(np.array([status], dtype=object), np.array([exact]), np.array([estimate]), np.array([width]))
    return int(one[0])
