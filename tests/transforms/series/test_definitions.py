"""Which series a report feeds: a declared one where everything agrees, a derived one otherwise."""

from __future__ import annotations

import pandas as pd
import pytest
from statements import DATA, declared, frame_of, statement, unjudged

from crossings.errors import UnreadableInput
from transforms.series import definitions

HEADLINE = "FIN/entry/RUS/national/land/crossings/border_control"
CONTENT = (DATA / "reference" / "series.csv").read_bytes()
HEADER, FIRST = CONTENT.decode().splitlines()[:2]


def test_entries_and_exits_of_citizens_of_russia_are_declared_for_each_country() -> None:
    assert declared()["declared"].all()
    known = set(declared()["series"])
    for country, mode in (("FIN", "land"), ("GEO", "all"), ("KAZ", "all")):
        for direction in ("entry", "exit"):
            assert f"{country}/{direction}/RUS/national/{mode}/crossings/border_control" in known


def test_a_report_whose_parts_agree_feeds_the_declared_series() -> None:
    ids, known = definitions.assign(frame_of(statement()), declared())
    assert ids.tolist() == [HEADLINE]
    assert known["declared"].all()


@pytest.mark.parametrize(
    "changes", [{"mode": "air"}, {"citizenship": "CHN"}, {"measure": "persons"}, {"system": "tourism"},
                {"scope": "checkpoint:nowhere"}],
)  # fmt: skip
def test_a_report_that_differs_in_one_part_feeds_another_series(changes: dict[str, str]) -> None:
    ids, _ = definitions.assign(frame_of(statement(), statement(report_id="A-2", **changes)), declared())
    assert ids[0] == HEADLINE
    assert ids[1] != HEADLINE
    assert next(iter(changes.values())) in ids[1]


def test_a_report_that_fits_no_declared_series_gets_a_derived_one_and_a_finding() -> None:
    rows = [statement(scope="checkpoint:nowhere"), statement(report_id="A-2", scope="checkpoint:nowhere")]
    tables = unjudged(*rows)
    derived = tables.series.loc[~tables.series["declared"]]
    assert derived["series"].tolist() == ["FIN/entry/RUS/checkpoint:nowhere/land/crossings/border_control"]
    assert derived["timezone"].tolist() == ["Europe/Helsinki"]
    told = tables.findings.loc[tables.findings["series"] == derived["series"].iloc[0]]
    assert len(told) == 1
    assert told["report_ids"].tolist() == [["A-1", "A-2"]]


def test_a_window_outside_the_epoch_of_a_definition_belongs_to_another_series() -> None:
    bounded = declared().copy()
    bounded.loc[bounded["series"] == HEADLINE, "epoch_start"] = pd.Timestamp("2022-09-25")
    rows = [statement(), statement(report_id="A-2", period_start="2022-09-24")]
    ids, known = definitions.assign(frame_of(*rows), bounded)
    assert ids.tolist() == [HEADLINE, f"{HEADLINE}/outside-epoch"]
    assert not known.set_index("series").at[f"{HEADLINE}/outside-epoch", "declared"]


def test_the_order_of_the_reports_does_not_matter() -> None:
    rows = [
        statement(report_id=f"A-{i}", scope=scope)
        for i, scope in enumerate(["national", "checkpoint:x", "checkpoint:y"])
    ]
    forward, known = definitions.assign(frame_of(*rows), declared())
    backward, known_too = definitions.assign(frame_of(*reversed(rows)), declared())
    assert forward.tolist() == backward.tolist()[::-1]
    pd.testing.assert_frame_equal(known, known_too)


def test_no_reports_give_no_series_of_their_own() -> None:
    ids, known = definitions.assign(frame_of(statement()).iloc[:0], declared())
    assert len(ids) == 0
    pd.testing.assert_frame_equal(known, declared())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (HEADER.replace("title", "name").encode() + b"\n", "missing or unknown columns: name, title"),
        (f"{HEADER}\n{FIRST.replace('FIN,RUS', 'GEO,RUS', 1)}\n".encode(), "does not spell out its own parts"),
        (
            f"{HEADER}\n{FIRST.replace('00:00,,', '00:00,2022-02-30,', 1)}\n".encode(),
            "epoch_start that is not a calendar date",
        ),
        (f"{HEADER}\n{FIRST}\n{FIRST}\n".encode(), "twice"),
    ],
)
def test_a_file_that_declares_no_series_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(UnreadableInput, match=says):
        definitions.parse(content)
