"""Contradictions: known cases, the choice of what is set aside, and that all are found (the laws are in `engine_laws`)."""

from __future__ import annotations

import pytest
from interval_systems import CASES, ENGINES, blocks, of_case, system

from transforms.estimator.conflicts import agree, find_conflicts
from transforms.estimator.engines.difference.engine import DifferenceEngine

EXPECTED = {
    n: c for n, c in CASES.items() if c["expect"].get("feasible") is False and n != "syndicated_copies_count_once"
}


@pytest.mark.parametrize("name", EXPECTED)
def test_cases_name_the_irreducible_sets_and_their_gaps(name):
    expect = EXPECTED[name]["expect"]
    found = find_conflicts(blocks(of_case(EXPECTED[name])), DifferenceEngine)
    assert [(list(f.report_ids), f.gap) for f in found] == [(x["report_ids"], x["gap"]) for x in expect["conflicts"]]
    if "minimal_total_slack" in expect and len(found) == 1:
        assert sum(f.gap for f in found) == expect["minimal_total_slack"]


@pytest.mark.parametrize("engines", ENGINES.values(), ids=ENGINES)
def test_two_separate_clashes_are_both_listed_and_the_lowest_tier_gives_way(engines):
    c = system(
        ("a", 0, 1, 10, 10, 1, 1),
        ("b", 0, 1, 12, 12, 3, 1),
        ("c", 5, 6, 10, 10, 4, 1),
        ("d", 5, 6, 30, 30, 2, 1),
        ("e", 0, 6, 0, 500, 2, 1),
    )
    found = sorted((f.report_ids, f.gap, f.set_aside) for f in find_conflicts(blocks(c), engines))
    assert found == [(("a", "b"), 2, "b"), (("c", "d"), 20, "c")]


@pytest.mark.parametrize("engines", ENGINES.values(), ids=ENGINES)
def test_of_one_tier_the_longest_window_gives_way_and_then_the_last_id(engines):
    (week,) = find_conflicts(blocks(system(("a", 0, 7, 5, 5), ("z", 0, 1, 9, 9))), engines)
    (last,) = find_conflicts(blocks(system(("a", 0, 1, 5, 5), ("z", 0, 1, 9, 9))), engines)
    assert (week.set_aside, last.set_aside) == ("a", "z")


def test_reports_agree_that_fall_into_several_blocks_once_some_are_gone():
    (block,) = blocks(system(("a", 0, 1, 5, 5), ("b", 3, 4, 9, 9), ("all", 0, 4, 0, 3)))
    assert not agree(block, DifferenceEngine)
    assert agree(block.only(["a", "b"]), DifferenceEngine)
