"""Every case with a known answer, through the stand-alone door, as a user would give it: a CSV in, Parquet out."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pytest

from crossings.calendar import midnights
from crossings.rules import RULES
from crossings.schema.tables import DECISIONS
from crossings.settings import settings
from flows.cli.estimating import estimate
from transforms import ask
from transforms.parse import statements_csv
from transforms.reports import encode, reference

pytestmark = pytest.mark.slow

CASES = {
    c["name"]: c
    for name in (
        "estimation_cases",
        "honest_cases",
    )  # the latter: bounds where reports clash, and what days are known over
    for c in json.loads((Path(__file__).parent / "cases" / f"{name}.json").read_text("utf-8"))
}
EVENTS = "event_id,date,country,kind,is_break,title,source_url\n"


def write_csv(path: Path, reports: list[dict]) -> Path:
    columns = sorted({k for r in reports for k in r}) or [
        "report_id",
        "country",
        "direction",
        "period_start",
        "period_end",
    ]
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: ("" if v is None else v) for k, v in r.items()} for r in reports)
    return path


class Result:
    """The files that `crossings estimate` wrote, as plain rows."""

    def __init__(self, out: Path) -> None:
        self.out = out
        for name in ("daily", "findings", "reports", "quarantine"):
            setattr(self, name, self._rows(name))
        self.periods = self._rows("periods") if (out / "periods.parquet").exists() else []

    def _rows(self, name: str) -> list[dict]:
        found = duckdb.execute(f"select * from '{self.out / name}.parquet'")
        names = [d[0] for d in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def day(self, date: str, **parts: str) -> dict:
        """The row of a day; a day without a row is not bounded."""
        rows = [r for r in self.daily if str(r["date"]) == date and all(r[k] == v for k, v in parts.items())]
        assert len(rows) <= 1, rows
        return rows[0] if rows else {"lower": 0, "upper": None, "estimate": None, "report_ids": [], "status": "none"}

    def of(self, wanted: dict) -> dict:
        """The row that a line of a case speaks of."""
        return self.day(wanted["date"], **{k: wanted[k] for k in ("direction",) if k in wanted})

    def aside(self) -> set[str]:
        """Reports that the estimate does not follow."""
        return {
            i for f in self.findings if f["rule"] == "alternative" and f["expected"] == "leads" for i in f["report_ids"]
        }

    def conflicts(self) -> list[dict]:
        return [f for f in self.findings if f["rule"] == "conflict"]


@pytest.fixture
def solve(tmp_path: Path):
    def run(
        reports: list[dict], *, breaks=(), as_of: str | None = None, periods=(), decisions=(), name: str = "out"
    ) -> Result:
        folder = tmp_path / name
        folder.mkdir()
        events = folder / "events.csv"
        country = reports[0]["country"] if reports else "FIN"
        events.write_text(EVENTS + "".join(f"b{i},{d},{country},other,true,declared,\n" for i, d in enumerate(breaks)))
        asked = None
        if periods:
            asked = write_csv(folder / "periods.csv", list(periods))
        decided = None
        if decisions:
            decided = write_csv(folder / "decisions.csv", [dict.fromkeys(DECISIONS.names, "") | d for d in decisions])
        estimate(
            write_csv(folder / "reports.csv", reports),
            folder / "out",
            decisions=decided,
            events=events,
            as_of=as_of,
            periods=asked,
        )
        return Result(folder / "out")

    return run


def asked_periods(case: dict) -> list[dict]:
    expect = case["expect"]
    country = case["reports"][0]["country"] if case["reports"] else "FIN"
    return [
        {"country": country, "direction": p.get("direction", "entry"), "start": p["start"], "end": p["end"]}
        for p in [*expect.get("sums", []), *expect.get("period_sums", [])]
    ]


def truth(value: float | None) -> float:
    return math.inf if value is None else value


SOLVED = [
    n
    for n, c in CASES.items()
    if c["expect"].get("solve", True)
    and n
    not in (
        "denton_cholette_r_tempdisagg",
        "quarantine_impossible_rows",
        "monotone_refinement",
        "correction_supersedes_earlier_value",
        "as_of_never_sees_the_future",
        "declared_break_stops_smoothing",
    )
]


@pytest.mark.parametrize("name", SOLVED)
def test_case_gives_the_known_answer(name: str, solve) -> None:
    case, expect = CASES[name], CASES[name]["expect"]
    result = solve(case["reports"], periods=asked_periods(case), decisions=case.get("decisions", ()))
    for day in expect.get("daily", []):
        found = result.of(day)
        assert (found["lower"], truth(found["upper"])) == (day["lower"], truth(day["upper"])), day
    asked = {(str(p["period_start"]), str(p["period_end"]), p["direction"], p["scope"]): p for p in result.periods}
    for period in [*expect.get("sums", []), *expect.get("period_sums", [])]:
        scope = period.get("scope", case["reports"][0]["scope"])
        found = asked[period["start"], period["end"], period.get("direction", "entry"), scope]
        tolerance = period.get("tol", 0)
        assert found["lower"] == pytest.approx(period["lower"], abs=tolerance), period
        assert truth(found["upper"]) == pytest.approx(truth(period["upper"]), abs=tolerance), period
    for part in expect.get("series", []):
        scope = "national minus district:southeast-finland" if "minus" in part["scope"] else part["scope"]
        found = result.day(part["date"], scope=scope)
        assert (found["lower"], found["upper"]) == (part["lower"], part["upper"])
    if "denton_additive_d1" in expect:
        got = [r["estimate"] for r in sorted(result.daily, key=lambda r: r["date"])]
        assert got == pytest.approx(expect["denton_additive_d1"]["values"], abs=1)
    if "feasible" in expect:
        assert bool(result.conflicts()) != expect["feasible"]
    if "conflicts" in expect:
        check_conflicts(result, expect)
    if "row_count" in expect:
        assert len(result.daily) == expect["row_count"]
    if "all_estimates" in expect:
        assert {r["estimate"] for r in result.daily} == {expect["all_estimates"]}
    if "must_contain_dates" in expect:
        assert set(expect["must_contain_dates"]) <= {str(r["date"]) for r in result.daily}
    if "register_rows" in expect:
        assert len(result.reports) == expect["register_rows"]
    if "active_constraints" in expect:
        assert [r["report_id"] for r in result.reports if r["role"] == "constraint"] == expect["active_constraints"]
    if "independent_reports" in expect:
        assert (
            len({r["origin_id"] for r in result.reports if r["role"] == "constraint"}) == expect["independent_reports"]
        )
    if "series_count" in expect:
        assert len({r["series"] for r in result.reports}) == expect["series_count"]
    if "constant_path" in expect:
        path = {r["estimate"] for r in result.daily}
        assert max(path) - min(path) <= 1
        assert expect["constant_path"]["min"] <= min(path) <= max(path) <= expect["constant_path"]["max"]
    if "holdout_truth" in expect:
        held = expect["holdout_truth"]
        errors = [abs(result.day(d)["estimate"] - v) for d, v in held.items()]
        assert np.mean(errors) <= expect["max_mae"] < expect["reference_mae"]["pro_rata"]
        assert all(result.day(d)["lower"] <= v <= truth(result.day(d)["upper"]) for d, v in held.items())
    for finding in expect.get("findings", []):
        told = [f for f in result.findings if f["rule"] == finding["rule"]]
        assert [f["severity"] for f in told] == [finding["severity"]]
        assert told[0]["gap"] == pytest.approx(finding["ratio"], abs=finding["tol"])
    check_explanations(result, expect)
    check_invariants(result)


def check_conflicts(result: Result, expect: dict) -> None:
    found = result.conflicts()
    origins = {r["report_id"]: r["origin_id"] for r in result.reports}
    assert len(found) == len(expect["conflicts"])
    for wanted in expect["conflicts"]:
        if "report_ids" in wanted:
            match = [f for f in found if sorted(f["report_ids"]) == sorted(wanted["report_ids"])]
            if not match and "note" in wanted:  # several sets are right; the note says which
                match = [f for f in found if f["gap"] == wanted["gap"]]
        else:
            match = [f for f in found if sorted(origins[i] for i in f["report_ids"]) == sorted(wanted["origin_ids"])]
        assert len(match) == 1, (wanted, [(f["report_ids"], f["gap"]) for f in found])
        assert match[0]["gap"] == wanted["gap"]
    if found:
        assert not any(r["obs_status"] == "A" for r in result.daily if r["status"] != "reported")
    if "minimal_total_slack" in expect and len(found) == 1:  # several sets may share reports that settle them at once
        assert found[0]["gap"] == expect["minimal_total_slack"]


def check_explanations(result: Result, expect: dict) -> None:
    """What may be wrong and at what cost, which of it the estimate follows, and what is known however that may be."""
    told = [f for f in result.findings if f["rule"] == "alternative"]
    if "corrections" in expect or "feasible" in expect:
        found = sorted((sorted(f["report_ids"]), f["observed"]) for f in told)
        wanted = expect.get("corrections", [])
        assert found == sorted((sorted(c["report_ids"]), f"cost {c['cost']}") for c in wanted)
    if "set_aside" in expect:
        assert result.aside() == set(expect["set_aside"])
    for wanted in expect.get("estimate", []):
        assert result.of(wanted)["estimate"] == pytest.approx(wanted["value"], abs=wanted["tol"]), wanted
    for wanted in expect.get("firm", []):
        row = result.of(wanted)
        assert (row["firm_lower"], row["firm_upper"]) == (wanted["lower"], wanted["upper"]), wanted
    for wanted in expect.get("known_over", []):
        assert result.of(wanted)["known_over"] == wanted["days"], wanted
    for wanted in expect.get("holds", []):
        row = result.of(wanted)
        assert row["lower"] <= wanted["value"] <= row["upper"], wanted


def check_invariants(result: Result) -> None:
    """Bounds are ordered, estimates lie inside, flows are not negative, and every report that is not set aside holds."""
    aside = result.aside()
    assert bool(aside) == bool(result.conflicts())
    for row in result.daily:
        if row["direction"] != "net":
            assert row["lower"] >= 0
            assert row["firm_lower"] >= 0
        if row["upper"] is not None and row["lower"] is not None:
            assert row["lower"] <= row["upper"]
        if row["estimate"] is not None:
            assert truth(row["upper"]) >= row["estimate"] >= (row["lower"] if row["lower"] is not None else -math.inf)
        if not aside:
            assert not row["lower_aside"]
            assert not row["upper_aside"]
            assert row["status"] != "contested"
    for report in result.reports:
        if report["role"] != "constraint" or report["start_time"] or report["per_day"] or report["report_id"] in aside:
            continue
        rows = [
            r
            for r in result.daily
            if r["series"] == report["series"] and report["period_start"] <= r["date"] <= report["period_end"]
        ]
        if any(r["estimate"] is None for r in rows):
            continue
        total, low, high = sum(r["estimate"] for r in rows), report["lower"], report["upper"]
        assert (-math.inf if low is None else low) <= total <= truth(high), (report["report_id"], total, low, high)


def test_every_stage_of_refinement_only_narrows(solve) -> None:
    case = CASES["monotone_refinement"]
    for stage in case["expect"]["stages"]:
        result = solve(case["reports"][: stage["use_first"]], name=f"stage{stage['use_first']}")
        for day in stage["daily"]:
            found = result.day(day["date"])
            assert (found["lower"], found["upper"]) == (day["lower"], day["upper"])


@pytest.mark.parametrize("name", ["correction_supersedes_earlier_value", "as_of_never_sees_the_future"])
def test_the_past_is_asked_as_of_an_instant(name: str, solve) -> None:
    case = CASES[name]
    for i, asked in enumerate(case["expect"]["as_of"]):
        result = solve(case["reports"], as_of=asked["as_of"], name=f"asof{i}")
        found = result.day(asked["date"])
        assert (found["lower"], truth(found["upper"])) == (asked["lower"], truth(asked["upper"]))
        if "active_reports" in asked:
            assert list(found["report_ids"]) == asked["active_reports"]
        assert not result.conflicts()
    now = solve(case["reports"], name="now")
    assert len(now.reports) == case["expect"].get("register_rows", len(case["reports"]))


def test_a_declared_break_bends_the_path_and_never_the_bounds(solve) -> None:
    case = CASES["declared_break_stops_smoothing"]
    bent = solve(case["reports"], breaks=case["settings"]["breaks"], name="bent")
    smooth = solve(case["reports"], name="smooth")
    path = [r["estimate"] for r in sorted(bent.daily, key=lambda r: r["date"])]
    assert path == pytest.approx(case["expect"]["denton_additive_d1_with_break"]["values"], abs=0.51)
    assert [(r["lower"], r["upper"]) for r in bent.daily] == [(r["lower"], r["upper"]) for r in smooth.daily]
    assert path != [r["estimate"] for r in sorted(smooth.daily, key=lambda r: r["date"])]
    assert [r["break_id"] for r in bent.daily if r["break_id"]] == ["b0"]


def test_impossible_rows_are_set_aside_with_their_reason(solve) -> None:
    case = CASES["quarantine_impossible_rows"]
    result = solve(case["reports"])
    assert [r["report_id"] for r in result.reports] == case["expect"]["accepted"]
    found = sorted((q["report_id"], q["reason"]) for q in result.quarantine)
    assert found == sorted((q["report_id"], q["reason"]) for q in case["expect"]["quarantined"])
    assert result.day("2022-09-25")["estimate"] == 8314


def test_a_copy_of_a_row_is_dropped_and_order_does_not_matter(solve) -> None:
    first = solve(
        CASES["week_total_with_three_known_days"]["reports"]
        if "week_total_with_three_known_days" in CASES
        else CASES["determinism"]["reports"],
        name="first",
    )
    shuffled = solve(CASES["order_and_duplicate_rows_do_not_matter"]["reports"], name="shuffled")
    assert (first.out / "daily.parquet").read_bytes() == (shuffled.out / "daily.parquet").read_bytes()


@pytest.mark.parametrize("name", ["hedge_words_to_bounds", "between_needs_two_numbers"])
def test_words_become_bounds(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    parsed = statements_csv.parse(write_csv(tmp_path / "r.csv", case["reports"]).read_bytes()).reports
    encoded = encode.encode(parsed)
    for wanted, (_, row) in zip(case["expect"]["encoded"], encoded.iterrows(), strict=True):
        assert row["lower"] == wanted["lower"]
        assert (math.inf if math.isnan(row["upper"]) else row["upper"]) == truth(wanted["upper"])
        assert row["per_day"] == (wanted.get("per") == "day")


def test_a_day_with_a_clock_change_is_one_day() -> None:
    wanted = CASES["dst_day_is_one_day"]["expect"]["day_instants_utc"]
    day = dt.date.fromisoformat(wanted["day"])
    start, end = (int(x) for x in midnights(day, day, "Europe/Helsinki"))
    assert dt.datetime.fromtimestamp(start, dt.UTC) == dt.datetime.fromisoformat(wanted["start"])
    assert dt.datetime.fromtimestamp(end, dt.UTC) == dt.datetime.fromisoformat(wanted["end"])
    assert end - start == 25 * 3600
    assert ZoneInfo("Europe/Helsinki")


def test_the_r_oracle_comes_out_of_the_door_within_one_person(solve) -> None:
    case = CASES["denton_cholette_r_tempdisagg"]
    result = solve(case["reports"])
    got = [r["estimate"] for r in sorted(result.daily, key=lambda r: r["date"])]
    assert got == pytest.approx(case["expect"]["values"], abs=1)


def test_the_door_needs_no_column_that_says_nothing(tmp_path: Path) -> None:
    content = b"report_id,country,direction,period_start,period_end,value\na,FIN,entry,2022-09-24,2022-09-24,8572\n"
    from flows.judge import judge

    data = settings().data / "reference"
    known = reference.read(
        {n: (data / f"{n}.csv").read_bytes() for n in ("countries", "timezones", "wording", "labels")}
    )
    result = ask.estimate_reports(content, lambda p, r: judge(p, r)[0], known)
    assert result.daily["estimate"].tolist() == [8572]
    assert RULES["V17"].limits["destination_share"] == 0.05
