"""A publisher played on this machine answers each address with the payload of its role, and nothing else."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest
from parse_support import RECORDED, sources
from serving import served

from crossings.errors import CrossingsError
from flows.collect import served_copy


def asked(address: str, data: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(address, data=data), timeout=300) as answer:
        return bytes(answer.read())


def test_two_payloads_of_one_address_are_told_apart_by_what_is_asked():
    folder = RECORDED / "fi-tulli-border-traffic"
    with served(sources()["fi-tulli-border-traffic"]) as address:
        place = f"{address}/uljas/graph/api.aspx"
        assert asked(f"{place}?lang=en&atype=class&class=Direction") == (folder / "class-Direction.json").read_bytes()
        assert asked(f"{place}?lang=en&atype=data&Direction=E") == (folder / "data.json").read_bytes()


def test_a_table_is_told_apart_by_its_method_and_a_config_by_its_path():
    folder = RECORDED / "mn-nso-tourists"
    spec = sources()["mn-nso-tourists"]
    table = next(a.url for a in spec.addresses if a.role == "data").split("/", 3)[3].replace(" ", "%20")
    with served(spec) as address:
        assert asked(f"{address}/{table}") == (folder / "metadata.json").read_bytes()
        assert asked(f"{address}/{table}", b"{}") == (folder / "data.json").read_bytes()
        assert asked(f"{address}/api/v1/mn?config") == (folder / "config.json").read_bytes()


def test_a_page_that_nobody_recorded_links_to_the_file():
    spec = sources()["eu-frontex-detections"]
    with served(spec) as address:
        page = asked(f"{address}/what-we-do/monitoring-and-risk-analysis/migratory-map/").decode()
        link = page.partition('href="')[2].partition('"')[0]
        assert asked(address + link) == (RECORDED / spec.id / "file.xlsx").read_bytes()


def test_what_was_not_recorded_is_not_found():
    with served(sources()["eu-eurostat-asylum"]) as address, pytest.raises(urllib.error.HTTPError, match="404"):
        asked(f"{address}/elsewhere")


def test_a_folder_without_payloads_or_a_port_in_use_is_told(tmp_path: Path):
    spec = sources()["eu-eurostat-asylum"]
    with pytest.raises(CrossingsError, match="holds no payloads"):
        served_copy.serve(spec, tmp_path, 0)
    with served(spec) as address, pytest.raises(CrossingsError, match="cannot be used"):
        served_copy.serve(spec, RECORDED / spec.id, int(address.rpartition(":")[2]))
