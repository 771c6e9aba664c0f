"""Work done once per distinct value instead of once per row; registers repeat themselves.

In: columns of any type, missing values included. Out: a code per row, and what stands behind each code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def combinations(*columns: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """The distinct combinations of values that stand side by side in columns of one length.

    Returns the code of each row and, by code, the position of the first row that holds the combination. Codes count
    in order of appearance; a missing value is a value like any other.
    """
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        of_column, values = pd.factorize(column)
        # Packed two at a time and renumbered, the product of the numbers of distinct values cannot overflow.
        codes, _ = pd.factorize(codes * (len(values) + 1) + of_column + 1)
    return codes.astype(np.int64), np.flatnonzero(~pd.Series(codes).duplicated().to_numpy())


def each(values: pd.Series, read: Callable[[Any], Any], missing: Any, dtype: Any) -> NDArray[Any]:
    """`read` of every value as an array of `dtype`, called once per distinct value; `missing` where there is none."""
    codes, distinct = pd.factorize(values)
    found = np.empty(len(distinct) + 1, dtype=dtype)  # position -1: missing
    for position, value in enumerate(distinct):
        found[position] = read(value)
    found[-1] = missing
    return np.asarray(found[codes])
