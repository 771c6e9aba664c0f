"""Small systems of tied series built by hand or drawn, and oracles over all days by linear programming.

Days are counted from 0, midnights are multiples of 86,400.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from transforms.estimator.days import Days
from transforms.estimator.identities import Identity, ordered
from transforms.estimator.settings import EstimateSettings
from transforms.estimator.single import solve_series
from transforms.estimator.solve import engine_for
from transforms.estimator.statements import Statements, gathered
from transforms.estimator.system import Block
from transforms.estimator.together import Tied, solve_together
from transforms.estimator.tools import Tools

DAY = 86_400
INF = float("inf")
NET = Identity("net", (("N", 1), ("E", -1), ("X", 1)))
BOTH = Identity("both", (("B", 1), ("E", -1), ("X", -1)))
PART = Identity("part", (("P", 1), ("W", -1)), "<=")
REST = Identity("rest", (("R", 1), ("W", -1), ("P", 1)))
SUM = Identity("sum", (("W", 1), ("P", -1), ("Q", -1)))
PERSONS = Identity("persons", (("P", 1), ("W", -1)), "<=", identical_windows=True)
TOOLS = Tools(EstimateSettings(), engine_for)
TIES = {
    "directions": ("BENX", (NET, BOTH)),
    "scopes": ("PRW", (REST,)),
    "parts": ("PQW", (SUM,)),
    "subset": ("PW", (PART,)),
    "persons": ("PW", (PERSONS,)),
}
KINDS = tuple(sorted(TIES))
ADDITIVE = tuple(kind for kind in KINDS if kind != "persons")
SIGNED = "N"
N_DAYS = 4


class System(NamedTuple):
    """Rows of each series, as `row` gives them, and the identities between the series."""

    members: dict[str, list[tuple]]
    identities: tuple[Identity, ...]

    def only(self, report_ids):
        return System({s: [r for r in rows if r[4] in report_ids] for s, rows in self.members.items()}, self.identities)

    def under(self, identities):
        return System(self.members, tuple(identities))


def row(report_id, first, last, lower, upper=None, tier=2, sigma=1.0):
    """A report on the days first..last inclusive, counted from day 0."""
    return (first * DAY, (last + 1) * DAY, lower, lower if upper is None else upper, report_id, tier, sigma)


def clock(report_id, start_hour, end_hour, value):
    """An exact report on a window in hours from instant 0."""
    return (start_hour * 3600, end_hour * 3600, value, value, report_id, 2, 1.0)


def statements(*rows):
    def column(k, dtype):
        return np.array([r[k] for r in rows], dtype=dtype)

    return Statements.of_one(
        column(0, np.int64), column(1, np.int64), column(2, float), column(3, float),
        column(4, object), column(4, object), column(5, np.int64), column(6, float),
    )  # fmt: skip


def block_of(system):
    """The whole system as one block."""
    order = tuple(sorted(system.members))
    rows = gathered({name: statements(*system.members[name]) for name in order}, order)
    return Block(order, np.array([name == SIGNED for name in order]), ordered(system.identities), rows)


def tied(system, breaks=()):
    """The system as `solve_together` takes it: each series that cannot be negative is solved by itself first."""
    alone, signed = {}, {}
    for name, rows in system.members.items():
        said = statements(*rows)
        if name == SIGNED:
            signed[name] = said
        elif len(said):
            days = Days.of(said, "UTC", "00:00")
            bent = np.isin(days.starts[:-1], np.array([b * DAY for b in breaks], dtype=np.int64))
            alone[name] = solve_series(name, said, days, bent, frozenset(), TOOLS)
    return Tied(
        alone, signed, {name: name != SIGNED for name in system.members}, tuple(system.identities), "UTC", "00:00",
        [b * DAY for b in breaks],
    )  # fmt: skip


def together(members, identities, breaks=(), tools=TOOLS):
    return solve_together(tied(System(members, tuple(identities)), breaks), tools)


def ends(bound):
    return (bound.lower, bound.upper)


def between(found, series, first, last):
    """Ends of the bound of a series over the days first..last inclusive."""
    return ends(found.between(series, first * DAY, (last + 1) * DAY))


def points(found, series):
    """Points by day; None where there is none."""
    path = found.point[found.members.index(series)]
    return [None if np.isnan(v) else int(v) for v in path]


# --- an oracle: one flow a member and elementary piece of time -----------------------------------------------------


class Flows:
    """All that a system says, as rows of a linear programme that knows nothing of the product's own."""

    def __init__(self, system, *instants):
        self.system, self.names = system, sorted(system.members)
        rows = [r for name in self.names for r in system.members[name]]
        self.edges = np.unique([0, DAY, *(r[0] for r in rows), *(r[1] for r in rows), *instants])
        self.n = len(self.edges) - 1
        self.size = len(self.names) * self.n
        self.said = [(name, *r) for name in self.names for r in system.members[name]]
        self.equal, self.most = [], []
        for identity in system.identities:
            for start, end in self._windows(identity):
                line = sum(c * self.flow(s, start, end) for s, c in identity.terms)
                (self.equal if identity.sense == "=" else self.most).append(line)
        self.limits = [(None, None) if name == SIGNED else (0, None) for name in self.names for _ in range(self.n)]

    def _windows(self, identity):
        if not identity.identical_windows:
            return list(zip(self.edges[:-1], self.edges[1:], strict=True))
        own = [{(r[0], r[1]) for r in self.system.members[s]} for s in identity.series]
        return sorted(set.intersection(*own))

    def flow(self, series, start, end):
        line = np.zeros((len(self.names), self.n))
        line[self.names.index(series)] = (self.edges[:-1] >= start) & (self.edges[1:] <= end)
        return line.ravel()

    def range(self, series, start, end):
        """Least and greatest flow; None where the system contradicts itself."""
        goal = self.flow(series, start, end)
        found = []
        for sign in (1, -1):
            r = self._solved(sign * goal, self.limits)
            if r.status == 2:
                return None
            found.append(sign * r.fun if r.status == 0 else -sign * INF)
        return tuple(found)

    def agrees(self):
        """Whether all that is said can hold together."""
        return self._solved(np.zeros(self.size), self.limits).status != 2

    def vertex(self, cost, most=10_000.0):
        """Flows that fit the system, the cheapest of those between -most and most."""
        return self._solved(cost, [(-most if low is None else low, most) for low, _ in self.limits]).x

    def _solved(self, cost, limits):
        lines, right = list(self.most), [0.0] * len(self.most)
        for name, a, b, low, high, *_ in self.said:
            for sign, end in ((1, high), (-1, -low)):
                if np.isfinite(end):
                    lines.append(sign * self.flow(name, a, b))
                    right.append(end)
        r = linprog(
            cost, lines or None, right or None, self.equal or None, [0.0] * len(self.equal) or None, limits,
            method="highs", options={"presolve": False},
        )  # fmt: skip
        assert r.status in (0, 2, 3, 4), r.message
        return r

    def least_movement(self):
        """Least total movement of interval ends that makes the system agree."""
        m = len(self.said)

        def wide(lines, slack):
            return [np.concatenate((line, s)) for line, s in zip(lines, slack, strict=True)]

        still = np.zeros((len(self.equal), m))
        lines, right = wide(self.most, np.zeros((len(self.most), m))), [0.0] * len(self.most)
        for k, (name, a, b, low, high, *_) in enumerate(self.said):
            for sign, end in ((1, high), (-1, -low)):
                if np.isfinite(end):
                    lines.append(np.concatenate((sign * self.flow(name, a, b), -np.eye(m)[k])))
                    right.append(end)
        r = linprog(
            np.concatenate((np.zeros(self.size), np.ones(m))), lines or None, right or None,
            wide(self.equal, still) or None, [0.0] * len(self.equal) or None, [*self.limits, *[(0, None)] * m],
            method="highs",
        )  # fmt: skip
        assert r.status == 0, r.message
        return r.fun


