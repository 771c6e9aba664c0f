"""Elementary pieces of time, and the sparse matrices that tie the flows in them to statements and identities.

In: a block and the instants that cut its time. Out: a `Grid` of pieces, and per grid the rows of statements and of
identities over (member, piece). Every identity is homogeneous and holds piece by piece (method.md 4.7).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from transforms.estimator.identities import Identity
from transforms.estimator.results import Window
from transforms.estimator.statements import BoolArray, FloatArray, IntArray
from transforms.estimator.system import Block


@dataclass(frozen=True, eq=False)
class Grid:
    """Elementary pieces of time: the segments between `edges`, those marked in `split` cut into two.

    A segment is split where a window asked for covers only a part of it. Where inside it the cut lies does not
    matter: every identity is homogeneous and holds piece by piece, so all proper parts of a segment have the same
    bounds.
    """

    edges: IntArray
    split: BoolArray

    @classmethod
    def whole(cls, edges: IntArray) -> Grid:
        """One piece between consecutive edges."""
        return cls(edges, np.zeros(len(edges) - 1, dtype=np.bool_))

    @cached_property
    def _instants(self) -> list[int]:
        return [int(edge) for edge in self.edges]

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
        edges = self._instants
        a, b = bisect_right(edges, start) - 1, bisect_left(edges, end)
        return a, b, edges[a] == start, edges[b] == end

    def pieces(self, start: int, end: int) -> list[int]:
        """The pieces of [start, end); of a segment covered in part, its first piece."""
        a, b, whole_a, whole_b = self.segments(start, end)
        chosen: list[int] = []
        for s in range(a, b):
            partly = (s == a and not whole_a) or (s == b - 1 and not whole_b)
            upto = self.first_piece[s] + 1 if partly else self.first_piece[s + 1]
            chosen.extend(range(int(self.first_piece[s]), int(upto)))
        return chosen


def distinct(windows: Sequence[Window], nodes: IntArray) -> tuple[list[Window], IntArray]:
    """One window of those that touch and cover the same segments, whose bounds are the same; and which stands for each.

    All lie between the first and the last of `nodes`, the instants at which some report starts or ends.
    """
    member, start, end = np.array(windows, dtype=np.int64).reshape(-1, 3).T
    a, b = np.searchsorted(nodes, start, side="right") - 1, np.searchsorted(nodes, end, side="left")
    place = (member * len(nodes) + a) * len(nodes) + b
    key = (place * 2 + (nodes[a] == start)) * 2 + (nodes[b] == end)
    _, first, of = np.unique(key, return_index=True, return_inverse=True)
    return [windows[k] for k in first], of


def coverage(block: Block, grid: Grid) -> sp.csr_array:
    """Statements x (member, piece): 1 where the flow of that member in that piece is part of the statement."""
    rows: list[int] = []
    columns: list[int] = []
    s = block.statements
    for i in range(len(s)):
        pieces = grid.pieces(int(s.start[i]), int(s.end[i]))
        rows.extend([i] * len(pieces))
        columns.extend(int(s.member[i]) * grid.n_pieces + p for p in pieces)
    return _csr(np.ones(len(rows)), rows, columns, (len(s), len(block.members) * grid.n_pieces))


@dataclass(frozen=True, eq=False)
class Ties:
    """Identities as rows over (member, piece).

    Attributes
    ----------
    rows : coefficient of each flow. equal : whether the row is an equality, else its sum is at most 0.
    which : position in the block's identities. window : pieces from the first to the last-plus-one of the row.
    """

    rows: sp.csr_array
    equal: BoolArray
    which: IntArray
    window: IntArray


def ties(block: Block, grid: Grid) -> Ties:
    """The identities of a block, piece by piece or, where they hold for shared windows only, window by window."""
    position = {name: i for i, name in enumerate(block.members)}
    rows: list[IntArray] = []
    columns: list[IntArray] = []
    values: list[FloatArray] = []
    equal: list[bool] = []
    which: list[int] = []
    windows: list[tuple[int, int]] = []
    for k, identity in enumerate(block.identities):
        spans = _windows_of(block, identity, grid)
        row = np.repeat(np.arange(len(spans)), [b - a for a, b in spans]) + len(equal)
        pieces = np.concatenate([np.arange(a, b) for a, b in spans] or [np.zeros(0, dtype=np.int64)])
        for series, coefficient in identity.terms:
            rows.append(row)
            columns.append(position[series] * grid.n_pieces + pieces)
            values.append(np.full(len(pieces), float(coefficient)))
        equal += [identity.sense == "="] * len(spans)
        which += [k] * len(spans)
        windows += spans
    nothing = np.zeros(0, dtype=np.int64)
    matrix = _csr(
        np.concatenate([nothing.astype(np.float64), *values]),
        np.concatenate([nothing, *rows]),
        np.concatenate([nothing, *columns]),
        (len(equal), len(block.members) * grid.n_pieces),
    )
    return Ties(
        matrix,
        np.array(equal, dtype=np.bool_),
        np.array(which, dtype=np.int64),
        np.array(windows, dtype=np.int64).reshape(-1, 2),
    )


def shared_windows(block: Block, identity: Identity) -> list[tuple[int, int]]:
    """The windows that every series of an identity reports as such, in order."""
    s = block.statements
    shared: set[tuple[int, int]] | None = None
    for series in identity.series:
        own = s.member == block.position(series)
        windows = set(zip(s.start[own].tolist(), s.end[own].tolist(), strict=True))
        shared = windows if shared is None else shared & windows
    return sorted(shared or ())


def _windows_of(block: Block, identity: Identity, grid: Grid) -> list[tuple[int, int]]:
    """First and last-plus-one piece of each window over which an identity holds."""
    if not identity.identical_windows:
        return [(p, p + 1) for p in range(grid.n_pieces)]
    found = [grid.pieces(a, b) for a, b in shared_windows(block, identity)]
    return [(pieces[0], pieces[-1] + 1) for pieces in found]


def least_flow(block: Block, n_pieces: int) -> FloatArray:
    """Smallest flow of each (member, piece): 0, or -inf for members that may be negative."""
    return np.repeat(np.where(block.signed, -np.inf, 0.0), n_pieces)


def _csr(
    values: FloatArray, rows: Sequence[int] | IntArray, columns: Sequence[int] | IntArray, shape: tuple[int, int]
) -> sp.csr_array:
    positions = (np.asarray(rows, dtype=np.int32), np.asarray(columns, dtype=np.int32))
    matrix = sp.csr_array((values, positions), shape=shape)
    matrix.sort_indices()
    return matrix
