"""The one door of the protocols: whom it knows, what it refuses before a protocol sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
from daily_file import daily, read
from parse_support import payload, sources

from crossings.errors import UnreadableInput
from crossings.source.model import SourceSpec
from transforms.parse.registry import PROTOCOLS, adapter, parse

HERE = Path(__file__).parent


def option_classes():
    """Every class of options that a source's YAML may hold."""
    return get_args(SourceSpec.model_fields["options"].annotation)


def test_every_protocol_has_its_options_and_every_class_of_options_its_protocol():
    named = {name for kind in option_classes() for name in get_args(kind.model_fields["parser"].annotation)}
    assert named == set(PROTOCOLS)
    for name in PROTOCOLS:
        assert adapter(name).name == name
        assert adapter(name).options in option_classes()


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_held_to_the_laws(name):
    text = (HERE / "protocols" / f"test_{name}.py").read_text(encoding="utf-8")
    assert "class TestLaws(ProtocolLaws):" in text
    assert f'name = "{name}"' in text


def test_a_protocol_is_loaded_when_it_is_first_asked_for():
    program = "import sys, transforms.parse.registry as r; r.adapter('table'); print('openpyxl' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_size_bounds_are_kept():
    with pytest.raises(UnreadableInput, match="expected 3 to"):
        read("day,persons\n2022-09-24,1\n", daily(bounds={"min_rows": 3}))
    with pytest.raises(UnreadableInput, match="bytes, found"):
        read("day,persons\n2022-09-24,1\n", daily(bounds={"min_bytes": 1000}))
    with pytest.raises(UnreadableInput, match="at most 1 rows"):
        read("day,persons\n2022-09-24,1\n2022-09-25,1\n", daily(bounds={"max_rows": 1}))
    with pytest.raises(UnreadableInput, match="to 10 bytes"):
        read("day,persons\n2022-09-24,1\n", daily(fetch={"offline": True, "max_bytes": 10}))


def test_no_payload_is_told():
    with pytest.raises(UnreadableInput, match="expected a payload, found none"):
        parse([], sources()["kz-taldau"])
    with pytest.raises(UnreadableInput, match="expected one payload"):
        parse([payload("[]"), payload("[1]")], sources()["kz-taldau"])