def flow_range(system, series, start, end):
    return Flows(system, start, end).range(series, start, end)


def outwards(ends):
    """The ends of an oracle in whole crossings."""
    low, high = ends
    return (
        np.floor(low + 1e-6) + 0.0 if np.isfinite(low) else low,
        np.ceil(high - 1e-6) if np.isfinite(high) else high,
    )


_ROOM = [(0, 0), (1, 2), (3, INF), (INF, 2), (0, 1)]
_SPANS = [(0, 3), (0, 1), (2, 3), (0, 0), (1, 1), (2, 2), (3, 3)]


@st.composite
def systems(draw, truthful=True, largest=6, kinds=KINDS):
    """A random system; its reports contain a random truth if `truthful`, else about half of the systems clash."""
    names, identities = TIES[draw(st.sampled_from(kinds))]
    counts = st.lists(st.integers(0, largest), min_size=N_DAYS, max_size=N_DAYS)
    a, b = np.array(draw(counts)), np.array(draw(counts))
    truth = {"E": a, "X": b, "N": a - b, "B": a + b, "P": a, "R": b, "Q": b, "W": a + b}
    members: dict[str, list] = {name: [] for name in names}
    for k in range(draw(st.integers(2, 7))):
        name = draw(st.sampled_from(names))
        first = draw(st.integers(0, N_DAYS - 1))
        first, last = (first, draw(st.integers(first, N_DAYS - 1))) if truthful else draw(st.sampled_from(_SPANS))
        value = int(truth[name][first : last + 1].sum())
        below, above = draw(st.sampled_from(_ROOM if truthful else [(0, 0), *_ROOM]))
        if not truthful:
            value += draw(st.sampled_from([0, 0, 1, 3, 8, -2] if name == SIGNED else [0, 0, 1, 3, 8]))
        sigma = draw(st.sampled_from([0.5, 1.0, 4.0]))
        members[name].append(row(f"r{k}", first, last, value - below, value + above, draw(st.integers(1, 4)), sigma))
    return System(members, identities)


def windows():
    """Runs of whole days inside a drawn system: (first day, day after the last)."""
    return [(a, b) for a, b in product(range(N_DAYS), range(1, N_DAYS + 1)) if a < b]
