"""The catalogue of rules: complete, unambiguous, and the only source of findings."""

from __future__ import annotations

import ast
import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from crossings.rules import ACTIONS, RULES, Action, Finding, Rule, Severity
from crossings.schema.codes import CODE_LISTS
from crossings.schema.tables import FINDINGS

PRODUCT = ("crossings", "transforms", "expectations", "flows")
CATALOGUE = Path("crossings/rules.py")
NAMING = {"Finding": 0, "Note": 0, "NotAFigure": 0, "Refusal": 1}  # which argument of what names a rule
GIVEN = {"country": "FIN", "report_ids": ["A-1", "A-2"], "gap": 3.0, "date_start": dt.date(2022, 9, 1)}


def modules(root: Path) -> Iterator[tuple[Path, str]]:
    for package in PRODUCT:
        for path in sorted((root / package).rglob("*.py")):
            yield path.relative_to(root), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_rule_says_in_words_what_it_finds(rule: Rule) -> None:
    assert rule.says
    assert not set(rule.says) & set("{}")
    assert rule.action in ACTIONS
    assert all(limit > 0 for limit in rule.limits.values())


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_the_section_that_a_rule_names_is_in_the_method(rule: Rule, root: Path) -> None:
    method = (root / "docs" / "method.md").read_text(encoding="utf-8")
    assert re.search(rf"^#+ {re.escape(rule.section)}\.? ", method, re.MULTILINE)


def test_severities_are_those_of_the_findings_table_and_every_action_is_taken() -> None:
    assert set(get_args(Severity)) == set(CODE_LISTS["severity"])
    assert set(get_args(Action)) == set(ACTIONS) == {rule.action for rule in RULES.values()}


def test_a_sentence_shows_the_limits_of_its_rule() -> None:
    assert "larger than 5 % of" in RULES["V60"].says
    assert "100 times" in RULES["V10"].says
    assert "{" in RULES["V60"].wording


def test_neither_the_catalogue_nor_a_limit_can_be_changed() -> None:
    with pytest.raises(TypeError):
        RULES["V60"] = RULES["V58"]  # type: ignore[index]
    with pytest.raises(TypeError):
        RULES["V60"].limits["share"] = 1  # type: ignore[index]


def test_a_clash_stops_no_series_because_its_bounds_carry_the_doubt() -> None:
    about_clashes = ("conflict", "alternative", "decisions_clash", "V58", "V60", "V73")
    assert {RULES[name].action for name in about_clashes} == {"tell"}
    assert {RULES[name].severity for name in about_clashes} == {"warn", "info"}


def test_a_rule_on_our_own_tables_stops_the_release_under_the_same_id() -> None:
    gate = RULES["V02"].as_gate()
    assert (gate.id, gate.action, gate.severity) == ("V02", "stop_release", "stop")
    assert RULES["V02"].action == "quarantine"


def test_a_finding_has_the_fields_of_its_table() -> None:
    assert {f.name for f in fields(Finding)} | {"status"} == set(FINDINGS.names)


def test_a_finding_is_as_grave_as_its_rule_unless_said_otherwise() -> None:
    assert Finding("V53", table="daily", message="x").severity == "stop"
    assert Finding("V60", table="daily", message="x").severity == "warn"
    assert Finding("unreadable_look", table="reports", message="x", severity="error").severity == "error"


def test_a_finding_of_a_rule_that_is_not_in_the_catalogue_cannot_be_made() -> None:
    with pytest.raises(KeyError, match="no rule V99"):
        Finding("V99", table="daily", message="x")


def test_a_finding_told_under_another_rule_keeps_what_it_is_about() -> None:
    found = Finding("conflict", table="daily", message="they clash", finding_id="conflict-1", **GIVEN)
    grave = found.under("V53", "far apart")
    assert (found.severity, found.under("V60", "far apart").severity) == ("warn", "warn")
    assert (grave.rule, grave.severity, grave.message, grave.finding_id) == ("V53", "stop", "far apart", None)
    assert all(getattr(grave, name) == getattr(found, name) for name in GIVEN)


def test_every_rule_that_the_code_mentions_is_in_the_catalogue(root: Path) -> None:
    unknown = {(str(path), name) for path, text in modules(root) for name in re.findall(r"\b[VS]\d\d\b", text)
               if name not in RULES}  # fmt: skip
    assert unknown == set()


def test_every_rule_that_a_call_names_is_in_the_catalogue(root: Path) -> None:
    named: dict[str, str] = {}
    for path, text in modules(root):
        for node in ast.walk(ast.parse(text)):
            position = NAMING.get(getattr(node.func, "id", "")) if isinstance(node, ast.Call) else None
            if position is not None and len(node.args) > position and isinstance(node.args[position], ast.Constant):
                named[node.args[position].value] = str(path)
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "fault":
                named |= {n.elts[0].value: str(path) for n in [node.value] if isinstance(n, ast.Tuple)}
    assert {"V24", "withheld", "unknown_label", "lost_letters", "formula_without_value"} <= set(named)
    assert {rule: path for rule, path in named.items() if rule not in RULES} == {}


def test_every_rule_of_the_catalogue_is_used(root: Path) -> None:
    texts = [text for path, text in modules(root) if path != CATALOGUE]
    words = {word for text in texts for word in re.findall(r"\w+", text)}
    assert set(RULES) - words == set()


def test_the_catalogue_loads_no_tables(root: Path) -> None:
    program = "import sys, crossings.rules; sys.exit(bool({'pandas', 'pyarrow', 'numpy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=root).returncode == 0
