"""One look at a statistics source, read as its source was confirmed.

In: a source, what it is confirmed as, and the bundle of a look. Out: its figures, or one error: of a look that cannot be read, or
of one whose layout nobody confirmed.
"""

from __future__ import annotations

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from flows.collect import questions
from flows.collect.standing import Standing, confirmed_spec
from flows.workspace import Workspace
from transforms.parse import registry
from transforms.parse.contract import Parsed

CHECK = "run `crossings sources check {0}`, and `crossings sources confirm {0}` where it is right"


class NotConfirmed(UnreadableInput):
    """A look that can be read, and whose layout is not one that was confirmed."""


def read(workspace: Workspace, spec: SourceSpec, known_as: Standing, bundle: str, *, guarded: bool) -> Parsed:
    """The figures of a look.

    The YAML of today reads the looks of the layout that was confirmed last. Earlier layouts are read as the YAML said when they
    were confirmed, and so are all while the source is changed: a correction that is made for the new layout, of a unit for
    example, must not touch figures that came in the old one.

    guarded : whether a layout that was never confirmed is refused. Looks from before the first confirmation, and those of
    sources that have none in this lake, are read as the YAML of today says.

    Raises UnreadableInput, and NotConfirmed for a layout that was not confirmed.
    """
    payloads = questions.payloads(workspace.archive, bundle)
    faults: list[UnreadableInput] = []
    for fingerprint, digest in known_as.readings:
        said = spec if digest is None else confirmed_spec(workspace, spec.id, digest)
        try:
            found = registry.parse(payloads, said)
        except UnreadableInput as fault:
            faults.append(fault)
            continue
        assert found.seen is not None
        if found.seen.layout.fingerprint == fingerprint:
            return found
        why = known_as.objection(found.seen.layout) or f"layout {found.seen.layout.fingerprint} under another YAML"
        faults.append(NotConfirmed(why, CHECK.format(spec.id)))
    if guarded and faults:
        raise faults[0]
    return registry.parse(payloads, spec)
