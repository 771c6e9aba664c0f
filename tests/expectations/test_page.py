"""The validation page: one file, readable offline, and deaf to what a hostile register writes."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest
from published import Published

from expectations import page

HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)> & \' " {{ 7*7 }}'


SAMPLE = {"report_id": "A-1", "url": "https://example.org/a"}


class Elements(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def rule(**changes: Any) -> dict[str, Any]:
    return {"rule": "V05", "reason": "why", "severity": "error", "action": "quarantine", "columns": ["end_day"],
            "evaluated": 779, "failed": 1, "samples": [SAMPLE]} | changes  # fmt: skip


def rendered(*rules: dict[str, Any], stopped: str = "", accounting: list[dict[str, Any]] | None = None) -> str:
    suites = [{"name": "reports", "rows": 779, "rules": list(rules)}]
    counts = [{"source_id": "register", "rows_in": 779, "accepted": 777, "quarantined": 1, "duplicates": 1}]
    findings = [{"rule": "V24", "severity": "warn", "number": 3, "example": HOSTILE}]
    return page.render("rtest", suites, accounting or counts, findings, {"reports": 779}, stopped)


def outside(text: str) -> list[tuple[str, dict[str, str | None]]]:
    """Elements that would load something, or lead somewhere else than a link of a report."""
    return [
        (tag, attributes)
        for tag, attributes in Elements(text).found
        if tag in ("script", "link", "iframe", "img", "object", "embed", "base", "form")
        or "src" in attributes
        or any(name.startswith("on") for name in attributes)
        or (tag != "a" and "href" in attributes)
        or not str(attributes.get("href", "https://")).startswith(("https://", "http://"))
    ]


def test_the_page_of_the_real_register_needs_nothing_from_outside(published: Published) -> None:
    text = (published.lake / "validation" / f"{published.release.name}.html").read_text(encoding="utf-8")
    assert outside(text) == []
    assert "@import" not in text
    assert "url(" not in text
    for shown in ("V05", "V62", "Row accounting", "1180", published.release.name):
        assert shown in text


def test_rule_severity_counts_and_failing_rows_are_shown() -> None:
    text = rendered(rule())
    for shown in ("V05", "error", "quarantine", "779", "A-1", '<a href="https://example.org/a">'):
        assert shown in text


def test_a_rule_that_holds_is_said_to_hold() -> None:
    assert "holds" in rendered(rule(failed=0, samples=[]))


def test_more_failing_rows_than_shown_are_counted() -> None:
    assert "first 1 of 500" in rendered(rule(failed=500))


def test_why_a_release_was_stopped_stands_on_the_page() -> None:
    text = rendered(rule(), stopped=f"V51: {HOSTILE}")
    assert "release stopped" in text
    assert outside(text) == []
    assert "release stopped" not in rendered(rule())


def test_hostile_text_is_shown_and_never_executed() -> None:
    text = rendered(
        rule(reason=HOSTILE, samples=[{"report_id": HOSTILE, "publisher": HOSTILE, "url": "https://x/" + HOSTILE}])
    )
    assert outside(text) == []
    assert "{{ 7*7 }}" in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//host/x", None, ""])
def test_only_web_addresses_become_links(url: str | None) -> None:
    assert "<a " not in rendered(rule(samples=[{"report_id": "A-1", "url": url}]))


def test_the_same_results_give_the_same_page() -> None:
    assert rendered(rule()) == rendered(rule())
