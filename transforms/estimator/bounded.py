"""Bounds of any flow of a series or a stretch, block by block; where reports clash, the hull over what may be wrong.

In: blocks, and for groups that do not agree their admitted explanations. Out: `Bounded`, which answers for days at once
and for any two instants. A bound holds if the reports hold; where they clash, if the wrong ones are among the sets
named (method.md 4.4).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Protocol

import numpy as np

from transforms.estimator.engine import Engine, Engines
from transforms.estimator.pieces import distinct
from transforms.estimator.results import Bound, Term, Window, attributed, hull, total
from transforms.estimator.statements import IntArray
from transforms.estimator.system import Block


class Part(Protocol):
    """What bounds flows inside some spans of time, which nothing straddles."""

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Start and end of each, UTC seconds, in order."""
        ...

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
        """Tightest flow in each window; each lies inside one span. `known` : see `Engine.bounds`."""
        ...

    def between(self, member: int, start: int, end: int) -> Bound:
        """Tightest flow between two instants, as far as it lies inside the spans."""
        ...


@dataclass(frozen=True, eq=False)
class Agreed:
    """A block whose reports agree."""

    engine: Engine

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """The one of its block."""
        return [(self.engine.block.start, self.engine.block.end)]

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
        """As the engine says."""
        return self.engine.bounds(windows, known)

    def between(self, member: int, start: int, end: int) -> Bound:
        """As the engine says."""
        block = self.engine.block
        return self.engine.bounds([Window(member, max(start, block.start), min(end, block.end))])[0]


class _Proved:
    """Ends of one flow that explanations have proved, by the doubtful reports in the proof."""

    def __init__(self) -> None:
        self.lower: dict[frozenset[str], tuple[float, tuple[Term, ...]]] = {}
        self.upper: dict[frozenset[str], tuple[float, tuple[Term, ...]]] = {}

    def add(self, bound: Bound, doubtful: frozenset[str]) -> None:
        """Take note of what an explanation proved."""
        cited = doubtful.intersection(bound.lower_proof)
        if cited not in self.lower or bound.lower > self.lower[cited][0]:
            self.lower[cited] = bound.lower, bound.lower_terms
        cited = doubtful.intersection(bound.upper_proof)
        if cited not in self.upper or bound.upper < self.upper[cited][0]:
            self.upper[cited] = bound.upper, bound.upper_terms

    def without(self, aside: Sequence[str]) -> Bound:
        """The tightest of what holds once some reports are set aside."""
        lower = max(((-np.inf, ()), *(e for c, e in self.lower.items() if c.isdisjoint(aside))), key=lambda e: e[0])
        upper = min(((np.inf, ()), *(e for c, e in self.upper.items() if c.isdisjoint(aside))), key=lambda e: e[0])
        return Bound(lower[0], upper[0], lower[1], upper[1])


@dataclass(frozen=True, eq=False)
class Contested:
    """A group of blocks whose reports clash, under every admitted explanation.

    Attributes
    ----------
    blocks : those of the group. asides : reports that each explanation sets aside. engines : who answers about a block.
    """

    blocks: tuple[Block, ...]
    asides: tuple[tuple[str, ...], ...]
    engines: Engines

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """Those of its blocks."""
        return [(block.start, block.end) for block in self.blocks]

    @cached_property
    def answers(self) -> tuple[Bounded, ...]:
        """What each explanation leaves, bounded."""
        signed = tuple(map(bool, self.blocks[0].signed))
        left = [[p for b in self.blocks for p in b.without(frozenset(aside)).blocks()] for aside in self.asides]
        return tuple(agreed(blocks, self.engines, signed) for blocks in left)

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:  # noqa: ARG002
        """The hull over the explanations."""
        asked, of = distinct(windows, np.unique(np.concatenate([block.nodes for block in self.blocks])))
        found: list[Bound | None] = [None] * len(asked)
        for block in self.blocks:
            inside = [k for k, w in enumerate(asked) if w.start >= block.start and w.end <= block.end]
            if inside:
                for k, bound in zip(inside, self._in_block(block, [asked[k] for k in inside]), strict=True):
                    found[k] = bound
        hulls = [bound if bound is not None else self.between(*w) for w, bound in zip(asked, found, strict=True)]
        return [hulls[k] for k in of]

    def _in_block(self, block: Block, windows: Sequence[Window]) -> list[Bound]:
        """The hull of windows inside one block: at once where the engine can, else one explanation after the other."""
        hulls = self.engines(block).hull(windows, [block.statements.of(frozenset(aside)) for aside in self.asides])
        if hulls is None:
            return self._one_by_one(windows)
        return [attributed(h.bound, h.lower.tolist(), h.upper.tolist(), self.asides) for h in hulls]

    def _one_by_one(self, windows: Sequence[Window]) -> list[Bound]:
        """Explanation by explanation; what one proves holds in others that keep the reports of the proof."""
        proved = [_Proved() for _ in windows]
        each: list[list[Bound]] = []
        for aside, answer in zip(self.asides, self.answers, strict=True):
            usable = self._terms_suffice and bool(each)
            found = answer.bounds(windows, [p.without(aside) for p in proved] if usable else ())
            for p, bound in zip(proved, found, strict=True):
                p.add(bound, self._doubtful)
            each.append(found)
        return [hull(found, self.asides) for found in zip(*each, strict=True)]

    @cached_property
    def _doubtful(self) -> frozenset[str]:
        """Reports that some explanation sets aside."""
        return frozenset(i for aside in self.asides for i in aside)

    @cached_property
    def _terms_suffice(self) -> bool:
        """Whether a proof needs no reports but those of its terms: none makes an identity hold by its window."""
        return not any(k.identical_windows for block in self.blocks for k in block.identities)

    def between(self, member: int, start: int, end: int) -> Bound:
        """The hull over the explanations: one of them holds for the whole group."""
        inside = [(max(start, a), min(end, b)) for a, b in self.spans if a < end and b > start]
        each = [total([answer.between(member, a, b) for a, b in inside]) for answer in self.answers]
        return hull(each, self.asides)


