"""Judge prepared reports: run the suite on `reports` and hand back, in plain values, which rows fail which rule."""

from __future__ import annotations

from crossings.schema.tables import REPORTS
from expectations import reports, run
from transforms.reports.prepare import Judgement, Prepared
from transforms.reports.reference import Reference


def judge(prepared: Prepared, known: Reference) -> tuple[list[Judgement], list[run.RuleResult]]:
    """Judgements on the rows of `prepared.frame`, and the results behind them for the validation page."""
    pairs = known.timezones["country"] + "|" + known.timezones["timezone"]
    results = run.run(REPORTS.name, reports.suite(known.countries["alpha3"], pairs), prepared.frame)
    return [Judgement(r.rule, r.reason, r.rows) for r in results], results
