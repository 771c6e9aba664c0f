"""Publishers played from recorded payloads, lakes of their own, and payloads in which one figure was revised."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from parse_support import RECORDED, ROOT, payload, recorded, sources

from crossings.errors import UnreadableInput
from crossings.settings import Settings
from crossings.source.model import SourceSpec
from flows.collect import served_copy
from flows.workspace import Workspace
from transforms.parse.contract import Payload
from transforms.parse.registry import parse

STATISTICS = sorted(name for name, spec in sources().items() if not spec.by_hand)


@contextmanager
def served(spec: SourceSpec, folder: Path | None = None) -> Iterator[str]:
    """The address of a served copy of the source, by default of its recorded payloads."""
    server = served_copy.serve(spec, folder or RECORDED / spec.id, 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def workspace(lake: Path, data: Path = ROOT / "data") -> Workspace:
    """A workspace at the present instant."""
    return Workspace.open(Settings(lake=lake, data=data))


def revised(source: str, folder: Path) -> int:
    """Write the payloads of a source into a folder with one figure changed (two where totals must agree).

    Returns the number of figures changed.
    """
    spec, payloads = sources()[source], recorded(source)
    before = _figures(payloads, spec)
    places = sorted(before.items(), key=lambda kv: -kv[1][1])
    for cells in itertools.chain(itertools.combinations(places, 1), itertools.combinations(places, 2)):
        changed = payloads
        for _, (locator, _, sha256) in cells:
            changed = [payload(_bumped(p, locator), p.name) if _is(p, sha256, payloads) else p for p in changed]
        try:
            after = _figures(changed, spec)
        except UnreadableInput:
            continue
        differing = [k for k in before if before[k][1] != after[k][1]]
        if after.keys() == before.keys() and len(differing) == len(cells):
            folder.mkdir()
            for p in changed:
                (folder / p.name).write_bytes(p.content)
            return len(cells)
    raise AssertionError(f"no figure of {source} can be changed")


def _is(candidate: Payload, sha256: str, originals: list[Payload]) -> bool:
    return any(o.sha256 == sha256 and o.name == candidate.name for o in originals)


def _figures(payloads: list[Payload], spec: SourceSpec) -> dict[str, tuple[str, int, str]]:
    frame = parse(payloads, spec).observations
    frame = frame[frame["value"].notna()]
    return {
        f"{row.payload_locator} {row.period_start}": (row.payload_locator, row.value, row.payload_sha256)
        for row in frame.itertuples()
    }


def _bumped(given: Payload, locator: str) -> bytes:
    """The payload with the figure at the locator raised by one."""
    if locator.startswith("/"):
        root = json.loads(given.content.decode("utf-8-sig"))
        holder: Any = root
        *way, last = locator.strip("/").split("/")
        for step in way:
            holder = holder[int(step)] if isinstance(holder, list) else holder[step]
        place: Any = int(last) if isinstance(holder, list) else last
        old = holder[place]
        holder[place] = old + 1 if isinstance(old, int) else str(Decimal(old) + 1)
        return json.dumps(root, ensure_ascii=False).encode()
    if "!" in locator:
        sheet, _, cell = locator.rpartition("!")
        book = load_workbook(io.BytesIO(given.content))
        book[sheet][cell] = int(book[sheet][cell].value) + 1
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()
    row, column = (int(n) for n in re.findall(r"\d+", locator))
    rows = list(csv.reader(io.StringIO(given.content.decode())))
    rows[row - 1][column - 1] = f"{int(rows[row - 1][column - 1].replace(',', '')) + 1:,}"
    out_text = io.StringIO()
    csv.writer(out_text, lineterminator="\n").writerows(rows)
    return out_text.getvalue().encode()
