"""The ends of reports as the bounds take them: another than the encoded ones only where reports clash.

In: solved series and what they say together. Out: report id -> (lower, upper) of those that were moved, and the table
`reports` with `settled_lower` and `settled_upper`, on which every proof adds up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from transforms.estimator.single import SolvedSeries
from transforms.estimator.statements import Statements
from transforms.estimator.together import Together


def with_settled(reports: pd.DataFrame, settled: Mapping[str, tuple[float, float]]) -> pd.DataFrame:
    """The table `reports` with the ends as the bounds take them; `settled` names those that were moved."""
    reports = reports.copy(deep=False)
    for k, end in enumerate(("lower", "upper")):
        column = reports[end].astype("Int64").copy()
        for report_id, ends in settled.items():
            here = (reports["report_id"] == report_id).to_numpy(bool)
            column[here] = int(ends[k]) if np.isfinite(ends[k]) else pd.NA
        reports[f"settled_{end}"] = column
    return reports


def settled_ends(solved: Mapping[str, SolvedSeries], together: Sequence[Together]) -> dict[str, tuple[float, float]]:
    """Ends of the reports that were moved, widest over their rows and over what moved them."""
    found: dict[str, tuple[float, float]] = {}

    def note(before: Statements, after: Statements) -> None:
        for row in np.flatnonzero((before.lower != after.lower) | (before.upper != after.upper)):
            report_id = str(after.report_id[row])
            low, high = found.get(report_id, (np.inf, -np.inf))
            found[report_id] = min(low, float(after.lower[row])), max(high, float(after.upper[row]))

    for result in solved.values():
        note(result.reconciled.reported, result.reconciled.relaxed)
    for group in together:
        for stretch in group.stretches:
            note(stretch.said.statements, stretch.relaxed.statements)
    return found
