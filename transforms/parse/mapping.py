"""From cells to observations, the one step that every protocol shares.

In: cells (figures under the publisher's labels) and the source's mapping. Out: `Parsed`. Every cell is accepted,
rejected with a rule and reason, or left out because the mapping says so; payload-level faults raise
`UnreadableInput` before anything is accepted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from crossings.errors import UnreadableInput
from crossings.source.mapping import DimensionMap, Mapping, TimeAxis
from crossings.source.model import SourceSpec
from transforms.parse.checks import check_reach, check_time_axis, check_totals, refuse_mixed_orders
from transforms.parse.contract import (
    SERIES_COLUMNS,
    Cell,
    Note,
    Observation,
    Parsed,
    Refusal,
    observation_frame,
    rejected_frame,
)
from transforms.parse.figures import NotAFigure, read_figure
from transforms.parse.periods import DATE_SPELLINGS, NotAPeriod, Period, read_period

Contribution: TypeAlias = dict[str, str] | None
REQUIRED = tuple(name for name in SERIES_COLUMNS if name != "counterpart")


class UnknownLabel(ValueError):
    """A category the mapping does not know."""


@dataclass(frozen=True)
class BoundDimension:
    """A dimension of the payload tied to the mapping that reads it."""

    name: str
    rule: DimensionMap

    def contribution(self, label: str) -> Contribution:
        """Series fields a category states; None where it is left out on purpose."""
        rule = self.rule
        if rule.ignore:
            return {}
        if label in rule.labels:
            return {str(field): code for field, code in rule.labels[label].items()}
        if label in rule.unselected:
            return None
        code = rule.codes.get(label.casefold())
        if code is None and rule.as_code and len(label) == 3 and label.isalpha() and label.isupper():
            code = label
        if code is None or rule.field is None:
            raise UnknownLabel(f"{self.name} {label[:80]!r} is not in the mapping")
        return {rule.field: code}


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

    Raises `UnreadableInput` for an answer without cells, unknown or missing dimensions, units or periods, mixed date
    orders, broken whole-file claims and totals that differ from their parts.
    """
    mapping = spec.series_mapping
    if not cells:
        raise UnreadableInput(
            f"{spec.id}: expected figures, found an answer of size zero", "check the selection; the service took none"
        )
    if not spec.bounds.min_rows <= len(cells) <= spec.bounds.max_rows:
        raise UnreadableInput(
            f"{spec.id}: expected {spec.bounds.min_rows:,} to {spec.bounds.max_rows:,} cells, found {len(cells):,}",
            "look at the payload; if the table really changed, correct bounds in the source's YAML",
        )
    names = tuple(cells[0].labels)
    bound, time_names = _bind(spec, names)
    _check_units(spec, cells)
    live = [cell for cell in cells if not cell.skipped and cell.fault is None]
    periods, refused_texts = _read_periods(spec, live, time_names)
    check_totals(spec.id, live, mapping)
    accepted, refusals, unselected = _sort_out(mapping, cells, bound, time_names, periods, refused_texts, spec)
    read = [periods[text] for cell in live if cell.first and (text := _time_text(cell, time_names)) in periods]
    check_time_axis(spec.id, read, mapping.time)
    check_reach(spec.id, read, spec.bounds.earliest_period, spec.bounds.latest_period)
    unique, repeated = _once(accepted)
    return Parsed(
        observations=observation_frame(unique, mapping.time.freq, mapping.unit.text),
        rejected=rejected_frame([*refusals, *repeated]),
        considered=len(cells),
        unselected=unselected,
        notes=tuple(notes),
    )


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


def _read_periods(
    spec: SourceSpec, cells: Sequence[Cell], time_names: Sequence[str]
) -> tuple[dict[str, Period], dict[str, str]]:
    axis = spec.series_mapping.time
    texts = [_time_text(cell, time_names) for cell in cells]
    if set(axis.formats) & set(DATE_SPELLINGS):
        rows = [text for text, cell in zip(texts, cells, strict=True) if cell.first]
        refuse_mixed_orders(spec.id, rows, axis)
    periods: dict[str, Period] = {}
    refused: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        try:
            periods[text] = read_period(_joined(text, axis), axis.formats, axis.freq, axis.anchor, axis.months)
        except NotAPeriod as fault:
            refused[text] = fault.reason
    off_anchor = [reason for reason in refused.values() if " day of a period " in reason]
    if refused and (not periods or off_anchor):
        raise UnreadableInput(
            f"{spec.id}: expected periods of frequency {axis.freq} written {' or '.join(axis.formats)}, "
            f"found {len(refused)} others, first {(off_anchor or list(refused.values()))[0]}",
            "check frequency, spelling and date order in mapping.time against the payload",
        )
    return periods, refused


