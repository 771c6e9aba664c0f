"""From cells to observations, the one step that every protocol shares.

In: cells (figures under the publisher's labels) and the source's mapping. Out: `Parsed`. Every cell is accepted,
rejected with a rule and reason, or left out because the mapping says so; payload-level faults raise
`UnreadableInput` before anything is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from crossings.errors import UnreadableInput
from crossings.source.labels import label_key
from crossings.source.mapping import DimensionMap, Mapping, TimeAxis
from crossings.source.model import SourceSpec
from crossings.source.spellings import is_date
from transforms.parse.checks import check_reach, check_time_axis, check_totals, refuse_mixed_orders
from transforms.parse.contract import (
    SERIES_COLUMNS,
    Cell,
    Figure,
    Note,
    Observation,
    Parsed,
    Refusal,
    RefusedCells,
    as_received,
    observation_frame,
    rejected_frame,
)
from transforms.parse.derived import (
    MISSING,
    add_parts,
    computed,
    differences,
    hidden_total,
    looks_cumulative,
    mark_breaks,
)
from transforms.parse.figures import LARGEST, NotAFigure, read_amount, read_figure, rounded
from transforms.parse.layout import Seen, seen
from transforms.parse.periods import NotAPeriod, Period, calendar_of, read_period
from transforms.parse.unread import Unread

Contribution: TypeAlias = dict[str, str] | None
REQUIRED = tuple(name for name in SERIES_COLUMNS if name != "counterpart")


class UnknownLabel(ValueError):
    """A category the mapping does not know, and the dimension and field it belongs to."""

    def __init__(self, dimension: str, label: str, field: str | None) -> None:
        super().__init__(f"{dimension} {label[:80]!r} is not in the mapping")
        self.dimension, self.label, self.field = dimension, label, field


@dataclass(frozen=True)
class BoundDimension:
    """A dimension of the payload tied to the mapping that reads it."""

    name: str
    rule: DimensionMap

    def contribution(self, label: str) -> Contribution:
        """Series fields a category states; None where it is left out on purpose."""
        rule = self.rule
        if label in rule.labels:
            return {str(field): code for field, code in rule.labels[label].items()}
        if label in rule.unselected:
            return None
        if rule.ignore or rule.sum or rule.status:
            return {}
        code = rule.codes.get(label_key(label))
        if code is None and rule.as_code and len(label) == 3 and label.isalpha() and label.isupper():
            code = label
        if code is None or rule.field is None:
            raise UnknownLabel(self.name, label, rule.field or _stated_by(rule))
        return {rule.field: code}


def _stated_by(rule: DimensionMap) -> str | None:
    """The field that the labels of a dimension state, where they state one."""
    fields = {str(field) for given in rule.labels.values() for field in given}
    return fields.pop() if len(fields) == 1 else None


def by_code(mapping: Mapping) -> frozenset[str]:
    """Names of dimensions whose categories the mapping matches by code."""
    names: set[str] = set()
    for rule in mapping.dimensions:
        if rule.by == "code":
            names.update(rule.dimension)
    if mapping.time.by == "code":
        for part in (mapping.time.dimension, mapping.time.year, mapping.time.month, mapping.time.quarter):
            names.update(part or ())
    return frozenset(names)


def assemble(spec: SourceSpec, cells: Sequence[Cell], notes: Sequence[Note] = ()) -> Parsed:
    """Observations, rejected cells and counts of one source's cells.

    Raises `UnreadableInput` for an answer without cells, and `RefusedCells` for unknown or missing dimensions, units or
    periods, mixed date orders, broken whole-file claims and totals that differ from their parts.
    """
    if not cells:
        raise UnreadableInput(
            f"{spec.id}: expected figures, found an answer of size zero", "check the selection; the service took none"
        )
    found = seen(spec, cells)
    try:
        return _assembled(spec, cells, notes, found)
    except UnreadableInput as fault:
        raise RefusedCells(fault, found) from None


def _assembled(spec: SourceSpec, cells: Sequence[Cell], notes: Sequence[Note], found: Seen) -> Parsed:
    mapping = spec.series_mapping
    if not spec.bounds.min_rows <= len(cells) <= spec.bounds.max_rows:
        raise UnreadableInput(
            f"{spec.id}: expected {spec.bounds.min_rows:,} to {spec.bounds.max_rows:,} cells, found {len(cells):,}",
            "look at the payload; if the table really changed, correct bounds in the source's YAML",
        )
    names = tuple(cells[0].labels)
    bound, time_names = _bind(spec, names)
    _check_units(spec, cells)
    cells = [replace(c, skipped=True) if _left_out(c, time_names, mapping.time) else c for c in cells]
    live = [cell for cell in cells if not cell.skipped and cell.fault is None]
    times = _read_periods(spec, live, time_names)
    check_totals(spec.id, live, mapping)
    unread = Unread()
    accepted, refusals, unselected = _sort_out(spec, cells, bound, time_names, times, unread)
    told = unread.settle(spec)
    read = [times.periods[t] for cell in live if cell.first and (t := _time_text(cell, time_names)) in times.periods]
    check_time_axis(spec.id, read, mapping.time)
    check_reach(spec.id, read, spec.bounds.earliest_period, spec.bounds.latest_period)
    made, more, summed = _derived(spec, accepted, refusals, bound)
    return Parsed(
        observations=observation_frame(made, mapping.time.freq, mapping.unit.text),
        rejected=rejected_frame([*refusals, *more]),
        considered=len(cells),
        unselected=unselected,
        notes=(*notes, *told, *computed(made), *_doubted(made, mapping)),
        summed=summed,
        seen=found,
    )


def _doubted(made: Sequence[Observation], mapping: Mapping) -> Sequence[Note]:
    return looks_cumulative(made, mapping.time.freq) if mapping.statistic == "total" else ()


def _derived(
    spec: SourceSpec, accepted: Sequence[Observation], refusals: Sequence[Refusal], bound: Sequence[BoundDimension]
) -> tuple[list[Observation], list[Refusal], int]:
    """Copies dropped, parts added, running totals taken apart, breaks marked, as the source declares."""
    mapping = spec.series_mapping
    summed = [d.name for d in bound if d.rule.sum]
    made, refused = _once(accepted, summed)
    folded = 0
    if summed:
        total = hidden_total(made, summed)
        if total is not None:
            raise UnreadableInput(
                f"{spec.id}: expected parts to add up, found that {total} always equals the sum of the others",
                "put it in unselected of that dimension: it is a total",
            )
        sparse = any(d.rule.sum == "sparse" for d in bound)
        made, incomplete, folded = add_parts(made, [*refusals, *refused], summed, sparse=sparse)
        refused += incomplete
    if mapping.statistic == "cumulative":
        made, unknown = differences(made, mapping)
        refused += unknown
    return mark_breaks(made, spec.definition_epochs), refused, folded


def _bind(spec: SourceSpec, names: Sequence[str]) -> tuple[list[BoundDimension], tuple[str, ...]]:
    mapping = spec.series_mapping
    left = list(names)

    def take(wanted: Sequence[str], *, optional: bool = False) -> str | None:
        found = [name for name in left if " ".join(name.split()) in wanted]
        if len(found) == 1:
            left.remove(found[0])
            return found[0]
        if found or not optional:
            raise UnreadableInput(
                f"{spec.id}: expected one dimension {' or '.join(wanted)}, found {', '.join(names)[:300]}",
                "the layout changed: look at the payload and correct the mapping",
            )
        return None

    time = mapping.time
    time_names = tuple(
        name
        for wanted in (time.dimension, time.year, time.month, time.quarter)
        if wanted is not None and (name := take(wanted)) is not None
    )
    bound = [
        BoundDimension(name, rule)
        for rule in mapping.dimensions
        if (name := take(rule.dimension, optional=rule.optional)) is not None
    ]
    if left:
        raise UnreadableInput(
            f"{spec.id}: expected no other dimension, found {', '.join(left)[:300]}",
            "map the new dimension or column, or declare it with ignore: true",
        )
    return bound, time_names


def _check_units(spec: SourceSpec, cells: Sequence[Cell]) -> None:
    unit = spec.series_mapping.unit
    if not unit.expect:
        return
    stated = sorted({cell.unit for cell in cells if cell.unit is not None} - set(unit.expect))
    if stated:
        raise UnreadableInput(
            f"{spec.id}: expected unit {' or '.join(unit.expect)}, found {stated[0][:80]!r}",
            "check unit.mult and correct the mapping",
        )


def _time_text(cell: Cell, time_names: Sequence[str]) -> str:
    return " ".join(cell.labels[name] for name in time_names)


def _left_out(cell: Cell, time_names: Sequence[str], axis: TimeAxis) -> bool:
    return bool(axis.unselected) and " ".join(_time_text(cell, time_names).split()) in axis.unselected


@dataclass(frozen=True)
class Times:
    """What the texts of the time axis say: periods, marks behind them (`2022*`), and why others are no period."""

    periods: dict[str, Period]
    marks: dict[str, str]
    refused: dict[str, str]


def _read_periods(spec: SourceSpec, cells: Sequence[Cell], time_names: Sequence[str]) -> Times:
    axis, symbols = spec.series_mapping.time, spec.series_mapping.symbols
    texts = [_time_text(cell, time_names) for cell in cells]
    if any(map(is_date, axis.formats)):
        rows = [text for text, cell in zip(texts, cells, strict=True) if cell.first]
        refuse_mixed_orders(spec.id, rows, axis)
    kept = calendar_of(axis, to_date=spec.series_mapping.since == "year")
    times = Times({}, {}, {})
    for text in dict.fromkeys(texts):
        bare, mark = text, None
        try:
            times.periods[text] = read_period(_joined(text, axis), axis.formats, axis.freq, axis.anchor, kept=kept)
        except NotAPeriod as fault:
            bare, mark = split_mark(text, symbols)
            if mark is None:
                times.refused[text] = fault.reason
                continue
            try:
                times.periods[text] = read_period(_joined(bare, axis), axis.formats, axis.freq, axis.anchor, kept=kept)
                times.marks[text] = mark
            except NotAPeriod:
                times.refused[text] = fault.reason
    off_anchor = [reason for reason in times.refused.values() if " day of a period " in reason]
    if off_anchor:
        raise UnreadableInput(
            f"{spec.id}: expected periods of frequency {axis.freq} written {' or '.join(axis.formats)}, "
            f"found {len(times.refused)} others, first {off_anchor[0]}",
            "check frequency, spelling and date order in mapping.time against the payload",
        )
    return times


def _joined(text: str, axis: TimeAxis) -> str:
    """A split year and quarter are spelled as one; year and month already are."""
    if axis.quarter is None:
        return text
    year, _, quarter = text.partition(" ")
    return f"{year} {quarter}" if quarter[:1] in "IⅠⅡⅢⅣ" else f"{year}Q{quarter.removeprefix('Q')}"


def _sort_out(
    spec: SourceSpec,
    cells: Sequence[Cell],
    bound: Sequence[BoundDimension],
    time_names: Sequence[str],
    times: Times,
    unread: Unread,
) -> tuple[list[Observation], list[Refusal], int]:
    mapping = spec.series_mapping
    constant: dict[str, str] = {"system": spec.system, "measure": spec.measure}
    constant.update({str(field): code for field, code in mapping.series.items()})
    if mapping.statistic == "stock":
        constant["direction"] = "stock"
    marking = [d.name for d in bound if d.rule.status]
    known: dict[tuple[str, str], Contribution | UnknownLabel] = {}
    accepted: list[Observation] = []
    refusals: list[Refusal] = []
    unselected = 0
    for cell in cells:
        if cell.skipped:
            unselected += 1
            continue
        if cell.fault is not None:
            unread.seen += 1
            refusals.append(Refusal(cell, *cell.fault))
            continue
        found = _contributions(cell, bound, known)
        if found is None:
            unselected += 1
            continue
        unread.seen += 1
        text = _time_text(cell, time_names)
        if text in times.refused:
            unread.periods[" ".join(text.split())] += 1
        if isinstance(found, UnknownLabel):
            unread.label(found.dimension, found.label, found.field)
            refusals.append(Refusal(cell, "unknown_label", str(found)))
        elif text in times.refused:
            refusals.append(Refusal(cell, "V04", times.refused[text]))
        else:
            beside = [*(cell.labels[name] for name in marking), times.marks.get(text, "")]
            mark = next((m for m in map(str.strip, beside) if m), None)
            outcome = _observed(cell, {**constant, **found}, times.periods[text], mapping, mark)
            if isinstance(outcome, Refusal):
                if outcome.rule == "unknown_symbol":
                    unread.symbols[outcome.cell.symbol or mark or str(cell.value)] += 1
                refusals.append(outcome)
            else:
                accepted.append(outcome)
    return accepted, refusals, unselected


def _contributions(
    cell: Cell, bound: Sequence[BoundDimension], known: dict[tuple[str, str], Contribution | UnknownLabel]
) -> dict[str, str] | UnknownLabel | None:
    gathered: dict[str, str] = {}
    unknown: UnknownLabel | None = None
    for dimension in bound:
        label = " ".join(cell.labels[dimension.name].split())
        place = (dimension.name, label)
        if place not in known:
            try:
                known[place] = dimension.contribution(label)
            except UnknownLabel as fault:
                known[place] = fault
        part = known[place]
        if part is None:
            return None
        if isinstance(part, UnknownLabel):
            unknown = unknown or part
        else:
            gathered.update(part)
    return unknown or gathered


def _observed(
    cell: Cell, series: dict[str, str], period: Period, mapping: Mapping, beside: str | None
) -> Observation | Refusal:
    missing = [name for name in REQUIRED if name not in series]
    if missing:
        return Refusal(cell, "V01", f"the mapping states no {', '.join(missing)}")
    value, symbol = cell.value, cell.symbol if cell.symbol is not None and cell.symbol.strip() else beside
    if isinstance(value, str):
        mark = value.strip()
        if not mark or mark in mapping.symbols:
            value, symbol = None, symbol or mark or None
    may_fall = series["direction"] == "net"
    made = whole = None
    if value is not None:
        try:
            try:
                whole, made = _counted(value, period, mapping, may_fall=may_fall)
            except NotAFigure:
                bare, mark_behind = split_mark(value, mapping.symbols) if isinstance(value, str) else (value, None)
                if mark_behind is None:
                    raise
                whole, made = _counted(bare, period, mapping, may_fall=may_fall)
                symbol = symbol or mark_behind
        except NotAFigure as fault:
            return Refusal(cell, fault.rule, fault.reason)
    status = "A" if whole is not None else "O"
    if symbol is not None and symbol.strip():
        if symbol not in mapping.symbols:
            return Refusal(cell, "unknown_symbol", f"symbol {symbol[:40]!r} is not in mapping.symbols")
        status = mapping.symbols[symbol]
    if whole is None:
        # Figures become rows of `reports`, which the expectations judge; an absence is no row there.
        of = [series[name] for name in ("country", "counterpart") if name in series]
        if mapping.countries and (odd := [code for code in of if code not in mapping.countries]):
            return Refusal(cell, "V02", f"unknown country code {odd[0]}")
        return Observation(cell, series, period, None, status if status in MISSING else "O", symbol)
    if status in MISSING:
        return Refusal(cell, "unknown_symbol", f"a figure stands beside the mark of absence {symbol!r}")
    if status == "A" and made is not None:
        status = "E"
    return Observation(cell, series, period, whole, status, symbol, made)


def _counted(value: Figure, period: Period, mapping: Mapping, *, may_fall: bool) -> tuple[int, str | None]:
    """The whole number of a figure, and how it was made where it is not printed so."""
    unit, dialect = mapping.unit, (mapping.thousands, mapping.decimal, mapping.unit.mult)
    if not mapping.statistic.startswith("mean_") and unit.rounding_unit is None:
        return read_figure(value, *dialect, may_fall=may_fall), None
    amount = read_amount(value, *dialect, may_fall=may_fall)
    times, of = _how_many(period, mapping.statistic)
    whole = rounded(amount * times)
    if abs(whole) > LARGEST:
        raise NotAFigure("V07", f"{value} is too large for a count")
    if of is None:
        return whole, None if whole == amount else f"{as_received(value)} rounded to whole units"
    return whole, f"{times.normalize():f} {of} with a mean of {amount.normalize():f}, rounded to whole units"


def _how_many(period: Period, statistic: str) -> tuple[Decimal, str | None]:
    days = (period[1] - period[0]).days + 1
    if statistic == "mean_per_day":
        return Decimal(days), "days"
    if statistic == "mean_per_week":
        return Decimal(days) / 7, "weeks"
    if statistic == "mean_per_month":
        return Decimal((period[1].year - period[0].year) * 12 + period[1].month - period[0].month + 1), "months"
    return Decimal(1), None


def split_mark(text: str, symbols: Iterable[str]) -> tuple[str, str | None]:
    """A text without the declared mark behind it, in brackets or not, and the mark; the longest one that fits."""
    whole = text.strip()
    for symbol in sorted(filter(None, symbols), key=lambda s: (-len(s), s)):
        for written in (f"({symbol})", f"[{symbol}]", symbol):
            bare = whole.removesuffix(written).rstrip()
            if whole.endswith(written) and bare and (not written[0].isalnum() or not bare[-1].isalpha()):
                return bare, symbol
    return text, None


def _once(accepted: Sequence[Observation], summed: Sequence[str]) -> tuple[list[Observation], list[Refusal]]:
    """Observations whose key, parts of sums included, occurs once.

    Of exact copies, which agree in every label, one is kept; figures that differ, or stand under different labels, are all
    refused: which of them is the figure of the series cannot be known.
    """
    groups: dict[tuple[object, ...], list[Observation]] = {}
    for observation in accepted:
        part = (observation.cell.labels[name] for name in summed)
        groups.setdefault((*observation.key(), *part), []).append(observation)
    unique: list[Observation] = []
    refusals: list[Refusal] = []
    for group in groups.values():
        if len(group) == 1:
            unique.append(group[0])
            continue
        ordered = sorted(group, key=lambda o: (o.cell.sha256, o.cell.locator))
        differing = sorted(name for name in ordered[0].cell.labels if len({o.cell.labels[name] for o in ordered}) > 1)
        if len({(o.value, o.obs_status) for o in ordered}) == 1 and not differing:
            unique.append(ordered[0])
            where = ordered[0].cell.locator
            refusals += [Refusal(o.cell, "V22", f"exact copy of {where}") for o in ordered[1:]]
        else:
            said = ", ".join(f"{o.value} at {o.cell.locator}" for o in ordered[:5])
            apart = (
                f"; they differ in {', '.join(differing)}, which may be parts: sum: true adds them" if differing else ""
            )
            refusals += [
                Refusal(o.cell, "duplicate_key", f"one series and period has several figures: {said}{apart}")
                for o in ordered
            ]
    return unique, refusals
