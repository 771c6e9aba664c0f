"""What a stopped series keeps: its bounds, never its points.

In: `daily`, the series that a gate stopped, and the months of a series in which most days say next to nothing. Out:
the same rows with those points withheld (status none, SDMX `Q`: missing, suppressed) and findings that say so.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from crossings.rules import Finding
from transforms import findings

_POINT = ("estimate", "pi_lower", "pi_upper", "pi_level")


def withhold(daily: pd.DataFrame, stopped: Iterable[str], weak_months: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Remove points of stopped series, and points of reliability 5 in weak months (series, `YYYY-MM`)."""
    if not len(daily):
        return daily.copy(deep=False)
    month = pd.to_datetime(daily["date"].astype("object")).dt.strftime("%Y-%m")
    pairs = pd.MultiIndex.from_arrays([daily["series"].astype("object"), month])
    weak = pairs.isin(list(weak_months)) & (daily["reliability"] == 5).to_numpy(bool)
    gone = (daily["series"].isin(list(stopped)).to_numpy(bool) | weak) & daily["estimate"].notna().to_numpy(bool)
    result = daily.copy(deep=False)
    for column in _POINT:
        result[column] = result[column].mask(gone)
    result["status"] = result["status"].astype("object").mask(gone, "none")
    result["obs_status"] = result["obs_status"].astype("object").mask(gone, "Q")
    return result


def told(stopped: dict[str, str], weak_months: pd.DataFrame, country_of: dict[str, str]) -> pd.DataFrame:
    """One finding per stopped series (series -> reason) and per series with weak months (frame of `months`)."""
    rows = [
        Finding("withheld", table="daily", series=name, country=country_of.get(name),
                message=f"points of this series are withheld, bounds stay: {reason}")
        for name, reason in stopped.items()
    ]  # fmt: skip
    for (name, country), group in weak_months.groupby(["series", "country"], observed=True):
        first, last = group["month"].min(), group["month"].max()
        rows.append(Finding(
            "V59", table="daily", series=name, country=country,
            date_start=pd.Period(first).start_time, date_end=pd.Period(last).end_time,
            observed=f"{len(group)} months in which more than half of the covered days have bounds wider than the estimate",
            expected="at most half", gap=float(group["share_unreliable"].max()),
            message=f"{len(group)} months between {first} and {last} are known by totals only: their days have bounds, and "
                    "their points of reliability 5 are withheld; ask `crossings between` for totals, or "
                    "`crossings estimate` for the path",
        ))  # fmt: skip
    return findings.table(rows)
