"""What sums of flows attain in solutions of one programme: a bound that is attained needs no optimisation.

In: a programme and sums of its flows. Out: the least and greatest value of each sum so far, and new solutions, chosen
so that one attains as many ends as possible (method.md 4.7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import floor

import numpy as np
import scipy.sparse as sp

from transforms.estimator.engines.linear.programme import TOLERANCE, FlowProgramme, snap
from transforms.estimator.results import Term
from transforms.estimator.statements import FloatArray

_WORTHWHILE = 0.2  # of the ends still open; a solution that attains fewer is the last of its kind


class Witnesses:
    """Solutions of a programme, by what they say about some sums of flows (a sum a row of `sums`)."""

    def __init__(self, programme: FlowProgramme, sums: sp.csr_array) -> None:
        self.programme, self.sums = programme, sums
        self._least = np.full(sums.shape[0], np.inf)
        self._most = np.full(sums.shape[0], -np.inf)

    def seen(self, i: int, sign: float) -> float:
        """Smallest value of `sign` times a sum so far; -inf where it can fall for ever."""
        return float(self._least[i] if sign > 0 else -self._most[i])

    def minimise(self, i: int, sign: float) -> tuple[float | None, tuple[Term, ...]]:
        """Least value of `sign` times a sum, None where there is none, and its proof."""
        value, flows, terms = self.programme.minimise(self._columns(i), sign)
        if value is None:
            self._fell(flows)
        else:
            self._saw(flows)
        return value, terms

    def escape(self, sign: float, wanted: Iterable[int]) -> None:
        """Find out at once of which sums `sign` times the value can fall for ever."""
        rows = [i for i in wanted if len(self._columns(i))]
        if rows:
            self._fell(self.programme.direction(self.sums[rows], -sign))

    def attained(self, sign: float, ends: Mapping[int, float]) -> list[int]:
        """Those of the sums whose given least value of `sign` times them, known to hold, is attained but for rounding.

        Flows that minimise the total of all attain most of the ends; the others exclude each other, as the greatest
        flows of two days of one week do, so these are asked for place by place.
        """
        pending = self._pursued(sign, ends, list(ends))
        places: dict[tuple[int, ...], list[int]] = {}
        for i in pending:
            pieces = np.asarray(self._columns(i)) % self.programme.n_pieces
            places.setdefault(tuple(pieces.tolist()), []).append(i)
        for place in places.values():
            self._pursued(sign, ends, place)
        still = set(self._open(sign, ends, pending))
        return [i for i in ends if i not in still]

    def _pursued(self, sign: float, ends: Mapping[int, float], pending: list[int]) -> list[int]:
        """What is still open of some ends, after solutions that go for all of them."""
        pending = self._open(sign, ends, pending)
        while pending:
            flows = self.programme.reach(sign * np.asarray(self.sums[pending].sum(axis=0)))
            if flows is None:
                break
            self._saw(flows)
            before, pending = len(pending), self._open(sign, ends, pending)
            if before - len(pending) <= _WORTHWHILE * before:
                break
        return pending

    def _open(self, sign: float, ends: Mapping[int, float], pending: list[int]) -> list[int]:
        seen = (sign * (self._least if sign > 0 else self._most)).tolist()
        return [i for i in pending if seen[i] == np.inf or floor(snap(seen[i])) > ends[i]]

    def _columns(self, i: int) -> list[int]:
        columns: list[int] = self.sums.indices[self.sums.indptr[i] : self.sums.indptr[i + 1]].tolist()
        return columns

    def _saw(self, flows: FloatArray) -> None:
        reached = self.sums @ flows
        self._least, self._most = np.minimum(self._least, reached), np.maximum(self._most, reached)

    def _fell(self, direction: FloatArray) -> None:
        if len(direction):
            change = self.sums @ direction
            self._least[change < -TOLERANCE] = -np.inf
            self._most[change > TOLERANCE] = np.inf
