"""The suites on released tables, and the gates that stop a release."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from published import Published

from crossings.errors import ReleaseStopped
from crossings.lake import Release
from crossings.schema.codes import CODE_LISTS
from crossings.schema.tables import RELEASED, TABLES
from crossings.settings import Settings
from expectations import run, tables
from flows import gates
from flows.workspace import Workspace

pytestmark = pytest.mark.slow

Change = Callable[[pd.DataFrame], pd.DataFrame]
COUNTS = {"source_id": "register", "rows_in": 40, "accepted": 40, "quarantined": 0, "duplicates": 0}
SUITE = {"name": "reports of register", "rows": 40, "rules": []}


@pytest.fixture(scope="module")
def daily(published: Published) -> pd.DataFrame:
    """Forty days of one series, as a release holds them."""
    whole = Release(published.release).read("daily", "GEO").to_pandas()
    whole = whole.loc[whole["series"] == "GEO/entry/RUS/national/all/crossings/border_control"]
    return whole.head(40).reset_index(drop=True)


def judge(name: str, frame: pd.DataFrame) -> set[str]:
    """Rules that the frame fails, as the gates would see it."""
    schema = TABLES[name].arrow()
    nullable = pa.schema([field.with_nullable(True) for field in schema])
    table = pa.Table.from_pandas(frame, schema=nullable, preserve_index=False)
    return {f"{r.rule} {r.columns[0] if r.columns else ''}".strip()
            for r in run.run(name, tables.suite(name), gates.judged(name, table)) if r.failed}  # fmt: skip


def test_the_released_days_pass(daily: pd.DataFrame) -> None:
    assert len(daily) == 40
    assert judge("daily", daily) == set()


def _first(column: str, value: Any) -> Change:
    return lambda frame: frame.assign(**{column: [value, *frame[column].tolist()[1:]]})


@pytest.mark.parametrize(
    ("change", "fails"),
    [
        (lambda f: pd.concat([f.head(1), f], ignore_index=True), {"S02 date"}),
        (lambda f: f.iloc[::-1].reset_index(drop=True), {"S03 row_in_key_order"}),
        (_first("status", "guessed"), {"V02 status"}),
        (_first("direction", "inward"), {"V02 direction"}),
        (_first("reliability", 6), {"V02 reliability"}),
        (_first("country", None), {"S04 country"}),
        (_first("series", None), {"S04 series"}),
    ],
)
def test_a_table_that_breaks_its_schema_fails(daily: pd.DataFrame, change: Change, fails: set[str]) -> None:
    assert fails <= judge("daily", change(daily))


def test_a_table_without_one_of_its_columns_fails(daily: pd.DataFrame) -> None:
    judged = gates.judged("daily", TABLES["daily"].conform(daily)).drop(columns="break_id")
    failed = [r.rule for r in run.run("daily", tables.generic(TABLES["daily"])[:1], judged) if r.failed]
    assert failed == ["S01"]


@pytest.mark.parametrize(
    "numbers",
    [
        {"estimate": 10, "lower": 11, "upper": 12, "status": "estimated"},
        {"estimate": 13, "lower": 11, "upper": 12, "status": "estimated"},
        {"estimate": None, "lower": 12, "upper": 11, "status": "none"},
        {"estimate": 5, "lower": -1, "upper": 12, "status": "estimated"},
        {"estimate": 5, "lower": None, "upper": 12, "status": "estimated"},
        {"estimate": None, "lower": 0, "upper": None, "status": "estimated"},
        {"estimate": 5, "lower": 0, "upper": None, "status": "none"},
    ],
)
def test_bounds_and_estimate_that_contradict_each_other_fail(daily: pd.DataFrame, numbers: dict[str, Any]) -> None:
    changed = daily.head(1).assign(**{k: pd.array([v], "Int64") if k != "status" else [v] for k, v in numbers.items()})
    assert judge("daily", changed) == {"V51 estimate"}


@pytest.mark.parametrize(
    "numbers",
    [
        {"estimate": 5, "lower": 5, "upper": 5, "status": "reported"},
        {"estimate": 0, "lower": 0, "upper": 0, "status": "reported"},
        {"estimate": None, "lower": 0, "upper": None, "status": "none"},
        {"estimate": -5, "lower": -9, "upper": 5, "status": "estimated", "direction": "net"},
        {"estimate": None, "lower": None, "upper": None, "status": "none", "direction": "net"},
    ],
)
def test_bounds_and_estimate_in_order_pass(daily: pd.DataFrame, numbers: dict[str, Any]) -> None:
    text = ("status", "direction")
    changed = daily.head(1).assign(**{k: [v] if k in text else pd.array([v], "Int64") for k, v in numbers.items()})
    assert judge("daily", changed) == set()


@pytest.mark.parametrize("name", RELEASED)
def test_every_released_table_has_a_suite_that_its_own_rows_pass(name: str, published: Published) -> None:
    suite = tables.suite(name)
    assert {e.meta["action"] for e in suite} == {"stop_release"}
    coded = {e.column for e in suite if type(e).__name__ == "ExpectColumnValuesToBeInSet"}
    assert {c.name for c in TABLES[name].columns if c.codes in CODE_LISTS} <= coded
    table = TABLES[name].conform(Release(published.release).read(name).to_pandas().head(200))
    assert [r for r in run.run(name, suite, gates.judged(name, table)) if r.failed] == []


@pytest.mark.parametrize(
    ("counts", "gone", "failing"),
    [
        ({"rows_in": 10, "accepted": 7, "quarantined": 2, "duplicates": 1}, 0, 0),
        ({"rows_in": 10, "accepted": 7, "quarantined": 2, "duplicates": 0}, 0, 1),
        ({"rows_in": 10, "accepted": 9, "quarantined": 2, "duplicates": 0}, 0, 1),
        ({"rows_in": 10, "accepted": 10, "quarantined": 0, "duplicates": 0}, 3, 1),
    ],
)
def test_rows_in_are_rows_out_and_no_report_disappears(counts: dict[str, int], gone: int, failing: int) -> None:
    frame = pd.DataFrame([{"source_id": "register", "missing_since_before": gone} | counts])
    results = run.run("row accounting", tables.accounting(), frame)
    assert {r.rule for r in results} == {"V62"}
    assert sum(r.failed for r in results) == failing


@pytest.fixture
def release_to_be(published: Published, daily: pd.DataFrame) -> dict[str, pa.Table]:
    """The tables of a small release that passes its gates."""
    whole = Release(published.release)
    small = {name: TABLES[name].conform(whole.read(name).to_pandas().head(40)) for name in RELEASED}
    return small | {"daily": TABLES["daily"].conform(daily)}


def hold(lake: Path, tables_: dict[str, pa.Table], **counts: int) -> Path:
    """The gates of a release called rtest."""
    workspace = Workspace.open(Settings(lake=lake))
    summaries = [{"counts": COUNTS | counts, "suite": SUITE}]
    return gates.hold_release(workspace, gates.Gates(), "rtest", tables_, summaries)


def test_gates_that_hold_leave_a_page(release_to_be: dict[str, pa.Table], lake: Path) -> None:
    page = hold(lake, release_to_be)
    assert page.read_text() == (lake / "validation" / "latest.html").read_text()
    assert "release stopped" not in page.read_text()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda t: pa.concat_tables([t.slice(0, 1), t]), "S02"),
        (lambda t: t.take(list(range(39, -1, -1))), "S03"),
        (lambda t: t.set_column(t.column_names.index("upper"), "upper", pa.array([-1] * 40)), "V51"),
        (lambda t: t.set_column(t.column_names.index("status"), "status", pa.array(["guessed"] * 40)), "V02"),
    ],
)
def test_a_failing_gate_stops_the_release_and_leaves_a_page_that_says_why(
    change: Callable[[pa.Table], pa.Table], rule: str, release_to_be: dict[str, pa.Table], lake: Path
) -> None:
    broken = release_to_be | {"daily": change(release_to_be["daily"])}
    with pytest.raises(ReleaseStopped, match=f"rtest was stopped by {rule}"):
        hold(lake, broken)
    text = (lake / "validation" / "rtest.html").read_text()
    assert "release stopped" in text
    assert f"{rule}: " in text
    assert not (lake / "current").exists()
    assert not (lake / "releases").exists()


def test_rows_that_do_not_add_up_stop_the_release(release_to_be: dict[str, pa.Table], lake: Path) -> None:
    with pytest.raises(ReleaseStopped, match="V62: rows in are not rows accepted"):
        hold(lake, release_to_be, rows_in=41)
