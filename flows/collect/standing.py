"""What is known of a source beside its YAML: what a check saw last, what a person confirmed, and whether it changed since.

In: a workspace and a source. Out: files below `sources/<id>/` of the lake, each whole or absent: `seen.json`, written by every
check, `standing.json`, written by a person's word and by runs, and each YAML that was confirmed, named after its digest. A
release depends on `Standing.said` and on nothing else of them.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from crossings.durable import write_file
from crossings.errors import CrossingsError, StorageFault
from crossings.lake import digest
from crossings.source.model import SourceSpec
from flows.workspace import Workspace
from transforms.parse.layout import Layout

Kind = TypeVar("Kind", bound="_Record")


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Labels(_Record):
    """How many labels a dimension has, and the first of them in the order of the alphabet."""

    count: int
    first: tuple[str, ...]


class Received(_Record):
    """Size and digest of a payload."""

    bytes: int
    sha256: str


class Observation(_Record):
    """What one check of a source saw.

    Attributes
    ----------
    looked_at : UTC instant. base_url : address of the served copy that was asked; None for the publisher.
    declared : digest of what the YAML said then. received : the payloads by name.
    layout, labels : of the figures, where any were found. first, last : days that the accepted periods reach.
    figures, refused, unselected : cells. refusals : the first refused ones, with their reason.
    differs : what is not as the YAML says, each with what to correct; empty where all is.
    """

    source_id: str
    looked_at: dt.datetime
    base_url: str | None
    declared: str
    received: dict[str, Received] = {}
    layout: Layout | None = None
    labels: dict[str, Labels] = {}
    first: dt.date | None = None
    last: dt.date | None = None
    figures: int = 0
    refused: int = 0
    unselected: int = 0
    refusals: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """`as declared` or `differs`."""
        return "differs" if self.differs else "as declared"


class Confirmation(_Record):
    """A person's word that a layout is the right one.

    declared : digest of the YAML that read it, which is kept beside. base_url : where it was seen on a served copy.
    """

    layout: Layout
    declared: str
    seen_at: dt.datetime
    on: dt.date
    by: str | None = None
    note: str | None = None
    base_url: str | None = None


class Change(_Record):
    """That a confirmed source is looked at no further: since when, and why.

    bundle : of the look that a run found otherwise than it was confirmed, where it brought one.
    withdrawn : whether a person took the confirmation back.
    """

    at: dt.datetime
    why: str
    bundle: str | None = None
    withdrawn: bool = False


class Standing(_Record):
    """What a source was confirmed as, and what changed since.

    Attributes
    ----------
    confirmed : each layout once, the last word last. since : looks from this instant on are read only as they were confirmed.
    changed : why runs leave the source alone. judged : the bundle that a run last found to be as confirmed.
    before : what stood before the last confirmation, until a release is made with that.
    """

    confirmed: tuple[Confirmation, ...] = ()
    since: dt.datetime | None = None
    changed: Change | None = None
    judged: str | None = None
    before: Standing | None = None

    @property
    def newest(self) -> Confirmation | None:
        """The last confirmation."""
        return self.confirmed[-1] if self.confirmed else None

    @property
    def live(self) -> bool:
        """Whether the publisher itself, and not a served copy, is confirmed."""
        withdrawn = self.changed is not None and self.changed.withdrawn
        return self.newest is not None and self.newest.base_url is None and not withdrawn

    @property
    def readings(self) -> list[tuple[str, str | None]]:
        """Layouts that may be read, the newest first: fingerprint, and digest of the YAML that reads it, None for today's.

        Today's reads the newest layout, unless a person has to look first.
        """
        known = [(c.layout.fingerprint, c.declared) for c in reversed(self.confirmed)]
        return [
            (layout, None if number == 0 and not self.changed else said) for number, (layout, said) in enumerate(known)
        ]

    def guards(self, looked_at: dt.datetime) -> bool:
        """Whether a look of this instant is read only if its layout was confirmed; earlier ones were brought by hand."""
        return self.since is not None and looked_at >= self.since

    def objection(self, layout: Layout) -> str | None:
        """Why a look of this layout is not as confirmed; None where it is, or where nothing was ever confirmed."""
        if self.newest is None or any(layout == c.layout for c in self.confirmed):
            return None
        known = self.newest.layout
        told = layout.differs_from(known)
        return f"layout {layout.fingerprint} instead of {known.fingerprint}, which was confirmed: {told}"

    @property
    def said(self) -> str:
        """All that a release depends on, as text; empty where nothing was ever said."""
        if not self.confirmed and self.changed is None:
            return ""
        said = self.model_dump(mode="json", include={"since", "changed"})
        return json.dumps(said | {"readings": self.readings, "live": self.live}, sort_keys=True)

    def scheduled(self, spec: SourceSpec, *, copy: bool) -> bool:
        """Whether a run looks at the source; `copy` where the run asks a served copy.

        A confirmation of a served copy counts for such runs alone, and one of the publisher for all others. It goes before
        what the YAML says.
        """
        if not spec.enabled or spec.by_hand:
            return spec.enabled
        if self.changed is not None or (spec.fetch.offline and not copy):
            return False
        newest = self.newest
        if newest is None or (newest.base_url is not None and not copy):
            return spec.confirmed and not copy
        return (newest.base_url is not None) == copy


def declared(spec: SourceSpec) -> str:
    """Digest of what a source's YAML says of its publisher; notes and what is left to confirm do not matter."""
    return digest(_as_confirmed(spec))


def confirmed_spec(workspace: Workspace, source_id: str, sha256: str) -> SourceSpec:
    """A source as its YAML was when it was confirmed. Raises StorageFault where that is not kept as it was."""
    path = _place(workspace, source_id, sha256[:16])
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    if digest(content) != sha256:
        raise _damaged(path, source_id)
    try:
        return SourceSpec.model_validate_json(content)
    except ValidationError:  # of an earlier version, which knew other fields
        raise _damaged(path, source_id) from None


