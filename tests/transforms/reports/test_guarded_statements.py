"""What the guards make of a file of statements: a finding, no best grade, and a repeated total that does not bind."""

from __future__ import annotations

import pandas as pd
import pytest
from statements import decision, decisions_of, known, statement, statement_csv

from flows.judge import judge
from transforms.ask import Estimated, estimate_reports


def estimated(*rows: dict[str, str], **more: object) -> Estimated:
    return estimate_reports(statement_csv(*rows), lambda p, r: judge(p, r)[0], known(), **more)


def day(report_id: str, date: str, value: int, **more: object) -> dict[str, str]:
    return statement(report_id=report_id, origin_id=report_id, period_start=date, period_end=date, value=value, value_text="",
                     published_on="2023-06-01", recorded_on="2023-06-02", **more)  # fmt: skip


def total(report_id: str, last: str, value: int, **more: object) -> dict[str, str]:
    return day(report_id, f"2023-05-{last}", value, statistic="cumulative", authority="fin-border-guard") | {
        "period_start": "2023-05-01", **{k: str(v) for k, v in more.items()},
    }  # fmt: skip


def grades(found: Estimated) -> dict[str, tuple[int, str]]:
    rows = found.daily
    return {
        f"{d}": (int(r), str(o)) for d, r, o in zip(rows["date"], rows["reliability"], rows["obs_status"], strict=True)
    }


def rules(found: Estimated) -> dict[str, list[str]]:
    told = found.findings.loc[found.findings["severity"] == "warn"]
    return {r: list(ids) for r, ids in zip(told["rule"], told["report_ids"], strict=True)}


def test_a_zero_weekend_keeps_its_figures_and_loses_its_grade():
    values = (2105, 2230, 2198, 2301, 2744, 0, 0, 7390, 2211)
    found = estimated(*(day(f"w{i}", f"2023-05-{8 + i:02}", v) for i, v in enumerate(values)))
    assert rules(found) == {"zero_between": ["w5", "w6", "w7"]}
    assert found.daily["estimate"].tolist() == list(values)
    assert {d for d, g in grades(found).items() if g != (1, "A")} == {"2023-05-13", "2023-05-14", "2023-05-15"}
    assert {g for _, g in grades(found).items()} == {(1, "A"), (3, "U")}


def test_an_event_explains_a_zero():
    events = pd.DataFrame(
        {"event_id": ["E"], "date": [pd.Timestamp("2023-05-10")], "country": ["FIN"], "is_break": [False]}
    )
    values = (2105, 2230, 0, 2301, 2744)
    rows = [day(f"w{i}", f"2023-05-{8 + i:02}", v) for i, v in enumerate(values)]
    assert rules(estimated(*rows)) == {"zero_between": ["w2"]}
    assert rules(estimated(*rows, events=events)) == {}


def test_a_copied_day_costs_both_days_their_grade_in_every_series():
    rows = [day(f"{p}{d}", f"2023-05-{d}", v, scope=f"checkpoint:{p}")
            for p, v in (("a", 2317), ("b", 1204), ("c", 618)) for d in (16, 17)]  # fmt: skip
    found = estimated(*rows)
    assert rules(found) == {"copied_period": ["a16", "a17", "b16", "b17", "c16", "c17"]}
    assert set(found.daily["reliability"]) == {3}


def test_a_day_that_follows_from_a_doubted_figure_is_doubted_too():
    week = statement(report_id="w", origin_id="w", period_start="2023-05-08", period_end="2023-05-15", value=8200, value_text="",
                     published_on="2023-06-01", recorded_on="2023-06-02")  # fmt: skip
    values = {8: 1000, 9: 1010, 10: 1020, 11: 0, 12: 1030, 13: 1040, 14: 1050}
    found = estimated(week, *(day(f"d{d}", f"2023-05-{d:02}", v) for d, v in values.items()))
    assert rules(found) == {"zero_between": ["d11"]}
    last = found.daily.set_index(found.daily["date"].astype(str)).loc["2023-05-15"]
    assert (last["estimate"], last["status"], last["reliability"]) == (2050, "derived", 3)


STALE = [total("c1", "04", 24310), total("c2", "05", 31870), total("c3", "06", 31870), total("c4", "07", 49105)]


def test_a_running_total_that_repeats_does_not_bind_and_its_days_are_one_window():
    found = estimated(*STALE)
    assert rules(found) == {"repeated_total": ["c3"]}
    rows = found.daily.set_index(found.daily["date"].astype(str))
    assert rows.loc[["2023-05-06", "2023-05-07"], "upper"].tolist() == [17235, 17235]
    assert rows.loc[["2023-05-06", "2023-05-07"], "estimate"].sum() == 17235
    assert min(rows.loc[["2023-05-06", "2023-05-07"], "reliability"]) > 2


def test_a_decision_lets_a_repeated_total_stand():
    chosen = decisions_of(decision(report_id="c3", action="prefer", field="value", expect="31870"))
    assert rules(estimated(*STALE, decisions=chosen)) == {}


@pytest.mark.parametrize(
    "rows",
    [
        [total("c1", "04", 24), total("c2", "05", 31), total("c3", "06", 31), total("c4", "07", 49)],  # grows by a few a day
        [total("c1", "04", 24310), total("c2", "05", 31870), *(total(f"s{d}", f"{d:02}", 31870) for d in range(6, 15)),
         total("c4", "15", 49105)],  # stands still for nine days
        [total("c1", "04", 24310), total("c2", "05", 31870), total("c3", "05", 31870), total("c4", "07", 49105)],  # a relay
        [total("c1", "04", 24310), total("c2", "05", 31870), total("c3", "06", 31870, authority="fin-customs")],
    ],
)  # fmt: skip
def test_totals_that_stand_still_in_earnest_bind(rows):
    assert "repeated_total" not in rules(estimated(*rows))


def test_two_stale_days_in_a_row_are_both_held_and_a_stale_last_one_too():
    rows = [total("c1", "04", 24310), total("c2", "05", 31870), total("c3", "06", 31870), total("c4", "07", 31870)]
    assert rules(estimated(*rows)) == {"repeated_total": ["c3", "c4"]}
    assert rules(estimated(*rows, total("c5", "08", 60000))) == {"repeated_total": ["c3", "c4"]}