@dataclass(frozen=True, eq=False)
class Doubted:
    """Flows about which some reports speak that are contested elsewhere.

    Attributes
    ----------
    sure, unsure : what is known if they are right, and if they are all wrong. ids : those reports.
    """

    sure: Bounded
    unsure: Bounded
    ids: tuple[str, ...]

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """One that holds those of all parts."""
        spans = [span for part in self.sure.parts for span in part.spans]
        return [(min(a for a, _ in spans), max(b for _, b in spans))] if spans else []

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:  # noqa: ARG002
        """The hull of both."""
        pairs = zip(self.sure.bounds(windows), self.unsure.bounds(windows), strict=True)
        return [hull(pair, ((), self.ids)) for pair in pairs]

    def between(self, member: int, start: int, end: int) -> Bound:
        """The hull of both."""
        return hull([bounded.between(member, start, end) for bounded in (self.sure, self.unsure)], ((), self.ids))


@dataclass(frozen=True, eq=False)
class Nothing:
    """A block about which nothing is known, because too many explanations are possible."""

    block: Block

    @property
    def spans(self) -> Sequence[tuple[int, int]]:
        """That of the block."""
        return [(self.block.start, self.block.end)]

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:  # noqa: ARG002
        """No bounds but those of any flow."""
        return [_outside(bool(self.block.signed[w.member])) for w in windows]

    def between(self, member: int, start: int, end: int) -> Bound:  # noqa: ARG002
        """No bounds but those of any flow."""
        return _outside(bool(self.block.signed[member]))


def _outside(signed: bool) -> Bound:
    return Bound(-np.inf if signed else 0.0, np.inf)


@dataclass(frozen=True, eq=False)
class Bounded:
    """Flows of some members, ready to be bounded.

    Attributes
    ----------
    parts : what bounds which spans of time. signed : per member, whether its flow may be negative.
    """

    parts: tuple[Part, ...]
    signed: tuple[bool, ...] = (False,)

    @cached_property
    def _spans(self) -> tuple[list[int], list[int], list[int]]:
        """Starts and ends of all spans in order of time, which never overlap, and the part of each."""
        spans = sorted((a, b, k) for k, part in enumerate(self.parts) for a, b in part.spans)
        return [a for a, _, _ in spans], [b for _, b, _ in spans], [k for _, _, k in spans]

    def between(self, member: int, start: int, end: int) -> Bound:
        """Tightest bounds of the flow between two instants, start <= end.

        What lies outside every report adds nothing to the lower bound and makes the upper one unbounded.
        """
        starts, ends, parts = self._spans
        low, high = bisect_right(ends, start), bisect_left(starts, end)
        filled = sum(min(end, ends[k]) - max(start, starts[k]) for k in range(low, high))
        touched = dict.fromkeys(parts[low:high])
        bounds = [self.parts[k].between(member, start, end) for k in touched]
        if filled < end - start:
            bounds.append(_outside(self.signed[member]))
        return total(bounds)

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
        """Tightest bounds of many windows; those inside one span are answered at once. `known` : see `Engine.bounds`."""
        starts, ends, parts = self._spans
        inside: dict[int, list[int]] = {}
        found: list[Bound | None] = [None] * len(windows)
        for number, window in enumerate(windows):
            k = bisect_right(starts, window.start) - 1
            if k >= 0 and window.end <= ends[k]:
                inside.setdefault(parts[k], []).append(number)
        for k, numbers in inside.items():
            mine = self.parts[k].bounds([windows[n] for n in numbers], [known[n] for n in numbers] if known else ())
            for number, bound in zip(numbers, mine, strict=True):
                found[number] = bound
        return [bound if bound is not None else self.between(*w) for w, bound in zip(windows, found, strict=True)]

    def days(self, midnights: IntArray, member: int = 0) -> list[Bound]:
        """Bounds of the days between consecutive midnights, with their proofs."""
        return self.bounds([Window(member, int(a), int(b)) for a, b in pairwise(midnights.tolist())])


def either(sure: Bounded, unsure: Bounded, doubted: frozenset[str]) -> Bounded:
    """What holds whether or not some reports are wrong; `unsure` is what is known without them."""
    return Bounded((Doubted(sure, unsure, tuple(sorted(doubted))),), sure.signed)


def agreed(blocks: Sequence[Block], engines: Engines, signed: tuple[bool, ...] = (False,)) -> Bounded:
    """Blocks whose reports agree."""
    return Bounded(tuple(Agreed(engines(block)) for block in blocks), signed)
