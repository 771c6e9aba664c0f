"""What the other side of the border says: compared, told, never binding."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crossings.schema.tables import SERIES_KEY
from transforms import findings
from transforms.series.identities import find_identities
from transforms.tables.mirror import mirror_ratio

USUAL = {
    "country": "AAA", "direction": "entry", "citizenship": "RUS", "scope": "national", "mode": "all",
    "measure": "crossings", "system": "border_control",
}  # fmt: skip


def report(report_id, value, low, high, **parts):
    start, end = dt.date(2022, 7, 1), dt.date(2022, 9, 30)
    return {
        "report_id": report_id, "origin_id": report_id, **USUAL, "reporter_side": "destination", "statistic": "total",
        "modality": "observed", "period_start": start, "period_end": end, "start_instant": 100, "end_instant": 900,
        "value": value, "lower": low, "upper": high, "per_day": False, "role": "constraint", "series": "E", **parts,
    }  # fmt: skip


MIRROR = {"measure": "trips", "system": "mirror", "reporter_side": "origin"}
KZ = report("kz", 1_600_000, 1_600_000, 1_600_000)
FSB = report("fsb", 1_300_000, 1_250_000, 1_349_999, **MIRROR)


def test_the_other_side_is_compared_and_only_warned_about():
    rows = mirror_ratio(pd.DataFrame([FSB, KZ]))
    (told,) = findings.table(rows).to_dict("records")
    assert told["rule"] == "mirror_ratio"
    assert told["severity"] == "warn"
    assert told["gap"] == pytest.approx(1.2308, abs=1e-4)
    assert told["report_ids"] == ["fsb", "kz"]
    assert told["date_start"] == dt.date(2022, 7, 1)
    assert told["date_end"] == dt.date(2022, 9, 30)
    assert "inside 0.5 to 1.5" in told["message"]
    keys = pd.DataFrame([FSB, KZ])[["series", *SERIES_KEY]].assign(series=["M", "E"])
    assert find_identities(keys) == [], "never a constraint"


def test_an_implausible_ratio_says_so_with_the_same_severity():
    (told,) = mirror_ratio(pd.DataFrame([{**FSB, "value": 700_000}, KZ]))
    assert told.severity == "warn"
    assert "outside 0.5 to 1.5" in told.message


@pytest.mark.parametrize(
    "change",
    [
        {"country": "BBB"},
        {"direction": "exit"},
        {"citizenship": "all"},
        {"end_instant": 901},
        {"role": "copy"},
        {"modality": "estimate"},
        {"per_day": True},
        {"start_instant": np.iinfo(np.int64).min},
        {"value": 0, "lower": 0, "upper": 0},
        {"reporter_side": "third_party", "system": "tourism"},
    ],
)
def test_nothing_is_said_where_there_is_nothing_to_compare(change):
    assert mirror_ratio(pd.DataFrame([{**FSB, **change}, KZ])) == []


def test_relays_of_one_statement_are_compared_once():
    relay = {**FSB, "report_id": "zz"}
    assert len(mirror_ratio(pd.DataFrame([relay, FSB, KZ]))) == 1


def test_a_range_is_compared_by_its_middle():
    spoken = {**FSB, "value": None}
    (told,) = mirror_ratio(pd.DataFrame([spoken, KZ]))
    assert told.gap == pytest.approx(1_600_000 / 1_299_999.5, abs=1e-4)


def test_no_reports_give_no_findings():
    assert mirror_ratio(pd.DataFrame([FSB, KZ]).iloc[:0]) == []
