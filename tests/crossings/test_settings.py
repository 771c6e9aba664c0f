"""Settings come from the environment, and a wrong one is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossings.errors import CrossingsError
from crossings.settings import Settings, settings


def test_a_lake_is_where_the_environment_says(lake: Path) -> None:
    assert settings().lake_path == lake


def test_without_a_word_the_lake_lies_beside_the_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CROSSINGS_LAKE", raising=False)
    assert Settings(data=tmp_path).lake_path == tmp_path / "lake"
    monkeypatch.setenv("CROSSINGS_LAKE", "")
    assert Settings(data=tmp_path).lake_path == tmp_path / "lake"


def test_a_wrong_setting_names_its_variable(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSINGS_WORKERS", "many")
    settings.cache_clear()
    with pytest.raises(CrossingsError, match=r"^CROSSINGS_WORKERS: .*environment variable"):
        settings()


def test_a_fault_reads_as_one_line_with_its_remedy() -> None:
    assert str(CrossingsError("it is so", "do this")) == "it is so — do this"
