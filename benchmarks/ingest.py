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
_DASHES = f"{'-' * 7:>8}{'-' * 7:>8}{'-' * 11:>12}{'-' * 8:>9}  "


# --- making a register -------------------------------------------------------------------------------------------


def make_register(path: Path, rows: int) -> dict[str, int]:
    """Write a register of `rows` records made from the real one; returns how many faults of each kind it holds.

    The real reports come first as they are, so that the curator's decisions apply; then copies of those that no decision
    changes. Same `rows`, same bytes.
    """
    real = pd.read_csv(DATA / "register" / "reports.csv", dtype=str, keep_default_na=False)
    decisions = pd.read_csv(DATA / "register" / "decisions.csv", dtype=str, keep_default_na=False)
    changed = decisions.loc[decisions["action"].isin(["recode", "exclude"]), "report_id"]
    plain = real.loc[~real["report_id"].isin(changed) & (real["supersedes"] == "")].reset_index(drop=True)
    rng = np.random.default_rng(SEED)
    per_fault = max(1, round(rows * FAULT_SHARE / len(FAULTS)))
    copies = rows - len(real) - per_fault  # torn records come last and are no rows at all
    # Faults stand apart from each other, in copies that no decision concerns.
    places = rng.permutation(np.arange(1, copies, 2))[: per_fault * (len(FAULTS) - 1)]
    fault_at = {int(p): FAULTS[i % (len(FAULTS) - 1)] for i, p in enumerate(np.sort(places))}
    at_once = max(1, 100_000 // len(plain))
    with path.open("wb") as out:
        out.write((",".join(real.columns) + "\n").encode())
        out.write(_csv(real))
        for first in range(0, -(-copies // len(plain)), at_once):
            start = first * len(plain)
            frame = _replicas(plain, np.arange(first, first + at_once), rng).iloc[: copies - start]
            _plant(frame, {p - start: f for p, f in fault_at.items() if start <= p < start + len(frame)})
            out.write(_csv(frame))
        for number in range(per_fault):
            out.write(f"TORN-{number},TORN-{number},FIN,RUS,national\n".encode())
    planted = dict.fromkeys(FAULTS, 0) | {"torn": per_fault}
    for fault in fault_at.values():
        planted[fault] += 1
    return planted


def _csv(frame: pd.DataFrame) -> memoryview:
    import pyarrow as pa
    import pyarrow.csv as pacsv

    sink = pa.BufferOutputStream()
    table = pa.Table.from_pandas(frame.replace("", None), preserve_index=False)
    pacsv.write_csv(table, sink, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    return memoryview(sink.getvalue())


def _replicas(real: pd.DataFrame, numbers: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    row = np.tile(np.arange(len(real)), len(numbers))
    replica = np.repeat(numbers, len(real))
    frame = real.take(row).reset_index(drop=True).astype(object)
    suffix = np.array([f"-{n:05d}" for n in numbers], dtype=object)[replica - numbers[0]]
    for column in ("report_id", "origin_id", "supersedes"):
        frame[column] = np.where(frame[column] == "", "", frame[column] + suffix)
    shift = replica % SHIFT_DAYS
    for column in ("period_start", "period_end", "published_on", "recorded_on"):
        frame[column] = _shifted(frame[column], shift)
    jitter = rng.uniform(-JITTER, JITTER, len(frame))
    alone = ~real["origin_id"].duplicated(keep=False).to_numpy()[row]  # copies of a statement go on saying the same
    value = pd.to_numeric(frame["value"].replace("", None)).to_numpy(np.float64)
    unit = pd.to_numeric(frame["rounding_unit"].replace("", None)).to_numpy(np.float64)
    as_digits = frame["value_text"].str.replace(r"[ \u00a0,.]", "", regex=True)
    free = alone & (value >= 1000) & (unit >= 1) & (value % np.fmax(unit, 1) == 0)
    free &= (frame["value_low"] == "").to_numpy() & (
        (as_digits == frame["value"]) | (frame["value_text"] == "")
    ).to_numpy()
    moved = np.where(free, value + np.fmax(unit, 1) * np.round(jitter * value / np.fmax(unit, 1)), value)
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
    """Seconds of each stage and the highest memory of the process up to its end.

    started : when the process was started, seconds of the epoch; the first stage is what passed since then.
    """

    def __init__(self, started: float) -> None:
        self.rows: list[dict[str, Any]] = []
        self._note("import pandas", time.time() - started, time.process_time())

    def _note(self, name: str, seconds: float, cpu: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.rows.append({"stage": name, "seconds": seconds, "cpu": cpu, "peak_mb": peak})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block as the stage `name`."""
        start, cpu = time.perf_counter(), time.process_time()
        yield
        self._note(name, time.perf_counter() - start, time.process_time() - cpu)


def take_in(path: Path, out: Path, stages: Stages) -> dict[str, Any]:
    """The product's own way, stage by stage."""
    with stages.stage("import crossings, transforms"):
        from crossings.durable import write_file
        from crossings.lake import parquet_bytes
        from crossings.schema.tables import TABLES
        from transforms.parse import statements_csv
        from transforms.reports import decisions as decide
        from transforms.reports import prepare, reference
        from transforms.series import definitions
    with stages.stage("import Great Expectations"):
        from expectations import reports, run
    known = reference.read({p.stem: p.read_bytes() for p in (DATA / "reference").glob("*.csv")})
    declared = definitions.parse((DATA / "reference" / "series.csv").read_bytes())
    decisions = decide.parse((DATA / "register" / "decisions.csv").read_bytes())
    pairs = known.timezones["country"] + "|" + known.timezones["timezone"]
    with stages.stage("parse"):
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        statements = statements_csv.parse(content)
        del content
    with stages.stage("decide, encode, evidence"):
        prepared = prepare.ready("register", digest, statements, decisions, declared, known, TODAY)
        del statements
    with stages.stage("expectations"):
        results = run.run("reports", reports.suite(known.countries["alpha3"], pairs), prepared.frame)
    with stages.stage("settle"):
        judgements = [prepare.Judgement(r.rule, r.reason, r.rows) for r in results]
        settled = prepare.settle(prepared, judgements)
        del prepared, judgements
    tables = {"reports": settled.reports, "quarantine": settled.quarantine, "findings": settled.findings}
    accepted, set_aside, duplicates = len(settled.reports), len(settled.quarantine), settled.duplicates
    accounted = accepted + set_aside + duplicates
    assert accounted == settled.rows_in, f"{settled.rows_in} rows in, {accounted} accounted for"
    del settled
    with stages.stage("conform, write Parquet"):
        for name, table in tables.items():
            write_file(out / f"{name}.parquet", parquet_bytes(TABLES[name].conform(table)))
    return {"stages": stages.rows, "rules": len(results), "accepted": accepted, "set_aside": set_aside + duplicates}


def by_hand(path: Path, out: Path, stages: Stages) -> dict[str, Any]:
    """What a careful analyst would write without the product: one mask per rule. No intervals, no decisions, no roles."""
    from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS
    from crossings.schema.tables import REGISTER_COLUMNS

    zones = pd.read_csv(DATA / "reference" / "timezones.csv", keep_default_na=False)
    countries = pd.read_csv(DATA / "reference" / "countries.csv", keep_default_na=False).set_index("alpha3")
    population = pd.to_numeric(countries["population"].replace("", None))
    with stages.stage("parse"):
        frame = pd.read_csv(path, low_memory=False)
        texts = frame[["period_start", "period_end", "recorded_on"]].copy()
        for column in texts:
            frame[column] = pd.to_datetime(texts[column], format="%Y-%m-%d", errors="coerce")
        for column in ("value", "value_low", "value_high", "rounding_unit", "tier"):
            frame[column] = pd.to_numeric(frame[column], errors="coerce")
        said = frame["published_on"].astype("str")
        day_first = said.where(said.str.len() != 4, said + "-01-01").where(said.str.len() != 7, said + "-01")
        first = pd.to_datetime(day_first, format="%Y-%m-%d", errors="coerce")
        year, month = (said.str.len() == 4) & first.notna(), (said.str.len() == 7) & first.notna()
        last = first.where(~month, first + pd.offsets.MonthEnd()).where(~year, first + pd.offsets.YearEnd())
    with stages.stage("expectations"):
        f, bad = frame, pd.Series(False, index=frame.index)
        for column in REGISTER_COLUMNS:
            if not column.nullable:
                bad |= f[column.name].isna()
            if column.codes in CODE_LISTS:
                bad |= f[column.name].notna() & ~f[column.name].isin(CODE_LISTS[column.codes])
        for name, pattern in OPEN_PATTERNS.items():
            bad |= ~f[name].astype("str").str.fullmatch(pattern).fillna(False)
        bad |= f[["value", "value_low", "value_high"]].isna().all(axis=1)
        bad |= ~f["country"].isin(countries.index) | ~f["tier"].isin([1, 2, 3, 4, 5])
        bad |= f["counterpart"].notna() & ~f["counterpart"].isin(countries.index)
        bad |= f["period_start"] > f["period_end"]
        bad |= (texts.notna() & frame[texts.columns].isna()).any(axis=1)
        bad |= (f["period_end"] > last) & (f["modality"] != "forecast")
        bad |= (first > f["recorded_on"]) | (f["recorded_on"] > TODAY)
        signed = (f["direction"] == "net") | (f["statistic"] == "change")
        bad |= ~signed & (f[["value", "value_low", "value_high"]] < 0).any(axis=1)
        bad |= (f["value_low"] > f["value_high"]) | (f["value"] < f["value_low"]) | (f["value"] > f["value_high"])
        bad |= (f["qualifier"] == "between") & f["value"].notna()
        days = ((f["period_end"] - f["period_start"]).dt.days + 1).clip(lower=1)
        per_day = f["statistic"].isin(["each_day", "max_per_day", "min_per_day"])
        no_flow = f["statistic"].isin(["stock", "change", "ratio", "share"])
        total = f[["value", "value_high"]].max(axis=1)
        rate = (total / days.where(~per_day, 1)).mask(no_flow)
        parts = ["country", "direction", "citizenship", "scope", "mode", "measure", "system"]
        usual = rate.mask(per_day | (rate <= 0)).groupby([f[p] for p in parts]).transform("median")
        bad |= (rate > 100 * usual) & (rate >= 100)
        bad |= rate > np.fmin(f["country"].map(population) * 0.05, f["citizenship"].map(population) * 0.005)
        figures = zip(f["value_text"], f["value"], f["value_low"], f["value_high"], strict=True)
        bad |= np.array([not _digits_agree(*row) for row in figures])
        pairs = set(zones["country"] + "|" + zones["timezone"])
        bad |= ~(f["country"].astype("str") + "|" + f["timezone"].astype("str")).isin(pairs)
        for clock in ("start_time", "end_time"):
            bad |= f[clock].notna() & ~f[clock].astype("str").str.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00")
        bad |= f["supersedes"].notna() & ~f["supersedes"].isin(f["report_id"])
        bad |= f.duplicated() | f.duplicated(["report_id"])
        held = (f["modality"] != "observed") | f["url"].isna()
        held |= f["rounding_unit"].notna() & (f["value"] % f["rounding_unit"] != 0)
        held |= (f["period_end"] == last) & f["end_time"].isna() & f["statistic"].isin(["cumulative", "total"])
    with stages.stage("conform, write Parquet"):
        for name, table in {"reports": f.assign(held=held)[~bad], "set_aside": f[bad]}.items():
            table.to_parquet(out / f"by_hand_{name}.parquet", compression="zstd", index=False)
    return {"stages": stages.rows, "accepted": int((~bad).sum()), "set_aside": int(bad.sum())}


def _digits_agree(text: object, value: float, low: float, high: float) -> bool:
    if not isinstance(text, str):
        return True
    printed = re.sub(r"\D", "", text).strip("0")
    figures = [str(abs(int(x))).strip("0") for x in (value, low, high) if x == x]
    return not printed or not figures or printed in figures or printed.startswith(figures[0])


# --- showing -----------------------------------------------------------------------------------------------------


def alone(how: str, path: Path, out: Path | int) -> dict[str, Any]:
    """Make the register, or take it in, in a process of its own, so that the memory it reports is its own.

    A process starts with the highest memory of the one that started it, hence the making too happens elsewhere.
    """
    command = [sys.executable, __file__, "--only", how, str(path), str(out), str(time.time())]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=DATA.parent)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(rows: int, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """One table: the stages of both ways, their rates and memory."""
    print(f"{'':36}{'crossings':^39}{'naive pandas':^39}")
    heads = f"{'s':>8}{'CPU s':>8}{'rows/s':>12}{'peak MB':>9}  "
    print(f"{'stage':36}{heads}{heads}")
    print(f"{'-' * 34}  {_DASHES}{_DASHES}")
    hand = {row["stage"]: row for row in theirs["stages"]}
    for row in [*ours["stages"], _total("total", ours), _total("total without imports", ours)]:
        other = hand.get(row["stage"]) or (_total(row["stage"], theirs) if row["stage"].startswith("total") else None)
        print(f"{row['stage']:36}{_cells(rows, row)}{_cells(rows, other)}")
    kept = "accepted {accepted:,}, set aside {set_aside:,}"
    print(f"crossings: {kept.format(**ours)} ({ours['rules']} expectations); naive pandas: {kept.format(**theirs)}")
    whole = _total("total", ours)
    if rows == 1_000_000:
        met = "met" if whole["seconds"] < AIM_SECONDS and whole["peak_mb"] < AIM_MB else "missed"
        print(f"aim for a million, imports included: under {AIM_SECONDS:.0f} s and {AIM_MB:,.0f} MB: {met} with "
              f"{whole['seconds']:.1f} s and {whole['peak_mb']:,.0f} MB ({whole['cpu']:.1f} s of CPU)")  # fmt: skip
    dear = sorted(ours["stages"], key=lambda row: -row["seconds"])[:3]
    share = ", ".join(f"{r['stage']} {r['seconds'] / whole['seconds']:.0%}" for r in dear)
    print(f"where the time goes: {share}\n")


def _total(name: str, result: dict[str, Any]) -> dict[str, Any]:
    rows = [r for r in result["stages"] if name == "total" or not r["stage"].startswith("import")]
    return {"stage": name, "seconds": sum(r["seconds"] for r in rows), "cpu": sum(r["cpu"] for r in rows),
            "peak_mb": max(r["peak_mb"] for r in rows)}  # fmt: skip


def _cells(rows: int, row: dict[str, Any] | None) -> str:
    if row is None:
        return f"{'-':>8}{'-':>8}{'-':>12}{'-':>9}  "
    rate = "" if row["stage"].startswith("import") else f"{rows / row['seconds']:,.0f}"
    return f"{row['seconds']:8.2f}{row['cpu']:8.2f}{rate:>12}{row['peak_mb']:9,.0f}  "


def machine() -> str:
    """Cores, memory and versions, so that figures can be compared."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("pandas", "pyarrow", "numpy", "great-expectations")
    versions = ", ".join(f"{n} {importlib.metadata.version(n)}" for n in names)
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, {versions}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed and memory of taking in a large register, beside naive pandas.")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000], help="records of each register")
    parser.add_argument("--only", nargs=4, help=argparse.SUPPRESS)  # how, register, folder: one measured process
    asked = parser.parse_args()
    if asked.only:
        how, path, out, started = asked.only
        if how == "make":
            print(json.dumps(make_register(Path(path), int(out))))
        else:
            way = {"crossings": take_in, "by_hand": by_hand}[how]
            print(json.dumps(way(Path(path), Path(out), Stages(float(started)))))
        return
    print(machine())
    print("peak MB is the highest memory of the process up to the end of the stage; the load on the machine was "
          f"{os.getloadavg()[0]:.1f} at the start: where s exceeds CPU s, others were using it\n")  # fmt: skip
    for rows in asked.rows:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "reports.csv"
            planted = alone("make", path, rows)
            size = path.stat().st_size / 1e6
            print(
                f"{rows:,} records, {size:,.0f} MB of CSV; planted: {', '.join(f'{n} {k}' for k, n in planted.items())}"
            )
            show(rows, *(alone(how, path, Path(folder)) for how in ("crossings", "by_hand")))


if __name__ == "__main__":
    main()
