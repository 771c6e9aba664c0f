"""Reports and series as the estimator takes them, built by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crossings.calendar import midnights

KEY = {"country": "FIN", "direction": "entry", "citizenship": "RUS", "scope": "national", "measure": "crossings"}
SERIES = pd.DataFrame([{"series": "fin-entry", "timezone": "Europe/Helsinki", **KEY, "system": "border_control"}])


def report(report_id, first, last, lower, upper=None, *, series="fin-entry", **more):
    """One encoded report on whole days of September 2022 (days of the month, inclusive); exact without `upper`."""
    ends = midnights(dt.date(2022, 9, first), dt.date(2022, 9, last), "Europe/Helsinki")
    upper = lower if upper is None else upper
    exact = lower == upper
    return {
        "report_id": report_id, "origin_id": report_id, "series": series, "tier": 2, "sigma": 5.0,
        "start_instant": ends[0], "end_instant": ends[-1], "per_day": False, "role": "constraint",
        "lower": float(lower), "upper": float(upper) if np.isfinite(upper) else np.nan,
        "publisher": "guard", "speech_mode": "written_table",
        "value": float(lower) if exact else np.nan, "qualifier": "exact" if exact else "about",
    } | more  # fmt: skip
