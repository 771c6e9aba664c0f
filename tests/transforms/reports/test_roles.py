"""What part each report plays: constraint, copy, or set aside, with the counts of the register's codebook."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statements import DATA, decision, decisions_of, judged, prepared_from, settled, statement, unjudged

from crossings.schema.codes import CODE_LISTS
from transforms.reports import decisions as decide
from transforms.reports import prepare


def roles(*rows: dict[str, str], decisions: pd.DataFrame | None = None) -> dict[str, str]:
    tables = unjudged(*rows, decisions=decisions)
    return dict(zip(tables.reports["report_id"], tables.reports["role"], strict=True))


def relay(number: int, **changes: object) -> dict[str, str]:
    return statement(**({"report_id": f"A-{number}", "origin_id": "O-1"} | changes))


@pytest.mark.parametrize(
    ("changes", "role"),
    [
        ({}, "constraint"),
        ({"modality": "forecast"}, "not_observed"),
        ({"modality": "estimate"}, "not_observed"),
        ({"tier": 5}, "unattributed"),
        ({"statistic": "stock", "direction": "stock"}, "other_statistic"),
        ({"statistic": "ratio"}, "other_statistic"),
        ({"period_start": "", "period_basis": "open"}, "unbounded_window"),
        ({"statistic": "max_per_day", "qualifier": "more_than"}, "other_statistic"),
    ],
)
def test_roles_of_single_reports(changes: dict[str, object], role: str) -> None:
    assert roles(statement(**changes)) == {"A-1": role}


def test_a_report_that_a_rule_holds_does_not_bind() -> None:
    _, tables = settled(statement(value_text="8314 a day"))
    assert tables.reports["role"].tolist() == ["held"]


def test_an_exclusion_counts_before_everything_else() -> None:
    excluded = decisions_of(decision(action="exclude"))
    assert roles(statement(modality="forecast", tier=5), decisions=excluded) == {"A-1": "excluded"}


def test_a_superseded_report_and_a_retraction_do_not_bind() -> None:
    later = statement(report_id="A-2", value=8320, value_text=8320, published_on="2022-09-28", recorded_on="2022-09-29",
                      supersedes="A-1", revision_kind="correction")  # fmt: skip
    assert roles(statement(), later) == {"A-1": "superseded", "A-2": "constraint"}
    assert roles(statement(), later | {"revision_kind": "retraction"}) == {"A-1": "superseded", "A-2": "superseded"}


def test_relays_of_one_statement_count_once() -> None:
    found = roles(*(relay(i) for i in range(1, 6)))
    assert sorted(found.values()) == ["constraint", *["copy"] * 4]


def test_an_exact_copy_stands_for_its_statement_before_many_rounded_ones() -> None:
    rounded = {"value": 8000, "value_text": 8000, "qualifier": "about", "rounding_unit": 1000}
    found = roles(relay(1, **rounded), relay(2, **rounded), relay(3))
    assert found == {"A-1": "copy", "A-2": "copy", "A-3": "constraint"}


def test_without_an_exact_copy_the_commonest_form_stands_and_then_the_earliest_published() -> None:
    about = {"value": 8000, "value_text": 8000, "qualifier": "about", "rounding_unit": 1000}
    nearly = about | {"qualifier": "nearly"}
    found = roles(
        relay(1, **nearly), relay(2, **about, published_on="2022-09-28", recorded_on="2022-09-29"), relay(3, **about)
    )
    assert found == {"A-1": "copy", "A-2": "copy", "A-3": "constraint"}


def test_a_preferred_report_stands_before_an_exact_copy() -> None:
    about = relay(2, value=8000, value_text=8000, qualifier="about", rounding_unit=1000)
    preferring = decisions_of(decision(report_id="A-2", action="prefer", field="value", expect="8000"))
    assert roles(relay(1), about, decisions=preferring) == {"A-1": "copy", "A-2": "constraint"}


def test_when_the_standing_report_is_set_aside_a_copy_takes_its_place() -> None:
    assert roles(relay(1), relay(2), decisions=decisions_of(decision(action="exclude"))) == {
        "A-1": "excluded", "A-2": "constraint"}  # fmt: skip


def test_copies_with_another_number_are_told() -> None:
    tables = unjudged(relay(1), relay(2), relay(3, value=9999, value_text=9999))
    told = tables.findings.loc[tables.findings["rule"] == "V24"]
    assert told["report_ids"].tolist() == [["A-1", "A-3"]]
    assert told["gap"].tolist() == [9999 - 8314]


@given(st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_matter(order: list[int]) -> None:
    about = {"value": 8000, "value_text": 8000, "qualifier": "about", "rounding_unit": 1000}
    rows = [relay(0), relay(1), relay(2, **about), relay(3, origin_id="O-2", **about), relay(4, origin_id="O-2", **about),
            relay(5, origin_id="O-3", tier=5)]  # fmt: skip
    assert roles(*(rows[i] for i in order)) == roles(*rows)


@pytest.fixture(scope="module")
def real() -> tuple[set[str], prepare.Settled]:
    register = DATA / "register"
    decisions = decide.parse((register / "decisions.csv").read_bytes())
    return judged(prepared_from((register / "reports.csv").read_bytes(), decisions))


def test_the_real_register_has_the_counts_of_its_codebook(real: tuple[set[str], prepare.Settled]) -> None:
    failed, tables = real
    counts = tables.reports["role"].value_counts()
    assert counts.sum() == tables.rows_in == 1180
    assert len(tables.quarantine) == tables.duplicates == 0
    assert set(counts.index) <= set(CODE_LISTS["role"])
    excluded = tables.reports.loc[tables.reports["role"] == "excluded", "country"].value_counts().to_dict()
    assert excluded == {"FIN": 33, "GEO": 47, "KAZ": 19, "MNG": 7}
    assert counts["excluded"] == 106
    assert tables.reports["origin_id"].nunique() == 697
    assert tables.reports.loc[tables.reports["role"] == "constraint", "origin_id"].is_unique
    assert failed <= {"V09", "V13", "V16", "V20", "V71", "V72"}


def test_roles_keep_the_rules_of_the_codebook(real: tuple[set[str], prepare.Settled]) -> None:
    binding = real[1].decided.loc[real[1].decided["role"] == "constraint"]
    assert (binding["modality"] == "observed").all()
    assert (binding["tier"] < 5).all()
    assert not binding["period_basis"].isin(["open", "missing"]).any()
    assert not binding["statistic"].isin(["stock", "change", "ratio", "share"]).any()
    assert not binding["report_id"].isin(["FIN-167", "FIN-175"]).any()


def test_active_copies_of_one_statement_speak_of_the_same_thing(real: tuple[set[str], prepare.Settled]) -> None:
    active = real[1].decided.loc[real[1].decided["role"].isin(["constraint", "copy"])]
    columns = ["series", "statistic", "period_start", "period_end"]
    assert active[["origin_id", *columns]].drop_duplicates()["origin_id"].is_unique


def test_a_relay_of_98000_is_one_of_many_copies_of_one_statement(real: tuple[set[str], prepare.Settled]) -> None:
    reports = real[1].reports.set_index("report_id")
    siblings = reports.loc[reports["origin_id"] == reports.at["KAZ-200", "origin_id"]]
    assert reports.at["KAZ-200", "origin_id"] == "KAZ-MIA-2022-09-27-entries-0921-0926"
    assert reports.at["KAZ-200", "value"] == 98000
    assert len(siblings) == 37
    assert (siblings["role"] == "constraint").sum() == 1
