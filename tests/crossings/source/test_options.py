"""What a source may say of its protocol; the rest of each protocol is tested with it."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from crossings.source.closed import ProtocolOptions
from crossings.source.model import SourceSpec
from crossings.source.options import EmissOptions, PxWebOptions, Selection, TableOptions


def test_options_are_told_apart_by_the_name_of_the_protocol():
    kinds = get_args(SourceSpec.model_fields["options"].annotation)
    names = [name for kind in kinds for name in get_args(kind.model_fields["parser"].annotation)]
    assert len(set(names)) == len(names)
    assert all(issubclass(kind, ProtocolOptions) for kind in kinds)
    assert [kind.__name__ for kind in kinds if kind.by_hand] == ["RegisterOptions"]


@pytest.mark.parametrize(
    "said", [{}, {"labels": ["Total"], "every": True}, {"newest": 3, "eliminate": True}, {"newest": 0}]
)
def test_a_selection_says_exactly_one_thing(said):
    with pytest.raises(ValidationError, match=r"exactly one|greater than 0"):
        Selection.model_validate({"variable": "Month"} | said)


def test_figure_columns_are_columns_and_several_need_a_dimension():
    with pytest.raises(ValidationError, match="which is no column"):
        TableOptions(parser="table", columns=("day",), values=("n",))
    with pytest.raises(ValidationError, match="several figure columns need values_as"):
        TableOptions(parser="table", columns=("day", "a", "b"), values=("a", "b"))


def test_options_of_another_protocol_are_not_understood():
    with pytest.raises(ValidationError, match="sheet"):
        PxWebOptions.model_validate({"parser": "pxweb", "format": "json", "select": [], "sheet": "Data"})
    with pytest.raises(ValidationError, match="parser"):
        EmissOptions.model_validate({"parser": "table", "columns": ["a"], "value": "a"})
