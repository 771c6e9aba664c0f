"""What is told of a conflict: reports, publishers, figures, and the smallest change that would settle it."""

from __future__ import annotations

from interval_systems import blocks, system

from transforms.estimator.conflicts import find_conflicts
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.tables.told import Named, describe


def test_the_message_names_reports_publishers_figures_and_the_smallest_change():
    c = system(("d21", 0, 1, 4824, 4824), ("d22", 1, 2, 6470, 6470), ("wk", 0, 2, 11299, 11299))
    (found,) = find_conflicts(blocks(c), DifferenceEngine)
    names = {"wk": Named("border guard", "11,299"), "d21": Named("news", "4,824")}
    assert describe(found, names, "2022-09-21 to 2022-09-22", "crossings") == (
        "CONFLICT gap=5 crossings: d21 (news, 4,824), d22 together give at most 11,294 for 2022-09-21 to 2022-09-22;"
        " wk (border guard, 11,299) gives at least 11,299. Smallest change, one of: raise d21 from 4,824 to 4,829;"
        " raise d22 from 6,470 to 6,475; lower wk from 11,299 to 11,294"
    )


def test_a_flow_that_cannot_be_negative_is_a_reason_too():
    c = system(("c5", 0, 5, 10000, 10000), ("c7", 0, 7, 9800, 9800))
    (found,) = find_conflicts(blocks(c), DifferenceEngine)
    assert "c7 gives at most 9,800 for the week; c5 gives at least 10,000" in describe(
        found, {}, "the week", "crossings"
    )
