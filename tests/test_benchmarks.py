"""Every benchmark runs in its small form and prints its tables; what it must show of answers is looked up there.

Simulations run in `make test-long`, the others and every command line in each run. No time is asserted: times belong to
the machine, answers to the product.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(p.name for p in BENCHMARKS.glob("*.py") if 'if __name__ == "__main__"' in p.read_text("utf-8"))
SMALL = {"ingest.py": ("--rows", "2000")}  # how each is run small; --quick where nothing else is said
SIMULATIONS = ("accuracy.py", "estimate.py")
RUNS = [pytest.param(s, marks=pytest.mark.long if s in SIMULATIONS else ()) for s in SCRIPTS]
RULE = re.compile(r"-{3,}( +-{2,})+")


@lru_cache
def printed(script: str) -> str:
    return said(script, *SMALL.get(script, ("--quick",)))


def said(script: str, *arguments: str) -> str:
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=540)
    assert run.returncode == 0, run.stderr
    return run.stdout


def tables(text: str) -> list[list[dict[str, str]]]:
    """The printed tables; the line of dashes says where each column stands. A repeated heading gets a number."""
    found, lines = [], text.splitlines()
    for i, line in enumerate(lines):
        if not RULE.fullmatch(line.strip()):
            continue
        spans = [m.span() for m in re.finditer(r"-+", line)]
        heads: list[str] = []
        for a, b in spans:
            head = lines[i - 1][a:b].strip()
            heads.append(f"{head} {heads.count(head) + 1}" if head in heads else head)
        rows = []
        for row in lines[i + 1 :]:
            if not row.strip() or len(row) < spans[1][0] or row[spans[0][1] : spans[1][0]].strip():
                break
            rows.append({h: row[a:b].strip() for h, (a, b) in zip(heads, spans, strict=True)})
        found.append(rows)
    return found


def number(cell: str) -> float:
    return float(cell.replace(",", "").replace("*", "").rstrip(" %"))


def test_the_benchmarks_are_found() -> None:
    assert {*SIMULATIONS, *SMALL} <= set(SCRIPTS)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_says_what_it_takes(script: str) -> None:
    assert f"usage: {script}" in said(script, "--help")


@pytest.mark.parametrize("script", RUNS)
def test_a_benchmark_prints_its_machine_and_its_figures(script: str) -> None:
    text = printed(script)
    for said in (r"\d cores", r"\d GiB", r"\bPython \d+\.\d+", r"\bpandas \d+\.\d+"):
        assert re.search(said, text), said
    rows_of_figures = [line for line in text.splitlines() if len(re.findall(r"(?<=\s)[\d,.]+%?(?=\s|$)", line)) >= 3]
    assert len(rows_of_figures) >= 5


@pytest.mark.long
@pytest.mark.parametrize("script", SIMULATIONS)
def test_every_table_has_rows(script: str) -> None:
    found = tables(printed(script))
    assert found
    assert all(found)


@pytest.mark.long
def test_others_find_the_same_path_and_the_same_bounds() -> None:
    steps, many, others, length = tables(printed("estimate.py"))
    assert {"tightest bounds of every day, with proofs", "point: the smoothest path", "whole persons"} <= {
        row["step"] for row in steps
    }
    assert [row["cores"] for row in many] == ["1", "2"]
    assert len({row["day-cells"] for row in many}) == 1
    solvers = [row for row in others if row[""].startswith("cvxpy")]
    assert len(solvers) == 4
    for row in solvers:
        assert number(row["path apart"]) < 0.5, row
        assert abs(number(row["objective"])) < 1e-4, row
        assert number(row["report missed"]) < 0.5, row
    for row in [*solvers, *(r for r in others if r[""].startswith("scipy"))]:
        assert number(row["bounds apart"]) < 0.5, row
    assert number(next(r for r in others if r[""] == "pro rata")["report missed"]) > 1
    assert [number(row["blocks"]) for row in length] == [1] * len(length)


@pytest.mark.long
def test_bounds_cover_every_true_day_and_intervals_keep_their_promise() -> None:
    simulated = tables(printed("accuracy.py"))[3]
    assert len(simulated) >= 5
    for row in simulated:
        assert row["inside bounds"] == "100.00%", row
        assert row["conflicts"] == "0", row
    together = simulated[-1]
    assert together["mix"] == "all"
    assert 85 <= number(together["inside 90 %"]) <= 97
    assert simulated[-2]["inside 90 %"] == "none"  # no exact days, no calibrated interval


@pytest.mark.long
def test_held_out_days_are_nearer_than_pro_rata_in_both_countries() -> None:
    held = {(row["country"], row["given"]): row for row in tables(printed("accuracy.py"))[0]}
    for key in (
        ("Finland", "two week totals"),
        ("Finland", "two week totals and 3 days"),
        ("Georgia", "ten-day total and 3 days"),
        ("Georgia", "three block totals"),
    ):
        row = held[key]
        assert number(row["crossings"]) < number(row["pro rata"]), row
        inside, days = row["inside bounds"].split("/")
        assert inside == days == row["days held out"]


@pytest.mark.long
def test_days_that_the_register_was_never_told_lie_in_its_bounds() -> None:
    for row in tables(printed("accuracy.py"))[1]:
        assert row["inside firm"] == "10/10", row
        assert int(row["inside bounds"].split("/")[0]) >= 9, row
        assert number(row["error"]) < number(row["pro rata"]), row


@pytest.mark.long
def test_wrong_reports_that_clash_cost_neither_the_bounds_nor_much_of_the_path() -> None:
    rows = tables(printed("accuracy.py"))[2]
    assert len(rows) == 16
    others, ours = rows[::2], rows[1::2]
    for other, row in zip(others, ours, strict=True):
        wrong = int(row["wrong"])
        assert number(row["days inside"]) >= (100 if wrong < 2 else 96), row
        if wrong:
            assert number(row["days inside"]) > number(other["days inside"]), row
            assert number(row["error"]) < number(other["error"]), row
            assert number(row["error"]) <= (0.11, 0.14, 0.16)[wrong - 1], row
