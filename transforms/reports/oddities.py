"""Figures that are odd without contradicting anything: falling running totals, repeated counts, jumps, zeros, copies.

In: active encoded reports, series and events. Out: findings, always warnings (docs/rules.md: V28, V39, V42 and those of
`guards`). A report that one of them names gives no day its best grade (`doubted`).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import pandas as pd

from crossings.rules import RULES, Finding
from transforms.reports import guards
from transforms.reports.guards import Odd, Point

JUMP = RULES["V39"].limits["times"]  # a day may be this many times the day before, or this part of it
REPEATS = int(RULES["V42"].limits["days"])
_Groups: TypeAlias = (
    "defaultdict[tuple[str, str, str], dict[str, dict[int, Point]]]"  # country, publisher, frequency: series
)


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
    yield from _beside(active, series, events)


def doubted(odd: Iterable[Finding]) -> frozenset[str]:
    """Ids of the reports that such findings name."""
    return frozenset(str(i) for found in odd for i in found.report_ids)


def odd_statistics(rows: pd.DataFrame) -> list[Finding]:
    """What the guards find among the regular statistics of each source.

    rows : one per series, frequency and period: source_id, series, country, direction, freq, date, period_end, value,
        report_id. Of the rows of one source every figure of a period may be copied.
    """
    groups: _Groups = defaultdict(dict)
    for row in rows.loc[(rows["direction"] != "net") & rows["value"].notna()].to_dict("records"):
        where = guards.place(row["date"], row["freq"])
        points = groups[str(row["country"]), str(row["source_id"]), str(row["freq"])].setdefault(str(row["series"]), {})
        points[where] = Point(where, float(row["value"]), str(row["report_id"]), row["date"], row["period_end"])
    found = [f for key, members in sorted(groups.items()) for f in _odd(members, key, frozenset(), "official")]
    for (country, _, freq), members in sorted(groups.items()):
        for name, points in sorted(members.items()) if freq == "D" else ():
            about = {"table": "official", "series": name, "country": country}
            found += _repeated({p.start: (p.value, p.report_id) for p in points.values()}, about)
    return found


def finding_of(odd: Odd, **about: Any) -> Finding:
    """What a guard found, as a finding about a table, series and country."""
    return Finding(
        odd.rule, **about, date_start=min(p.start for p in odd.points), date_end=max(p.end for p in odd.points),
        report_ids=sorted({p.report_id for p in odd.points}), observed=odd.observed, expected=odd.expected,
        message=odd.message,
    )  # fmt: skip


def _beside(active: pd.DataFrame, series: Mapping[str, Mapping[str, Any]], events: pd.DataFrame) -> Iterator[Finding]:
    """What the guards find among exact counts of days, weeks, months, quarters and years."""
    groups: _Groups = defaultdict(dict)
    exact = (active["lower"] == active["upper"]).to_numpy(dtype=bool) & ~active["per_day"].to_numpy(dtype=bool)
    for row in active.loc[exact].sort_values("report_id").to_dict("records"):
        name = str(row["series"])
        definition = series[name]
        if definition["direction"] == "net":
            continue
        start, end = _date(row["start_instant"], definition), _date(row["end_instant"] - 1, definition)
        freq = guards.frequency(start, end)
        if freq is None or (freq == "D" and not _whole_day(row)):
            continue
        by = next((str(row[c]) for c in ("authority", "publisher") if isinstance(row.get(c), str)), "")
        points = groups[str(definition["country"]), by, freq].setdefault(name, {})
        where = guards.place(start, freq)
        points.setdefault(where, Point(where, float(row["lower"]), str(row["report_id"]), start, end))
    for key, members in sorted(groups.items()):
        yield from _odd(members, key, frozenset(_eventful(events, key[0])), "reports")


def _odd(
    members: Mapping[str, guards.Points], key: tuple[str, str, str], eventful: frozenset[dt.date], table: str
) -> Iterator[Finding]:
    """What the guards find among the series of one publisher in one country and frequency; an event explains a day."""
    country, _, freq = key
    for name, points in sorted(members.items()):
        for odd in guards.odd(points, freq):
            if freq != "D" or eventful.isdisjoint(_dates(odd)):
                yield finding_of(odd, table=table, series=name, country=country)
    for names, odd in guards.copied(members, freq):
        yield finding_of(odd, table=table, series=names[0] if len(names) == 1 else None, country=country)


def _dates(odd: Odd) -> Iterator[dt.date]:
    """The days in question, and the one before them."""
    first, last = min(p.start for p in odd.points), max(p.end for p in odd.points)
    for ordinal in range(first.toordinal() - 1, last.toordinal() + 1):
        yield dt.date.fromordinal(ordinal)


def _eventful(events: pd.DataFrame, country: str) -> set[dt.date]:
    mine = events[(events["country"] == country).to_numpy(dtype=bool)] if len(events) else events
    return {pd.Timestamp(d).date() for d in mine["date"]} if len(mine) else set()


def _whole_day(row: Mapping[Any, Any]) -> bool:
    """Whether a window is as long as a day is, over clock changes."""
    return bool(82_800 <= row["end_instant"] - row["start_instant"] <= 90_000)


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
    told = _eventful(events, str(definition["country"]))
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
    yield from _repeated(days, about)


def _repeated(days: dict[dt.date, tuple[float, str]], about: dict[str, Any]) -> Iterator[Finding]:
    """V42: one count on several days in a row."""
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


def _date(instant: int, definition: Mapping[str, Any]) -> dt.date:
    return dt.datetime.fromtimestamp(int(instant), ZoneInfo(str(definition["timezone"]))).date()
