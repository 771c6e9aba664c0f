"""What the estimator has to tell: conflicts, what may be wrong, steps that fell back, as findings.

In: solved series, what tied series say together, and the figures of the reports. Out: rows of the findings table
(method.md 4.3, 4.4, 4.7 and the rules V32 to V36, V58, V60, V70 and V73 of section 8).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from crossings.rules import RULES, Finding
from transforms.estimator.days import Days
from transforms.estimator.explanations import Cluster, Explained
from transforms.estimator.results import Conflict, Fallback
from transforms.estimator.single import SolvedSeries
from transforms.estimator.statements import CODED, Statements
from transforms.estimator.stretch import Stretch
from transforms.estimator.together import Together
from transforms.findings import identifier

OFFICIAL_TIER = 1


@dataclass(frozen=True)
class Named:
    """How a report is called in a message: its publisher and its figure as text."""

    publisher: str
    figure: str


Names = Mapping[str, Named]
Told = Iterator[Finding]


def of_series(
    result: SolvedSeries, definition: Mapping[str, Any], names: Names, elsewhere: frozenset[str] = frozenset()
) -> Told:
    """What is to be told of one series by itself; clashes among reports `elsewhere` are told with those of tied series."""
    for conflict in result.conflicts:
        if not elsewhere.issuperset(conflict.report_ids):
            yield from _within(conflict, result.days, definition, names)
    series, country = str(definition["series"]), str(definition["country"])
    for group in result.explained:
        if not elsewhere.issuperset(i for block in group.blocks for i in block.report_ids):
            for cluster in group.clusters:
                mine = _conflicts_of(cluster, result.conflicts)
                yield from _alternatives(cluster, mine, result.days, series, country, names)
            yield from _decisions_clash(group, series, country)
    yield from _off_by_a_day(result.reported, result.loose, result.days, series, country, names)
    for fallback in result.fallbacks:
        yield _fell_back(fallback, result.days, series, country)


def of_tied(together: Together, definition_of: Callable[[str], Mapping[str, Any]], names: Names) -> Told:
    """What is to be told of tied series, beyond what each tells by itself."""

    def country_of(series: str) -> str:
        return str(definition_of(series)["country"])

    for stretch in together.stretches:
        for conflict in stretch.conflicts:
            definition = definition_of(conflict.series[0])
            if conflict.identities:
                yield from _between(conflict, stretch, definition, names)
            else:
                yield from _within(conflict, stretch.days, definition, names)
        for group in stretch.explained:
            for cluster in group.clusters:
                mine = _conflicts_of(cluster, stretch.conflicts)
                series = mine[0].series[0] if mine else stretch.said.members[stretch.said.reported[0]]
                yield from _alternatives(cluster, mine, stretch.days, series, country_of(series), names)
            series = stretch.said.members[stretch.said.reported[0]]
            yield from _decisions_clash(group, series, country_of(series))
        for m, series in enumerate(stretch.said.members):
            s = stretch.said.statements.take(stretch.said.statements.member == m)
            yield from _off_by_a_day(s, stretch.loose, stretch.days, series, country_of(series), names)
        for fallback in stretch.fallbacks:
            yield _fell_back(fallback, stretch.days, fallback.series[0], country_of(fallback.series[0]))
    for fallback in together.fallbacks:
        yield _fell_back(fallback, together.days, fallback.series[0], country_of(fallback.series[0]))


def of_clashing_stretches(together: Sequence[Together]) -> frozenset[str]:
    """Reports whose clashes are told with those of the series they are tied to: bounds and points are those found there."""
    return frozenset(i for group in together for s in group.stretches if s.loosened for i in s.said.report_ids)


def _conflicts_of(cluster: Cluster, conflicts: Sequence[Conflict]) -> list[Conflict]:
    return [c for c in conflicts if cluster.report_ids & set(c.report_ids)]


def _alternatives(
    cluster: Cluster, conflicts: Sequence[Conflict], days: Days, series: str, country: str, names: Names
) -> Told:
    """One finding an admitted explanation; the leading one says so. V58 where a final official figure may be wrong."""
    gap = max((c.gap for c in conflicts), default=None)
    dates = days.dates_of(min(c.start for c in conflicts), max(c.end for c in conflicts)) if conflicts else (None, None)
    for correction in cluster.corrections:
        called = _called(correction.report_ids, names)
        verb = "is" if len(correction.report_ids) == 1 else "are all"
        found = Finding(
            "alternative", table="daily", series=series, country=country, report_ids=correction.report_ids,
            observed=f"cost {correction.cost}", expected="leads" if correction == cluster.leading else "",
            gap=gap, date_start=dates[0], date_end=dates[1],
            message=f"if {called} {verb} wrong, all other reports agree",
        )  # fmt: skip
        yield found
        if correction.tier == OFFICIAL_TIER:
            yield found.under("V58", f"{called}, a final official figure, may be wrong; decide which report is")


def _off_by_a_day(
    statements: Statements, loose: frozenset[str], days: Days, series: str, country: str, names: Names
) -> Told:
    """Inferred windows that the estimate does not follow as they were coded, one finding a report."""
    coded = statements.take(statements.reading == CODED)
    for report_id in sorted(loose.intersection(coded.report_id)):
        mine = coded.take(coded.of([report_id]))
        first, last = days.dates_of(int(mine.start.min()), int(mine.end.max()))
        period = str(first) if first == last else f"{first} to {last}"
        message = f"{_called([report_id], names)} does not fit the other reports if its inferred window is {period}"
        yield Finding(
            "window", table="daily", series=series, country=country, report_ids=(report_id,),
            date_start=first, date_end=last, observed=period, expected="off by a day", message=message,
        )  # fmt: skip


def _decisions_clash(group: Explained, series: str, country: str) -> Told:
    if group.unprotected:
        ids = tuple(sorted(group.contested))
        yield Finding(
            "decisions_clash", table="daily", series=series, country=country, report_ids=ids,
            message=f"decisions prefer reports that cannot all hold: {', '.join(ids)}; none of them is protected here",
        )  # fmt: skip


def _within(conflict: Conflict, days: Days, definition: Mapping[str, Any], names: Names) -> Told:
    """A conflict among the reports of one series, and whether it is too large."""
    series, country, unit = (str(definition[k]) for k in ("series", "country", "measure"))
    found = _of_one_series(conflict, days, series, country, unit, names)
    yield found
    yield from _too_large(found, max(conflict.most, conflict.least))


def _of_one_series(conflict: Conflict, days: Days, series: str, country: str, unit: str, names: Names) -> Finding:
    first, last = days.dates_of(conflict.start, conflict.end)
    period = str(first) if first == last else f"{first} to {last}"
    said = f"at least {conflict.least:,.0f}", f"at most {conflict.most:,.0f}"
    about = Finding(
        "conflict", table="daily", series=series, country=country, message=describe(conflict, names, period, unit)
    )
    return _over(about, (first, last), conflict.report_ids, *said, gap=conflict.gap)


def describe(conflict: Conflict, names: Names, period: str, unit: str) -> str:
    """A conflict within one series in plain words: reports, publishers, figures, and what would settle it.

    Parameters
    ----------
    names : publisher and figure of each report id; an id without a name stands for itself.
    period : the span of the set as text, for example `2022-09-21 to 2022-09-27`.
    unit : what is counted, for example `crossings`.
    """
    changes = "; ".join(
        f"{'raise' if c.side == 'upper' else 'lower'} {c.report_id} from {c.before:,.0f} to {c.after:,.0f}"
        for c in conflict.changes
    )
    least = (
        f"{_called(conflict.at_least, names)} {'gives' if len(conflict.at_least) == 1 else 'together give'}"
        f" at least {conflict.least:,.0f}"
        if conflict.at_least
        else "a flow cannot be negative"
    )
    verb = "gives" if len(conflict.at_most) == 1 else "together give"
    return (
        f"CONFLICT gap={conflict.gap:,.0f} {unit}: {_called(conflict.at_most, names)} {verb} at most"
        f" {conflict.most:,.0f} for {period}; {least}. Smallest change, one of: {changes}"
    )


def _called(ids: Iterable[str], names: Names) -> str:
    return ", ".join(f"{i} ({said})" if (said := _name(i, names)) else i for i in ids)


def _name(report_id: str, names: Names) -> str:
    name = names.get(report_id)
    return "" if name is None else ", ".join(p for p in (name.publisher, name.figure) if p)


def _between(conflict: Conflict, stretch: Stretch, definition: Mapping[str, Any], names: Names) -> Told:
    """A conflict among the reports of several series, and whether it is too large."""
    first, last = stretch.days.dates_of(conflict.start, conflict.end)
    under = "; ".join(map(str, conflict.identities))
    called = _called(conflict.report_ids, names)
    message = f"CONFLICT gap={conflict.gap:,g} crossings: {called} cannot all hold under {under}, {first} to {last}"
    series, country = str(definition["series"]), str(definition["country"])
    about = Finding("conflict", table="daily", series=series, country=country, message=message)
    found = _over(about, (first, last), conflict.report_ids, called, under, gap=conflict.gap)
    yield found
    s = stretch.said.statements
    here = s.of(conflict.report_ids)
    ends = np.abs(np.concatenate((s.lower[here], s.upper[here])))
    yield from _too_large(found, float(ends[np.isfinite(ends)].max(initial=0.0)))


def _too_large(conflict: Finding, total: float) -> Told:
    """V60: a conflict with too large a share of the total of its period, which a curator should decide."""
    gap = conflict.gap or 0.0
    if gap > RULES["V60"].limits["share"] * total:
        share = f"{gap / total:.0%} of {total:,.0f}" if total else "more than all"
        message = f"the conflict of {', '.join(conflict.report_ids)} is as large as {gap:,.0f}, {share}"
        yield conflict.under("V60", f"{message}; decide which report is wrong")


def often_in_conflict(found: Iterable[Finding]) -> Told:
    """V73: reports that stand in several irreducible sets; they come first in a review."""
    often = int(RULES["V73"].limits["sets"])
    sets: dict[tuple[str, str], list[Finding]] = {}
    for conflict in found:
        if conflict.rule == "conflict":
            for report_id in conflict.report_ids:
                sets.setdefault((str(conflict.series), str(report_id)), []).append(conflict)
    for (_, report_id), mine in sorted(sets.items(), key=lambda item: item[0]):
        if len(mine) >= often:
            yield replace(
                mine[0].under("V73", f"{report_id} stands in {len(mine)} conflicts; look at it first"),
                date_start=min(c.date_start for c in mine if c.date_start),
                date_end=max(c.date_end for c in mine if c.date_end),
                report_ids=(report_id,),
                observed=f"{len(mine)} irreducible sets",
                expected=f"fewer than {often}",
                gap=max(c.gap or 0.0 for c in mine),
            )


def _fell_back(fallback: Fallback, days: Days, series: str, country: str) -> Finding:
    """V70: no step falls back in silence; steps that fall back over the same days are told one by one."""
    dates = days.dates_of(fallback.start, fallback.end)
    place = (series, country, *dates, sorted(fallback.report_ids), fallback.step, fallback.expected)
    about = Finding(
        "V70", table="daily", series=series, country=country, message=fallback.message,
        finding_id=identifier("V70", "daily", *place),
    )  # fmt: skip
    return _over(about, dates, fallback.report_ids, fallback.observed, fallback.expected)


def _over(
    about: Finding,
    dates: tuple[dt.date, dt.date],
    report_ids: Sequence[str],
    observed: str,
    expected: str,
    gap: float | None = None,
) -> Finding:
    """A finding with the dates and reports it concerns, and what was and should have been."""
    first, last = dates
    return replace(
        about,
        date_start=first,
        date_end=last,
        report_ids=tuple(report_ids),
        observed=observed,
        expected=expected,
        gap=gap,
    )
