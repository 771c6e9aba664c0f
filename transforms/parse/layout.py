"""The layout of what a publisher sent: all that its reading depends on, beside the labels, which come and go.

In: the cells of one look, and the source. Out: `Seen`. Two looks of one layout have one fingerprint, in whatever order their
columns, rows and labels stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from crossings.source.model import SourceSpec

if TYPE_CHECKING:
    from transforms.parse.contract import Cell


@dataclass(frozen=True)
class Layout:
    """What the figures of a look stand under.

    Attributes
    ----------
    parser : the protocol. freq : frequency that the source gives the periods.
    dimensions : names of dimensions or columns, sorted. units : units that the payload states, sorted.
    """

    parser: str
    freq: str
    dimensions: tuple[str, ...]
    units: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that are the same for the same layout."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def differs_from(self, other: Layout) -> str:
        """What is otherwise here than in `other`, in words; empty where the two are one layout."""
        pairs = (
            ("dimension", self.dimensions, other.dimensions), ("unit", self.units, other.units),
            ("frequency", (self.freq,), (other.freq,)), ("protocol", (self.parser,), (other.parser,)),
        )  # fmt: skip
        told = []
        for what, here, there in pairs:
            come, gone = (", ".join(sorted(set(a) - set(b))) for a, b in ((here, there), (there, here)))
            told += [f"new {what} {come}"] if come else []
            told += [f"no {what} {gone} any more"] if gone else []
        return "; ".join(told)


@dataclass(frozen=True)
class Seen:
    """The layout of a look, and the labels in each dimension but those of time: dimension -> labels, sorted."""

    layout: Layout
    labels: Mapping[str, tuple[str, ...]]


def seen(spec: SourceSpec, cells: Sequence[Cell]) -> Seen:
    """What the cells of one look stand under; all of them have the dimensions of the first."""
    time = spec.series_mapping.time
    of_time = {name for part in (time.dimension, time.year, time.month, time.quarter) for name in part or ()}
    labels: dict[str, set[str]] = {}
    for name in cells[0].labels:
        said = {cell.labels[name] for cell in cells}
        labels[_plain(name)] = set() if _plain(name) in of_time else {_plain(label) for label in said}
    units = {_plain(unit) for unit in {cell.unit for cell in cells} if unit is not None}
    layout = Layout(spec.parser, time.freq, tuple(sorted(labels)), tuple(sorted(units)))
    return Seen(layout, {name: tuple(sorted(here)) for name, here in sorted(labels.items()) if name not in of_time})


def _plain(text: str) -> str:
    return " ".join(text.split())
