"""What the release gates compare, worked out from the tables of a release to be (docs/rules.md, V50 to V67).

In: `daily` as estimated, the encoded reports, findings and events. Out: small frames, one per gate, whose rows the
expectations judge. Nothing here decides.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def reaggregation(daily: pd.DataFrame, reports: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """V50: for every report that the estimate follows and that binds whole days with a point each: their sum.

    Columns report_id, series, total, least, most (NaN = unbounded).
    """
    active = reports.loc[(reports["role"] == "constraint") & ~reports["per_day"].astype(bool)]
    active = active.loc[
        active["start_time"].isna() & active["end_time"].isna() & ~active["report_id"].isin(not_followed(findings))
    ]
    points = daily.loc[daily["estimate"].notna(), ["series", "date", "estimate"]]
    grouped = {
        name: rows.set_index("date")["estimate"].astype("int64").sort_index() for name, rows in points.groupby("series")
    }
    rows = []
    columns = ["report_id", "series", "period_start", "period_end", "lower", "upper"]
    for r in active[columns].itertuples(index=False):
        known = grouped.get(r.series)
        if known is None:
            continue
        here = known.loc[r.period_start : r.period_end]
        if len(here) != (r.period_end - r.period_start).days + 1:
            continue
        least, most = (None if pd.isna(v) else float(v) for v in (r.lower, r.upper))
        rows.append((r.report_id, r.series, float(here.sum()), least, most))
    frame = pd.DataFrame(rows, columns=["report_id", "series", "total", "least", "most"])
    return frame.astype({"total": "float64", "least": "float64", "most": "float64"})


def not_followed(findings: pd.DataFrame) -> set[str]:
    """Reports that the estimate does not follow as they stand: leading explanations and inferred windows that do not fit."""
    leading = (findings["rule"] == "alternative") & (findings["expected"] == "leads")
    return {str(i) for ids in findings.loc[leading | (findings["rule"] == "window"), "report_ids"] for i in ids}


def trail(daily: pd.DataFrame, reports: pd.DataFrame, events: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    """V52, V53, V65: per day: reports named but not active or not covering it, the exact top-tier figure, the break.

    Columns date, series, estimate, strangers, exact_top (NaN = none), break_known.
    """
    active = reports.loc[reports["role"] == "constraint"].set_index("report_id")
    start = active["period_start"].to_dict()
    end = active["period_end"].to_dict()

    def strangers(row: tuple[object, list[str]]) -> int:
        date, ids = row
        return sum(1 for i in ids if i not in start or not (start[i] <= date <= end[i]))

    breaks = set(events.loc[events["is_break"].astype(bool) & (events["source_url"].fillna("") != ""), "event_id"])
    exact = active.loc[
        (active["tier"] == 1) & (active["period_start"] == active["period_end"]) & (active["lower"] == active["upper"])
        & ~active["per_day"].astype(bool) & ~active.index.isin(not_followed(findings))
    ]  # fmt: skip
    top = exact.groupby(["series", "period_start"])["lower"].agg(
        lambda v: float(v.iloc[0]) if len(set(v)) == 1 else np.nan
    )
    keys = pd.MultiIndex.from_arrays([daily["series"].astype("object"), daily["date"].astype("object")])
    return pd.DataFrame(
        {
            "date": daily["date"],
            "series": daily["series"],
            "estimate": daily["estimate"].astype("Float64").to_numpy(np.float64, na_value=np.nan),
            "strangers": [strangers(row) for row in zip(daily["date"], daily["report_ids"], strict=True)],
            "exact_top": top.reindex(keys).to_numpy(np.float64) if len(top) else np.full(len(daily), np.nan),
            "break_known": daily["break_id"].isna() | daily["break_id"].isin(breaks),
        }
    ).reset_index(drop=True)


def intervals(daily: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """V67: per series: whether it has a calibrated interval, its exact day reports, the share from regular bulletins.

    Columns series, has_interval, exact_days, regular_share.
    """
    one_day = reports["period_start"].notna() & (reports["period_start"] == reports["period_end"])
    exact = reports.loc[(reports["role"] == "constraint") & one_day & (reports["lower"] == reports["upper"])]
    regular = exact["speech_mode"].isin(["written_table", "written_text"]) & (exact["tier"] <= 2)
    days = (
        exact.assign(regular=regular.astype(bool)).groupby(["series", "period_start"], observed=True)["regular"].max()
    )
    counted = days.groupby("series").agg(["size", "mean"])
    has = daily.assign(has=daily["pi_lower"].notna()).groupby("series", observed=True)["has"].any()
    result = pd.DataFrame({"has_interval": has.astype(bool)}).join(counted)
    result = result.rename(columns={"size": "exact_days", "mean": "regular_share"}).fillna(
        {"exact_days": 0, "regular_share": 0.0}
    )
    return result.rename_axis("series").reset_index().astype({"exact_days": "int64", "regular_share": "float64"})


def concepts(reports: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """V64: per series with binding reports, how many measures, systems, citizenships and definitions its reports have.

    reports : decided rows. Columns series, measures, systems, citizenships, definitions.
    """
    active = reports.loc[reports["role"].isin(["constraint", "copy"])]
    counted = active.groupby(active["series"].astype("object")).agg(
        measures=("measure", "nunique"), systems=("system", "nunique"), citizenships=("citizenship", "nunique")
    )
    counted["definitions"] = series.groupby("series").size().reindex(counted.index).fillna(0).astype("int64")
    return counted.rename_axis("series").reset_index()
