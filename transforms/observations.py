"""From what a statistics source showed, look after look, to reports: each figure once, each revision as its own report.

In: the parsed payloads of every look at one source, in order of looking. Out: statements as the register gives them,
so that the same rules judge both, and the cells for which the publisher states no figure.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

from crossings.schema import OFFICIAL, REGISTER_COLUMNS
from crossings.sources import SourceSpec
from transforms import series
from transforms.parse.contract import Parsed
from transforms.parse.register import Statements

_KEY = ("series", "period_start", "period_end", "freq")


@dataclass(frozen=True)
class Look:
    """The figures of one look and the instant at which its bytes were stored."""

    parsed: Parsed
    recorded_at: dt.datetime


@dataclass(frozen=True, eq=False)
class Gathered:
    """All looks at one source together.

    Attributes
    ----------
    statements : one report per figure and revision. missing : `official` rows without a figure, with their reason.
    repeated : figures and refused records that an earlier look had shown alike. rows_in : cells received and selected.
    findings : mappings for `findings.table`.
    """

    statements: Statements
    missing: pd.DataFrame
    repeated: int
    rows_in: int
    findings: list[dict[str, Any]] = field(default_factory=list)


def gather(looks: Sequence[Look], spec: SourceSpec, main_timezone: Mapping[str, str]) -> Gathered:
    """Turn looks into reports.

    main_timezone : of each country; the periods of a regular statistic are civil dates of the country it is about.

    A figure that a later look shows otherwise is a new report that supersedes the one before; a figure that stays is
    not repeated. A look that changes more of the known figures than `bounds.max_change` allows is told as a finding.
    """
    known: dict[tuple[Any, ...], tuple[Any, int, str]] = {}
    rows: list[dict[str, Any]] = []
    missing: dict[tuple[Any, ...], dict[str, Any]] = {}
    refused: dict[tuple[str, str, str], dict[str, str]] = {}
    told: list[dict[str, Any]] = []
    repeated = 0
    for look in looks:
        changed = compared = 0
        frame = look.parsed.observations
        for row in frame.assign(series=series.identifiers(frame)).to_dict("records"):
            key = tuple(row[k] for k in _KEY)
            if pd.isna(row["value"]):
                repeated += key in missing
                missing[key] = row
                continue
            missing.pop(key, None)
            before = known.get(key)
            if before is not None:
                compared += 1
                if before[0] == row["value"]:
                    repeated += 1
                    continue
                changed += 1
            issue = 1 if before is None else before[1] + 1
            report_id = _report_id(spec.id, key, issue)
            known[key] = (row["value"], issue, report_id)
            rows.append(
                _statement(row, spec, look.recorded_at, report_id, before[2] if before else None, main_timezone)
            )
        for record in look.parsed.rejected.to_dict("records"):
            identity = (record["record"], record["rule"], record["payload_locator"])
            repeated += identity in refused
            refused[identity] = record
        told += [_note(spec, note.rule, note.message, "warn") for note in look.parsed.notes]
        if compared and changed / compared > spec.bounds.max_change:
            told.append(_note(spec, "revision_size", f"the look of {look.recorded_at:%Y-%m-%d} changed {changed:,} of "
                              f"{compared:,} known figures, more than {spec.bounds.max_change:.0%}", "warn"))  # fmt: skip
    return Gathered(
        statements=Statements(_typed(rows), _raw(rows), _torn(list(refused.values()))),
        missing=_missing(list(missing.values())),
        repeated=repeated,
        rows_in=sum(look.parsed.considered - look.parsed.unselected for look in looks),
        findings=told,
    )


def _report_id(source: str, key: tuple[Any, ...], issue: int) -> str:
    name, start, _, freq = key
    return f"{source}:{hashlib.sha256(str(name).encode()).hexdigest()[:8]}:{start}:{freq}:{issue}"


def _statement(
    row: dict[str, Any],
    spec: SourceSpec,
    recorded_at: dt.datetime,
    report_id: str,
    supersedes: str | None,
    main_timezone: Mapping[str, str],
) -> dict[str, Any]:
    address = next((a.url for a in spec.addresses if a.role in ("data", "file")), None)
    stated = {n: row[n] for n in ("country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system",
                                  "period_start", "period_end", "value", "value_text")}  # fmt: skip
    return stated | {
        "report_id": report_id, "origin_id": report_id, "timezone": main_timezone.get(row["country"], spec.timezone), "statistic": "total",
        "modality": "observed", "period_basis": "stated", "cutoff_assumed": False, "qualifier": "exact",
        "reporter_side": "origin" if spec.system == "mirror" else "destination", "rounding_unit": 1,
        "speech_mode": "written_table", "tier": 1, "published_on": f"{recorded_at:%Y-%m-%d}", "publisher": spec.publisher,
        "url": address, "language": spec.language, "supersedes": supersedes,
        "revision_kind": "update" if supersedes else None, "recorded_on": recorded_at.date(),
        "recorded_at": recorded_at, "payload_sha256": row["payload_sha256"], "locator": row["payload_locator"],
        "note": row["raw"],
    }  # fmt: skip


def _typed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    columns: dict[str, Any] = {}
    for column in REGISTER_COLUMNS:
        values = frame[column.name] if column.name in frame else pd.Series([None] * len(rows), dtype="object")
        if column.type == "date32":
            columns[column.name] = pd.to_datetime(values).astype("datetime64[s]")
        elif column.type in ("int64", "int8"):
            columns[column.name] = values.astype("Int64" if column.type == "int64" else "Int8")
        elif column.type == "bool":
            columns[column.name] = values.astype("boolean")
        else:
            columns[column.name] = values.astype("object").where(values.notna(), None).astype("str")
    for extra in ("payload_sha256", "locator"):
        columns[extra] = frame[extra] if extra in frame else pd.Series([], dtype="str")
    stamps = frame["recorded_at"] if "recorded_at" in frame else pd.Series([], dtype="object")
    columns["recorded_at"] = pd.to_datetime(stamps, utc=True).astype("datetime64[us, UTC]")
    columns["unparsed"] = pd.Series([""] * len(rows), dtype="object")
    return pd.DataFrame(columns)


def _raw(rows: list[dict[str, Any]]) -> pa.Table:
    names = ("value", "value_text", "period_start", "period_end", "note")
    return pa.table({n: pa.array([None if r[n] is None else str(r[n]) for r in rows], pa.string()) for n in names})


def _torn(refused: list[dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"locator": r["payload_locator"], "record": r["record"], "reason": r["reason"], "rule": r["rule"]}
            for r in refused
        ],
        columns=["locator", "record", "reason", "rule"],
    )


def _missing(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [{"date": r["period_start"], **{k: r[k] for k in ("country", "series", "freq", "direction", "citizenship", "scope",
                                                          "measure", "system", "obs_status")}} for r in rows],
        columns=list(OFFICIAL.names),
    )  # fmt: skip
    for column in ("value", "daily_sum", "residual"):
        frame[column] = frame[column].astype("Int64")
    return frame


def _note(spec: SourceSpec, rule: str, message: str, severity: str) -> dict[str, Any]:
    return {"rule": rule, "severity": severity, "table": "reports", "country": spec.country, "observed": None,
            "expected": None, "gap": None, "message": f"{spec.id}: {message}", "report_ids": [],
            "finding_id": f"{rule}-{hashlib.sha256(f'{spec.id} {message}'.encode()).hexdigest()[:12]}"}  # fmt: skip
