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
            if np.isfinite(ends[k]):  # an end that is open, or that no row of the report states, stays as encoded
                column[here] = int(ends[k])
        reports[f"settled_{end}"] = column
    return reports


def settled_ends(solved: Mapping[str, SolvedSeries], together: Sequence[Together]) -> dict[str, tuple[float, float]]:
    """Ends of the reports that were moved, widest over their rows and over what moved them; open where no row states one."""
    found: dict[str, tuple[float, float]] = {}

    def note(before: Statements, after: Statements) -> None:
        for row in np.flatnonzero((before.lower != after.lower) | (before.upper != after.upper)):
            ends = found.get(str(after.report_id[row]), (-np.inf, np.inf))
            now = float(after.lower[row]), float(after.upper[row])
            # A day that a report of each day covers in part has no lower end: it says nothing about that of the report.
            low, high = (n if not np.isfinite(e) else e for n, e in zip(now, ends, strict=True))
            found[str(after.report_id[row])] = (
                min(low, now[0]) if np.isfinite(now[0]) else low,
                max(high, now[1]) if np.isfinite(now[1]) else high,
            )

    for result in solved.values():
        note(result.reconciled.reported, result.reconciled.relaxed)
    for group in together:
        for stretch in group.stretches:
            note(stretch.said.statements, stretch.relaxed.statements)
    return found
