"""From what a statistics source showed, look after look, to reports: each figure once, each revision as its own report.

In: the parsed payloads of every look at one source, in order of looking. Out: statements as the register gives them,
so that the same rules judge both, and the cells for which the publisher states no figure.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa

from crossings.rules import Finding
from crossings.schema.tables import OFFICIAL, REGISTER_COLUMNS, SERIES_PARTS
from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed
from transforms.parse.statements_csv import Statements
from transforms.series import definitions

_KEY = ("series", "period_start", "period_end", "freq")
_Key: TypeAlias = tuple[Any, ...]
_OFFICIAL_PARTS = ("country", "series", "freq", *SERIES_PARTS, "obs_status", "value")


@dataclass(frozen=True)
class Look:
    """The figures of one look, the instant at which its bytes were stored, and the digest that names them together.

    edition : the day on which the publisher issued what was brought; None where it is that of the look.
    by_hand : whether a file was brought, of which without an edition nobody knows when it was issued.
    """

    parsed: Parsed
    recorded_at: dt.datetime
    sha256: str = ""
    edition: dt.date | None = None
    by_hand: bool = False

    @property
    def issued(self) -> dt.date:
        """The day from which its figures count as published."""
        return self.edition or self.recorded_at.date()


def look(
    parsed: Parsed,
    recorded_at: dt.datetime,
    sha256: str,
    edition: dt.date | None = None,
    stated: dt.date | None = None,
    by_hand: bool = False,
) -> Look:
    """A look of the given edition, else of the one that its files state, unless they show periods that end after it."""
    if edition is None and stated is not None and not (parsed.observations["period_end"] > stated).any():
        edition = stated
    return Look(parsed, recorded_at, sha256, edition, by_hand)


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

    Later means issued later: an older edition that is brought after a newer one adds what only it shows, and the figures in
    which they differ as the earlier vintages that they are (`restated`). Of a file without an edition that ends before what an
    earlier look showed nobody knows when it was issued: it is taken for an older one, and its figures replace nothing.
    A figure that a later look lacks although its period lies inside what that look shows is told and marked.
    """
    book = _Book(spec, main_timezone)
    for look in looks:
        changed, compared = book.changed, book.compared
        frame = look.parsed.observations
        rows = frame.assign(series=definitions.identifiers(frame)).to_dict("records")
        book.open(look, rows)
        for row in rows:
            book.enter(row)
        book.close(rows)
        for record in look.parsed.rejected.to_dict("records"):
            book.refuse(record, look.sha256)
        book.told += [_note(spec, note.rule, note.message) for note in look.parsed.notes]
        changed, compared = book.changed - changed, book.compared - compared
        if compared and changed / compared > spec.bounds.max_change:
            book.told.append(_note(
                spec, "revision_size", f"the look of {look.recorded_at:%Y-%m-%d} changed {changed:,} of {compared:,} known "
                f"figures, more than {spec.bounds.max_change:.0%}"))  # fmt: skip
    book.tell_vanished()
    standing = [
        (row | {"obs_status": "U"} if row["obs_status"] == "A" else row, state.report_id)
        for key, state in book.known.items()
        if (row := state.row)["obs_status"] != "A" or key in book.vanished
    ]
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
    issued: dt.date


