"""The suite on `reports`: a row that fails each rule and nothing else, and what becomes of it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

import great_expectations.expectations as gxe
import pandas as pd
import pytest
from statements import decision, decisions_of, known, prepared_from, settled, statement, statement_csv

from crossings.rules import Rule
from expectations import reports, run
from expectations.rule import meta, row_rule
from flows.judge import judge
from transforms.reports import prepare

A = statement
LEVELS = [A(report_id=f"B-{i}", scope="checkpoint:quiet", value=50, value_text=50) for i in range(4)]
EARLY = A(report_id="A-0", published_on="2022-09-28", recorded_on="2022-09-29")

# rule -> rows of which the last breaks it, and the fate of that row
BROKEN: dict[str, tuple[list[dict[str, str]], str]] = {
    "V01 no figure": ([A(value="", value_text="")], "quarantine"),
    "V01 unreadable figure": ([A(value="83.14", value_text="")], "quarantine"),
    "V01 no citizenship": ([A(citizenship="")], "quarantine"),
    "V02 direction": ([A(direction="inward")], "quarantine"),
    "V02 citizenship": ([A(citizenship="Russians")], "quarantine"),
    "V02 scope": ([A(scope="the whole border")], "quarantine"),
    "V02 counterpart": ([A(counterpart="RU")], "quarantine"),
    "V02 tier": ([A(tier=6)], "quarantine"),
    "V02 statistic": ([A(statistic="sum")], "quarantine"),
    "V03": ([A(period_start="2022-09-26")], "quarantine"),
    "V03 clock": ([A(start_time="12:00", end_time="10:00")], "quarantine"),
    "V04": ([A(period_end="2022-02-30")], "quarantine"),
    "V04 leap day": ([A(period_start="2021-02-29")], "quarantine"),
    "V04 publication": ([A(published_on="2022-09-31")], "quarantine"),
    "V05": ([A(period_end="2022-09-27")], "quarantine"),
    "V06 recorded before publication": ([A(recorded_on="2022-09-25")], "quarantine"),
    "V06 recorded in the future": ([A(recorded_on="2030-01-01")], "quarantine"),
    "V07": ([A(value=-5, value_text="", qualifier="at_least")], "quarantine"),
    "V08": ([A(value=5, value_low=4, value_high=6, value_text="", qualifier="between")], "quarantine"),
    "V08 order": ([A(value="", value_low=6, value_high=4, value_text="", qualifier="between")], "quarantine"),
    "V09": ([A(value_text="about 8314")], "hold"),
    "V10": ([*LEVELS, A(scope="checkpoint:quiet", value=5100, value_text=5100)], "quarantine"),
    "V11": ([A(value_text="8413")], "quarantine"),
    "V12": ([A(value_low=8000, value_high=9000, qualifier="more_than")], "quarantine"),
    "V13": ([A(rounding_unit=3)], "tell"),
    "V14": ([A(timezone="Asia/Almaty")], "quarantine"),
    "V14 no zone": ([A(timezone="Mars/Base")], "quarantine"),
    "V15": ([A(start_time="00:00", end_time="24:30")], "quarantine"),
    "V16": ([A(published_on="2022-09-25")], "tell"),
    "V17": ([A(value=400_000, value_text=400_000)], "quarantine"),
    "V20": ([A(url="")], "tell"),
    "V21": ([A(), A(value=8315, value_text=8315)], "quarantine"),
    "V22": ([A(), A()], "drop_copy"),
    "V25 not there": ([A(supersedes="A-9")], "quarantine"),
    "V25 other window": ([A(), A(report_id="A-2", period_start="2022-09-24", supersedes="A-1")], "quarantine"),
    "V26": ([EARLY, A(supersedes="A-0", revision_kind="correction")], "quarantine"),
    "V71": ([A(modality="forecast")], "hold"),
    "V72": ([A(value_text="8314 a day")], "hold"),
}
SINCE = {"statistic": "cumulative", "authority": "fin-border-guard", "scope": "checkpoint:stale", "value_text": ""}
BROKEN["repeated_total"] = (
    [A(report_id=f"C-{last}", period_start="2022-09-01", period_end=f"2022-09-{last}", value=value, **SINCE)
     for last, value in ((20, 900), (21, 1800), (22, 1800))],
    "hold",
)  # fmt: skip
REQUIRED = {*(f"V{n:02}" for n in range(1, 18)), "V20", "V21", "V22", "V25", "V26", "V71", "V72",
            "repeated_total"}  # fmt: skip


def suite() -> list[gxe.Expectation]:
    zones = known().timezones
    return reports.suite(known().countries["alpha3"], zones["country"] + "|" + zones["timezone"])


def test_every_rule_of_the_suite_is_broken_here_once_at_least() -> None:
    in_suite = {e.meta["rule"] for e in suite()}
    assert in_suite == REQUIRED
    assert {name.split()[0] for name in BROKEN} == in_suite


def test_each_expectation_says_what_happens_and_how_grave_it_is() -> None:
    for expectation in suite():
        assert expectation.meta["action"] in {"quarantine", "hold", "tell", "drop_copy"}
        assert expectation.meta["severity"] in {"info", "warn", "error"}
        assert expectation.meta["reason"]
        assert (expectation.severity == "critical") == (expectation.meta["action"] == "quarantine")


def test_an_honest_report_passes_every_rule_and_binds() -> None:
    failed, tables = settled(statement())
    assert failed == set()
    assert tables.reports["role"].tolist() == ["constraint"]
    assert len(tables.quarantine) == tables.duplicates == len(tables.findings) == 0


@dataclass(frozen=True)
class Judged:
    """All broken cases in one frame, judged in one pass: the rules that each row fails, and what became of the rows."""

    ids: dict[str, list[str]]
    failed: dict[str, list[set[str]]]
    position: dict[str, int]
    tables: prepare.Settled


@pytest.fixture(scope="module")
def cases() -> Judged:
    rows, ids, first = [], {}, {}
    for number, (name, (broken, _)) in enumerate(BROKEN.items()):
        first[name] = len(rows)
        apart = [row | {k: f"{number:02}-{row[k]}" for k in ("report_id", "supersedes") if row[k]} for row in broken]
        ids[name] = [row["report_id"] for row in apart]
        rows += apart
    prepared = prepared_from(statement_csv(*rows))
    judgements, _ = judge(prepared, known())
    failed: list[set[str]] = [set() for _ in rows]
    for judgement in judgements:
        for row in judgement.rows:
            failed[row].add(judgement.rule)
    by_case = {name: failed[first[name] : first[name] + len(ids[name])] for name in BROKEN}
    return Judged(ids, by_case, {n: first[n] + len(ids[n]) for n in BROKEN}, prepare.settle(prepared, judgements))


@pytest.mark.parametrize("name", BROKEN)
def test_a_row_that_breaks_one_rule_fails_that_rule_alone(name: str, cases: Judged) -> None:
    assert cases.failed[name] == [set()] * (len(cases.ids[name]) - 1) + [{name.split()[0]}]


@pytest.mark.parametrize("name", [name for name, (_, fate) in BROKEN.items() if fate == "quarantine"])
def test_a_quarantined_row_is_kept_as_received_with_rule_and_place(name: str, cases: Judged) -> None:
    place = f"record {cases.position[name]}"
    (row,) = cases.tables.quarantine.loc[cases.tables.quarantine["payload_locator"] == place].to_dict("records")
    sent = BROKEN[name][0][-1] | {"report_id": cases.ids[name][-1]}
    assert (row["rule"], row["report_id"]) == (name.split()[0], sent["report_id"])
    assert row["reason"]
    received = json.loads(row["record"])
    assert {k: received[k] for k in sent if k != "supersedes"} == {k: v for k, v in sent.items() if k != "supersedes"}
    assert place not in cases.tables.reports["payload_locator"].tolist()


@pytest.mark.parametrize("name", [name for name, (_, fate) in BROKEN.items() if fate in ("hold", "tell")])
def test_a_row_held_or_warned_of_is_kept_and_told(name: str, cases: Judged) -> None:
    row = cases.tables.decided.set_index("report_id").loc[cases.ids[name][-1]]
    assert row["held"] == (BROKEN[name][1] == "hold")
    assert (row["role"] == "constraint") == (BROKEN[name][1] == "tell")
    told = cases.tables.findings.loc[cases.tables.findings["rule"] == name.split()[0], "report_ids"]
    assert any(row.name in ids for ids in told)


def test_every_row_of_all_cases_is_accounted_for(cases: Judged) -> None:
    tables = cases.tables
    assert tables.rows_in == sum(len(rows) for rows, _ in BROKEN.values())
    assert tables.rows_in == len(tables.reports) + len(tables.quarantine) + tables.duplicates
    assert tables.duplicates == 1
    assert len(tables.quarantine) == sum(fate == "quarantine" for _, fate in BROKEN.values())


def test_of_two_rows_with_one_id_the_first_stays() -> None:
    _, tables = settled(A(), A(value=8315, value_text=8315))
    assert tables.reports["value"].tolist() == [8314]
    assert '"value": "8315"' in tables.quarantine["record"].iloc[0]


def test_a_copy_of_a_recoded_row_is_still_a_copy() -> None:
    recode = decisions_of(decision(action="recode", field="value", expect="8314", new_value="8320"))
    failed, tables = settled(A(), A(), decisions=recode)
    assert failed == {"V22"}
    assert tables.duplicates == 1


def test_rows_that_differ_only_in_what_does_not_parse_are_both_kept() -> None:
    _, tables = settled(A(value="many", value_text=""), A(value="few", value_text=""))
    assert tables.duplicates == 0
    assert sorted('"many"' in r for r in tables.quarantine["record"]) == [False, True]


def test_a_negative_count_is_quarantined_as_such() -> None:
    assert settled(A(value=-5, value_text=""))[1].quarantine["rule"].tolist() == ["V07"]


def test_a_negative_net_flow_is_in_order() -> None:
    assert settled(A(value=-5, value_text="", direction="net"))[0] == set()


def test_a_forecast_may_speak_of_the_time_after_its_publication() -> None:
    assert settled(A(modality="forecast", period_end="2022-10-31"))[0] == {"V71"}


def test_an_excluded_row_is_not_judged_for_plausibility() -> None:
    failed, tables = settled(A(value=400_000, value_text=400_000), decisions=decisions_of(decision(action="exclude")))
    assert failed == set()
    assert tables.reports["role"].tolist() == ["excluded"]


def test_two_reports_that_supersede_each_other_are_both_set_aside() -> None:
    failed, tables = settled(A(supersedes="A-2"), A(report_id="A-2", supersedes="A-1"))
    assert "V25" in failed
    assert len(tables.reports) == 0
    assert len(tables.quarantine) == 2


def test_a_row_that_breaks_many_rules_ends_in_one_place_under_the_first() -> None:
    failed, tables = settled(A(direction="inward", period_end="2022-02-30", value=-1, tier=9))
    assert {"V02", "V04", "V07"} <= failed
    assert tables.quarantine["rule"].tolist() == ["V02"]


def test_no_rows_fail_nothing() -> None:
    frame = prepared_from(statement_csv(statement())).frame.iloc[:0]
    assert [r for r in run.run("reports", suite(), frame) if r.failed] == []


def rule(name: str) -> Rule:
    return Rule(name, "found by a test", "tell", "info", "8")


BREAKING = row_rule("RaisesInATest", ("report_id", "value"), lambda f: f["no such column"])


@pytest.mark.parametrize(
    "expectation",
    [
        BREAKING(rule("T01")),
        gxe.ExpectColumnValuesToNotBeNull(column="no_such_column", **meta(rule("T02"))),
        gxe.ExpectColumnValuesToBeBetween(column="report_id", max_value=3, **meta(rule("T03"))),
    ],
)
def test_a_rule_that_raises_is_a_fault_of_ours_and_no_failing_row(expectation: gxe.Expectation) -> None:
    with pytest.raises(run.RuleRaised, match=expectation.meta["rule"]):
        run.run("reports", [expectation], prepared_from(statement_csv(statement())).frame)


def test_failing_rows_are_named_by_the_frames_index() -> None:
    frame = pd.DataFrame({"n": [1, -1, 2, -2]}, index=["a", "b", "c", "d"])
    positive = gxe.ExpectColumnValuesToBeBetween(column="n", min_value=0, **meta(rule("T04")))
    (found,) = run.run("numbers", [positive], frame)
    assert found.rows == ("b", "d")
    assert (found.evaluated, found.failed) == (4, 2)


def test_an_index_that_does_not_name_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        run.run("numbers", [], pd.DataFrame({"n": [1, 2]}, index=[0, 0]))


def test_threads_that_judge_different_rows_count_their_own() -> None:
    counts = {"first": 3, "second": 7}
    positive = gxe.ExpectColumnValuesToBeBetween(column="n", min_value=0, **meta(rule("T05")))
    frames = {name: pd.DataFrame({"n": [-1] * bad + [1] * (20 - bad)}) for name, bad in counts.items()}
    found: dict[str, set[int]] = {name: set() for name in frames}
    together = threading.Barrier(len(frames))

    def judge(name: str) -> None:
        for _ in range(8):
            together.wait(timeout=300)
            found[name].add(run.run("numbers", [positive], frames[name])[0].failed)

    threads = [threading.Thread(target=judge, args=(name,)) for name in frames]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"first": {3}, "second": {7}}


def test_threads_that_run_the_whole_suite_reach_the_verdicts_of_one() -> None:
    frames = [prepared_from(statement_csv(*BROKEN[name][0])).frame for name in ("V10", "V22")]
    alone = [[(r.rule, r.rows) for r in run.run("reports", suite(), frame)] for frame in frames]
    together: list[list[tuple[str, tuple[object, ...]]]] = [[] for _ in frames]

    def judge(position: int) -> None:
        together[position] = [(r.rule, r.rows) for r in run.run("reports", suite(), frames[position])]

    threads = [threading.Thread(target=judge, args=(i,)) for i in range(len(frames))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
