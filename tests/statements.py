"""Statement CSVs for tests: one honest report, changed field by field, and what the rules make of it."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path

import pandas as pd

from crossings.schema.tables import DECISIONS, REGISTER_COLUMNS
from transforms.parse import statements_csv
from transforms.reports import decisions as decide
from transforms.reports import encode as encoding
from transforms.reports import prepare, reference
from transforms.series import definitions

DATA = Path(__file__).parents[1] / "data"
COLUMNS = [c.name for c in REGISTER_COLUMNS]
TODAY = pd.Timestamp("2026-11-25")

HONEST = dict.fromkeys(COLUMNS, "") | {
    "report_id": "A-1",
    "country": "FIN",
    "counterpart": "RUS",
    "scope": "national",
    "mode": "land",
    "direction": "entry",
    "citizenship": "RUS",
    "measure": "crossings",
    "system": "border_control",
    "reporter_side": "destination",
    "statistic": "total",
    "modality": "observed",
    "period_start": "2022-09-25",
    "period_end": "2022-09-25",
    "timezone": "Europe/Helsinki",
    "period_basis": "stated",
    "cutoff_assumed": "false",
    "value": "8314",
    "value_text": "8314",
    "qualifier": "exact",
    "rounding_unit": "1",
    "speech_mode": "written_table",
    "tier": "2",
    "published_on": "2022-09-26",
    "publisher": "A paper",
    "url": "https://example.org/a",
    "language": "en",
    "recorded_on": "2022-09-27",
}


def statement(**changes: object) -> dict[str, str]:
    """The honest report with some fields changed."""
    unknown = set(changes) - set(COLUMNS) - set(statements_csv.OPTIONAL_EXTRAS)
    assert not unknown, unknown
    return HONEST | {name: str(value) for name, value in changes.items()}


def statement_csv(*rows: dict[str, str]) -> bytes:
    """The rows as a statement CSV, with every column that any of them has."""
    names = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def frame_of(*rows: dict[str, str]) -> pd.DataFrame:
    """The rows, parsed."""
    return statements_csv.parse(statement_csv(*rows)).reports


def encoded_row(**changes: object) -> pd.Series:
    """The encoding of the honest report with some fields changed."""
    return encoding.encode(frame_of(statement(**changes))).iloc[0]


def decision(**fields: str) -> dict[str, str]:
    """A decision with only the given fields filled."""
    return dict.fromkeys(DECISIONS.names, "") | {"decision_id": "D-1", "report_id": "A-1", "reason": "because"} | fields


def decisions_of(*rows: dict[str, str]) -> pd.DataFrame:
    """Decisions, parsed from their CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(DECISIONS.names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return decide.parse(out.getvalue().encode())


@cache
def known() -> reference.Reference:
    """The real reference tables."""
    return reference.read(
        {n: (DATA / "reference" / f"{n}.csv").read_bytes() for n in ("countries", "timezones", "wording", "labels")}
    )


@cache
def declared() -> pd.DataFrame:
    """The really declared series."""
    return definitions.parse((DATA / "reference" / "series.csv").read_bytes())


def prepared_from(content: bytes, decisions: pd.DataFrame | None = None) -> prepare.Prepared:
    """Bytes made ready for judgement."""
    chosen = decisions_of() if decisions is None else decisions
    return prepare.prepare("test", content, "reports.csv", chosen, declared(), known(), TODAY)


def judged(prepared: prepare.Prepared) -> tuple[set[str], prepare.Settled]:
    """The rules that some row fails, and the tables after judgement."""
    from flows.judge import judge

    judgements, _ = judge(prepared, known())
    return {j.rule for j in judgements if j.rows}, prepare.settle(prepared, judgements)


def settled(*rows: dict[str, str], decisions: pd.DataFrame | None = None) -> tuple[set[str], prepare.Settled]:
    """The rows, prepared and judged by the whole suite."""
    return judged(prepared_from(statement_csv(*rows), decisions))


def unjudged(*rows: dict[str, str], decisions: pd.DataFrame | None = None) -> prepare.Settled:
    """The rows, prepared and settled as if every rule held: enough where roles and not rules are the matter."""
    return prepare.settle(prepared_from(statement_csv(*rows), decisions), [])
