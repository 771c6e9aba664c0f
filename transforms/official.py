"""The table `official`: regular statistics by period, beside the sum of `daily` where both exist in one series.

In: reports with role `regular`, cells without a figure, and `daily`. Out: rows by the schema of `official`. Nothing is
summed over series: a residual exists only where series and period agree.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from crossings.schema import OFFICIAL

_PARTS = ("direction", "citizenship", "scope", "measure", "system")


def frequency(start: dt.date, end: dt.date) -> str | None:
    """SDMX frequency of a period from its first to its last day; None where it is no regular one."""
    after = end + dt.timedelta(days=1)
    months = (after.year - start.year) * 12 + after.month - start.month
    if start.day == 1 and after.day == 1:
        if months == 1:
            return "M"
        if months == 3 and start.month % 3 == 1:
            return "Q"
        if months == 12 and start.month == 1:
            return "A"
    return {1: "D", 7: "W"}.get((after - start).days)


def build(reports: pd.DataFrame, series: pd.DataFrame, missing: pd.DataFrame, daily: pd.DataFrame) -> pd.DataFrame:
    """Regular statistics with their residuals.

    reports : by the schema; only rows with role `regular` count. series : definitions, for the parts of each series.
    missing : `official` rows without a figure. daily : by the schema.
    """
    regular = reports.loc[reports["role"] == "regular", ["report_id", "country", "series", "period_start", "period_end", "value"]]
    parts = series.drop_duplicates("series").set_index("series")[list(_PARTS)].astype("object")
    rows = regular.astype({"series": "object", "country": "object"}).join(parts, on="series")
    rows["freq"] = [frequency(s, e) for s, e in zip(rows["period_start"], rows["period_end"], strict=True)]
    rows = rows.dropna(subset=["freq"]).rename(columns={"period_start": "date"})
    rows["obs_status"] = "A"
    rows["value"] = rows["value"].astype("Int64")
    rows["daily_sum"] = _sums(rows, daily)
    rows["residual"] = rows["value"] - rows["daily_sum"]
    both = pd.concat([rows[list(OFFICIAL.names)], missing[list(OFFICIAL.names)]], ignore_index=True)
    return both.sort_values(list(OFFICIAL.key), ignore_index=True)


def _sums(rows: pd.DataFrame, daily: pd.DataFrame) -> pd.Series:
    """Sum of the daily estimates over each period; missing unless every day has one."""
    shared = set(rows["series"]) & set(daily["series"].unique())
    result = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    for name in shared:
        points = daily.loc[daily["series"] == name].set_index("date")["estimate"]
        for index, row in rows.loc[rows["series"] == name].iterrows():
            days = pd.date_range(row["date"], row["period_end"]).date
            here = points.reindex(days)
            if here.notna().all():
                result.loc[index] = int(here.sum())
    return result
