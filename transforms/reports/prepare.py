"""From the bytes of a statement CSV to rows ready for judgement, and from the judgement to tables.

`prepare` decides, assigns series and encodes; `settle` turns the failing rows that the expectations name into
accepted reports, quarantine, duplicates and findings, so that rows in = accepted + quarantined + duplicates.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from crossings.rules import RULES, Finding
from crossings.schema.tables import QUARANTINE, REGISTER_COLUMNS, REPORTS, SERIES_KEY
from transforms import findings
from transforms.parse import statements_csv
from transforms.reports import decisions as decide
from transforms.reports import encode as encoding
from transforms.reports import evidence, misread, restated, roles
from transforms.reports import instants as at
from transforms.reports.reference import Reference
from transforms.series import definitions


@dataclass(frozen=True)
class Prepared:
    """Rows of one source, ready for the expectations.

    Attributes
    ----------
    statements : as parsed. frame : decided, encoded, with evidence; index = row position.
    evidence : columns of the frame that only the expectations look at.
    declared : definitions of the series in use. preferred : reports preferred by decision. recoded : columns that a
    decision changes somewhere. reference : tables that say what a text may have meant.
    regular : whether the rows are regular statistics, which go to `official` and bind no estimate.
    """

    source_id: str
    statements: statements_csv.Statements
    frame: pd.DataFrame
    evidence: tuple[str, ...]
    declared: pd.DataFrame
    preferred: frozenset[str]
    payload_sha256: str
    recoded: frozenset[str]
    reference: Reference
    regular: bool = False


@dataclass(frozen=True)
class Judgement:
    """A rule, what is wrong with its failing rows, and which they are; what happens to them is the rule's action."""

    rule: str
    reason: str
    rows: tuple[Any, ...]


@dataclass(frozen=True)
class Settled:
    """Tables of one source after judgement.

    Attributes
    ----------
    reports : by the schema of `reports`; printed values, decided encoding.
    decided : the same rows with decided values, for the estimate; same index.
    quarantine, findings : by their schemas. duplicates : exact copies dropped. rows_in : records received.
    """

    reports: pd.DataFrame
    decided: pd.DataFrame
    quarantine: pd.DataFrame
    findings: pd.DataFrame
    series: pd.DataFrame
    duplicates: int
    rows_in: int


def prepare(
    source_id: str,
    content: bytes,
    name: str,
    decisions: pd.DataFrame,
    declared: pd.DataFrame,
    reference: Reference,
    today: pd.Timestamp,
    policy: encoding.EncodingPolicy | None = None,
) -> Prepared:
    """Parse, decide, assign series, encode and gather evidence.

    Raises UnreadableInput for bytes that are no statement CSV and DecisionNotApplicable for a decision that does not
    hold.
    """
    digest = hashlib.sha256(content).hexdigest()
    statements = statements_csv.parse(content, name)
    return ready(source_id, digest, statements, decisions, declared, reference, today, policy)


def ready(
    source_id: str,
    payload_sha256: str,
    statements: statements_csv.Statements,
    decisions: pd.DataFrame,
    declared: pd.DataFrame,
    reference: Reference,
    today: pd.Timestamp,
    policy: encoding.EncodingPolicy | None = None,
    *,
    regular: bool = False,
) -> Prepared:
    """Decide, assign series, encode and gather evidence for statements that are parsed already.

    Raises DecisionNotApplicable for a decision that does not hold.
    """
    printed = _with_timezones(statements.reports, reference)
    decided = decide.apply(printed, decisions)
    ids, defined = definitions.assign(decided.reports, declared)
    encoded = encoding.encode(decided.reports, policy)
    frame = decided.reports.copy(deep=False)
    explicit = frame["lower"].notna() if "lower" in frame else pd.Series(False, index=frame.index)
    for column in ("start_instant", "end_instant"):
        if column in frame:
            frame[f"stated_{column}"] = frame[column].notna()
    for column in encoded:
        frame[column] = encoded[column]
    frame["series"], frame["excluded"], frame["decision_ids"] = ids, decided.excluded, decided.decision_ids
    frame["stated_bounds"] = explicit
    frame["window_known"] = (frame["start_instant"] != at.UNKNOWN) & (frame["end_instant"] != at.UNKNOWN)
    for column, source in (("printed_value", "value"), ("printed_low", "value_low"), ("printed_high", "value_high")):
        frame[column] = printed[source]
    frame["content"] = statements_csv.contents(statements)
    liked = decisions.loc[(decisions["action"] == "prefer") & (decisions["field"] == "value"), "report_id"]
    frame["preferred"] = frame["report_id"].isin(liked)
    known = frame.columns
    frame = evidence.gather(frame, reference, today)
    recoded = frozenset(decisions.loc[decisions["action"] == "recode", "field"])
    gathered = tuple(frame.columns.difference(known))
    return Prepared(
        source_id, statements, frame, gathered, defined, frozenset(liked), payload_sha256, recoded, reference, regular
    )


