"""Where things lie: immutable releases, the switch between them, and how they are read.

A release is a folder `releases/<id>/<table>/<COUNTRY>.parquet` with a `manifest.json`. It is built aside, put in place
by one rename, and made `current` by one atomic switch, last of all. The id is derived from the hash of all inputs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossings._version import __version__
from crossings.durable import Journal, swap_pointer, sync_directory, telling, write_file
from crossings.errors import CrossingsError, ReleaseStopped, StorageFault
from crossings.schema.tables import SCHEMA_VERSION, TABLES

if TYPE_CHECKING:
    import pyarrow as pa

EVERYWHERE = "ALL"  # file of rows that concern no single country
SPLIT_BYTES = 128 * 1024 * 1024
ROW_GROUP = 1 << 20


def digest(content: bytes) -> str:
    """SHA-256 of bytes, hexadecimal.

    >>> digest(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()


def release_id(inputs: Mapping[str, str]) -> str:
    """The identifier of what these inputs give: `r` and twelve digits of the hash of names and digests."""
    return "r" + digest(json.dumps(dict(sorted(inputs.items()))).encode())[:12]


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as Parquet: zstd, dictionaries, large row groups; same table, same bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP, version="2.6", write_statistics=True)
    return bytes(sink.getvalue().to_pybytes())


