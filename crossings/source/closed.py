"""What every part of a source file is made of: models that refuse what they do not know, lists of texts, checked codes.

In: values as YAML gives them. Out: frozen pydantic models and tuples. Codes are checked against the lists of
`crossings.schema.codes`.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS

AREA = r"[A-Z]{3}"


class Closed(BaseModel):
    """A frozen model that refuses what it does not know and never converts a type silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProtocolOptions(Closed):
    """Options of any protocol.

    `by_hand` is true of a protocol of statements: a file that people write, so that nobody is asked for it and no
    mapping reads it.
    """

    by_hand: ClassVar[bool] = False

    @property
    def file_pattern(self) -> str | None:
        """What the name of the file must fit, where its name says something of its figures; None where it does not matter."""
        return None


def one_or_many(value: object) -> object:
    """A tuple of what YAML gives as one text or as a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


def as_tuple(value: object) -> object:
    """A tuple of what YAML gives as a list."""
    return tuple(value) if isinstance(value, list) else value


def _iso_date(value: object) -> object:
    return date.fromisoformat(value) if isinstance(value, str) and re.fullmatch(r"[0-9-]+", value) else value


IsoDate: TypeAlias = Annotated[date, BeforeValidator(_iso_date)]
Names: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(one_or_many), Field(min_length=1)]
Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


def checked_code(field: str, code: str) -> str:
    """The code itself if it belongs to the field's code list or pattern; ValueError otherwise."""
    if field in ("country", "counterpart"):
        known = re.fullmatch(AREA, code) is not None
        wanted = "three capital letters (ISO 3166-1 alpha-3)"
    elif field in OPEN_PATTERNS:
        known = re.fullmatch(OPEN_PATTERNS[field], code) is not None
        wanted = OPEN_PATTERNS[field]
    else:
        known = code in CODE_LISTS[field]
        wanted = ", ".join(CODE_LISTS[field])
    if not known:
        raise ValueError(f"{code!r} is no code of {field}; known: {wanted}")
    return code
