"""YAML becomes a source strictly; every fault names the file, the field and what to do."""

from __future__ import annotations

import re

import pytest
from parse_support import LABELS, ROOT, sources

from crossings.errors import CrossingsError
from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS
from crossings.source.labels import label_key
from crossings.source.model import InvalidSource
from crossings.source.reader import load_labels, load_sources, read_source

TEXT = (ROOT / "data" / "sources" / "kz-taldau.yaml").read_text(encoding="utf-8")


def written(tmp_path, text, name="kz-taldau.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_all_sources_load_in_order_of_id():
    found = sources()
    assert list(found) == sorted(found)
    assert {
        "mn-nso-border-points",
        "mn-nso-country-of-origin",
        "mn-nso-tourists",
        "fi-tulli-border-traffic",
        "fi-statfin-accommodation",
        "fi-visitfinland-accommodation",
        "ge-gnta-visitors",
        "ge-mia-entries",
        "ge-geostat",
        "kz-bns-visitors",
        "kz-taldau",
        "ru-fsb-exits",
        "ru-fsb-entries",
        "eu-eurostat-asylum",
        "eu-eurostat-permits",
        "eu-frontex-detections",
    } <= set(found)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("measure: residents", "measure: migrants", "'migrants' is no code of measure"),
        ("confirmed: false", "confirmed: maybe", "confirmed"),
        ("usual_lag_days: 120", "usual_lag_days: soon", "usual_lag_days"),
        ("parser: taldau", "parser: guess", "'guess' found using 'parser' does not match any of the expected tags"),
        ("  dimension: Territory\nmapping", "  dimension: Territory\n  colour: red\nmapping", "colour"),
        ("timezone: Asia/Almaty", "timezone: Asia/Nowhere", "IANA time zone"),
        ("https://taldau.stat.gov.kz/ru/New", "http://taldau.stat.gov.kz/ru/New", "must be an https address"),
        ("direction: entry", "direction: inwards", "'inwards' is no code of direction"),
        ("scope: national", "scope: Everywhere", "is no code of scope"),
        ("formats: YYYY", "formats: MM/DD", "formats"),
        ('symbols: {"-": O', 'symbols: {"-": Z', "'Z' is no code of obs_status"),
        ("to_confirm:", "to_check:", "to_check: Extra inputs"),
        ("title: Arr", "title: A\ntitle: Arr", "stands twice"),
        ("timeout_seconds: 90.0", "timeout_seconds: 0", "timeout_seconds"),
        ("timeout_seconds: 90.0", "verify: false", "verify"),
        ("id: kz-taldau", "id: kz-other", "id is 'kz-other'"),
        ("title:", "title: [", "kz-taldau.yaml"),
    ],
)
def test_a_fault_names_file_field_and_remedy(tmp_path, old, new, told):
    assert old in TEXT
    with pytest.raises(InvalidSource) as fault:
        read_source(written(tmp_path, TEXT.replace(old, new, 1)), LABELS)
    assert fault.value.message.startswith("kz-taldau.yaml")
    assert told in str(fault.value)
    assert fault.value.remedy
    assert isinstance(fault.value, CrossingsError)


def test_yaml_has_no_surprises(tmp_path):
    text = TEXT.replace(
        "РЕСПУБЛИКА КАЗАХСТАН:", "NO: {scope: national}\n        2022-01: {scope: national}\n        off:"
    )
    labels = read_source(written(tmp_path, text), LABELS).series_mapping.dimensions[0].labels
    assert {"NO", "2022-01", "off"} <= set(labels)


def test_bytes_that_are_no_utf8_are_told(tmp_path):
    path = tmp_path / "kz-taldau.yaml"
    path.write_bytes(TEXT.encode("utf-16"))
    with pytest.raises(InvalidSource, match="valid YAML in UTF-8"):
        read_source(path, LABELS)


def test_labels_resolve_to_codes_whatever_their_case():
    spec = sources()["mn-nso-country-of-origin"]
    codes = next(d.codes for d in spec.series_mapping.dimensions if d.codes_from == "country")
    assert (codes["оху"], codes["russia"], codes["namibia"], codes[label_key("Venäjä")]) == ("RUS", "RUS", "NAM", "RUS")
    assert LABELS["iso2"]["na"] == "NAM"


def test_an_unknown_kind_of_labels_is_told(tmp_path):
    with pytest.raises(InvalidSource, match="no kind of the label table"):
        load_sources(ROOT / "data" / "sources", written(tmp_path, "kind,label,language,code\n", "labels.csv"))


def test_a_label_with_two_codes_is_refused(tmp_path):
    table = "kind,label,language,code\ncountry,Congo,en,COG\ncountry,congo,en,COD\n"
    with pytest.raises(InvalidSource, match="means two codes"):
        load_labels(written(tmp_path, table, "labels.csv"))


def test_every_label_maps_to_a_code_of_its_kind():
    codes = {
        "direction": "|".join(CODE_LISTS["direction"]),
        "mode": "|".join(CODE_LISTS["mode"]),
        "total": "total",
        "group": "group",
        "column": "[a-z_]+",
    }
    for kind, table in LABELS.items():
        wanted = r"[1-9]|1[0-2]" if kind.startswith("month.") else codes.get(kind, OPEN_PATTERNS["citizenship"])
        assert all(re.fullmatch(wanted, code) for code in table.values()), kind
