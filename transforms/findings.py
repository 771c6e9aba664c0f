"""Findings as a table: what rules found, with an identifier that does not move between runs.

In: `crossings.rules.Finding`. Out: a frame by the schema of `findings`; the catalogue is docs/rules.md.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pandas as pd

from crossings.rules import Finding
from crossings.schema.tables import FINDINGS


def identifier(rule: str, *parts: Any) -> str:
    """Rule and a short digest of what the finding is about."""
    text = json.dumps([rule, *parts], default=str, ensure_ascii=False)
    return f"{rule}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def table(findings: Iterable[Finding]) -> pd.DataFrame:
    """A frame by the schema of `findings`, one row per distinct finding; the later of two about the same stands.

    `report_ids` are sorted; `status` is open, for nobody has decided yet.
    """
    complete: dict[str, dict[str, Any]] = {}
    for finding in findings:
        row = vars(finding) | {"report_ids": sorted(finding.report_ids), "status": "open"}
        row |= {"date_start": _date(finding.date_start), "date_end": _date(finding.date_end)}
        key = [row[k] for k in ("table", "series", "country", "date_start", "date_end", "report_ids")]
        row["finding_id"] = finding.finding_id or identifier(finding.rule, *key)
        complete[row["finding_id"]] = row
    frame = pd.DataFrame([complete[k] for k in sorted(complete)], columns=list(FINDINGS.names))
    return frame.astype({"gap": "float64"})


def interval(lower: float | None, upper: float | None) -> str:
    """An interval for people: `8,314`, `97,500 to 98,499`, `at least 3,001`, `at most 30,000`."""
    low = None if lower is None or pd.isna(lower) else int(lower)
    high = None if upper is None or pd.isna(upper) else int(upper)
    if low is None and high is None:
        return "any number"
    if high is None:
        return f"at least {low:,}"
    if low is None:
        return f"at most {high:,}"
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _date(value: Any) -> dt.date | None:
    if value is None or pd.isna(value):
        return None
    day: dt.date = pd.Timestamp(value).date()
    return day
