"""A country is known by the usual spellings of its name, and by no other."""

from __future__ import annotations

import pytest
from parse_support import LABELS

from crossings.source.labels import label_key
from crossings.source.reader import build_source


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (("Dem. Rep. of the Congo", "Congo, Dem. Rep.", "Congo (Democratic Republic of the)", "DR Congo"), "COD"),
        (("Iran (Islamic Rep. of)", "Iran, Islamic Rep.", "IRAN (ISLAMIC REPUBLIC OF)", "Irán", "Иран", "イラン"), "IRN"),
        (("CHINA, PEOPLES REPUBLIC OF", "China, People’s Rep. of", "中国", "Kiina", "Китай"), "CHN"),
        (("Hong Kong SAR", "China, Hong Kong SAR", "Hong Kong SAR, China"), "HKG"),
        (("Russia", "Rusia", "Rússia", "Rosja", "Russland", "ロシア", "รัสเซีย", "Росія", "Russian Fed."), "RUS"),
        (("UK", "United Kingdom", "Vereinigtes Königreich", "Wielka Brytania", "イギリス"), "GBR"),
        (("Alemania", "Niemcy", "Tyskland", "Saksa", "Allemagne"), "DEU"),
        (("St. Kitts & Nevis", "Saint Kitts and Nevis"), "KNA"),
        (("Korea, Rep.", "Republic of Korea", "KOREA, REPUBLIC OF", "South Korea"), "KOR"),
        (("Stateless",), "other:stateless"),
    ],
)  # fmt: skip
def test_the_usual_spellings_of_a_country(labels, code):
    assert {label: LABELS["country"].get(label_key(label)) for label in labels} == dict.fromkeys(labels, code)


@pytest.mark.parametrize("label", ["Republic of China", "Kongo", "Islands", "Other countries", "Total", "Korea, Dem."])
def test_what_could_be_two_countries_or_none_is_unknown(label):
    assert label_key(label) not in LABELS["country"]


def test_a_month_name_that_two_languages_use_differently_needs_the_language(tmp_path):
    raw = {
        "id": "made", "title": "made", "publisher": "nobody", "licence": {"name": "none", "terms": "none"}, "cadence": "M",
        "timezone": "UTC", "system": "border_control", "measure": "crossings", "fetch": {"offline": True}, "parser": "table",
        "options": {"columns": ["t", "n"], "values": ["n"]}, "confirmed": False, "to_confirm": ["all"],
        "mapping": {"series": {}, "time": {"dimension": "t", "freq": "M", "formats": "MON YYYY"}, "unit": {"text": "x"}},
    }  # fmt: skip
    known = {
        language: build_source(raw | {"language": language}, "made.yaml", LABELS).series_mapping.time.known_months.get(
            "listopad"
        )
        for language in ("pl", "hr", "en")
    }
    assert known == {"pl": 11, "hr": 10, "en": None}
