"""What a frame of the analyst's door is made of: dates that the idioms of time series understand, counts that do not sum
nothing to zero, and Arrow types for all the rest.

In: an Arrow table of a release. Out: a pandas frame. The choices and their reasons: docs/decisions/0017-frames.md.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.arrays import ArrowExtensionArray

_ADDS = ("sum", "prod")


class Counts(ArrowExtensionArray):  # type: ignore[misc]  # pandas does not type its arrays
    """Whole numbers, some missing: what has no known member has no sum.

    pandas makes 0 of the sum of nothing, SQL makes NULL; a week of which no day has a number is missing here, not 0. In all
    else the column is an ordinary `int64[pyarrow]`.
    """

    def _reduce(self, name: str, **options: Any) -> Any:
        return super()._reduce(name, **options | _at_least_one(name, options))

    def _groupby_op(self, *, how: str, **options: Any) -> Any:
        return super()._groupby_op(how=how, **options | _at_least_one(how, options))


def _at_least_one(name: str, options: dict[str, Any]) -> dict[str, int]:
    return {"min_count": max(1, options.get("min_count", 0))} if name in _ADDS else {}


def of_table(table: pa.Table) -> pd.DataFrame:
    """The table as a frame: dates as datetime64[s] at midnight, whole numbers as `Counts`, else Arrow types."""
    return pd.DataFrame(
        {name: _column(column) for name, column in zip(table.column_names, table.columns, strict=True)}, copy=False
    )


def _column(column: pa.ChunkedArray) -> Any:
    if pa.types.is_date32(column.type):
        return column.cast(pa.timestamp("s")).to_numpy().astype("datetime64[s]")
    return Counts(column) if column.type == pa.int64() else ArrowExtensionArray(column)
