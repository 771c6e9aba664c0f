"""Series tied by identities, on top of what each series says by itself: tighter bounds, derived series, one point.

In: solved series and the rows of series that may be negative. Out: `Coupling`, the stretches of time solved together,
with bounds of any window of any member and points that fit every identity. A series is reconciled by itself first; the
coupled system (method.md 4.7) starts from the intervals that gave, so a conflict within one series is told once and a
conflict found here is one between series. Points of single series stay where the identities hold on them: the smoothest
paths of all series together are then these very paths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from crossings.calendar import days_around
from transforms.estimator.bounds import Interval
from transforms.estimator.constraints import Constraints, FloatArray
from transforms.estimator.coupled_blocks import Block, Link, cut
from transforms.estimator.coupled_settled import CoupledSystem, Settled
from transforms.estimator.one_series import SolvedSeries
from transforms.series import tied
from transforms.series.identities import Component
from transforms.tables.common_point import common_point
from transforms.tables.stretch import Stretch

_NOTHING = Interval(0.0, np.inf, (), ())
_ANYTHING = Interval(-np.inf, np.inf, (), ())


@dataclass(frozen=True, eq=False)
class Coupling:
    """All stretches of some series, and the identities from which the flow of a series follows outside them.

    Attributes
    ----------
    solved : single series by id. stretches : in order of time. links : all identities, by the series they define.
    nonnegative : series id -> whether its flow cannot be negative, for every tied series.
    """

    solved: Mapping[str, SolvedSeries]
    stretches: tuple[Stretch, ...]
    links: Mapping[str, Link]
    nonnegative: Mapping[str, bool]

    @cached_property
    def of(self) -> dict[str, list[Stretch]]:
        """Stretches of each series, in order of time."""
        found: dict[str, list[Stretch]] = {}
        for stretch in self.stretches:
            for series in stretch.block.members:
                found.setdefault(series, []).append(stretch)
        return {series: sorted(mine, key=lambda x: x.block.start) for series, mine in found.items()}

    def between(self, series: str, start: int, end: int) -> Interval:
        """Tightest bounds of the flow of a series between two instants, and their proofs."""
        alone = self._alone(series, start, end)
        parts: list[Interval] = []
        at, loosened = start, False
        for stretch in self.of.get(series, []):
            low, high = max(start, stretch.block.start), min(end, stretch.block.end)
            if low >= high:
                continue
            if low > at:
                parts.append(self._alone(series, at, low))
            parts.append(stretch.bound(series, low, high))
            at, loosened = high, loosened or stretch.loosened
        if not parts:
            return alone
        if at < end:
            parts.append(self._alone(series, at, end))
        return _total(parts) if loosened else best(alone, _total(parts))

    def _alone(self, series: str, start: int, end: int) -> Interval:
        """What the series' own reports say, and what follows from the bounds of the series that define it."""
        own = self.solved.get(series)
        known = _NOTHING if self.nonnegative.get(series, True) else _ANYTHING
        if own is not None:
            known = own.solved.between(start, end)
        link = self.links.get(series)
        if link is not None:
            known = best(known, self.defined(link, lambda other: self.between(other, start, end)))
        return known

    def defined(self, link: Link, known: Callable[[str], Interval]) -> Interval:
        """Bounds of the first term of an equality from those of the others (`known` by series id)."""
        lower, upper = 0.0, 0.0
        lower_proof: list[str] = []
        upper_proof: list[str] = []
        for other, coefficient in link.terms[1:]:
            bound = known(other)
            ends = [(bound.lower, bound.lower_proof), (bound.upper, bound.upper_proof)]
            (low, low_ids), (high, high_ids) = ends if coefficient < 0 else ends[::-1]
            lower -= coefficient * low
            upper -= coefficient * high
            lower_proof.extend(low_ids)
            upper_proof.extend(high_ids)
        if self.nonnegative.get(link.terms[0][0], True) and lower <= 0:
            lower, lower_proof = 0.0, []
        return Interval(
            lower,
            upper,
            tuple(lower_proof) if np.isfinite(lower) else (),
            tuple(upper_proof) if np.isfinite(upper) else (),
        )


