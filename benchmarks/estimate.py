"""How fast the estimate is, and at what memory, beside the solvers one would reach for instead.

In: nothing; series are simulated with truthful overlapping reports, always the same ones. Out, in one run: one
five-year series step by step, many of them on one and on two cores, the same problem given to cvxpy, scipy and pro
rata with the differences of the answers, and the cost against the length of the series. The maths is method.md 4.

    python benchmarks/estimate.py [--series 548] [--quick] [--wrong 8]
"""

# ruff: noqa: E402 - the number of threads is read when numpy is imported

from __future__ import annotations

import os

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")  # one core means one core; workers inherit it

import argparse
import datetime as dt
import hashlib
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from printing import machine, peak_mb, table
from solvers import Stated, cvxpy_bounds, cvxpy_point, linprog_bounds, pro_rata

from crossings.calendar import midnights
from crossings.lake import parquet_bytes
from crossings.schema.tables import DAILY, EVENTS
from transforms.estimator.bounded import agreed
from transforms.estimator.days import Days
from transforms.estimator.disaggregate import smoothest_paths
from transforms.estimator.results import Bound
from transforms.estimator.rounding import whole_path
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.statements import FloatArray, IntArray, Statements
from transforms.estimator.system import one_series as blocks_of
from transforms.estimator.tools import Tools
from transforms.tables import daily

FIRST = dt.date(2020, 1, 1)
FIVE_YEARS, REPORTS = 1827, 450
WRONG, AIM_RATIO = 0.05, 1.5
PLAIN = EstimateSettings(interval_level=None, varying=math.inf)  # as others state the problem: plain differences
WITH_INTERVALS = EstimateSettings()
AIM_FACTOR, AIM_SECONDS, AIM_MB = 20.0, 120.0, 2048.0
LIBRARIES = ("numpy", "scipy", "pandas", "clarabel", "cvxpy", "osqp", "highspy")


# --- simulated series ----------------------------------------------------------------------------------------------


