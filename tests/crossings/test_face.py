"""The face of the package: every name of it, called as often as one likes."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import crossings
from crossings import catalog

CALLS = {
    "between": lambda f: f("FIN", "2022-09-24", "2022-09-25"),
    "daily": lambda f: f("FIN"),
    "diff": lambda f: f(crossings.open_release().path.name),
    "explain": lambda f: f("FIN", "2022-09-25"),
    "findings": lambda f: f("FIN"),
    "headline": lambda f: f("FIN"),
    "load": lambda f: f("series"),
    "official": lambda f: f(),
    "open_release": lambda f: f(),
    "plot": lambda f: f("FIN"),
    "reports": lambda f: f("FIN"),
    "total": lambda f: f(catalog.daily("FIN").head(1)),
}


@pytest.fixture
def analyst(small_lake: Path, monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """One small release, where the settings point to it."""
    lake.symlink_to(small_lake)


def test_every_name_of_the_face_has_a_call_here() -> None:
    assert {*CALLS, "__version__"} == set(crossings.__all__)


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.usefixtures("analyst")
def test_a_function_of_the_face_can_be_called_twice(name: str) -> None:
    first = CALLS[name](getattr(crossings, name))
    second = CALLS[name](getattr(crossings, name))
    assert type(first) is type(second)


def test_no_module_of_the_package_has_the_name_of_a_function_of_its_face() -> None:
    """A module that is imported becomes an attribute of its package, and would take the function's place."""
    modules = {path.stem for path in Path(crossings.__file__).parent.iterdir()}
    assert modules & set(crossings.__all__) == set()


def test_the_face_is_the_functions_of_the_modules_below() -> None:
    assert crossings.diff is importlib.import_module("crossings.changes").diff
    assert crossings.daily is catalog.daily