def _joined(text: str, axis: TimeAxis) -> str:
    """A split year and quarter are spelled as one; year and month already are."""
    if axis.quarter is None:
        return text
    year, _, quarter = text.partition(" ")
    return f"{year}Q{quarter.removeprefix('Q')}"


def _sort_out(
    mapping: Mapping,
    cells: Sequence[Cell],
    bound: Sequence[BoundDimension],
    time_names: Sequence[str],
    periods: dict[str, Period],
    refused_texts: dict[str, str],
    spec: SourceSpec,
) -> tuple[list[Observation], list[Refusal], int]:
    constant: dict[str, str] = {"system": spec.system, "measure": spec.measure}
    constant.update({str(field): code for field, code in mapping.series.items()})
    known: dict[tuple[str, str], Contribution | UnknownLabel] = {}
    accepted: list[Observation] = []
    refusals: list[Refusal] = []
    unselected = 0
    for cell in cells:
        if cell.skipped:
            unselected += 1
            continue
        if cell.fault is not None:
            refusals.append(Refusal(cell, *cell.fault))
            continue
        found = _contributions(cell, bound, known)
        if found is None:
            unselected += 1
            continue
        if isinstance(found, UnknownLabel):
            refusals.append(Refusal(cell, "unknown_label", str(found)))
            continue
        text = _time_text(cell, time_names)
        if text in refused_texts:
            refusals.append(Refusal(cell, "V04", refused_texts[text]))
            continue
        outcome = _observed(cell, {**constant, **found}, periods[text], mapping)
        if isinstance(outcome, Refusal):
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


def _observed(cell: Cell, series: dict[str, str], period: Period, mapping: Mapping) -> Observation | Refusal:
    missing = [name for name in REQUIRED if name not in series]
    if missing:
        return Refusal(cell, "V01", f"the mapping states no {', '.join(missing)}")
    value, symbol = cell.value, cell.symbol
    if isinstance(value, str):
        mark = value.strip()
        if not mark or mark in mapping.symbols:
            value, symbol = None, symbol or mark or None
    status = "A" if value is not None else "O"
    if symbol is not None and symbol.strip():
        if symbol not in mapping.symbols:
            return Refusal(cell, "unknown_symbol", f"symbol {symbol[:40]!r} is not in mapping.symbols")
        status = mapping.symbols[symbol]
    if value is None:
        absent = status if status in ("L", "M", "O", "Q") else "O"
        return Observation(cell, series, period, None, absent, symbol)
    try:
        may_fall = series["direction"] == "net"
        whole = read_figure(value, mapping.thousands, mapping.decimal, mapping.unit.mult, may_fall=may_fall)
    except NotAFigure as fault:
        return Refusal(cell, fault.rule, fault.reason)
    if status in ("L", "M", "O", "Q"):
        return Refusal(cell, "unknown_symbol", f"a figure stands beside the mark of absence {symbol!r}")
    return Observation(cell, series, period, whole, status, symbol)


def _once(accepted: Sequence[Observation]) -> tuple[list[Observation], list[Refusal]]:
    """Observations whose key occurs once; exact copies are dropped to one, differing ones all refused."""
    groups: dict[tuple[object, ...], list[Observation]] = {}
    for observation in accepted:
        groups.setdefault(observation.key(), []).append(observation)
    unique: list[Observation] = []
    refusals: list[Refusal] = []
    for group in groups.values():
        if len(group) == 1:
            unique.append(group[0])
            continue
        ordered = sorted(group, key=lambda o: (o.cell.sha256, o.cell.locator))
        if len({(o.value, o.obs_status) for o in ordered}) == 1:
            unique.append(ordered[0])
            where = ordered[0].cell.locator
            refusals += [Refusal(o.cell, "V22", f"exact copy of {where}") for o in ordered[1:]]
        else:
            said = ", ".join(f"{o.value} at {o.cell.locator}" for o in ordered[:5])
            refusals += [
                Refusal(o.cell, "duplicate_key", f"one series and period has several figures: {said}") for o in ordered
            ]
    return unique, refusals
