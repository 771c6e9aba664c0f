"""What a release shows of points: none of a stopped series, none where no short stretch around the day is known.

In: `daily`, and the series that a gate stopped. Out: the same rows with those points withheld (status none, SDMX `Q`:
missing, suppressed) and findings that say so. Bounds always stay (method.md 4.5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from crossings.rules import Finding
from transforms import findings

_POINT = ("estimate", "pi_lower", "pi_upper", "pi_level")


def withhold(daily: pd.DataFrame, stopped: Iterable[str]) -> pd.DataFrame:
    """Remove points of stopped series, and of days whose `known_over` is missing."""
    if not len(daily):
        return daily.copy(deep=False)
    unknown = daily["known_over"].isna().to_numpy(bool) | daily["series"].isin(list(stopped)).to_numpy(bool)
    gone = unknown & daily["estimate"].notna().to_numpy(bool)
    result = daily.copy(deep=False)
    for column in _POINT:
        result[column] = result[column].mask(gone)
    result["status"] = result["status"].astype("object").mask(gone, "none")
    result["obs_status"] = result["obs_status"].astype("object").mask(gone, "Q")
    result["reliability"] = result["reliability"].mask(gone, 5)
    return result


def told(stopped: Mapping[str, str], country_of: Mapping[str, str]) -> pd.DataFrame:
    """One finding per stopped series (series -> reason)."""
    return findings.table(
        Finding("withheld", table="daily", series=name, country=country_of.get(name),
                message=f"points of this series are withheld, bounds stay: {reason}")
        for name, reason in stopped.items()
    )  # fmt: skip
