"""Frontex: month headers of either kind, never both, and no month left out."""

from __future__ import annotations

import pytest
from parse_support import payload, recorded, sources
from protocol_laws import ProtocolLaws
from workbooks import day, repacked, saved

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "frontex"
    renamed = (b"Russia", b"Ruritania")

    def relabelled(self, content):
        return repacked(content, lambda m: {name: body.replace(*self.renamed) for name, body in m.items()})

    def sample(self):
        return sources()["eu-frontex-detections"], recorded("eu-frontex-detections")


def test_frontex_serial_headers_pass_and_a_gap_or_a_mixture_does_not():
    source = sources()["eu-frontex-detections"]

    def issue(*months):
        def fill(sheet):
            sheet.title = "Detections_of_IBC"
            for column, text in enumerate(("Route", "Border type", "Nationality", *months), start=1):
                sheet.cell(2, column, text)
            for column, content in enumerate(("Eastern Borders Route", "Land", "Russia", 1, 2), start=1):
                sheet.cell(3, column, content)

        return [payload(saved(fill), "file.xlsx")]

    for months in ((46023, 46054), ("JAN2026", "FEB2026"), (day(2026, 1, 1), day(2026, 2, 1))):
        assert parse(issue(*months), source).observations["value"].tolist() == [1, 2]
    with pytest.raises(UnreadableInput, match="both in one sheet"):
        parse(issue("JAN2026", 46054), source)
    with pytest.raises(UnreadableInput, match="starting 2026-02-01, found 2026-03-01"):
        parse(issue("JAN2026", "MAR2026"), source)
