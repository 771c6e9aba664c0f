"""`crossings between`: a number for a period, what it rests on, and what a curator decided about that."""

from __future__ import annotations

import json
from collections.abc import Callable

from published import Published, Spoken

Command = Callable[..., Spoken]

GEORGIA = ("between", "GEO", "2022-09-21", "2022-09-30")


def test_a_period_has_an_estimate_two_bounds_and_the_reports_as_they_were_said(
    analyst: Published, command: Command
) -> None:
    lines = command(*GEORGIA).out.splitlines()
    assert lines[0] == "GEO/entry/RUS/national/all/crossings/border_control  2022-09-21 to 2022-09-30"
    assert lines[1].startswith("estimate ")
    assert lines[2].startswith("  at least ")
    assert lines[3].startswith("  at most ")
    assert any(
        line.startswith("  GEO-031  222,274, 2022-09-01 to 2022-09-30; JAMnews, 2022-10-20  http") for line in lines
    )


def test_a_figure_that_was_decided_otherwise_than_printed_says_so(analyst: Published, command: Command) -> None:
    asked = ("between", "GEO", "2022-09-23", "2022-09-26")
    said = command(*asked).out
    assert "40,584 (GEO-109" in said
    assert "GEO-109  40,548, " in said
    assert "decided: D-0064 GEO-109 recode value 40548 → 40584: " in said
    assert any("D-0064" in line for line in json.loads(command(*asked, "--json").out)["decisions"])


def test_bounds_that_rest_on_a_clash_say_so(analyst: Published, command: Command) -> None:
    said = command("between", "FIN", "2022-09-21", "2022-09-27").out
    assert "at least 50,650 if FIN-032 and FIN-487 are both wrong, at least 50,655 otherwise: 4,824 (FIN-024" in said
    assert "at most 50,659: 43,603 (FIN-487, 2022-09-21 to 2022-09-26) plus 7,056 (FIN-132, 2022-09-27)" in said
    assert "these bounds rest on reports that clash" in said
    assert "  FIN-487  43,603, 2022-09-21 to 2022-09-26; " in said
    assert "FIN-032 (Ilta-Sanomat, 50,655) gives at least 50,655" in said
    assert "these bounds rest on reports that clash" not in command("between", "KAZ", "2022-09-21", "2022-09-26").out


def test_a_period_that_ends_before_it_starts_is_one_line(analyst: Published, command: Command) -> None:
    said = command("between", "GEO", "2022-09-30", "2022-09-21")
    assert said.code == 1
    (line,) = said.err.strip().splitlines()
    assert "2022-09-21 is before 2022-09-30" in line
