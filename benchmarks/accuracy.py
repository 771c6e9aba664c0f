"""How near the estimate is to days it was not told, and whether bounds and intervals keep their promise.

In: data/register with its decisions, data/reference/events.csv, official days with known answers (tests/cases), and
simulated series whose reports are true or some of them wrong. Out: errors on held-out days beside pro rata and linear
interpolation; what the register knows of days it was never told; the coverage of bounds where reports hold (a theorem:
every day) and where some are wrong, beside the least movement that makes all agree; that of calibrated 90 % intervals.
Method.md 3.2 to 3.4, 4, 5.

    python benchmarks/accuracy.py [--series 40] [--quick]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pandas as pd
from mistakes import kept
from printing import machine, table
from solvers import Stated, linear_interpolation, pro_rata
from truths import DAYS, MIXES, SEED, Covered, coverage, together

from crossings.calendar import midnights
from transforms.estimator.days import Days
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import SolvedSeries, solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.statements import FloatArray, Statements
from transforms.estimator.tools import Tools
from transforms.reports import decisions, prepare, reference, vintages
from transforms.series import definitions, parts
from transforms.tables import daily

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data"
PLAIN = EstimateSettings(interval_level=None)
METHODS = ("crossings", "pro rata", "linear")
LIBRARIES = ("numpy", "scipy", "pandas", "clarabel")

FINLAND, FINNISH_ZONE = "FIN/entry/RUS/national/land/crossings/border_control", "Europe/Helsinki"
MINISTRY = ROOT / "tests" / "cases" / "georgia_september_2022.csv"
GEORGIAN = "GEO/{}/RUS/national/all/crossings/border_control"
GEORGIA, GEORGIAN_ZONE = "holdout_georgia_total_and_three_days", "Asia/Tbilisi"


# --- days that were held out ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldOut:
    """What is given, what is held out (crossings by date), and the days on which a declared break falls."""

    country: str
    given: Statements
    truth: dict[dt.date, float]
    timezone: str
    breaks: frozenset[dt.date] = frozenset()


@dataclass(frozen=True)
class Window:
    """A reported total of civil days, inclusive."""

    name: str
    first: dt.date
    last: dt.date
    lower: float
    upper: float

    @property
    def one_exact_day(self) -> bool:
        """Whether it is the exact count of a single day."""
        return self.first == self.last and self.lower == self.upper


def statements(windows: list[Window], timezone: str) -> Statements:
    """Statements of tier 2 (official operational), with its standard error."""
    days = [series_midnights(w.first, w.last, timezone) for w in windows]
    ids = np.array([w.name for w in windows], dtype=object)
    middle = np.array([(w.lower + w.upper) / 2 for w in windows])
    return Statements.of_one(
        np.array([d[0] for d in days], dtype=np.int64),
        np.array([d[1] for d in days], dtype=np.int64),
        np.array([w.lower for w in windows], dtype=np.float64),
        np.array([w.upper for w in windows], dtype=np.float64),
        ids,
        ids,
        np.full(len(windows), 2, dtype=np.int64),
        np.maximum(0.5, 0.001 * middle),
    )


def series_midnights(first: dt.date, last: dt.date, timezone: str) -> tuple[int, int]:
    """Start of the first day and end of the last."""
    found = midnights(first, last, timezone)
    return int(found[0]), int(found[-1])


def estimated(given: Statements, held: HeldOut, settings: EstimateSettings) -> SolvedSeries:
    """The product's own answer."""
    days = Days.of(given, held.timezone, "00:00")
    breaks = np.array([days.date(i) in held.breaks for i in range(len(days))])
    return solve_series(held.country, given, days, breaks, frozenset(), Tools(settings, engine_for))


def answers(held: HeldOut) -> tuple[dict[str, FloatArray], FloatArray, FloatArray, FloatArray]:
    """Figures of the held-out days by method, their truth, and their logical bounds."""
    result = estimated(held.given, held, PLAIN)
    days = np.array([(d - result.days.first).days for d in held.truth])
    stated = Stated.of(result.kept, result.days.starts)
    figures = {
        "crossings": result.estimate,
        "pro rata": pro_rata(stated),
        "linear": linear_interpolation(stated),
    }
    truth = np.array(list(held.truth.values()))
    return {name: path[days] for name, path in figures.items()}, truth, result.lower[days], result.upper[days]


