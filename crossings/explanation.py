"""From a published number back to what was said: the value, its bounds with proofs in words, reports, conflicts, decisions.

Works on the tables of a release alone; nothing is computed anew.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from crossings import catalog, experience, proofs, regular
from crossings.errors import CrossingsError
from crossings.lake import Release

if TYPE_CHECKING:
    import pandas as pd

_TOLD = ("conflict", "alternative", "window", "V24", "V58")
_WITHHELD = ("withheld",)
_UNKNOWN = "no short stretch around the day has a total that is known to within a third; the bounds stay"
_QUALIFIERS = {"exact": "", "rounded": "", "about": "about ", "nearly": "nearly ", "more_than": "more than ",
               "at_least": "at least ", "less_than": "less than ", "up_to": "up to ", "between": "between "}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """A report as an explanation shows it."""

    report_id: str
    said: str
    window: str
    publisher: str | None
    published_on: str | None
    url: str | None
    role: str
    part: str
    payload_sha256: str | None
    payload_locator: str | None


@dataclass(frozen=True)
class Explanation:
    """Everything behind one day of one series.

    Attributes
    ----------
    lower, upper : the bounds as small sums in words. reports : those whose window covers the day or that stand in a
    proof. alternatives : other statements about exactly this day. conflicts : findings that concern it.
    decisions : the curator's decisions on any of the reports. no_estimate : why there is no point; empty where there is.
    known_over : days of the shortest stretch around the day with a known total. experience : how near such paths came
    elsewhere, in words. official : official figures of citizens of Russia whose period covers the day, or those of the series
    that was named; they bound nothing here.
    """

    date: str
    country: str
    series: str
    estimate: int | None
    no_estimate: str
    status: str
    reliability: int
    known_over: int | None
    experience: str
    lower: str
    upper: str
    interval: str
    break_id: str | None
    reports: list[Source]
    alternatives: list[Source]
    conflicts: list[str]
    decisions: list[str]
    official: list[regular.Figure] = field(default_factory=list)

    def to_json(self) -> str:
        """The explanation for a script."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False, indent=1)

    def __str__(self) -> str:
        value = "no point estimate" if self.estimate is None else f"{self.estimate:,}"
        lines = [
            f"{self.country} {self.date}  {self.series}",
            f"{value}  ({self.status}, reliability {self.reliability} of 5)",
        ]
        lines += [f"  {self.no_estimate}"] if self.no_estimate else []
        lines += [f"  {self.lower}", f"  {self.upper}"]
        if self.known_over and self.estimate is not None and self.status not in ("reported", "derived"):
            days = "day" if self.known_over == 1 else "days"
            lines.append(f"  known over {self.known_over} {days}{f': {self.experience}' if self.experience else ''}")
        lines += [f"  {self.interval}"] if self.interval else []
        lines += [f"  bent by event {self.break_id}"] if self.break_id else []
        for title, part in (("Reports", self.reports), ("Alternatives", self.alternatives)):
            if part:
                lines += ["", title]
                lines += [_line(s) for s in part]
        for name, figures in regular.apart(self.official).items():
            lines += ["", "Official figures" if name == self.series else f"Official figures of {name}"]
            lines += [f"  {figure}" for figure in figures]
        for title, texts in (("Conflicts, and what may be wrong", self.conflicts), ("Decisions", self.decisions)):
            if texts:
                lines += ["", title, *(f"  {text}" for text in texts)]
        return "\n".join(lines)


def _line(source: Source) -> str:
    where = ", ".join(p for p in (source.publisher, source.published_on) if p)
    head = f"  {source.report_id}  {source.said}, {source.window}  [{source.part}]"
    return "\n".join((head, f"      {where}", f"      {source.url or 'no address'}"))


