"""The statement file: a CSV in the register's columns, which people write and nobody is asked for.

In: one payload. Out: `Statements`. The columns are those of data/register/README.md; `transforms.parse.statements_csv`
reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossings.source.closed import ProtocolOptions
from crossings.source.model import SourceSpec
from crossings.source.options import RegisterOptions
from transforms.parse import statements_csv
from transforms.parse.contract import Payload, Question, Questions, Span, only, span_of
from transforms.parse.statements_csv import Statements


@dataclass(frozen=True)
class StatementFile:
    """The adapter of a file of statements."""

    name: str
    options: type[ProtocolOptions]

    @property
    def by_hand(self) -> bool:
        """True: the file is at hand."""
        return self.options.by_hand

    def parse(self, payloads: Sequence[Payload], spec: SourceSpec, /) -> Statements:
        """The statements of the one file."""
        payload = only(payloads, spec.id)
        return statements_csv.parse(payload.content, payload.name)

    def questions(self, spec: SourceSpec, back: Span | None = None, /) -> Questions:  # noqa: ARG002
        """None."""
        none: tuple[Question, ...] = ()
        yield from none

    def reach(self, found: Statements, /) -> Span | None:
        """From the first day that a statement speaks of to the last one."""
        return span_of(found.reports)


ADAPTER = StatementFile("register", RegisterOptions)
