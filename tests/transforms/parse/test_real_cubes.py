"""The publishers' own cubes and workbooks: everything parses and equals the oracles."""

from __future__ import annotations

import json
from collections import OrderedDict
from decimal import Decimal

import pytest
from parse_support import REAL, made, needs_real, real, sources

from crossings.errors import UnreadableInput
from crossings.source.options import PcAxisOptions, TaldauOptions
from transforms.parse.grids import read_book
from transforms.parse.periods import read_period
from transforms.parse.protocols.eurostat import leading_flag
from transforms.parse.protocols.jsonstat import cells, read_cubes
from transforms.parse.protocols.pcaxis import read_px
from transforms.parse.protocols.pxweb import read_limits
from transforms.parse.protocols.taldau import read_tree

pytestmark = needs_real


JSON_STAT = [
    *(f"jsonstat-v1/{n}.json" for n in ("29843", "cso_ie-CIA01", "cso_ie-NQQ25", "eurostat-name_gpd_c-geo_IT")),
    *(f"jsonstat-v1/{n}.json" for n in ("eurostat-name_gpd_c-geo_IT_FR", "eurostat-name_gpd_c")),
    *(f"pxweb-jsonstat2/v1_response_{n}.json" for n in ("fi", "gl", "no", "se")),
    "pxweb-jsonstat2/v2_scb_TAB6471_data.json",
    *(
        f"eurostat-jsonstat2/eurostat_migr_{n}.json"
        for n in ("eipre", "eipre_CH_PT_SE_2010_2023", "pop1ctz", "pop3ctb")
    ),
    "eurostat-jsonstat2/eurostat_migr_eipre_REVERIFY_2026-08-18.json",
]
PX = {"1001": ("utf-8", True), "14001": (None, False), "27067": (None, False), "px-x-0602000000_107": (None, False)}


def same_number(ours, theirs):
    if ours is None:
        return theirs is None or theirs != theirs
    return Decimal(str(ours)) == Decimal(repr(theirs)) or float(ours) == float(theirs)


@pytest.mark.parametrize("path", JSON_STAT)
def test_every_json_stat_file_equals_pyjstat(path):
    from pyjstat import pyjstat

    given = real(path)
    cubes = read_cubes(given, 1_000_000)
    assert len(cubes) == 1
    cube = next(iter(cubes.values()))
    ours = list(cells(cube, given))
    assert len(ours) == cube.size
    raw = json.loads(given.content.decode("utf-8-sig"), object_pairs_hook=OrderedDict)
    if "class" in raw:
        theirs = pyjstat.from_json_stat(raw)
    else:
        theirs = pyjstat.from_json_stat(raw)[0] if isinstance(pyjstat.from_json_stat(raw), list) else None
    frame = theirs[0] if isinstance(theirs, list) else theirs
    assert len(frame) == len(ours)
    assert all(same_number(a.value, b) for a, b in zip(ours, frame["value"], strict=True))
    labels = frame.drop(columns="value").to_numpy().tolist()
    assert [list(c.labels.values()) for c in ours] == [[str(v) for v in row] for row in labels]


def test_sixteen_json_stat_files_are_covered():
    assert len(JSON_STAT) == 16


def test_status_is_kept_beside_values_and_nulls():
    greenland = real("pxweb-jsonstat2/v1_response_gl.json")
    cube = read_cubes(greenland, 10_000)[""]
    marked = [c for c in cells(cube, greenland) if c.symbol == "-"]
    assert marked
    assert all(c.value is None for c in marked)
    population = real("eurostat-jsonstat2/eurostat_migr_pop1ctz.json")
    flags = set(read_cubes(population, 100_000)[""].status.values())
    assert flags >= {"b", "p"}
    assert all(leading_flag(flag) is not None for flag in flags)


def test_swedish_v2_metadata_is_never_taken_for_data():
    with pytest.raises(UnreadableInput, match="entries in value, found 0"):
        read_cubes(real("pxweb-jsonstat2/v2_scb_TAB6471_metadata.json"), 10_000_000)