def explain(
    country: str,
    date: str | dt.date,
    *,
    direction: str | None = None,
    series: str | None = None,
    release: str | Release | None = None,
) -> Explanation:
    """The trail behind one day.

    By default entries of the series that stands for the country, as in `headline`. Raises CrossingsError where no report
    and no official figure covers the day: a missing day is not zero.

    >>> print(explain("FIN", "2022-09-21", direction="exit").upper)
    at most 2,965: 22,666 (FIN-195, ...) minus 3,227 (FIN-156, ...) minus ...
    """
    held = release if isinstance(release, Release) else catalog.open_release(release)
    day = catalog.as_date(date)
    rows = catalog.daily(country, release=held)
    name = series or catalog.standing(country, direction or "entry", start=day, end=day, release=held)
    found = rows[(rows["series"] == name) & (rows["date"] == catalog.stamp(day))]
    if not len(found) and not name.startswith(f"{country.upper()}/"):
        raise CrossingsError(
            f"the series {name} is not one of {country.upper()}", "name country and series that belong together"
        )
    asked = {"series": series} if series else {"direction": direction or "entry"}
    official = regular.figures(country, start=day, end=day, release=held, **asked)
    if not len(found) and not official:
        raise CrossingsError(f"no report covers {day} in {name}", "a missing day is not zero; see `crossings show`")
    if not len(found):
        return _of_official(country.upper(), day, name, official)
    cell = {k: (None if _missing(v) else v) for k, v in found.iloc[0].items()}
    reports = catalog.reports(country, release=held)
    findings = catalog.findings(country, release=held)
    decisions = catalog.load("decisions", release=held)
    return replace(_explanation(cell, day, name, reports, findings, decisions), official=official)


def _of_official(country: str, day: dt.date, name: str, official: list[regular.Figure]) -> Explanation:
    """A day of which no statement speaks, but official figures do."""
    return Explanation(
        date=str(day), country=country, series=name, estimate=None,
        no_estimate="no statement covers the day; official figures stand by themselves", status="none", reliability=5,
        known_over=None, experience="", lower="no statement sets a least number", upper="no statement caps it",
        interval="", break_id=None, reports=[], alternatives=[], conflicts=[], decisions=[], official=official,
    )  # fmt: skip


def _explanation(
    cell: dict[str, Any], day: dt.date, name: str, reports: pd.DataFrame, findings: pd.DataFrame,
    decisions: pd.DataFrame,
) -> Explanation:  # fmt: skip
    covering, stamp = list(cell["report_ids"]), catalog.stamp(day)
    low_path, high_path = list(cell["lower_proof"]), list(cell["upper_proof"])
    by_id = reports.set_index("report_id", drop=False)
    figures = figures_of(by_id.loc[sorted({*low_path, *high_path})])
    concerned = {*covering, *low_path, *high_path}
    stated = reports[
        (reports["series"] == name) & (reports["period_start"] == stamp) & (reports["period_end"] == stamp)
    ]
    others = [r for r in stated["report_id"] if r not in concerned]
    everyone = concerned | set(others)
    conflicts = [
        str(f["message"]) for f in findings.to_dict("records")
        if f["rule"] in _TOLD and set(f["report_ids"]) & concerned
        and (f["series"] == name or set(f["report_ids"]) & {*low_path, *high_path})
    ]  # fmt: skip
    return Explanation(
        date=str(day), country=cell["country"], series=name, estimate=cell["estimate"],
        no_estimate=_why_none(cell, withheld(findings, name)), status=cell["status"], reliability=int(cell["reliability"]),
        known_over=cell["known_over"], experience=_experience(cell),
        lower=proofs.of_row(cell, "lower", figures), upper=proofs.of_row(cell, "upper", figures),
        interval="" if cell["pi_lower"] is None else
        f"{cell['pi_level']:.0%} calibrated interval {cell['pi_lower']:,} to {cell['pi_upper']:,}, if unreported days resemble "
        "reported ones",
        break_id=cell["break_id"],
        reports=[source_of(by_id.loc[r], _part(r, covering, low_path, high_path)) for r in sorted(concerned)],
        alternatives=[source_of(by_id.loc[r], str(by_id.at[r, "role"])) for r in others],
        conflicts=conflicts,
        decisions=decided(decisions, everyone),
    )  # fmt: skip


def withheld(findings: pd.DataFrame, series: str) -> str:
    """Why points of a series are withheld: what a gate told, one sentence a rule; else that too little is known around them."""
    told = findings[(findings["series"] == series) & findings["rule"].isin(_WITHHELD)]
    return "; ".join(sorted(str(m) for m in told["message"])) or _UNKNOWN


