"""Step two: one source parsed, decided, encoded and judged, with the accounting of its rows.

In: a source and the digest of what is to be read. Out: the name of a stage with `reports`, `quarantine`, `official`,
`findings` and `series`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from crossings.errors import UnreadableInput
from crossings.rules import Finding
from crossings.schema.tables import OFFICIAL, REPORTS
from crossings.source.model import SourceSpec
from flows import gates, judge, stage
from flows.archive.archive import Look
from flows.collect import questions
from flows.collect.standing import Standing, standing
from flows.steps import collect, reading
from flows.workspace import Workspace
from transforms import findings
from transforms.parse import registry
from transforms.parse.contract import Payload
from transforms.parse.statements_csv import Statements
from transforms.reports import decisions as decide
from transforms.reports import prepare, reference, revisions
from transforms.series import definitions


@dataclass(frozen=True)
class Counts:
    """Row accounting of one source."""

    source_id: str
    rows_in: int
    accepted: int
    quarantined: int
    duplicates: int


def ingest(workspace: Workspace, source_id: str, sha256: str, strict: bool = False) -> str:
    """Parse, decide, encode and judge one source; returns the name of its stage.

    Of a statement file the newest one counts; of a statistics source every look, so that revisions are kept. A look
    that cannot be read, or whose layout is not one that was confirmed, is told as a finding and leaves the source as the
    looks before showed it; with `strict` UnreadableInput is raised where it is the newest one.
    """
    looks = collect.arrivals(workspace, source_id)
    seen = collect.arrived(workspace, source_id)
    spec, known_as = workspace.source(source_id), standing(workspace, source_id)
    name = stage.key({"step": "ingest", "source": source_id, "spec": spec.model_dump_json(), "payload": sha256,
                      "vintages": ",".join(seen), "standing": known_as.said, **workspace.base_inputs})  # fmt: skip
    if stage.existing(workspace.staging, name) is None:
        known = reference.read(workspace.reference)
        today = pd.Timestamp(workspace.now.date())
        cells, told, absences, repeated, unreadable = _no_official(), [], 0, 0, None
        if spec.by_hand:
            statements = registry.read([Payload(workspace.archive.read(sha256), sha256, "reports.csv")], spec)
            assert isinstance(statements, Statements)
            prepared = prepare.ready(source_id, sha256, statements,
                                     decide.parse(workspace.reference["decisions"]),
                                     definitions.parse(workspace.reference["series"]), known, today)  # fmt: skip
        else:
            gathered, unreadable = _gathered(workspace, spec, looks, known, known_as)
            prepared = prepare.ready(source_id, sha256, gathered.statements, decide.none(),
                                     definitions.parse(workspace.reference["series"]), known, today, regular=True)  # fmt: skip
            cells = pd.concat([gathered.missing, gathered.marked], ignore_index=True)
            told, absences, repeated = gathered.findings, gathered.absences, gathered.repeated
        judgements, results = judge.judge(prepared, known)
        settled = prepare.settle(prepared, judgements)
        defined = settled.series
        if not spec.by_hand:
            defined = revisions.described(defined, settled.reports["series"], spec)
        suite = gates.summarise(f"{REPORTS.name} of {source_id}", results, prepared.frame)
        received = settled.rows_in if spec.by_hand else gathered.rows_in
        counts = Counts(source_id, received, len(settled.reports) + absences, len(settled.quarantine),
                        settled.duplicates + repeated)  # fmt: skip
        stage.write(
            workspace.staging, name,
            {"reports": settled.reports, "quarantine": settled.quarantine, "official": cells,
             "findings": pd.concat([settled.findings, findings.table(told)], ignore_index=True),
             "series": _dates(defined)},
            {"counts": asdict(counts), "suite": suite, "unreadable": unreadable},
        )  # fmt: skip
    refused = stage.made(workspace.staging, name).summary["unreadable"]
    if strict and refused:
        raise UnreadableInput(*refused)
    return name


def _gathered(
    workspace: Workspace, spec: SourceSpec, looks: Sequence[Look], known: reference.Reference, known_as: Standing
) -> tuple[revisions.Gathered, list[str] | None]:
    """Parse every look; one that is not read is told. With it: message and remedy where that is the newest one."""
    parsed, told, refused = [], [], None
    for look in looks:
        assert look.sha256 is not None
        refused = None
        try:
            guarded = known_as.guards(look.looked_at)
            found = reading.read(workspace, spec, known_as, look.sha256, guarded=guarded)
        except UnreadableInput as error:
            refused = [
                error.message if error.message.startswith(spec.id) else f"{spec.id}: {error.message}",
                error.remedy,
            ]
            told.append((look, error))
            continue
        brought = questions.brought(workspace.archive, look.sha256)
        parsed.append(
            revisions.look(found, look.looked_at, look.sha256, brought.edition, brought.stated, brought.by_hand)
        )
    gathered = revisions.gather(parsed, spec, known.main_timezone)
    unread = [
        _unread(spec, look, error, newest=refused is not None and look is looks[-1])
        for look, error in told
        if not (isinstance(error, reading.NotConfirmed) and known_as.changed and known_as.changed.bundle == look.sha256)
    ]  # a look by which the source changed is told with that
    return replace(gathered, findings=[*gathered.findings, *unread, *_changed(spec, known_as)]), refused


def _unread(spec: SourceSpec, look: Look, error: UnreadableInput, *, newest: bool) -> Finding:
    rule = "changed_layout" if isinstance(error, reading.NotConfirmed) else "unreadable_look"
    why = "is not read" if isinstance(error, reading.NotConfirmed) else "cannot be read"
    day = look.looked_at.date()
    return Finding(
        rule, severity="error" if newest else None, table="reports", country=spec.country, date_start=day, date_end=day,
        finding_id=findings.identifier(rule, spec.id, look.sha256, look.looked_at),
        message=f"{spec.id}: the look of {look.looked_at:%Y-%m-%d %H:%M} UTC {why}, the looks before it stand: {error}",
    )  # fmt: skip


def _changed(spec: SourceSpec, known_as: Standing) -> list[Finding]:
    """That scheduled runs no longer look at a source, and why."""
    change = known_as.changed
    if change is None:
        return []
    day = change.at.date()
    return [
        Finding("changed_layout", severity="error", table="reports", country=spec.country, date_start=day, date_end=day,
                finding_id=findings.identifier("changed_layout", spec.id, change.at),
                message=f"{spec.id}: scheduled runs look at it no further since {day}, what was read before stands: "
                        f"{change.why}; {reading.CHECK.format(spec.id)}")
    ]  # fmt: skip


def _no_official() -> pd.DataFrame:
    return OFFICIAL.arrow().empty_table().to_pandas()


def _dates(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(**{c: frame[c].dt.date for c in ("epoch_start", "epoch_end")})
