"""Writes the recorded payloads of the sources: each in its publisher's format, small, with invented numbers.

Run `python tests/payloads/build.py` after changing one; `expected.json` beside each is written by hand.
"""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime
from pathlib import Path

from openpyxl import Workbook

HERE = Path(__file__).parent
CONFIG = {"maxValues": 100000, "maxCells": 100000, "maxCalls": 30, "timeWindow": 10, "CORS": True}


def write(source: str, name: str, content: bytes) -> None:
    folder = HERE / source
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)


def as_json(value: object, *, bom: bool = False) -> bytes:
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    return (b"\xef\xbb\xbf" if bom else b"") + text.encode()


def variable(code: str, text: str, labels: list[str], codes: list[str] | None = None, **more: object) -> dict:
    return {
        "code": code,
        "text": text,
        "values": codes or [str(k) for k in range(len(labels))],
        "valueTexts": labels,
    } | more


def dimension(label: str, labels: list[str], codes: list[str] | None = None, unit: dict | None = None) -> dict:
    names = codes or [str(k) for k in range(len(labels))]
    category = {"index": {c: k for k, c in enumerate(names)}, "label": dict(zip(names, labels, strict=True))}
    return {"label": label, "category": category | ({"unit": unit} if unit else {})}


def dataset(dimensions: dict[str, dict], value: object, **more: object) -> dict:
    return {
        "class": "dataset",
        "label": "invented for tests",
        "id": list(dimensions),
        "size": [len(d["category"]["index"]) for d in dimensions.values()],
        "dimension": dimensions,
        "value": value,
        "version": "2.0",
    } | more


def workbook(fill: object) -> bytes:
    """A workbook whose bytes depend on its content only."""
    book = Workbook()
    book.properties.created = book.properties.modified = datetime(2026, 1, 1)  # noqa: DTZ001
    fill(book)
    raw = io.BytesIO()
    book.save(raw)
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as given, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in sorted(given.namelist()):
            content = given.read(name)
            if name == "docProps/core.xml":
                start, end = content.index(b"<dcterms:modified"), content.index(b"</dcterms:modified>")
                keep = content.index(b">", start) + 1
                content = content[:keep] + b"2026-01-01T00:00:00Z" + content[end:]
            fixed.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return out.getvalue()


def mongolia() -> None:
    points, ways, months = ["Total", "Altanbulag", "Zamyn-Uud"], ["Inbound", "Outbound"], ["2026-02", "2026-01"]
    name = "mn-nso-border-points"
    write(name, "config.json", as_json(CONFIG))
    variables = [
        variable("Border crossing", "Border crossing", points, elimination=True),
        variable("Direction", "Direction", ways),
        variable("Month", "Month", months),
    ]
    write(
        name,
        "metadata.json",
        as_json({"title": "INVENTED, by border crossing, month", "variables": variables}, bom=True),
    )
    cube = dataset(
        {
            "Border crossing": dimension("Border crossing", points),
            "Direction": dimension("Direction", ways),
            "Month": dimension("Month", months),
        },
        [1500, 1400, 1450, 1350, 300, 280, 310, 290, 900, 850, 880, None],
        status={"11": ".."},
    )
    write(name, "data.json", as_json(cube))

    name = "mn-nso-country-of-origin"
    countries, ways = ["БҮГД", "ОХУ", "Хятад", "Бусад"], ["Орсон", "Гарсан"]
    months = ["2026-01", "2025-12", "2025-11"]
    write(name, "config.json", as_json(CONFIG))
    variables = [
        variable("Улсын нэр", "Улсын нэр", countries),
        variable("Чиглэл", "Чиглэл", ways),
        variable("Сар", "Сар", months),
    ]
    write(name, "metadata.json", as_json({"title": "ЗОХИОСОН", "variables": variables}, bom=True))
    cube = dataset(
        {
            "Улсын нэр": dimension("Улсын нэр", countries),
            "Чиглэл": dimension("Чиглэл", ways),
            "Сар": dimension("Сар", months),
        },
        [*(100, 110, 120, 90, 95, 99), *(40, 41, 42, 30, 31, 32), *(50, 55, 60, 50, 51, 52), *(10, 14, 18, 10, 13, 15)],
    )
    write(name, "data.json", as_json(cube))

    name = "mn-nso-tourists"
    countries, months = ["БҮГД", "ОХУ", "БНСУ"], ["2026-01", "2025-12"]
    write(name, "config.json", as_json(CONFIG))
    variables = [variable("Улсын нэр", "Улсын нэр", countries), variable("Сар", "Сар", months)]
    write(name, "metadata.json", as_json({"title": "ЗОХИОСОН, by year", "variables": variables}))
    columns = [
        {"code": "Улсын нэр", "text": "Улсын нэр", "type": "d"},
        {"code": "Сар", "text": "Сар", "type": "t"},
        {"code": "DT", "text": "ЗОХИОСОН", "type": "c"},
    ]
    figures = [
        ("0", "0", "77"),
        ("0", "1", "66"),
        ("1", "0", "33"),
        ("1", "1", "22"),
        ("2", "0", "44"),
        ("2", "1", ".."),
    ]
    data = [{"key": [a, b], "values": [v]} for a, b, v in figures]
    write(name, "data.json", as_json({"columns": columns, "comments": [], "data": data}, bom=True))


