"""How fresh each source is: when it was last looked at, when it last changed, and whether news is due."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from crossings.source.model import SourceSpec
from flows.collect.standing import standing
from flows.workspace import Workspace

_DAYS = {"D": 1, "W": 7, "M": 31, "Q": 92, "A": 366}


@dataclass(frozen=True)
class Freshness:
    """State of one source.

    Attributes
    ----------
    state : fresh, due, overdue, ended, `never` before the first look, or `changed`: a run found it otherwise than it was
        confirmed.
    looked, changed, failed : instants of the last look, the last new bytes, the last failure after that; None = none.
    """

    state: str
    looked: dt.datetime | None
    changed: dt.datetime | None
    failed: str | None


def freshness(workspace: Workspace, spec: SourceSpec) -> Freshness:
    """The state of a source at the instant of the workspace.

    News is due one cadence after the last change and overdue after the usual lag more (at least a tenth of the cadence).
    """
    looks = workspace.archive.looks(spec.id)
    looked = max((look.looked_at for look in looks), default=None)
    changed = max((look.looked_at for look in looks if look.outcome == "new"), default=None)
    last = looks[-1] if looks else None
    failed = last.error if last is not None and last.outcome == "failed" else None
    ends = [epoch.end for epoch in spec.definition_epochs]
    if standing(workspace, spec.id).changed is not None:
        state = "changed"
    elif ends and all(end is not None and end < workspace.now.date() for end in ends):
        state = "ended"
    elif changed is None:
        state = "never"
    elif spec.cadence == "irregular":
        state = "fresh"
    else:
        period = _DAYS[spec.cadence]
        age = (workspace.now - changed).days
        grace = max(spec.usual_lag_days or 0, period // 10, 1)
        state = "fresh" if age <= period else "due" if age <= period + grace else "overdue"
    return Freshness(state, looked, changed, failed)
