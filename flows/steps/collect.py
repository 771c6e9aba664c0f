"""Step one: a source's bytes into the raw archive, and what the archive holds of each source.

In: a workspace and the id of a source. Out: the digest of what is to be read. Nothing is parsed here.
"""

from __future__ import annotations

import datetime as dt

from crossings.errors import FetchFailed, UnreadableInput
from crossings.lake import digest
from flows.archive.archive import Look
from flows.collect import questions
from flows.workspace import Workspace


def sources(workspace: Workspace) -> list[str]:
    """Sources that a run looks at: files of statements, and every other one that was confirmed on the live service."""
    return [id_ for id_, spec in workspace.sources.items() if spec.enabled and (spec.confirmed or spec.by_hand)]


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

    The failure stands in the fetch log. A publisher that is down must not keep the others out of a release.
    """
    try:
        return collect(workspace, source_id, base_url)
    except (FetchFailed, UnreadableInput):
        if workspace.source(source_id).by_hand:
            raise
        return archived(workspace).get(source_id, "")


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
        said = digest(f"{spec.model_dump_json()} {seen}".encode())
        inputs = inputs | {f"payload/{source}": sha256, f"source/{source}": said}
    return inputs
