"""Relations between two flows: how they are read, and what bounds say of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

from crossings.errors import UnreadableInput
from transforms.tables import relations

ROOT = Path(__file__).resolve().parents[3]
STATED = (ROOT / "data" / "register" / "relations.csv").read_bytes()
HEAD = "relation_id,country,scope,mode,citizenship,measure,system,kind,direction,period_start,period_end,base_direction," \
       "base_start,base_end,ratio_low,ratio_high,printed,speaker,published_on,publisher,url,language,note\n"  # fmt: skip
SERIES = "FIN/{}/RUS/national/land/crossings/border_control"
NO_REPORTS = pd.DataFrame(
    columns=["series", "start_time", "end_time", "per_day", "role", "period_start", "period_end", "lower", "upper"]
).astype({"per_day": "bool", "start_time": "object", "end_time": "object"})


def stated(kind: str, window: str, base: str, low: str, high: str, direction: str = "entry") -> pd.DataFrame:
    row = f"R-1,FIN,national,land,RUS,crossings,border_control,{kind},{direction},{window},entry,{base},{low},{high}," \
          "words,somebody,2022-10-05,a paper,https://paper.example/1,en,\n"  # fmt: skip
    return relations.parse((HEAD + row).encode())


def days(values: dict[str, list[tuple[int, int]]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            (SERIES.format(direction), dt.date(2022, 9, 20) + dt.timedelta(days=k), low, high)
            for direction, bounds in values.items()
            for k, (low, high) in enumerate(bounds)
        ],
        columns=["series", "date", "lower", "upper"],
    )


@pytest.mark.parametrize(
    ("low", "high", "agrees"), [("1.5", "2.5", "yes"), ("1.9", "2.1", "open"), ("2.6", "3", "no"), ("0.1", "1", "no")]
)
def test_a_ratio_of_two_days_is_held_against_their_bounds(low: str, high: str, agrees: str) -> None:
    known = days({"entry": [(100, 110), (190, 220)]})
    found = relations.build(
        stated("ratio", "2022-09-21,2022-09-21", "2022-09-20,2022-09-20", low, high), known, NO_REPORTS
    )
    (row,) = found.table.to_dict("records")
    assert (row["allowed_low"], row["allowed_high"]) == pytest.approx((190 / 110, 220 / 100))
    assert row["agrees"] == agrees
    assert len(found.findings) == (agrees == "no")


def test_a_report_of_the_very_window_narrows_what_its_days_add_up_to() -> None:
    known = days({"entry": [(100, 100), (0, 500), (0, 500)]})
    report = pd.DataFrame([{
        "series": SERIES.format("entry"), "start_time": None, "end_time": None, "per_day": False, "role": "constraint",
        "period_start": "2022-09-21", "period_end": "2022-09-22", "lower": 300, "upper": 300,
    }])  # fmt: skip
    found = relations.build(stated("ratio", "2022-09-21,2022-09-22", "2022-09-20,2022-09-20", "3", "3"), known, report)
    assert found.table.loc[0, ["allowed_low", "allowed_high", "agrees"]].tolist() == [3, 3, "yes"]


def test_a_sign_holds_on_each_day() -> None:
    known = days({"entry": [(100, 100), (100, 100)], "exit": [(150, 150), (90, 90)]})
    both = stated("sign", "2022-09-20,2022-09-21", "2022-09-20,2022-09-21", "1", "", "exit")
    first = stated("sign", "2022-09-20,2022-09-20", "2022-09-20,2022-09-20", "1", "", "exit")
    assert relations.build(both, known, NO_REPORTS).table.loc[0, "agrees"] == "no"
    assert relations.build(first, known, NO_REPORTS).table.loc[0, "agrees"] == "yes"


def test_a_register_without_relations_has_none() -> None:
    assert relations.build(relations.parse(b""), days({"entry": [(1, 2)]}), NO_REPORTS).table.empty


def test_flows_without_bounds_say_nothing() -> None:
    found = relations.build(relations.parse(STATED), days({"entry": [(1, 2)]}), NO_REPORTS)
    assert set(found.table["agrees"]) == {"unknown"}
    assert found.findings.empty


@pytest.mark.parametrize(
    ("old", "new"),
    [("kind", "sort"), ("2022-09-26", "26.09.2022"), (",ratio,", ",tale,"), ("R-002", "R-001"), (",1.635,", ",9.9,")],
)
def test_a_table_that_breaks_the_codebook_is_refused_in_one_line(old: str, new: str) -> None:
    with pytest.raises(UnreadableInput, match=r"relations\.csv"):
        relations.parse(STATED.replace(old.encode(), new.encode(), 1))