def best(first: Interval, second: Interval) -> Interval:
    """The tighter end of two bounds of one flow; ties keep the proof of the first."""
    lower, lower_proof = (
        (second.lower, second.lower_proof) if second.lower > first.lower else (first.lower, first.lower_proof)
    )
    upper, upper_proof = (
        (second.upper, second.upper_proof) if second.upper < first.upper else (first.upper, first.upper_proof)
    )
    return Interval(lower, upper, lower_proof, upper_proof)


def _total(parts: Sequence[Interval]) -> Interval:
    lower, upper = sum(p.lower for p in parts), sum(p.upper for p in parts)
    return Interval(
        lower,
        upper,
        sum((p.lower_proof for p in reversed(parts)), ()) if np.isfinite(lower) else (),
        sum((p.upper_proof for p in parts), ()) if np.isfinite(upper) else (),
    )


def couple(
    series: pd.DataFrame,
    solved: Mapping[str, SolvedSeries],
    signed: Mapping[str, Constraints],
    part_of: pd.DataFrame | None,
    breaks: Mapping[str, Sequence[int]],
) -> tuple[Coupling, list[Component]]:
    """Find and settle all stretches.

    Parameters
    ----------
    series : definitions of the series with binding reports.
    solved : those that cannot be negative, each by itself. signed : interval rows of the others, per-day rows expanded.
    part_of : declared parts (`parts.COLUMNS`). breaks : country -> UTC instants at which a new regime starts.
    """
    found = tied.components(series, part_of)
    zones = {str(r["series"]): (str(r["timezone"]), _boundary(r)) for r in series.to_dict("records")}
    stretches: list[Stretch] = []
    links: dict[str, Link] = {}
    nonnegative: dict[str, bool] = dict.fromkeys(signed, False)
    for component in found:
        nonnegative |= component.nonnegative
        links |= {k.terms[0][0]: k for k in component.links if k.sense == "=" and not k.identical_windows}
        stretches += _of_component(component, solved, signed, zones, breaks)
    in_component = {m.series for component in found for m in component.members}
    for name in sorted(set(signed) - in_component):
        lonely = Component((), ())
        for block in cut({name: signed[name]}, {name: False}, ())[1]:
            stretches.append(_stretch(block, lonely, solved, zones[name], ()))
    return Coupling(solved, tuple(stretches), links, nonnegative), found


def _boundary(definition: Mapping[str, Any]) -> str:
    stated = definition.get("day_boundary")
    return stated if isinstance(stated, str) else "00:00"


def _of_component(
    component: Component,
    solved: Mapping[str, SolvedSeries],
    signed: Mapping[str, Constraints],
    zones: Mapping[str, tuple[str, str]],
    breaks: Mapping[str, Sequence[int]],
) -> list[Stretch]:
    rows = {m.series: _rows(m.series, solved, signed) for m in component.members}
    blocks = tied.stretches(component.links, rows, component.nonnegative)
    reported = next(m for m in component.members if not m.derived)
    zone, bends = zones[reported.series], breaks.get(reported.country, ())
    found = [_stretch(block, component, solved, zone, bends) for block in blocks]
    for name in sorted(set(rows) & set(signed)):
        held = [b for b in blocks if name in b.members]
        inside = np.zeros(len(rows[name]), dtype=bool)
        for block in held:
            inside |= (rows[name].start >= block.start) & (rows[name].end <= block.end)
        lonely = cut({name: rows[name].take(~inside)}, {name: False}, ())[1]
        found += [_stretch(block, component, solved, zone, bends) for block in lonely]
    return found


def _rows(series: str, solved: Mapping[str, SolvedSeries], signed: Mapping[str, Constraints]) -> Constraints:
    if series in solved:
        return solved[series].reconciled.relaxed
    if series in signed:
        return signed[series]
    none: FloatArray = np.zeros(0)
    empty, text = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object)
    return Constraints(empty, empty, none, none, text, text, empty, none)


def _stretch(
    block: Block,
    component: Component,
    solved: Mapping[str, SolvedSeries],
    zone: tuple[str, str],
    breaks: Sequence[int],
) -> Stretch:
    first, midnights = days_around(block.start, block.end, *zone)
    whole = np.flatnonzero((midnights[:-1] >= block.start) & (midnights[1:] <= block.end))
    system = CoupledSystem({}, {}, block.links, midnights, (), tuple(breaks))
    stretch = Stretch(Settled(block, system), component, first, midnights, whole, np.zeros((0, 0)), together=False)
    return common_point(stretch, solved)
