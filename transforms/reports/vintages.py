"""The past, asked again: which reports were known at an instant, ready for the estimate.

In: the tables `reports` and `decisions` of a release. Out: the decided and encoded reports of one vintage, with roles
worked out anew. A vintage is built from the reports alone, so any of them can be rebuilt at any time (method.md 4.8).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crossings.schema.tables import REGISTER_COLUMNS
from transforms.reports import decisions as decide
from transforms.reports import instants as at
from transforms.reports import roles


def known(reports: pd.DataFrame, as_of: dt.datetime | None) -> pd.Series:
    """Whether each report had been published by the instant; one without a publication day counts from its recording."""
    if as_of is None:
        return pd.Series(True, index=reports.index)
    since = reports["published_at"].fillna(reports["recorded_at"])
    return (since <= pd.Timestamp(as_of)).fillna(False).astype(bool)


def encoded(reports: pd.DataFrame, decisions: pd.DataFrame, as_of: dt.datetime | None = None) -> pd.DataFrame:
    """Reports of a vintage as the estimator takes them.

    reports, decisions : by their schemas. Returns decided register columns beside `series`, `start_instant`,
    `end_instant`, `published_at` (int64 UTC seconds), `per_day`, `lower`, `upper`, `sigma` (float64), and `role`.
    """
    active = reports.loc[known(reports, as_of)].reset_index(drop=True)
    typed = _typed(active)
    applicable = decisions.loc[decisions["report_id"].isin(active["report_id"])]
    text = applicable.fillna("").sort_values("decision_id")
    decided = decide.apply(typed, text)
    frame = decided.reports
    for column in ("start_instant", "end_instant", "published_at"):
        frame[column] = at.as_seconds(pd.to_datetime(active[column].astype("datetime64[us, UTC]"), utc=True))
    for column in ("lower", "upper", "sigma"):
        frame[column] = active[column].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    frame["series"] = active["series"].astype("object")
    frame["source_id"] = active["source_id"].astype("object")
    frame["per_day"] = active["per_day"].astype(bool)
    frame["excluded"] = decided.excluded
    frame["held"] = active["role"].astype("object").isin(["held"])
    liked = text.loc[(text["action"] == "prefer") & (text["field"] == "value"), "report_id"]
    # A source of regular statistics never binds, not even with figures that were not yet revised then.
    statistics = reports.loc[reports["role"].astype("object") == "regular", "source_id"].astype("object").unique()
    frame["role"] = roles.roles(frame, preferred=frozenset(liked))
    binding = frame["role"].isin(["constraint", "copy"])
    frame.loc[binding & frame["source_id"].isin(statistics), "role"] = "regular"
    return frame


def _typed(reports: pd.DataFrame) -> pd.DataFrame:
    columns = {}
    for column in REGISTER_COLUMNS:
        values = reports[column.name]
        if column.type == "date32":
            columns[column.name] = pd.to_datetime(values.astype("object")).astype("datetime64[s]")
        elif column.type in ("int64", "int8"):
            columns[column.name] = values.astype("Int64")
        elif column.type == "bool":
            columns[column.name] = values.astype("boolean")
        else:
            columns[column.name] = values.astype("object").where(values.notna(), None)
    return pd.DataFrame(columns)