def decided(decisions: pd.DataFrame, report_ids: Collection[str]) -> list[str]:
    """The curator's decisions on some reports, a line each."""
    told = decisions[decisions["report_id"].isin(list(report_ids))]
    return [f"{d['decision_id']} {d['report_id']} {_decided(d)}: {d['reason']}" for d in told.to_dict("records")]


def _experience(cell: dict[str, Any]) -> str:
    """Of a day whose number is that of a path."""
    told = cell["estimate"] is not None and cell["status"] in ("estimated", "contested")
    return experience.said(cell["known_over"]) if told else ""


def _why_none(cell: dict[str, Any], withheld: str) -> str:
    if cell["estimate"] is not None:
        return ""
    if cell["obs_status"] == "Q":
        return f"withheld: {withheld}"
    if cell["upper"] is None:
        return "no point, because no report caps the day"
    return "no point, because the reports say too little of this day"


def figures_of(reports: pd.DataFrame) -> dict[str, proofs.Figure]:
    """Reports as summands of proofs."""
    return {
        r["report_id"]: proofs.Figure(_number(r["lower"]), _number(r["upper"]), _label(r))
        for r in reports.to_dict("records")
    }


def _number(value: Any) -> float | None:
    return None if _missing(value) else float(value)


def _label(report: Any) -> str:
    """How a proof names a report: its part of the border where it is not the whole, spoken and inferred where it is so."""
    parts = [report["report_id"], window_text(report)]
    if report["scope"] != "national":
        parts.insert(1, report["scope"])
    parts += ["spoken"] if report["speech_mode"] == "spoken" else []
    parts += ["window inferred"] if report["period_basis"] == "inferred" else []
    return f"({', '.join(parts)})"


def window_text(report: Any) -> str:
    """A report's window for people: `2022-09-26`, `2022-09-21 to 2022-09-27`, with clocks where it has them."""
    start, end = (None if _missing(report[c]) else catalog.as_date(report[c]) for c in ("period_start", "period_end"))
    if start is None and end is None:
        return "no window"
    first = f"{start or '?'}{'' if _missing(report['start_time']) else ' ' + report['start_time']}"
    last = f"{end or '?'}{'' if _missing(report['end_time']) else ' ' + report['end_time']}"
    text = first if first == last else f"{first} to {last}"
    return f"each day of {text}" if report["per_day"] else text


def source_of(report: Any, part: str) -> Source:
    """A row of `reports` as an explanation shows it; `part` says what it is there for."""
    unit = {"crossings": ""}.get(report["measure"], f" {report['measure']}")
    low, high, value = (None if _missing(report[c]) else int(report[c]) for c in ("value_low", "value_high", "value"))
    ranged = value is None and low is not None and high is not None
    figure = f"{low:,} and {high:,}" if ranged else "?" if value is None else f"{value:,}"
    per = {"mean_per_day": " a day on average", "each_day": " every day", "max_per_day": " a day at most",
           "min_per_day": " a day at least", "mean_per_week": " a week on average"}.get(report["statistic"], "")  # fmt: skip
    return Source(
        report_id=report["report_id"], said=f"{_QUALIFIERS[report['qualifier']]}{figure}{unit}{per}", window=window_text(report),
        publisher=_or_none(report["publisher"]), published_on=_or_none(report["published_on"]), url=_or_none(report["url"]),
        role=report["role"], part=part, payload_sha256=_or_none(report["payload_sha256"]),
        payload_locator=_or_none(report["payload_locator"]),
    )  # fmt: skip


def _part(report_id: str, covering: list[str], low: list[str], high: list[str]) -> str:
    names = [
        n
        for n, here in (("covers the day", covering), ("lower bound", low), ("upper bound", high))
        if report_id in here
    ]
    return ", ".join(names)


def _decided(decision: dict[str, Any]) -> str:
    if decision["action"] == "recode":
        old, new = (_or_none(decision[c]) or "empty" for c in ("expect", "new_value"))
        return f"recode {decision['field']} {old} → {new}"
    return str(decision["action"])


def _missing(value: Any) -> bool:
    import pandas as pd

    return not isinstance(value, list | tuple) and not hasattr(value, "__len__") and bool(pd.isna(value))


def _or_none(value: Any) -> str | None:
    return None if value is None or _missing(value) else str(value)
