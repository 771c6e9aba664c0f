"""EMISS: the quarter-end CSV whose codes must agree, and SDMX-ML with its own code lists."""

from __future__ import annotations

import pytest
from parse_support import changed, made, payload, recorded, sources
from protocol_laws import ProtocolLaws

from crossings.errors import UnreadableInput
from transforms.parse.registry import parse


class TestLaws(ProtocolLaws):
    name = "emiss"
    renamed = (b"Walk", b"Tram")
    end_is_marked = False

    def sample(self):
        return sources()["ru-fsb-exits"], recorded("ru-fsb-exits")


@pytest.fixture(scope="module")
def specs():
    return sources()


def test_a_code_exchanged_in_one_row_refuses_the_mirror_file(specs):
    given_ = changed("ru-fsb-exits", "data", lambda c: c.replace(b"Out,99,FI,FIN", b"Out,99,FI,EST"))
    with pytest.raises(UnreadableInput, match="correspond one to one"):
        parse(given_, specs["ru-fsb-exits"])


def test_a_date_inside_a_quarter_refuses_the_mirror_file(specs):
    given_ = changed("ru-fsb-exits", "data", lambda c: c.replace(b"3/31/2019", b"3/30/2019"))
    with pytest.raises(UnreadableInput, match="last day of a period"):
        parse(given_, specs["ru-fsb-exits"])


SDMX = """<?xml version="1.0" encoding="utf-8"?>
<GenericData xmlns="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/message"
 xmlns:generic="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/generic"
 xmlns:structure="http://www.SDMX.org/resources/SDMXML/schemas/v1_0/structure">
<CodeLists><structure:CodeList id="s_strana">
<structure:Code value="398"><structure:Description>Казахстан</structure:Description></structure:Code>
</structure:CodeList></CodeLists>
<DataSet><generic:Series><generic:SeriesKey><generic:Value concept="s_strana" value="398"/></generic:SeriesKey>
<generic:Obs><generic:Time>2019Q1</generic:Time><generic:ObsValue value="12 345"/></generic:Obs>
<generic:Obs><generic:Time>2019Q2</generic:Time><generic:ObsValue value="7"/></generic:Obs></generic:Series></DataSet>
</GenericData>
"""


def emiss_xml():
    return made(
        "emiss",
        {"columns": ["a"], "value": "a"},
        {
            "series": {
                "counterpart": "RUS",
                "scope": "national",
                "mode": "all",
                "direction": "entry",
                "citizenship": "RUS",
            },
            "time": {"dimension": "Time", "freq": "Q", "formats": ["YYYYQq"]},
            "dimensions": [{"dimension": "s_strana", "field": "country", "codes_from": "country"}],
            "thousands": " ",
            "decimal": ",",
        },
        measure="trips",
    )


def test_sdmx_ml_is_read_with_the_names_of_its_own_code_lists():
    frame = parse([payload(SDMX)], emiss_xml()).observations
    assert frame["value"].tolist() == [12_345, 7]
    assert set(frame["country"]) == {"KAZ"}
    assert frame["payload_locator"].tolist() == ["series 1 observation 1", "series 1 observation 2"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<GenericData", '<!DOCTYPE x [<!ENTITY a "b">]><GenericData', "without entities"),
        ("</GenericData>", "", "without entities, found ParseError"),
        ("<generic:Time>2019Q1</generic:Time>", "", "Time and ObsValue"),
        ('concept="s_strana"', 'idea="s_strana"', "concept and value"),
    ],
)
def test_hostile_or_torn_sdmx_is_refused(old, new, told):
    assert old in SDMX
    with pytest.raises(UnreadableInput, match=told):
        parse([payload(SDMX.replace(old, new, 1))], emiss_xml())
