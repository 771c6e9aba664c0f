"""Small workbooks made for one test, and changes to their bytes that no spreadsheet program would make."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import pandas as pd
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from parse_support import made, payload

from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed
from transforms.parse.registry import parse

Members = dict[str, bytes]


def spec(mapping: dict | None = None, **options: object) -> SourceSpec:
    return made(
        "workbook",
        {"sheet": "Data", "stub": [["Country"]], "levels": [{"dimension": "Month"}], "notes": ["Note"]} | options,
        {
            "series": {"country": "GEO", "scope": "national", "mode": "all", "direction": "entry"},
            "time": {"dimension": "Month", "freq": "M", "formats": ["MONYYYY", "YYYY-MM-DD", "serial"]},
            "dimensions": [{"dimension": "Country", "field": "citizenship", "codes_from": "country"}],
        }
        | (mapping or {}),
    )


def day(*parts: int) -> datetime:
    """A date cell, which a workbook holds without a zone."""
    return pd.Timestamp(*parts).to_pydatetime()


def saved(fill: Callable[[Worksheet], object]) -> bytes:
    book = Workbook()
    book.active.title = "Data"
    fill(book.active)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def book(**sheets: list[tuple]) -> bytes:
    """A workbook of several sheets: rows by name."""
    made_of = Workbook()
    made_of.remove(made_of.active)
    for name, rows in sheets.items():
        sheet = made_of.create_sheet(name)
        for number, row in enumerate(rows, start=1):
            for column, content in enumerate(row, start=1):
                sheet.cell(number, column, content)
    out = io.BytesIO()
    made_of.save(out)
    return out.getvalue()


def table(
    sheet: Worksheet,
    top: int = 1,
    months: tuple = ("JAN2026", "FEB2026"),
    rows: tuple = (("Russia", 5, 6), ("China", 7, 8)),
) -> None:
    for column, text in enumerate(("Country", *months), start=1):
        sheet.cell(top, column, text)
    for row, line in enumerate(rows, start=top + 1):
        for column, content in enumerate(line, start=1):
            sheet.cell(row, column, content)


def repacked(content: bytes, change: Callable[[Members], Members]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as given:
        members = {name: given.read(name) for name in given.namelist()}
    members = change(dict(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


def sheet_with(old: bytes, new: bytes) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        name = "xl/worksheets/sheet1.xml"
        assert old in members[name]
        return members | {name: members[name].replace(old, new, 1)}

    return change


def read(content: bytes, source: SourceSpec | None = None) -> Parsed:
    return parse([payload(content, "file.xlsx")], source or spec())