def finland() -> None:
    name = "fi-tulli-border-traffic"
    kinds = [{"code": "", "text": "Total"}, {"code": "E", "text": "Entering"}, {"code": "L", "text": "Leaving"}]
    write(name, "class-Direction.json", as_json({"classification": [{"label": "Direction", "class": kinds}]}, bom=True))
    rows = [
        (["202602", "RU", "E", "V1"], 812),
        (["202602", "RU", "L", "V1"], 798),
        (["202601", "RU", "E", "V1"], 640),
        (["202601", "RU", "L", "V1"], None),
        (["202602", "AA", "E", "V1"], 5120),
        (["202602", "EE", "E", "V1"], 77),
    ]
    write(name, "data.json", as_json([{"keys": k, "vals": [v]} for k, v in rows], bom=True))

    for name, words in (
        ("fi-statfin-accommodation", ("Total", "Russia", "Arrivals", "Nights spent", "Month", "Information")),
        ("fi-visitfinland-accommodation", ("Yhteensä", "Venäjä", "Saapuneet", "Yöpymiset", "Kuukausi", "Tiedot")),
    ):
        total, russia, arrivals, nights, month, contents = words
        months = ["2025M11", "2025M12"]
        write(name, "config.json", as_json(CONFIG))
        variables = [
            variable("Kuukausi", month, months, months, time=True),
            variable("Asuinmaa", "Asuinmaa", [total, russia, "Ruotsi"], ["SSS", "RU", "SE"]),
            variable("Tiedot", contents, [arrivals, nights], ["saapuneet", "yopymiset"]),
        ]
        write(name, "metadata.json", as_json({"title": "INVENTED", "variables": variables}))
        cube = dataset(
            {
                "Kuukausi": dimension(month, months, months),
                "Asuinmaa": dimension("Asuinmaa", [total, russia], ["SSS", "RU"]),
                "Tiedot": dimension(
                    contents, [arrivals], ["saapuneet"], {"saapuneet": {"base": "number", "decimals": 0}}
                ),
            },
            {"0": 9000, "1": 120, "2": 8000},
            status={"3": "."},
            role={"time": ["Kuukausi"], "metric": ["Tiedot"]},
        )
        write(name, "data.json", as_json(cube))


