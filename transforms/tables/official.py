"""The table `official`: regular statistics by period, beside the sum of `daily` where both exist in one series.

In: reports with role `regular`, cells as the payloads stated them, and `daily`. Out: rows by the schema of `official`. Nothing is
summed over series: a residual exists only where series and period agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crossings.rules import Finding
from crossings.schema.tables import OFFICIAL, SERIES_PARTS
from transforms import findings
from transforms.reports import oddities
from transforms.reports.guards import frequency

__all__ = ["Official", "build", "frequency"]


@dataclass(frozen=True, eq=False)
class Official:
    """The table by its schema, and findings about what could not stand in it."""

    table: pd.DataFrame
    findings: pd.DataFrame


def build(reports: pd.DataFrame, series: pd.DataFrame, stated: pd.DataFrame, daily: pd.DataFrame) -> Official:
    """Regular statistics with their residuals.

    reports : by the schema; only rows with role `regular` count. series : definitions, for the parts of each series.
    stated : `official` rows as the payloads gave them: cells without a figure, and, by `report_id`, figures whose status
    is not A. daily : by the schema.

    Where several reports state one series and period, the one recorded last stands, and a finding names the others if
    they differ. A figure outranks an absence. A figure that is odd beside its neighbours (`reports.guards`) is told and,
    where its publisher calls it normal, of low reliability.
    """
    columns = ["report_id", "country", "series", "source_id", "period_start", "period_end", "value", "recorded_at"]
    regular = reports.loc[reports["role"] == "regular", columns].astype(dict.fromkeys(columns[:4], "object"))
    parts = series.drop_duplicates("series").set_index("series")[list(SERIES_PARTS)].astype("object")
    rows = regular.join(parts, on="series")
    rows["freq"] = [frequency(s, e) for s, e in zip(rows["period_start"], rows["period_end"], strict=True)]
    irregular = rows["freq"].isna()
    told = [_told(row, "official_period", "its period is no day, week, month, quarter, half-year or year",
                  [row["report_id"]]) for row in rows.loc[irregular].to_dict("records")]  # fmt: skip
    rows = rows.loc[~irregular].rename(columns={"period_start": "date"}).reset_index(drop=True)
    rows["value"] = rows["value"].astype("Int64")
    rows, contested = _standing(rows)
    marked = stated.dropna(subset=["report_id"]).astype({"report_id": "object"})
    status = dict(zip(marked["report_id"], marked["obs_status"].astype("object"), strict=True))
    odd = oddities.odd_statistics(rows)
    doubted = oddities.doubted(odd)
    rows["obs_status"] = [
        "U" if stands == "A" and report_id in doubted else stands
        for report_id, stands in ((i, status.get(i, "A")) for i in rows["report_id"])
    ]
    rows["daily_sum"] = _sums(rows, daily)
    rows["residual"] = rows["value"] - rows["daily_sum"]
    missing = stated.loc[stated["report_id"].isna()].astype({"obs_status": "object"})
    both = pd.concat([rows[list(OFFICIAL.names)], missing.sort_values("obs_status")[list(OFFICIAL.names)]])
    table = both.drop_duplicates(list(OFFICIAL.key)).sort_values(list(OFFICIAL.key), ignore_index=True)
    return Official(table, findings.table([*told, *contested, *odd]))


def _standing(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per key, the one recorded last, and what to tell of figures that differ from it."""
    key = list(OFFICIAL.key)
    ordered = rows.sort_values([*key, "recorded_at", "report_id"], ascending=[True] * 4 + [False, True])
    told = []
    for _, group in ordered.loc[ordered.duplicated(key, keep=False)].groupby(key, sort=True):
        if len(set(group["value"])) > 1:
            said = ", ".join(f"{v:,} ({r})" for v, r in zip(group["value"], group["report_id"], strict=True))
            first = group.iloc[0].to_dict() | {"period_start": group["date"].iloc[0]}
            told.append(_told(first, "official_contested", f"several reports state it: {said}; the first one, "
                              "recorded last, stands", list(group["report_id"])))  # fmt: skip
    return ordered.drop_duplicates(key).reset_index(drop=True), told


def _told(row: Mapping[Any, Any], rule: str, why: str, report_ids: list[str]) -> Finding:
    return Finding(
        rule, table="official", series=row["series"], country=row["country"],
        date_start=row["period_start"], date_end=row["period_end"], report_ids=report_ids,
        message=f"{row['series']} from {row['period_start']} to {row['period_end']}: {why}",
    )  # fmt: skip


def _sums(rows: pd.DataFrame, daily: pd.DataFrame) -> pd.Series:
    """Sum of the daily estimates over each period; missing unless every day has one."""
    result = pd.Series(pd.NA, index=rows.index, dtype="Int64")
    for name in sorted(set(rows["series"]) & set(daily["series"].unique())):
        points = daily.loc[daily["series"] == name].set_index("date")["estimate"]
        for index, row in rows.loc[rows["series"] == name].iterrows():
            days = pd.date_range(row["date"], row["period_end"]).date
            here = points.reindex(days)
            if here.notna().all():
                result.loc[index] = int(here.sum())
    return result
