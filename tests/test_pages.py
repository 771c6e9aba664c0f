"""The pages for people: sections that code cites are there, links lead somewhere, and what is said twice is said alike."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from crossings import __version__
from crossings.rules import RULES

ROOT = Path(__file__).parents[1]
FOLDERS = (
    "crossings",
    "transforms",
    "expectations",
    "flows",
    "tests",
    "benchmarks",
    "docs",
    "data/register",
    "notebooks",
)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data" / "register" / "README.md"], key=str)
NUMBER = r"\d+(?:\.\d+)?"
CITED = re.compile(rf"[Mm]ethod\.md(?:\)|`)?,? (?:section )?({NUMBER}(?:(?: \([^)]*\))?(?:, | and | to ){NUMBER})*)")


def texts() -> Iterator[tuple[Path, str]]:
    for path in [*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]:
        if path.suffix in (".py", ".md", ".ipynb"):
            yield path, path.read_text(encoding="utf-8")


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)


def sections() -> set[str]:
    return {
        found[1] for found in (re.match(rf"({NUMBER})\.? ", h) for h in headings(ROOT / "docs" / "method.md")) if found
    }


def anchor(heading: str) -> str:
    """The fragment under which a heading is found on the usual hosts."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def test_every_section_of_the_method_that_is_cited_is_there() -> None:
    cited: dict[str, set[str]] = {}
    for path, text in texts():
        for numbers in CITED.findall(re.sub(r"\s*\n[\s#]*", " ", text)):
            for number in re.findall(NUMBER, re.sub(r"\([^)]*\)", "", numbers)):
                cited.setdefault(number, set()).add(str(path.relative_to(ROOT)))
    assert len(cited) > 10
    assert {number: cited[number] for number in cited if number not in sections()} == {}


def test_every_rule_names_a_section_of_the_method() -> None:
    assert {rule.section for rule in RULES.values()} <= sections()


def test_the_sections_of_the_glossary_are_there() -> None:
    named = re.findall(rf"\[({NUMBER})\]", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    assert named
    assert set(named) <= sections()


def test_the_glossary_has_each_word_once() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    words = [word.strip() for row in rows for word in row.split(",") if row != "word"]
    assert len(words) > 50
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not fragment or fragment in {anchor(h) for h in headings(target)}, link


def test_every_decision_that_is_cited_was_taken() -> None:
    for path, text in texts():
        for number in re.findall(r"decisions?/(\d{4})|[Dd]ecision (\d{4})", text):
            assert list((ROOT / "docs" / "decisions").glob(f"{''.join(number)}-*.md")), (path, number)


def test_the_citation_names_this_version_and_licence() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["version"] == __version__
    assert (citation["title"], citation["license"]) == (project["name"], project["license"])


def test_a_commit_is_checked_as_the_build_checks_it_and_nothing_is_fetched_for_that() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {repo["repo"] for repo in hooks} == {"local"}
    build = re.findall(r"^make .*$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    assert [hook["entry"] for repo in hooks for hook in repo["hooks"]] == build


def test_no_test_says_for_itself_how_hard_it_is_tried_or_waits_for_the_clock() -> None:
    own = re.compile(r"max_examples=|deadline=|clock=time\.|(?<!clock\.)\bsleep\(\d|time\.sleep|derandomize=")
    found = {
        str(p.relative_to(ROOT)): own.findall(p.read_text(encoding="utf-8"))
        for p in (ROOT / "tests").rglob("*.py")
        if p not in (Path(__file__), ROOT / "tests" / "conftest.py")
    }
    assert {name: words for name, words in found.items() if words} == {}
