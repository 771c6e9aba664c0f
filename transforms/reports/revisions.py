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

from crossings.rules import Finding
from crossings.schema.tables import OFFICIAL, REGISTER_COLUMNS, SERIES_PARTS
from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed
from transforms.parse.statements_csv import Statements
from transforms.series import definitions

_KEY = ("series", "period_start", "period_end", "freq")
_OFFICIAL_PARTS = ("country", "series", "freq", *SERIES_PARTS, "obs_status", "value")


@dataclass(frozen=True)
class Look:
    """The figures of one look, the instant at which its bytes were stored, and the digest that names them together."""

    parsed: Parsed
    recorded_at: dt.datetime
    sha256: str = ""


@dataclass(frozen=True, eq=False)
class Gathered:
    """All looks at one source together.

    Attributes
    ----------
    statements : one report per figure and revision. missing : `official` rows without a figure, with their reason.
    marked : `official` rows of the reports whose figure carries another SDMX status than A (provisional, estimated, ...).
    absences : cells that stated a reason instead of a figure, each change of the reason once.
    repeated : figures, absences and refused records that an earlier look had shown alike.
    rows_in : cells received and selected = reports + refused records + absences + repeated.
    findings : what the parser noted, and looks that changed more than their source allows.
    """

    statements: Statements
    missing: pd.DataFrame
    marked: pd.DataFrame
    absences: int
    repeated: int
    rows_in: int
    findings: list[Finding] = field(default_factory=list)


def gather(looks: Sequence[Look], spec: SourceSpec, main_timezone: Mapping[str, str]) -> Gathered:
    """Turn looks into reports.

    main_timezone : of each country; the periods of a regular statistic are civil dates of the country it is about.

    A figure that a later look shows otherwise is a new report that supersedes the one before; a figure that stays is
    not repeated; a figure in whose place a later look states none is withdrawn by a retraction. A look that changes
    more of the known figures than `bounds.max_change` allows is told as a finding.
    """
    book = _Book(spec, main_timezone)
    for look in looks:
        changed, compared = book.changed, book.compared
        frame = look.parsed.observations
        for row in frame.assign(series=definitions.identifiers(frame)).to_dict("records"):
            book.enter(row, look.recorded_at)
        for record in look.parsed.rejected.to_dict("records"):
            book.refuse(record, look.sha256)
        book.told += [_note(spec, note.rule, note.message) for note in look.parsed.notes]
        changed, compared = book.changed - changed, book.compared - compared
        if compared and changed / compared > spec.bounds.max_change:
            book.told.append(_note(
                spec, "revision_size", f"the look of {look.recorded_at:%Y-%m-%d} changed {changed:,} of {compared:,} known "
                f"figures, more than {spec.bounds.max_change:.0%}"))  # fmt: skip
    standing = [(row, state.report_id) for state in book.known.values() if (row := state.row)["obs_status"] != "A"]
    return Gathered(
        statements=Statements(_typed(book.rows), _raw(book.rows), _torn(list(book.refused.values()))),
        missing=_official([(row, None) for row in book.missing.values()]),
        marked=_official([pair for pair in standing if not pd.isna(pair[0]["value"])]),
        absences=book.absences,
        repeated=book.repeated,
        rows_in=sum(look.parsed.considered - look.parsed.unselected - look.parsed.summed for look in looks),
        findings=book.told,
    )


def described(series: pd.DataFrame, used: pd.Series, spec: SourceSpec) -> pd.DataFrame:
    """Definitions of series; the titles of those that the source's reports use say its definitions by their epochs."""
    if len(spec.definition_epochs) < 2:
        return series
    said = "; ".join(
        " ".join([*([f"from {e.start}"] if e.start else []), *([f"to {e.end}"] if e.end else [])]) + f" {e.definition}"
        for e in spec.definition_epochs
    )
    return series.assign(
        title=series["title"].mask(series["series"].isin(used), series["title"] + f" ({spec.id}: {said})")
    )


@dataclass(frozen=True)
class _Standing:
    """What the looks so far say of one series and period, and the newest report about it."""

    row: dict[str, Any]
    issue: int
    report_id: str