def held_out(title: str, groups: list[tuple[str, list[HeldOut]]]) -> None:
    """Print the mean absolute error by method; a group of several is pooled (leave one out)."""
    rows, better = [], 0
    for name, cases in groups:
        parts = [answers(case) for case in cases]
        truth = np.concatenate([p[1] for p in parts])
        errors = {m: np.abs(np.concatenate([p[0][m] for p in parts]) - truth).mean() for m in METHODS}
        better += errors["crossings"] < errors["pro rata"]
        low, high = np.concatenate([p[2] for p in parts]), np.concatenate([p[3] for p in parts])
        inside = int(((low <= truth) & (truth <= high)).sum())
        rows.append(
            (cases[0].country, name, len(truth), *(f"{errors[m]:,.0f}" for m in METHODS),
             f"{errors['crossings'] / errors['pro rata']:.2f}", f"{inside}/{len(truth)}")
        )  # fmt: skip
    table(title, ("country", "given", "days held out", *METHODS, "ratio", "inside bounds"), rows, left=2)
    print(f"crossings is nearer than pro rata in {better} of {len(groups)} rows")


# --- Finland: the register after decisions -------------------------------------------------------------------------


def register() -> tuple[prepare.Settled, pd.DataFrame]:
    """The register as it was taken in, and its decisions."""
    known = reference.read({p.stem: p.read_bytes() for p in (DATA / "reference").glob("*.csv")})
    declared = definitions.parse((DATA / "reference" / "series.csv").read_bytes())
    decided = decisions.parse((DATA / "register" / "decisions.csv").read_bytes())
    content = (DATA / "register" / "reports.csv").read_bytes()
    ready = prepare.prepare("register", content, "reports.csv", decided, declared, known, pd.Timestamp.max.normalize())
    return prepare.settle(ready, []), decided


def finnish_windows() -> list[Window]:
    """What the register holds for the series in September and October 2022, decisions applied, one report an origin."""
    settled, decided = register()
    encoded = vintages.encoded(settled.reports, decided, None)
    mine = (encoded["series"] == FINLAND) & (encoded["role"] == "constraint") & encoded["upper"].notna()
    rows = encoded.loc[mine.to_numpy(dtype=bool)].sort_values(["period_start", "period_end", "report_id"])
    found = [
        Window(r.report_id, pd.Timestamp(r.period_start).date(), pd.Timestamp(r.period_end).date(), r.lower, r.upper)
        for r in rows.itertuples()
    ]
    return [w for w in found if dt.date(2022, 9, 1) <= w.first and w.last <= dt.date(2022, 10, 31)]


def finnish_breaks() -> frozenset[dt.date]:
    """Declared breaks of the country."""
    events = reference.table("events", (DATA / "reference" / "events.csv").read_bytes())
    mine = events[(events["country"] == FINLAND[:3]) & (events["is_break"] == "true")]
    return frozenset(dt.date.fromisoformat(d) for d in mine["date"])


def finland() -> tuple[list[tuple[str, list[HeldOut]]], str]:
    """Held-out cases, and a line on what they are made of."""
    windows = finnish_windows()
    exact_days = [w for w in windows if w.one_exact_day]
    weeks = [w for w in windows if (w.last - w.first).days == 6 and w.lower == w.upper]
    last_week = max(w.last for w in weeks)
    in_weeks = [w for w in exact_days if any(week.first <= w.first <= week.last for week in weeks)]
    later = [w for w in windows if w.first <= last_week < w.last]  # cumulative counts that run past the weeks
    later_days = [w for w in exact_days if any(last_week < w.first <= c.last for c in later)]
    total = sum(w.lower for w in weeks)
    fortnight = Window("weeks", min(w.first for w in weeks), last_week, total, total)
    kept = in_weeks[::3]
    others = [w for w in in_weeks if w not in kept]

    def case(given: list[Window], left_out: list[Window], breaks: frozenset[dt.date] = frozenset()) -> HeldOut:
        truth = {w.first: w.lower for w in left_out}
        return HeldOut("Finland", statements(given, FINNISH_ZONE), truth, FINNISH_ZONE, breaks)

    def one_out(totals: list[Window]) -> Iterator[HeldOut]:
        for day in in_weeks:
            yield case([*totals, *(w for w in in_weeks if w is not day)], [day])

    until = max(w.last for w in later)
    after, after_out = f"two week totals, cumulative count to {until.day} {until:%b}", [*in_weeks, *later_days]
    groups = [
        ("two week totals", [case(weeks, in_weeks)]),
        (f"two week totals and {len(kept)} days", [case([*weeks, *kept], others)]),
        ("leave one out: week totals, other days", list(one_out(weeks))),
        ("leave one out: two-week total, other days", list(one_out([fortnight]))),
        (after, [case([*weeks, *later], after_out)]),
        (f"{after}, declared break", [case([*weeks, *later], after_out, finnish_breaks())]),
    ]
    made_of = (
        f"Finland: {len(exact_days)} exact days and {len(weeks)} week totals of {FINLAND}; where all days of a week but "
        f"one are given, its total names the last within the revision of {_revision(weeks, exact_days):,.0f} between "
        "days and total"
    )
    return groups, made_of


