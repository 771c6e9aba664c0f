"""Declared choices of the estimate; written into the manifest of a release."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EstimateSettings:
    """Choices that reach every step, for single and for tied series.

    Attributes
    ----------
    break_weight : weight of the change from one day to the next at a declared break (elsewhere 1).
    varying : where the local level of a run varies by more than this factor, changes count relative to it (4.5).
    rounding : theta of the cumulative rounding.
    interval_level : nominal level of the calibrated intervals; None = no calibrated intervals.
    longest_gap : days without any report between covered days are listed up to this many in a row.
    """

    break_weight: float = 1e-6
    varying: float = 10.0
    rounding: float = 0.5
    interval_level: float | None = 0.90
    longest_gap: int = 31