class _Book:
    """The figures of all looks so far."""

    def __init__(self, spec: SourceSpec, main_timezone: Mapping[str, str]) -> None:
        self.spec, self.main_timezone = spec, main_timezone
        self.known: dict[tuple[Any, ...], _Standing] = {}
        self.missing: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.refused: dict[tuple[str, str, str], dict[str, str]] = {}
        self.rows: list[dict[str, Any]] = []
        self.told: list[Finding] = []
        self.changed = self.compared = self.absences = self.repeated = 0

    def enter(self, row: dict[str, Any], recorded_at: dt.datetime) -> None:
        """One cell of one look: a new figure, a revision, a withdrawal, an absence, or nothing new."""
        key = tuple(row[k] for k in _KEY)
        before = self.known.get(key)
        standing = before is not None and not pd.isna(before.row["value"])
        self.compared += standing
        if pd.isna(row["value"]):
            self._absent(key, row, before if standing else None, recorded_at)
            return
        self.missing.pop(key, None)
        if before is not None and standing and before.row["value"] == row["value"]:
            self.repeated += 1
            self.known[key] = _Standing(row, before.issue, before.report_id)  # the status may have become final
            return
        self.changed += standing
        self._report(key, row, row["value"], before, recorded_at)

    def refuse(self, record: dict[str, str], sha256: str) -> None:
        """One refused record of one look; alike ones are kept once, with the look that first showed them."""
        identity = (record["record"], record["rule"], record["payload_locator"])
        self.repeated += identity in self.refused
        self.refused.setdefault(identity, {**record, "payload_sha256": sha256})

    def _absent(
        self, key: tuple[Any, ...], row: dict[str, Any], withdrawn: _Standing | None, recorded_at: dt.datetime
    ) -> None:
        earlier = self.missing.get(key)
        self.missing[key] = row
        if withdrawn is not None:
            self.changed += 1
            self._report(key, row, withdrawn.row["value"], withdrawn, recorded_at)
        elif earlier is not None and earlier["obs_status"] == row["obs_status"]:
            self.repeated += 1
        else:
            self.absences += 1

    def _report(
        self, key: tuple[Any, ...], row: dict[str, Any], value: int, before: _Standing | None, recorded_at: dt.datetime
    ) -> None:
        issue = 1 if before is None else before.issue + 1
        report_id = _report_id(self.spec.id, key, issue)
        self.known[key] = _Standing(row, issue, report_id)
        self.rows.append(_statement({**row, "value": value}, self.spec, recorded_at, report_id, self.main_timezone)
                         | _revision(before, withdrawn=pd.isna(row["value"])))  # fmt: skip


def _revision(before: _Standing | None, *, withdrawn: bool) -> dict[str, Any]:
    if before is None:
        return {"supersedes": None, "revision_kind": None}
    return {"supersedes": before.report_id, "revision_kind": "retraction" if withdrawn else "update"} | (
        {"value_text": None} if withdrawn else {}
    )


def _report_id(source: str, key: tuple[Any, ...], issue: int) -> str:
    name, start, _, freq = key
    return f"{source}:{hashlib.sha256(str(name).encode()).hexdigest()[:12]}:{start}:{freq}:{issue}"


def _statement(
    row: dict[str, Any],
    spec: SourceSpec,
    recorded_at: dt.datetime,
    report_id: str,
    main_timezone: Mapping[str, str],
) -> dict[str, Any]:
    address = next((a.url for a in spec.addresses if a.role in ("data", "file")), None)
    stated = {n: row[n] for n in ("country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system",
                                  "period_start", "period_end", "value", "value_text")}  # fmt: skip
    return stated | {
        "report_id": report_id, "origin_id": report_id,
        "timezone": main_timezone.get(row["country"], spec.timezone), "statistic": "total",
        "modality": "observed", "period_basis": "stated", "cutoff_assumed": False, "qualifier": "exact",
        "reporter_side": "origin" if spec.system == "mirror" else "destination", "speech_mode": "written_table",
        "rounding_unit": _rounding_unit(spec, row["value"]), "tier": 1, "published_on": f"{recorded_at:%Y-%m-%d}",
        "publisher": spec.publisher, "url": address, "language": spec.language, "recorded_on": recorded_at.date(),
        "recorded_at": recorded_at, "payload_sha256": row["payload_sha256"], "locator": row["payload_locator"],
        "note": row["raw"],
    }  # fmt: skip


def _rounding_unit(spec: SourceSpec, value: int) -> int:
    """The precision that the source states; 1 where the figure is finer all the same."""
    stated = spec.series_mapping.unit.rounding_unit or 1
    return stated if value % stated == 0 else 1


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
            {
                "locator": r["payload_locator"],
                **{name: r[name] for name in ("record", "reason", "rule", "payload_sha256")},
            }
            for r in refused
        ],
        columns=["locator", "record", "reason", "rule", "payload_sha256"],
    )


def _official(rows: Sequence[tuple[dict[str, Any], str | None]]) -> pd.DataFrame:
    """Rows by the schema of `official` from observations and the reports that carry their figures."""
    frame = pd.DataFrame(
        [
            {"date": r["period_start"], "report_id": report_id, **{k: r[k] for k in _OFFICIAL_PARTS}}
            for r, report_id in rows
        ],
        columns=list(OFFICIAL.names),
    )
    for column in ("value", "daily_sum", "residual"):
        frame[column] = frame[column].astype("Int64")
    return frame


def _note(spec: SourceSpec, rule: str, message: str) -> Finding:
    digest = hashlib.sha256(f"{spec.id} {message}".encode()).hexdigest()[:12]
    return Finding(
        rule, table="reports", country=spec.country, message=f"{spec.id}: {message}", finding_id=f"{rule}-{digest}"
    )