def _revision(weeks: list[Window], days: list[Window]) -> float:
    """The largest difference between a week total and its seven exact days, where all are reported."""
    gaps = [0.0]
    for week in weeks:
        inside = [d.lower for d in days if week.first <= d.first <= week.last]
        if len(inside) == 7:
            gaps.append(abs(week.lower - sum(inside)))
    return max(gaps)


def georgia() -> list[tuple[str, list[HeldOut]]]:
    """The ten official days of the case with a known answer: its total and three days, and three block totals."""
    cases = json.loads((ROOT / "tests" / "cases" / "estimation_cases.json").read_text(encoding="utf-8"))
    case = next(c for c in cases if c["name"] == GEORGIA)
    given = [
        Window(
            r["report_id"],
            *(dt.date.fromisoformat(r[k]) for k in ("period_start", "period_end")),
            r["lower"],
            r["upper"],
        )
        for r in case["reports"]
    ]
    truth = {dt.date.fromisoformat(d): float(v) for d, v in case["expect"]["holdout_truth"].items()}
    every = truth | {w.first: w.lower for w in given if w.one_exact_day}
    total = next(w for w in given if not w.one_exact_day)
    assert sum(every.values()) == total.lower
    # Totals were published from the 17th, the 21st and the 23rd to the 26th; their differences are three blocks.
    ends = [total.first, dt.date(2022, 9, 21), dt.date(2022, 9, 23), total.last + dt.timedelta(days=1)]
    blocks = []
    for first, stop in pairwise(ends):
        flow = sum(v for d, v in every.items() if first <= d < stop)
        blocks.append(Window(f"from {first}", first, stop - dt.timedelta(days=1), flow, flow))

    def held(windows: list[Window], left_out: dict[dt.date, float]) -> list[HeldOut]:
        return [HeldOut("Georgia", statements(windows, GEORGIAN_ZONE), left_out, GEORGIAN_ZONE)]

    return [
        ("ten-day total and 3 days", held(given, truth)),
        ("three block totals", held(blocks, every)),
    ]


def never_told() -> None:
    """Print what the register without a ministry's table of ten days knows of these days, and the days it misses."""
    truth = pd.read_csv(MINISTRY)
    settled, decided = register()
    reports = settled.reports
    reports = reports[(reports["country"] == "GEO") & ~reports["origin_id"].isin(truth["origin_id"])]
    series = settled.series[settled.series["country"] == "GEO"]
    part_of = parts.declared_parts(
        reference.table("checkpoints", (DATA / "reference" / "checkpoints.csv").read_bytes())
    )
    events = reference.events((DATA / "reference" / "events.csv").read_bytes())
    built, _ = daily.of_vintage(
        reports, decided, series, events, part_of=part_of, about=GEORGIAN.format("entry"), settings=PLAIN
    )
    rows, missed = [], []
    for direction, days in truth.groupby("direction"):
        found = built.daily[built.daily["series"] == GEORGIAN.format(direction)].set_index("date")
        found = found.loc[[dt.date.fromisoformat(d) for d in days["date"]]]
        flow = days["crossings"].to_numpy(dtype=np.float64)
        cells: list[object] = [direction, len(days)]
        for ends in (("lower", "upper"), ("firm_lower", "firm_upper")):
            low, high = (found[c].astype("Float64").to_numpy(np.float64, na_value=np.nan) for c in ends)
            inside = ~(flow < low) & ~(flow > high)
            cells += [f"{int(inside.sum())}/{len(days)}", f"{np.nanmedian(high - low):,.0f}"]
            wrong = zip(days["date"].to_numpy()[~inside], flow[~inside], low[~inside], high[~inside], strict=True)
            missed += [f"{direction} {d}: {v:,.0f} outside [{a:,.0f}, {b:,.0f}] ({ends[0]})" for d, v, a, b in wrong]
        estimate = found["estimate"].astype("Float64").to_numpy(np.float64, na_value=np.nan)
        cells += [int(np.isfinite(estimate).sum()), f"{np.nanmean(np.abs(estimate - flow)):,.0f}"]
        rows.append((*cells, f"{np.abs(flow.mean() - flow).mean():,.0f}"))
    table(
        "Georgia, 17 to 26 September 2022, by the ministry's table, of which the register is not told here\nwidths: median "
        "of the ten days; error: mean absolute error in crossings; pro rata: of the true ten-day total",
        ("direction", "days", "inside bounds", "width", "inside firm", "firm width", "points", "error", "pro rata"),
        rows,
    )
    print("\n".join(missed) or "no day is missed")


