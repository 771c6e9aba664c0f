"""Statements that compare two flows, held against what the bounds of both allow.

In: data/register/relations.csv, the table `daily` and the encoded reports. Out: the table `relations` and findings of rule
`relation`. A relation bounds nothing: it is shown beside the bounds, with whether it can be true of them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.errors import UnreadableInput
from crossings.rules import Finding
from crossings.schema.codes import CODE_LISTS
from crossings.schema.tables import RELATIONS
from transforms import findings
from transforms.series import definitions

FloatArray = NDArray[np.float64]

_DATES = ("period_start", "period_end", "base_start", "base_end", "published_on")
_OURS = ("allowed_low", "allowed_high", "agrees")
_STATED = tuple(name for name in RELATIONS.names if name not in _OURS)
_REMEDY = "correct data/register/relations.csv"


@dataclass(frozen=True, eq=False)
class Compared:
    """The table `relations` by its schema, and what is told of relations that cannot be true."""

    table: pd.DataFrame
    findings: pd.DataFrame


def parse(content: bytes) -> pd.DataFrame:
    """Relations as stated; none in an empty file. Raises UnreadableInput for what the codebook does not allow."""
    if not content.strip():
        content = ",".join(_STATED).encode()
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
        typed = {name: pd.to_datetime(frame[name], format="%Y-%m-%d").astype("datetime64[s]") for name in _DATES}
        typed |= {n: pd.to_numeric(frame[n].replace("", None)).astype("float64") for n in ("ratio_low", "ratio_high")}
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, KeyError) as error:
        raise UnreadableInput(f"relations.csv cannot be read: {error}", _REMEDY) from error
    if strange := sorted(set(frame.columns) ^ set(_STATED)):
        raise UnreadableInput(f"relations.csv has missing or unknown columns: {', '.join(strange)}", _REMEDY)
    frame = frame.replace("", None).assign(**typed)
    odd = frame["relation_id"].duplicated() | ~frame["kind"].isin(list(CODE_LISTS["relation_kind"]))
    odd |= (frame["period_start"] > frame["period_end"]) | (frame["base_start"] > frame["base_end"])
    odd |= frame["ratio_low"].isna() | (frame["ratio_low"] > frame["ratio_high"])
    if odd.any():
        ids = ", ".join(frame.loc[odd, "relation_id"])
        raise UnreadableInput(f"relations.csv: {ids}: an id twice, no such kind, or ends out of order", _REMEDY)
    return frame


def build(stated: pd.DataFrame, daily: pd.DataFrame, encoded: pd.DataFrame) -> Compared:
    """What the bounds of both flows allow of each relation.

    stated : as `parse` gives it. daily : by the schema of `daily`; a day that is not there has no bounds. encoded : reports with
    their bounds, of which those of the very window narrow what its days add up to.
    """
    known = _Known(daily, encoded)
    rows, told = [], []
    for relation in stated.to_dict("records"):
        low, high = (_by_day if relation["kind"] == "sign" else _of_totals)(relation, known)
        agrees = _agreement(relation, low, high)
        rows.append(relation | {"allowed_low": low, "allowed_high": high, "agrees": agrees})
        if agrees == "no":
            told.append(_finding(relation, low, high))
    return Compared(pd.DataFrame(rows, columns=list(RELATIONS.names)), findings.table(told))


class _Known:
    """Bounds of the days and of the windows of each series."""

    def __init__(self, daily: pd.DataFrame, encoded: pd.DataFrame) -> None:
        days = daily[["series", "date", "lower", "upper"]].astype({"lower": "Float64", "upper": "Float64"})
        self._days = days.assign(date=pd.to_datetime(days["date"])).set_index(["series", "date"])
        whole = encoded["start_time"].isna() & encoded["end_time"].isna() & ~encoded["per_day"]
        self._totals = encoded.loc[whole & (encoded["role"] == "constraint")]

    def days(self, relation: dict[str, Any], base: str) -> tuple[FloatArray, FloatArray]:
        """Lower and upper bounds of each day of one of the two windows; NaN where there is none."""
        series, first, last = _flow(relation, base)
        found = self._days.reindex(pd.MultiIndex.from_product([[series], pd.date_range(first, last)]))
        low, high = (found[end].to_numpy(np.float64, na_value=np.nan) for end in ("lower", "upper"))
        return low, high

    def total(self, relation: dict[str, Any], base: str) -> tuple[float, float]:
        """Bounds of the total of one of the two windows; NaN where there is none."""
        series, first, last = _flow(relation, base)
        found = self._totals
        same = (found["series"] == series) & (pd.to_datetime(found["period_start"]) == first)
        found = found.loc[same & (pd.to_datetime(found["period_end"]) == last)]
        low, high = self.days(relation, base)
        lows = [low.sum(), *found["lower"].astype("Float64").to_numpy(np.float64, na_value=np.nan)]
        highs = [high.sum(), *found["upper"].astype("Float64").to_numpy(np.float64, na_value=np.nan)]
        return float(np.fmax.reduce(lows)), float(np.fmin.reduce(highs))


def _flow(relation: dict[str, Any], base: str) -> tuple[str, pd.Timestamp, pd.Timestamp]:
    flow = relation | {"direction": relation[f"{base}direction"], "counterpart": None}
    series = str(definitions.identifiers(pd.DataFrame([flow])).iloc[0])
    return series, relation[f"{base or 'period_'}start"], relation[f"{base or 'period_'}end"]


def _of_totals(relation: dict[str, Any], known: _Known) -> tuple[float, float]:
    (low, high), (base_low, base_high) = known.total(relation, ""), known.total(relation, "base_")
    return _ratio(low, base_high), _ratio(high, base_low)


def _by_day(relation: dict[str, Any], known: _Known) -> tuple[float, float]:
    """The smallest ratio of any day, as the bounds of the days allow it."""
    (low, high), (base_low, base_high) = known.days(relation, ""), known.days(relation, "base_")
    lows = [_ratio(a, b) for a, b in zip(low, base_high, strict=True)]
    highs = [_ratio(a, b) for a, b in zip(high, base_low, strict=True)]
    return float(np.min(lows)), float(np.fmin.reduce(highs))


def _ratio(part: float, base: float) -> float:
    return float(part / base) if base > 0 else np.nan


def _agreement(relation: dict[str, Any], low: float, high: float) -> str:
    most = relation["ratio_high"] if pd.notna(relation["ratio_high"]) else np.inf
    if high < relation["ratio_low"] or low > most:
        return "no"
    if np.isnan(low) or np.isnan(high):
        return "unknown"
    return "yes" if relation["ratio_low"] <= low and high <= most else "open"


def _finding(relation: dict[str, Any], low: float, high: float) -> Finding:
    said = f"{relation['ratio_low']:g} to {relation['ratio_high']:g}" if pd.notna(relation["ratio_high"]) else (
        f"at least {relation['ratio_low']:g}")  # fmt: skip
    of = "on each day of " if relation["kind"] == "sign" else ""
    allowed = " to ".join("?" if np.isnan(end) else f"{end:.3g}" for end in (low, high))
    first, last, base, end = (
        f"{relation[n]:%Y-%m-%d}" for n in ("period_start", "period_end", "base_start", "base_end")
    )
    return Finding(
        "relation", table="relations", country=relation["country"], date_start=relation["period_start"].date(),
        date_end=relation["period_end"].date(), observed=allowed, expected=said,
        message=f"{relation['relation_id']} ({relation['publisher']}, {relation['printed']!r}): {relation['direction']} {of}"
                f"{first} to {last} is {said} times {relation['base_direction']} of {base} to {end}; bounds allow {allowed}",
    )  # fmt: skip
