"""Step one: a source's bytes into the raw archive, and what the archive holds of each source.

In: a workspace and the id of a source. Out: the digest of what is to be read. Parsed is only what a run brings of a confirmed
source, to see whether it still is what was confirmed.
"""

from __future__ import annotations

import datetime as dt

from crossings.errors import FetchFailed, UnreadableInput
from crossings.lake import digest
from flows.archive.archive import Look
from flows.collect import questions
from flows.collect.standing import Change, set_standing, standing
from flows.steps import reading
from flows.workspace import Workspace


def sources(workspace: Workspace, base_url: str | None = None) -> list[str]:
    """Sources that a run looks at: files of statements, and every other one that was confirmed and has not changed since.

    With `base_url`, those that were confirmed on a served copy, in the place of those confirmed on the live service.
    """
    copy = base_url is not None
    return [id_ for id_, spec in workspace.sources.items() if standing(workspace, id_).scheduled(spec, copy=copy)]


def collect(workspace: Workspace, source_id: str, base_url: str | None = None) -> str:
    """Bring a source's bytes into the raw archive; returns the digest of what is to be read.

    Raises CrossingsError for an unknown source and FetchFailed where the publisher gave nothing usable.
    """
    return questions.look(workspace, workspace.source(source_id), base_url=base_url)


def look_back(workspace: Workspace, source_id: str, start: dt.date, base_url: str | None = None) -> str:
    """Look at a source for every period since `start`; returns the digest of the bundle."""
    return questions.look(workspace, workspace.source(source_id), base_url=base_url, since=start)


def collect_or_keep(workspace: Workspace, source_id: str, base_url: str | None = None) -> str:
    """As `collect`; where a look at a publisher fails, what the archive holds already, or empty text.

    The failure stands in the fetch log. A publisher that is down must not keep the others out of a release. One that answers
    otherwise than it was confirmed is marked as changed, so that the next runs leave it alone until a person has looked.
    """
    by_hand = workspace.source(source_id).by_hand
    try:
        sha256 = collect(workspace, source_id, base_url)
    except (FetchFailed, UnreadableInput) as fault:
        if by_hand:
            raise
        if isinstance(fault, UnreadableInput):
            _changed(workspace, source_id, str(fault), None)
        return archived(workspace).get(source_id, "")
    if not by_hand:
        _compare(workspace, source_id, sha256)
    return sha256


def _compare(workspace: Workspace, source_id: str, sha256: str) -> None:
    """Judge the bundle of a run, once, by what was confirmed of its source."""
    known = standing(workspace, source_id)
    if known.judged == sha256:
        return
    try:
        reading.read(workspace, workspace.source(source_id), known, sha256, guarded=True)
    except UnreadableInput as fault:
        why = fault.message if isinstance(fault, reading.NotConfirmed) else str(fault)
        _changed(workspace, source_id, why, sha256)
    else:
        set_standing(workspace, source_id, known.model_copy(update={"judged": sha256}))


def _changed(workspace: Workspace, source_id: str, why: str, bundle: str | None) -> None:
    change = Change(at=workspace.now, why=why, bundle=bundle)
    set_standing(workspace, source_id, standing(workspace, source_id).model_copy(update={"changed": change}))


def archived(workspace: Workspace) -> dict[str, str]:
    """What the archive holds of each source, newest last, without looking at any publisher."""
    found: dict[str, str] = {}
    for id_ in workspace.sources:
        digests = arrived(workspace, id_)
        if digests:
            found[id_] = digests[-1]
    return found


def arrivals(workspace: Workspace, source_id: str) -> list[Look]:
    """Statement files or bundles of a source, each change of bytes once, a return to earlier bytes included."""
    return questions.arrivals(workspace.archive, workspace.source(source_id))


def arrived(workspace: Workspace, source_id: str) -> list[str]:
    """Digests of the arrivals of a source, in their order."""
    return [look.sha256 for look in arrivals(workspace, source_id) if look.sha256 is not None]


def planned(workspace: Workspace, digests: dict[str, str]) -> dict[str, str]:
    """Everything a release of these payloads is made from, by name and digest."""
    inputs = workspace.base_inputs
    for source, sha256 in digests.items():
        spec = workspace.source(source)
        seen = "" if spec.by_hand else ",".join(arrived(workspace, source))
        said = digest(f"{spec.model_dump_json()} {seen}{standing(workspace, source).said}".encode())
        inputs = inputs | {f"payload/{source}": sha256, f"source/{source}": said}
    return inputs