def settle(prepared: Prepared, judgements: Iterable[Judgement]) -> Settled:
    """Carry out what the rules say of their failing rows. Every row ends in exactly one place."""
    frame = prepared.frame
    fate = pd.Series("", index=frame.index, dtype="object")
    held = pd.Series(False, index=frame.index)
    quarantined: list[dict[str, Any]] = [
        _quarantine_row(
            prepared, t.locator, t.record, getattr(t, "rule", "V01"), t.reason, None, getattr(t, "payload_sha256", None)
        )
        for t in prepared.statements.torn.itertuples()
    ]
    set_aside: dict[int, Judgement] = {}
    told: list[Finding] = []
    ordered = sorted(judgements, key=lambda j: (j.rule, j.reason))
    for judgement in sorted(ordered, key=lambda j: RULES[j.rule].action != "drop_copy"):
        rows, action = pd.Index(judgement.rows), RULES[judgement.rule].action
        if action == "drop_copy":
            fate.loc[rows] = "duplicate"
        elif action == "quarantine":
            fresh = rows[(fate.loc[rows] == "").to_numpy()]
            fate.loc[fresh] = "quarantine"
            set_aside |= dict.fromkeys(fresh, judgement)
    records = statements_csv.raw_records(prepared.statements, set_aside)
    if not prepared.regular:
        set_aside = {row: _in_words(prepared, row, records[row], why) for row, why in set_aside.items()}
    known = frame.loc[list(set_aside), [c for c in ("locator", "report_id", "payload_sha256") if c in frame]]
    quarantined += [
        _quarantine_row(
            prepared,
            row.locator,
            records[row.Index],
            why.rule,
            why.reason,
            row.report_id,
            getattr(row, "payload_sha256", None),
        )
        for row, why in zip(known.itertuples(), set_aside.values(), strict=True)
    ]
    accepted = fate == ""
    for judgement in ordered:
        action = RULES[judgement.rule].action
        if action not in ("hold", "tell"):
            continue
        rows = pd.Index(judgement.rows)
        rows = rows[accepted.loc[rows].to_numpy()]
        if action == "hold":
            held.loc[rows] = True
        told += _told(frame.loc[rows, ["country", "series", "period_start", "period_end", "report_id"]], judgement)
    kept = frame.drop(columns=list(prepared.evidence)).loc[accepted].assign(held=held[accepted])
    # The looks of one statistics source are vintages of one authority: its publisher's.
    vintages = kept.assign(authority=prepared.source_id) if prepared.regular else kept
    assigned = roles.assigned(vintages, preferred=prepared.preferred)
    kept["role"] = assigned.role
    defined = prepared.declared.loc[prepared.declared["declared"]]
    derived = ~kept["series"].isin(defined["series"])
    if derived.any():  # spelled by accepted rows alone: a quarantined one defines nothing
        spelling = [*SERIES_KEY, "counterpart", "timezone", "period_start", "period_end", "report_id"]
        defined = definitions.assign(kept.loc[derived, spelling], defined)[1]
    if prepared.regular:  # declared by the source's own mapping
        kept.loc[kept["role"].isin(["constraint", "copy"]), "role"] = "regular"
        defined = defined.assign(declared=True)
    told += _derived(kept, defined.loc[~defined["declared"]])
    all_findings = pd.concat(
        [findings.table(told), roles.transcription_findings(kept), restated.told(kept, assigned.replaced_by)],
        ignore_index=True,
    )
    quarantine = pd.DataFrame(quarantined, columns=list(QUARANTINE.names)).sort_values(
        "quarantine_id", ignore_index=True
    )
    return Settled(
        reports=_as_printed(prepared, kept),
        decided=kept,
        quarantine=quarantine,
        findings=all_findings,
        series=defined,
        duplicates=int((fate == "duplicate").sum()),
        rows_in=prepared.statements.considered,
    )


def _in_words(prepared: Prepared, row: int, record: str, why: Judgement) -> Judgement:
    """The judgement with the words of what is wrong with the texts of the row, where that is what it is about."""
    unparsed = str(prepared.frame.at[row, "unparsed"]).split(";")
    found = misread.faults(json.loads(record), [name for name in unparsed if name], prepared.reference)
    if not misread.explained(why.rule, found):
        return why
    return Judgement(found[0].rule, "; ".join(fault.words for fault in found), why.rows)


