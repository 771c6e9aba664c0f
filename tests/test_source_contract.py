"""Every source keeps the contract on its own recorded payload; a source without one fails."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from parse_support import RECORDED, ROOT, recorded, sources

from crossings.errors import CrossingsError
from crossings.schema.codes import CODE_LISTS
from crossings.schema.tables import TABLES
from transforms.parse.contract import OBSERVATION_COLUMNS, REJECTED_COLUMNS
from transforms.parse.registry import parse, read

SPECS = sources()
SOURCES = sorted(path.stem for path in (ROOT / "data" / "sources").glob("*.yaml"))
TABULAR = [name for name in SOURCES if not SPECS[name].by_hand]
STATEMENTS = [name for name in SOURCES if SPECS[name].by_hand]


@pytest.fixture(scope="module")
def specs():
    return SPECS


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_has_a_payload_and_expectations(name):
    assert recorded(name), f"tests/payloads/{name} holds no payload"
    if name in TABULAR:
        assert (RECORDED / name / "expected.json").is_file()


@pytest.mark.parametrize("name", TABULAR)
def test_its_payload_gives_the_expected_figures(name, specs):
    parsed = parse(recorded(name), specs[name])
    expected = json.loads((RECORDED / name / "expected.json").read_text(encoding="utf-8"))
    counted = (parsed.considered, len(parsed.observations), len(parsed.rejected), parsed.unselected)
    assert counted == tuple(expected[k] for k in ("considered", "accepted", "rejected", "unselected"))
    assert sorted(set(parsed.rejected["rule"])) == sorted(expected["rules"])
    by_place = parsed.observations.set_index("payload_locator")
    assert expected["cells"], "an expectation without a cell checks nothing"
    for cell in expected["cells"]:
        row = by_place.loc[cell.pop("payload_locator")]
        for column, value in cell.items():
            found = row[column]
            if value is None:
                assert pd.isna(found), column
            elif column.startswith("period"):
                assert found.isoformat() == value
            else:
                assert found == value, column


@pytest.mark.parametrize("name", TABULAR)
def test_every_row_is_typed_coded_and_traceable(name, specs):
    payloads = recorded(name)
    parsed = parse(payloads, specs[name])
    frame = parsed.observations
    assert tuple(frame.columns) == OBSERVATION_COLUMNS
    assert tuple(parsed.rejected.columns) == REJECTED_COLUMNS
    assert str(frame["value"].dtype) == "Int64"
    for column, codes in (("obs_status", "obs_status"), ("direction", "direction"), ("mode", "mode")):
        assert set(frame[column]) <= set(CODE_LISTS[codes])
    assert set(frame["measure"]) == {specs[name].measure}
    assert set(frame["system"]) == {specs[name].system}
    assert set(frame["payload_sha256"]) <= {p.sha256 for p in payloads}
    assert (frame["period_start"] <= frame["period_end"]).all()
    assert all(isinstance(json.loads(raw), dict) for raw in frame["raw"])
    assert frame.loc[frame["value"].isna(), "obs_status"].isin(["L", "M", "O", "Q"]).all()
    key = ["country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system", "period_start"]
    assert not frame.duplicated(key).any()


@pytest.mark.parametrize("name", TABULAR)
def test_the_order_of_payloads_never_matters(name, specs):
    payloads = recorded(name)
    there, back = parse(payloads, specs[name]), parse(payloads[::-1], specs[name])
    pd.testing.assert_frame_equal(there.observations, back.observations)
    pd.testing.assert_frame_equal(there.rejected, back.rejected)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_register_is_read_as_statements_and_never_as_figures(name, specs):
    parsed = read(recorded(name), specs[name])
    assert len(parsed.reports) > 0
    assert parsed.considered == len(parsed.reports) + len(parsed.torn)
    with pytest.raises(CrossingsError, match="statements"):
        parse(recorded(name), specs[name])


def test_measures_of_different_sources_are_different_series(specs):
    measures = {name: spec.measure for name, spec in specs.items() if name in TABULAR}
    assert measures["fi-tulli-border-traffic"] == "vehicles"
    assert measures["mn-nso-tourists"] == "trips"
    assert measures["mn-nso-border-points"] == "crossings"
    assert measures["eu-frontex-detections"] == "detections"
    assert measures["eu-eurostat-permits"] == "permits"
    assert set(measures.values()) <= set(CODE_LISTS["measure"])


def test_nothing_unconfirmed_claims_to_be_confirmed(specs):
    for name in TABULAR:
        assert specs[name].confirmed is False
        assert specs[name].to_confirm


def test_sources_fit_the_table_of_sources(specs):
    columns = set(TABLES["sources"].names)
    assert {"source_id", "title", "publisher", "country", "licence", "cadence", "parser", "confirmed"} == columns
    for spec in specs.values():
        assert spec.cadence in (*CODE_LISTS["freq"], "irregular")
