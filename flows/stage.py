"""Intermediate tables between steps: steps hand each other names and digests, never frames.

A stage is a folder `staging/<key>` with Parquet tables and one `summary.json`; the key is the digest of everything
the stage was made from, so a stage that is there need not be made again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crossings.durable import write_file
from crossings.lake import digest, parquet_bytes
from crossings.schema.tables import TABLES


@dataclass(frozen=True)
class Stage:
    """One folder of intermediate tables."""

    path: Path

    @property
    def summary(self) -> dict[str, Any]:
        """Counts and rule results, for accounting, artifacts and the validation page."""
        return dict(json.loads((self.path / "summary.json").read_text(encoding="utf-8")))

    def table(self, name: str) -> pa.Table:
        """One table of the stage."""
        return pq.ParquetFile(self.path / f"{name}.parquet").read()

    def frame(self, name: str) -> pd.DataFrame:
        """One table of the stage as a pandas frame with Arrow types."""
        return self.table(name).to_pandas(types_mapper=pd.ArrowDtype)


def key(inputs: Mapping[str, str]) -> str:
    """The name of the stage that these inputs give."""
    return digest(json.dumps(dict(sorted(inputs.items()))).encode())[:20]


def existing(staging: Path, name: str) -> Stage | None:
    """The stage of that name, where it is complete."""
    stage = Stage(staging / name)
    return stage if (stage.path / "summary.json").is_file() else None


def made(staging: Path, name: str) -> Stage:
    """The stage of that name, which a step before has made."""
    found = existing(staging, name)
    assert found is not None, name
    return found


def together(staging: Path, names: Sequence[str], table: str) -> pd.DataFrame:
    """The rows of one table of several stages; a table without rows where there are none."""
    parts = [made(staging, name).frame(table) for name in names]
    return pd.concat(parts, ignore_index=True) if parts else TABLES[table].arrow().empty_table().to_pandas()


def write(staging: Path, name: str, tables: Mapping[str, pd.DataFrame], summary: Mapping[str, Any]) -> Stage:
    """Write the tables, each by its schema, and the summary last."""
    place = staging / name
    shutil.rmtree(place, ignore_errors=True)
    for table, frame in tables.items():
        write_file(place / f"{table}.parquet", parquet_bytes(TABLES[table].conform(frame)))
    write_file(place / "summary.json", json.dumps(summary, ensure_ascii=False, indent=1, default=str).encode())
    return Stage(place)


def prune(staging: Path, keep: set[str]) -> None:
    """Remove stages that no longer belong to anything; they can always be made again."""
    for path in staging.glob("*"):
        if path.is_dir() and path.name not in keep:
            shutil.rmtree(path)
