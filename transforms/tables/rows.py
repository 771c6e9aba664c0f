"""Rows of the daily table as columns by day: filled by a series itself, tightened by those it is tied to.

In: a solved series, or nothing for one that only follows from others. Out: `Rows`, arrays over a fixed run of civil
days, and from them a frame by the schema of `daily`. Status and grade are given once, at the end (`status`).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crossings.schema.tables import DAILY, SERIES_PARTS
from transforms.estimator.results import ANYTHING, Bound, Term
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import SolvedSeries
from transforms.estimator.statements import SAID, BoolArray, FloatArray, Statements
from transforms.tables.status import Facts, obs_status_of, reliability_of, status_of


class Rows:
    """The days of one series.

    Attributes
    ----------
    first : date of day 0. starts : midnights of the days and the end of the last, UTC seconds.
    present : days that have a row. bounds : per day. estimate, pi_lower, pi_upper : whole numbers, NaN where none.
    report_ids : reports whose window overlaps the day, or from which it follows. own : days that own reports cover.
    reported, contested : see `status.Facts`. firm : bounds from written counts alone.
    known_over : days of the shortest stretch around the day whose total is known to within a third, 0 where there is none.
    """

    def __init__(self, first: dt.date, starts: NDArray[np.int64]) -> None:
        n = len(starts) - 1
        self.first, self.starts = first, starts
        self.present, self.own = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
        self.bounds: list[Bound] = [ANYTHING] * n
        self.firm: list[Bound] = [ANYTHING] * n
        self.estimate, self.pi_lower, self.pi_upper = (np.full(n, np.nan) for _ in range(3))
        self.report_ids: list[tuple[str, ...]] = [()] * n
        self.reported, self.contested = (np.zeros(n, dtype=bool) for _ in range(2))
        self.known_over = np.zeros(n, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.present)

    def date(self, day: int) -> dt.date:
        """Civil date of a day."""
        return self.first + dt.timedelta(days=int(day))

    def date_at(self, instant: int) -> dt.date:
        """Civil date of the day that holds an instant."""
        return self.date(int(np.searchsorted(self.starts, instant, side="right")) - 1)

    def facts(self, broken: BoolArray, doubted: frozenset[str]) -> Facts:
        """What the status of the days depends on; `doubted` are reports that are odd beside their neighbours."""
        lower, upper = np.array([b.lower for b in self.bounds]), np.array([b.upper for b in self.bounds])
        firm_lower, firm_upper = np.array([b.lower for b in self.firm]), np.array([b.upper for b in self.firm])
        behind = zip(self.report_ids, self.bounds, strict=True)
        odd = np.array([not doubted.isdisjoint((*i, *b.lower_proof, *b.upper_proof)) for i, b in behind], dtype=bool)
        return Facts(lower, upper, firm_lower, firm_upper, self.estimate, self.reported, self.contested, broken, odd)


def rows_of_series(result: SolvedSeries, exact: Mapping[str, float], settings: EstimateSettings) -> Rows:
    """The days of a series by itself: those its reports cover, and short gaps between them.

    exact : figures said to be exact counts of their window, by report id.
    """
    c, days = result.reported.as_coded, result.days
    rows = Rows(days.first, days.starts)
    n = len(days)
    first = np.searchsorted(days.starts, c.start, side="right") - 1
    stop = np.searchsorted(days.starts, c.end, side="left")
    rows.report_ids = _covering(c, first, stop, n)
    rows.own = np.array([bool(ids) for ids in rows.report_ids], dtype=bool)
    rows.present = rows.own | _short_gaps(rows.own, settings.longest_gap)
    rows.bounds, rows.firm = list(result.bounds), list(result.firm)
    rows.estimate = np.where(rows.own, result.estimate, np.nan)
    rows.known_over = result.known_over.copy()
    with_interval = np.isfinite(result.pi_lower) & np.isfinite(rows.estimate)
    rows.pi_lower = np.where(with_interval, result.pi_lower, np.nan)
    rows.pi_upper = np.where(with_interval, result.pi_upper, np.nan)
    rows.reported = _stated(result, exact)
    rows.contested = result.differs | np.array([b.contested for b in result.bounds], dtype=bool)
    return rows


def frame_of(
    rows: Rows,
    parts: Mapping[str, Any],
    origin_of: Mapping[str, str],
    per_day: frozenset[str],
    break_of: Callable[[dt.date], str | None],
    settings: EstimateSettings,
    doubted: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """The rows of one series, by the schema of `daily`.

    Parameters
    ----------
    parts : series, country and the parts of its key. origin_of : report id -> statement behind it.
    per_day : reports that speak of each day of their window: their terms in a proof name the day.
    break_of : event that bends the estimate on a date. doubted : reports that are odd beside their neighbours.
    """
    on = np.flatnonzero(rows.present)
    dates = [rows.date(int(d)) for d in on]
    break_ids = [break_of(date) for date in dates]
    broken = np.zeros(len(rows), dtype=bool)
    broken[on] = [b is not None for b in break_ids]
    facts = rows.facts(broken, doubted)
    status = status_of(facts)
    grade = reliability_of(facts, status)
    level = settings.interval_level if settings.interval_level is not None else np.nan
    with_interval = np.isfinite(rows.pi_lower)
    columns: dict[str, Any] = {
        "date": dates,
        **{name: str(parts[name]) for name in ("country", "series", *SERIES_PARTS)},
        "estimate": _integers(rows.estimate, on),
        "lower": _integers(facts.lower, on),
        "upper": _integers(facts.upper, on),
        "firm_lower": _integers(facts.firm_lower, on),
        "firm_upper": _integers(facts.firm_upper, on),
        "known_over": pd.arrays.IntegerArray(rows.known_over[on].astype(np.int16), (rows.known_over == 0)[on]),
        "pi_lower": _integers(rows.pi_lower, on),
        "pi_upper": _integers(rows.pi_upper, on),
        "pi_level": pd.array(np.where(with_interval, level, np.nan)[on], dtype="Float64"),
        "status": status[on],
        "reliability": grade[on],
        "obs_status": obs_status_of(facts, status, grade)[on],
        "report_ids": [list(rows.report_ids[i]) for i in on],
        "lower_proof": [list(rows.bounds[i].lower_proof) for i in on],
        "upper_proof": [list(rows.bounds[i].upper_proof) for i in on],
        "lower_terms": [_terms(rows, rows.bounds[i].lower_terms, per_day) for i in on],
        "upper_terms": [_terms(rows, rows.bounds[i].upper_terms, per_day) for i in on],
        "lower_aside": [list(rows.bounds[i].lower_aside) for i in on],
        "upper_aside": [list(rows.bounds[i].upper_aside) for i in on],
        "lower_otherwise": _integers(np.array([b.lower_otherwise for b in rows.bounds], dtype=np.float64), on),
        "upper_otherwise": _integers(np.array([b.upper_otherwise for b in rows.bounds], dtype=np.float64), on),
        "n_origins": np.array([len({origin_of[i] for i in rows.report_ids[d]}) for d in on], dtype=np.int16),
        "break_id": break_ids,
    }
    return pd.DataFrame(columns).reindex(columns=list(DAILY.names))


def _terms(rows: Rows, terms: Sequence[Term], per_day: frozenset[str]) -> list[dict[str, Any]]:
    """Summands of a proof as the table has them."""
    return [term_of(t, rows.date_at(t.start) if t.report_id in per_day else None) for t in terms]


def term_of(term: Term, day: dt.date | None) -> dict[str, Any]:
    """One summand by the schema; `day` is that of a report that speaks of each day of its window."""
    return {"report_id": term.report_id, "end": term.end, "times": float(term.times), "day": day}


def _integers(values: FloatArray, rows: NDArray[np.intp]) -> pd.api.extensions.ExtensionArray:
    """Whole numbers as nullable integers; NaN and inf are missing."""
    chosen = values[rows]
    missing = ~np.isfinite(chosen)
    return pd.arrays.IntegerArray(np.where(missing, 0, chosen).astype(np.int64), missing)


def _covering(c: Statements, first: NDArray[np.intp], stop: NDArray[np.intp], n: int) -> list[tuple[str, ...]]:
    """Reports whose window overlaps each day, sorted."""
    changes: dict[int, list[tuple[int, int]]] = {}
    for row in range(len(c)):
        changes.setdefault(int(first[row]), []).append((row, 1))
        changes.setdefault(int(stop[row]), []).append((row, -1))
    report_ids: list[tuple[str, ...]] = []
    reports: Counter[str] = Counter()
    now: tuple[str, ...] = ()
    for day in range(n):
        if day in changes:
            for row, step in changes[day]:
                key = str(c.report_id[row])
                reports[key] += step
                if not reports[key]:
                    del reports[key]
            now = tuple(sorted(reports))
        report_ids.append(now)
    return report_ids


def _short_gaps(covered: BoolArray, longest: int) -> BoolArray:
    """Days without a report between covered days, in gaps of at most `longest` days."""
    gaps = np.zeros(len(covered), dtype=bool)
    for before, after in pairwise(np.flatnonzero(covered)):
        if 1 < after - before <= longest + 1:
            gaps[before + 1 : after] = True
    return gaps


def _stated(result: SolvedSeries, exact: Mapping[str, float]) -> BoolArray:
    """Days whose point is the figure of a report of that very day; reports set aside, and inferred days, state nothing."""
    c, days = result.kept.take(result.kept.reading == SAID), result.days
    first = np.searchsorted(days.starts, c.start, side="right") - 1
    stop = np.searchsorted(days.starts, c.end, side="left")
    single = (stop - first == 1) & (days.starts[first] == c.start) & (days.starts[first + 1] == c.end)
    reported = np.zeros(len(days), dtype=bool)
    # A total of exactly zero states every single day of its window: a closed border is data, not an estimate.
    for row in np.flatnonzero((c.lower <= 0) & (c.upper == 0)):
        low, high = np.searchsorted(days.starts, (c.start[row], c.end[row]), side="left")
        inside = slice(int(low), int(high) if days.starts[high] == c.end[row] else int(high) - 1)
        reported[inside] = result.estimate[inside] == 0
    for row in np.flatnonzero(single):
        value = float(c.lower[row]) if c.lower[row] == c.upper[row] else exact.get(str(c.report_id[row]), np.nan)
        if result.estimate[first[row]] == value:
            reported[first[row]] = True
    return reported
