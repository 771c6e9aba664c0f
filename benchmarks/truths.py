"""Simulated series whose reports are all true, and how the daily table made of those reports keeps to the truth.

In: a mix of kinds of reports and a number of series; the same seed always gives the same series. Out: register rows
with the crossings behind them, and `Covered`: how often bounds and intervals hold the truth, how wide they are, and
the errors of the estimate. Method.md 3.3, 3.4 and 5.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from solvers import Stated, pro_rata

from transforms import ask
from transforms.estimator.days import Days
from transforms.estimator.statements import FloatArray
from transforms.reports import reference
from transforms.tables import daily

SEED = 20220921
DAYS = 140
START = dt.date(2022, 8, 1)  # the clock changes inside the span
CUT = 10  # windows of some reports run from 10:00 to 10:00
ZONE = "Europe/Helsinki"


@dataclass(frozen=True)
class Mix:
    """What is reported of a simulated series: share of exact days, and the other kinds of reports."""

    title: str
    share_of_days: float
    kinds: tuple[str, ...]


MIXES = (
    Mix("exact weeks, 40 % of days", 0.4, ("week_exact",)),
    Mix("rounded weeks, 40 % of days, more than", 0.4, ("week_rounded", "more_than")),
    Mix("rounded cumulative, 40 % of days", 0.4, ("cumulative_rounded",)),
    Mix("daily means, 10:00 windows, 30 % of days", 0.3, ("mean", "clocked", "week_rounded", "more_than")),
    Mix("rounded weeks, no days", 0.0, ("week_rounded", "more_than")),
)


@dataclass(frozen=True, eq=False)
class Simulated:
    """One series: register rows, the crossings in the window of each, and the crossings of each day."""

    reports: list[dict[str, object]]
    windows: list[int]
    days: FloatArray


def simulated(mix: int, number: int) -> Simulated:
    """One series of a mix, all of its reports true.

    The level is a random walk on the log scale, counts scatter about it by 10 %, and the night is quieter.
    """
    rng = np.random.default_rng([SEED, mix, number])
    chosen = MIXES[mix]
    level = rng.uniform(300, 12000) * np.exp(np.cumsum(rng.normal(0, rng.choice([0.03, 0.08, 0.15]), DAYS)))
    level *= rng.lognormal(0, 0.1, DAYS)
    parts = rng.poisson(np.column_stack((0.2 * level, 0.8 * level)))  # before and after the clock of 10:00
    at_cut = np.concatenate(([0], np.cumsum(parts)))
    flow = parts.sum(axis=1)
    total = np.concatenate(([0], np.cumsum(flow)))
    rows: list[dict[str, object]] = []
    windows: list[int] = []

    def tell(first: int, stop: int, qualifier: str, value: float, unit: int = 1, **more: object) -> None:
        cut = int("start_time" in more)
        windows.append(int(at_cut[2 * (stop - cut) + cut] - at_cut[2 * first + cut]))
        rows.append(
            {
                "report_id": f"M{mix}S{number:03d}R{len(rows):03d}", "country": "XXX", "direction": "entry",
                "citizenship": "RUS", "scope": f"checkpoint:m{mix}s{number:03d}", "measure": "crossings",
                "system": "border_control", "mode": "all", "statistic": "total", "tier": 2, "timezone": ZONE,
                "speech_mode": "written_table", "period_start": START + dt.timedelta(days=first),
                "period_end": START + dt.timedelta(days=stop - 1), "qualifier": qualifier, "value": int(value),
                "rounding_unit": unit, **more,
            }
        )  # fmt: skip

    def rounded(first: int, stop: int, **more: object) -> None:
        exact = int(total[stop] - total[first])
        unit = 10 ** max(0, len(str(exact)) - 2)
        tell(first, stop, "rounded", (exact + unit // 2) // unit * unit, unit, **more)

    for day in np.flatnonzero(rng.random(DAYS) < chosen.share_of_days):
        tell(int(day), int(day) + 1, "exact", flow[day])
    for week in range(0, DAYS, 7):
        if "week_exact" in chosen.kinds:
            tell(week, week + 7, "exact", total[week + 7] - total[week])
        if "week_rounded" in chosen.kinds:
            rounded(week, week + 7)
        if "cumulative_rounded" in chosen.kinds:
            rounded(week // 35 * 35, week + 7, statistic="cumulative")
    for month in range(0, DAYS - 27, 28):
        if "more_than" in chosen.kinds:
            tell(month, month + 28, "more_than", (total[month + 28] - total[month] - 1) // 1000 * 1000, 1000)
        if "mean" in chosen.kinds:
            mean = (total[month + 10] - total[month]) / 10
            unit = 10 ** max(0, len(str(int(mean))) - 2)
            tell(month, month + 10, "rounded", np.floor(mean / unit + 0.5) * unit, unit, statistic="mean_per_day")
        if "clocked" in chosen.kinds:
            day = month + int(rng.integers(12, 24))
            tell(day, day + 2, "exact", at_cut[2 * day + 3] - at_cut[2 * day + 1], start_time="10:00", end_time="10:00")
    return Simulated(rows, windows, flow.astype(np.float64))


@dataclass(frozen=True)
class Covered:
    """Of the days of one mix: how many, how often inside, how wide over the level, and errors of unreported days.

    reports, kept : how many reports there are, and how many of the true totals lie in their report's own interval.
    """

    days: int
    reports: int
    kept: int
    conflicts: int
    inside_bounds: int
    bounds_width: float
    unreported: int
    with_interval: int
    inside_interval: int
    interval_width: float
    error: float
    error_pro_rata: float


def coverage(mix: int, count: int, known: reference.Reference) -> Covered:
    """Simulate, take the reports in through the stand-alone door, and compare its daily table with the truth."""
    told = [simulated(mix, number) for number in range(count)]
    rows = pd.DataFrame([row for one in told for row in one.reports])
    result = ask.estimate_reports(rows.to_csv(index=False).encode(), lambda _prepared, _known: [], known)
    truth = pd.DataFrame(
        {
            "scope": np.repeat([one.reports[0]["scope"] for one in told], DAYS),
            "date": [START + dt.timedelta(days=i) for i in range(DAYS)] * count,
            "truth": np.concatenate([one.days for one in told]),
        }
    )
    found = result.daily.merge(truth, on=["scope", "date"], validate="one_to_one")
    figures = {
        c: found[c].to_numpy(dtype=np.float64, na_value=np.nan) for c in ("lower", "upper", "pi_lower", "pi_upper")
    }
    flow, level = found["truth"].to_numpy(), _level(found)
    estimate = found["estimate"].to_numpy(dtype=np.float64, na_value=np.nan)
    upper = np.where(np.isnan(figures["upper"]), np.inf, figures["upper"])
    unreported = (found["status"] != "reported").to_numpy() & np.isfinite(estimate)
    promised = unreported & np.isfinite(figures["pi_lower"])
    within = (figures["pi_lower"] <= flow) & (flow <= figures["pi_upper"])
    finite = np.isfinite(upper) & unreported
    even = _pro_rata_of(result.reports, found)
    intervals = result.reports.set_index("report_id").loc[rows["report_id"], ["lower", "upper"]]
    low, high = (intervals[c].to_numpy(dtype=np.float64, na_value=np.nan) for c in ("lower", "upper"))
    windows = np.concatenate([one.windows for one in told])
    return Covered(
        days=len(found),
        reports=len(rows),
        kept=int((~(windows < low) & ~(windows > high)).sum()),
        conflicts=int((result.findings["rule"] == "conflict").sum()),
        inside_bounds=int(((figures["lower"] <= flow) & (flow <= upper)).sum()),
        bounds_width=float(((upper - figures["lower"])[finite] / level[finite]).mean()),
        unreported=int(unreported.sum()),
        with_interval=int(promised.sum()),
        inside_interval=int(within[promised].sum()),
        interval_width=float(((figures["pi_upper"] - figures["pi_lower"]) / level)[promised].mean())
        if promised.any()
        else np.nan,
        error=float(np.abs(estimate - flow)[unreported].sum() / flow[unreported].sum()),
        error_pro_rata=float(np.abs(even - flow)[unreported].sum() / flow[unreported].sum()),
    )


def together(parts: list[Covered]) -> Covered:
    """Counts of several mixes added up; widths and errors do not add up and are missing."""
    counts = ("days", "reports", "kept", "conflicts", "inside_bounds", "unreported", "with_interval", "inside_interval")
    nothing = dict.fromkeys(("bounds_width", "interval_width", "error", "error_pro_rata"), float("nan"))
    return Covered(**{name: sum(getattr(p, name) for p in parts) for name in counts}, **nothing)


def _level(found: pd.DataFrame) -> FloatArray:
    """Mean crossings a day of the series of each row, at least 1."""
    return found.groupby("scope")["truth"].transform("mean").clip(lower=1.0).to_numpy()


def _pro_rata_of(reports: pd.DataFrame, found: pd.DataFrame) -> FloatArray:
    """Pro rata of the reports that cover whole days, by row of the daily table."""
    path = pd.Series(np.nan, index=found.index)
    whole = reports[reports["start_time"].isna() & reports["upper"].notna()]
    for scope, rows in whole.groupby("scope"):
        instants = rows.assign(**{c: rows[c].dt.tz_localize(None) for c in ("start_instant", "end_instant")})
        for column in ("start_instant", "end_instant"):
            instants[column] = instants[column].to_numpy("datetime64[s]").astype(np.int64)
        c = daily.constraints_of(instants)
        days = Days.of(c, ZONE, "00:00")
        mine = found.index[(found["scope"] == scope).to_numpy()]
        at = np.array([(pd.Timestamp(d).date() - days.first).days for d in found.loc[mine, "date"]])
        covered = (at >= 0) & (at < len(days))
        path[mine[covered]] = pro_rata(Stated.of(c, days.starts))[at[covered]]
    return path.fillna(0.0).to_numpy()
