"""Frontex monthly detections: one sheet, `Route | Border type | Nationality | JAN2009 | …`, re-issued every month.

In: one XLSX payload. Out: `Parsed`. Month headers are text in some editions and day serials or dates in others; both
are read, but not both in one file. The months must run without a gap, because the whole history is in each issue.
"""

from __future__ import annotations

from collections.abc import Sequence

from crossings.source.model import SourceSpec
from crossings.source.options import WorkbookOptions
from transforms.parse.addresses import ask_one
from transforms.parse.contract import Cell, Figures, Parsed, Payload, only, unreadable
from transforms.parse.mapping import assemble
from transforms.parse.protocols.workbook import read_workbook


def parse(payloads: Sequence[Payload], spec: SourceSpec) -> Parsed:
    """Observations of one issue of the workbook."""
    options = spec.options
    assert isinstance(options, WorkbookOptions)
    payload = only(payloads, spec.id)
    found, notes = read_workbook(payload, options)
    _one_edition(payload, found, options.levels[-1].dimension)
    mapping = spec.series_mapping
    whole = mapping.model_copy(update={"time": mapping.time.model_copy(update={"complete": True})})
    return assemble(spec.model_copy(update={"mapping": whole}), found, notes)


def _one_edition(payload: Payload, found: Sequence[Cell], dimension: str) -> None:
    kinds = {"text" if cell.labels[dimension][:1].isalpha() else "dates" for cell in found}
    if len(kinds) > 1:
        raise unreadable(
            payload, "month headers as text or as dates", "both in one sheet", "look at the sheet: a column was added"
        )


ADAPTER = Figures("frontex", WorkbookOptions, parse, ask_one)
