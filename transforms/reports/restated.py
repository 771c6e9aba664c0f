"""Vintages of one authority: which of its figures a later figure of its own has replaced.

In: the reports that stand for their statements, encoded. Out: for each that was replaced the report that took its place.
Two figures of one authority are vintages of one figure if they are of one series and one statistic, and of one window,
or running totals since one instant; they are so only where they cannot both hold (method.md 4.8).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.rules import RULES, Finding
from transforms import distinct
from transforms import findings as found
from transforms.reports import instants as at

LARGEST_FALL = RULES["restated"].limits["largest_fall"]
_NEEDED = ("authority", "series", "statistic", "start_instant", "end_instant", "published_at", "period_basis")
_ONE_SIDED = ("more_than", "at_least", "less_than", "up_to")


def replaced(standing: pd.DataFrame, preferred: frozenset[str] = frozenset()) -> dict[int, int]:
    """Position of each replaced row -> position of the row that took its place.

    standing : rows that bind, one per statement; `published_at` is that of the statement: the earliest of its relays.
    preferred : reports that a decision prefers; nothing replaces them.

    Of two figures that cannot both hold the later published one stands. Without an authority, with an inferred window, with
    an unknown publication day or with the same one nothing is decided: both stay, and clash. A coarser figure never replaces
    a finer one, nor one of a lower tier one of a better; a running total that falls by more than a share of itself is a
    slip rather than a correction and replaces nothing.
    """
    if not set(_NEEDED) <= set(standing.columns):
        return {}
    known = standing["authority"].notna() & (standing["period_basis"] == "stated")
    rows = np.flatnonzero(known.to_numpy(bool) & (standing["published_at"] != at.UNKNOWN).to_numpy(bool))
    if len(rows) < 2:
        return {}
    chosen = standing.iloc[rows]
    result: dict[int, int] = {}
    for group in _in_doubt(chosen):
        figures = [_figure(int(rows[i]), chosen.iloc[i]) for i in group]
        result |= _within(sorted(figures, key=lambda f: (f["published"], f["report_id"]), reverse=True), preferred)
    return result


def _in_doubt(chosen: pd.DataFrame) -> Iterator[NDArray[np.intp]]:
    """Groups of rows of which some cannot both hold: of one window, or of running totals since one instant."""
    running = (chosen["statistic"] == "cumulative").to_numpy(bool)
    end = chosen["end_instant"].to_numpy(np.int64)
    shared = pd.Series(np.where(running, at.UNKNOWN, end), index=chosen.index)
    basis = pd.Series(chosen["per_day"].to_numpy(bool), index=chosen.index)
    codes, _ = distinct.combinations(
        chosen["authority"], chosen["series"], chosen["statistic"], chosen["start_instant"], shared, basis
    )
    low = chosen["lower"].fillna(-np.inf).to_numpy(np.float64)
    high = chosen["upper"].fillna(np.inf).to_numpy(np.float64)
    # Running totals in order of their ends never fall below what an earlier one had reached.
    order = np.lexsort([-high, end, codes])
    ordered = pd.DataFrame({"code": codes[order], "low": low[order], "high": high[order], "end": end[order]})
    reached = ordered.groupby("code")["low"].cummax()
    window = ordered.groupby(["code", "end"])
    apart = (ordered["high"] < reached) | (window["low"].transform("max") > window["high"].transform("min"))
    wanted = np.unique(ordered.loc[apart, "code"].to_numpy())
    members = pd.Series(np.arange(len(codes))).groupby(codes).indices
    for code in wanted:
        yield np.sort(members[code])


def _figure(position: int, row: pd.Series) -> dict[str, Any]:
    qualifier = str(row["qualifier"])
    stated = row.get("published_on")
    text = pd.Series([stated if isinstance(stated, str) else None], dtype="object")
    first, last = at.first_publication_day(text).iloc[0], at.last_publication_day(text).iloc[0]
    return {
        "position": position, "report_id": str(row["report_id"]), "published": int(row["published_at"]),
        "first": first, "last": last, "end": int(row["end_instant"]),
        "low": float(row["lower"]) if pd.notna(row["lower"]) else -np.inf,
        "high": float(row["upper"]) if pd.notna(row["upper"]) else np.inf,
        "coarse": 0 if qualifier == "exact" else 2 if qualifier in _ONE_SIDED else 1,
        "tier": int(row["tier"]),
    }  # fmt: skip


def _within(newest_first: list[dict[str, Any]], preferred: frozenset[str]) -> dict[int, int]:
    standing: list[dict[str, Any]] = []
    result: dict[int, int] = {}
    for old in newest_first:
        new = next((s for s in standing if _replaces(s, old)), None)
        if new is None or old["report_id"] in preferred:
            standing.append(old)
        else:
            result[old["position"]] = new["position"]
    return result


def _replaces(new: dict[str, Any], old: dict[str, Any]) -> bool:
    if not _later(new, old) or new["coarse"] > old["coarse"] or new["tier"] > old["tier"]:
        return False
    if new["end"] == old["end"]:
        return bool(new["high"] < old["low"] or old["high"] < new["low"])
    shorter, longer = (old, new) if old["end"] < new["end"] else (new, old)
    fall = shorter["low"] - longer["high"]
    return bool(0 < fall <= LARGEST_FALL * shorter["low"])


def _later(new: dict[str, Any], old: dict[str, Any]) -> bool:
    """Whether it was certainly published later: on a later day, or by the clock where both say it."""
    if pd.notna(new["first"]) and pd.notna(old["last"]):
        return bool(new["first"] > old["last"])
    return bool(new["published"] > old["published"])


def told(reports: pd.DataFrame, replaced_by: pd.Series) -> pd.DataFrame:
    """One finding per report that took the place of others; `replaced_by` holds its id beside each of those."""
    rows = reports.assign(by=replaced_by)
    rows = rows.loc[rows["by"].notna()].sort_values(["period_start", "published_at", "report_id"])
    rows = rows.drop_duplicates(["by", "origin_id"])
    by_id = reports.drop_duplicates("report_id").set_index("report_id", drop=False)
    made = []
    for new_id, old in rows.groupby("by", sort=True):
        new = by_id.loc[new_id]
        figure = found.interval(new["lower"], new["upper"])
        earlier = [found.interval(low, high) for low, high in zip(old["lower"], old["upper"], strict=True)]
        gap = max(
            max(low - new["upper"], new["lower"] - high) for low, high in zip(old["lower"], old["upper"], strict=True)
        )
        called = ", ".join(
            f"{v} ({i}, {d})" for v, i, d in zip(earlier, old["report_id"], old["published_on"], strict=True)
        )
        since = "a running total" if str(new["statistic"]) == "cumulative" else "this window"
        made.append(Finding(
            "restated", table="reports", series=new["series"], country=new["country"],
            date_start=min(new["period_start"], old["period_start"].min()),
            date_end=max(new["period_end"], old["period_end"].max()), report_ids=[*old["report_id"], str(new_id)],
            observed=figure, expected=", ".join(earlier), gap=float(gap),
            message=f"{_named(new)} restated {since}: {figure} ({new_id}, {new['published_on']}) takes the place of"
                    f" {called}",
        ))  # fmt: skip
    return found.table(made)


def _named(row: pd.Series) -> str:
    for column in ("authority", "publisher"):
        if isinstance(row.get(column), str):
            return str(row[column])
    return "the authority"
