"""The release gates: suites on every table and on the row accounting, and the validation page.

A failing expectation with action `stop_release` raises ReleaseStopped after the page has been written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crossings.durable import write_file
from crossings.errors import ReleaseStopped
from crossings.schema.tables import TABLES
from expectations import page, run, tables
from flows.workspace import Workspace
from transforms.reports import decisions as decide
from transforms.tables import gate_evidence, proof_evidence, withhold

SAMPLES = 20  # failing rows listed on the page; what is quarantined is never capped
_SHOWN = (
    "report_id", "finding_id", "rule", "date", "month", "country", "series", "direction", "period_start", "period_end",
    "value_text", "value", "estimate", "lower", "upper", "total", "least", "most", "gap", "publisher", "url",
)  # fmt: skip


@dataclass
class Gates:
    """Suites run for one release: their results for the page, and the first reason to stop it."""

    suites: list[dict[str, Any]] = field(default_factory=list)
    failed: list[run.RuleResult] = field(default_factory=list)

    def hold(self, name: str, suite: Sequence[Any], rows: pd.DataFrame) -> list[run.RuleResult]:
        """Run one suite; failures that stop the release are remembered."""
        results = run.run(name, suite, rows)
        self.suites.append(summarise(name, results, rows))
        self.failed += [r for r in results if r.failed and r.action == "stop_release"]
        return results


def hold_estimates(
    gates: Gates,
    daily: pd.DataFrame,
    decided: pd.DataFrame,
    findings: pd.DataFrame,
    series: pd.DataFrame,
    events: pd.DataFrame,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Judge the estimates; returns `daily` with stopped points withheld, and the findings that say so.

    decided : reports with the windows that decisions gave them, as the estimator took them.
    """
    decided = decided.assign(**{c: decided[c].dt.date for c in ("period_start", "period_end")})
    evidence = {
        "reaggregation": gate_evidence.reaggregation(daily, decided, findings),
        "proofs": proof_evidence.proofs(daily, decided, series),
        "trail": gate_evidence.trail(daily, decided, events, findings),
        "findings": findings.reset_index(drop=True),
        "intervals": gate_evidence.intervals(daily, decided),
        "concepts": gate_evidence.concepts(decided, series),
    }
    stopped: dict[str, str] = {}
    for name, suite in tables.gates().items():
        rows = evidence[name]
        if not len(rows):
            continue
        for result in gates.hold(f"estimates: {name}", suite, rows):
            failing = rows.loc[list(result.rows)]
            if result.action == "stop_series":
                stopped |= dict.fromkeys(failing["series"].dropna().unique(), f"{result.rule}: {result.reason}")
    kept = withhold.withhold(daily, stopped)
    country_of = dict(zip(series["series"], series["country"], strict=True))
    return kept, withhold.told(stopped, country_of)


def hold_release(
    workspace: Workspace,
    gates: Gates,
    identifier: str,
    conformed: Mapping[str, pa.Table],
    ingested: Sequence[Mapping[str, Any]],
) -> Path:
    """Run the suite of every table and the row accounting; returns the validation page.

    Raises ReleaseStopped naming the first failing gate, after the page has been written.
    """
    accounting = [summary["counts"] for summary in ingested]
    frame = pd.DataFrame(accounting)
    frame["missing_since_before"] = _missing(workspace, conformed, frame["source_id"])
    gates.hold("row accounting", tables.accounting(), frame)
    for name, table in sorted(conformed.items()):
        gates.hold(name, tables.suite(name), judged(name, table))
    first = gates.failed[0] if gates.failed else None
    stopped = f"{first.rule}: {first.reason} ({first.failed} rows)" if first else ""
    suites = [*(summary["suite"] for summary in ingested), *gates.suites]
    text = page.render(identifier, suites, accounting, _by_rule(conformed["findings"]), _totals(conformed), stopped)
    path = workspace.lake.root / "validation" / f"{identifier}.html"
    write_file(path, text.encode())
    write_file(path.with_name("latest.html"), text.encode())
    if first:
        raise ReleaseStopped(f"release {identifier} was stopped by {stopped}", f"see {path}; `current` is as it was")
    return path


def summarise(name: str, results: Sequence[run.RuleResult], frame: pd.DataFrame) -> dict[str, Any]:
    """Rule results as plain values, with a few failing rows each."""
    shown = [c for c in _SHOWN if c in frame]
    rules = []
    for result in results:
        rows = frame.loc[list(result.rows[:SAMPLES]), shown]
        samples = [{k: decide.printed(v) for k, v in row.items()} for row in rows.to_dict("records")]
        rules.append({k: v for k, v in asdict(result).items() if k != "rows"} | {"samples": samples})
    return {"name": name, "rows": len(frame), "rules": rules}


def judged(name: str, table: pa.Table) -> pd.DataFrame:
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
