"""Encode a report as an interval on the flow between two instants (method.md 4.1).

In: reports after decisions. Out: per report the window in UTC, whether the figures hold per day, the closed integer
interval `[lower, upper]`, its standard error, and the unit of rounding used. Nothing here looks at other reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transforms import distinct
from transforms.estimator.statements import FloatArray
from transforms.reports import instants as at

PER_DAY = ("each_day", "max_per_day", "min_per_day")
NO_FLOW = ("stock", "change", "ratio", "share")
MEAN_DAYS = {"mean_per_day": (1.0, 1.0), "mean_per_week": (7.0, 7.0), "mean_per_month": (28.0, 31.0)}


@dataclass(frozen=True)
class EncodingPolicy:
    """Widths and standard errors; the defaults are those of method.md 4.1 and 4.4.

    Attributes
    ----------
    about : relative half-width of "about".
    spoken : relative half-width of "about", and widening of a range, where the figure was spoken.
    spoken_rounded : least relative half-width of a rounded figure that was spoken.
    nearly_single_digit : relative width of "nearly" where the figure has one significant digit.
    tier_error : relative standard error by tier.
    sigma_floor : least standard error, in units of the measure.
    """

    about: float = 0.05
    spoken: float = 0.10
    spoken_rounded: float = 0.01
    nearly_single_digit: float = 0.05
    tier_error: dict[int, float] = field(default_factory=lambda: {1: 0.0, 2: 0.001, 3: 0.03, 4: 0.05, 5: 0.05})
    sigma_floor: float = 0.5


def encode(reports: pd.DataFrame, policy: EncodingPolicy | None = None) -> pd.DataFrame:
    """Windows and intervals of reports.

    Returns a frame on the same index: `start_instant`, `end_instant` (int64 UTC seconds, `instants.UNKNOWN` where not
    bounded), `per_day` (bool), `lower`, `upper` (float64 holding whole numbers, NaN = unbounded or not a flow),
    `sigma` (float64), `published_at` (int64 UTC seconds).
    """
    policy = policy or EncodingPolicy()
    start, end = windows(reports)
    low, high, unit = _stated(reports, policy)
    statistic = reports["statistic"]
    low, high = _mean_ends(low, high, unit, reports)
    low, high = _over_window(low, high, statistic, _days(reports, start, end))
    # A mean need not be whole: an end that it may not reach becomes the next whole total inside.
    open_low, open_high = _open_ends(reports)
    low, high = (
        np.where(open_low, np.floor(low) + 1, np.ceil(low)),
        np.where(open_high, np.ceil(high) - 1, np.floor(high)),
    )
    explicit = reports["lower"].notna().to_numpy() if "lower" in reports else np.zeros(len(reports), bool)
    if "lower" in reports:
        stated_low = reports["lower"].to_numpy(np.float64)
        stated_high = reports["upper"].to_numpy(np.float64) if "upper" in reports else np.full(len(reports), np.nan)
        whole_low, whole_high = _whole(stated_low, stated_high)
        low, high = np.where(explicit, whole_low, low), np.where(explicit, whole_high, high)
    counts = (reports["direction"] != "net").to_numpy()
    low = np.where(counts & (low < 0) & ~explicit, 0.0, low)
    no_flow = statistic.isin(NO_FLOW).to_numpy()
    low, high = np.where(no_flow, np.nan, low), np.where(no_flow, np.nan, high)
    return pd.DataFrame(
        {
            "start_instant": start,
            "end_instant": end,
            "per_day": statistic.isin(PER_DAY).to_numpy(),
            "lower": low,
            "upper": high,
            "sigma": _sigma(reports, unit, low, high, policy),
            "published_at": published_at(reports),
        },
        index=reports.index,
    )


def windows(reports: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of each reference period, half-open, UTC seconds; `instants.UNKNOWN` where open or missing."""
    start = _instants(reports["period_start"], reports["start_time"], "00:00", reports["timezone"])
    end = _instants(reports["period_end"], reports["end_time"], "24:00", reports["timezone"])
    for name, found in (("start_instant", start), ("end_instant", end)):
        if name in reports:
            stated = at.as_seconds(reports[name])
            found[stated != at.UNKNOWN] = stated[stated != at.UNKNOWN]
    return start, end


