"""What the estimator answers with: bounds with signed proofs, conflicts, and what had to give way.

A proof is a sum: each term is the lower or upper end of one statement, times a signed multiplicity, and the terms add
up to the bound (method.md 4.2, 4.7). A reader can check it without a solver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
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
    terms: the end is unbounded, or it is 0 because a flow cannot be negative. Where explanations of a clash differ
    (`contested`), `lower_aside` and `upper_aside` are the reports that are wrong if the flow comes to that end, and
    `lower_otherwise`, `upper_otherwise` the ends if they are not; None where that cannot be told apart.
    """

    lower: float
    upper: float
    lower_terms: tuple[Term, ...] = ()
    upper_terms: tuple[Term, ...] = ()
    lower_aside: tuple[str, ...] = ()
    upper_aside: tuple[str, ...] = ()
    contested: bool = False
    lower_otherwise: float | None = None
    upper_otherwise: float | None = None

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
    lower, upper = [b.lower for b in bounds], [b.upper for b in bounds]
    found = _of_ends(bounds[lower.index(min(lower))], bounds[upper.index(max(upper))], contested=False)
    return attributed(found, lower, upper, tuple(asides))


def attributed(
    bound: Bound, lower: Sequence[float], upper: Sequence[float], asides: tuple[tuple[str, ...], ...]
) -> Bound:
    """A hull with what must be wrong for either end.

    lower, upper : both ends under each explanation. asides : the reports that each sets aside.
    """
    low, otherwise_low = _wrong([-v for v in lower], asides)
    high, otherwise_high = _wrong(upper, asides)
    return replace(
        bound, lower_aside=low, upper_aside=high, contested=bool(low or high),
        lower_otherwise=None if otherwise_low is None else -otherwise_low, upper_otherwise=otherwise_high,
    )  # fmt: skip


def _wrong(ends: Sequence[float], asides: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], float | None]:
    """Reports that are wrong where the greatest of some ends is attained, as few as say so, and the greatest otherwise."""
    most = max(ends)
    if min(ends) == most:
        return (), None
    aside = _fewest(tuple(end == most for end in ends), asides)
    return aside, max(end for end, other in zip(ends, asides, strict=True) if not set(aside) <= set(other))


@lru_cache(maxsize=1024)
def _fewest(attained: tuple[bool, ...], asides: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Of the first explanation that attains an end, what is in none that does not: the choices of other clusters drop out."""
    kept = set(asides[attained.index(True)])
    for report_id in sorted(kept):
        fewer = kept - {report_id}
        if all(ok for ok, aside in zip(attained, asides, strict=True) if fewer <= set(aside)):
            kept = fewer
    return tuple(sorted(kept))


def _of_ends(low: Bound, high: Bound, *, contested: bool) -> Bound:
    return Bound(
        low.lower, high.upper, low.lower_terms, high.upper_terms, low.lower_aside, high.upper_aside, contested,
        low.lower_otherwise, high.upper_otherwise,
    )  # fmt: skip


def at_least(part: Bound) -> Bound:
    """What a part says of its whole."""
    return replace(part, upper=np.inf, upper_terms=(), upper_aside=(), upper_otherwise=None)


def at_most(whole: Bound) -> Bound:
    """What a whole says of a part that cannot be negative."""
    return replace(whole, lower=0.0, lower_terms=(), lower_aside=(), lower_otherwise=None)


def total(parts: Sequence[Bound]) -> Bound:
    """The bound of consecutive flows together, which nothing ties; the path of a lower bound runs back in time."""
    return replace(_sum(parts), lower_terms=_sum(parts[::-1]).lower_terms)


def defined(identity: Identity, known: Callable[[str], Bound], *, nonnegative: bool) -> Bound:
    """Bounds of the first series of an equality from those of the others (`known` by series id)."""
    found = _sum([_multiple(known(other), -coefficient) for other, coefficient in identity.terms[1:]])
    if not nonnegative or found.lower > 0:
        return found
    otherwise = None if found.lower_otherwise is None else max(found.lower_otherwise, 0.0)
    return replace(found, lower=0.0, lower_terms=(), lower_otherwise=otherwise)


def _sum(parts: Sequence[Bound]) -> Bound:
    lower, upper = sum(p.lower for p in parts), sum(p.upper for p in parts)
    return Bound(
        lower,
        upper,
        tuple(t for p in parts for t in p.lower_terms) if np.isfinite(lower) else (),
        tuple(t for p in parts for t in p.upper_terms) if np.isfinite(upper) else (),
        _together(p.lower_aside for p in parts),
        _together(p.upper_aside for p in parts),
        any(p.contested for p in parts),
        _otherwise([(p.lower, p.lower_aside, p.lower_otherwise) for p in parts]),
        _otherwise([(p.upper, p.upper_aside, p.upper_otherwise) for p in parts]),
    )


def _otherwise(ends: Sequence[tuple[float, tuple[str, ...], float | None]]) -> float | None:
    """The sum of some ends if the reports behind the one contested among them are right; None where several are."""
    doubted = [otherwise for _, aside, otherwise in ends if aside]
    if len(doubted) != 1 or doubted[0] is None:
        return None
    return sum(end for end, aside, _ in ends if not aside) + doubted[0]


def _together(asides: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({i for aside in asides for i in aside}))


def _multiple(bound: Bound, factor: float) -> Bound:
    """Bounds of a multiple of a flow; those of a negative one change places."""
    lower = bound.lower, bound.lower_terms, bound.lower_aside, bound.lower_otherwise
    upper = bound.upper, bound.upper_terms, bound.upper_aside, bound.upper_otherwise
    ends = []
    for end, terms, aside, otherwise in (lower, upper):
        scaled = tuple(t._replace(times=t.times * factor) for t in terms)
        ends.append((factor * end, scaled, aside, None if otherwise is None else factor * otherwise))
    low, high = ends if factor > 0 else ends[::-1]
    return Bound(low[0], high[0], low[1], high[1], low[2], high[2], bound.contested, low[3], high[3])


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
