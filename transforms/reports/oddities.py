"""Figures that are odd without contradicting anything: falling running totals, repeated counts, jumps.

In: active encoded reports, series and events. Out: findings, always warnings (docs/rules.md: V28, V39, V42).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from crossings.rules import RULES, Finding

JUMP = RULES["V39"].limits["times"]  # a day may be this many times the day before, or this part of it
REPEATS = int(RULES["V42"].limits["days"])


def odd_figures(active: pd.DataFrame, series: dict[str, dict[str, Any]], events: pd.DataFrame) -> Iterator[Finding]:
    """Findings about the reports of each series.

    active : encoded reports that bind; `statistic` and `authority` or `publisher` are used where present.
    """
    for name, rows in active.groupby("series", sort=True):
        definition = series[str(name)]
        about: dict[str, Any] = {"table": "reports", "series": str(name), "country": str(definition["country"])}
        if definition["direction"] != "net":
            yield from _falling(rows, definition, about)
            yield from _days(rows, definition, events, about)


def _falling(rows: pd.DataFrame, definition: dict[str, Any], about: dict[str, Any]) -> Iterator[Finding]:
    """V28: a running total of one source since one day never falls."""
    source = next((c for c in ("authority", "publisher") if c in rows), None)
    if "statistic" not in rows or source is None:
        return
    running = rows[(rows["statistic"] == "cumulative").to_numpy(dtype=bool) & rows[source].notna().to_numpy(dtype=bool)]
    running = running.sort_values([source, "start_instant", "end_instant", "report_id"])
    for _, chain in running.groupby([source, "start_instant"], sort=True):
        for before, after in pairwise(chain.to_dict("records")):
            if before["end_instant"] < after["end_instant"] and after["upper"] < before["lower"]:
                gap = float(before["lower"]) - float(after["upper"])
                yield Finding(
                    "V28", **about,
                    date_start=_date(before["start_instant"], definition),
                    date_end=_date(after["end_instant"] - 1, definition),
                    report_ids=[str(before["report_id"]), str(after["report_id"])],
                    observed=f"at most {after['upper']:,.0f}", expected=f"at least {before['lower']:,.0f}", gap=gap,
                    message=f"the running total of {after[source]} falls by {gap:,.0f} from {before['report_id']} to"
                    f" {after['report_id']}, although a longer window cannot hold less",
                )  # fmt: skip


def _days(
    rows: pd.DataFrame, definition: dict[str, Any], events: pd.DataFrame, about: dict[str, Any]
) -> Iterator[Finding]:
    """V39 and V42 on exact counts of single days."""
    length = rows["end_instant"] - rows["start_instant"]
    exact = (rows["lower"] == rows["upper"]) & (length >= 82_800) & (length <= 90_000) & ~rows["per_day"].astype(bool)
    days: dict[dt.date, tuple[float, str]] = {}
    for row in rows[exact.to_numpy(dtype=bool)].sort_values("report_id").to_dict("records"):
        days.setdefault(_date(row["start_instant"], definition), (float(row["lower"]), str(row["report_id"])))
    mine = events[(events["country"] == definition["country"]).to_numpy(dtype=bool)] if len(events) else events
    told = {pd.Timestamp(d).date() for d in mine["date"]} if len(mine) else set()
    one = dt.timedelta(days=1)
    for date in sorted(days):
        before, now = days.get(date - one), days[date]
        if before is None or not before[0] or not now[0] or told & {date - one, date}:
            continue
        ratio = now[0] / before[0]
        if not 1 / JUMP <= ratio <= JUMP:
            yield Finding(
                "V39", **about, date_start=date - one, date_end=date,
                report_ids=[before[1], now[1]], observed=f"{ratio:.3g} times the day before",
                expected=f"{1 / JUMP:g} to {JUMP:g} times, or an event that explains it",
                message=f"{now[1]} gives {now[0]:,.0f} for {date}, {before[1]} {before[0]:,.0f} for the day before",
            )  # fmt: skip
    for run in _same(days):
        yield Finding(
            "V42", **about, date_start=run[0], date_end=run[-1],
            report_ids=[days[d][1] for d in run], observed=f"{days[run[0]][0]:,.0f} on {len(run)} days in a row",
            expected=f"fewer than {REPEATS} equal counts in a row",
            message=f"the same count, {days[run[0]][0]:,.0f}, on {len(run)} days in a row: perhaps copied",
        )  # fmt: skip


def _same(days: dict[dt.date, tuple[float, str]]) -> list[Sequence[dt.date]]:
    """Runs of days in a row with one non-zero count."""
    ordered = sorted(days)
    number = {date: date.toordinal() - i for i, date in enumerate(ordered)}
    found: list[Sequence[dt.date]] = []
    for (_, value), run in groupby(_by_run(ordered, days, number), key=lambda item: (item[0], item[1])):
        dates = [date for _, _, date in run]
        if value and len(dates) >= REPEATS:
            found.append(dates)
    return found


def _by_run(
    ordered: Sequence[dt.date], days: dict[dt.date, tuple[float, str]], number: dict[dt.date, int]
) -> Iterator[tuple[int, float, dt.date]]:
    for date in ordered:
        yield number[date], days[date][0], date


def _date(instant: int, definition: dict[str, Any]) -> dt.date:
    return dt.datetime.fromtimestamp(int(instant), ZoneInfo(str(definition["timezone"]))).date()