def doubtful(reports: pd.DataFrame) -> NDArray[np.bool_]:
    """Reports of a single day, or of so many a day, whose window is inferred: nobody knows whether it is off by a day."""
    if "period_basis" not in reports:
        return np.zeros(len(reports), dtype=bool)
    single = (reports["period_start"] == reports["period_end"]).to_numpy(bool, na_value=False)
    daily = reports["statistic"].isin([*PER_DAY, "mean_per_day"]).to_numpy(bool)
    return np.asarray((reports["period_basis"] == "inferred").to_numpy(bool, na_value=False) & (single | daily))


def _instants(dates: pd.Series, clocks: pd.Series, otherwise: str, zones: pd.Series) -> NDArray[np.int64]:
    codes, first = distinct.combinations(dates, clocks, zones)
    stated = clocks.iloc[first].astype("object")
    clock = stated.where(stated.notna(), otherwise)
    return at.instants(dates.iloc[first], clock, zones.iloc[first].astype("object"))[codes]


def published_at(reports: pd.DataFrame) -> NDArray[np.int64]:
    """The instant from which each report counts as published, UTC seconds; `instants.UNKNOWN` where not stated."""
    codes, first = distinct.combinations(reports["published_on"], reports["timezone"])
    found = at.publication_end(reports["published_on"].iloc[first], reports["timezone"].iloc[first])[codes]
    if "published_at" in reports:
        stated = at.as_seconds(reports["published_at"])
        found = np.where(stated != at.UNKNOWN, stated, found)
    return found


def rounding_unit(value: FloatArray) -> FloatArray:
    """Unit of rounding of a whole number by its trailing zeros, never coarser than two significant digits."""
    magnitude = np.abs(np.nan_to_num(value))
    zeros = np.zeros(len(value), dtype=np.int64)
    rest = magnitude.copy()
    for _ in range(18):
        more = (rest > 0) & (rest % 10 == 0)
        if not more.any():
            break
        zeros[more] += 1
        rest[more] /= 10
    digits = np.floor(np.log10(np.where(magnitude >= 1, magnitude, 1))).astype(np.int64) + 1
    return np.power(10.0, np.minimum(zeros, np.maximum(0, digits - 2)))


def _stated(reports: pd.DataFrame, policy: EncodingPolicy) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Interval on the stated quantity (a total, or a per-day figure), before it is spread over the window."""
    value = reports["value"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    range_low = reports["value_low"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    range_high = reports["value_high"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    given = reports["rounding_unit"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    unit = np.where(np.isnan(given), rounding_unit(value), given)
    spoken = (reports["speech_mode"] == "spoken").to_numpy()
    single = rounding_unit_is_single_digit(value)
    half = np.floor(unit / 2)
    about = np.maximum(half, np.floor(np.where(spoken, policy.spoken, policy.about) * np.abs(value)))
    rounded = np.maximum(half, np.floor(np.where(spoken, policy.spoken_rounded, 0.0) * np.abs(value)))
    nearly = np.maximum(unit, np.where(single, np.floor(policy.nearly_single_digit * value), 0))
    widen = np.where(spoken, policy.spoken, 0.0)
    infinite = np.full(len(value), np.nan)
    by_qualifier = {
        "exact": (value, value),
        "rounded": (value - rounded, value + np.where(rounded > half, rounded, np.ceil(unit / 2) - 1)),
        "about": (value - about, value + about),
        "nearly": (value - nearly, value - 1),
        "more_than": (value + 1, infinite),
        "at_least": (value, infinite),
        "less_than": (np.zeros(len(value)), value - 1),
        "up_to": (np.zeros(len(value)), value),
        "between": (np.ceil(_tidy(range_low - widen * np.abs(range_low))),
                    np.floor(_tidy(range_high + widen * np.abs(range_high)))),
    }  # fmt: skip
    qualifier = reports["qualifier"]
    low, high = infinite.copy(), infinite.copy()
    for name, (lower, upper) in by_qualifier.items():
        here = (qualifier == name).to_numpy()
        low[here], high[here] = lower[here], upper[here]
    # A stated error beside the value (value_low and value_high without "between") is wider than rounding alone.
    error = ~np.isnan(value) & ~np.isnan(range_low) & ~np.isnan(range_high) & (qualifier != "between").to_numpy()
    low[error], high[error] = range_low[error], range_high[error]
    return low, high, unit


def rounding_unit_is_single_digit(value: FloatArray) -> NDArray[np.bool_]:
    """Whether a figure has a single significant digit, as 5,000 has."""
    magnitude = np.where(np.isnan(value) | (value == 0), 1.0, np.abs(value))
    place = np.power(10.0, np.floor(np.log10(magnitude)))
    return np.asarray(magnitude % place == 0)


def _whole(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The whole numbers inside stated bounds, which may be fractions; the nearest one where there is none inside."""
    inner_low, inner_high = np.ceil(_tidy(low)), np.floor(_tidy(high))
    none = inner_low > inner_high
    return np.where(none & (low <= high), np.round(low), inner_low), np.where(
        none & (low <= high), np.round(high), inner_high
    )


