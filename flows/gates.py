"""The release gates: suites on every table and on the row accounting, and the validation page.

A failing expectation with action `stop_release` raises ReleaseStopped after the page has been written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crossings.errors import ReleaseStopped
from crossings.lake import write_bytes
from crossings.schema import TABLES
from expectations import page, run, tables
from flows.workspace import Workspace


def hold_gates(
    workspace: Workspace, identifier: str, conformed: Mapping[str, pa.Table], ingested: Sequence[Mapping[str, Any]]
) -> Path:
    """Run every suite on the tables of a release to be; returns the validation page.

    Raises ReleaseStopped naming the first failing gate.
    """
    from flows.steps import summarise

    accounting = [summary["counts"] for summary in ingested]
    frame = pd.DataFrame(accounting)
    frame["missing_since_before"] = _missing(workspace, conformed, frame["source_id"])
    suites = [summary["suite"] for summary in ingested]
    failed: list[run.RuleResult] = []
    checked = [("row accounting", tables.accounting(), frame)]
    checked += [(name, tables.suite(name), _judged(name, table)) for name, table in sorted(conformed.items())]
    for name, suite, rows in checked:
        results = run.run(name, suite, rows)
        suites.append(summarise(name, results, rows))
        failed += [r for r in results if r.failed and r.action == "stop_release"]
    stopped = f"{failed[0].rule}: {failed[0].reason} ({failed[0].failed} rows)" if failed else ""
    text = page.render(identifier, suites, accounting, _by_rule(conformed["findings"]), _totals(conformed), stopped)
    path = workspace.lake.root / "validation" / f"{identifier}.html"
    write_bytes(path, text.encode())
    write_bytes(path.with_name("latest.html"), text.encode())
    if failed:
        raise ReleaseStopped(f"release {identifier} was stopped by {stopped}", f"see {path}; `current` is as it was")
    return path


def _judged(name: str, table: pa.Table) -> pd.DataFrame:
    """The table as the suites take it: plain pandas, with the fact whether each row follows the one before."""
    frame = table.to_pandas()
    key = [frame[k].astype("category") if frame[k].dtype == object else frame[k] for k in TABLES[name].key]
    order = pd.DataFrame({i: (k.cat.codes if hasattr(k, "cat") else k) for i, k in enumerate(key)})
    position = order.sort_values(list(order.columns), kind="stable").index.to_numpy()
    return frame.assign(row_in_key_order=position == np.arange(len(frame)))


def _missing(workspace: Workspace, conformed: Mapping[str, pa.Table], sources: pd.Series) -> list[int]:
    before = workspace.lake.current()
    if before is None:
        return [0] * len(sources)
    columns = ["report_id", "source_id"]
    old = before.read("reports", columns=columns).to_pandas()
    kept = set(conformed["reports"]["report_id"].to_pylist()) | set(conformed["quarantine"]["report_id"].to_pylist())
    gone = old.loc[~old["report_id"].isin(kept)].groupby("source_id").size()
    return [int(gone.get(source, 0)) for source in sources]


def _by_rule(findings: pa.Table) -> list[dict[str, Any]]:
    frame = findings.select(["rule", "severity", "message"]).to_pandas()
    grouped = frame.groupby(["rule", "severity"])["message"]
    return [
        {"rule": rule, "severity": severity, "number": len(messages), "example": messages.iloc[0]}
        for (rule, severity), messages in grouped
    ]


def _totals(conformed: Mapping[str, pa.Table]) -> dict[str, int]:
    return {name: conformed[name].num_rows for name in ("reports", "quarantine", "daily", "official", "findings")}
