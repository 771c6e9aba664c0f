"""One check of a source: a look at its publisher that no release reads, and what came against what the YAML says.

In: a source, and the address of a served copy where one is asked. Out: an `Observation`, kept in the lake. What differs is no
error here, for it is what was asked; only a publisher that gives nothing is one.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossings.errors import CrossingsError, UnreadableInput
from crossings.source.model import SourceSpec
from flows.archive.request import redacted_url
from flows.collect import questions
from flows.collect.standing import Labels, Observation, Received, confirmed_spec, declared, keep, standing
from flows.workspace import Workspace
from transforms.parse import registry
from transforms.parse.contract import Parsed, Payload, RefusedCells, span_of
from transforms.parse.layout import Seen

_SHOWN = 5
_OF_THE_NOTE = frozenset({"unknown_label", "unknown_symbol", "V04"})
"""Refusals that the note `unread` tells together, ready for the YAML."""
_BY_RULE = frozenset({"V22", "incomplete_sum", "running_total"})
"""Refusals that follow from what the YAML says, so that nothing in it is to be corrected."""


def checked(workspace: Workspace) -> list[str]:
    """Sources that `check --all` looks at: all that are enabled and have somebody to ask."""
    return [id_ for id_, s in workspace.sources.items() if s.enabled and not s.by_hand and not s.fetch.offline]


def check(workspace: Workspace, spec: SourceSpec, base_url: str | None = None) -> Observation:
    """Look at a source and keep what was seen.

    Raises FetchFailed, or CrossingsError for a source that nobody can be asked for; what was seen before then stands.
    """
    if spec.by_hand:
        raise CrossingsError(f"{spec.id} is a statement file on this machine", f"run `crossings ingest {spec.id}`")
    payloads: Sequence[Payload] = ()
    try:
        payloads = questions.contents(workspace.archive, questions.ask(workspace, spec, base_url=base_url))
        found: Parsed | UnreadableInput = registry.parse(payloads, spec)
    except UnreadableInput as fault:
        found = fault
    observation = _observation(workspace, spec, base_url, payloads, found)
    keep(workspace, observation)
    return observation


def _observation(
    workspace: Workspace,
    spec: SourceSpec,
    base_url: str | None,
    payloads: Sequence[Payload],
    found: Parsed | UnreadableInput,
) -> Observation:
    seen = found.seen if isinstance(found, Parsed | RefusedCells) else None
    told = Observation(
        source_id=spec.id, looked_at=workspace.now, declared=declared(spec),
        base_url=None if base_url is None else redacted_url(base_url),
        received={p.name: Received(bytes=len(p.content), sha256=p.sha256) for p in payloads},
        layout=None if seen is None else seen.layout, labels=_labels(seen),
    )  # fmt: skip
    if isinstance(found, UnreadableInput):
        return told.model_copy(update={"differs": (str(found),)})
    reach = span_of(found.observations)
    shown = [f"{r.payload_locator}: {r.reason} ({r.rule})" for r in found.rejected.head(_SHOWN).itertuples()]
    return told.model_copy(update={
        "first": None if reach is None else reach.first, "last": None if reach is None else reach.last,
        "figures": len(found.observations), "refused": len(found.rejected), "unselected": found.unselected,
        "refusals": tuple(shown), "differs": (*_other_units(workspace, spec, found), *_differences(found)),
    })  # fmt: skip


def _labels(seen: Seen | None) -> dict[str, Labels]:
    return {} if seen is None else {n: Labels(count=len(t), first=t[:_SHOWN]) for n, t in seen.labels.items()}


def _other_units(workspace: Workspace, spec: SourceSpec, found: Parsed) -> list[str]:
    """That figures come in other units than were confirmed, and the YAML reads them all the same as before."""
    newest = standing(workspace, spec.id).newest
    if newest is None or found.seen is None or found.seen.layout.units == newest.layout.units:
        return []
    before = confirmed_spec(workspace, spec.id, newest.declared).series_mapping.unit
    if before != spec.series_mapping.unit:
        return []
    units = ", ".join(found.seen.layout.units)
    return [
        f"unit {units or 'none'} instead of {', '.join(newest.layout.units) or 'none'}, and the YAML reads it as before; say in "
        f"mapping.unit what it means: expect: [{units}], and mult: 3 for thousands"
    ]


def _differences(found: Parsed) -> list[str]:
    """What the YAML does not account for, each once."""
    unread = [note.message for note in found.notes if note.rule == "unread"]
    told = _BY_RULE | (_OF_THE_NOTE if unread else frozenset())
    others = found.rejected.loc[~found.rejected["rule"].isin(told)]
    for rule, rows in others.groupby("rule", sort=True):
        first = rows.iloc[0]
        unread.append(
            f"{len(rows):,} refused by {rule}, the first at {first['payload_locator']}: {first['reason']}; "
            "correct the mapping, or leave them out in it"
        )
    return unread if len(found.observations) else [*unread, "no figure was accepted; correct the mapping"]
