"""Curator's decisions: each behind its guard, none applied by halves."""

from __future__ import annotations

import pandas as pd
import pytest
from statements import DATA, decision, decisions_of, frame_of, statement, unjudged

from crossings.errors import DecisionNotApplicable, UnreadableInput
from transforms.parse import statements_csv
from transforms.reports import decisions as decide

HEADER = b"decision_id,report_id,action,field,expect,new_value,reason,evidence_report_ids\n"


def refusal(*rows: dict[str, str]) -> str:
    with pytest.raises(DecisionNotApplicable) as caught:
        decide.apply(frame_of(statement()), decisions_of(*rows))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_real_decisions_hold_on_the_real_register() -> None:
    reports = statements_csv.parse((DATA / "register" / "reports.csv").read_bytes()).reports
    decisions = decide.parse((DATA / "register" / "decisions.csv").read_bytes())
    found = decide.apply(reports, decisions)
    assert len(decisions) == 509
    assert decisions["action"].value_counts().to_dict() == {
        "recode": 231, "question": 161, "exclude": 107, "prefer": 9, "include": 1,
    }  # fmt: skip
    assert found.excluded.sum() == 106
    assert sum(len(ids) for ids in found.decision_ids) == 509


def test_a_recode_changes_the_decided_field_and_leaves_the_printed_one() -> None:
    printed = frame_of(statement(), statement(report_id="A-2"))
    found = decide.apply(
        printed, decisions_of(decision(action="recode", field="value", expect="8314", new_value="8315"))
    )
    assert found.reports["value"].tolist() == [8315, 8314]
    assert printed["value"].tolist() == [8314, 8314]
    assert found.decision_ids.tolist() == [("D-1",), ()]


@pytest.mark.parametrize(
    ("field", "expect", "new", "typed"),
    [
        ("period_end", "2022-09-25", "2022-09-26", pd.Timestamp("2022-09-26")),
        ("direction", "entry", "exit", "exit"),
        ("citizenship", "RUS", "other:from-rus", "other:from-rus"),
        ("tier", "2", "4", 4),
        ("cutoff_assumed", "false", "true", True),
        ("start_time", "", "10:00", "10:00"),
        ("counterpart", "RUS", "", None),
        ("value", "8314", "", None),
    ],
)
def test_a_recode_gives_a_value_of_the_fields_own_type(field: str, expect: str, new: str, typed: object) -> None:
    row = decision(action="recode", field=field, expect=expect, new_value=new)
    found = decide.apply(frame_of(statement()), decisions_of(row)).reports.at[0, field]
    assert pd.isna(found) if typed is None else found == typed


@pytest.mark.parametrize(
    ("field", "expect", "new"),
    [("value", "8314", "3.5"), ("value", "8314", "9" * 20), ("tier", "2", "300"), ("period_end", "2022-09-25", "2022-02-30"),
     ("cutoff_assumed", "false", "maybe"), ("rounding_unit", "1", "x")],
)  # fmt: skip
def test_a_new_value_that_does_not_parse_stops_and_names_the_decision(field: str, expect: str, new: str) -> None:
    said = refusal(decision(decision_id="D-7", action="recode", field=field, expect=expect, new_value=new))
    assert "decision D-7" in said
    assert field in said


def test_a_guard_that_does_not_hold_stops_and_names_the_decision() -> None:
    said = refusal(decision(decision_id="D-9", action="recode", field="value", expect="8313", new_value="8315"))
    assert "decision D-9 expects value of A-1 to be '8313', found '8314'" in said


def test_a_question_has_a_guard_too() -> None:
    assert "D-1" in refusal(decision(action="question", field="value", expect="1"))


def test_a_decision_for_a_report_that_is_not_there_stops() -> None:
    assert "A-99, which is not there" in refusal(decision(report_id="A-99", action="exclude"))


def test_an_unknown_field_stops() -> None:
    assert "unknown field colour" in refusal(decision(action="recode", field="colour"))


def test_no_field_is_recoded_twice() -> None:
    first = decision(action="recode", field="value", expect="8314", new_value="8315")
    assert "D-2 recodes value of A-1 a second time" in refusal(first, first | {"decision_id": "D-2"})


def test_an_excluded_report_stays_excluded_when_it_is_also_recoded() -> None:
    recode = decision(decision_id="D-2", action="recode", field="direction", expect="entry", new_value="exit")
    found = decide.apply(frame_of(statement()), decisions_of(decision(action="exclude"), recode))
    assert found.excluded.tolist() == [True]
    assert found.reports["direction"].tolist() == ["exit"]


def test_an_exclusion_is_withdrawn_by_a_later_include_and_by_no_earlier_one() -> None:
    out, back = decision(decision_id="D-2", action="exclude"), decision(decision_id="D-3", action="include")
    assert decide.apply(frame_of(statement()), decisions_of(out, back)).excluded.tolist() == [False]
    early = back | {"decision_id": "D-1"}
    assert decide.apply(frame_of(statement()), decisions_of(out, early)).excluded.tolist() == [True]


def test_a_file_may_lack_the_dates_of_decisions_and_a_date_that_is_none_is_named() -> None:
    found = decide.parse(HEADER + b"D-1,A-1,exclude,,,,x,\n")
    assert found[["decided_on", "evidence_on"]].values.tolist() == [["", ""]]
    dated = HEADER.replace(b"\n", b",decided_on\n")
    assert decide.parse(dated + b"D-1,A-1,exclude,,,,x,,2022-10-03\n")["decided_on"].tolist() == ["2022-10-03"]
    with pytest.raises(UnreadableInput, match="decided_on of D-1 is '3 October', no date"):
        decide.parse(dated + b"D-1,A-1,exclude,,,,x,,3 October\n")


def test_the_order_of_the_file_does_not_matter() -> None:
    rows = [decision(decision_id="D-2", action="exclude"), decision(decision_id="D-1", action="question")]
    assert decisions_of(*rows).equals(decisions_of(*reversed(rows)))


def test_an_excluded_row_is_kept_out_of_the_estimate_and_in_the_register() -> None:
    tables = unjudged(statement(), decisions=decisions_of(decision(action="exclude")))
    assert tables.reports[["report_id", "role"]].values.tolist() == [["A-1", "excluded"]]
    assert tables.reports["decision_ids"].tolist() == [["D-1"]]


def test_printed_values_stay_printed_and_the_encoding_is_as_decided() -> None:
    row = decision(action="recode", field="value", expect="8314", new_value="8315")
    tables = unjudged(statement(), decisions=decisions_of(row))
    assert tables.reports[["value", "lower", "upper"]].astype(int).values.tolist() == [[8314, 8315, 8315]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfed\x00", "cannot be read"),
        (HEADER.replace(b"expect", b"expects"), "missing or unknown columns: expect, expects"),
        (HEADER + b"D-1,A-1,remove,,,,x,\n", "D-1 has an unknown action"),
        (HEADER + b"D-1,A-1,exclude,,,,x,\nD-1,A-2,exclude,,,,x,\n", "D-1 is there twice"),
        (HEADER + b"D-1,A-1,exclude,,,,x,,\n", "more fields than its header"),
        (HEADER + b'D-1,A-1,exclude,,,,"x,\n', "cannot be read"),
    ],
)
def test_a_file_that_is_no_list_of_decisions_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(UnreadableInput, match=says):
        decide.parse(content)
