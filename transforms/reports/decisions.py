"""Apply the curator's decisions to reports, each behind its guard.

In: reports as printed, and decisions.csv. Out: the reports as decided (the printed ones are not touched), and for
each report which decisions concern it and whether it is set aside. The guard `expect` is held against the report as
delivered, so a decision stops the run once somebody has corrected the register beneath it.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crossings.errors import DecisionNotApplicable, UnreadableInput
from crossings.schema.codes import CODE_LISTS
from crossings.schema.tables import DECISIONS, REGISTER_COLUMNS

_TYPES = {c.name: c.type for c in REGISTER_COLUMNS}
_DATES = ("decided_on", "evidence_on")  # may be missing from a file, and empty in a row
_LARGEST = {"int64": 10**15 - 1, "int8": 127}
_DTYPES: dict[str, Any] = {
    "int64": "Int64",
    "int8": "Int8",
    "bool": "boolean",
    "date32": "datetime64[s]",
    "string": "object",
}


@dataclass(frozen=True)
class Decided:
    """Reports after decisions.

    Attributes
    ----------
    reports : the frame with recoded fields, same index.
    excluded : boolean, set aside by an `exclude` that no later `include` withdraws.
    decision_ids : tuples of decision ids per report.
    """

    reports: pd.DataFrame
    excluded: pd.Series
    decision_ids: pd.Series


def parse(content: bytes, name: str = "decisions.csv") -> pd.DataFrame:
    """Read decisions.csv into a frame of text columns (empty text = empty), sorted by decision_id.

    Raises UnreadableInput for a wrong encoding, missing or unknown columns, an unknown action, a repeated id, or a date
    that is none. `decided_on` and `evidence_on` may be missing.
    """
    remedy = "see the codebook in data/register/README.md"
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableInput(f"{name} cannot be read: {error}", remedy) from error
    if not isinstance(frame.index, pd.RangeIndex):
        raise UnreadableInput(f"{name} has rows with more fields than its header", remedy)
    for column in _DATES:
        if column not in frame:
            frame[column] = ""
    wrong = set(frame.columns) ^ set(DECISIONS.names)
    if wrong:
        raise UnreadableInput(f"{name} has missing or unknown columns: {', '.join(sorted(wrong))}", remedy)
    strange = frame.loc[~frame["action"].isin(CODE_LISTS["decision_action"]), "decision_id"]
    if len(strange):
        raise UnreadableInput(f"{name}: {strange.iloc[0]} has an unknown action", remedy)
    for column in _DATES:
        stated = frame.loc[frame[column] != ""]
        undated = stated.loc[pd.to_datetime(stated[column], format="%Y-%m-%d", errors="coerce").isna()]
        if len(undated):
            row = undated.iloc[0]
            raise UnreadableInput(
                f"{name}: {column} of {row['decision_id']} is {row[column]!r}, no date", "write 2022-09-26"
            )
    repeated = frame.loc[frame["decision_id"].duplicated(), "decision_id"]
    if len(repeated):
        raise UnreadableInput(f"{name}: {repeated.iloc[0]} is there twice", "give each decision its own id")
    return frame.sort_values("decision_id", kind="stable").reset_index(drop=True)


def none() -> pd.DataFrame:
    """No decisions."""
    return parse((",".join(DECISIONS.names) + "\n").encode())


def apply(reports: pd.DataFrame, decisions: pd.DataFrame) -> Decided:
    """Apply decisions in order of their ids.

    A report id that stands more than once is decided at its first row. Raises DecisionNotApplicable naming the
    decision where its report is not there, its field is unknown, its guard does not hold, its new value does not
    parse, or a field is recoded twice.
    """
    decided = reports.copy(deep=False)
    concerned = reports.loc[reports["report_id"].isin(decisions["report_id"]), "report_id"].drop_duplicates()
    row_of = dict(zip(concerned, concerned.index, strict=True))
    excluded = pd.Series(False, index=reports.index)
    ids: dict[Any, list[str]] = {}
    changes: dict[str, dict[Any, Any]] = {}
    for decision in decisions.itertuples(index=False):
        what = f"decision {decision.decision_id}"
        row = row_of.get(decision.report_id)
        if row is None:
            raise DecisionNotApplicable(
                f"{what} concerns report {decision.report_id}, which is not there",
                "restore the report or remove the decision",
            )
        _guard(what, decision, reports, row)
        ids.setdefault(row, []).append(decision.decision_id)
        if decision.action in ("exclude", "include"):
            excluded.at[row] = decision.action == "exclude"
        elif decision.action == "recode":
            if row in changes.setdefault(decision.field, {}):
                raise DecisionNotApplicable(f"{what} recodes {decision.field} of {decision.report_id} a second time",
                                            "keep one recode per field and report")  # fmt: skip
            changes[decision.field][row] = _new_value(what, _TYPES[decision.field], decision)
    for field, values in changes.items():
        decided[field] = _recoded(decided[field], _TYPES[field], values)
    none: tuple[str, ...] = ()
    return Decided(decided, excluded, pd.Series([tuple(ids.get(i, none)) for i in reports.index], index=reports.index))


def printed(value: Any) -> str:
    """A typed field as the CSV prints it; missing is the empty text."""
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, pd.Timestamp):
        return str(value.strftime("%Y-%m-%d"))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def known(decisions: pd.DataFrame, reports: pd.DataFrame, as_of: dt.datetime) -> pd.Series:
    """Whether what a decision rests on was public at an instant.

    That is `evidence_on`; where that is empty the first publication among the reports that support it, else that of its
    own report. decisions : as parsed. reports : the table `reports`, all of it.
    """
    since = reports["published_at"].fillna(reports["recorded_at"])
    public = dict(zip(reports["report_id"].astype(str), since, strict=True))

    def first(decision: Any) -> pd.Timestamp:
        if decision.evidence_on:
            return pd.Timestamp(decision.evidence_on, tz="UTC")
        found = [public[i] for i in decision.evidence_report_ids.split(";") if i in public]
        return min(found) if found else public[decision.report_id]

    rows = decisions.itertuples(index=False)
    return pd.Series([first(row) <= pd.Timestamp(as_of) for row in rows], index=decisions.index, dtype=bool)


def _guard(what: str, decision: Any, reports: pd.DataFrame, row: Any) -> None:
    if not decision.field:
        return
    if decision.field not in _TYPES:
        raise DecisionNotApplicable(f"{what} names the unknown field {decision.field}", "name a column of reports.csv")
    found = printed(reports.at[row, decision.field])
    if found != decision.expect:
        raise DecisionNotApplicable(
            f"{what} expects {decision.field} of {decision.report_id} to be {decision.expect!r}, found {found!r}",
            "check whether the register was corrected, then amend or remove the decision",
        )


def _new_value(what: str, kind: str, decision: Any) -> Any:
    """The value a field takes, typed; None where it becomes empty."""
    text = decision.new_value
    if text == "":
        return None
    if kind == "date32" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        with suppress(ValueError):
            return pd.Timestamp(dt.date.fromisoformat(text))
    if kind in _LARGEST and re.fullmatch(r"[+-]?[0-9]{1,15}", text) and abs(int(text)) <= _LARGEST[kind]:
        return int(text)
    if kind == "bool" and text in ("true", "false"):
        return text == "true"
    if kind == "string":
        return text
    raise DecisionNotApplicable(
        f"{what} gives {decision.field} of {decision.report_id} the value {text!r}, which does not parse",
        "write it as the codebook does",
    )


def _recoded(column: pd.Series, kind: str, values: dict[Any, Any]) -> pd.Series:
    parsed = pd.Series(list(values.values()), dtype=_DTYPES[kind])
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.add_categories(sorted(set(parsed.dropna()) - set(column.cat.categories)))
    column = column.copy()
    column.loc[list(values)] = parsed.to_numpy() if kind == "date32" else parsed.array
    return column
