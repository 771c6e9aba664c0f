"""The Finnish week of September 2022 and the tied series of the real register, as a release shows them."""

from __future__ import annotations

import pandas as pd

from crossings import catalog

FINLAND = "FIN/entry/RUS/national/land/crossings/border_control"
EAST = "FIN/{}/RUS/district:southeast-finland/land/crossings/border_control"


def day(series: str, number: int) -> pd.Series:
    rows = catalog.daily("FIN")
    found = rows[(rows["series"] == series) & (rows["date"] == pd.Timestamp(2022, 9, number))]
    assert len(found) == 1
    return found.iloc[0]


def test_printed_days_stay_printed_in_the_finnish_week_and_each_may_be_the_one_that_is_wrong(analyst) -> None:
    printed = {21: 4824, 22: 6470, 23: 7667, 24: 8572, 25: 8314, 26: 7747, 27: 7056}
    rows = {number: day(FINLAND, number) for number in printed}
    assert {n: rows[n]["estimate"] for n in printed} == printed
    assert {rows[n]["status"] for n in printed} == {"reported"}
    weekend = {24, 25}  # a printed total of both stands beside them: one of these days alone cannot be wrong
    for n, value in printed.items():
        sure = n in weekend
        low, high = (7052, 7061) if n == 27 else (value, value if sure else value + 9)  # its week misses by 5, not by 9
        assert (rows[n]["lower"], rows[n]["upper"]) == (low, high)
        assert (rows[n]["obs_status"], rows[n]["reliability"]) == (("A", 1) if sure else ("E", 2))
        assert bool(len(rows[n]["lower_aside"])) != sure
        assert rows[n]["known_over"] == 1


def test_a_count_of_both_directions_gives_exits_and_the_net(analyst) -> None:
    entries, both = day(EAST.format("entry"), 21), day(EAST.format("both"), 21)
    exits, net = day(EAST.format("exit"), 21), day(EAST.format("net"), 21)
    assert exits["lower"] >= both["lower"] - entries["upper"]
    assert exits["upper"] <= both["upper"] - entries["lower"]
    assert net["upper"] <= 2 * entries["upper"] - both["lower"]


def test_nothing_clashes_between_series(analyst) -> None:
    findings = catalog.findings()
    assert not findings.loc[findings["rule"] == "conflict", "message"].str.contains(" under ").any()


def test_derived_series_are_defined_and_say_so(analyst) -> None:
    daily, series = catalog.daily(), catalog.load("series").set_index("series")
    assert set(daily["series"]) <= set(series.index)
    made = [name for name in set(daily["series"]) if " minus " in name]
    assert made
    assert not series.loc[made, "declared"].any()
