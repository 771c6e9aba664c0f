"""Figures that we compute from printed ones because the source says how: sums of parts, differences of running totals.

In: accepted observations, each once. Out: observations that say how they were made, and refusals of those from which no figure of
their own period follows. Breaks that the source declares become the status of the first figure behind them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from crossings.rules import RULES
from crossings.source.mapping import Mapping
from crossings.source.model import Epoch
from transforms.parse.contract import SERIES_COLUMNS, Cell, Note, Observation, Refusal, as_received

MISSING = ("Q", "L", "O", "M")  # the graver reason first
_RISING = RULES["looks_cumulative"].limits


def series_of(observation: Observation) -> tuple[str, ...]:
    """What tells the series of an observation from others."""
    return tuple(observation.series.get(name) or "" for name in SERIES_COLUMNS)


def by_series(observations: Sequence[Observation]) -> list[list[Observation]]:
    """Observations of each series by period, series in a fixed order."""
    groups: dict[tuple[str, ...], list[Observation]] = {}
    for observation in observations:
        groups.setdefault(series_of(observation), []).append(observation)
    return [sorted(groups[name], key=lambda o: o.period) for name in sorted(groups)]


def add_parts(
    observations: Sequence[Observation], refused: Sequence[Refusal], summed: Sequence[str], *, sparse: bool
) -> tuple[list[Observation], list[Refusal], int]:
    """One observation a series and period, the sum over the categories of the dimensions `summed`.

    A sum is whole if no part of it was refused and every part is there that any series has shown up to this period, unless the
    publisher leaves out zeros (`sparse`). Returns the sums, the parts of sums that are not whole, and how many cells went into
    sums beside the first.
    """
    torn = {_around_part(r.cell, summed): r.reason for r in refused if r.rule != "V22"}
    periods: dict[tuple[date, date], dict[tuple[str, ...], list[Observation]]] = {}
    for observation in observations:
        periods.setdefault(observation.period, {}).setdefault(series_of(observation), []).append(observation)
    sums: list[Observation] = []
    incomplete: list[Refusal] = []
    folded = 0
    expected: set[tuple[str, ...]] = set()
    for _, groups in sorted(periods.items()):
        expected |= {_part(o.cell, summed) for parts in groups.values() for o in parts}
        for _, parts in sorted(groups.items()):
            lacking = set() if sparse else expected - {_part(o.cell, summed) for o in parts}
            fault = next((torn[place] for o in parts if (place := _around_part(o.cell, summed)) in torn), None)
            if fault is None and lacking:
                fault = f"{_named(lacking)} missing; state sum: sparse if the publisher leaves out parts that are zero"
            if fault is not None:
                why = f"the sum over {', '.join(summed)} is not whole: {fault}"
                incomplete += [Refusal(o.cell, "incomplete_sum", why) for o in parts]
                continue
            sums.append(_sum(sorted(parts, key=lambda o: (_part(o.cell, summed), o.cell.locator)), summed))
            folded += len(parts) - 1
    return sums, incomplete, folded


def _around_part(cell: Cell, summed: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, " ".join(v.split())) for k, v in cell.labels.items() if k not in summed))


def hidden_total(observations: Sequence[Observation], summed: Sequence[str]) -> str | None:
    """A category that always equals the sum of the others, as a total does; None where there is none."""
    for place, name in enumerate(summed):
        groups: dict[tuple[object, ...], dict[str, int]] = {}
        for o in observations:
            if o.value is not None:
                part = _part(o.cell, summed)
                rest = (*series_of(o), *o.period, *part[:place], *part[place + 1 :])
                groups.setdefault(rest, {})[part[place]] = o.value
        full = [values for values in groups.values() if len(values) >= 3 and sum(values.values()) > 0]
        if not full:
            continue
        always = set.intersection(*({c for c, v in g.items() if 2 * v == sum(g.values())} for g in full))
        if always:
            return f"{name} {min(always)!r}"
    return None


def _part(cell: Cell, summed: Sequence[str]) -> tuple[str, ...]:
    return tuple(" ".join(cell.labels[name].split()) for name in summed)


def _named(parts: set[tuple[str, ...]]) -> str:
    shown = [" ".join(part) for part in sorted(parts)]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def _sum(parts: Sequence[Observation], summed: Sequence[str]) -> Observation:
    first = parts[0]
    real = [part for part in parts if part.obs_status != "M"]
    unknown = sorted({part.obs_status for part in real if part.value is None}, key=MISSING.index)
    if unknown or not real:
        return replace(first, value=None, obs_status=unknown[0] if unknown else "M", cell=_joined(parts, summed, None))
    known = [(part.value, part) for part in real if part.value is not None]
    total = sum(value for value, _ in known)
    said = " + ".join(f"{value:,} ({' '.join(_part(part.cell, summed))}, {part.cell.locator})" for value, part in known)
    marks = Counter(part.obs_status for part in real if part.obs_status != "A")
    status = marks.most_common(1)[0][0] if len(marks) == 1 else "A" if not marks else "U"
    return replace(
        first,
        value=total,
        obs_status=status,
        symbol=next((part.symbol for part in real if part.symbol), None),
        cell=_joined(parts, summed, total),
        computed=f"our sum over {', '.join(summed)}: {said}",
    )


def _joined(parts: Sequence[Observation], summed: Sequence[str], total: int | None) -> Cell:
    cells = [part.cell for part in parts]
    labels = {k: v for k, v in cells[0].labels.items() if k not in summed}
    places = list(dict.fromkeys(cell.locator for cell in cells))
    return replace(cells[0], labels=labels, value=total, symbol=None, locator=" + ".join(places))


def differences(observations: Sequence[Observation], mapping: Mapping) -> tuple[list[Observation], list[Refusal]]:
    """What each period adds to a running total that starts on `mapping.since`, or anew with each year of the publisher.

    A total without one right before it, and both periods around a fall, are refused with what the totals do say.
    """
    made: list[Observation] = []
    refused: list[Refusal] = []
    for members in by_series(observations):
        fresh: dict[tuple[date, date], Observation] = {}
        before: Observation | None = None
        for member in members:
            if member.value is None:
                made.append(member)
                continue
            starts = _starts_at(member.period, mapping)
            if member.period[0] == starts:
                fresh[member.period] = replace(member, computed=f"the running total since {starts}: {member.value:,}")
            elif before is None or before.value is None or before.period[1] < starts:
                refused.append(_no_difference(member, f"it runs since {starts}, and no total before it is known"))
            elif before.period[1] + timedelta(days=1) != member.period[0]:
                refused.append(_no_difference(
                    member, f"the total before it is that of {before.period[1]}: {member.value - before.value:,} fell on the "
                    f"days from {before.period[1] + timedelta(days=1)} together"))  # fmt: skip
            elif member.value < before.value:
                why = f"the running total falls from {before.value:,} to {member.value:,} on {member.period[1]}"
                refused.append(_no_difference(member, why))
                if fresh.pop(before.period, None) is not None:
                    refused.append(_no_difference(before, why))
            else:
                fresh[member.period] = replace(
                    member,
                    value=member.value - before.value,
                    computed=f"running totals since {starts}: {member.value:,} minus {before.value:,} of {before.period[1]} "
                    f"({before.cell.locator})" + (f"; {member.computed}" if member.computed else ""),
                )
            before = member
        made += fresh.values()
    return made, refused


def _starts_at(period: tuple[date, date], mapping: Mapping) -> date:
    if isinstance(mapping.since, date):
        return mapping.since
    first = mapping.time.year_starts
    return date(period[1].year - (period[1].month < first), first, 1)


def _no_difference(member: Observation, why: str) -> Refusal:
    return Refusal(
        member.cell,
        "running_total",
        f"no figure of its own period follows from {as_received(member.cell.value)}: {why}",
    )


def looks_cumulative(observations: Sequence[Observation], freq: str) -> list[Note]:
    """What looks like a running total although the source declares totals of periods."""
    told = []
    for members in by_series(observations):
        values = [o.value for o in members if o.value is not None]
        gapless = all(b.period[0] - a.period[1] == timedelta(days=1) for a, b in pairwise(members))
        if not gapless:  # a running total goes on
            continue
        if freq not in ("D", "W", "M") or len(values) < _RISING["fewest"]:
            continue
        rises = all(a <= b for a, b in pairwise(values))
        if rises and values[-1] > _RISING["times"] * max(values[0], 1):
            name, first, last = "/".join(filter(None, series_of(members[0]))), members[0], members[-1]
            message = (
                f"{name} looks like a running total: it never falls from {values[0]:,} ({first.period[0]}) to {values[-1]:,} "
                f"({last.period[1]}); if it is one, state mapping.statistic: cumulative and since"
            )
            told.append(Note("looks_cumulative", message))
    return told


def computed(observations: Sequence[Observation]) -> list[Note]:
    """That figures of a look are ours, made of printed ones as the source declares."""
    made = sorted((o for o in observations if o.computed), key=lambda o: (*o.period, series_of(o)))
    if not made:
        return []
    first = made[0]
    told = f"{len(made):,} figures are computed as the source declares, the note of each report says how"
    return [Note("computed", f"{told}; first {first.value:,} for {first.period[0]}: {first.computed}")]


def mark_breaks(observations: Sequence[Observation], epochs: Sequence[Epoch]) -> list[Observation]:
    """Status B on the first figure of each series behind the start of a declared epoch that another one precedes."""
    starts = sorted(epoch.start for epoch in epochs if epoch.start is not None)
    if not starts:
        return list(observations)
    marked: list[Observation] = []
    for members in by_series(observations):
        broken: set[int] = set()
        figures = [k for k, o in enumerate(members) if o.value is not None]
        for start in starts:
            earlier = any(o.period[1] < start for o in members)
            declared = any(e.start is None or e.start < start for e in epochs)
            first = next((k for k in figures if members[k].period[1] >= start), None)
            if first is None:
                continue
            if earlier or (declared and members[first].period[0] <= start):
                broken.add(first)
        marked += [
            replace(o, obs_status="B") if k in broken and o.obs_status in ("A", "P", "E") else o
            for k, o in enumerate(members)
        ]
    return marked
