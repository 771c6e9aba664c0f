"""What part each report plays: which rows bind the estimate, which repeat a statement, which stand aside and why.

In: encoded reports of one vintage. Out: a role per report (code list `role`) and findings about copies that differ.
Rules: data/register/README.md "How to use the tables", steps 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.rules import Finding
from transforms import distinct
from transforms import findings as found
from transforms.reports import instants as at
from transforms.reports import restated
from transforms.reports.encode import NO_FLOW

FORM = ("value", "value_low", "value_high", "qualifier", "lower", "upper")  # what copies of one statement may differ in


@dataclass(frozen=True, eq=False)
class Assigned:
    """The role of each report, and the id of the report of the same authority that took its place, where one did."""

    role: pd.Series
    replaced_by: pd.Series


def roles(reports: pd.DataFrame, *, preferred: frozenset[str] = frozenset()) -> pd.Series:
    """The role of each report; see `assigned`."""
    return assigned(reports, preferred=preferred).role


def assigned(reports: pd.DataFrame, *, preferred: frozenset[str] = frozenset()) -> Assigned:
    """The role of each report, and what replaced it.

    reports : decided and encoded rows with `excluded` and `held` (bool) beside them, one vintage.
    preferred : reports that a decision prefers among copies of one statement.

    One report binds per origin: a preferred one, else an exact copy, else one whose window is stated, else the most
    frequent form of value and qualifier; within a form the earliest published, then the smallest id. Of the statements of
    one authority that are vintages of one figure the latest binds; the others are superseded with their relays (`restated`).
    """
    retracting = reports["revision_kind"].isin(["retraction", "earlier"]).to_numpy()
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
    binding = active[_binding(reports[weighed].iloc[active], preferred)]
    role[binding] = "constraint"
    by = np.full(len(reports), None, dtype=object)
    if replaced := restated.replaced(_statements(reports, active, binding), preferred):
        ids = reports["report_id"].to_numpy(object)
        of_origin = dict(zip(reports["origin_id"].iloc[binding], binding, strict=True))
        new = {int(binding[old]): ids[binding[new]] for old, new in replaced.items()}
        for row, origin in zip(active.tolist(), reports["origin_id"].iloc[active], strict=True):
            if (standing := int(of_origin[origin])) in new:
                role[row], by[row] = "superseded", new[standing]
    return Assigned(pd.Series(role, index=reports.index), pd.Series(by, index=reports.index, dtype=object))


def _statements(reports: pd.DataFrame, active: NDArray[np.intp], binding: NDArray[np.intp]) -> pd.DataFrame:
    """The binding row of each origin, published when the first of its relays was."""
    standing = reports.iloc[binding]
    if "published_at" not in reports or len(active) == len(binding):
        return standing
    codes, _ = distinct.combinations(reports["origin_id"].iloc[active])
    published = reports["published_at"].to_numpy(np.int64)[active]
    known = np.where(published == at.UNKNOWN, np.iinfo(np.int64).max, published)
    order = np.lexsort([known, codes])
    earliest = active[order[np.flatnonzero(np.diff(codes[order], prepend=-1))]]
    of_origin = dict(zip(reports["origin_id"].iloc[earliest], earliest, strict=True))
    first = [of_origin[origin] for origin in standing["origin_id"]]
    columns = [c for c in ("published_at", "published_on") if c in reports]
    return standing.assign(**{c: reports[c].iloc[first].to_numpy() for c in columns})


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
