"""The analyst's door: load tables of a release, ask for days, and have any figure explained.

    import crossings
    crossings.headline(start="2022-09-21", end="2022-09-30")
    crossings.between("GEO", "2022-09-21", "2022-09-30")
    crossings.explain("FIN", "2022-09-26")

Importing this package is light: pandas and pyarrow load with the first call. All but `between` read what a release holds;
`between` asks the reports anew, and so lives above this package (docs/decisions/0013-one-door.md).
"""

from typing import TYPE_CHECKING, Any

from crossings._version import __version__

if TYPE_CHECKING:
    from crossings.catalog import daily, findings, headline, load, official, open_release, reports, total
    from crossings.changes import diff
    from crossings.drawing import plot
    from crossings.explanation import explain
    from flows.asking import between

_HOMES = {
    "between": "flows.asking", "diff": "crossings.changes", "explain": "crossings.explanation", "plot": "crossings.drawing",
}  # fmt: skip
__all__ = [
    "__version__", "between", "daily", "diff", "explain", "findings", "headline", "load", "official", "open_release", "plot",
    "reports", "total",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "crossings.catalog")), name)
    raise AttributeError(f"module 'crossings' has no attribute {name!r}")
