"""Figures of a file as statements, so that the stand-alone estimator takes them: each is the exact total of its period.

In: what a source reads in its file. Out: `Statements`. Nobody says when the file was published or brought, so the same file gives
the same tables; rows that were set aside are among them as torn records.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd

from crossings.source.model import SourceSpec
from transforms.parse.contract import Parsed
from transforms.parse.statements_csv import Statements
from transforms.reports import revisions

_NEVER = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def is_register(content: bytes) -> bool:
    """Whether a file is one of statements, by the names in its first line; an empty file counts as such."""
    first = content[:20_000].replace(b"\x00", b"").strip().split(b"\n", 1)[0].lower()
    return not first or any(name in first for name in (b"report_id", b"origin_id", b"period_start", b"period_end"))


def statements(parsed: Parsed, spec: SourceSpec, main_timezone: Mapping[str, str]) -> Statements:
    """The figures as reports that bind days. main_timezone : of each country."""
    made = revisions.gather([revisions.Look(parsed, _NEVER)], spec, main_timezone).statements
    count = len(made.reports)
    undated = {
        "published_on": pd.Series([None] * count, dtype="str"),
        "recorded_on": pd.Series([pd.NaT] * count, dtype=made.reports["recorded_on"].dtype),
        "recorded_at": pd.Series([pd.NaT] * count, dtype=made.reports["recorded_at"].dtype),
    }
    return Statements(made.reports.assign(**undated), made.raw, made.torn)
