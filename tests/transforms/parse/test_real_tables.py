"""The publishers' own delimited files: everything parses, traps are caught, and the checked totals come out."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from parse_support import REAL, made, needs_real, payload, real, sources

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse

pytestmark = needs_real


def mirror(path, source):
    return parse([real(path, "data.csv")], sources()[source])


def test_russian_exits_of_2019_add_up_to_the_checked_totals():
    parsed = mirror("ru-border-service/Russia_out_master.csv", "ru-fsb-exits")
    assert (parsed.considered, len(parsed.rejected), parsed.unselected) == (26_160, 0, 0)
    frame = parsed.observations
    year = frame[frame["period_start"].map(lambda d: d.year) == 2019]
    totals = year.groupby("country")["value"].sum()
    assert totals[["KAZ", "FIN", "GEO", "MNG"]].tolist() == [3_417_996, 3_962_865, 1_218_720, 143_854]
    assert frame["country"].nunique() == 214
    assert {"NAM", "XAB", "XOS"} <= set(frame["country"])
    assert (frame["country"] == "NAM").sum() == 130
    assert set(frame["direction"]) == {"entry"}
    assert set(frame["system"]) == {"mirror"}


def test_russian_entries_keep_namibia_and_every_country():
    parsed = mirror("ru-border-service/Russia_in_master.csv", "ru-fsb-entries")
    frame = parsed.observations
    assert (parsed.considered, len(frame), len(parsed.rejected)) == (40_925, 40_925, 0)
    assert (frame["citizenship"] == "NAM").sum() == 205
    assert frame["citizenship"].nunique() == 224
    assert "RUS" in set(frame["citizenship"])


def georgia(columns, value, time, dimensions, **more):
    return made(
        "table",
        {"columns": columns, "values": [value]},
        {
            "series": {
                "country": "GEO",
                "scope": "national",
                "mode": "all",
                "direction": "entry",
                "citizenship": "RUS",
            },
            "time": time,
            "dimensions": dimensions,
        },
        **more,
    )


def ignored(*names):
    return [{"dimension": name, "ignore": True} for name in names]


def total_of(parsed, year):
    frame = parsed.observations
    return int(frame.loc[frame["period_start"].map(lambda d: d.year) == year, "value"].sum())


def test_the_three_georgian_readings_of_2019_stay_apart():
    visitors = georgia(
        ["n", "Country", "Sub_group", "Group", "Year", "Month", "Trips", "TotalTripsYear", "Type of Trips"],
        "Trips",
        {"year": "Year", "month": "Month", "freq": "M", "formats": ["YYYY MONTH"]},
        [
            {"dimension": "Country", "labels": {"Russia": {"citizenship": "RUS"}}},
            {"dimension": "Type of Trips", "labels": {"International Visitor Trips": {"measure": "trips"}}},
            *ignored("n", "Sub_group", "Group", "TotalTripsYear"),
        ],
        system="tourism",
        measure="trips",
    )
    travellers = georgia(
        ["n", "country", "year", "int_travelers_trip", "month", "period", "month_year"],
        "int_travelers_trip",
        {"year": "year", "month": "month", "freq": "M", "formats": ["YYYY MONTH"]},
        [{"dimension": "country", "labels": {"Russia": {}}}, *ignored("n", "period", "month_year")],
        system="tourism",
        measure="trips",
    )
    entries = georgia(
        ["TotalEntries", "Year", "RussiaEntries", "RestEntries"],
        "RussiaEntries",
        {"dimension": "Year", "freq": "A", "formats": ["YYYY"]},
        ignored("TotalEntries", "RestEntries"),
    )
    readings = [
        total_of(parse([real(f"ge-mia/{name}.csv", "data.csv")], spec), 2019)
        for name, spec in (
            ("RussiaTrips", visitors),
            ("salukvadze_fig_1_russia_trips", travellers),
            ("RussiaEntries", entries),
        )
    ]
    assert readings == [1_471_558, 1_792_976, 1_792_824]
    assert readings[1] - readings[2] == 152


def hong_kong(direction="Arrival / Departure"):
    parts = ["Hong Kong Residents", "Mainland Visitors", "Other Visitors"]
    return made(
        "table",
        {
            "columns": ["Date", "Control Point", direction, *parts, "Total"],
            "values": [*parts, "Total"],
            "values_as": "Group",
        },
        {
            "series": {"country": "HKG", "scope": "national", "mode": "all"},
            "time": {
                "dimension": "Date",
                "freq": "D",
                "formats": ["DD-MM-YYYY"],
                "order": "ascending",
                "complete": True,
                "rows_per_period": 32,
            },
            "dimensions": [
                {
                    "dimension": direction,
                    "labels": {"Arrival": {"direction": "entry"}, "Departure": {"direction": "exit"}},
                },
                {
                    "dimension": "Group",
                    "labels": {
                        "Hong Kong Residents": {"citizenship": "HKG"},
                        "Mainland Visitors": {"citizenship": "CHN"},
                        "Other Visitors": {"citizenship": "other:visitors"},
                        "Total": {"citizenship": "all"},
                    },
                },
                {
                    "dimension": "Control Point",
                    "labels": {
                        name: {
                            "scope": f"checkpoint:{name.lower().replace(' ', '-').replace('(', '').replace(')', '')}"
                        }
                        for name in HONG_KONG_POINTS
                    },
                },
            ],
            "totals": [{"dimension": "Group", "total": "Total", "parts": parts}],
        },
    )


def control_points():
    if not REAL.is_dir():
        return []
    text = (REAL / "hk-immd-daily/clean_2021-01_2021-07.csv").read_text(encoding="utf-8-sig")
    return sorted({row["Control Point"] for row in csv.DictReader(io.StringIO(text))})


HONG_KONG_POINTS = control_points()


def test_the_clean_hong_kong_file_passes_whole():
    parsed = parse([real("hk-immd-daily/clean_2021-01_2021-07.csv", "data.csv")], hong_kong())
    assert (parsed.considered, len(parsed.rejected), parsed.unselected) == (6_272 * 4, 0, 0)
    days = parsed.observations["period_start"]
    assert (days.min(), days.max(), days.nunique()) == (date(2021, 1, 1), date(2021, 7, 15), 196)


def test_the_date_swapped_hong_kong_file_is_refused_with_the_rows_concerned():
    with pytest.raises(UnreadableInput, match=r"20,846 of 52,392 rows .* 19,108 of them") as refusal:
        parse([real("hk-immd-daily/dateswapped_2021-01_2025-10.csv", "data.csv")], hong_kong("Distance"))
    assert "YYYY-MM-DD" in str(refusal.value)


def test_its_first_block_names_2688_rows_of_which_2464_are_wrong():
    lines = (REAL / "hk-immd-daily/dateswapped_2021-01_2025-10.csv").read_bytes().split(b"\r\n")
    block = b"\r\n".join(lines[:6_273]) + b"\r\n"
    columns = list(hong_kong("Distance").options.columns)
    spec = made(
        "table",
        {"columns": columns, "values": ["Total"]},
        {
            "series": {"country": "HKG", "scope": "national", "mode": "all", "citizenship": "all", "direction": "both"},
            "time": {"dimension": "Date", "freq": "D", "formats": ["DD-MM-YYYY"]},
            "dimensions": ignored(*columns[1:-1]),
        },
    )
    with pytest.raises(UnreadableInput, match=r"2,688 of 6,272 rows .* 2,464 of them"):
        parse([payload(block, "data.csv")], spec)


def test_the_same_rows_rewritten_in_one_order_are_still_refused():
    """A second save makes every date ISO; then only order and completeness tell."""
    lines = (REAL / "hk-immd-daily/dateswapped_2021-01_2025-10.csv").read_text(encoding="utf-8-sig").splitlines()
    rewritten = [lines[0]]
    for line in lines[1:6_273]:
        day, rest = line.split(",", 1)
        iso = day if day[4] == "-" else f"{day[6:]}-{day[3:5]}-{day[:2]}"
        rewritten.append(f"{iso},{rest}")
    spec = hong_kong("Distance")
    time = spec.mapping.time
    for claims in ({"order": "ascending"}, {"complete": True, "order": "any"}):
        only = {"formats": ("YYYY-MM-DD",), "order": "any", "complete": False, "rows_per_period": None} | claims
        changed = spec.model_copy(
            update={"mapping": spec.mapping.model_copy(update={"time": time.model_copy(update=only)})}
        )
        with pytest.raises(UnreadableInput, match=r"order|period"):
            parse([payload("\n".join(rewritten), "data.csv")], changed)


def ukraine():
    return made(
        "table",
        {"columns": ["date", "individuals", "cumsum"], "values": ["individuals"]},
        {
            "series": {
                "country": "UKR",
                "scope": "national",
                "mode": "land",
                "direction": "exit",
                "citizenship": "all",
            },
            "time": {"dimension": "date", "freq": "D", "formats": ["YYYY-MM-DD"]},
            "dimensions": ignored("cumsum"),
        },
    )


def test_the_double_dates_of_may_2023_are_caught():
    parsed = parse([real("unhcr-ukraine-vintages/timeseries_2023-05-17T130941Z_ff9c83e.csv", "data.csv")], ukraine())
    assert Counter(parsed.rejected["rule"]) == {"duplicate_key": 6}
    dates = {json.loads(r)["labels"]["date"] for r in parsed.rejected["record"]}
    assert dates == {"2023-05-10", "2023-05-11", "2023-05-12"}
    assert not set(parsed.observations["period_start"]) & {date(2023, 5, d) for d in (10, 11, 12)}
    before = parse([real("unhcr-ukraine-vintages/timeseries_2023-05-10T131548Z_c2310c2.csv", "data.csv")], ukraine())
    assert before.rejected.empty


@pytest.mark.slow
def test_all_220_vintages_parse_and_show_revisions():
    with zipfile.ZipFile(REAL / "unhcr-ukraine-vintages/timeseries_vintages.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".csv"))
        vintages = [archive.read(n) for n in names]
    assert len(names) == 220
    spec = ukraine()
    known: list[dict[date, int]] = []
    for content in vintages:
        frame = parse([payload(content, "data.csv")], spec).observations
        known.append(dict(zip(frame["period_start"], frame["value"], strict=True)))
    changed = sum(
        1
        for earlier, later in pairwise(known)
        if any(later.get(day, figure) != figure for day, figure in earlier.items())
    )
    assert changed >= 124
    first_day = list(dict.fromkeys(v[date(2022, 2, 24)] for v in known if date(2022, 2, 24) in v))
    told = [first_day.index(figure) for figure in (79_208, 85_382, 84_681, 79_982, 79_209)]
    assert told == sorted(told)
    assert len(first_day) == 11


def test_frontex_detections_of_the_eastern_borders_in_2022():
    spec = made(
        "table",
        {"columns": ["route", "type", "nat", "t", "n"], "values": ["n"]},
        {
            "series": {"country": "EUE", "direction": "entry", "scope": "national"},
            "time": {"dimension": "t", "freq": "M", "formats": ["YYYY-MM-DD"]},
            "dimensions": [
                {"dimension": "nat", "field": "citizenship", "as_code": True},
                {
                    "dimension": "type",
                    "labels": {"Land": {"mode": "land"}, "Sea": {"mode": "sea"}, "Air": {"mode": "air"}},
                },
                {
                    "dimension": "route",
                    "labels": {"Eastern Borders Route": {"scope": "district:eastern-borders-route"}},
                    "unselected": frontex_routes(),
                },
            ],
        },
        measure="detections",
    )
    parsed = parse([real("iom-gdidata/frontex.from_rda.csv", "data.csv")], spec)
    frame = parsed.observations
    assert int(frame.loc[frame["period_start"].map(lambda d: d.year) == 2022, "value"].sum()) == 6_332
    assert parsed.considered == 34_273
    assert parsed.considered == len(frame) + len(parsed.rejected) + parsed.unselected


def frontex_routes():
    frame = pd.read_csv(REAL / "iom-gdidata/frontex.from_rda.csv", usecols=["route"], keep_default_na=False)
    return sorted(set(frame["route"]) - {"Eastern Borders Route"})


def test_malaysian_month_first_reading_is_refused_and_day_first_passes():
    def spec(order):
        return made(
            "table",
            {
                "columns": [
                    "Date",
                    "Country",
                    "Migration State",
                    "Arrivals",
                    "Arrivals: Gender Male",
                    "Arrivals: Gender Female",
                ],
                "values": ["Arrivals", "Arrivals: Gender Male", "Arrivals: Gender Female"],
                "values_as": "Sex",
            },
            {
                "series": {"country": "MYS", "scope": "national", "mode": "all", "direction": "entry"},
                "time": {"dimension": "Date", "freq": "M", "formats": [order]},
                "dimensions": [
                    {"dimension": "Country", "field": "citizenship", "codes_from": "country"},
                    {
                        "dimension": "Migration State",
                        "labels": {"Johor": {"scope": "district:johor"}},
                        "unselected": states(),
                    },
                    {
                        "dimension": "Sex",
                        "labels": {"Arrivals": {}},
                        "unselected": ["Arrivals: Gender Male", "Arrivals: Gender Female"],
                    },
                ],
                "totals": [{"dimension": "Sex", "total": "Arrivals"}],
            },
        )

    lines = (REAL / "my-arrivals/arrivals_soe.csv").read_bytes().splitlines(keepends=True)
    given = payload(b"".join([lines[0], *lines[1::9]]), "data.csv")
    with pytest.raises(UnreadableInput, match=r"first day of a period"):
        parse([given], spec("M/D/YYYY"))
    parsed = parse([given], spec("D/M/YYYY"))
    assert parsed.considered == len(lines[1::9]) * 3
    assert parsed.observations["period_start"].nunique() == 54


def states():
    frame = pd.read_csv(REAL / "my-arrivals/arrivals_soe.csv", usecols=["Migration State"], encoding="utf-8-sig")
    return sorted(set(frame["Migration State"]) - {"Johor"})


def test_repeated_keys_of_honduras_and_mexico_are_all_caught():
    for name, repeated in (("honduras", 33), ("mexico", 49)):
        spec = made(
            "table",
            {"columns": ["t", "nat", "n"], "values": ["n"]},
            {
                "series": {"country": "HND", "scope": "national", "mode": "land", "direction": "entry"},
                "time": {"dimension": "t", "freq": "M", "formats": ["YYYY-MM-DD"]},
                "dimensions": [{"dimension": "nat", "field": "citizenship", "as_code": True}],
            },
        )
        parsed = parse([real(f"iom-gdidata/irreg_{name}_nat.from_rda.csv", "data.csv")], spec)
        doubled = parsed.rejected[parsed.rejected["rule"].isin(["duplicate_key", "V22"])]
        keys = {(json.loads(r)["labels"]["t"], json.loads(r)["labels"]["nat"]) for r in doubled["record"]}
        assert len(keys) == repeated
        assert not parsed.observations.duplicated(["period_start", "citizenship"]).any()
