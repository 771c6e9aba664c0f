"""Small systems of interval statements, their cases, and independent oracles by linear programming."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy.optimize import linprog
from tied_systems import System

from crossings.calendar import instant_of
from transforms.estimator.bounded import agreed
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.engines.difference.graph import Bags
from transforms.estimator.engines.linear.engine import LinearEngine
from transforms.estimator.statements import Statements
from transforms.estimator.system import one_series

CASES = {c["name"]: c for c in json.loads((Path(__file__).parent / "cases" / "estimation_cases.json").read_text())}
DAY, INF = 86400, np.inf


def system(*rows, tier=2, sigma=5.0):
    """Statements from (id, first day, day after the last, lower, upper[, tier[, sigma]]); days may be fractions."""
    full = [(*r, *(tier, sigma)[len(r) - 5 :]) if len(r) < 7 else r for r in rows]
    ids, a, b, low, high, tiers, sigmas = zip(*full, strict=True) if full else [()] * 7
    return Statements.of_one(
        np.array([round(v * DAY) for v in a], dtype=np.int64),
        np.array([round(v * DAY) for v in b], dtype=np.int64),
        np.array(low, dtype=np.float64),
        np.array(high, dtype=np.float64),
        np.array(ids, dtype=object),
        np.array(ids, dtype=object),
        np.array(tiers, dtype=np.int64),
        np.array(sigmas, dtype=np.float64),
    )


def midnights(n):
    return np.arange(n + 1, dtype=np.int64) * DAY


def only(c, ids):
    return c.take(c.of(frozenset(ids)))


def in_tiny_bags(block):
    """The difference engine with bags of a few nodes, and long-block searches from the fourth row on."""
    return DifferenceEngine(block, Bags(whole=3, least=1, most=3), whole_search=3)


ENGINES = {"difference": DifferenceEngine, "tiny bags": in_tiny_bags, "linear": LinearEngine}


def blocks(c):
    return one_series("S", c)


def feasible(c, engines=DifferenceEngine):
    return all(engines(block).feasible() for block in blocks(c))


def answer(c, engines=DifferenceEngine):
    """What bounds any flow of the series; its statements agree."""
    return agreed(blocks(c), engines)


def lp_range(c, a, b):
    """Least and greatest flow between two instants by HiGHS; None where the statements contradict each other."""
    nodes = np.unique(np.concatenate((c.start, c.end, [a, b])))
    n = len(nodes)
    at = {int(v): i for i, v in enumerate(nodes)}
    lines, right = [], []

    def line(i, j, sign, limit):
        row = np.zeros(n)
        row[j] += sign
        row[i] -= sign
        lines.append(row)
        right.append(limit)

    for s, e, low, high in zip(c.start, c.end, c.lower, c.upper, strict=True):
        if np.isfinite(high):
            line(at[int(s)], at[int(e)], 1, high)
        if np.isfinite(low):
            line(at[int(s)], at[int(e)], -1, -low)
    for i in range(n - 1):
        line(i, i + 1, -1, 0)
    goal = np.zeros(n)
    goal[at[int(b)]] += 1
    goal[at[int(a)]] -= 1
    ends = []
    for sign in (1, -1):
        r = linprog(sign * goal, A_ub=np.array(lines), b_ub=right, bounds=[(None, None)] * n, method="highs")
        if r.status == 2:
            return None
        ends.append(INF if r.status in (3, 4) else sign * r.fun)
    return ends[0], ends[1]


@st.composite
def truthful(draw, days=10, reports=8, half_days=False):
    """Statements that a random path of whole crossings satisfies, with that path: (statements, crossings a day)."""
    n = draw(st.integers(2, days))
    steps = draw(st.lists(st.integers(0, 60), min_size=2 * n, max_size=2 * n))
    total = np.concatenate(([0], np.cumsum(steps)))
    rows = []
    for k in range(draw(st.integers(1, reports))):
        unit = 1 if half_days and draw(st.booleans()) else 2
        a = draw(st.integers(0, 2 * n // unit - 1)) * unit
        b = draw(st.integers(a // unit + 1, 2 * n // unit)) * unit
        value = float(total[b] - total[a])
        kind = draw(st.sampled_from(["exact", "exact", "about", "more", "less"]))
        slack = float(draw(st.integers(0, 15)))
        low, high = {
            "exact": (value, value),
            "about": (max(value - slack, 0.0), value + slack),
            "more": (max(value - slack, 0.0), INF),
            "less": (-INF, value + slack),
        }[kind]
        rows.append(
            (f"r{k}", a / 2, b / 2, low, high, draw(st.integers(1, 4)), draw(st.sampled_from([0.5, 5.0, 50.0])))
        )
    return system(*rows), np.add.reduceat(np.array(steps), np.arange(0, 2 * n, 2))


@st.composite
def contradictory(draw):
    """Statements of which some may have been falsified: feasible or not."""
    c, days = draw(truthful(days=7, reports=9))
    for _ in range(draw(st.integers(0, 3))):
        k = draw(st.integers(0, len(c) - 1))
        shift = float(draw(st.integers(1, 200)))
        c.lower[k] = max(c.lower[k], 0.0) + shift
        c.upper[k] = max(c.upper[k] + shift, c.lower[k])
    return c, days


def rows_of(c):
    """The statements as rows of a member of a tied system."""
    columns = (c.start, c.end, c.lower, c.upper, c.report_id, c.tier, c.sigma)
    return [tuple(r) for r in zip(*(column.tolist() for column in columns), strict=True)]


def alone(drawn):
    """A drawn series as a system of tied series with one member."""
    return System({"S": rows_of(drawn[0])}, ())


def of_case(case):
    """Statements of a case of the shared file; copies of one origin enter once."""
    seen, rows = set(), []
    for r in case["reports"]:
        if r["origin_id"] in seen or r.get("modality", "observed") != "observed":
            continue
        seen.add(r["origin_id"])
        zone, last = r["timezone"], dt.date.fromisoformat(r["period_end"])
        start = instant_of(dt.date.fromisoformat(r["period_start"]), zone, r.get("start_time") or "00:00")
        end = (
            instant_of(last, zone, r["end_time"])
            if r.get("end_time")
            else instant_of(last + dt.timedelta(days=1), zone)
        )
        low = -INF if r.get("lower") is None else r["lower"]
        high = INF if r.get("upper") is None else r["upper"]
        rows.append((r["report_id"], start / DAY, end / DAY, low, high, r["tier"], r.get("sigma", 5)))
    return system(*rows)


def frames_of_case(case):
    """Encoded reports, series and events of a case, as `daily.build` takes them."""
    c = of_case(case)
    rows = pd.DataFrame(case["reports"]).drop_duplicates("origin_id").set_index("report_id").loc[list(c.report_id)]
    rows = rows.reset_index()
    key = ["country", "scope", "mode", "direction", "citizenship", "measure", "system"]
    rows["series"] = rows[key].agg("/".join, axis=1)
    rows["start_instant"], rows["end_instant"] = c.start, c.end
    rows["lower"], rows["upper"] = c.lower, c.upper
    rows[["lower", "upper"]] = rows[["lower", "upper"]].where(np.isfinite(rows[["lower", "upper"]]))
    rows["sigma"], rows["per_day"], rows["role"] = c.sigma, False, "constraint"
    series = rows.drop_duplicates("series")[["series", "timezone", *key]].assign(day_boundary="00:00")
    breaks = (case.get("settings") or {}).get("breaks", [])
    return rows, series, breaks_on(breaks, str(rows["country"].iloc[0]))


def breaks_on(dates, country):
    return pd.DataFrame(
        [
            {"event_id": f"break-{d}", "date": dt.date.fromisoformat(d), "country": country, "is_break": True}
            for d in dates
        ],
        columns=["event_id", "date", "country", "is_break"],
    )
