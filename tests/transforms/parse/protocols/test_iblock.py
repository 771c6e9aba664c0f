"""stat.gov.kz: JSON or tab-separated text behind one address."""

from __future__ import annotations

import pytest
from parse_support import changed, payload, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "iblock"
    renamed = ("Россия".encode(), "Руритания".encode())

    def sample(self):
        return sources()["kz-bns-visitors"], recorded("kz-bns-visitors")


@pytest.fixture(scope="module")
def specs():
    return sources()


def test_tab_separated_text_gives_the_same_figures_as_json(specs):
    spec = specs["kz-bns-visitors"]
    text = (
        "\ufeffТерритория\tСтрана\t30.06.2025\t30.09.2025\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tВсего\t2500\t2700\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tСНГ\t2000\t2100\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tРоссия\t610\tx\r\n"
        "РЕСПУБЛИКА КАЗАХСТАН\tУзбекистан\t990\t1 010\r\n"
    )
    columns = ["period_start", "value", "citizenship", "obs_status", "status_symbol", "raw"]
    from_text = parse([payload(text)], spec)
    from_json = parse(recorded("kz-bns-visitors"), spec)
    assert from_text.observations[columns].equals(from_json.observations[columns])
    assert from_text.rejected["rule"].tolist() == from_json.rejected["rule"].tolist()
    assert from_text.observations["payload_locator"].str.fullmatch(r"row \d+ col \d+").all()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04rest", "a zip or xlsx file"),
        (b"%PDF-1.4", "a PDF file"),
        (b"\xd0\xcf\x11\xe0rest", "an old Office file"),
        (b"<!DOCTYPE html><title>404</title>", "HTML page: 404"),
        ("Территория,Страна,30.06.2025\n".encode(), "expected columns Территория, Страна and periods"),
        ("Территория\tСтрана\t30.06.2025\nx\ty\n".encode(), "expected 3 fields in row 2"),
        (b'[{"terms": ["1"], "termNames": ["x"], "periods": []}]', "expected 2 terms"),
        (b'[{"terms": [], "names": []}]', "terms, termNames and periods"),
        (b'{"message": "error"}', "a list of records"),
    ],
)
def test_an_iblock_file_is_sniffed_and_refused(content, told, specs):
    with pytest.raises(UnreadableInput, match=told):
        parse([payload(content)], specs["kz-bns-visitors"])


def test_a_date_that_ends_no_quarter_refuses_the_payload(specs):
    given_ = changed("kz-bns-visitors", "data", lambda c: c.replace(b"30.06.2025", b"01.06.2025"))
    with pytest.raises(UnreadableInput, match="not the last day of a period of frequency Q"):
        parse(given_, specs["kz-bns-visitors"])
