"""Blocks of coupled series: what the reports of several tied series say, on one time axis.

In: interval rows per series and the linear identities between the series. Out: independent blocks of time, each with
its rows in one fixed order and the sparse matrices that tie elementary flows to reports and identities. The maths is
in method.md 4.1, 4.2 (cutting at instants that no report straddles) and 4.7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from crossings.errors import CrossingsError
from transforms.estimator.constraints import Constraints, FloatArray, IntArray, TextArray

BoolArray: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True)
class Link:
    """A linear identity between series: `sum(coefficient * flow) sense rhs`.

    Attributes
    ----------
    kind : net, both, sum, rest, part, subset or persons; for people.
    terms : (series, coefficient) pairs; the first term is the one the identity defines (NET, BOTH, WHOLE, REST).
    sense : "=" or "<=".
    rhs : always 0: an identity holds for every window, however short, so it cannot carry a constant.
    identical_windows : the identity holds only for windows that every one of its series reports as such, because one
        of them does not add up over time (distinct persons); otherwise for every pair of consecutive nodes.
    """

    kind: str
    terms: tuple[tuple[str, int], ...]
    sense: Literal["=", "<="] = "="
    rhs: int = 0
    identical_windows: bool = False

    def __post_init__(self) -> None:
        if self.rhs != 0:
            raise CrossingsError(
                f"link {self} has a right-hand side other than 0", "state the constant as a report of one of its series"
            )

    def __str__(self) -> str:
        """The identity in words, such as `net: N = E - X`."""
        (first, coefficient), *others = self.terms
        sign = 1 if coefficient > 0 else -1
        right = " ".join(f"{'-' if sign * c > 0 else '+'} {_times(c)}{s}" for s, c in others)
        return f"{self.kind}: {_times(coefficient)}{first} {self.sense} {right.removeprefix('+ ')}"


def _times(coefficient: int) -> str:
    return "" if abs(coefficient) == 1 else f"{abs(coefficient)} * "


@dataclass(frozen=True, eq=False)
class Statements:
    """The interval rows of all members in one fixed order, so that the order of the input never matters."""

    member: IntArray
    start: IntArray
    end: IntArray
    lower: FloatArray
    upper: FloatArray
    report_id: TextArray
    tier: IntArray
    sigma: FloatArray

    def __len__(self) -> int:
        return len(self.start)

    def take(self, rows: NDArray[np.intp] | BoolArray) -> Self:
        """The given rows, in the given order."""
        return type(self)(
            self.member[rows],
            self.start[rows],
            self.end[rows],
            self.lower[rows],
            self.upper[rows],
            self.report_id[rows],
            self.tier[rows],
            self.sigma[rows],
        )


def gather(members: Mapping[str, Constraints], order: Sequence[str]) -> Statements:
    """All rows of all members by instant, member and report id; a row that is there twice counts once."""
    parts = [(i, members[name]) for i, name in enumerate(order)]
    statements = Statements(
        np.concatenate([np.full(len(c), i, dtype=np.int64) for i, c in parts]),
        np.concatenate([c.start for _, c in parts]).astype(np.int64),
        np.concatenate([c.end for _, c in parts]).astype(np.int64),
        np.concatenate([c.lower for _, c in parts]).astype(np.float64),
        np.concatenate([c.upper for _, c in parts]).astype(np.float64),
        np.concatenate([c.report_id for _, c in parts]).astype(object),
        np.concatenate([c.tier for _, c in parts]).astype(np.int64),
        np.concatenate([c.sigma for _, c in parts]).astype(np.float64),
    )
    keys = [
        (int(s), int(e), int(m), str(r), float(lo), float(hi))
        for s, e, m, r, lo, hi in zip(
            statements.start,
            statements.end,
            statements.member,
            statements.report_id,
            statements.lower,
            statements.upper,
            strict=True,
        )
    ]
    ranked = sorted(range(len(keys)), key=keys.__getitem__)
    first = [i for k, i in enumerate(ranked) if k == 0 or keys[i] != keys[ranked[k - 1]]]
    return statements.take(np.array(first, dtype=np.intp))


@dataclass(frozen=True, eq=False)
class Grid:
    """Elementary pieces of time: the segments between `edges`, those marked in `split` cut into two.

    A segment is split where a window asked for covers only a part of it. Where inside it the cut lies does not
    matter: every identity is homogeneous and holds piece by piece, so all proper parts of a segment have the same
    bounds.
    """

    edges: IntArray
    split: BoolArray

    @cached_property
    def first_piece(self) -> IntArray:
        """Number of the first piece of each segment, and the number of pieces at the end."""
        return np.concatenate([[0], np.cumsum(1 + self.split.astype(np.int64))]).astype(np.int64)

    @property
    def n_pieces(self) -> int:
        """How many pieces there are."""
        return int(self.first_piece[-1])

    def segments(self, start: int, end: int) -> tuple[int, int, bool, bool]:
        """First and last-plus-one segment that [start, end) touches, and whether it covers these two wholly."""
        a = int(np.searchsorted(self.edges, start, side="right")) - 1
        b = int(np.searchsorted(self.edges, end, side="left"))
        return a, b, bool(self.edges[a] == start), bool(self.edges[b] == end)

    def pieces(self, start: int, end: int) -> list[int]:
        """The pieces of [start, end); of a segment covered in part, its first piece."""
        a, b, whole_a, whole_b = self.segments(start, end)
        chosen: list[int] = []
        for s in range(a, b):
            partly = (s == a and not whole_a) or (s == b - 1 and not whole_b)
            upto = self.first_piece[s] + 1 if partly else self.first_piece[s + 1]
            chosen.extend(range(int(self.first_piece[s]), int(upto)))
        return chosen


@dataclass(frozen=True, eq=False)
class Block:
    """A stretch of time that no report straddles at either end, with everything said inside it.

    Attributes
    ----------
    members : series ids; `signed` marks those that may be negative.
    links : the identities.
    statements : the rows inside the block.
    """

    members: tuple[str, ...]
    signed: BoolArray
    links: tuple[Link, ...]
    statements: Statements

    @cached_property
    def edges(self) -> IntArray:
        """All starts and ends of reports."""
        return np.unique(np.concatenate([self.statements.start, self.statements.end]))

    @property
    def start(self) -> int:
        """First instant."""
        return int(self.edges[0])

    @property
    def end(self) -> int:
        """Last instant."""
        return int(self.edges[-1])

    @cached_property
    def coarse(self) -> Grid:
        """One piece between consecutive ends of reports."""
        return Grid(self.edges, np.zeros(len(self.edges) - 1, dtype=np.bool_))

    @cached_property
    def reported(self) -> frozenset[int]:
        """Members that have a report in the block."""
        return frozenset(int(m) for m in np.unique(self.statements.member))

    def only(self, rows: BoolArray, links: Sequence[Link]) -> Block:
        """The same block with some rows and some identities left out."""
        return replace(self, statements=self.statements.take(rows), links=tuple(links))

    def with_intervals(self, lower: FloatArray, upper: FloatArray) -> Block:
        """The same block with other intervals."""
        return replace(self, statements=replace(self.statements, lower=lower, upper=upper))

    def coverage(self, grid: Grid) -> sp.csr_array:
        """Statements x (member, piece): 1 where the flow of that member in that piece is part of the statement."""
        rows: list[int] = []
        columns: list[int] = []
        s = self.statements
        for i in range(len(s)):
            pieces = grid.pieces(int(s.start[i]), int(s.end[i]))
            rows.extend([i] * len(pieces))
            columns.extend(int(s.member[i]) * grid.n_pieces + p for p in pieces)
        return _csr(np.ones(len(rows)), rows, columns, (len(s), len(self.members) * grid.n_pieces))

    def identities(self, grid: Grid) -> tuple[sp.csr_array, BoolArray, IntArray]:
        """Identity rows x (member, piece), whether each is an equality, and which link each belongs to."""
        position = {name: i for i, name in enumerate(self.members)}
        rows: list[int] = []
        columns: list[int] = []
        values: list[float] = []
        equal: list[bool] = []
        which: list[int] = []
        for k, link in enumerate(self.links):
            for pieces in self._windows_of(link, grid):
                for series, coefficient in link.terms:
                    rows.extend([len(equal)] * len(pieces))
                    columns.extend(position[series] * grid.n_pieces + p for p in pieces)
                    values.extend([float(coefficient)] * len(pieces))
                equal.append(link.sense == "=")
                which.append(k)
        matrix = _csr(np.array(values), rows, columns, (len(equal), len(self.members) * grid.n_pieces))
        return matrix, np.array(equal, dtype=np.bool_), np.array(which, dtype=np.int64)

    def _windows_of(self, link: Link, grid: Grid) -> list[list[int]]:
        if not link.identical_windows:
            return [[p] for p in range(grid.n_pieces)]
        s = self.statements
        shared: set[tuple[int, int]] | None = None
        for series, _ in link.terms:
            own = s.member == self.members.index(series)
            windows = set(zip(s.start[own].tolist(), s.end[own].tolist(), strict=True))
            shared = windows if shared is None else shared & windows
        return [grid.pieces(a, b) for a, b in sorted(shared or ())]

    def floor_of_flow(self, n_pieces: int) -> FloatArray:
        """Smallest flow of each (member, piece): 0, or -inf for members that may be negative."""
        return np.repeat(np.where(self.signed, -np.inf, 0.0), n_pieces)


def _csr(values: FloatArray, rows: list[int], columns: list[int], shape: tuple[int, int]) -> sp.csr_array:
    positions = (np.array(rows, dtype=np.int32), np.array(columns, dtype=np.int32))
    matrix = sp.csr_array((values, positions), shape=shape)
    matrix.sort_indices()
    return matrix


def cut(
    members: Mapping[str, Constraints], nonnegative: Mapping[str, bool], links: Sequence[Link]
) -> tuple[tuple[str, ...], list[Block]]:
    """Members in order of name, and the independent blocks of time in order.

    Raises
    ------
    CrossingsError : a link names a series that is no member, or a member has no entry in `nonnegative`.
    """
    order = tuple(sorted(members))
    strangers = sorted({s for link in links for s, _ in link.terms} - set(order))
    if strangers:
        raise CrossingsError(
            f"links name series that are no members: {', '.join(strangers)}",
            "give every linked series as a member, with no rows if nothing is reported",
        )
    unsigned = sorted(set(order) - set(nonnegative))
    if unsigned:
        raise CrossingsError(
            f"no sign is declared for {', '.join(unsigned)}", "say in `nonnegative` whether the series may be negative"
        )
    statements = gather(members, order) if order else None
    if statements is None or not len(statements):
        return order, []
    signed = np.array([not nonnegative[name] for name in order], dtype=np.bool_)
    reach = np.maximum.accumulate(statements.end)
    opens = np.concatenate([[True], statements.start[1:] >= reach[:-1]])
    number = np.cumsum(opens)
    ordered = tuple(sorted(links, key=lambda link: (link.kind, link.terms, link.sense)))
    return order, [Block(order, signed, ordered, statements.take(number == k)) for k in range(1, int(number[-1]) + 1)]
