"""What a run works with: settings, lake, archive, the reference data as bytes, and the clock, asked once.

Everything that decides what comes out is digested here, so that unchanged inputs are recognised before any work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from crossings import _version
from crossings.errors import CrossingsError
from crossings.lake import Lake, digest
from crossings.settings import Settings
from crossings.source.model import SourceSpec
from crossings.source.reader import load_sources
from flows.archive.archive import Archive

_REFERENCE = (
    "countries",
    "timezones",
    "wording",
    "labels",
    "series",
    "events",
    "checkpoints",
    "authorities",
    "headline",
)
_TABLE_MAKERS = (
    "crossings/**/*.py",
    "transforms/**/*.py",
    "expectations/*.py",
    "flows/steps/*.py",
    "flows/gates.py",
    "flows/stage.py",
)


@dataclass(frozen=True)
class Workspace:
    """Places and inputs of one run.

    Attributes
    ----------
    settings : as read from the environment.
    now : instant of the run, UTC; the only clock the run knows.
    """

    settings: Settings
    now: datetime

    @classmethod
    def open(cls, settings: Settings) -> Workspace:
        """A workspace at the present instant, with a lake that can be written."""
        workspace = cls(settings, datetime.now(UTC))
        workspace.lake.make()
        return workspace

    @cached_property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.settings.lake_path)

    @cached_property
    def archive(self) -> Archive:
        """The raw archive inside the lake."""
        return Archive(self.lake.root, lambda: datetime.now(UTC))

    @property
    def staging(self) -> Path:
        """Folder of intermediate tables, named by the digest of what they were made from."""
        return self.lake.root / "staging"

    @cached_property
    def reference(self) -> dict[str, bytes]:
        """The reference tables, the decisions and the relations as bytes, by stem; a register without relations has none."""
        files = {name: self.settings.data / "reference" / f"{name}.csv" for name in _REFERENCE}
        files["decisions"] = self.settings.data / "register" / "decisions.csv"
        relations = self.settings.data / "register" / "relations.csv"
        found = {name: read_file(path) for name, path in files.items()}
        return found | {"relations": read_file(relations) if relations.exists() else b""}

    @cached_property
    def sources(self) -> dict[str, SourceSpec]:
        """Every source by id, in order of id."""
        return load_sources(self.settings.data / "sources")

    def source_path(self, source_id: str) -> Path:
        """Where the YAML of a source lies."""
        return self.settings.data / "sources" / f"{source_id}.yaml"

    def source(self, source_id: str) -> SourceSpec:
        """A source by id. Raises CrossingsError for an unknown one."""
        if source_id not in self.sources:
            raise CrossingsError(f"there is no source {source_id!r}", "see `crossings sources`")
        return self.sources[source_id]

    @cached_property
    def base_inputs(self) -> dict[str, str]:
        """Digests of code and reference data."""
        inputs = {f"reference/{name}": digest(content) for name, content in self.reference.items()}
        return inputs | {"code": code_digest()}


def read_file(path: Path) -> bytes:
    """Bytes of a file of ours. Raises CrossingsError where it is missing or unreadable."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CrossingsError(
            f"{path} is missing", "restore it, or set CROSSINGS_DATA to the folder that holds it"
        ) from error
    except OSError as error:
        raise CrossingsError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error


def code_digest() -> str:
    """Digest of the sources that turn inputs into tables, and of the libraries whose arithmetic they use."""
    root = Path(_version.__file__).resolve().parent.parent
    parts = [
        f"{path.relative_to(root).as_posix()} {digest(path.read_bytes())}"
        for pattern in _TABLE_MAKERS
        for path in sorted(root.glob(pattern))
    ]
    parts += [f"{name} {version(name)}" for name in ("clarabel", "highspy", "numpy", "pandas", "pyarrow", "scipy")]
    return digest("\n".join(parts).encode())
