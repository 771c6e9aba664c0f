"""Coupled series: entries, exits, net, both directions, parts and wholes, solved together.

In: the interval rows of several series and the identities between them. Out: tightest bounds with proofs for days and
periods of every series, conflicts between series, the reconciliation of them, and whole-person estimates on which the
identities hold. The maths is in method.md 4.7, with 4.3 (conflicts), 4.4 (reconciliation), 4.5 and 4.6 (point).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from transforms.constraints import Constraints, FloatArray, IntArray
from transforms.coupled_blocks import Block, Link, cut
from transforms.coupled_bounds import Bound, snap, tightest
from transforms.coupled_conflicts import CoupledConflict, conflicts_of, is_feasible, least_total_slack
from transforms.coupled_point import DayParts, Path, smoothest
from transforms.coupled_reconcile import Reconciled, reconcile

__all__ = ["CoupledConflict", "CoupledFinding", "CoupledSolution", "CoupledSystem", "Link", "solve"]


@dataclass(frozen=True, eq=False)
class CoupledSystem:
    """Series that identities tie together.

    Attributes
    ----------
    members : series id -> its interval rows; without rows for a series that only follows from others.
    nonnegative : series id -> False where the flow may be negative (net).
    links : the identities.
    midnights : UTC instants of the civil midnights, in order; consecutive ones are the days asked for.
    windows : (series, start, end) asked for besides, UTC instants.
    breaks : UTC instants at which a declared break starts a new regime.
    """

    members: Mapping[str, Constraints]
    nonnegative: Mapping[str, bool]
    links: Sequence[Link]
    midnights: IntArray
    windows: Sequence[tuple[str, int, int]] = ()
    breaks: Sequence[int] = ()


@dataclass(frozen=True)
class CoupledFinding:
    """Something that must be told: rule, reports and instants concerned, size in crossings, and plain words."""

    rule: str
    severity: str
    report_ids: tuple[str, ...]
    series: tuple[str, ...]
    start: int
    end: int
    gap: float
    message: str


@dataclass(frozen=True, eq=False)
class CoupledSolution:
    """What the reports of a coupled system imply.

    Attributes
    ----------
    feasible : whether all reports and identities can hold together.
    days : one row per series and day of the linked stretches of time: `series`, `start`, `end` (UTC instants),
        `lower`, `upper`, `estimate` (Int64 crossings, missing = unbounded or no point), `path` (the estimate before
        rounding), `lower_proof`, `upper_proof` (tuples of report ids by instant), `reported` (an own report covers
        the whole day), `reconciled` (a report of the series that covers part of the day was moved). A day about which nothing follows
        has no row.
    windows : the same columns, without `path` and `reconciled`, for every window asked for, in the order of series, start, end.
    conflicts : irreducible sets of reports that cannot all hold.
    total_slack : smallest total movement of interval ends that would restore consistency, crossings.
    slacks : rows that were moved: `report_id`, `series`, `start`, `end`, `tier`, `sigma`, `slack` (crossings).
    relaxed : series id -> rows with the whole-number intervals on which the bounds rest; all rows, moved or not.
    findings : what must be told besides the conflicts.
    """

    feasible: bool
    days: pd.DataFrame
    windows: pd.DataFrame
    conflicts: tuple[CoupledConflict, ...] = ()
    total_slack: float = 0.0
    slacks: pd.DataFrame = field(default_factory=pd.DataFrame)
    relaxed: Mapping[str, Constraints] = field(default_factory=dict)
    findings: tuple[CoupledFinding, ...] = ()
