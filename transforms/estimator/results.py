"""What the estimator answers with: bounds with signed proofs, conflicts, and what had to give way.

A proof is a sum: each term is the lower or upper end of one statement, times a signed multiplicity, and the terms add
up to the bound (method.md 4.2, 4.7). A reader can check it without a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from transforms.estimator.identities import Identity
from transforms.estimator.statements import IntArray


class Window(NamedTuple):
    """A flow asked for: of a member, between two UTC instants."""

    member: int
    start: int
    end: int


class Term(NamedTuple):
    """One summand of a proof: `times` the `end` of the statement of a report whose window starts at `start`."""

    report_id: str
    end: Literal["lower", "upper"]
    times: float
    start: int


@dataclass(frozen=True)
class Bound:
    """Tightest bounds of one flow, in whole crossings outwards; -inf / inf where there is none, with their proofs.

    Terms stand in the order of the path (difference constraints) or by instant and report (linear programming). No
    terms: the end is unbounded, or it is 0 because a flow cannot be negative. Where reports clash, `lower_aside` and
    `upper_aside` are those set aside in the explanation that attains the end; `contested`: explanations differ on it.
    """

    lower: float
    upper: float
    lower_terms: tuple[Term, ...] = ()
    upper_terms: tuple[Term, ...] = ()
    lower_aside: tuple[str, ...] = ()
    upper_aside: tuple[str, ...] = ()
    contested: bool = False

    @property
    def lower_proof(self) -> tuple[str, ...]:
        """The reports behind the lower end, one for each term."""
        return tuple(t.report_id for t in self.lower_terms)

    @property
    def upper_proof(self) -> tuple[str, ...]:
        """The reports behind the upper end, one for each term."""
        return tuple(t.report_id for t in self.upper_terms)


NOTHING = Bound(0.0, np.inf)
ANYTHING = Bound(-np.inf, np.inf)


def best(first: Bound, second: Bound) -> Bound:
    """The tighter end of two bounds of one flow; ties keep the proof of the first."""
    low = second if second.lower > first.lower else first
    high = second if second.upper < first.upper else first
    return _of_ends(low, high, contested=low.contested or high.contested)


def hull(bounds: Sequence[Bound], asides: Sequence[tuple[str, ...]]) -> Bound:
    """What holds whichever explanation is right: the smallest lower and the largest upper end of one flow.

    bounds, asides : per explanation, the bound and the reports it sets aside; of equal ends the first counts.
    """
    low = min(range(len(bounds)), key=lambda k: bounds[k].lower)
    high = max(range(len(bounds)), key=lambda k: bounds[k].upper)
    differ = any((b.lower, b.upper) != (bounds[0].lower, bounds[0].upper) for b in bounds)
    low_end = replace(bounds[low], lower_aside=asides[low] if differ else ())
    return _of_ends(low_end, replace(bounds[high], upper_aside=asides[high] if differ else ()), contested=differ)


def _of_ends(low: Bound, high: Bound, *, contested: bool) -> Bound:
    return Bound(
        low.lower, high.upper, low.lower_terms, high.upper_terms, low.lower_aside, high.upper_aside, contested=contested
    )


def at_least(part: Bound) -> Bound:
    """What a part says of its whole."""
    return replace(part, upper=np.inf, upper_terms=(), upper_aside=())


def at_most(whole: Bound) -> Bound:
    """What a whole says of a part that cannot be negative."""
    return replace(whole, lower=0.0, lower_terms=(), lower_aside=())


def total(parts: Sequence[Bound]) -> Bound:
    """The bound of consecutive flows together, which nothing ties; the path of a lower bound runs back in time."""
    lower, upper = sum(p.lower for p in parts), sum(p.upper for p in parts)
    return Bound(
        lower,
        upper,
        tuple(t for p in reversed(parts) for t in p.lower_terms) if np.isfinite(lower) else (),
        tuple(t for p in parts for t in p.upper_terms) if np.isfinite(upper) else (),
        _together(p.lower_aside for p in parts),
        _together(p.upper_aside for p in parts),
        any(p.contested for p in parts),
    )


def _together(asides: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({i for aside in asides for i in aside}))


def defined(identity: Identity, known: Callable[[str], Bound], *, nonnegative: bool) -> Bound:
    """Bounds of the first series of an equality from those of the others (`known` by series id)."""
    lower, upper = 0.0, 0.0
    lower_terms: list[Term] = []
    upper_terms: list[Term] = []
    bounds = [(known(other), coefficient) for other, coefficient in identity.terms[1:]]
    for bound, coefficient in bounds:
        ends = [(bound.lower, bound.lower_terms), (bound.upper, bound.upper_terms)]
        (low, low_terms), (high, high_terms) = ends if coefficient < 0 else ends[::-1]
        lower -= coefficient * low
        upper -= coefficient * high
        lower_terms.extend(times(low_terms, -coefficient))
        upper_terms.extend(times(high_terms, -coefficient))
    if nonnegative and lower <= 0:
        lower, lower_terms = 0.0, []
    return Bound(
        lower,
        upper,
        tuple(lower_terms) if np.isfinite(lower) else (),
        tuple(upper_terms) if np.isfinite(upper) else (),
        _together(b.lower_aside if c < 0 else b.upper_aside for b, c in bounds),
        _together(b.upper_aside if c < 0 else b.lower_aside for b, c in bounds),
        any(b.contested for b, _ in bounds),
    )


def times(terms: Sequence[Term], factor: float) -> list[Term]:
    """The terms, each times a factor."""
    return [t._replace(times=t.times * factor) for t in terms]


@dataclass(frozen=True)
class Change:
    """The smallest change of one report alone that would make a conflicting set agree."""

    report_id: str
    side: Literal["lower", "upper"]  # lower: its lower end must fall; upper: its upper end must rise
    before: float
    after: float


@dataclass(frozen=True)
class Conflict:
    """An irreducible set of reports that cannot all hold under the identities named.

    Attributes
    ----------
    report_ids : sorted for one series; by instant and then id where identities tie several.
    identities : those it needs; empty where the reports of one series contradict each other by themselves.
    series : the series of the reports.
    gap : least total movement of interval ends that makes the set agree, crossings.
    at_most : reports whose upper ends clash, in order of time; together they allow at most `most`.
    at_least : reports whose lower ends clash, in order of time; together they demand at least `least`.
    start, end : UTC instants the set spans.
    changes : the smallest change of each report, where the set is one cycle of statements of one series.
    set_aside : the report left out to look for further conflicts: the lowest tier, then the longest window (single days
        are the better evidence, and the same clash is not told twice with other days), then the last id.
    """

    report_ids: tuple[str, ...]
    identities: tuple[Identity, ...]
    series: tuple[str, ...]
    gap: float
    at_most: tuple[str, ...]
    at_least: tuple[str, ...]
    most: float
    least: float
    start: int
    end: int
    changes: tuple[Change, ...]
    set_aside: str


@dataclass(frozen=True)
class Fallback:
    """A step that did not come out as the method asks; becomes a finding of rule V70.

    Attributes
    ----------
    step : path, level, whole persons, bounds, firm, conflicts.
    series : the series concerned. start, end : UTC instants concerned.
    observed, expected : what came out, what should have.
    message : in plain words. report_ids : reports concerned, where there are some.
    """

    step: str
    series: tuple[str, ...]
    start: int
    end: int
    observed: str
    expected: str
    message: str
    report_ids: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Rounded:
    """Whole flows next to a path: cumulative counts at its nodes, and per statement the crossings by which it is missed."""

    cumulative: IntArray
    missed: IntArray