def test_swedish_v2_config_states_its_ceilings():
    options = sources()["mn-nso-tourists"].options
    limits = read_limits(real("pxweb-jsonstat2/v2_scb_config.json"), options)
    assert limits.max_cells == 150_000


@pytest.mark.parametrize("name", PX)
def test_every_px_file_equals_pyaxis(name, capsys):
    from pyaxis import pyaxis

    encoding, lossy = PX[name]
    given = real(f"px-files/{name}.px")
    ours = read_px(given, PcAxisOptions(parser="pcaxis", encoding=encoding, lossy_labels=lossy)).frame()
    charset = "utf-8" if lossy else "windows-1252" if name == "14001" else "iso-8859-15"
    oracle = pyaxis.parse(str(REAL / f"px-files/{name}.px"), encoding=charset)["DATA"]
    capsys.readouterr()
    assert list(ours.columns) == list(oracle.columns)
    dimensions = [c for c in ours.columns if c != "DATA"]
    assert ours[dimensions].astype(str).to_numpy().tolist() == oracle[dimensions].astype(str).to_numpy().tolist()
    for mine, theirs in zip(ours["DATA"], oracle["DATA"], strict=True):
        if isinstance(theirs, float):
            assert mine == '".."'
        elif theirs == "":
            assert mine == '"."'
        else:
            assert mine == theirs


def test_a_px_file_that_lost_its_letters_is_refused():
    with pytest.raises(UnreadableInput, match="replacement characters"):
        read_px(real("px-files/1001.px"), PcAxisOptions(parser="pcaxis"))


def test_the_taldau_answer_reads_values_and_never_their_internal_ids():
    given = real("kz-taldau/GetIndexTreeData_agriculture_annual.json")
    found = read_tree(given, TaldauOptions(parser="taldau", dimension="Territory"), "A")
    figures = {cell.labels["Period"]: cell.value for cell in found}
    assert len(figures) == 16
    assert figures["2022"] == "9481179839177.98"
    assert "957" not in figures.values()
    assert sorted(figures) == [str(y) for y in range(2010, 2026)]


def test_the_mongolian_catalogue_spells_its_periods_as_we_read_them():
    catalogue = json.loads((REAL / "mn-nso/px_index.json").read_text(encoding="utf-8"))
    months = [e["strt_prd"] for e in catalogue if len(e.get("strt_prd", "")) == 7 and e["strt_prd"][4] == "-"]
    assert months
    for text in months:
        start, end = read_period(text, ["YYYY-MM"], "M")
        assert start.day == 1
        assert end.month == start.month


def test_bridge_workbook_is_read_with_cell_addresses():
    spec = made(
        "workbook",
        {
            "sheet": bridge_sheet(),
            "stub": [[bridge_header()[0]]],
            "levels": [{"dimension": "Column"}],
            "serial_dates": False,
        },
        {"series": {}, "time": {"dimension": "Column", "freq": "A", "formats": ["YYYY"]}},
    )
    limits = {"max_bytes": spec.options.max_uncompressed_bytes, "max_cells": spec.options.max_cells}
    (grid,) = read_book(real("us-cbp-xlsx/master_2008_2024.xlsx"), spec.options.sheet, serials=False, **limits).wanted
    assert len([r for r in grid.rows[1:] if any(v is not None for v in r)]) == 6_802
    assert grid.address(0, 0).endswith("!A1")


def bridge_sheet():
    from openpyxl import load_workbook

    return load_workbook(REAL / "us-cbp-xlsx/master_2008_2024.xlsx", read_only=True).sheetnames[0]


def bridge_header():
    from openpyxl import load_workbook

    book = load_workbook(REAL / "us-cbp-xlsx/master_2008_2024.xlsx", read_only=True)
    return [str(c.value).strip() for c in next(book.worksheets[0].iter_rows(max_row=1))]