class _Book:
    """The figures of all looks so far."""

    def __init__(self, spec: SourceSpec, main_timezone: Mapping[str, str]) -> None:
        self.spec, self.main_timezone = spec, main_timezone
        self.known: dict[_Key, _Standing] = {}
        self.missing: dict[_Key, dict[str, Any]] = {}
        self.refused: dict[tuple[str, str, str], dict[str, str]] = {}
        self.rows: list[dict[str, Any]] = []
        self.told: list[Finding] = []
        self.vanished: dict[_Key, dt.date] = {}
        self.changed = self.compared = self.absences = self.repeated = 0
        self._earlier: set[tuple[_Key, Any]] = set()
        self._withdrawn: dict[_Key, dt.date] = {}
        self._issues: dict[_Key, int] = {}
        self._reached: dict[str, dt.date] = {}
        self._newest = dt.date.min
        self._series: set[Any] = set()

    def open(self, look: Look, rows: Sequence[Mapping[str, Any]]) -> None:
        """Begin a look: what it is, and whether it is older than what was seen before."""
        self.look, self.differs = look, 0
        self._series = {state.row["series"] for state in self.known.values()}
        last = {freq: max(r["period_end"] for r in rows if r["freq"] == freq) for freq in {r["freq"] for r in rows}}
        ends_before = any(end < self._reached.get(freq, end) for freq, end in last.items())
        self.undated = look.by_hand and look.edition is None and ends_before
        for freq, end in last.items():
            self._reached[freq] = max(end, self._reached.get(freq, end))

    def close(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """End a look: what it did not show although it should have, and what to tell of an older edition."""
        look = self.look
        older = self.undated or look.issued < self._newest
        if older and self.differs:
            why = (
                "ends before an earlier one"
                if self.undated
                else f"was issued on {look.issued}, before one brought earlier"
            )
            remedy = "; if it is the newer one, bring it with --edition" if self.undated else ""
            self.told.append(_note(
                self.spec, "older_edition", f"the file brought on {look.recorded_at:%Y-%m-%d} {why}: {self.differs:,} of its"
                f" figures differ, the newer ones stand{remedy}"))  # fmt: skip
        if not older:
            self._newest = look.issued
            self._look_for_the_vanished(rows)

    def enter(self, row: dict[str, Any]) -> None:
        """One cell of one look: a new figure, a revision, a withdrawal, an absence, or nothing new."""
        key = tuple(row[k] for k in _KEY)
        before = self.known.get(key)
        if self._older(key, before):
            self._enter_older(key, row, before)
            return
        standing = before is not None and not pd.isna(before.row["value"])
        self.compared += standing
        if pd.isna(row["value"]):
            self._absent(key, row, before if standing else None)
            return
        self.missing.pop(key, None)
        if before is not None and standing and before.row["value"] == row["value"]:
            self.repeated += 1  # the status may have become final
            self.known[key] = _Standing(row, before.issue, before.report_id, self.look.issued)
            return
        self.changed += standing
        self._report(key, row, row["value"], before)

    def refuse(self, record: dict[str, str], sha256: str) -> None:
        """One refused record of one look; alike ones are kept once, with the look that first showed them."""
        identity = (record["record"], record["rule"], record["payload_locator"])
        self.repeated += identity in self.refused
        self.refused.setdefault(identity, {**record, "payload_sha256": sha256})

    def tell_vanished(self) -> None:
        """One finding a series whose figures are no longer shown."""
        gone: dict[tuple[Any, Any, dt.date], list[_Standing]] = {}
        for key, day in self.vanished.items():
            state = self.known[key]
            gone.setdefault((state.row["series"], state.row["country"], day), []).append(state)
        for (series, country, day), states in sorted(gone.items(), key=lambda item: item[0]):
            states = sorted(states, key=lambda s: s.row["period_start"])
            named = [f"{s.row['value']:,} of {s.row['period_start']}" for s in states]
            self.told.append(Finding(
                "vanished", table="official", series=series, country=country,
                date_start=states[0].row["period_start"], date_end=max(s.row["period_end"] for s in states),
                report_ids=[s.report_id for s in states], observed=f"{len(states)} not shown", expected=", ".join(named[:5]),
                message=f"{self.spec.id}: {', '.join(named[:5])}{' ...' if len(named) > 5 else ''} of {series} no longer shown"
                        f" on {day}, although earlier and later periods are; kept and marked until decided",
            ))  # fmt: skip

    def _older(self, key: _Key, before: _Standing | None) -> bool:
        """Whether this look is older than what is known of one figure."""
        seen = before.issued if before is not None else self._withdrawn.get(key)
        return seen is not None and (self.undated or self.look.issued < seen)

    def _enter_older(self, key: _Key, row: dict[str, Any], before: _Standing | None) -> None:
        """A cell of an older edition: a vintage from before the one that stands, or nothing new."""
        value = row["value"]
        alike = before is not None and not pd.isna(before.row["value"]) and before.row["value"] == value
        if pd.isna(value) or alike or (key, value) in self._earlier:
            self.repeated += 1
            return
        self._earlier.add((key, value))
        self.differs += 1
        withdrawn = before is None or pd.isna(before.row["value"])
        kind = "earlier" if self.undated or withdrawn else None  # dated ones are told apart by their days
        issue = self._issues[key] = self._issues.get(key, 0) + 1
        made = _statement(row, self.spec, self.look, _report_id(self.spec.id, key, issue), self.main_timezone)
        unknown = {"published_on": None} if self.undated else {}
        self.rows.append(made | {"supersedes": None, "revision_kind": kind} | unknown)

    def _look_for_the_vanished(self, rows: Sequence[Mapping[str, Any]]) -> None:
        shown = {tuple(r[k] for k in _KEY) for r in rows}
        first: dict[str, dt.date] = {}
        last: dict[str, dt.date] = {}
        for r in rows:
            first[r["freq"]] = min(r["period_start"], first.get(r["freq"], r["period_start"]))
            last[r["freq"]] = max(r["period_end"], last.get(r["freq"], r["period_end"]))
        series = {r["series"] for r in rows}
        # A file of other series altogether is no later edition of these; one that lacks a few of them may be.
        whole = 2 * len(series & self._series) >= len(self._series)
        for key, state in self.known.items():
            row = state.row
            if key in shown:
                self.vanished.pop(key, None)
            elif row["freq"] in first and not pd.isna(row["value"]) and (whole or row["series"] in series):
                inside = first[row["freq"]] <= row["period_start"] and row["period_end"] <= last[row["freq"]]
                if inside:
                    self.vanished.setdefault(key, self.look.issued)

    def _absent(self, key: _Key, row: dict[str, Any], withdrawn: _Standing | None) -> None:
        earlier = self.missing.get(key)
        self.missing[key] = row
        self._withdrawn[key] = max(self.look.issued, self._withdrawn.get(key, self.look.issued))
        if withdrawn is not None:
            self.changed += 1
            self._report(key, row, withdrawn.row["value"], withdrawn)
        elif earlier is not None and earlier["obs_status"] == row["obs_status"]:
            self.repeated += 1
        else:
            self.absences += 1

    def _report(self, key: _Key, row: dict[str, Any], value: int, before: _Standing | None) -> None:
        issue = self._issues[key] = self._issues.get(key, 0) + 1
        report_id = _report_id(self.spec.id, key, issue)
        self.known[key] = _Standing(row, issue, report_id, self.look.issued)
        self.rows.append(_statement({**row, "value": value}, self.spec, self.look, report_id, self.main_timezone)
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
    look: Look,
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
        "rounding_unit": _rounding_unit(spec, row["value"]), "tier": 1, "published_on": f"{look.issued:%Y-%m-%d}",
        "publisher": spec.publisher, "url": address, "language": spec.language, "recorded_on": look.recorded_at.date(),
        "recorded_at": look.recorded_at, "payload_sha256": row["payload_sha256"], "locator": row["payload_locator"],
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
