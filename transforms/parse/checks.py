"""Whole-file claims: date order, time axis, totals against parts. A file that breaks one is refused as a whole.

In: cells and what the source's mapping claims of them. Out: nothing, or `UnreadableInput` with the number of rows
concerned. These are payload-level forms of method.md 8, V04, V21 and V32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from crossings.errors import UnreadableInput
from crossings.source.mapping import Mapping as SeriesMapping
from crossings.source.mapping import TimeAxis, TotalCheck
from transforms.parse.contract import Cell, clipped
from transforms.parse.figures import NotAFigure, read_figure
from transforms.parse.periods import Period, exchanged, following, other_date_order, read_period


def refuse_mixed_orders(source: str, texts: Sequence[str], axis: TimeAxis) -> None:
    """Refuse a file whose dates are written in two orders.

    A spreadsheet that re-saves day-first dates reads days up to 12 as months; what remains is text. The message
    counts the rows in the undeclared order, and among them those that name another date once day and month are
    exchanged.
    """
    counted = Counter(texts)
    foreign = {text: order for text in counted if (order := other_date_order(text, axis.formats)) is not None}
    rows = sum(counted[text] for text in foreign)
    if not rows:
        return
    wrong = 0
    for text, order in foreign.items():
        first = _read_day(text, order)
        if first is not None and exchanged(first) not in (None, first):
            wrong += counted[text]
    orders = ", ".join(sorted(set(foreign.values())))
    raise UnreadableInput(
        f"{source}: expected dates written {' or '.join(axis.formats)}, found {rows:,} of {len(texts):,} rows written "
        f"{orders}; {wrong:,} of them name another date once day and month are exchanged",
        "get the publisher's own file; this one was re-saved by a spreadsheet",
    )


def check_time_axis(source: str, periods: Sequence[Period], axis: TimeAxis) -> None:
    """Refuse a file whose periods break the declared order, completeness or number of rows."""
    if axis.order != "any":
        _check_order(source, periods, descending=axis.order == "descending")
    counted = Counter(periods)
    if axis.rows_per_period is not None:
        odd = {p: n for p, n in counted.items() if n != axis.rows_per_period}
        if odd:
            period, number = min(odd.items())
            raise UnreadableInput(
                f"{source}: expected {axis.rows_per_period} rows a period, found {number} for {period[0]} "
                f"and {len(odd)} such periods, {sum(odd.values()):,} rows",
                "look for exchanged dates, duplicates or lost rows in the payload",
            )
    if axis.complete:
        ordered = sorted(counted)
        for earlier, later in pairwise(ordered):
            expected = following(earlier, axis.freq)
            if expected != later:
                raise UnreadableInput(
                    f"{source}: expected a period starting {expected[0]}, found {later[0]} next",
                    "look for exchanged dates or lost rows in the payload",
                )


def check_reach(source: str, periods: Iterable[Period], earliest: date | None, latest: date | None) -> None:
    """Refuse a time axis that does not reach the periods it is expected to reach."""
    known = sorted(set(periods))
    if latest is not None and (not known or known[-1][0] < latest):
        found = str(known[-1][0]) if known else "no period"
        raise UnreadableInput(
            f"{source}: expected periods up to the one starting {latest}, found the last at {found}",
            "look again later, or correct the usual lag of the source",
        )
    if earliest is not None and (not known or known[0][0] > earliest):
        found = str(known[0][0]) if known else "no period"
        raise UnreadableInput(
            f"{source}: expected periods from the one starting {earliest}, found the first at {found}",
            "ask for the whole table, or correct bounds.earliest_period",
        )


def check_totals(source: str, cells: Sequence[Cell], mapping: SeriesMapping) -> None:
    """Refuse a payload in which a declared total differs from the sum of its parts beyond tolerance."""
    for check in mapping.totals:
        _check_total(source, cells, check, mapping)


def _check_total(source: str, cells: Sequence[Cell], check: TotalCheck, mapping: SeriesMapping) -> None:
    groups: dict[tuple[tuple[str, str], ...], dict[str, Decimal | None]] = {}
    present = {name for cell in cells[:1] for name in cell.labels} & set(check.dimension)
    if not present:
        raise UnreadableInput(
            f"{source}: expected dimension {' or '.join(check.dimension)} for a total, found none",
            "correct mapping.totals, or look at the changed layout",
        )
    dimension = present.pop()
    for cell in cells:
        if cell.skipped:
            continue
        rest = tuple(sorted((k, v) for k, v in cell.labels.items() if k != dimension))
        groups.setdefault(rest, {})[cell.labels[dimension]] = _amount(cell, mapping)
    wrong: list[str] = []
    for rest, amounts in groups.items():
        total = amounts.get(check.total)
        parts = [amounts.get(p) for p in check.parts] if check.parts else _others(amounts, check.total)
        known = [part for part in parts if part is not None]
        if total is None or not known:
            continue
        gap = total - sum(known)
        # A part that is not known can only add to counts: known parts above the total are wrong all the same.
        open_above = len(known) < len(parts)
        if open_above and min(known) < 0:
            continue
        if (-gap if open_above else abs(gap)) > Decimal(repr(check.tolerance)):
            of = "known parts" if open_above else "parts"
            wrong.append(f"{', '.join(v for _, v in rest)}: {check.total} {total}, {of} {total - gap}")
    if wrong:
        raise UnreadableInput(
            f"{source}: expected {check.total} to equal its parts, found {len(wrong):,} that differ, first {clipped(wrong[0])}",
            "ask the publisher which is right; nothing of the payload was taken",
        )


def _others(amounts: Mapping[str, Decimal | None], total: str) -> list[Decimal | None]:
    return [amount for label, amount in amounts.items() if label != total]


def _amount(cell: Cell, mapping: SeriesMapping) -> Decimal | None:
    if cell.value is None or isinstance(cell.value, Decimal):
        return cell.value
    try:
        return Decimal(read_figure(cell.value, mapping.thousands, mapping.decimal, 0, may_fall=True))
    except NotAFigure:
        return None


def _check_order(source: str, periods: Sequence[Period], *, descending: bool) -> None:
    signed = [-p[0].toordinal() if descending else p[0].toordinal() for p in periods]
    falls = sum(1 for a, b in pairwise(signed) if b < a)
    if not falls:
        return
    low_days = sum(1 for p in periods if p[0].day <= 12 and exchanged(p[0]) != p[0])
    raise UnreadableInput(
        f"{source}: expected periods in {'descending' if descending else 'ascending'} order, found {falls:,} breaks "
        f"among {len(periods):,} rows; {low_days:,} rows have a day up to 12 that may be an exchanged month",
        "get the publisher's own file; dates were probably exchanged when it was re-saved",
    )


def _read_day(text: str, order: str) -> date | None:
    try:
        return read_period(text, (order,), "D")[0]
    except ValueError:
        return None
