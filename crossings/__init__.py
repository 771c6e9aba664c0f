"""The analyst's door: load tables of a release, ask for days, and have any figure explained.

    import crossings
    crossings.daily(country="FIN")
    crossings.explain("FIN", "2022-09-26")

Importing this package is light: pandas and pyarrow load with the first call. Bounds of any period with proof are computed,
not read: `transforms.ask.between` on the tables of a release, or the command `crossings between`.
"""

from typing import TYPE_CHECKING, Any

from crossings._version import __version__

if TYPE_CHECKING:
    from crossings.catalog import daily, findings, load, official, open_release, reports, total
    from crossings.changes import diff
    from crossings.drawing import plot
    from crossings.explanation import explain

_HOMES = {"diff": "crossings.changes", "explain": "crossings.explanation", "plot": "crossings.drawing"}
__all__ = [
    "__version__", "daily", "diff", "explain", "findings", "load", "official", "open_release", "plot", "reports", "total",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "crossings.catalog")), name)
    raise AttributeError(f"module 'crossings' has no attribute {name!r}")
