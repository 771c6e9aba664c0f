"""Files in the shapes in which 25 kinds of publishers put such figures; all offices and numbers are invented.

Each habit: name of the file, its bytes, the answers that the file cannot give (at most three), and figures that must come out:
day, country, direction, citizenship, value. `refused` says a word of the sentence where the file must not come in.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import Workbook

Expected = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Habit:
    """One kind of file."""

    name: str
    content: bytes
    answers: Mapping[str, str]
    expected: tuple[Expected, ...] = ()
    rows: int = 0
    refused: str = ""
    note: str = field(default="")


def text(
    name: str, content: str, answers: Mapping[str, str], *expected: Expected, rows: int, encoding: str = "utf-8"
) -> Habit:
    """A file of text."""
    return Habit(name, content.encode(encoding), answers, expected, rows)


def workbook(fill: Callable[[Workbook], None]) -> bytes:
    """The bytes of a workbook."""
    book = Workbook()
    fill(book)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def _ministry(book: Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.title = "Visitors"
    sheet.append(["Visitors by country"])
    sheet.append([])
    sheet.append(["Country", "2022-07", "2022-08", "2022-09"])
    sheet.append(["Finland", 310, 295, 401])
    sheet.append(["Estonia", 120, 133, 150])
    sheet.append([])
    sheet.append(["Source: the office"])


def _merged(book: Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.title = "Data"
    sheet.append(["Visitor arrivals, Georgia"])
    sheet.merge_cells("A1:C1")
    sheet.append(["Country", "2022-08", "2022-09"])
    sheet.append(["Finland", 295, 401])
    sheet.append(["Estonia", 133, 150])
    notes = book.create_sheet("Notes")
    notes.append(["These are the notes of the office"])
    notes.append(["Nothing is counted here"])


def _years(book: Workbook) -> None:
    for year, more in (("2022", 0), ("2023", 6)):
        sheet = book.create_sheet(year)
        sheet.append([f"Visitors in {year}"])
        sheet.append(["Country", "January", "February"])
        sheet.append(["Finland", 300 + more, 310 + more])
        sheet.append(["Estonia", 50 + more, 55 + more])
    del book["Sheet"]


def _list(book: Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.title = "data"
    sheet.append(["country", "date", "value"])
    for day, value in ((21, 812), (22, 930), (23, 1104)):
        sheet.append(["GEO", f"2022-09-{day}", value])


def _parquet() -> bytes:
    kept = io.BytesIO()
    days = pa.array(["2022-09-21", "2022-09-22"]).cast(pa.date32())
    pq.write_table(pa.table({"country": ["KAZ", "KAZ"], "date": days, "value": [7012, 9440]}), kept)
    return kept.getvalue()


_JSONSTAT = {
    "version": "2.0", "class": "dataset", "id": ["Country", "Month"], "size": [2, 2],
    "dimension": {
        "Country": {"category": {"index": ["a", "b"], "label": {"a": "Latvia", "b": "Estonia"}}},
        "Month": {"category": {"index": ["202208", "202209"]}},
    },
    "value": [10, 20, 30, 45],
}  # fmt: skip

_PX = """CHARSET="ANSI";
AXIS-VERSION="2000";
CODEPAGE="utf-8";
MATRIX="B1";
TITLE="Entries by citizenship and month";
CONTENTS="Entries";
UNITS="persons";
STUB="Citizenship";
HEADING="Month";
VALUES("Citizenship")="Russia","Belarus";
VALUES("Month")="2022M08","2022M09";
DATA=
120 455
30 41;
"""

HABITS: tuple[Habit, ...] = (
    text("plain.csv", "country,date,value\nGEO,2022-09-21,812\nGEO,2022-09-22,930\nFIN,2022-09-21,405\n",
         {"counts": "entries of RUS"}, ("2022-09-22", "GEO", "entry", "RUS", 930), rows=3),
    text("semicolons.csv", "Land;Datum;Anzahl\nEstland;21.09.2022;1.204\nLettland;21.09.2022;988\nEstland;22.09.2022;1.310\n"
         "Lettland;22.09.2022;1.007\n", {"counts": "entries of RUS"}, ("2022-09-22", "EST", "entry", "RUS", 1310), rows=4),
    text("tabs.txt", "Страна\tДата\tВъехало\tВыехало\nКазахстан\t21.09.2022\t7012\t3011\nКазахстан\t22.09.2022\t9440\t2950\n",
         {"counts": "crossings of RUS"}, ("2022-09-22", "KAZ", "exit", "RUS", 2950), rows=4, encoding="windows-1251"),
    text("months-right.csv", "Passengers by country\n\nCountry,2022-07,2022-08,2022-09\nFinland,310,295,401\n"
         "Estonia,120,133,150\n", {"counts": "visits"}, ("2022-09-01", "FIN", "entry", "all", 401), rows=6),
    text("months-in-a-year.csv", "Country;Year;Jan;Feb;Mar;Total\nArmenia;2022;10;20;30;60\nArmenia;2023;11;21;31;63\n",
         {"counts": "permits of RUS"}, ("2023-03-01", "ARM", "entry", "RUS", 31), rows=6),
    text("footer.csv", "citizenship,month,entries\nRussia,2022-08,1200\nRussia,2022-09,4410\nBelarus,2022-08,300\n"
         "Belarus,2022-09,322\nSource: Border office\nUpdated on 3 October 2022\n",
         {"counts": "entries", "country": "Georgia"}, ("2022-09-01", "GEO", "entry", "RUS", 4410), rows=4),
    text("year-month.csv", "Year,Month,Arrivals\n2022,July,412\n2022,August,377\n2022,September,690\n",
         {"counts": "visits of RUS", "country": "MNG"}, ("2022-09-01", "MNG", "entry", "RUS", 690), rows=3),
    text("quarters.csv", "Country;Quarter;Number\nArmenia;Q1 2022;1201\nArmenia;Q2 2022;2450\nArmenia;Q3 2022;3110\n",
         {"counts": "permits of RUS"}, ("2022-07-01", "ARM", "entry", "RUS", 3110), rows=3),
    text("us-dates.csv", "port,date,direction,count\nNarva,9/21/2022,In,400\nNarva,9/21/2022,Out,210\nLuhamaa,9/22/2022,In,90\n"
         "Luhamaa,9/22/2022,Out,55\n", {"counts": "crossings of RUS", "country": "EST"},
         ("2022-09-21", "EST", "exit", "RUS", 210), rows=4),
    text("either-way.csv", "country,date,value\nFIN,01/09/2022,310\nFIN,02/09/2022,322\nFIN,03/09/2022,299\n",
         {"counts": "entries of RUS", "dates": "dmy"}, ("2022-09-02", "FIN", "entry", "RUS", 322), rows=3),
    text("weeks.csv", "country,week,value\nFIN,2022-W37,15210\nFIN,2022-W38,50655\nFIN,2022-W39,38900\n",
         {"counts": "entries of RUS"}, ("2022-09-19", "FIN", "entry", "RUS", 50655), rows=3),
    text("week-ends.csv", "country,week ending,value\nFIN,2022-09-18,15210\nFIN,2022-09-25,50655\nFIN,2022-10-02,38900\n",
         {"counts": "entries of RUS"}, ("2022-09-19", "FIN", "entry", "RUS", 50655), rows=3),
    text("month-firsts.csv", "country,date,value\nMNG,2022-07-01,1810\nMNG,2022-08-01,1644\nMNG,2022-09-01,2904\n",
         {"counts": "entries of RUS"}, ("2022-09-01", "MNG", "entry", "RUS", 2904), rows=3),
    text("parts.csv", "country,date,sex,value\nGEO,2022-09-21,F,312\nGEO,2022-09-21,M,500\nGEO,2022-09-22,F,330\n"
         "GEO,2022-09-22,M,600\n", {"counts": "entries of RUS", "as": "sex=sum"},
         ("2022-09-22", "GEO", "entry", "RUS", 930), rows=2),
    text("with-total.csv", "country,date,sex,value\nGEO,2022-09-21,F,312\nGEO,2022-09-21,M,500\nGEO,2022-09-21,Total,812\n"
         "GEO,2022-09-22,F,330\nGEO,2022-09-22,M,600\nGEO,2022-09-22,Total,930\n",
         {"counts": "entries of RUS"}, ("2022-09-22", "GEO", "entry", "RUS", 930), rows=2),
    text("marks.csv", "country,month,value\nLatvia,2022-07,..\nLatvia,2022-08,410 (p)\nLatvia,2022-09,c\n",
         {"counts": "permits of RUS"}, ("2022-08-01", "LVA", "entry", "RUS", 410), rows=3),
    text("thousands.csv", "country,month,value\nKazakhstan,2022-07,485.0\nKazakhstan,2022-08,400.5\nKazakhstan,2022-09,406.1\n",
         {"counts": "entries of RUS", "unit": "1000"}, ("2022-08-01", "KAZ", "entry", "RUS", 400500), rows=3),
    text("row-names.csv", ',country,date,value\n1,"GEO",2022-09-21,812\n2,"GEO",2022-09-22,930\n',
         {"counts": "entries of RUS"}, ("2022-09-22", "GEO", "entry", "RUS", 930), rows=2),
    text("no-header.csv", "GEO,2022-09-21,812\nGEO,2022-09-22,930\nFIN,2022-09-21,405\n",
         {"counts": "entries of RUS"}, ("2022-09-22", "GEO", "entry", "RUS", 930), rows=3),
    text("tags.csv", "country,date,persons\n#country,#date,#affected\nPOL,2022-09-21,8120\nPOL,2022-09-22,9300\n",
         {"counts": "entries of UKR"}, ("2022-09-22", "POL", "entry", "UKR", 9300), rows=2),
    text("utf16.csv", "country\tdate\tvalue\nGEO\t2022-09-21\t812\nGEO\t2022-09-22\t930\n",
         {"counts": "entries of RUS"}, ("2022-09-22", "GEO", "entry", "RUS", 930), rows=2, encoding="utf-16"),
    Habit("office.xlsx", workbook(_ministry), {"counts": "visits"}, (("2022-09-01", "FIN", "entry", "all", 401),), 6),
    Habit("years.xlsx", workbook(_years), {"counts": "visits"}, (("2023-02-01", "EST", "entry", "all", 61),), 8),
    Habit("merged.xlsx", workbook(_merged), {"counts": "visits"}, (("2022-09-01", "FIN", "entry", "all", 401),), 4),
    Habit("list.xlsx", workbook(_list), {"counts": "entries of RUS"}, (("2022-09-22", "GEO", "entry", "RUS", 930),), 3),
    Habit("service.json", json.dumps({"data": {"timeseries": [
        {"data_date": "2022-09-21", "individuals": 4120}, {"data_date": "2022-09-22", "individuals": 4466}]}}).encode(),
        {"counts": "entries of UKR", "country": "POL"}, (("2022-09-22", "POL", "entry", "UKR", 4466),), 2),
    Habit("cube.json", json.dumps(_JSONSTAT).encode(), {"counts": "permits of RUS"},
          (("2022-09-01", "EST", "entry", "RUS", 45),), 4),
    Habit("table.px", _PX.encode(), {"counts": "entries", "country": "GEO"}, (("2022-09-01", "GEO", "entry", "RUS", 455),), 4),
    Habit("frame.parquet", _parquet(), {"counts": "entries of RUS"}, (("2022-09-22", "KAZ", "entry", "RUS", 9440),), 2),
    Habit("stacked.csv", b"country,2022-08,2022-09\nFIN,1,2\ncountry,2022-08,2022-09\nEST,3,4\n", {}, refused="own"),
    Habit("no-period.csv", b"country,sex,value\nFIN,F,10\nFIN,M,20\n", {}, refused="holds a day"),
    Habit("scan.pdf", b"%PDF-1.4 ...", {}, refused="spreadsheet"),
    Habit("old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60), {}, refused=".xlsx"),
    Habit("page.csv", b"<!DOCTYPE html><html><head><title>Not found</title></head></html>", {}, refused="HTML"),
    Habit("words.txt", b"Entries rose in September.\nThe office gave no figures.\n", {}, refused="country,date,value"),
)  # fmt: skip
