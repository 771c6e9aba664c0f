"""What part each report plays: which rows bind the estimate, which repeat a statement, which stand aside and why.

In: encoded reports of one vintage. Out: a role per report (code list `role`) and findings about copies that differ.
Rules: data/register/README.md "How to use the tables", steps 3 and 4.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from transforms import findings as found
from transforms import instants as at
from transforms.encode import NO_FLOW


def roles(reports: pd.DataFrame, *, preferred: frozenset[str] = frozenset()) -> pd.Series:
    """The role of each report.

    reports : decided and encoded rows with `excluded` and `held` (bool) beside them, one vintage.
    preferred : reports that a decision prefers among copies of one statement.

    One report binds per origin: a preferred one, else an exact copy, else the most frequent form of value and
    qualifier; within a form the earliest published, then the smallest id.
    """
    retracting = (reports["revision_kind"].astype("object") == "retraction").to_numpy()
    superseded = reports["report_id"].isin(reports["supersedes"].dropna()).to_numpy() | retracting
    text = {c: reports[c].astype("object").to_numpy() for c in ("modality", "statistic", "period_basis")}
    silent = reports["lower"].isna() & reports["upper"].isna()
    silent |= reports["per_day"] & (reports["lower"].fillna(0) <= 0) & reports["upper"].isna()
    open_window = np.isin(text["period_basis"].astype(str), ("open", "missing"))
    open_window |= (reports["start_instant"] == at.UNKNOWN).to_numpy() | (
        reports["end_instant"] == at.UNKNOWN
    ).to_numpy()
    role = np.select(
        [
            reports["excluded"].to_numpy(bool),
            text["modality"] != "observed",
            (reports["tier"] == 5).to_numpy(),
            reports["held"].to_numpy(bool),
            superseded,
            np.isin(text["statistic"].astype(str), NO_FLOW),
            open_window,
            silent.to_numpy(bool),
        ],
        ["excluded", "not_observed", "unattributed", "held", "superseded", "other_statistic", "unbounded_window",
         "other_statistic"],
        "copy",
    ).astype(object)  # fmt: skip
    result = pd.Series(role, index=reports.index)
    result.loc[_binding(reports.loc[role == "copy"], preferred)] = "constraint"
    return result


def _binding(active: pd.DataFrame, preferred: frozenset[str]) -> pd.Index:
    form = ["origin_id", "value", "value_low", "value_high", "qualifier"]
    if "lower" in active:
        form += ["lower", "upper"]
    keys = active[form].astype({"qualifier": "object"})
    order = pd.DataFrame(
        {
            "origin_id": active["origin_id"],
            "liked": ~active["report_id"].isin(preferred),
            "exact": (active["qualifier"].astype("object") != "exact").to_numpy(),
            "rare": -keys.groupby(form, dropna=False, observed=True)["origin_id"].transform("size"),
            "published": np.where(active["published_at"] == at.UNKNOWN, np.iinfo(np.int64).max, active["published_at"]),
            "report_id": active["report_id"],
        },
        index=active.index,
    )
    return order.sort_values(list(order.columns), kind="stable").drop_duplicates("origin_id").index


def transcription_findings(reports: pd.DataFrame) -> pd.DataFrame:
    """V24: copies whose interval does not meet that of the report which stands for their statement."""
    binding = reports.loc[reports["role"] == "constraint", ["origin_id", "report_id", "lower", "upper", "value_text"]]
    copies = reports.loc[reports["role"] == "copy"].merge(binding, on="origin_id", suffixes=("", "_bound"))
    low = copies[["lower", "lower_bound"]].max(axis=1)
    high = copies[["upper", "upper_bound"]].min(axis=1)
    apart = copies.loc[low > high]
    return found.table(
        {
            "rule": "V24", "severity": "warn", "table": "reports", "series": row.series, "country": row.country,
            "date_start": row.period_start, "date_end": row.period_end,
            "report_ids": [row.report_id, row.report_id_bound],
            "observed": found.interval(row.lower, row.upper), "expected": found.interval(row.lower_bound, row.upper_bound),
            "gap": max(row.lower - row.upper_bound, row.lower_bound - row.upper),
            "message": f"{row.report_id} repeats the statement of {row.report_id_bound} with another number: "
                       f"{found.interval(row.lower, row.upper)} against {found.interval(row.lower_bound, row.upper_bound)}. "
                       "The copy is not used.",
        }
        for row in apart.itertuples()
    )  # fmt: skip
