"""What holds for every publisher's protocol: one abstract class, which the test module of each protocol makes its own.

A protocol states a source, the payloads of one look at it, and a label that can be renamed in them; the laws are then
run on its adapter itself, without the sizes and counts that a source may declare besides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import ClassVar

import pandas as pd
import pytest
from parse_support import payload

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from transforms.parse import registry
from transforms.parse.contract import Parsed, Payload, Question, Span
from transforms.parse.statements_csv import Statements

Found = Parsed | Statements


class ProtocolLaws(ABC):
    """Subclass as `TestLaws` in the module of the protocol.

    Attributes
    ----------
    name : the protocol's.
    renamed : a label as it stands in the payloads, and another of which no mapping knows.
    end_is_marked : whether a payload that was cut anywhere can be told from a whole one; not so for lines of text.
    unread : roles of payloads that serve only to ask.
    """

    name: ClassVar[str]
    renamed: ClassVar[tuple[bytes, bytes]]
    end_is_marked: ClassVar[bool] = True
    unread: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def sample(self) -> tuple[SourceSpec, list[Payload]]:
        """A source of the protocol with its addresses, and the payloads of one look at it."""

    def relabelled(self, content: bytes) -> bytes:
        """A payload in which the label was renamed."""
        return content.replace(*self.renamed)

    # -- what the laws are made of ------------------------------------------------------------------------------------

    def parse(self, payloads: list[Payload]) -> Found:
        found: Found = registry.adapter(self.name).parse(payloads, self.sample()[0])
        return found

    def read_or_refused(self, payloads: list[Payload]) -> Found | None:
        """What was read; None where the payloads were refused, which always comes with a remedy."""
        try:
            return self.parse(payloads)
        except UnreadableInput as told:
            fault = told
        assert fault.remedy
        return None

    def one_changed(self, change: Callable[[bytes], bytes]) -> list[list[Payload]]:
        """The payloads of the sample with one of them changed, each in its turn."""
        whole = self.sample()[1]
        return [
            [replace(payload(change(p.content)), name=p.name) if p is given else p for p in whole]
            for given in whole
            if given.role not in self.unread
        ]

    def asked(self, back: Span | None = None) -> list[Question]:
        """The questions of a look whose answers are the payloads of the sample."""
        spec, payloads = self.sample()
        by_name = {p.name.split(".", 1)[0]: p.content for p in payloads} | {p.role: p.content for p in payloads}
        questions = registry.adapter(self.name).questions(spec, back)
        told: list[Question] = []
        question = next(questions, None)
        while question is not None:
            told.append(question)
            answer = by_name.get(question.name, by_name.get(question.name.split("-", 1)[0], page(spec)))
            try:
                question = questions.send(answer)
            except StopIteration:
                question = None
        return told

    # -- the laws -----------------------------------------------------------------------------------------------------

    def test_the_registry_finds_it_under_the_name_that_a_source_writes(self):
        adapter = registry.adapter(self.name)
        assert adapter.name == self.sample()[0].parser == self.name
        assert isinstance(self.sample()[0].options, adapter.options)
        assert adapter.by_hand == self.sample()[0].by_hand

    def test_the_whole_payloads_give_rows_that_are_all_accounted_for(self):
        found = self.parse(self.sample()[1])
        assert accepted(found) > 0
        assert found.considered == considered(found)

    def test_an_empty_payload_is_refused(self):
        for payloads in [*self.one_changed(lambda _: b""), *self.one_changed(lambda _: b" \r\n")]:
            with pytest.raises(UnreadableInput) as told:
                self.parse(payloads)
            assert told.value.remedy

    def test_a_cut_payload_is_refused_or_gives_no_more_than_the_whole(self):
        whole = self.parse(self.sample()[1])
        for tenths in range(1, 10):
            for payloads in self.one_changed(lambda c, t=tenths: c.rstrip()[: len(c.rstrip()) * t // 10]):
                found = self.read_or_refused(payloads)
                if found is not None:
                    assert not self.end_is_marked
                    assert considered(found) == found.considered <= whole.considered

    def test_another_encoding_is_refused(self):
        for payloads in self.one_changed(lambda c: c.decode("latin-1").encode("utf-16")):
            with pytest.raises(UnreadableInput):
                self.parse(payloads)

    def test_a_renamed_label_is_never_taken_for_a_known_one(self):
        whole = self.sample()[1]
        payloads = [replace(payload(self.relabelled(p.content)), name=p.name) for p in whole]
        assert any(a.content != b.content for a, b in zip(payloads, whole, strict=True)), (
            "the label is not in the sample"
        )
        found = self.read_or_refused(payloads)
        if found is not None:
            assert found.considered == self.parse(whole).considered
            assert accepted(found) < accepted(self.parse(whole))

    def test_the_same_bytes_twice_give_the_same_tables(self):
        for one, two in zip(tables(self.parse(self.sample()[1])), tables(self.parse(self.sample()[1])), strict=True):
            pd.testing.assert_frame_equal(one, two)

    def test_the_same_payload_twice_in_one_look_adds_no_figure(self):
        whole = self.sample()[1]
        last = next(p for p in whole if p.role in ("data", "file"))
        found = self.read_or_refused([*whole, replace(last, name=f"{last.role}-2")])
        if found is not None:
            assert accepted(found) == accepted(self.parse(whole))

    def test_it_asks_only_where_the_source_says_and_always_the_same(self):
        spec, _ = self.sample()
        asked = self.asked()
        assert asked == self.asked()
        assert bool(asked) != spec.by_hand
        assert len({q.name for q in asked}) == len(asked)
        roles = {a.role: a for a in spec.addresses}
        for question in asked:
            stated = roles[question.name.split("-", 1)[0]]
            assert question.address.method == stated.method
            assert host(question.address.url) == host(stated.url)
            assert question.body is None or stated.method == "POST"

    def test_a_look_back_asks_for_the_same_kinds_of_payload(self):
        back = self.asked(Span(date(2015, 1, 1), date(2026, 4, 1)))
        assert {q.name.split("-", 1)[0] for q in back} == {q.name.split("-", 1)[0] for q in self.asked()}

    def test_its_reach_is_that_of_its_periods(self):
        found = self.parse(self.sample()[1])
        reached = registry.adapter(self.name).reach(found)
        periods = tables(found)[0]
        assert reached.first == pd.Timestamp(periods["period_start"].min()).date()
        assert reached.last == pd.Timestamp(periods["period_end"].max()).date() >= reached.first


def accepted(found: Found) -> int:
    """Figures or statements that were read whole."""
    return len(found.observations) if isinstance(found, Parsed) else int((found.reports["unparsed"] == "").sum())


def considered(found: Found) -> int:
    """Rows that the tables account for."""
    return sum(map(len, tables(found))) + (found.unselected if isinstance(found, Parsed) else 0)


def tables(found: Found) -> list[pd.DataFrame]:
    if isinstance(found, Parsed):
        return [found.observations, found.rejected]
    return [found.reports, found.torn]


def host(url: str) -> str:
    return url.split("/", 3)[2]


def page(spec: SourceSpec) -> bytes:
    """A page that links to what the source seeks."""
    links = [a.url.replace("{", "").replace("}", "").split("/", 3)[3] for a in spec.addresses if "{" in a.url]
    return "".join(f'<a href="/{link}">file</a>' for link in links).encode()