def _tidy(numbers: FloatArray) -> FloatArray:
    """Binary dust removed, so that 0.9 x 8,000 is 7,200 and not a hair less."""
    return np.round(numbers, 6)


def _days(reports: pd.DataFrame, start: NDArray[np.int64], end: NDArray[np.int64]) -> FloatArray:
    """Civil days of each window; a window that ends by the clock counts its length in days, at least one."""
    whole = (reports["period_end"] - reports["period_start"]).dt.days.to_numpy(np.float64) + 1
    clocked = (reports["start_time"].notna() | reports["end_time"].notna()).to_numpy()
    known = (start != at.UNKNOWN) & (end != at.UNKNOWN)
    length = np.where(known, (end - np.where(known, start, 0)) / 86_400, np.nan)
    return np.where(clocked, np.maximum(1, np.round(length)), whole)


def _mean_ends(
    low: FloatArray, high: FloatArray, unit: FloatArray, reports: pd.DataFrame
) -> tuple[FloatArray, FloatArray]:
    """Ends of the interval on a mean, which is a real number: half a unit to each side of a rounded one."""
    value = reports["value"].to_numpy(np.float64, na_value=np.nan)
    mean = reports["statistic"].isin(list(MEAN_DAYS)).to_numpy()
    qualifier = reports["qualifier"]
    half = np.where(qualifier == "exact", 0.5, unit / 2)
    rounded = mean & qualifier.isin(["rounded", "exact"]).to_numpy()
    below = mean & qualifier.isin(["nearly", "less_than"]).to_numpy()
    above = mean & (qualifier == "more_than").to_numpy()
    low = np.where(rounded, value - half, np.where(above, value, low))
    high = np.where(rounded, value + half, np.where(below, value, high))
    return low, high


def _open_ends(reports: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether a mean may not reach the lower, and the upper end of its interval."""
    mean = reports["statistic"].isin(list(MEAN_DAYS)).to_numpy()
    qualifier = reports["qualifier"]
    return (
        mean & (qualifier == "more_than").to_numpy(),
        mean & qualifier.isin(["rounded", "exact", "nearly", "less_than"]).to_numpy(),
    )


def _over_window(
    low: FloatArray, high: FloatArray, statistic: pd.Series, days: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Means become totals of the window; a largest day gives only ceilings, a smallest day only floors."""
    for name, (shortest, longest) in MEAN_DAYS.items():
        here = (statistic == name).to_numpy()
        low[here] = _tidy(low[here] * days[here] / longest)
        high[here] = _tidy(high[here] * days[here] / shortest)
    low = np.where(statistic == "max_per_day", 0.0, low)
    high = np.where(statistic == "min_per_day", np.nan, high)
    return low, high


def _sigma(
    reports: pd.DataFrame, unit: FloatArray, low: FloatArray, high: FloatArray, policy: EncodingPolicy
) -> FloatArray:
    tier = reports["tier"].astype("Float64").to_numpy(np.float64, na_value=4)
    relative = np.select([tier == t for t in policy.tier_error], list(policy.tier_error.values()), 0.05)
    centre = np.where(np.isnan(high), low, (low + np.nan_to_num(high)) / 2)
    rounding = np.where(reports["qualifier"] == "exact", 1.0, unit) / np.sqrt(12)
    sigma = np.maximum(np.maximum(np.nan_to_num(rounding, nan=1.0), relative * np.abs(np.nan_to_num(centre))),
                       policy.sigma_floor)  # fmt: skip
    if "sigma" in reports:
        given = reports["sigma"].to_numpy(np.float64)
        sigma = np.where(np.isnan(given) | (given <= 0), sigma, given)
    return np.asarray(sigma)
