"""What part each report plays: which rows bind the estimate, which repeat a statement, which stand aside and why.

In: encoded reports of one vintage. Out: a role per report (code list `role`) and findings about copies that differ.
Rules: data/register/README.md "How to use the tables", steps 3 and 4.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.rules import Finding
from transforms import distinct
from transforms import findings as found
from transforms.reports import instants as at
from transforms.reports.encode import NO_FLOW

FORM = ("value", "value_low", "value_high", "qualifier", "lower", "upper")  # what copies of one statement may differ in


def roles(reports: pd.DataFrame, *, preferred: frozenset[str] = frozenset()) -> pd.Series:
    """The role of each report.

    reports : decided and encoded rows with `excluded` and `held` (bool) beside them, one vintage.
    preferred : reports that a decision prefers among copies of one statement.

    One report binds per origin: a preferred one, else an exact copy, else one whose window is stated, else the most
    frequent form of value and qualifier; within a form the earliest published, then the smallest id.
    """
    retracting = (reports["revision_kind"] == "retraction").to_numpy()
    superseded = reports["report_id"].isin(reports["supersedes"].dropna()).to_numpy() | retracting
    silent = reports["lower"].isna() & reports["upper"].isna()
    silent |= reports["per_day"] & (reports["lower"].fillna(0) <= 0) & reports["upper"].isna()
    open_window = reports["period_basis"].isin(["open", "missing"])
    open_window |= (reports["start_instant"] == at.UNKNOWN) | (reports["end_instant"] == at.UNKNOWN)
    role = np.select(
        [
            reports["excluded"].to_numpy(bool),
            (reports["modality"] != "observed").to_numpy(),
            (reports["tier"] == 5).to_numpy(),
            reports["held"].to_numpy(bool),
            superseded,
            reports["statistic"].isin(NO_FLOW).to_numpy(),
            open_window.to_numpy(bool),
            silent.to_numpy(bool),
        ],
        ["excluded", "not_observed", "unattributed", "held", "superseded", "other_statistic", "unbounded_window",
         "other_statistic"],
        "copy",
    ).astype(object)  # fmt: skip
    active = np.flatnonzero(role == "copy")
    weighed = [c for c in ("report_id", "origin_id", "published_at", "period_basis", *FORM) if c in reports]
    role[active[_binding(reports[weighed].iloc[active], preferred)]] = "constraint"
    return pd.Series(role, index=reports.index)


def _binding(active: pd.DataFrame, preferred: frozenset[str]) -> NDArray[np.intp]:
    """Positions of the rows that stand for their statements, one per origin."""
    origin, _ = distinct.combinations(active["origin_id"])
    forms, _ = distinct.combinations(pd.Series(origin), *(active[c] for c in FORM if c in active))
    merits = {
        "disliked": ~active["report_id"].isin(preferred).to_numpy(),
        "hedged": (active["qualifier"] != "exact").to_numpy(),
        "inferred": (active["period_basis"] == "inferred").to_numpy(),
        "rare": -np.bincount(forms)[forms],
        "published": np.where(active["published_at"] == at.UNKNOWN, np.iinfo(np.int64).max, active["published_at"]),
    }
    order = np.lexsort([*reversed(merits.values()), origin])
    best = order[np.flatnonzero(np.diff(origin[order], prepend=-1))]  # by origin
    level = np.logical_and.reduce([merit == merit[best[origin]] for merit in merits.values()])
    # Identifiers are compared only where nothing else tells the rows of an origin apart: sorting text is dear.
    contested = np.flatnonzero(level & (np.bincount(origin[level], minlength=len(best))[origin] > 1))
    by_id = contested[np.argsort(active["report_id"].iloc[contested].to_numpy(object), kind="stable")]
    winners = pd.Series(by_id, index=origin[by_id])
    winners = winners[~winners.index.duplicated()]
    best[winners.index] = winners
    return np.asarray(best)


def transcription_findings(reports: pd.DataFrame) -> pd.DataFrame:
    """V24: copies whose interval does not meet that of the report which stands for their statement."""
    origin, first = distinct.combinations(reports["origin_id"])
    standing = np.full(len(first), -1)
    constraint = np.flatnonzero(reports["role"] == "constraint")
    standing[origin[constraint]] = constraint
    copies = np.flatnonzero((reports["role"] == "copy").to_numpy() & (standing[origin] >= 0))
    bound = standing[origin[copies]]
    low, high = reports["lower"].to_numpy(np.float64), reports["upper"].to_numpy(np.float64)
    misses = np.fmax(low[copies], low[bound]) > np.fmin(high[copies], high[bound])
    columns = ["report_id", "lower", "upper"]
    apart = reports[[*columns, "series", "country", "period_start", "period_end"]].iloc[copies[misses]]
    theirs = reports[columns].iloc[bound[misses]].add_suffix("_bound").set_axis(apart.index)
    apart = pd.concat([apart, theirs], axis=1)
    return found.table(
        Finding(
            "V24", table="reports", series=row.series, country=row.country,
            date_start=row.period_start, date_end=row.period_end,
            report_ids=[row.report_id, row.report_id_bound],
            observed=found.interval(row.lower, row.upper), expected=found.interval(row.lower_bound, row.upper_bound),
            gap=max(row.lower - row.upper_bound, row.lower_bound - row.upper),
            message=f"{row.report_id} repeats the statement of {row.report_id_bound} with another number: "
                    f"{found.interval(row.lower, row.upper)} against {found.interval(row.lower_bound, row.upper_bound)}. "
                    "The copy is not used.",
        )
        for row in apart.itertuples()
    )  # fmt: skip
