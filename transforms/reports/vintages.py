"""The past, asked again: which reports were known at an instant, ready for the estimate.

In: the tables `reports` and `decisions` of a release. Out: the decided and encoded reports of one vintage, with roles
worked out anew. A vintage is built from the reports alone, so any of them can be rebuilt at any time (method.md 4.8).
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from crossings.schema.tables import REGISTER_COLUMNS, SERIES_KEY
from transforms.reports import decisions as decide
from transforms.reports import encode as encoding
from transforms.reports import instants as at
from transforms.reports import roles

_CODED = ("start_instant", "end_instant", "per_day", "lower", "upper", "sigma")  # what `encode` says of a report


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
    text = _as_text(applicable).sort_values("decision_id")
    later: frozenset[str] = frozenset()
    if as_of is not None:
        public = decide.known(text, reports, as_of) | text["field"].isin(
            SERIES_KEY
        )  # which series it is of holds always
        later = frozenset(text.loc[~public & (text["action"] == "recode"), "report_id"])
        text = text.loc[public]
    decided = decide.apply(typed, text)
    frame = decided.reports
    for column in ("start_instant", "end_instant", "published_at"):
        frame[column] = at.as_seconds(pd.to_datetime(active[column].astype("datetime64[us, UTC]"), utc=True))
    frame["per_day"] = active["per_day"].astype(bool)
    for column in ("lower", "upper", "sigma"):
        frame[column] = active[column].astype("Float64").to_numpy(np.float64, na_value=np.nan)
    again = frame["report_id"].isin(later)
    if again.any():  # as they were printed then
        coded = encoding.encode(frame.loc[again].drop(columns=[*_CODED, "published_at"]))
        for column in _CODED:
            frame.loc[again, column] = coded[column]
    frame["series"] = active["series"].astype("object")
    frame["source_id"] = active["source_id"].astype("object")
    frame["excluded"] = decided.excluded
    frame["held"] = active["role"].astype("object").isin(["held"])
    liked = text.loc[(text["action"] == "prefer") & (text["field"] == "value"), "report_id"]
    # A source of regular statistics never binds, not even with figures that were not yet revised then.
    statistics = reports.loc[reports["role"].astype("object") == "regular", "source_id"].astype("object").unique()
    frame["role"] = roles.roles(frame, preferred=frozenset(liked))
    binding = frame["role"].isin(["constraint", "copy"])
    frame.loc[binding & frame["source_id"].isin(statistics), "role"] = "regular"
    return frame


def _as_text(decisions: pd.DataFrame) -> pd.DataFrame:
    """Decisions as `decisions.parse` has them, whether they come from there or from a release."""
    text = decisions.astype("object").where(decisions.notna(), "")
    lists = text["evidence_report_ids"].map(lambda ids: ids if isinstance(ids, str) else ";".join(ids))
    return text.assign(evidence_report_ids=lists, evidence_on=text["evidence_on"].astype(str))


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