def georgia() -> None:
    def visitors(book: Workbook) -> None:
        cover = book.active
        cover.title = "Contents"
        cover["A1"] = "INVENTED FIGURES"
        sheet = book.create_sheet("Visitors")
        sheet["B2"] = "International visitor trips (invented)"
        sheet["B4"] = "Country of citizenship"
        sheet.merge_cells("B4:B5")
        sheet["C4"] = 2025
        sheet.merge_cells("C4:D4")
        sheet["E4"] = 2026
        sheet["F4"] = "Change %"
        sheet.merge_cells("F4:F5")
        for column, month in zip("CDE", ("November", "December", "January"), strict=True):
            sheet[f"{column}5"] = month
        for row, line in enumerate(
            [
                ("Total", 5000, 6000, 4000, -0.2),
                ("EU", 700, 800, 600, -0.14),
                ("Russia", 1200, 1300, 1100, -0.08),
                ("Türkiye", 900, 950, "-", None),
                ("Atlantis", 3, 2, 1, 0.5),
            ],
            start=6,
        ):
            for column, content in zip("BCDEF", line, strict=True):
                sheet[f"{column}{row}"] = content
        sheet["B12"] = "Note: invented, occupied territories are outside"

    write("ge-gnta-visitors", "file.xlsx", workbook(visitors))

    def entries(book: Workbook) -> None:
        sheet = book.active
        sheet.title = "Border crossings"
        sheet["A3"], sheet["B3"] = "Citizenship", "Direction"
        sheet["C3"], sheet["D3"] = datetime(2026, 1, 1), 46054  # noqa: DTZ001 - the second is 1 February 2026 as a day serial
        lines = [
            ("All foreigners", "Entry", 800, 850),
            (None, "Exit", 790, 840),
            ("Russian Federation", "Entry", 210, 220),
            (None, "Exit", 205, "=C7+10"),
        ]
        for row, line in enumerate(lines, start=4):
            for column, content in zip("ABCD", line, strict=True):
                sheet[f"{column}{row}"] = content
        sheet.merge_cells("A4:A5")
        sheet.merge_cells("A6:A7")
        sheet["A9"] = "Source: invented"

    write("ge-mia-entries", "file.xlsx", workbook(entries))

    name = "ge-geostat"
    countries, quarters = ["Total", "Russia", "Other countries"], ["2025Q3", "2025Q4"]
    write(name, "config.json", as_json({"maxValues": 10000, "maxCalls": 30, "timeWindow": 1, "CORS": True}))
    variables = [variable("Citizenship", "Citizenship", countries), variable("Quarters", "Quarters", quarters)]
    write(name, "metadata.json", as_json({"title": "Inbound visits (invented), thousand", "variables": variables}))
    columns = [
        {"code": "Citizenship", "text": "Citizenship", "type": "d"},
        {"code": "Quarters", "text": "Quarters", "type": "d"},
        {"code": "Inbound visits", "text": "Inbound visits", "type": "c"},
    ]
    figures = [
        ("0", "0", "2100.4"),
        ("0", "1", "1800"),
        ("1", "0", "412.3"),
        ("1", "1", "12.34567"),
        ("2", "0", "9.9"),
        ("2", "1", ".."),
    ]
    write(
        name,
        "data.json",
        as_json({"columns": columns, "data": [{"key": [a, b], "values": [v]} for a, b, v in figures]}),
    )


def kazakhstan() -> None:
    def record(term: str, country: str, *periods: tuple[str, str]) -> dict:
        return {
            "terms": ["741880", term],
            "termNames": ["РЕСПУБЛИКА КАЗАХСТАН", country],
            "periods": [{"date": d, "value": v} for d, v in periods],
        }

    rows = [
        record("1", "Всего", ("30.06.2025", "2500"), ("30.09.2025", "2700")),
        record("2", "СНГ", ("30.06.2025", "2000"), ("30.09.2025", "2100")),
        record("3", "Россия", ("30.06.2025", "610"), ("30.09.2025", "x")),
        record("4", "Узбекистан", ("30.06.2025", "990"), ("30.09.2025", "1 010")),
    ]
    write("kz-bns-visitors", "data.json", as_json(rows, bom=True))
    nodes = [
        {
            "id": "741880",
            "rownum": 0,
            "text": "РЕСПУБЛИКА КАЗАХСТАН",
            "leaf": "false",
            "expanded": "true",
            "measureName": "",
            "y122024": "1234",
            "122024": "1031",
            "y122023": "1111",
            "122023": "994",
            "y122025": "1300.5",
            "122025": "1068",
        }
    ]
    write("kz-taldau", "data.json", as_json(nodes))


