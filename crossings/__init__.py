"""The analyst's door: load tables of a release, ask for days and periods, and have any figure explained."""

from crossings._version import __version__

__all__ = ["__version__"]
