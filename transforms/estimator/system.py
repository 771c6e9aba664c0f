"""Systems of series: members, what is said of them, the identities that tie them; cut in time into blocks.

In: interval rows per series and the identities between the series. Out: independent blocks of time (method.md 4.2,
cut at instants that no statement straddles), and the stretches in which identities say something (4.7).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from crossings.errors import CrossingsError
from transforms.estimator.identities import SUMS, Identity, groups, ordered
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements, canonical, gathered


@dataclass(frozen=True, eq=False)
class Block:
    """A stretch of time that no statement straddles at either end, with everything said inside it.

    Attributes
    ----------
    members : series ids in order of name; `signed` marks those that may be negative.
    identities : those between the members, in their fixed order.
    statements : the rows inside the block, in their fixed order.
    """

    members: tuple[str, ...]
    signed: BoolArray
    identities: tuple[Identity, ...]
    statements: Statements

    @cached_property
    def nodes(self) -> IntArray:
        """All instants at which a window starts or ends."""
        return np.unique(np.concatenate([self.statements.start, self.statements.end]))

    @property
    def start(self) -> int:
        """First instant."""
        return int(self.nodes[0])

    @property
    def end(self) -> int:
        """Last instant."""
        return int(self.nodes[-1])

    @cached_property
    def reported(self) -> tuple[int, ...]:
        """Members that have a statement in the block."""
        return tuple(int(m) for m in np.unique(self.statements.member))

    @cached_property
    def report_ids(self) -> tuple[str, ...]:
        """The reports, by first instant and then id."""
        first: dict[str, int] = {}
        for start, report_id in zip(self.statements.start.tolist(), self.statements.report_id, strict=True):
            first.setdefault(str(report_id), start)
        return tuple(sorted(first, key=lambda r: (first[r], r)))

    def position(self, series: str) -> int:
        """Number of a member."""
        return self.members.index(series)

    def take(self, rows: BoolArray | NDArray[np.intp]) -> Block:
        """The block with some of its rows."""
        return replace(self, statements=self.statements.take(rows))

    def only(self, report_ids: Sequence[str]) -> Block:
        """The block with nothing but the given reports."""
        return self.take(self.statements.of(report_ids))

    def without(self, report_ids: frozenset[str]) -> Block:
        """The block with the given reports set aside."""
        return self.take(~self.statements.of(report_ids))

    def under(self, identities: Sequence[Identity]) -> Block:
        """The block under other identities."""
        return replace(self, identities=tuple(identities))

    def with_intervals(self, lower: FloatArray, upper: FloatArray) -> Block:
        """The block with other intervals."""
        return replace(self, statements=replace(self.statements, lower=lower, upper=upper))

    def blocks(self) -> list[Block]:
        """Itself, cut again: fewer reports may straddle fewer instants."""
        return [self.take(rows) for rows in cuts(self.statements)]


def cuts(statements: Statements) -> list[NDArray[np.intp]]:
    """Rows of independent blocks, in time order; `statements` are in canonical order."""
    s = statements
    if not len(s):
        return []
    reach = np.maximum.accumulate(s.end)
    opens = np.flatnonzero(np.concatenate([[True], s.start[1:] >= reach[:-1]]))
    return np.split(np.arange(len(s)), opens[1:])


def sharing_origins(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that share an origin, directly or through others, together; in order of their first block."""
    group = list(range(len(blocks)))

    def root(k: int) -> int:
        while group[k] != k:
            k = group[k]
        return k

    first: dict[str, int] = {}
    for k, block in enumerate(blocks):
        for origin in set(map(str, block.statements.origin_id)):
            one, other = sorted((root(first.setdefault(origin, k)), root(k)))
            group[other] = one
    found: dict[int, list[Block]] = {}
    for k, block in enumerate(blocks):
        found.setdefault(root(k), []).append(block)
    return list(found.values())


def one_series(series: str, statements: Statements) -> list[Block]:
    """The blocks of one series of flows that cannot be negative; rows that state nothing are in none."""
    s = canonical(statements)
    s = s.take((s.lower > 0) | np.isfinite(s.upper))
    return [Block((series,), np.zeros(1, dtype=bool), (), s.take(rows)) for rows in cuts(s)]


def cut(
    members: Mapping[str, Statements], nonnegative: Mapping[str, bool], identities: Sequence[Identity]
) -> list[Block]:
    """The independent blocks of some series, members in order of name, in order of time.

    Raises CrossingsError where an identity names a series that is no member, or a member has no declared sign.
    """
    order = tuple(sorted(members))
    strangers = sorted({s for identity in identities for s in identity.series} - set(order))
    if strangers:
        raise CrossingsError(
            f"identities name series that are no members: {', '.join(strangers)}",
            "give every tied series as a member, with no rows if nothing is reported",
        )
    unsigned = sorted(set(order) - set(nonnegative))
    if unsigned:
        raise CrossingsError(
            f"no sign is declared for {', '.join(unsigned)}", "say in `nonnegative` whether the series may be negative"
        )
    statements = gathered(members, order)
    signed = np.array([not nonnegative[name] for name in order], dtype=np.bool_)
    whole = Block(order, signed, ordered(identities), statements)
    return whole.blocks()


def stretches(
    members: Mapping[str, Statements], nonnegative: Mapping[str, bool], identities: Sequence[Identity]
) -> list[Block]:
    """The smallest blocks in which at least two series with statements restrict each other, in order of time.

    Whatever is in no stretch is left to the single series, whose answer the identities could not change there. A
    block holds the members that matter in it; members without rows only follow from others.
    """
    found: list[Block] = []
    for block in cut(members, nonnegative, identities):
        for group in groups(_telling(block)):
            inner = {s for identity in group for s in identity.series}
            # A sum or difference of members that restrict each other is tighter than that of their bounds.
            group += [
                k for k in block.identities
                if k not in group and k.kind in SUMS and inner.issuperset(k.series[1:])
            ]  # fmt: skip
            names = sorted({s for identity in group for s in identity.series})
            if len(names) == len(block.members) and len(group) == len(block.identities):
                found.append(block)
                continue
            span = [(block.start, block.end)]
            inside = {name: members[name].take(members[name].within(span)) for name in names}
            found += stretches(inside, {name: nonnegative[name] for name in names}, group)
    return sorted(found, key=lambda b: (b.start, b.members))


def _telling(block: Block) -> list[Identity]:
    """The identities that restrict series with statements here; those that only define another series drop out."""
    reported = {block.members[m] for m in block.reported}
    kept = list(block.identities)
    while True:
        uses = Counter(s for identity in kept for s in identity.series)
        fewer = [k for k in kept if _restricts(k, reported, uses)]
        if len(fewer) == len(kept):
            return fewer
        kept = fewer


def _restricts(identity: Identity, reported: set[str], uses: Counter[str]) -> bool:
    names = list(identity.series)
    if identity.identical_windows:
        return reported.issuperset(names)
    free = [s for s in names if s not in reported and uses[s] == 1]
    return len(names) - len(free) >= 2 and not (identity.kind in SUMS and free == names[:1])
