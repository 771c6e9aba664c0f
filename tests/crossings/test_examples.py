"""The examples in the docstrings of the public face print what they say, on the release of the real register."""

from __future__ import annotations

import doctest
import importlib

import pytest

SHOWN = ("calendar", "catalog", "errors", "explanation", "lake", "proofs", "rules")


@pytest.mark.parametrize("name", SHOWN)
def test_the_examples_print_what_they_say(name: str, analyst, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"crossings.{name}")
    done = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    assert done.attempted, "a module without an example does not belong here"
    assert not done.failed, capsys.readouterr().out
