"""`crossings estimate` and `crossings between`: the estimator without a flow, on a file or on a release."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape

from crossings import catalog, explanation, proofs
from crossings.durable import write_file
from crossings.errors import CrossingsError
from crossings.lake import parquet_bytes
from crossings.schema.tables import TABLES
from crossings.settings import settings
from flows.workspace import read_file
from transforms import ask
from transforms.reports import decisions as decide
from transforms.reports import reference, vintages
from transforms.series import parts
from transforms.tables import daily

_REFERENCE = ("countries", "timezones", "wording")


def estimate_file(
    reports: Path, out: Path, *, decisions: Path | None, events: Path | None, as_of: str | None, periods: Path | None
) -> None:
    """Estimate one file of reports and write its tables as Parquet."""
    from flows.judge import judge

    known = reference.read({n: read_file(settings().data / "reference" / f"{n}.csv") for n in _REFERENCE})
    result = ask.estimate_reports(
        read_file(reports), lambda prepared, ref: judge(prepared, ref)[0], known, name=reports.name,
        decisions=decide.parse(read_file(decisions), decisions.name) if decisions else None,
        events=reference.events(read_file(events)) if events else None,
        as_of=instant(as_of) if as_of else None,
        periods=ask.parse_periods(read_file(periods), periods.name) if periods else None,
        today=pd.Timestamp(dt.datetime.now(dt.UTC).date()),
        part_of=_declared_parts(),
    )  # fmt: skip
    tables = {
        "reports": result.reports,
        "daily": result.daily,
        "findings": result.findings,
        "quarantine": result.quarantine,
    }
    if result.periods is not None:
        tables["periods"] = result.periods
    contents = {name: parquet_bytes(TABLES[name].conform(frame)) for name, frame in tables.items()}
    for name, content in contents.items():
        write_file(out / f"{name}.parquet", content)
    _tell(Console(stderr=True, highlight=False, soft_wrap=True), result, out)


def _declared_parts() -> pd.DataFrame:
    content = read_file(settings().data / "reference" / "checkpoints.csv")
    return parts.declared_parts(reference.table("checkpoints", content))


def _tell(console: Console, result: ask.Estimated, out: Path) -> None:
    counts = result.daily["status"].value_counts().to_dict() if len(result.daily) else {}
    days = ", ".join(f"{n:,} {status}" for status, n in sorted(counts.items())) or "no day is covered"
    console.print(f"{len(result.reports):,} reports accepted, {len(result.quarantine):,} set aside, "
                  f"{result.duplicates:,} exact copies dropped")  # fmt: skip
    for row in result.quarantine.head(10).itertuples():
        console.print(f"[yellow]set aside[/] {row.report_id or row.payload_locator}: {row.reason} ({row.rule})")
    console.print(f"{len(result.daily):,} days: {days}")
    for row in result.findings.loc[result.findings["rule"] == "conflict"].head(10).itertuples():
        console.print(f"[yellow]conflict[/] {row.message}")
    console.print(f"wrote {out}")


def between(
    country: str, start: dt.date, end: dt.date, *, direction: str, series: str | None, json: bool, as_of: str | None
) -> None:
    """Bounds, estimate and proof of the flow over a period of the current release."""
    if end < start:
        raise CrossingsError(f"{end} is before {start}", "give the earlier date first")
    held = catalog.open_release()
    code = country.upper()
    definitions = catalog.load("series", code, release=held)
    name = series or catalog.headline(definitions[definitions["declared"]], direction)
    decisions = catalog.load("decisions", release=held)
    encoded = vintages.encoded(catalog.reports(code, release=held), decisions, instant(as_of) if as_of else None)
    chosen = definitions[definitions["series"] == name]
    if not len(chosen):
        raise CrossingsError(f"there is no series {name!r}", f"see `crossings show {code}`")
    part_of = _declared_parts()
    tied = encoded["series"].isin(daily.related(encoded, definitions, part_of, name))
    built = daily.build(encoded[tied], definitions, catalog.load("events", release=held), part_of=part_of)
    asked = pd.DataFrame(
        {"country": [code], "direction": [chosen["direction"].iloc[0]], "start": [start], "end": [end]}
    )
    found = daily.periods(built, asked)
    found = found[found["series"] == name]
    if not len(found):
        raise CrossingsError(
            f"no report bounds {name} in this period", "a missing day is not zero; ask for another period"
        )
    _say(held, built, found.iloc[0].to_dict(), json=json)


def _say(held: Any, built: daily.Built, row: dict[str, Any], *, json: bool) -> None:
    reports = catalog.reports(row["country"], release=held).set_index("report_id", drop=False)
    proof = sorted({*row["lower_proof"], *row["upper_proof"]})
    figures = explanation.figures_of(reports.loc[proof], built.findings)
    zone = built.series[row["series"]]["timezone"]
    window = explanation.instants(row["period_start"], row["period_end"], zone)
    low, high = (None if pd.isna(row[c]) else int(row[c]) for c in ("lower", "upper"))
    words = {
        end: proofs.sentence(
            proofs.summands(row[f"{end}_proof"], figures, *window, bound, upper=end == "upper"),
            bound,
            upper=end == "upper",
            named=row[f"{end}_proof"],
        )
        for end, bound in (("lower", low), ("upper", high))
    }
    clashes = [f.message for f in built.findings.itertuples() if f.rule == "conflict" and {*f.report_ids} & {*proof}]
    point = None if pd.isna(row["estimate"]) else int(row["estimate"])
    if json:
        shown = {k: (None if not isinstance(v, list) and pd.isna(v) else v) for k, v in row.items()}
        print(
            jsonlib.dumps(shown | {"in_words": words, "conflicts": clashes}, default=str, ensure_ascii=False, indent=1)
        )
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{row['series']}  {row['period_start']} to {row['period_end']}")
    console.print(f"[bold]{'no point estimate' if point is None else f'{point:,}'}[/]")
    console.print(f"  {words['lower']}")
    console.print(f"  {words['upper']}")
    for message in clashes:
        console.print(f"  [yellow]these bounds rest on reports that clash[/]: {escape(message)}")
    for report_id in proof:
        report = reports.loc[report_id]
        console.print(f"  [dim]{report_id}  {report['publisher']}, {report['published_on']}  {report['url']}[/]")


def instant(text: str) -> dt.datetime:
    """An instant from the command line. Raises CrossingsError where it is none."""
    try:
        return vintages.as_instant(text)
    except ValueError as error:
        raise CrossingsError(f"{text!r} is not an instant", "write 2022-09-28 or 2022-09-28T12:00:00Z") from error
