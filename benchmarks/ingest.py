"""How fast a large register is taken in, and where the time goes, beside hand-written pandas.

In: data/register and data/reference. Makes registers of any size from the real reports (fresh identifiers, shifted
dates, jittered figures, a known share of planted faults), and takes each in twice, every time in a process of its
own: parse -> decide, encode, evidence -> Great Expectations -> settle -> Parquet, and the same rules by hand.

    python benchmarks/ingest.py --rows 100000 1000000
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DATA = Path(__file__).resolve().parent.parent / "data"
TODAY = pd.Timestamp("2030-01-01")  # after every shifted date: nothing that is made here comes from the future
SEED = 20220921
SHIFT_DAYS = 730
JITTER = 0.1  # figures move by up to this share, in steps of their own rounding unit
FAULT_SHARE = 0.002
FAULTS = ("negative", "country", "backwards", "no_date", "no_number", "copy", "reused_id", "torn")
AIM_SECONDS, AIM_MB = 30.0, 3000.0


# --- making a register -------------------------------------------------------------------------------------------


def make_register(path: Path, rows: int) -> dict[str, int]:
    """Write a register of `rows` records made from the real one; returns how many faults of each kind it holds.

    The first copy of the real reports keeps its identifiers, so that the curator's decisions apply to it as they do
    in the product. Same `rows`, same bytes.
    """
    import pyarrow as pa
    import pyarrow.csv as pacsv

    real = pd.read_csv(DATA / "register" / "reports.csv", dtype=str, keep_default_na=False)
    rng = np.random.default_rng(SEED)
    per_fault = max(1, round(rows * FAULT_SHARE / len(FAULTS)))
    whole = rows - per_fault  # torn records come last and are no rows at all
    replicas = -(-whole // len(real))
    at_once = max(1, 100_000 // len(real))
    # Faults stand apart from each other, in rows that no decision concerns.
    places = rng.permutation(np.arange(len(real) + 1, whole, 2))[: per_fault * (len(FAULTS) - 1)]
    fault_at = {int(p): FAULTS[i % (len(FAULTS) - 1)] for i, p in enumerate(np.sort(places))}
    with path.open("wb") as out:
        out.write((",".join(real.columns) + "\n").encode())
        for first in range(0, replicas, at_once):
            frame = _replicas(real, np.arange(first, min(first + at_once, replicas)), rng)
            start = first * len(real)
            frame = frame.iloc[: whole - start]
            _plant(frame, {p - start: f for p, f in fault_at.items() if start <= p < start + len(frame)})
            table = pa.Table.from_pandas(frame.replace("", None), preserve_index=False)
            sink = pa.BufferOutputStream()
            pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
            out.write(sink.getvalue())
        for number in range(per_fault):
            out.write(f"TORN-{number},TORN-{number},FIN,RUS,national\n".encode())
    planted = dict.fromkeys(FAULTS, 0) | {"torn": per_fault}
    for fault in fault_at.values():
        planted[fault] += 1
    return planted


def _replicas(real: pd.DataFrame, numbers: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    row = np.tile(np.arange(len(real)), len(numbers))
    replica = np.repeat(numbers, len(real))
    frame = real.take(row).reset_index(drop=True).astype(object)
    suffix = np.array(["", *(f"-{n:05d}" for n in range(1, numbers[-1] + 1))], dtype=object)[replica]
    for column in ("report_id", "origin_id", "supersedes"):
        frame[column] = np.where(frame[column] == "", "", frame[column] + suffix)
    shift = replica % SHIFT_DAYS
    for column in ("period_start", "period_end", "published_on", "recorded_on"):
        frame[column] = _shifted(frame[column], shift)
    jitter = rng.uniform(-JITTER, JITTER, (len(numbers), real["origin_id"].nunique()))
    jitter[numbers == 0] = 0
    of_origin = jitter[np.arange(len(numbers)).repeat(len(real)), real["origin_id"].factorize()[0][row]]
    value = pd.to_numeric(frame["value"].replace("", None)).to_numpy(np.float64)
    unit = pd.to_numeric(frame["rounding_unit"].replace("", None)).to_numpy(np.float64)
    as_digits = frame["value_text"].str.replace(r"[ \u00a0,.]", "", regex=True)
    free = (value >= 1000) & (unit >= 1) & (value % np.fmax(unit, 1) == 0)
    free &= (frame["value_low"] == "").to_numpy() & ((as_digits == frame["value"]) | (frame["value_text"] == "")).to_numpy()
    moved = np.where(free, value + np.fmax(unit, 1) * np.round(of_origin * value / np.fmax(unit, 1)), value)
    moves = free & (moved != value)
    digits = pd.Series(moved[moves].astype(np.int64).astype(str), index=frame.index[moves], dtype=object)
    frame.loc[moves, "value"] = digits
    printed = pd.Series([f"{int(v):,}".replace(",", " ") for v in moved[moves]], index=digits.index, dtype=object)
    frame.loc[moves, "value_text"] = printed.where(frame.loc[moves, "value_text"] != "", "")
    return frame


def _shifted(texts: pd.Series, days: np.ndarray) -> pd.Series:
    """Dates moved by days; a month or a year is moved by its last day, so that nothing ends after its publication."""
    last = {4: lambda t: f"{t}-12-31", 7: lambda t: str(pd.Period(t, "M").end_time.date()), 10: str}
    ends = texts.map({t: last[len(t)](t) for t in texts.unique() if t})
    moved = (pd.to_datetime(ends).to_numpy().astype("datetime64[D]") + days).astype(str)
    length = texts.str.len().to_numpy()
    return pd.Series(np.select([length == n for n in last], [moved.astype(f"U{n}") for n in last], "").astype(object))


def _plant(frame: pd.DataFrame, faults: dict[int, str]) -> None:
    for row, fault in faults.items():
        if fault == "negative":
            frame.at[row, "value"], frame.at[row, "direction"] = "-5", "entry"
        elif fault == "country":
            frame.at[row, "country"] = "ZZZ"
        elif fault == "backwards":
            frame.at[row, "period_start"], frame.at[row, "period_end"] = "2022-10-02", "2022-10-01"
        elif fault == "no_date":
            frame.at[row, "period_start"] = "2022-02-30"
        elif fault == "no_number":
            frame.at[row, "value"] = "n/a"
        elif fault == "copy":
            frame.iloc[row] = frame.iloc[row - 1]
        elif fault == "reused_id":
            frame.at[row, "report_id"] = frame.at[row - 1, "report_id"]


# --- measuring ---------------------------------------------------------------------------------------------------


class Stages:
    """Seconds of each stage and the highest memory of the process up to its end."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as the stage `name`."""
        start = time.perf_counter()
        yield
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.rows.append({"stage": name, "seconds": time.perf_counter() - start, "peak_mb": peak})


