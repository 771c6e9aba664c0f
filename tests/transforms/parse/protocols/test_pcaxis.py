"""PC-Axis files are read in the charset they are really in, or refused."""

from __future__ import annotations

import pytest
from parse_support import made, payload
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse

PX = """CHARSET="ANSI";
AXIS-VERSION="2010";
CODEPAGE="{codepage}";
LANGUAGE="es";
TITLE="Entradas (inventado)";
UNITS="personas";
STUB="País";
HEADING="Mes";
VALUES("País")="Rusia","España";
VALUES("Mes")="2026M02","2026M01";
DATA=
10 ".."
30 "."
;
"""


class TestLaws(ProtocolLaws):
    name = "pcaxis"
    renamed = (b"Rusia", b"Ruritania")

    def sample(self):
        return spec(), [payload(text().encode("iso-8859-15"), "file.px")]


def spec(**options):
    return made(
        "pcaxis",
        options,
        {
            "series": {"country": "GEO", "scope": "national", "mode": "all", "direction": "entry"},
            "time": {"dimension": "Mes", "freq": "M", "formats": ["YYYYMmm"]},
            "dimensions": [
                {
                    "dimension": ["País", "Pa\ufffds"],
                    "labels": {
                        "Rusia": {"citizenship": "RUS"},
                        "España": {"citizenship": "ESP"},
                        "Espa\ufffda": {"citizenship": "ESP"},
                    },
                }
            ],
            "symbols": {"..": "Q", ".": "M"},
        },
        addresses=[{"role": "file", "url": "https://office.example/entradas.px"}],
    )


def read(content, **options):
    return parse([payload(content, "file.px")], spec(**options))


def text(codepage="iso-8859-15"):
    return PX.format(codepage=codepage)


@pytest.mark.parametrize("codepage", ["iso-8859-15", "windows-1252", "utf-8"])
def test_the_stated_codepage_is_used(codepage):
    frame = read(text(codepage).encode(codepage)).observations.set_index("payload_locator")
    assert frame.loc["DATA item 1", "value"] == 10
    assert frame.loc["DATA item 3", "citizenship"] == "ESP"
    assert (frame.loc["DATA item 2", "obs_status"], frame.loc["DATA item 2", "status_symbol"]) == ("Q", "..")
    assert (frame.loc["DATA item 4", "obs_status"], frame.loc["DATA item 4", "status_symbol"]) == ("M", ".")
    assert set(frame["unit_text"]) == {"personas"}


def test_utf8_that_claims_to_be_ansi_is_refused_unless_declared():
    with pytest.raises(UnreadableInput, match="expected iso8859-15 text, found UTF-8 bytes"):
        read(text().encode())
    assert len(read(text().encode(), encoding="utf-8").observations) == 4


def test_lost_letters_are_refused_unless_declared_and_then_told():
    damaged = text().replace("í", "\ufffd").replace("ñ", "\ufffd").encode()
    with pytest.raises(UnreadableInput, match="replacement characters"):
        read(damaged)
    parsed = read(damaged, encoding="utf-8", lossy_labels=True)
    assert [note.rule for note in parsed.notes] == ["lost_letters"]
    assert len(parsed.observations) == 4


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('30 "."', "30", "expected 4 figures in DATA, found 3"),
        ("DATA=", "DATEN=", "one DATA section, found 0"),
        ('STUB="País";', "", "expected 2 figures in DATA, found 4"),
        ('VALUES("Mes")', 'VALUES("Monat")', "PC-Axis keywords"),
        ('"Rusia","España"', '"Rusia"', "expected 2 figures"),
        ("\n;\n", "\n", "ends with a semicolon"),
        (PX[:20].format(), "<html><title>Fehler</title>" + PX[:20].format(), "HTML page: Fehler"),
    ],
)
def test_a_torn_file_is_refused(old, new, told):
    assert old in text()
    with pytest.raises(UnreadableInput, match=told):
        read(text().replace(old, new, 1).encode("iso-8859-15"))


def test_html_inside_a_note_is_no_error_page():
    noted = text().replace("DATA=", "NOTE=\"<A HREF='https://example.org'>note</A>\";\nDATA=")
    assert len(read(noted.encode("iso-8859-15")).observations) == 4


def test_lines_of_figures_may_end_in_a_semicolon_each():
    lines = text().replace('10 ".."\n', '10 "..";\n')
    assert len(read(lines.encode("iso-8859-15")).observations) == 4


def test_a_cube_beyond_the_limit_is_refused_before_it_is_built():
    with pytest.raises(UnreadableInput, match="at most 3 cells, found 4"):
        read(text().encode("iso-8859-15"), max_cells=3)


@pytest.mark.parametrize(
    "statement",
    [
        'SOURCE="Register, field DATA=passages";',
        'NOTE="First paragraph";\n"Second paragraph";',
        'NOTEX("Mes")="One; DATA=";\r\n"two";\n"three; VALUES(x)=";',
        'CONTACT="DATA=\n1 2;";',
        'PRECISION("Mes","2026M02")=0;\nSOURCE="a ""quoted"" word";',
    ],
)
def test_words_inside_texts_are_no_keywords(statement):
    noted = text().replace("DATA=", f"{statement}\nDATA=")
    assert read(noted.encode("iso-8859-15")).observations["value"].dropna().tolist() == [30, 10]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("DATA=", '"stray text";\nDATA=', 'text without one: "stray text"'),
        ("DATA=", "NOTE;\nDATA=", "NOTE without ="),
        ("\n;\n", "\n;\nDATA=\n1 2 3 4;\n", "expected 4 figures in DATA, found 9"),
        ('TITLE="Entradas', 'TITLE="Entradas " open', "PC-Axis|one DATA"),
    ],
)
def test_a_statement_that_is_none_is_told_in_plain_words(old, new, told):
    with pytest.raises(UnreadableInput, match=told):
        read(text().replace(old, new, 1).encode("iso-8859-15"))
