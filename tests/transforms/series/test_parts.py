"""Which scope is part of which, from the table of checkpoints or from the scopes alone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from transforms.reports import reference
from transforms.series.parts import declared_parts, default_parts, together

HEAD = b"slug,name,country,counterpart,kind,district,latitude,longitude,alternative_names,members\n"
DATA = Path(__file__).parents[3] / "data" / "reference" / "checkpoints.csv"


def declared(*rows: str) -> set[tuple[str, str]]:
    table = reference.table("checkpoints", HEAD + "\n".join(rows).encode() + b"\n")
    found = declared_parts(table)
    assert not found["exhaustive"].any()
    return set(zip(found["part_scope"], found["whole_scope"], strict=True))


def test_a_checkpoint_is_part_of_its_district_of_sets_and_of_its_country() -> None:
    found = declared(
        "east,East,FIN,RUS,district,,,,,", "b,B,FIN,RUS,road,east,,,,", "c,C,FIN,RUS,rail,,,,,",
        "b-c,B and C,FIN,RUS,road,,,,,b;c",
    )  # fmt: skip
    assert found == {
        ("district:east", "national"), ("checkpoint:b", "national"), ("checkpoint:b", "district:east"),
        ("checkpoint:c", "national"), ("checkpoints:b-c", "national"), ("checkpoint:b", "checkpoints:b-c"),
        ("checkpoint:c", "checkpoints:b-c"),
    }  # fmt: skip


def test_the_real_table_names_only_parts_it_knows() -> None:
    table = reference.table("checkpoints", DATA.read_bytes())
    found = declared_parts(table)
    known = {f"{kind}:{slug}" for slug in table["slug"] for kind in ("district", "checkpoint", "checkpoints")}
    assert set(found["part_scope"]) <= known
    assert len(found.drop_duplicates()) == len(found)
    assert ("checkpoint:vaalimaa", "district:southeast-finland") in set(
        zip(found["part_scope"], found["whole_scope"], strict=True)
    )


def test_without_a_table_districts_and_checkpoints_are_parts_of_their_country() -> None:
    series = pd.DataFrame({"country": ["FIN"] * 4, "scope": ["national", "district:e", "checkpoint:b", "FI-LAND"]})
    found = default_parts(series)
    assert list(found["part_scope"]) == ["checkpoint:b", "district:e"]
    assert set(found["whole_scope"]) == {"national"}
    assert len(together(found, found)) == 2
