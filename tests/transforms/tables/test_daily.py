"""The daily table: one row a covered day, right status and grade, findings beside it, periods bounded as periods."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from builders import SERIES, report
from hypothesis import given
from hypothesis import strategies as st
from interval_systems import CASES, breaks_on, frames_of_case

from crossings.calendar import instant_of
from crossings.schema.tables import DAILY, FINDINGS, PERIODS
from transforms.estimator.settings import EstimateSettings
from transforms.tables.daily import build
from transforms.tables.periods import bounds_of

NONE = breaks_on([], "FIN")
SOLVED = [
    n
    for n, c in CASES.items()
    if c["reports"] and c["expect"].get("solve", True) and n != "denton_cholette_r_tempdisagg"
    and not {"encoded", "quarantined", "as_of", "active_constraints", "register_rows"} & set(c["expect"])
]  # fmt: skip


def built(*reports, series=SERIES, events=NONE, **choices):
    result = build(pd.DataFrame(list(reports)), series, events, EstimateSettings(**choices))
    DAILY.conform(result.daily)
    FINDINGS.conform(result.findings)
    return result


def day(result, number, series="fin-entry"):
    rows = result.daily[(result.daily["date"] == dt.date(2022, 9, number)) & (result.daily["series"] == series)]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize("name", SOLVED)
def test_cases_through_the_whole_table(name):
    case = CASES[name]
    rows, series, events = frames_of_case(case)
    result = build(rows, series, events)
    DAILY.conform(result.daily)
    FINDINGS.conform(result.findings)
    expect, daily = case["expect"], result.daily.set_index(result.daily["date"].astype(str))
    assert len(result.solved) == rows["series"].nunique() - (rows["direction"] == "net").any()
    for row in expect.get("daily", []):
        if row["date"] in daily.index:
            assert daily.loc[row["date"], "lower"] == row["lower"]
            upper = daily.loc[row["date"], "upper"]
            assert pd.isna(upper) if row["upper"] is None else upper == row["upper"]
        else:
            assert (row["lower"], row["upper"]) == (0, None)
    asked = [{"country": rows["country"][0], "direction": "entry", **s} for s in expect.get("sums", [])]
    for one in asked:
        found = bounds_of(result, pd.DataFrame([one]))
        PERIODS.conform(found)
        upper = None if pd.isna(found["upper"][0]) else found["upper"][0]
        assert (found["lower"][0], upper) == (one["lower"], one["upper"])
    assert len(daily) == expect.get("row_count", len(daily))
    if "denton_additive_d1" in expect:
        path = np.array(expect["denton_additive_d1"]["values"])
        assert np.abs(daily["estimate"].to_numpy(float) - path).max() <= 1
    conflicts = result.findings[result.findings["rule"] == "conflict"]
    if "conflicts" in expect and all("report_ids" in c for c in expect["conflicts"]):
        told = sorted(zip(conflicts["report_ids"].map(list), conflicts["gap"], strict=True))
        assert told == sorted((c["report_ids"], c["gap"]) for c in expect["conflicts"])
    admitted = result.findings[result.findings["rule"] == "alternative"]
    told = sorted(zip(admitted["report_ids"].map(list), admitted["observed"], strict=True))
    assert told == sorted((c["report_ids"], f"cost {c['cost']}") for c in expect.get("corrections", []))
    for row in expect.get("estimate", []):
        assert daily.loc[row["date"], "estimate"] == pytest.approx(row["value"], abs=row["tol"])
    if expect.get("feasible") is False:
        choice = "contested" if len(expect["corrections"]) > 1 else "estimated"
        assert set(daily["status"]) <= {choice, "reported", "none"}
        doubted = daily[["lower_aside", "upper_aside"]].map(len).any().any()
        assert doubted == (len(expect["corrections"]) > 1)
        assert (daily.loc[daily["obs_status"] == "A", "status"] == "reported").all()
        assert (daily.loc[daily["status"] == "contested", "obs_status"] == "U").all()
    if "holdout_truth" in expect:
        errors = [abs(int(daily.loc[d, "estimate"]) - v) for d, v in expect["holdout_truth"].items()]
        assert np.mean(errors) <= expect["max_mae"]
        assert all(daily.loc[d, "lower"] <= v <= daily.loc[d, "upper"] for d, v in expect["holdout_truth"].items())


def test_no_reports_give_empty_tables_with_all_columns():
    result = built(report("a", 1, 1, 5, 5, role="excluded"))
    assert list(result.daily.columns) == list(DAILY.names)
    assert len(result.daily) == len(result.findings) == 0


def test_status_and_grade_of_each_kind_of_day():
    result = built(
        report("mon", 12, 12, 100, 100),
        report("tue", 13, 13, 95, 105),
        report("two", 12, 14, 300, 300),
        report("rest", 12, 15, 400, 400),
        report("wide", 16, 18, 600, 600),
        report("more", 19, 20, 5, np.nan),
    )
    rows = [day(result, d) for d in (12, 13, 14, 15, 16, 19)]
    assert [r["status"] for r in rows] == ["reported", "estimated", "estimated", "derived", "estimated", "none"]
    assert [r["reliability"] for r in rows] == [1, 3, 3, 2, 5, 5]
    assert [r["obs_status"] for r in rows] == ["A", "E", "E", "E", "U", "O"]
    assert day(result, 15)["lower_proof"] == ["two", "rest"] or day(result, 15)["lower_proof"] == ["rest", "two"]
    assert (day(result, 19)["lower"], pd.isna(day(result, 19)["upper"])) == (0, True)
    assert pd.isna(day(result, 19)["estimate"])


def test_a_closed_border_is_data_on_every_day_of_its_window():
    result = built(report("z", 12, 14, 0, 0), report("a", 11, 11, 1200, 1200))
    assert [(day(result, d)["estimate"], day(result, d)["obs_status"]) for d in (11, 12, 13, 14)] == [
        (1200, "A"), (0, "A"), (0, "A"), (0, "A"),
    ]  # fmt: skip


def test_short_gaps_have_rows_without_a_value_and_long_gaps_have_none():
    reports = [report("a", 1, 1, 100, 100), report("b", 5, 5, 200, 200), report("c", 30, 30, 10, 10)]
    result = built(*reports, longest_gap=10)
    assert sorted(d.day for d in result.daily["date"]) == [1, 2, 3, 4, 5, 30]
    gap = day(result, 3)
    assert (gap["status"], gap["obs_status"], gap["lower"], list(gap["report_ids"])) == ("none", "O", 0, [])
    assert pd.isna(gap["estimate"])
    assert pd.isna(gap["upper"])


def test_a_break_bends_the_path_ranks_first_and_never_touches_bounds():
    reports = [report("w1", 16, 22, 700, 700), report("w2", 23, 29, 70, 70)]
    plain, bent = built(*reports), built(*reports, events=breaks_on(["2022-09-23"], "FIN"))
    assert day(bent, 22)["estimate"] == 100
    assert day(bent, 23)["estimate"] == 10
    assert (day(bent, 23)["obs_status"], day(bent, 23)["break_id"]) == ("B", "break-2022-09-23")
    assert day(plain, 22)["estimate"] != 100
    assert plain.daily[["lower", "upper"]].equals(bent.daily[["lower", "upper"]])
    other = built(*reports, events=breaks_on(["2022-09-23"], "RUS"))
    assert other.daily.equals(plain.daily)


def test_a_ceiling_per_day_holds_for_each_day_of_its_window():
    result = built(report("cap", 21, 24, np.nan, 30000, per_day=True), report("t", 21, 24, 98000, 98000))
    assert [(day(result, d)["lower"], day(result, d)["upper"]) for d in (21, 24)] == [(8000, 30000)] * 2
    assert day(result, 22)["estimate"] == 24500
    assert list(day(result, 22)["report_ids"]) == ["cap", "t"]
    assert day(result, 22)["n_origins"] == 2


def test_a_media_figure_against_a_final_official_one_is_held_wrong_alone():
    result = built(
        report("official", 3, 9, 50000, 50000, tier=1, sigma=1.0),
        report("media", 3, 9, 80000, 80000, tier=4, sigma=5000.0),
    )
    told = result.findings.set_index("rule")
    assert sorted(told.index) == ["V60", "alternative", "conflict"]
    assert (told.loc["alternative", "observed"], told.loc["alternative", "expected"]) == ("cost 2", "leads")
    assert list(told.loc["alternative", "report_ids"]) == ["media"]
    assert told.loc["alternative", "message"] == "if media (guard, 80,000) is wrong, all other reports agree"
    assert told.loc["alternative", "gap"] == told.loc["conflict", "gap"] == 30000
    assert set(told["severity"]) == {"info", "warn"}
    assert told.loc["conflict", "date_start"] == told.loc["alternative", "date_start"] == dt.date(2022, 9, 3)
    assert set(result.daily["status"]) == {"estimated"}, "one explanation leaves no choice"
    assert set(result.daily["upper"]) == {50000}
    assert result.daily["estimate"].sum() == 50000
    assert not result.daily[["lower_aside", "upper_aside"]].map(len).any().any()


def test_a_final_official_figure_that_may_be_wrong_is_told_and_stops_nothing():
    result = built(report("a", 3, 9, 100, 100, tier=1), report("b", 3, 9, 200, 200, tier=1))
    assert "stop" not in set(result.findings["severity"])
    warned = result.findings[result.findings["rule"] == "V58"]
    assert sorted(map(list, warned["report_ids"])) == [["a"], ["b"]]
    assert "decide which report is" in warned["message"].iloc[0]
    assert list(result.findings["rule"]).count("V60") == 1
    assert {(day(result, d)["lower"], day(result, d)["upper"]) for d in range(3, 10)} == {(0, 200)}
    assert set(result.daily["status"]) == {"contested"}
    assert set(result.daily["obs_status"]) == {"U"}
    assert result.daily["estimate"].sum() == 100
    found = result.between("fin-entry", dt.date(2022, 9, 3), dt.date(2022, 9, 9))
    assert (found.lower, found.upper) == (100, 200)
    assert (found.lower_aside, found.upper_aside) == (("b",), ("a",))


def test_a_decision_that_prefers_a_report_takes_its_doubt_away():
    reports = [report("a", 3, 9, 100, 100), report("b", 3, 9, 200, 200)]
    frame = pd.DataFrame(reports)
    result = build(frame, SERIES, NONE, preferred=frozenset({"b"}))
    assert result.daily["estimate"].sum() == 200
    assert set(result.daily["upper"]) == {200}
    assert set(result.daily["status"]) == {"estimated"}
    both = build(frame, SERIES, NONE, preferred=frozenset({"a", "b"}))
    (told,) = both.findings[both.findings["rule"] == "decisions_clash"].to_dict("records")
    assert (told["severity"], list(told["report_ids"])) == ("warn", ["a", "b"])
    assert DAILY.conform(both.daily).equals(DAILY.conform(build(frame, SERIES, NONE).daily))


WEEK = [4824, 6470, 7667, 8572, 8314, 7743, 7056]  # 21 to 27 September 2022, the Finnish land border


def finnish_week(**more):
    days = [report(f"d{21 + i}", 21 + i, 21 + i, v, v, sigma=0.001 * v) for i, v in enumerate(WEEK)]
    return built(*days, report("w", 21, 27, 50655, 50655, sigma=50.655), **more)


def test_exact_days_against_their_total_keep_what_was_printed_and_are_bounded_by_what_the_total_makes_of_each():
    result = finnish_week()
    admitted = result.findings[result.findings["rule"] == "alternative"]
    assert sorted(map(list, admitted["report_ids"])) == [*([f"d{d}"] for d in range(21, 28)), ["w"]]
    assert set(admitted["observed"]) == {"cost 4"}
    assert list(admitted.loc[admitted["expected"] == "leads", "report_ids"].map(list)) == [["w"]]
    assert set(admitted["gap"]) == {50655 - sum(WEEK)} == {9}
    rows = [day(result, d) for d in range(21, 28)]
    assert [r["estimate"] for r in rows] == WEEK
    assert [(r["lower"], r["upper"]) for r in rows] == [(v, v + 9) for v in WEEK]
    assert rows[5]["lower"] <= 7747 <= rows[5]["upper"], "what the border guard said a week later"
    for row in rows:
        assert (row["status"], row["obs_status"], row["reliability"]) == ("reported", "E", 2)
        assert (row["lower_aside"], row["upper_aside"]) == (["w"], [f"d{row['date'].day}"])
        assert row["known_over"] == 1
    found = result.between("fin-entry", dt.date(2022, 9, 21), dt.date(2022, 9, 27))
    assert (found.lower, found.upper) == (sum(WEEK), 50655)


def test_two_days_against_a_larger_total_are_each_what_was_said_or_the_rest_of_the_total():
    result = built(report("a", 1, 1, 100, 100), report("b", 2, 2, 100, 100), report("w", 1, 2, 260, 260))
    assert [(day(result, d)["lower"], day(result, d)["upper"]) for d in (1, 2)] == [(100, 160)] * 2
    assert [day(result, d)["estimate"] for d in (1, 2)] == [100, 100]
    assert {(day(result, d)["status"], day(result, d)["obs_status"]) for d in (1, 2)} == {("reported", "E")}
    assert {day(result, d)["reliability"] for d in (1, 2)} == {4}


def test_a_report_in_three_conflicts_comes_first_in_the_review():
    wrong = [report(f"w{i}", 1, 2 + i, 500 + 10 * i, 500 + 10 * i) for i in range(3)]
    result = built(report("a", 1, 6, 100, 100, tier=1), *wrong)
    told = result.findings[result.findings["rule"] == "V73"]
    assert [(list(ids), severity) for ids, severity in zip(told["report_ids"], told["severity"], strict=True)] == [
        (["a"], "warn")
    ]
    admitted = result.findings[result.findings["rule"] == "alternative"]
    assert [(list(ids), c) for ids, c in zip(admitted["report_ids"], admitted["observed"], strict=True)] == [
        (["a"], "cost 6")
    ], "one report alone explains all three, though it is final: any other way keeps it and costs 12"
    few = built(report("a", 1, 6, 100, 100, tier=1), *wrong[:2]).findings
    assert "V73" not in set(few["rule"])


def test_a_small_conflict_is_told_and_a_large_one_asks_for_a_decision():
    small = built(report("a", 1, 7, 1000, 1000), report("b", 1, 7, 1050, 1050)).findings
    assert "V60" not in set(small["rule"])
    large = built(report("a", 1, 7, 1000, 1000), report("b", 1, 7, 1060, 1060)).findings
    (told,) = large[large["rule"] == "V60"].to_dict("records")
    assert (told["severity"], told["gap"], sorted(told["report_ids"])) == ("warn", 60, ["a", "b"])
    assert "decide which report is wrong" in told["message"]


def test_other_blocks_keep_every_byte_when_one_changes():
    quiet = [report("q1", 20, 26, 1234, 1300), report("q2", 22, 22, 150, 150)]
    one = built(report("a", 1, 3, 10, 10), report("b", 2, 2, 4, 6), *quiet).daily
    two = built(report("a", 1, 3, 900, 900), report("b", 2, 2, 2000, 2000), *quiet).daily
    late = [d >= dt.date(2022, 9, 20) for d in one["date"]]
    assert DAILY.conform(one[late]).equals(DAILY.conform(two[[d >= dt.date(2022, 9, 20) for d in two["date"]]]))


@given(st.permutations(range(6)))
def test_rows_in_any_order_or_doubled_give_the_same_bytes(order):
    reports = [
        report("w", 12, 18, 1200, 1200),
        report("m", 12, 12, 90, 110),
        report("n", 12, 12, 130, 140, tier=3),
        report("x", 14, 14, 160, 160, series="other"),
        report("y", 14, 16, 170, np.nan, series="other"),
        report("z", 14, 18, 700, 700, series="other"),
    ]
    series = pd.concat([SERIES, SERIES.assign(series="other", scope="district:se")], ignore_index=True)
    plain = build(pd.DataFrame(reports), series, NONE)
    shuffled = pd.DataFrame([reports[i] for i in (*order, order[0])])
    other = build(shuffled, series.iloc[::-1], NONE)
    assert DAILY.conform(plain.daily).equals(DAILY.conform(other.daily))
    twice = other.findings["rule"] == "V21"
    assert [list(ids) for ids in other.findings.loc[twice, "report_ids"]] == [[reports[order[0]]["report_id"]]]
    assert FINDINGS.conform(plain.findings).equals(FINDINGS.conform(other.findings[~twice].reset_index(drop=True)))


def test_calibrated_intervals_appear_only_with_enough_regular_days_and_lie_within_the_bounds():
    rng = np.random.default_rng(1)
    x = rng.poisson(1000, 28)
    weeks = [report(f"w{i}", i + 1, i + 7, float(s), float(s)) for i in range(0, 28, 7) for s in [x[i : i + 7].sum()]]
    days = [report(f"d{i:02d}", i + 1, i + 1, float(x[i]), float(x[i])) for i in range(28) if i % 4]
    result = built(*weeks, *days[:20]).daily
    point = result["pi_level"].notna()
    assert point.all()
    assert (result["pi_lower"] >= result["lower"]).all()
    assert (result["pi_upper"] <= result["upper"]).all()
    assert built(*weeks, *days[:19]).daily["pi_level"].isna().all()
    spoken = [d | {"speech_mode": "spoken"} for d in days]
    assert built(*weeks, *spoken).daily["pi_level"].isna().all()


def test_periods_bound_the_sum_and_not_the_sum_of_bounds():
    result = built(report("w", 12, 18, 1200, 1200), report("m", 12, 12, 100, 100))
    asked = pd.DataFrame(
        [
            {"country": "FIN", "direction": "entry", "start": "2022-09-12", "end": "2022-09-18"},
            {"country": "FIN", "direction": "entry", "start": "2022-09-13", "end": "2022-09-20"},
            {"country": "FIN", "direction": "exit", "start": "2022-09-13", "end": "2022-09-20"},
        ]
    )
    found = bounds_of(result, asked)
    PERIODS.conform(found)
    assert len(found) == 2
    whole, beyond = found.iloc[0], found.iloc[1]
    assert (whole["lower"], whole["upper"], whole["estimate"], list(whole["upper_proof"])) == (1200, 1200, 1200, ["w"])
    assert (beyond["lower"], pd.isna(beyond["upper"]), pd.isna(beyond["estimate"])) == (1100, True, True)


def test_a_report_id_that_stands_twice_binds_once_and_is_told():
    other = report("w", 12, 18, 900, 900)
    twice, once = built(report("w", 12, 18, 700, 700), other), built(report("w", 12, 18, 700, 700))
    (told,) = twice.findings.to_dict("records")
    assert (told["rule"], told["severity"], told["table"], told["series"]) == ("V21", "error", "reports", "fin-entry")
    assert (list(told["report_ids"]), told["observed"], told["expected"]) == (["w"], "2 rows", "one")
    assert twice.daily.equals(once.daily)
    assert built(other, report("w", 12, 18, 700, 700)).daily.equals(once.daily), "whatever the order"


def test_days_that_start_at_ten_are_the_days_of_the_table_and_of_periods():
    at_ten = SERIES.assign(day_boundary="10:00")

    def from_ten(report_id, first, after, value):
        ends = [instant_of(dt.date(2022, 9, d), "Europe/Helsinki", "10:00") for d in (first, after)]
        return report(report_id, 1, 1, value, value, start_instant=ends[0], end_instant=ends[1])

    reports = [from_ten("a", 21, 22, 100), from_ten("b", 21, 24, 430)]
    result = built(*reports, series=at_ten)
    assert [d.day for d in result.daily["date"]] == [21, 22, 23]
    assert [(day(result, d)["lower"], day(result, d)["upper"]) for d in (21, 22, 23)] == [
        (100, 100),
        (0, 330),
        (0, 330),
    ]
    assert (day(result, 21)["status"], day(result, 21)["estimate"]) == ("reported", 100)
    assert day(result, 22)["estimate"] + day(result, 23)["estimate"] == 330
    found = result.between("fin-entry", dt.date(2022, 9, 22), dt.date(2022, 9, 23))
    assert (found.lower, found.upper) == (330, 330)
    by_midnight = built(*reports)
    assert [d.day for d in by_midnight.daily["date"]] == [21, 22, 23, 24]
    assert by_midnight.between("fin-entry", dt.date(2022, 9, 22), dt.date(2022, 9, 23)).lower == 0


def test_a_net_series_is_left_to_the_tied_system():
    assert built(report("n", 1, 1, 5, 5), series=SERIES.assign(direction="net")).solved == {}