def mistakes(count: int) -> None:
    """Print how bounds and estimate keep to simulated truths of which some reports are wrong."""
    rows = []
    for reports, wrong in product((16, 40), range(4)):
        for name, k in zip(("least movement", "crossings"), kept(reports, wrong, count), strict=True):
            contested = f"{k.contested_inside / k.contested:.1%}" if k.contested else "none"
            error = f"{k.error:.3f}" if k.contested else "none"
            rows.append(
                (name, reports, wrong, k.series, f"{k.inside / k.days:.1%}", f"{k.whole / k.series:.0%}", contested,
                 f"{k.width:.2f}", error)
            )  # fmt: skip
    table(
        f"Simulated truths of 42 days, some reports wrong: {count} series a row whose reports clash (all, where none is "
        "wrong)\nwidth: of finite bounds over the mean level; contested: days on which the choice of what is wrong matters; "
        "error: on these,\nsum of absolute errors over sum of truth",
        ("bounds and path by", "reports", "wrong", "series", "days inside", "whole series", "contested inside", "width",
         "error"),
        rows,
    )  # fmt: skip


def simulations(count: int) -> None:
    """Print coverage and width on simulated truths, mix by mix and together."""
    known = reference.read({p.stem: p.read_bytes() for p in (DATA / "reference").glob("*.csv")})
    found = [(mix.title, coverage(i, count, known)) for i, mix in enumerate(MIXES)]
    rows = [(title, *_promises(c), *_widths(c)) for title, c in found]
    rows.append(("all", *_promises(together([c for _, c in found])), "", "", "", ""))
    table(
        f"Simulated truths: {count} series of {DAYS} days for each mix, seed {SEED}; all reports true, taken in through the "
        "stand-alone door\nencoded true: the true total lies in the interval encoded for its report; widths over the mean "
        "level of the series;\nerrors: sum of absolute errors over sum of truth; unreported: days without an exact count, "
        "to which intervals, widths and errors refer",
        ("mix", "days", "reports", "encoded true", "conflicts", "inside bounds", "unreported", "inside 90 %",
         "bounds width", "90 % width", "error", "pro rata"),
        rows,
    )  # fmt: skip


def _promises(c: Covered) -> tuple[str, ...]:
    inside = f"{c.inside_interval / c.with_interval:.1%}" if c.with_interval else "none"
    return (
        f"{c.days:,}", f"{c.reports:,}", f"{c.kept / c.reports:.2%}", str(c.conflicts), f"{c.inside_bounds / c.days:.2%}",
        f"{c.unreported:,}", inside,
    )  # fmt: skip


def _widths(c: Covered) -> tuple[str, ...]:
    interval = f"{c.interval_width:.2f}" if c.with_interval else "none"
    return f"{c.bounds_width:.2f}", interval, f"{c.error:.3f}", f"{c.error_pro_rata:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=40, help="simulated series for each mix of reports")
    parser.add_argument("--quick", action="store_true", help="few simulated series")
    chosen = parser.parse_args()
    print(machine(LIBRARIES))
    groups, made_of = finland()
    print(f"\n{made_of}")
    held_out(
        "Held-out days of September 2022: mean absolute error in crossings; ratio = crossings over pro rata",
        [*groups, *georgia()],
    )
    never_told()
    count = min(chosen.series, 6) if chosen.quick else chosen.series
    mistakes(2 * count)
    simulations(count)


if __name__ == "__main__":
    main()
