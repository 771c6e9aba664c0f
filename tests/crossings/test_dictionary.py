"""The data dictionary and the rules in docs/ are those that the schema and the catalogue give."""

from __future__ import annotations

from pathlib import Path

from crossings.dictionary import markdown, rules
from crossings.rules import RULES
from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS
from crossings.schema.tables import TABLES


def test_the_dictionary_in_docs_is_the_generated_one(root: Path) -> None:
    assert (root / "docs" / "dictionary.md").read_text(encoding="utf-8") == markdown(), (
        "run `crossings dictionary --write docs/dictionary.md`"
    )


def test_the_rules_in_docs_are_the_generated_ones(root: Path) -> None:
    assert (root / "docs" / "rules.md").read_text(encoding="utf-8") == rules(), (
        "run `crossings dictionary --rules --write docs/rules.md`"
    )


def test_every_rule_is_listed_with_its_sentence_and_its_limits() -> None:
    listed = {line.split("`")[1]: line for line in rules().splitlines() if line.startswith("| `")}
    assert list(listed) == list(RULES)
    for name, rule in RULES.items():
        assert rule.says in listed[name]
        assert all(f"{limit:.4g}" in listed[name] for limit in rule.limits.values())


def test_every_column_and_every_code_is_in_the_dictionary() -> None:
    text = markdown()
    for table in TABLES.values():
        section = text.split(f"\n## {table.name}\n")[1].split("\n## ")[0]
        for column in table.columns:
            assert f"| `{column.name}` | {column.type} |" in section
    for name, codes in CODE_LISTS.items():
        section = text.split("# Code lists")[1].split(f"\n## {name}\n")[1].split("\n## ")[0]
        for code, meaning in codes.items():
            assert f"`{code}` | {meaning}" in section or not code
    for name in OPEN_PATTERNS:
        assert f"\n## {name}\n" in text


def test_the_tables_have_as_many_cells_as_their_headers() -> None:
    for line in (markdown() + rules()).splitlines():
        if line.startswith("| `"):
            cells = line.replace("\\|", "").count("|") - 1
            assert cells in (2, 5, 6), line
