"""What most tests share: a guarded session, a lake of their own, and one release of the real register to read from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import socket_guard
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from published import Published, Spoken
from sharing import once
from statistics_lake import build

os.environ.update(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1", GX_ANALYTICS_ENABLED="false")
socket_guard.install()

# How hard every law is tried is decided here and nowhere else: the same examples on every run, and no wall time decides.
# `make test-long` tries the same laws with many more (`--hypothesis-profile long`).
_UNWATCHED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
for _name, _examples in (("suite", 25), ("long", 150)):
    hypothesis_settings.register_profile(
        _name, max_examples=_examples, deadline=None, derandomize=True, suppress_health_check=_UNWATCHED
    )
hypothesis_settings.load_profile("suite")

ROOT = Path(__file__).parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every law, and put slow modules first, so that no worker is left with one of them at the end."""
    for item in items:
        if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("law")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def no_lake_of_anybody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A test that forgets to say where its lake is finds an empty one of this worker, never that of the checkout."""
    os.environ["CROSSINGS_LAKE"] = str(tmp_path_factory.mktemp("nobody") / "lake")


@pytest.fixture(autouse=True)
def no_outside_socket() -> Iterator[None]:
    """Fail the test that tried to leave the machine, even where the attempt was swallowed."""
    before = len(socket_guard.refused)
    yield
    assert socket_guard.refused[before:] == []


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


def _forget() -> None:
    from crossings import catalog
    from crossings.settings import settings

    settings.cache_clear()
    catalog._cached.cache_clear()


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty place for a lake, which the settings of this test point to."""
    place = tmp_path / "lake"
    monkeypatch.setenv("CROSSINGS_LAKE", str(place))
    _forget()
    yield place
    _forget()


@pytest.fixture(scope="session")
def published(request: pytest.FixtureRequest) -> Published:
    """The real register, carried through the pipeline once."""
    return once(request, "published", _published)


def _published(folder: Path) -> Published:
    from crossings.settings import Settings
    from flows import pipeline
    from flows.workspace import Workspace

    place = folder / "lake"
    told: list[str] = []
    workspace = Workspace.open(Settings(lake=place, data=ROOT / "data"))
    outcome = pipeline.run(workspace, pipeline.in_process, told.append)
    return Published(place, (place / "current").resolve(), told, outcome)


@pytest.fixture
def analyst(published: Published, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    """The published release, where the settings point to it."""
    monkeypatch.setenv("CROSSINGS_LAKE", str(published.lake))
    _forget()
    yield published
    _forget()


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Spoken]:
    """The real command line, in this process: `command("show", "FIN")`."""
    from flows.cli import main

    monkeypatch.setenv("COLUMNS", "160")

    def speak(*arguments: str) -> Spoken:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["crossings", *arguments])
        _forget()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        printed = capfd.readouterr()
        return Spoken(code, printed.out, printed.err)

    return speak


def _small(data: Path) -> Path:
    shutil.copytree(ROOT / "data" / "reference", data / "reference")
    shutil.copytree(ROOT / "data" / "sources", data / "sources")
    (data / "register").mkdir()
    lines = (ROOT / "data" / "register" / "reports.csv").read_bytes().splitlines(keepends=True)
    (data / "register" / "reports.csv").write_bytes(b"".join(lines[:13]))
    decisions = (ROOT / "data" / "register" / "decisions.csv").read_bytes().splitlines(keepends=True)
    (data / "register" / "decisions.csv").write_bytes(decisions[0])
    return data


@pytest.fixture
def small_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with the real reference tables, the twelve first Finnish reports, and no decisions."""
    data = _small(tmp_path / "data")
    monkeypatch.setenv("CROSSINGS_DATA", str(data))
    return data


@pytest.fixture
def statistics(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lake with the small register and official figures beside it, for reading; the settings point to it."""
    lake, data = once(request, "statistics", lambda folder: build(folder, _small))
    monkeypatch.setenv("CROSSINGS_LAKE", str(lake))
    monkeypatch.setenv("CROSSINGS_DATA", str(data))
    _forget()
    yield lake
    _forget()


@pytest.fixture(scope="session")
def small_lake(request: pytest.FixtureRequest) -> Path:
    """A lake with one release of that small register, to be copied and not to be written to."""
    return once(request, "small", _small_lake)


def _small_lake(folder: Path) -> Path:
    from crossings.settings import Settings
    from flows import pipeline
    from flows.workspace import Workspace

    settings = Settings(lake=folder / "lake", data=_small(folder / "data"))
    pipeline.run(Workspace.open(settings), pipeline.in_process, lambda _: None)
    return folder / "lake"