def russia() -> None:
    header = "ENG,Trans,Type,Value,ISO_A2,ISO_A3,M49,Date"
    exits = [
        'Finland,Car,Out,"1,234",FI,FIN,246,3/31/2019',
        "Finland,Rail,Out,99,FI,FIN,246,3/31/2019",
        'Kazakhstan,Walk,Out,"12,345",KZ,KAZ,398,6/30/2019',
        "Namibia,Air,Out,7,NA,NAM,516,6/30/2019",
        "Abkhazia,Car,Out,0,XB,XAB,949,12/31/2019",
        "Finland,Tram,Out,5,FI,FIN,246,3/31/2019",
    ]
    entries = [
        'Finland,Car,In,"2,345",FI,FIN,246,3/31/2019',
        "Namibia,Air,In,3,NA,NAM,516,6/30/2019",
        "South Ossetia,Ship,In,0,XS,XOS,950,9/30/2019",
        "Russia,Air,In,11,RU,RUS,643,9/30/2019",
        "Georgia,Air,In,-4,GE,GEO,268,9/30/2019",
    ]
    write("ru-fsb-exits", "data.csv", ("\r\n".join([header, *exits]) + "\r\n").encode())
    write("ru-fsb-entries", "data.csv", ("\r\n".join([header, *entries]) + "\r\n").encode())


def europe() -> None:
    def axis(label: str, *codes: str) -> dict:
        return dimension(label, [f"{label} {c}" for c in codes], list(codes))

    asylum = dataset(
        {
            "freq": axis("Frequency", "M"),
            "unit": axis("Unit", "PER"),
            "citizen": axis("Citizenship", "RU", "TOTAL"),
            "sex": axis("Sex", "T"),
            "applicant": axis("Applicant", "FRST"),
            "age": axis("Age", "TOTAL"),
            "geo": axis("Geo", "EL", "FI"),
            "time": axis("Time", "2026-01", "2026-02"),
        },
        {"2": 35, "0": 120, "1": 125, "4": 900, "6": 800, "3": 40},
        status={"3": "bp", "1": "p"},
        extension={
            "annotation": [{"type": "OBS_PERIOD_OVERALL_LATEST", "title": "2026-02"}],
            "positions-with-no-data": {"freq": [], "citizen": [], "geo": [], "time": []},
        },
    )
    write("eu-eurostat-asylum", "data.json", as_json(asylum))
    permits = dataset(
        {
            "freq": axis("Frequency", "A"),
            "reason": axis("Reason", "TOTAL", "FAM"),
            "citizen": axis("Citizenship", "RU"),
            "duration": axis("Duration", "TOTAL"),
            "unit": axis("Unit", "PER"),
            "geo": axis("Geo", "FI", "DK"),
            "time": axis("Time", "2023", "2024"),
        },
        {"0": 4100, "1": 3900, "4": 1200, "5": 1150},
        status={"1": "b"},
        extension={"positions-with-no-data": {"geo": [1], "time": []}},
    )
    write("eu-eurostat-permits", "data.json", as_json(permits))

    def detections(book: Workbook) -> None:
        sheet = book.active
        sheet.title = "Detections_of_IBC"
        lines = [
            ("Route", "Border type", "Nationality", "NOV2025", "DEC2025", "JAN2026"),
            ("Eastern Borders Route", "Land", "Russia", 5, 7, 9),
            ("Eastern Borders Route", "Land", "Unknown", 0, 1, None),
            ("Central Mediterranean Route", "Sea", "Bangladesh", 400, 380, 410),
            ("Route to the Moon", "Sea", "Egypt", 1, 2, 3),
        ]
        for row, line in enumerate(lines, start=2):
            for column, content in enumerate(line, start=1):
                sheet.cell(row, column, content)

    write("eu-frontex-detections", "file.xlsx", workbook(detections))


if __name__ == "__main__":
    for build in (mongolia, finland, georgia, kazakhstan, russia, europe):
        build()
