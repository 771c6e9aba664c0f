"""Official figures on the command line: shown beside what statements say, compared with it, and never mixed with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from published import Spoken
from statistics_lake import ESTONIA, FINLAND, LATVIANS, TRAINS

Command = Callable[..., Spoken]
pytestmark = pytest.mark.usefixtures("statistics")


def test_show_gives_official_figures_alone_where_no_statement_is(command: Command) -> None:
    said = command("show", "EST")
    assert said.code == 0, said.err
    assert f"official figures: {ESTONIA}" in said.out
    assert "2022-09-25  D     1,488  A           ee-example-days" in said.out
    assert "no report covers" not in said.out
    assert (
        f"official figures of other days or definitions lie in 1 series; name one with --series: {LATVIANS}" in said.out
    )


def test_show_gives_both_where_both_are(command: Command) -> None:
    said = command("show", "FIN", "--from", "2022-09-26", "--to", "2022-09-26", "--direction", "entry")
    statements, _, official = said.out.partition(f"official figures: {FINLAND}")
    assert "7,743" in statements
    assert "9,100" not in statements
    assert "2022-09-26  D     9,100  A           fi-example-days" in official


def test_a_longer_period_that_meets_the_window_is_shown_with_both_its_dates(command: Command) -> None:
    said = command("show", "FIN", "--from", "2022-11-15", "--to", "2022-11-16", "--direction", "entry")
    assert "2022-11-01 to 2022-11-30  M     60,120  A           fi-example-months" in said.out
    named = command("show", "EST", "--series", LATVIANS)
    assert "7,120" in named.out
    assert "1,488" not in named.out


def test_json_of_show_stays_the_days_and_official_asks_for_the_figures(command: Command) -> None:
    asked = ("show", "FIN", "--from", "2022-09-26", "--to", "2022-09-26", "--direction", "entry", "--json")
    days = command(*asked)
    assert [row["estimate"] for row in json.loads(days.out)] == [7743]
    assert "1 official figures are not among these rows: add --official" in days.err
    (figure,) = json.loads(command(*asked, "--official").out)
    assert (figure["value"], figure["source_id"], figure["payload_locator"]) == (9100, "fi-example-days", "row 4 col 2")


def test_a_direction_without_any_figure_is_one_line(command: Command) -> None:
    said = command("show", "EST", "--direction", "exit")
    assert said.code == 1
    assert "no series stands for EST with direction exit" in said.err


def test_between_adds_official_days_in_a_block_of_their_own(command: Command) -> None:
    said = command("between", "EST", "2022-09-24", "2022-09-26").out.splitlines()
    assert said[:4] == [
        f"{ESTONIA}  2022-09-24 to 2022-09-26", "no point estimate", "  no statement sets a least number",
        "  no statement caps it",
    ]  # fmt: skip
    assert said[4] == "official (ee-example-days): estimate 4,618"
    assert said[5].startswith("  at least 4,618: ")
    assert said[6].startswith("  at most 4,618: 1,520 (ee-example-days:")
    assert any("1,488, 2022-09-25; Office of examples" in line for line in said[7:])


@pytest.mark.parametrize(
    ("first", "last", "agreement"),
    [
        ("2022-09-24", "2022-09-25", "16,886, lies inside the bounds of the statements, 16,886"),
        ("2022-09-26", "2022-09-26", "9,100, lies outside the bounds of the statements, 7,743: one of them is wrong"),
    ],
)
def test_between_says_whether_official_figures_agree_with_statements(
    first: str, last: str, agreement: str, command: Command
) -> None:
    said = command("between", "FIN", first, last).out
    statements, _, official = said.partition("official (fi-example-days): ")
    assert f"the official total, {agreement}" in official
    assert "fi-example-days" not in statements
    found = json.loads(command("between", "FIN", first, last, "--json").out)
    assert found["official"]["fi-example-days"]["agreement"] == f"the official total, {agreement}"
    assert found["lower"] == found["upper"]


def test_a_whole_month_inside_the_window_counts_and_a_part_of_it_does_not(command: Command) -> None:
    whole = command("between", "FIN", "2022-11-01", "2022-11-30").out
    assert "official (fi-example-months): estimate 60,120" in whole
    assert "fi-example-months" not in command("between", "FIN", "2022-11-01", "2022-11-29").out


def test_a_period_without_any_figure_is_one_line(command: Command) -> None:
    said = command("between", "EST", "2022-10-18", "2022-10-20")
    assert said.code == 1
    assert "no report bounds" in said.err
    assert "ask for another period" in said.err
    elsewhere = command("between", "EST", "2022-12-01", "2022-12-31")
    assert elsewhere.code == 1
    assert f"official figures meet it in {TRAINS}: name one as series" in elsewhere.err
    named = command("between", "EST", "2022-12-01", "2022-12-31", "--series", TRAINS)
    assert "official (ee-example-trains): estimate 341" in named.out


def test_explain_leads_to_the_archived_bytes_of_official_figures(statistics: Path, command: Command) -> None:
    alone = command("explain", "EST", "2022-09-25").out
    assert "no statement covers the day" in alone
    assert "2022-09-25  1,488  (D, status A)  ee-example-days: Office of examples" in alone
    (figure,) = json.loads(command("explain", "EST", "2022-09-25", "--json").out)["official"]
    assert figure["payload_locator"] == "row 3 col 2"
    assert (statistics / "raw" / "sha256" / figure["payload_sha256"][:2]).is_dir()
    beside = command("explain", "FIN", "2022-09-26").out
    assert beside.splitlines()[1].startswith("7,743  (reported")
    assert "Official figures\n  2022-09-26  9,100" in beside


def test_headline_fills_a_cell_without_a_point_and_says_so(command: Command) -> None:
    said = command("headline", "--from", "2022-09-26", "--to", "2022-10-03").out
    days = {line.split()[0]: line.split()[1:] for line in said.splitlines() if line.startswith("2022-")}
    assert days["2022-09-26"] == ["◇1,610", "7,743"]
    assert days["2022-10-03"][-1] == "◇5,005"
    assert "official: no statement gives a point" in said


def test_plot_draws_a_country_with_official_days_alone(tmp_path: Path, command: Command) -> None:
    said = command("plot", "EST", "--out", str(tmp_path / "estonia.svg"))
    assert said.code == 0, said.err
    assert (tmp_path / "estonia.svg").stat().st_size > 0
    months = command("plot", "FIN", "--from", "2022-11-01", "--to", "2022-11-30", "--out", str(tmp_path / "no.svg"))
    assert months.code == 1
    assert "its official figures are of longer periods; `crossings show` lists them" in months.err
