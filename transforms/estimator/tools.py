"""What every step of the estimator is handed: declared choices, engines, protected reports, a stand-in for the solver."""

from __future__ import annotations

from dataclasses import dataclass, field

from transforms.estimator.engine import Engines
from transforms.estimator.explanations import Costs
from transforms.estimator.quadratic import Solver
from transforms.estimator.settings import EstimateSettings


@dataclass(frozen=True, eq=False)
class Tools:
    """Handed down, never changed.

    Attributes
    ----------
    settings, costs : declared choices. engines : who answers about a block.
    protected : reports that a decision prefers; they are set aside only where nothing else can be wrong.
    solver : stands in for the solver of quadratic programmes.
    """

    settings: EstimateSettings
    engines: Engines
    protected: frozenset[str] = frozenset()
    costs: Costs = field(default_factory=Costs)
    solver: Solver | None = None