def simulated(seed: int, days: int = FIVE_YEARS) -> tuple[pd.DataFrame, IntArray]:
    """Encoded reports of one series that tie all its days together, and its midnights.

    Weeks rounded to hundreds, 30-day totals exact, counts "since" a date every 90 days (rounded or "more than", each
    running into the next), and exact single days, 450 in five years. All are true of one path of whole crossings.
    """
    rng = np.random.default_rng([2022, seed])
    level = 3000 * np.exp(np.clip(np.cumsum(rng.normal(0, 0.06, days)), -3, 3))
    total = np.concatenate(([0], np.cumsum(rng.poisson(level))))
    windows = [(a, a + 7, "rounded", 100) for a in range(0, days - 6, 7)]
    windows += [(a, min(a + 30, days), "exact", 1) for a in range(0, days, 30)]
    windows += [
        (a, min(a + length, days), "more_than" if length == 45 else "rounded", 1000)
        for a in range(0, days, 90)
        for length in (15, 45, 75, 105)
    ]
    single = rng.choice(days, max(0, round(REPORTS * days / FIVE_YEARS) - len(windows)), replace=False)
    windows += [(int(a), int(a) + 1, "exact", 1) for a in np.sort(single)]
    start, end, qualifier, unit = (np.array(column) for column in zip(*windows, strict=True))
    flow = total[end] - total[start]
    rounded = (flow + unit // 2) // unit * unit
    floor = np.maximum(flow - 1, 0) // unit * unit
    value = np.select([qualifier == "exact", qualifier == "rounded"], [flow, rounded], floor)
    at = midnights(FIRST, FIRST + dt.timedelta(days=days - 1), "UTC")
    exact, more = qualifier == "exact", qualifier == "more_than"
    ids = [f"S{seed:04d}-{i:05d}" for i in range(len(windows))]
    frame = pd.DataFrame(
        {
            "report_id": ids, "origin_id": ids, "series": f"S{seed:04d}", "tier": 2, "role": "constraint",
            "start_instant": at[start], "end_instant": at[end], "per_day": False, "value": value, "qualifier": qualifier,
            "lower": np.select([exact, more], [flow, floor + 1], np.maximum(rounded - unit // 2, 0)).astype(np.float64),
            "upper": np.select([exact, more], [flow, np.nan], rounded + (unit + 1) // 2 - 1),
            "sigma": np.maximum(0.5, unit / np.sqrt(12)), "speech_mode": "written_table",
        }
    )  # fmt: skip
    return frame, at


def spoilt(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same reports, one in twenty of them wrong: a tenth to a half too much or too little."""
    rng = np.random.default_rng([2023, seed])
    wrong = rng.random(len(frame)) < WRONG
    factor = rng.choice([0.7, 0.8, 0.9, 1.1, 1.25, 1.5], len(frame))
    shift = np.where(wrong, np.round(frame["value"].to_numpy() * (factor - 1)), 0.0)
    moved = {c: np.maximum(frame[c].to_numpy(np.float64) + shift, 0.0) for c in ("lower", "upper", "value")}
    return frame.assign(**moved)


def definitions(names: list[str]) -> pd.DataFrame:
    """Definitions of simulated series."""
    return pd.DataFrame(
        {
            "series": names, "country": "XXX", "direction": "entry", "citizenship": "RUS", "scope": "national",
            "measure": "crossings", "system": "border_control", "timezone": "UTC", "day_boundary": "00:00",
        }
    )  # fmt: skip


def best(times: int, work: Callable[[], Any]) -> tuple[float, Any]:
    """Least wall seconds of several runs (others may share the machine), and the last result."""
    seconds, result = [], None
    for _ in range(times):
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


# --- one series, step by step --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Steps:
    """Seconds of each step of one series, and what came out."""

    bounds: float
    point: float
    whole: float
    statements: Statements
    starts: IntArray
    blocks: int
    days: list[Bound]
    path: FloatArray

    @property
    def total(self) -> float:
        """Seconds of all three steps."""
        return self.bounds + self.point + self.whole


def steps(seed: int, days: int, times: int) -> Steps:
    """Bounds with proofs, point and whole persons of one simulated series, each timed alone."""
    frame, starts = simulated(seed, days)
    c = daily.constraints_of(frame)
    no_breaks = np.zeros(days, dtype=bool)
    blocks = blocks_of("S", c)
    bounds_seconds, by_day = best(times, lambda: agreed(blocks_of("S", c), engine_for).days(starts))
    point_seconds, paths = best(times, lambda: smoothest_paths("S", c, starts, no_breaks, PLAIN, engine_for))
    assert all(p.solution.accepted for p in paths)
    assert sum(len(p.domain.runs[0]) for p in paths) == days
    whole_seconds, _ = best(
        times, lambda: [whole_path(p.domain.nodes, p.cumulative[0], c, PLAIN.rounding, engine_for) for p in paths]
    )
    path = np.concatenate([p.days(p.domain.runs[0], starts) for p in paths])
    return Steps(bounds_seconds, point_seconds, whole_seconds, c, starts, len(blocks), by_day, path)


def one_series(times: int) -> Steps:
    """Print what each step of a five-year series costs."""
    found = steps(0, FIVE_YEARS, times)
    frame, starts = simulated(0)
    span = Days(FIRST, starts, "UTC", "00:00")
    no_breaks, regular = np.zeros(FIVE_YEARS, dtype=bool), frozenset(frame["report_id"])
    together, _ = best(
        times, lambda: solve_series("S", found.statements, span, no_breaks, regular, Tools(PLAIN, engine_for))
    )
    calibrated, result = best(
        1, lambda: solve_series("S", found.statements, span, no_breaks, regular, Tools(WITH_INTERVALS, engine_for))
    )
    named = definitions(["S0000"])
    no_events = pd.DataFrame(columns=list(EVENTS.names))
    built_seconds, built = best(times, lambda: daily.build(frame, named, no_events, PLAIN))
    days_of_calibration = result.calibration.days if result.calibration else 0
    table(
        f"One series, {FIVE_YEARS:,} days, {len(frame)} overlapping reports, {found.blocks} block "
        f"(seconds, best of {times})",
        ("step", "seconds", "ms per 1,000 days"),
        [
            (name, f"{seconds:.4f}", f"{seconds / FIVE_YEARS * 1e6:.2f}")
            for name, seconds in (
                ("tightest bounds of every day, with proofs", found.bounds),
                ("point: the smoothest path", found.point),
                ("whole persons", found.whole),
                ("sum of the three", found.total),
                ("solve_series: all three and the checks", together),
                (f"the same with calibrated intervals ({days_of_calibration} days)", calibrated),
                (f"daily.build: the table of {len(built.daily):,} rows", built_seconds),
            )
        ],
    )
    return found


# --- many series ---------------------------------------------------------------------------------------------------


def build_chunk(frame: pd.DataFrame) -> tuple[str, int, int, float, float]:
    """Daily table of some series as Parquet: digest, rows, process, its peak memory in MiB and its CPU seconds so far."""
    named = definitions(sorted(frame["series"].unique()))
    built = daily.build(frame, named, pd.DataFrame(columns=list(EVENTS.names)), PLAIN)
    content = parquet_bytes(DAILY.conform(built.daily))
    return hashlib.sha256(content).hexdigest(), len(built.daily), os.getpid(), peak_mb(), time.process_time()


def many_series(count: int) -> None:
    """Print wall seconds and memory of many series on one and on two cores."""
    start = time.perf_counter()
    frames = [simulated(seed)[0] for seed in range(count)]
    per_chunk = max(1, -(-count // 24))
    chunks = [pd.concat(frames[i : i + per_chunk], ignore_index=True) for i in range(0, count, per_chunk)]
    made = time.perf_counter() - start
    rows, digests, alone = [], set(), 0.0
    for cores in (1, 2):
        start = time.perf_counter()
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            results = list(pool.map(build_chunk, chunks))
        wall = time.perf_counter() - start
        alone = alone or wall
        by_process = pd.DataFrame(results, columns=["digest", "rows", "process", "peak", "cpu"]).groupby("process")
        cells = sum(r[1] for r in results)
        digests.add("".join(r[0] for r in results))
        workers, parent = by_process["peak"].max().sum(), peak_mb()
        seconds = wall * 1e6 / cells
        rows.append(
            (cores, f"{cells:,}", f"{wall:.1f}", f"{seconds:.1f}", f"{alone / wall:.2f}",
             f"{by_process['cpu'].max().sum():.1f}", f"{workers:.0f}",
             f"{workers + parent:.0f}",
             _met(seconds < AIM_SECONDS and workers + parent < AIM_MB) if cells > 10**5 else "too few")
        )  # fmt: skip
    assert len(digests) == 1, "one and two cores must give the same bytes"
    table(
        f"{count} such series ({sum(map(len, chunks)):,} reports, simulated in {made:.1f} s, not counted) to Parquet by "
        f"ProcessPoolExecutor over {len(chunks)} chunks; start of workers counted; same bytes on one and two cores\n"
        f"aim on two cores: 1,000,000 day-cells under {AIM_SECONDS:.0f} s and {AIM_MB:,.0f} MiB",
        ("cores", "day-cells", "wall s", "s per 10^6", "speed-up", "CPU s", "workers MiB", "with parent MiB", "aim"),
        rows,
    )


def wrong_reports(count: int) -> None:
    """Print processor seconds of series whose reports agree and of the same ones with wrong reports among them."""
    rows = []
    totals = np.zeros(2)
    for seed in range(count):
        frame = simulated(seed)[0]
        seconds, clashes = [], 0
        for reports in (frame, spoilt(frame, seed)):
            start = time.process_time()
            built = daily.build(reports, definitions([f"S{seed:04d}"]), pd.DataFrame(columns=list(EVENTS.names)), PLAIN)
            seconds.append(time.process_time() - start)
            clashes = int((built.findings["rule"] == "alternative").sum())
        totals += seconds
        rows.append((f"S{seed:04d}", clashes, *(f"{s:.2f}" for s in seconds), f"{seconds[1] / seconds[0]:.1f}", ""))
    ratio = totals[1] / totals[0]
    rows.append(("all", "", *(f"{s:.2f}" for s in totals), f"{ratio:.1f}", _met(ratio <= AIM_RATIO)))
    table(
        f"{count} such series, one report in {1 / WRONG:.0f} wrong (processor seconds; aim: at most {AIM_RATIO} times "
        "those of agreeing reports)",
        ("series", "explanations", "agreeing", "wrong", "ratio", "aim"),
        rows,
    )


# --- the same problem, given to others -----------------------------------------------------------------------------


def others(ours: Steps, sample_days: int, times: int) -> None:
    """Print the same problem solved by others: seconds, factors, and how far the answers are apart."""
    p = Stated.of(ours.statements, ours.starts)
    sample = np.linspace(0, FIVE_YEARS - 1, sample_days).astype(np.int64)
    few = sample[:: max(1, sample_days // 3)]  # OSQP needs thousands of iterations for a linear objective
    of_bounds: dict[str, float] = {}
    bounds_apart: dict[str, str] = {}
    for name, days, (seconds, found) in (
        ("OSQP", few, cvxpy_bounds(p, "OSQP", few)),
        ("CLARABEL", sample, cvxpy_bounds(p, "CLARABEL", sample)),
        ("linprog", sample, linprog_bounds(p, sample)),
    ):
        known = np.array([(b.lower, b.upper) for b in ours.days])[days]
        of_bounds[name] = seconds
        bounds_apart[name] = f"{np.abs(found - known).max():.1e}"

    def against(path: FloatArray) -> tuple[str, str, str]:
        far, more = np.abs(path - ours.path).max(), p.objective(path) / p.objective(ours.path) - 1
        return f"{far:.1e}", f"{more:+.1e}", f"{p.missed(path):.1e}"

    rows: list[tuple[str, ...]] = [
        (
            "crossings",
            f"{ours.point:.3f}",
            "1.0",
            f"{ours.bounds:.3f}",
            f"{ours.total:.3f}",
            "1",
            *against(ours.path),
            "0",
        )
    ]
    point_factors, both_factors = {}, []
    for solver in ("OSQP", "CLARABEL"):
        for by_report, style in ((False, "one matrix"), (True, "a constraint a report")):
            seconds, path = best(times, lambda s=solver, b=by_report: cvxpy_point(p, s, by_report=b))
            both = seconds + of_bounds[solver]
            point_factors[f"{solver}, {style}"] = seconds / ours.point
            both_factors.append(both / ours.total)
            rows.append(
                (f"cvxpy {solver}, {style}", f"{seconds:.3f}", f"{seconds / ours.point:.1f}", f"{of_bounds[solver]:.0f} *",
                 f"{both:.0f} *", f"{both / ours.total:,.0f} *", *against(path), bounds_apart[solver])
            )  # fmt: skip
    linear = of_bounds["linprog"]
    rows.append(("scipy linprog HiGHS", "", "", f"{linear:.0f} *", "", "", "", "", "", bounds_apart["linprog"]))
    seconds, path = best(times, lambda: pro_rata(p))
    rows.append(("pro rata", f"{seconds:.3f}", f"{seconds / ours.point:.1f}", "none", "", "", *against(path), "none"))
    table(
        "The same problem (the smoothest path, and the bounds of every day), from the statement to the answer\n"
        "seconds, best of several; x = times the seconds of crossings (both: with proofs and whole persons); differences "
        f"in crossings\n* two solves a day, measured on {len(sample)} days ({len(few)} with OSQP) and extrapolated to "
        f"{FIVE_YEARS:,}",
        ("", "point", "x", "bounds", "both", "x", "path apart", "objective", "report missed", "bounds apart"),
        rows,
    )
    print(f"aim: at least {AIM_FACTOR:.0f} times faster than cvxpy at equal answers")
    print(
        f"  path and bounds of every day: {min(both_factors):,.0f} times and more: {_met(min(both_factors) >= AIM_FACTOR)}"
    )
    for name, factor in point_factors.items():
        print(f"  path alone, {name}: {factor:.1f} times: {_met(factor >= AIM_FACTOR)}")
    print(f"  bounds alone, scipy linprog HiGHS: {linear / ours.bounds:,.0f} times")


# --- length --------------------------------------------------------------------------------------------------------


def scaling(years: tuple[int, ...], times: int) -> None:
    """Print seconds per 1,000 days against the length of one connected series."""
    rows = []
    for n in years:
        days = (FIRST.replace(year=FIRST.year + n) - FIRST).days
        found = steps(1, days, times if n <= 10 else min(times, 3))
        per = 1000 / days
        rows.append(
            (n, f"{days:,}", len(found.statements), found.blocks,
             *(f"{s * per:.4f}" for s in (found.bounds, found.point, found.whole, found.total)), f"{found.total:.3f}")
        )  # fmt: skip
    table(
        "Length of one connected series: seconds per 1,000 days",
        ("years", "days", "reports", "blocks", "bounds", "point", "whole", "total", "seconds"),
        rows,
    )


def _met(reached: bool) -> str:
    return "reached" if reached else "missed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=548, help="how many five-year series (548 are 10^6 day-cells)")
    parser.add_argument("--quick", action="store_true", help="a small run of every part")
    parser.add_argument("--wrong", type=int, default=0, help="series to estimate with wrong reports, too, and no more")
    chosen = parser.parse_args()
    print(machine(LIBRARIES))
    if chosen.wrong:
        wrong_reports(chosen.wrong)
        return
    times = 1 if chosen.quick else 5
    ours = one_series(times)
    many_series(min(chosen.series, 4) if chosen.quick else chosen.series)
    others(ours, 2 if chosen.quick else 12, 1 if chosen.quick else 3)
    scaling((1, 2) if chosen.quick else (1, 2, 5, 10, 20, 50), times)


if __name__ == "__main__":
    main()
