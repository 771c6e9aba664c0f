"""The day on which a publisher issued a file, where the file says it.

In: the payloads of files at hand. Out: one day, or None where no payload states one or they differ. JSON-stat says it as
`updated`, PC-Axis as LAST-UPDATED or CREATION-DATE; a file's own time on a disk says nothing and is never asked.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from contextlib import suppress

from transforms.parse.contract import Payload

_PX = (re.compile(rb'(?:^|\n)LAST-UPDATED[^=\n]*="(\d{4})(\d\d)(\d\d)'),
       re.compile(rb'(?:^|\n)CREATION-DATE[^=\n]*="(\d{4})(\d\d)(\d\d)'))  # fmt: skip
_HEAD = 1 << 16  # bytes in which a PC-Axis file states what it is


def stated_edition(payloads: Sequence[Payload]) -> dt.date | None:
    """The one day that the payloads state."""
    days = {day for payload in payloads if (day := _of(payload.content)) is not None}
    return days.pop() if len(days) == 1 else None


def _of(content: bytes) -> dt.date | None:
    if content.lstrip()[:1] == b"{":
        with suppress(ValueError, RecursionError):
            updated = json.loads(content).get("updated")
            return dt.date.fromisoformat(updated[:10]) if isinstance(updated, str) else None
        return None
    for pattern in _PX:
        if (match := pattern.search(content, 0, _HEAD)) is not None:
            with suppress(ValueError):
                return dt.date(*(int(part) for part in match.groups()))
    return None
