"""The validation page: what every rule found, readable offline, as one HTML file without any outside reference.

In: rule results per table (plain values), the row accounting and the findings. Out: HTML text. The same results give
the same page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment


def render(
    release: str,
    suites: Sequence[Mapping[str, Any]],
    accounting: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    totals: Mapping[str, int],
    stopped: str = "",
) -> str:
    """The page.

    suites : `name`, `rows` and `rules`, each rule a mapping of rule, reason, severity, action, columns, evaluated, failed
    and samples (mappings; `url` becomes a link). accounting : one mapping per source. findings : rule, severity, number,
    example. totals : big figures at the top. stopped : why the release was stopped, empty when it was not.
    """
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    links = [_safe(suite) for suite in suites]
    return template.render(release=release, suites=links, accounting=accounting, findings=findings,
                           totals=list(totals.items()), stopped=stopped)  # fmt: skip


def _safe(suite: Mapping[str, Any]) -> dict[str, Any]:
    """Only web addresses become links: a register may hold anything."""
    rules = [
        {**r, "samples": [{**s, "url": s.get("url") if str(s.get("url", "")).startswith(("https://", "http://")) else ""}
                          for s in r["samples"]]}
        for r in suite["rules"]
    ]  # fmt: skip
    return {**suite, "rules": rules}