def _with_timezones(reports: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    missing = reports["timezone"].isna()
    if not missing.any():
        return reports
    zones = reports["timezone"].astype("object")
    main = reports["country"].astype("object").map(reference.main_timezone)
    return reports.assign(timezone=pd.Categorical(zones.where(~missing, main)))


def _as_printed(prepared: Prepared, kept: pd.DataFrame) -> pd.DataFrame:
    # A column that no decision recodes is printed as decided; sharing it spares a second copy of the long texts.
    printed = pd.DataFrame({
        c.name: prepared.statements.reports.loc[kept.index, c.name] if c.name in prepared.recoded else kept[c.name]
        for c in REGISTER_COLUMNS
    }, copy=False)  # fmt: skip
    if printed["timezone"].isna().any():
        printed = printed.assign(timezone=kept["timezone"])
    none: list[str] = []
    encoded = pd.DataFrame(
        {
            "source_id": pd.Categorical.from_codes(np.zeros(len(kept), np.int8), [prepared.source_id]),
            "series": pd.Categorical(kept["series"]),
            "published_at": at.as_datetime(kept["published_at"].to_numpy()).array,
            "recorded_at": kept["recorded_at" if "recorded_at" in kept else "recorded_on"],
            "start_instant": at.as_datetime(kept["start_instant"].to_numpy()).array,
            "end_instant": at.as_datetime(kept["end_instant"].to_numpy()).array,
            "per_day": kept["per_day"].to_numpy(),
            "lower": kept["lower"].astype("Int64"),
            "upper": kept["upper"].astype("Int64"),
            "sigma": np.round(kept["sigma"].to_numpy(), 6),
            "role": pd.Categorical(kept["role"]),
            # One empty list for all: a million of them keep the garbage collector busy for seconds.
            "decision_ids": [list(d) if d else none for d in kept["decision_ids"]],
            "payload_sha256": kept.get("payload_sha256", prepared.payload_sha256),
            "payload_locator": kept["locator"],
        },
        index=kept.index,
    )
    for column in ("published_at", "recorded_at", "start_instant", "end_instant"):
        encoded[column] = pd.to_datetime(encoded[column], utc=True)
    for column in ("period_start", "period_end", "recorded_on"):
        printed[column] = printed[column].astype(pd.ArrowDtype(pa.date32()))
    return pd.concat([printed, encoded], axis=1)[list(REPORTS.names)]


def _quarantine_row(
    prepared: Prepared,
    locator: str,
    record: str,
    rule: str,
    reason: str,
    report_id: Any,
    payload_sha256: str | None,
) -> dict[str, Any]:
    known = None if report_id is None or pd.isna(report_id) else str(report_id)
    identity = "\x1f".join([prepared.source_id, locator, record, rule])
    return {
        "quarantine_id": hashlib.sha256(identity.encode()).hexdigest()[:16], "source_id": prepared.source_id,
        "report_id": known, "rule": RULES[rule].id, "reason": reason, "record": record,
        "payload_sha256": payload_sha256 or prepared.payload_sha256, "payload_locator": locator, "resolution": None,
    }  # fmt: skip


def _told(rows: pd.DataFrame, judgement: Judgement) -> list[Finding]:
    """One finding per series for a rule that keeps its rows."""
    result = []
    for (country, name), group in rows.groupby([rows["country"].astype("object"), rows["series"].astype("object")]):
        ids = list(group["report_id"])
        what = "not used until decided" if RULES[judgement.rule].action == "hold" else "kept"
        result.append(Finding(
            judgement.rule, table="reports", series=name, country=country,
            date_start=group["period_start"].min(), date_end=group["period_end"].max(), report_ids=ids,
            observed=f"{len(ids)} reports",
            message=f"{judgement.reason}: {', '.join(sorted(ids)[:5])}{' ...' if len(ids) > 5 else ''} ({what})",
        ))  # fmt: skip
    return result


def _derived(kept: pd.DataFrame, derived: pd.DataFrame) -> list[Finding]:
    """One finding per series that no declaration knows."""
    result = []
    known = set(derived["series"])
    columns = ["series", "country", "period_start", "period_end", "report_id"]
    for name, group in kept.loc[kept["series"].isin(known), columns].groupby("series"):
        ids = list(group["report_id"])
        result.append(Finding(
            "undeclared_series", table="series", series=str(name),
            country=group["country"].astype("object").iloc[0], date_start=group["period_start"].min(),
            date_end=group["period_end"].max(), report_ids=ids, observed=f"{len(ids)} reports",
            expected="a row in data/reference/series.csv",
            message=f"{len(ids)} report(s) fit no declared series; a series was derived from their own codes: {name}",
        ))  # fmt: skip
    return result
