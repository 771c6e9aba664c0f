"""What a step of the estimator may ask of an engine: exact answers about one block.

Two engines answer: `engines.difference` for one series of flows that cannot be negative, `engines.linear` for
everything else. Steps are handed `engines` and know neither; `solve` alone chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from crossings.errors import CrossingsError
from transforms.estimator.results import Bound, Rounded, Term, Window
from transforms.estimator.statements import BoolArray, FloatArray, IntArray, Statements
from transforms.estimator.system import Block


class Infeasible(Exception):
    """The statements of the block cannot all hold."""


# What a step can end in where figures are too large, too different in size, or a solver gives up. Where one does, the
# series or stretch concerned loses what the step would have given, and that is told: it is never the end of a run.
FAULTS = (CrossingsError, ArithmeticError, AssertionError, LookupError, ValueError, RuntimeError, Infeasible)


def reason_of(fault: BaseException) -> str:
    """A fault in a few words, for a finding."""
    return fault.message if isinstance(fault, CrossingsError) else f"{type(fault).__name__} {fault}".strip()


@dataclass(frozen=True)
class Clash:
    """A certificate that a block is infeasible.

    Attributes
    ----------
    gap : least total movement of interval ends that makes the block agree, crossings.
    terms : statements whose ends, times their multiplicities, add up to less than nothing (upper ends count, lower
        ends are taken away).
    """

    gap: float
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Hull:
    """What holds of a flow whichever of several choices of rows is set aside.

    Attributes
    ----------
    bound : the smallest lower and the largest upper end, with the proofs of the first choices that attain them.
    lower, upper : both ends under each choice.
    """

    bound: Bound
    lower: FloatArray
    upper: FloatArray


class Engine(Protocol):
    """Exact answers about one block; may keep what it has computed."""

    @property
    def block(self) -> Block:
        """The block asked about."""
        ...

    def feasible(self) -> bool:
        """Whether all statements and identities can hold together."""
        ...

    def without(self, report_ids: frozenset[str]) -> Sequence[Engine]:
        """The same questions with some reports set aside: one engine for each block into which the rest falls."""
        ...

    def agrees(self, aside: BoolArray) -> bool:
        """Whether all can hold together once some rows are set aside."""
        ...

    def bounds(self, windows: Sequence[Window], known: Sequence[Bound] = ()) -> list[Bound]:
        """Tightest flow in each window inside the block; raises Infeasible. Ends are whole, rounded outwards.

        known : one bound a window that is valid here, proved by statements of the block; it saves proving it again.
        """
        ...

    def hull(self, windows: Sequence[Window], asides: Sequence[BoolArray]) -> list[Hull] | None:
        """The loosest of the bounds that hold with these or those rows set aside; raises Infeasible.

        None where there is no shorter way than one choice after the other.
        """
        ...

    def suspects(self) -> list[tuple[str, ...]]:
        """Report ids among which an irreducible set lies, the most promising first; at least one where infeasible."""
        ...

    def clash(self) -> Clash:
        """Why the block is infeasible, and by how much."""
        ...

    def implied(self) -> Statements:
        """Equalities that follow from the statements; none where figures are not on a grid of powers of two."""
        ...

    def round(self, nodes: IntArray, cumulative: FloatArray, theta: float) -> Rounded | None:
        """Whole cumulative counts next to a path (members x nodes), inside every statement where that can be.

        theta : shift before the floor is taken. None where no whole numbers keep the identities.
        """
        ...


Engines: TypeAlias = Callable[[Block], Engine]
