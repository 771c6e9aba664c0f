"""Tied series: what one says of another, in bounds, derived rows, periods, conflicts and one common point."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st
from interval_systems import breaks_on
from tied_reports import FLOWS, NAME, PART, USUAL, WHOLE, built, cell, ends, flow_range, said, series_of

from crossings.schema.tables import DAILY, FINDINGS, SERIES
from transforms.tables.daily import related
from transforms.tables.gate_evidence import reaggregation
from transforms.tables.periods import bounds_of

DAYS = 6
INF = np.inf
REST = series_of(scope="national minus district:east")["series"]


def asked(direction, first, last):
    return pd.DataFrame(
        [{"country": "FIN", "direction": direction, "start": f"2022-09-{first:02d}", "end": f"2022-09-{last:02d}"}]
    )


def corrections(result):
    """The sets that may be wrong, as told, and what each costs."""
    admitted = result.findings[result.findings["rule"] == "alternative"]
    return sorted(zip(admitted["report_ids"].map(list), admitted["observed"], strict=True))


@st.composite
def truths(draw):
    """Reports on the four flows that hold for some entries and exits, and these."""
    entry, leaving = (np.array(draw(st.lists(st.integers(0, 40), min_size=DAYS, max_size=DAYS))) for _ in range(2))
    flows = {"entry": entry, "exit": leaving, "both": entry + leaving, "net": entry - leaving}
    rows = []
    for k in range(draw(st.integers(2, 9))):
        direction = draw(st.sampled_from(FLOWS))
        a = draw(st.integers(1, DAYS))
        b = draw(st.integers(a, DAYS))
        value = int(flows[direction][a - 1 : b].sum())
        low, high = draw(st.sampled_from([(0, 0), (0, 0), (3, 5), (8, 0), (2, INF)]))
        least = value - low if direction == "net" else max(value - low, 0)
        rows.append(said(f"r{k}", NAME[direction], a, b, least, value + high))
    return rows, flows


@given(truths())
def test_bounds_of_every_day_are_those_of_an_independent_programme(drawn):
    rows, flows = drawn
    result = built(*rows)
    DAILY.conform(result.daily)
    SERIES.conform(result.derived)
    assert not (result.findings["rule"] == "conflict").any()
    of = {name: direction for direction, name in NAME.items()}
    reported = {r["series"] for r in rows}
    for row in result.daily.to_dict("records"):
        direction, number = of[row["series"]], row["date"].day
        low, high = flow_range(rows, (direction, number, number), DAYS)
        found = (-INF if pd.isna(row["lower"]) else row["lower"], INF if pd.isna(row["upper"]) else row["upper"])
        truth = flows[direction][number - 1]
        assert found[0] <= truth <= found[1]
        if row["series"] in reported and _tied(rows, number):
            assert found == (np.floor(low + 1e-6), np.ceil(high - 1e-6))


def _tied(rows, number):
    """Whether the day is inside a stretch in which at least two series report, none of them reaching out of it."""
    windows = [(r["start_instant"], r["end_instant"], r["series"]) for r in rows]
    day = cell_instants(number)
    inside = {name for a, b, name in windows if a <= day[0] and b >= day[1]}
    return len(inside & {NAME["entry"], NAME["exit"]}) == 2 or {NAME["both"], NAME["net"]} <= inside


def cell_instants(number):
    from crossings.calendar import midnights

    return midnights(dt.date(2022, 9, number), dt.date(2022, 9, number), "Europe/Helsinki")


@given(truths(), st.integers(0, 3), st.data())
def test_points_fit_every_identity_and_every_report_also_after_a_clash(drawn, wrong, data):
    rows, _ = drawn
    for _ in range(wrong):
        k, shift = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(1, 90))
        rows[k] = rows[k] | {"lower": rows[k]["lower"] + shift, "upper": rows[k]["upper"] + shift}
    result = built(*rows)
    daily, frame = DAILY.conform(result.daily).to_pandas(), pd.DataFrame(rows)
    inside = daily[daily["estimate"].notna()]
    assert ((inside["lower"].isna()) | (inside["lower"] <= inside["estimate"])).all()
    assert ((inside["upper"].isna()) | (inside["estimate"] <= inside["upper"])).all()
    assert (daily.loc[daily["series"] != NAME["net"], "lower"] >= 0).all()
    points = {(r["series"], r["date"]): r["estimate"] for r in inside.to_dict("records")}
    for date in sorted({d for _, d in points}):
        e, x, b, n = (points.get((NAME[d], date)) for d in FLOWS)
        if e is not None and x is not None:
            assert b is None or b == e + x
            assert n is None or n == e - x
    frame = frame.assign(start_time=None, end_time=None, period_start=_dates(frame, "start_instant", 0))
    frame = frame.assign(period_end=_dates(frame, "end_instant", -1))
    sums = reaggregation(daily, frame, result.findings)
    assert (~(sums["total"] < sums["least"]) & ~(sums["total"] > sums["most"])).all()


def _dates(frame, column, shift):
    return [dt.datetime.fromtimestamp(v + 3 * 3600 + shift, dt.UTC).date() for v in frame[column]]


def test_a_total_of_both_directions_and_the_entries_give_the_exits_as_derived_days():
    result = built(said("both", NAME["both"], 21, 21, 7070), said("in", NAME["entry"], 21, 21, 4443))
    row = cell(result, NAME["exit"], 21)
    assert ends(row) == (2627, 2627)
    assert (row["estimate"], row["status"], row["reliability"], row["obs_status"]) == (2627, "derived", 2, "E")
    assert sorted(row["lower_proof"]) == ["both", "in"]
    assert row["report_ids"] == ["both", "in"]
    assert row["n_origins"] == 2
    assert (cell(result, NAME["entry"], 21)["status"], cell(result, NAME["both"], 21)["status"]) == ("reported",) * 2


def test_a_derived_series_comes_with_a_definition_to_publish():
    reports = [said("w", WHOLE["series"], 21, 21, 4824), said("p", PART["series"], 21, 21, 4443)]
    result = built(*reports, definitions=[WHOLE, PART])
    assert ends(cell(result, REST, 21)) == (381, 381)
    (definition,) = SERIES.conform(result.derived).to_pylist()
    assert (definition["series"], definition["scope"]) == (REST, "national minus district:east")
    assert (definition["timezone"], definition["declared"]) == ("Europe/Helsinki", False)
    assert result.series[REST]["series"] == REST


def test_a_part_bounds_its_whole_and_the_whole_its_part():
    reports = [said("w", WHOLE["series"], 1, 7, 1000, 1200), said("p", PART["series"], 3, 3, 900, 1500)]
    result = built(*reports, definitions=[WHOLE, PART])
    assert ends(cell(result, WHOLE["series"], 3)) == (900, 1200)
    assert ends(cell(result, PART["series"], 3)) == (900, 1200)
    assert ends(cell(result, WHOLE["series"], 4)) == (0, 300)
    assert cell(result, WHOLE["series"], 4)["upper_proof"] == ["w", "p"]


def test_a_net_of_tied_flows_may_be_negative_and_is_bounded_as_a_period():
    result = built(
        said("e", NAME["entry"], 1, 7, 400, 420),
        said("x", NAME["exit"], 1, 7, 500, 530),
        said("n", NAME["net"], 1, 7, -105, -95),
    )
    found = bounds_of(result, asked("net", 1, 7)).iloc[0]
    assert (found["lower"], found["upper"], found["estimate"] < 0) == (-105, -95, True)
    assert ends(bounds_of(result, asked("exit", 1, 7)).iloc[0]) == (500, 525)
    assert ends(bounds_of(result, asked("entry", 1, 7)).iloc[0]) == (400, 420)
    rows = result.daily[result.daily["series"] == NAME["net"]]
    assert len(rows) == 7
    assert set(rows["status"]) == {"estimated"}
    assert (rows["report_ids"].map(list) == pd.Series([["n"]] * 7, index=rows.index)).all()


def test_a_net_alone_is_bounded_where_a_report_speaks_of_the_day():
    result = built(said("n", NAME["net"], 5, 5, -7), said("m", NAME["net"], 10, 12, 5, 9))
    exact, open_ = cell(result, NAME["net"], 5), cell(result, NAME["net"], 11)
    assert (exact["estimate"], exact["status"], exact["obs_status"], ends(exact)) == (-7, "reported", "A", (-7, -7))
    assert (ends(open_), open_["status"]) == ((None, None), "none")
    assert ends(bounds_of(result, asked("net", 10, 12)).iloc[0]) == (5, 9)
    assert result.solved == {}


def test_entries_and_exits_give_a_net_on_days_that_nothing_ties():
    result = built(
        said("e", NAME["entry"], 1, 3, 300), said("x", NAME["exit"], 1, 1, 40), said("y", NAME["exit"], 2, 3, 90)
    )
    row = cell(result, NAME["net"], 1)
    assert row["estimate"] == cell(result, NAME["entry"], 1)["estimate"] - 40
    assert ends(row) == (-40, 260)
    found = bounds_of(result, asked("net", 1, 3)).iloc[0]
    assert (ends(found), found["estimate"]) == ((170, 170), 170)
    assert sorted(found["lower_proof"]) == ["e", "x", "y"]


def test_a_clash_between_series_names_the_reports_and_the_identity():
    result = built(
        said("e", NAME["entry"], 1, 1, 100), said("x", NAME["exit"], 1, 1, 50), said("n", NAME["net"], 1, 1, 80)
    )
    FINDINGS.conform(result.findings)
    told = result.findings.set_index("rule")
    conflict = told.loc["conflict"]
    assert (list(conflict["report_ids"]), conflict["gap"]) == (["e", "n", "x"], 30)
    assert f"net: {NAME['net']} = {NAME['entry']} - {NAME['exit']}" in conflict["message"]
    assert (conflict["date_start"], conflict["severity"]) == (dt.date(2022, 9, 1), "warn")
    assert told.loc["V60", "severity"] == "warn"
    admitted = told.loc["alternative"]
    assert corrections(result) == [(["e"], "cost 4"), (["n"], "cost 4"), (["x"], "cost 4")]
    assert list(admitted.loc[admitted["expected"] == "leads", "report_ids"].map(list)) == [["x"]]
    assert set(admitted["gap"]) == {30}
    rows = [cell(result, NAME[d], 1) for d in ("entry", "exit", "net")]
    assert [ends(r) for r in rows] == [(100, 130), (20, 50), (50, 80)]
    assert [(r["estimate"], r["status"], r["obs_status"]) for r in rows] == [
        (100, "reported", "E"), (20, "contested", "U"), (80, "reported", "E"),
    ]  # fmt: skip
    assert [(r["lower_aside"], r["upper_aside"]) for r in rows] == [
        (["x"], ["e"]), (["x"], ["n"]), (["n"], ["x"]),
    ]  # fmt: skip
    assert ends(bounds_of(result, asked("entry", 1, 1)).iloc[0]) == (100, 130)


def test_a_clash_within_a_series_is_told_once_and_not_as_a_clash_between_series():
    result = built(
        said("a", NAME["entry"], 1, 1, 100),
        said("b", NAME["entry"], 1, 1, 130),
        said("x", NAME["exit"], 1, 1, 50),
        said("both", NAME["both"], 1, 1, 140, 190),
    )
    conflicts = result.findings[result.findings["rule"] == "conflict"]
    assert [list(ids) for ids in conflicts["report_ids"]] == [["a", "b"]]
    assert "Smallest change" in conflicts["message"].iloc[0]
    admitted = result.findings[result.findings["rule"] == "alternative"]
    assert set(admitted["series"]) == set(conflicts["series"]) == {NAME["entry"]}
    assert corrections(result) == [(["a"], "cost 4"), (["b"], "cost 4")]
    assert (admitted["expected"] == "leads").sum() == 1
    assert ends(cell(result, NAME["entry"], 1)) == (100, 130)


def test_where_no_single_report_explains_the_clashes_pairs_do():
    """Neither 100 nor 130 entries fit 165 in both directions beside 50 exits."""
    result = built(
        said("a", NAME["entry"], 1, 1, 100),
        said("b", NAME["entry"], 1, 1, 130),
        said("x", NAME["exit"], 1, 1, 50),
        said("both", NAME["both"], 1, 1, 165),
    )
    pairs = (["a", "b"], ["a", "both"], ["a", "x"], ["b", "both"], ["b", "x"])
    assert corrections(result) == [(pair, "cost 8") for pair in pairs]
    # entries: 165 - 50 if both counts of them are wrong; exits: 165 - 130 and 165 - 100; both: 150 and 180
    assert [ends(cell(result, NAME[d], 1)) for d in ("entry", "exit", "both")] == [(100, 130), (35, 65), (150, 180)]


def test_a_report_in_two_conflicts_is_not_counted_twice_because_its_series_is_tied():
    wrong = [said(f"w{i}", NAME["entry"], 1, 2 + i, 500 + 10 * i) for i in range(2)]
    final = said("a", NAME["entry"], 1, 6, 100, tier=1)
    alone, tied = (
        built(final, *wrong),
        built(final, *wrong, said("x", NAME["exit"], 1, 6, 50), said("n", NAME["net"], 1, 6, -900, 900)),
    )
    for result in (alone, tied):
        counted = result.findings.groupby("rule").size().to_dict()
        assert (counted["conflict"], counted["alternative"], counted.get("V58", 0)) == (2, 2, 1)
        assert corrections(result) == [(["a"], "cost 6"), (["w0", "w1"], "cost 8")]
        assert "V73" not in counted, "two conflicts are two, however many look at them"
        assert set(result.findings["series"]) == {NAME["entry"]}


def test_an_entry_clash_may_be_explained_by_an_exit_count():
    """Entries 100 and 130 differ, but a count of both directions and the exits stand against 130 as well."""
    result = built(
        said("a", NAME["entry"], 1, 1, 100),
        said("b", NAME["entry"], 1, 1, 130),
        said("x", NAME["exit"], 1, 1, 50),
        said("both", NAME["both"], 1, 1, 150),
    )
    assert corrections(result) == [(["b"], "cost 4")], "if a were wrong, so were x or both: 8 against 4"
    assert [ends(cell(result, NAME[d], 1)) for d in ("entry", "exit", "both")] == [(100, 100), (50, 50), (150, 150)]


def each_day_against_its_whole():
    """At least 43 on each of five days in a part, at most 11 in its whole on the last of them."""
    whole, part = series_of(scope="district:east"), series_of(scope="checkpoint:vaalimaa")
    inside = pd.DataFrame(
        [("FIN", "checkpoint:vaalimaa", "district:east", False)],
        columns=["country", "part_scope", "whole_scope", "exhaustive"],
    )
    each = said("each", part["series"], 1, 5, 43, INF, per_day=True, sigma=50.0)
    reports = each, said("w", whole["series"], 5, 5, 3, 11, tier=1)
    return built(*reports, definitions=[whole, part], part_of=inside), whole["series"], part["series"]


def test_a_report_of_each_day_that_clashes_on_one_is_named_once():
    result, whole, part = each_day_against_its_whole()
    assert corrections(result) == [(["each"], "cost 4"), (["w"], "cost 6")]
    assert (ends(cell(result, part, 5)), ends(cell(result, whole, 5))) == ((0, None), (3, None))
    (conflict,) = result.findings[result.findings["rule"] == "conflict"].to_dict("records")
    assert (list(conflict["report_ids"]), conflict["gap"]) == (["each", "w"], 32)


def test_a_report_of_each_day_is_right_or_wrong_on_every_day():
    result, _, part = each_day_against_its_whole()
    assert [ends(cell(result, part, d)) for d in (1, 2, 3, 4, 5)] == [(0, None)] * 5


def test_where_an_identity_alone_misses_a_bound_the_others_of_its_stretch_are_asked():
    result = built(said("b", NAME["both"], 1, 2, 2), said("n", NAME["net"], 2, 2, 2, INF))
    assert not (result.findings["rule"] == "V70").any()
    for direction, day_1, day_2 in (("both", 0, 2), ("entry", 0, 2), ("exit", 0, 0), ("net", 0, 2)):
        assert [cell(result, NAME[direction], d)["estimate"] for d in (1, 2)] == [day_1, day_2]


def test_a_clash_in_one_place_costs_no_points_for_what_is_looked_at_in_another():
    clash = [said("p", PART["series"], 1, 1, 12, tier=1), said("w", WHOLE["series"], 1, 1, 0, 6)]
    half = said("h", WHOLE["series"], 4, 4, 1, INF)
    half["end_instant"] -= 12 * 3600
    later = [said("b", NAME["both"], 4, 4, 0, 14), half]
    result = built(*clash, *later, definitions=[WHOLE, PART, series_of(direction="both")])
    assert not (result.findings["rule"] == "V70").any()
    part, whole = cell(result, PART["series"], 1), cell(result, WHOLE["series"], 1)
    assert (part["estimate"], part["status"], ends(part)) == (12, "reported", (0, 12))
    assert (pd.isna(whole["estimate"]), ends(whole)) == (True, (0, None)), "without w nothing caps the whole"
    assert cell(result, NAME["both"], 4)["estimate"] == 7


def test_where_no_whole_numbers_fit_there_are_bounds_and_no_points_and_it_is_told():
    odd = [said("b", NAME["both"], 1, 2, 1), said("n", NAME["net"], 1, 2, 0), said("e", NAME["entry"], 1, 2, 0, 5)]
    result = built(*odd, said("later", NAME["entry"], 3, 3, 7))
    rows = result.daily[result.daily["date"] <= dt.date(2022, 9, 2)]
    assert set(rows["status"]) == {"none"}
    assert rows["estimate"].isna().all()
    assert ends(cell(result, NAME["both"], 1)) == (0, 1)
    (told,) = result.findings.to_dict("records")
    assert (told["rule"], told["severity"], list(told["report_ids"])) == ("V70", "warn", ["b", "e", "n"])
    assert cell(result, NAME["entry"], 3)["estimate"] == 7


def test_points_of_single_series_stay_where_the_identities_hold_on_them():
    alone = [said("w", NAME["entry"], 1, 7, 700, 720), said("m", NAME["entry"], 4, 4, 140)]
    tied = [said("x", NAME["exit"], 1, 7, 70), said("both", NAME["both"], 1, 7, 770, 800)]
    single = built(*alone).daily.set_index("date")["estimate"]
    both = built(*alone, *tied).daily
    together = both[both["series"] == NAME["entry"]].set_index("date")["estimate"]
    assert (single == together).all()


def test_points_give_way_where_an_identity_needs_it_and_only_there():
    quiet = [said(f"q{d}", NAME["entry"], d, d, 100 + d) for d in (20, 21, 23)] + [
        said("q", NAME["entry"], 20, 26, 800)
    ]
    tight = [
        said("e", NAME["entry"], 1, 2, 200),
        said("x", NAME["exit"], 1, 2, 100),
        said("b", NAME["both"], 1, 1, 230),
    ]
    before, after = built(*quiet), built(*quiet, *tight)
    late = after.daily[(after.daily["series"] == NAME["entry"]) & (after.daily["date"] >= dt.date(2022, 9, 20))]
    alone = before.daily[before.daily["series"] == NAME["entry"]]
    assert DAILY.conform(late).equals(DAILY.conform(alone))
    entry, leaving = (cell(after, NAME[d], 1)["estimate"] for d in ("entry", "exit"))
    assert entry + leaving == 230
    assert entry <= 200
    assert leaving <= 100


def test_a_break_bends_the_common_path_and_never_the_bounds():
    reports = [
        said("e1", NAME["entry"], 1, 14, 1400), said("e2", NAME["entry"], 8, 14, 70),
        said("b", NAME["both"], 3, 3, 150), said("x", NAME["exit"], 3, 4, 10, 40),
    ]  # fmt: skip
    bent, smooth = built(*reports, events=breaks_on(["2022-09-08"], "FIN")), built(*reports)
    assert bent.daily[["series", "date", "lower", "upper"]].equals(smooth.daily[["series", "date", "lower", "upper"]])
    assert cell(bent, NAME["entry"], 8)["estimate"] == 10
    assert cell(smooth, NAME["entry"], 8)["estimate"] > 15
    assert set(bent.daily.loc[bent.daily["break_id"].notna(), "date"]) == {dt.date(2022, 9, 8)}


@given(st.permutations(range(6)))
def test_the_order_of_reports_does_not_matter(order):
    reports = [
        said("e", NAME["entry"], 1, 7, 700, 720), said("m", NAME["entry"], 4, 4, 140), said("x", NAME["exit"], 1, 2, 70),
        said("b", NAME["both"], 1, 3, 350, 370), said("n", NAME["net"], 1, 7, 20, 600), said("y", NAME["exit"], 3, 5, 90, 99),
    ]  # fmt: skip
    plain, other = built(*reports), built(*[reports[i] for i in order])
    assert DAILY.conform(plain.daily).equals(DAILY.conform(other.daily))
    assert FINDINGS.conform(plain.findings).equals(FINDINGS.conform(other.findings))


@given(truths())
def test_another_report_that_agrees_never_widens_a_bound_of_a_reported_series(drawn):
    rows, _ = drawn
    assume(len({r["series"] for r in rows[:-1]}) >= 1)
    fewer, more = built(*rows[:-1]), built(*rows)
    late = {(r["series"], r["date"]): r for r in more.daily.to_dict("records")}
    for row in fewer.daily.to_dict("records"):
        now = late.get((row["series"], row["date"]))
        if now is not None:
            assert pd.isna(row["upper"]) or now["upper"] <= row["upper"]
            assert pd.isna(row["lower"]) or now["lower"] >= row["lower"]


def test_series_of_other_zones_epochs_or_unstated_modes_are_not_tied():
    elsewhere = PART | {"timezone": "Asia/Oral"}
    reports = [said("w", WHOLE["series"], 1, 1, 100), said("p", PART["series"], 1, 1, 400)]
    result = built(*reports, definitions=[WHOLE, elsewhere])
    assert result.together == ()
    later = WHOLE | {"series": WHOLE["series"] + "/outside-epoch"}
    reports = [said("w", WHOLE["series"], 1, 1, 100), said("p", later["series"], 1, 1, 400)]
    assert built(*reports, definitions=[WHOLE, later]).together == ()
    unstated = [{k: v for k, v in d.items() if k != "mode"} for d in (WHOLE, PART)]
    reports = [said("w", WHOLE["series"], 1, 1, 100), said("p", PART["series"], 1, 1, 400)]
    assert built(*reports, definitions=unstated).together == ()


def test_persons_do_not_exceed_the_crossings_of_the_same_window_only():
    persons = series_of(measure="persons")
    reports = [said("c", WHOLE["series"], 1, 7, 700), said("p", persons["series"], 1, 7, 650, 900)]
    result = built(*reports, definitions=[WHOLE, persons])
    found = bounds_of(result, asked("entry", 1, 7)).set_index("measure")
    assert ends(found.loc["persons"]) == (650, 700)
    other = [said("c", WHOLE["series"], 1, 7, 700), said("p", persons["series"], 1, 6, 650, 900)]
    found = bounds_of(built(*other, definitions=[WHOLE, persons]), asked("entry", 1, 6)).set_index("measure")
    assert ends(found.loc["persons"]) == (650, 900)


def test_the_series_that_may_say_something_about_another_are_found():
    far = series_of(country="GEO", mode="all")
    reports = pd.DataFrame(
        [said("e", NAME["entry"], 1, 1, 5), said("b", NAME["both"], 1, 1, 9), said("g", far["series"], 1, 1, 5)]
    )
    definitions = pd.DataFrame([*(series_of(direction=d) for d in FLOWS), far])
    assert related(reports, definitions, None, NAME["exit"]) == {NAME["entry"], NAME["exit"], NAME["both"]}
    assert related(reports, definitions, None, far["series"]) == {far["series"]}


def test_windows_that_end_within_a_day_leave_that_day_to_its_own_series():
    noon = 12 * 3600
    reports = [
        said("e", NAME["entry"], 1, 2, 100),
        said("x", NAME["exit"], 1, 2, 50),
        said("b", NAME["both"], 1, 1, 90),
    ]
    shifted = [
        r | {"start_instant": r["start_instant"] + noon, "end_instant": r["end_instant"] + noon} for r in reports
    ]
    result = built(*shifted)
    middle = cell(result, NAME["entry"], 2)
    assert ends(middle) == (0, 100)
    for before, after in pairwise(result.daily.loc[result.daily["series"] == NAME["entry"], "date"]):
        assert (after - before).days == 1
    assert USUAL["timezone"] == "Europe/Helsinki"
