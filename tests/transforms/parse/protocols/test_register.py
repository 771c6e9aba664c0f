"""The statement file: people write it, nobody is asked for it, and its rows are statements, not figures by period."""

from __future__ import annotations

from datetime import date

from parse_support import payload, recorded, sources
from protocol_laws import ProtocolLaws

from transforms.parse.contract import Span
from transforms.parse.registry import adapter, read


class TestLaws(ProtocolLaws):
    name = "register"
    renamed = (b"report_id", b"number of the report")
    end_is_marked = False

    def sample(self):
        return sources()["register"], [payload(recorded("register")[0].content, "data.csv")]


def test_it_reaches_as_far_as_its_statements_speak_of():
    header = "report_id,country,direction,period_start,period_end,value\n"
    file = payload(header + "a,FIN,entry,2022-09-24,2022-09-25,5\nb,FIN,entry,2022-01-01,2022-01-31,9\n", "reports.csv")
    found = read([file], sources()["register"])
    assert adapter("register").reach(found) == Span(date(2022, 1, 1), date(2022, 9, 25))
    assert adapter("register").reach(read([payload(header, "reports.csv")], sources()["register"])) is None


def test_its_file_may_be_larger_than_any_answer_of_a_publisher():
    spec = sources()["register"]
    small = spec.model_copy(update={"fetch": spec.fetch.model_copy(update={"max_bytes": 10})})
    assert read(recorded("register"), small).considered > 0