def take_in(path: Path, out: Path) -> dict[str, Any]:
    """The product's own way, stage by stage."""
    stages = Stages()
    with stages.stage("import pandas, pyarrow, transforms"):
        from crossings.lake import parquet_bytes, write_bytes
        from crossings.schema import TABLES
        from transforms import decisions as decide
        from transforms import prepare, reference, series
        from transforms.parse import register
    with stages.stage("import Great Expectations"):
        from expectations import reports, run
    known = reference.read({p.stem: p.read_bytes() for p in (DATA / "reference").glob("*.csv")})
    declared = series.parse((DATA / "reference" / "series.csv").read_bytes())
    decisions = decide.parse((DATA / "register" / "decisions.csv").read_bytes())
    pairs = known.timezones["country"] + "|" + known.timezones["timezone"]
    with stages.stage("parse"):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        statements = register.parse(content)
        del content
    with stages.stage("decide, encode, evidence"):
        prepared = prepare.ready("register", digest, statements, decisions, declared, known, TODAY)
        del statements
    with stages.stage("expectations"):
        results = run.run("reports", reports.suite(known.countries["alpha3"], pairs), prepared.frame)
    with stages.stage("settle"):
        judgements = [prepare.Judgement(r.rule, r.action, r.severity, r.reason, r.rows) for r in results]
        settled = prepare.settle(prepared, judgements)
        del prepared, judgements
    with stages.stage("conform, write Parquet"):
        for name in ("reports", "quarantine", "findings"):
            write_bytes(out / f"{name}.parquet", parquet_bytes(TABLES[name].conform(getattr(settled, name))))
    accounted = len(settled.reports) + len(settled.quarantine) + settled.duplicates
    assert accounted == settled.rows_in, f"{settled.rows_in} rows in, {accounted} accounted for"
    return {
        "stages": stages.rows, "rules": len(results), "accepted": len(settled.reports),
        "set_aside": len(settled.quarantine), "duplicates": settled.duplicates,
        "by_rule": settled.quarantine["rule"].value_counts().sort_index().to_dict(),
    }  # fmt: skip


if __name__ == "__main__":
    import sys
    if sys.argv[1]=="make":
        print(make_register(Path(sys.argv[2]), int(sys.argv[3])))
    else:
        print(json.dumps(take_in(Path(sys.argv[2]), Path(sys.argv[3])), indent=0))
