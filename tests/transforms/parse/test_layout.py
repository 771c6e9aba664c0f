"""The fingerprint of a layout: the same in any order and under any labels, another for other names, units or frequency."""

from __future__ import annotations

from dataclasses import replace

import pytest
from parse_support import changed, payload, recorded, sources

from transforms.parse.contract import Cell, RefusedCells
from transforms.parse.layout import Layout, seen
from transforms.parse.registry import parse

NAME, UNIT = "mn-nso-border-points", "fi-statfin-accommodation"
KNOWN = Layout("pxweb", "M", ("Country", "Month"), ("persons",))


def layout_of(payloads, name=NAME):
    found = parse(payloads, sources()[name]).seen
    assert found is not None
    return found.layout


@pytest.mark.parametrize("name", sorted(n for n, s in sources().items() if not s.by_hand))
def test_every_source_has_a_layout_and_its_labels_without_those_of_time(name):
    spec = sources()[name]
    found = parse(recorded(name), spec).seen
    assert found is not None
    assert (found.layout.parser, found.layout.freq) == (spec.parser, spec.series_mapping.time.freq)
    of_time = set(found.layout.dimensions) - set(found.labels)
    assert of_time
    assert all(labels == tuple(sorted(set(labels))) and labels for labels in found.labels.values())


def test_other_figures_labels_and_periods_are_the_same_layout():
    words = ((b"2026-02", b"2026-03"), (b"1500", b"1700"), (b"Altanbulag", b"Borshoo"))
    newer = recorded(NAME)
    for old, new in words:
        newer = [payload(p.content.replace(old, new), p.name) for p in newer]
    assert newer != recorded(NAME)
    assert layout_of(newer) == layout_of(recorded(NAME))


def test_the_order_of_cells_and_dimensions_does_not_matter():
    spec = sources()[NAME]
    cells = [Cell({"Month": f"2026-0{n}", "B ": "y", "A": "x"}, 1, "here", "", unit=u) for n, u in ((1, "b"), (2, "a"))]
    turned = [replace(c, labels=dict(reversed(c.labels.items()))) for c in reversed(cells)]
    assert seen(spec, cells) == seen(spec, turned)
    assert seen(spec, cells).layout.dimensions == ("A", "B", "Month")
    assert seen(spec, cells).layout.units == ("a", "b")
    assert seen(spec, cells).labels == {"A": ("x",), "B": ("y",)}


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            replace(KNOWN, dimensions=("Month", "Nationality")),
            "new dimension Nationality; no dimension Country any more",
        ),
        (replace(KNOWN, units=("thousand",)), "new unit thousand; no unit persons any more"),
        (replace(KNOWN, units=()), "no unit persons any more"),
        (replace(KNOWN, freq="Q"), "new frequency Q; no frequency M any more"),
        (KNOWN, ""),
    ],
)
def test_what_differs_is_said_in_words(other, words):
    assert other.differs_from(KNOWN) == words
    assert (other.fingerprint == KNOWN.fingerprint) == (words == "")


def test_figures_that_are_refused_as_a_whole_still_show_their_layout():
    payloads = changed(UNIT, "data", lambda content: content.replace(b'"number"', b'"thousand"'))
    with pytest.raises(RefusedCells, match="expected unit number") as refused:
        parse(payloads, sources()[UNIT])
    assert refused.value.seen.layout.differs_from(layout_of(recorded(UNIT), UNIT)) == (
        "new unit thousand; no unit number any more"
    )