@dataclass(frozen=True)
class Release:
    """A release as readers hold it: one folder from the first to the last byte."""

    path: Path

    @property
    def id(self) -> str:
        """The release's identifier."""
        return str(self.manifest["release_id"])

    @property
    def manifest(self) -> dict[str, Any]:
        """Files with digests and row counts, inputs, settings of the estimate, versions."""
        place = self.path / "manifest.json"
        try:
            return dict(json.loads(place.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise StorageFault(
                f"{place} cannot be read", f"remove the folder {self.path} and run `crossings run` again"
            ) from error

    def read(self, table: str, country: str | None = None, columns: list[str] | None = None) -> pa.Table:
        """One table, or the rows of one country of it, as Arrow. An unknown country gives no rows.

        Raises StorageFault where a file of it is missing or damaged.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        files = [self.path / f["path"] for f in self.manifest["tables"][table]["files"]]
        schema = TABLES[table].arrow()
        if country is not None and "country" in TABLES[table].names:
            files = [f for f in files if f.stem.split("-")[0] == country]
        parts = []
        for file in files:
            try:
                parts.append(pq.ParquetFile(file).read(columns=columns))
            except (OSError, pa.ArrowInvalid) as error:
                raise StorageFault(
                    f"{file} cannot be read as it was published", "run `crossings run --rebuild`, which restores it"
                ) from error
        whole = pa.concat_tables(parts) if parts else schema.empty_table()
        if columns is not None:
            whole = whole.select(columns)
        if country is not None and "country" in whole.column_names:
            whole = whole.filter(pc.equal(whole["country"], country))
        return whole

    def countries(self) -> list[str]:
        """Countries that have reports or figures."""
        files = [f["path"] for name in ("reports", "daily", "official") for f in self.manifest["tables"][name]["files"]]
        return sorted({Path(f).stem.split("-")[0] for f in files} - {EVERYWHERE})

    def verify(self) -> list[str]:
        """Paths whose bytes are not those of the manifest; empty when all is well."""
        wrong = []
        for table in self.manifest["tables"].values():
            for entry in table["files"]:
                path = self.path / entry["path"]
                if not path.is_file() or digest(path.read_bytes()) != entry["sha256"]:
                    wrong.append(entry["path"])
        return wrong


@dataclass(frozen=True)
class Published:
    """What publishing did: the release, and whether any byte was written into releases/."""

    release: Release
    written: bool


class Lake:
    """The folder that holds raw payloads, quarantine, releases and `current`.

    Attributes
    ----------
    history : one line per switch of `current`: release id and instant. runs : one line per run: when, and what came of it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.history = Journal(root / "history.jsonl", _holding("release_id", "switched_at"), unchecked=True)
        self.runs = Journal(root / "runs.jsonl", _holding("started_at", "outcome"), unchecked=True)

    @property
    def releases(self) -> Path:
        """Folder of the releases."""
        return self.root / "releases"

    def make(self) -> None:
        """Make the folder. Raises StorageFault where it cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            probe = self.root / f".writable.{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise StorageFault(
                f"the lake {self.root} cannot be written: {error.strerror}",
                "set CROSSINGS_LAKE to a folder that you may write",
            ) from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lake for one writer. Raises CrossingsError while another process writes."""
        self.make()
        with (self.root / ".lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise CrossingsError(f"another run is writing to {self.root}", "wait until it has ended") from error
            yield

    def current(self) -> Release | None:
        """The release that `current` points to, held by its own path; None before the first."""
        link = self.root / "current"
        return Release(link.resolve()) if (link / "manifest.json").is_file() else None

    def release(self, identifier: str | None = None) -> Release:
        """A release by id, or the current one. Raises CrossingsError where there is none."""
        if identifier is None:
            found = self.current()
            if found is None:
                raise CrossingsError(f"there is no release in {self.root} yet", "run `crossings run` first")
            return found
        path = self.releases / identifier
        if not (path / "manifest.json").is_file():
            known = ", ".join(sorted(p.name for p in self.releases.glob("r*"))[:5]) or "none"
            raise CrossingsError(f"there is no release {identifier} (there are: {known})", "see `crossings status`")
        return Release(path)

    def shown_at(self, instant: datetime) -> Release:
        """The release that was current at an instant. Raises CrossingsError where there was none yet."""
        shown = None
        for line in self.switches():
            if datetime.fromisoformat(line["switched_at"]) <= instant:
                shown = line["release_id"]
        if shown is None:
            raise CrossingsError(f"no release was current at {instant.isoformat()}", "see `crossings status`")
        return self.release(shown)

    def switches(self) -> list[dict[str, str]]:
        """Every switch of `current`, oldest first: `release_id` and `switched_at`; a line torn by a kill is no switch."""
        return self.history.read()

    def publish(
        self,
        tables: Mapping[str, pa.Table],
        inputs: Mapping[str, str],
        now: datetime,
        settings: Mapping[str, Any] | None = None,
    ) -> Published:
        """Write a release unless it is there, then make it current.

        tables : by name, conforming to the schema. inputs : digests of everything the tables were made from.
        settings : declared choices of the estimate, told in the manifest; they are part of the code and so of its digest.
        Files of it that were damaged since are restored. Raises ReleaseStopped where the same inputs gave other bytes
        before (V61): that would be a fault of ours.
        """
        identifier = release_id(inputs)
        place = self.releases / identifier
        building = self.releases / f".building-{identifier}"
        contents, entries = _files(tables)
        manifest = _manifest(identifier, inputs, entries, settings or {})
        text = (json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()
        written = False
        before = place / "manifest.json"
        if before.is_file():
            if before.read_bytes() != text:
                raise ReleaseStopped(
                    f"a rebuild of release {identifier} from the same inputs gave other bytes",
                    f"keep {place} and report this; nothing was changed",
                )
            for damaged in Release(place).verify():
                write_file(place / damaged, contents[damaged])
                (place / damaged).chmod(0o444)
                written = True
        else:
            shutil.rmtree(place, ignore_errors=True)
            for left in self.releases.glob(".building-*"):  # of a run that was killed
                shutil.rmtree(left, ignore_errors=True)
            for path, content in contents.items():
                write_file(building / path, content)
            write_file(building / "manifest.json", text)
            for file in building.rglob("*"):
                if file.is_file():
                    file.chmod(0o444)
            with telling(place, "be put in place"):
                building.replace(place)
                sync_directory(self.releases)
            written = True
        self._switch(identifier, now)
        return Published(Release(place), written)

    def _switch(self, identifier: str, now: datetime) -> None:
        """Point `current` to a release and log the switch; a switch that was never logged is logged now."""
        link = self.root / "current"
        if not (link.is_symlink() and link.readlink().name == identifier):
            swap_pointer(link, Path("releases") / identifier)
        logged = self.switches()
        if logged and logged[-1]["release_id"] == identifier:
            return
        self.history.append({"release_id": identifier, "switched_at": now.astimezone(UTC).isoformat()})


def _holding(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Takes a line of a log as it stands, where it holds texts of these names."""

    def take(values: dict[str, Any]) -> dict[str, Any]:
        if not all(isinstance(values[name], str) for name in names):
            raise ValueError(names)
        return values

    return take


def _files(tables: Mapping[str, pa.Table]) -> tuple[dict[str, bytes], dict[str, dict[str, Any]]]:
    contents: dict[str, bytes] = {}
    entries: dict[str, dict[str, Any]] = {}
    for name in sorted(tables):
        listed = []
        for path, part in _parts(name, tables[name]):
            contents[path] = parquet_bytes(part)
            listed.append(
                {"path": path, "rows": part.num_rows, "bytes": len(contents[path]), "sha256": digest(contents[path])}
            )
        entries[name] = {"rows": tables[name].num_rows, "files": listed}
    return contents, entries


def _parts(name: str, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if "country" not in table.column_names or not table.num_rows:
        yield f"{name}/{EVERYWHERE}.parquet", table
        return
    country = pc.fill_null(table["country"], EVERYWHERE)
    for code in sorted(pc.unique(country).to_pylist()):
        part = table.filter(pc.equal(country, code))
        if part.nbytes <= SPLIT_BYTES or "date" not in part.column_names:
            yield f"{name}/{code}.parquet", part
            continue
        years = pc.year(part["date"])
        for year in sorted(pc.unique(years).to_pylist()):
            yield f"{name}/{code}-{year}.parquet", part.filter(pc.equal(years, pa.scalar(year, years.type)))


def _manifest(
    identifier: str, inputs: Mapping[str, str], entries: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "release_id": identifier, "schema_version": SCHEMA_VERSION, "software": f"crossings {__version__}",
        "inputs": dict(sorted(inputs.items())), "settings": dict(settings),
        "tables": dict(entries),
    }  # fmt: skip
