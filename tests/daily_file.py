"""A file of one figure a day, and the source that reads it: the smallest thing that has periods, figures and a mapping."""

from __future__ import annotations

from parse_support import made, payload

from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed
from transforms.parse.registry import parse

SERIES = {"country": "FIN", "scope": "national", "mode": "land", "direction": "entry", "citizenship": "RUS"}


def daily(
    formats: str = "YYYY-MM-DD",
    *,
    time: dict | None = None,
    options: dict | None = None,
    mapping: dict | None = None,
    **more: object,
) -> SourceSpec:
    return made(
        "table",
        {"columns": ["day", "persons"], "values": ["persons"]} | (options or {}),
        {"series": SERIES, "time": {"dimension": "day", "freq": "D", "formats": formats} | (time or {})}
        | (mapping or {}),
        **more,
    )


def read(text: str, spec: SourceSpec | None = None) -> Parsed:
    return parse([payload(text)], spec or daily())
