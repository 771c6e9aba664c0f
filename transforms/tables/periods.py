"""Tightest bounds of asked periods: the sum of daily bounds is not the bound of the sum.

In: what the reports of some series give, and periods. Out: a frame by the schema of `periods` (method.md 4.2, 4.7).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from crossings.schema.tables import PERIODS, SERIES_PARTS
from transforms.estimator.results import Bound
from transforms.tables.daily import Built


def bounds_of(built: Built, asked: pd.DataFrame) -> pd.DataFrame:
    """Tightest bounds of asked periods (columns country, direction, start, end; dates inclusive), by schema PERIODS.

    One row for each series of that country and direction. Outside all reports the lower bound counts nothing and the
    upper one is missing; the estimate is missing where a day of the period has none.
    """
    rows: list[dict[str, Any]] = []
    wanted = asked[["country", "direction", "start", "end"]].drop_duplicates()
    points = {str(name): dict(zip(g["date"], g["estimate"], strict=True)) for name, g in built.daily.groupby("series")}
    for country, direction, start, end in wanted.itertuples(index=False):
        first, last = pd.Timestamp(start).date(), pd.Timestamp(end).date()
        for name, series in built.series.items():
            if series["country"] == country and series["direction"] == direction:
                bound = built.between(name, first, last)
                rows.append(_period(built, series, bound, points.get(name, {}), first, last))
    frame = pd.DataFrame(rows, columns=list(PERIODS.names))
    for column in ("estimate", "lower", "upper", "lower_otherwise", "upper_otherwise"):
        frame[column] = frame[column].astype("Int64")
    return frame.sort_values(list(PERIODS.key), kind="stable", ignore_index=True)


def _period(
    built: Built, series: dict[str, Any], bound: Bound, points: dict[dt.date, Any], first: dt.date, last: dt.date
) -> dict[str, Any]:
    days = [points.get(first + dt.timedelta(days=i), pd.NA) for i in range((last - first).days + 1)]
    total = pd.Series(days, dtype="Int64").sum(skipna=False)
    return {
        "country": str(series["country"]),
        "series": str(series["series"]),
        **{part: str(series[part]) for part in SERIES_PARTS},
        "period_start": first,
        "period_end": last,
        "estimate": None if pd.isna(total) else int(total),
        "lower": _whole(bound.lower),
        "upper": _whole(bound.upper),
        "lower_proof": list(bound.lower_proof),
        "upper_proof": list(bound.upper_proof),
        "lower_aside": list(bound.lower_aside),
        "upper_aside": list(bound.upper_aside),
        "lower_otherwise": _whole(bound.lower_otherwise),
        "upper_otherwise": _whole(bound.upper_otherwise),
        "lower_terms": built.terms_of(str(series["series"]), bound.lower_terms),
        "upper_terms": built.terms_of(str(series["series"]), bound.upper_terms),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None or not np.isfinite(value) else int(value)