def seen(workspace: Workspace, source_id: str) -> Observation | None:
    """What the last check saw; None where there was none. Raises StorageFault for a damaged record."""
    return _read(workspace, source_id, "seen", Observation)


def keep(workspace: Workspace, observation: Observation) -> None:
    """Keep what a check saw, in the place of what the one before saw."""
    _write(workspace, observation.source_id, "seen", observation)


def standing(workspace: Workspace, source_id: str) -> Standing:
    """What a source is confirmed as. Raises StorageFault for a damaged record."""
    return _read(workspace, source_id, "standing", Standing) or Standing()


def set_standing(workspace: Workspace, source_id: str, new: Standing) -> None:
    """Keep what a source is confirmed as; whoever writes holds the lake."""
    _write(workspace, source_id, "standing", new)


def confirm(workspace: Workspace, spec: SourceSpec, by: str | None = None, note: str | None = None) -> Confirmation:
    """Record that what the last check saw is right; runs then look at the source again.

    Raises CrossingsError where there was no check, or where it differed, is older than the YAML or than a change, or asked a
    served copy although the publisher was confirmed.
    """
    with workspace.lake.writing():
        found, before = seen(workspace, spec.id), standing(workspace, spec.id)
        if found is None or found.layout is None:
            told = "was never checked" if found is None else f"{_differed(found)}"
            raise CrossingsError(f"{spec.id} {told}", _again(spec, found))
        if found.differs:
            raise CrossingsError(f"{spec.id} {_differed(found)}", _again(spec, found))
        if found.declared != declared(spec):
            raise CrossingsError(f"{spec.id}.yaml is not as it was at the check of {_at(found)}", _again(spec, found))
        if before.changed is not None and before.changed.at >= found.looked_at:
            raise CrossingsError(f"{spec.id} changed after the check of {_at(found)}", _again(spec, found))
        if found.base_url is not None and before.live:
            raise CrossingsError(
                f"{spec.id} is confirmed on its live service, and the last check asked a served copy",
                "use another lake for copies (CROSSINGS_LAKE), or withdraw first",
            )
        made = Confirmation(layout=found.layout, declared=found.declared, seen_at=found.looked_at, on=workspace.now.date(),
                            by=by, note=note, base_url=found.base_url)  # fmt: skip
        # What was confirmed of a copy says nothing of the publisher, and of one layout the last word counts.
        alike = [c for c in before.confirmed if (c.base_url is None) == (made.base_url is None)]
        earlier = [c for c in alike if c.layout != made.layout]
        write_file(_place(workspace, spec.id, made.declared[:16]), _as_confirmed(spec))
        since = before.since if alike else found.looked_at
        set_standing(workspace, spec.id, Standing(confirmed=(*earlier, made), since=since, before=before))
    return made


def withdraw(workspace: Workspace, spec: SourceSpec) -> bool:
    """Take the last confirmation back; runs then leave the source alone.

    Returns whether it is as if it had never been given. That is so until a release was made with it; after that its figures
    stand, because what was released does not vanish, until the source is checked and confirmed again.

    Raises CrossingsError where none stands in the lake, or where the source is left alone already.
    """
    with workspace.lake.writing():
        before = standing(workspace, spec.id)
        if before.newest is None:
            remedy = "set confirmed: false in its YAML" if spec.confirmed else "there is nothing to do"
            raise CrossingsError(f"{spec.id} has no confirmation in this lake", remedy)
        if before.changed is not None:
            raise CrossingsError(f"{spec.id} is left alone already: {before.changed.why}", "there is nothing to do")
        change = Change(at=workspace.now, why=f"the confirmation of {before.newest.on} was withdrawn", withdrawn=True)
        set_standing(workspace, spec.id, before.before or before.model_copy(update={"changed": change}))
    return before.before is not None


def released(workspace: Workspace, source_id: str) -> None:
    """Note that a release was made with what a source is confirmed as; whoever calls holds the lake."""
    known = standing(workspace, source_id)
    if known.before is not None:
        set_standing(workspace, source_id, known.model_copy(update={"before": None}))


def _differed(found: Observation) -> str:
    return f"differed at the check of {_at(found)}: {found.differs[0]}"


def _again(spec: SourceSpec, found: Observation | None) -> str:
    copy = f" --base-url {found.base_url}" if found is not None and found.base_url else ""
    return f"run `crossings sources check {spec.id}{copy}`"


def _at(found: Observation) -> str:
    return f"{found.looked_at:%Y-%m-%d %H:%M} UTC"


def _as_confirmed(spec: SourceSpec) -> bytes:
    """A YAML as it is kept: without what says nothing of the publisher."""
    plain = spec.model_copy(update={"confirmed": True, "to_confirm": (), "enabled": True, "notes": None})
    return plain.model_dump_json().encode()


def _place(workspace: Workspace, source_id: str, name: str) -> Path:
    return workspace.lake.root / "sources" / source_id / f"{name}.json"


def _damaged(path: Path, source_id: str) -> StorageFault:
    return StorageFault(
        f"{path} cannot be read", f"restore it, or move it aside, then check and confirm {source_id} again"
    )


def _read(workspace: Workspace, source_id: str, name: str, kind: type[Kind]) -> Kind | None:
    path = _place(workspace, source_id, name)
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        raise _damaged(path, source_id) from None


def _write(workspace: Workspace, source_id: str, name: str, record: _Record) -> None:
    write_file(_place(workspace, source_id, name), (record.model_dump_json(indent=1) + "\n").encode())
