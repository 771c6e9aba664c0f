"""Which series are tied by an identity.

In: the table of series with the declared parts of scopes. Out: groups of series with their identities and the members
that only follow from others. The maths is in method.md 4.7, the rules are V32, V33, V34 and V36: figures of different
measures or systems are never tied, except distinct persons, which cannot exceed the crossings of the same window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import pandas as pd

from crossings.errors import CrossingsError
from crossings.schema.tables import SERIES_KEY
from transforms.estimator.identities import Identity
from transforms.series.parts import default_parts, together

FLOWS = ("entry", "exit", "both", "net")
_ONE_SIGN = ("entry", "exit", "both")


@dataclass(frozen=True, order=True)
class Member:
    """One series of a component; `derived` where no report is about it and it only follows from others."""

    series: str
    country: str
    direction: str
    citizenship: str
    scope: str
    mode: str
    measure: str
    system: str
    derived: bool = False

    @property
    def nonnegative(self) -> bool:
        """Whether its flow cannot be negative."""
        return self.direction != "net"

    @property
    def adds_up(self) -> bool:
        """Whether its flow is the sum of its parts; distinct persons are not."""
        return self.measure != "persons"


@dataclass(frozen=True)
class Component:
    """Series tied to each other directly or through others: members and identities in a fixed order."""

    members: tuple[Member, ...]
    identities: tuple[Identity, ...]

    @property
    def nonnegative(self) -> dict[str, bool]:
        """Series id -> whether its flow cannot be negative."""
        return {m.series: m.nonnegative for m in self.members}


NameSeries: TypeAlias = Callable[[Mapping[str, str]], str]


def spell_out(key: Mapping[str, str]) -> str:
    """The usual series id: the parts of the key, joined by slashes (`transforms.series.definitions`)."""
    return "/".join(key[name] for name in SERIES_KEY)


def find_identities(
    series: pd.DataFrame, part_of: pd.DataFrame | None = None, name_series: NameSeries = spell_out
) -> list[Component]:
    """Components of tied series.

    Parameters
    ----------
    series : one row per series that has reports: `series` and the parts of its key (`SERIES_KEY`).
    part_of : declared parts: `country`, `part_scope`, `whole_scope`, `exhaustive` (the parts so marked make up the
        whole), and, where the part's mode differs from the whole's, `part_mode` and `whole_mode`.
    name_series : names a derived series from its key.

    Raises
    ------
    CrossingsError : two rows have the same key, or columns are missing.
    """
    _need(series, ("series", *SERIES_KEY), "series")
    members = [_member(row) for row in _records(series)]
    book = _Register(members, name_series)
    _tie_directions(book)
    if part_of is not None and len(part_of):
        _need(part_of, ("country", "part_scope", "whole_scope", "exhaustive"), "part_of")
        _tie_parts(book, _records(part_of))
        _tie_directions(book)
    _tie_citizenship(book)
    _tie_persons(book)
    return book.components()


def _need(table: pd.DataFrame, columns: Iterable[str], name: str) -> None:
    missing = [c for c in columns if c not in table.columns]
    if missing:
        raise CrossingsError(f"the {name} table lacks {', '.join(missing)}", "add the columns")


def _records(table: pd.DataFrame) -> list[dict[str, str]]:
    filled = table.astype("object").where(table.notna(), "")
    return [{str(k): str(v) for k, v in row.items()} for row in filled.to_dict("records")]


def _member(row: Mapping[str, str]) -> Member:
    return _named(row["series"], row)


def _named(series: str, key: Mapping[str, str], *, derived: bool = False) -> Member:
    country, direction, citizenship, scope, mode, measure, system = (key[name] for name in SERIES_KEY)
    return Member(series, country, direction, citizenship, scope, mode, measure, system, derived)


class _Register:
    """Members by key, the identities found, and derived members made on demand."""

    def __init__(self, members: Sequence[Member], name_series: NameSeries) -> None:
        self.reported = sorted(members)
        self.by_key: dict[tuple[str, ...], Member] = {}
        self.name_series = name_series
        self.identities: set[Identity] = set()
        for m in self.reported:
            if _key(m) in self.by_key:
                raise CrossingsError(
                    f"series {self.by_key[_key(m)].series} and {m.series} have the same key",
                    "give one key one series",
                )
            self.by_key[_key(m)] = m

    def find(self, like: Member, **changes: str) -> Member | None:
        """The member whose key is that of `like` with some parts changed, if it is there."""
        key = {name: str(getattr(like, name)) for name in SERIES_KEY} | changes
        return self.by_key.get(tuple(key[name] for name in SERIES_KEY))

    def derive(self, like: Member, **changes: str) -> Member:
        """The same member, made as a derived one where it is not there."""
        there = self.find(like, **changes)
        if there is not None:
            return there
        key = {name: str(getattr(like, name)) for name in SERIES_KEY} | changes
        made = _named(self.name_series(key), key, derived=True)
        self.by_key[_key(made)] = made
        return made

    def components(self) -> list[Component]:
        """Connected groups of tied series, by the first series id."""
        group = {m.series: m.series for m in self.by_key.values()}

        def root(series: str) -> str:
            while group[series] != series:
                series = group[series]
            return series

        for identity in self.identities:
            first, *others = sorted({root(series) for series in identity.series})
            for other in others:
                group[other] = first
        ordered = sorted(self.identities, key=lambda k: (k.kind, k.terms))
        found = []
        for name in sorted({root(k.series[0]) for k in ordered}):
            inside = tuple(sorted(m for m in self.by_key.values() if root(m.series) == name))
            found.append(Component(inside, tuple(k for k in ordered if root(k.series[0]) == name)))
        return sorted(found, key=lambda c: c.members[0].series)


def _key(m: Member) -> tuple[str, ...]:
    return tuple(str(getattr(m, name)) for name in SERIES_KEY)


def _comparable(m: Member) -> bool:
    """Flows whose system and mode are stated; two unknowns need not be the same thing."""
    return m.direction in FLOWS and m.system != "unknown" and m.mode != "unknown" and m.citizenship != "unknown"


def _tie_directions(book: _Register) -> None:
    """NET = ENTRY - EXIT and BOTH = ENTRY + EXIT wherever two of the four have reports."""
    groups: dict[tuple[str, ...], dict[str, Member]] = {}
    for m in book.reported:
        if _comparable(m) and m.adds_up:
            groups.setdefault(_key(replace(m, direction="")), {})[m.direction] = m
    for _, there in sorted(groups.items()):
        if len(there) < 2:
            continue
        like = next(iter(there.values()))
        entry, leaving = book.derive(like, direction="entry"), book.derive(like, direction="exit")
        if "net" in there or {"entry", "exit"} <= set(there):
            net = book.derive(like, direction="net")
            book.identities.add(Identity("net", ((net.series, 1), (entry.series, -1), (leaving.series, 1))))
        if "both" in there:
            both = there["both"]
            book.identities.add(Identity("both", ((both.series, 1), (entry.series, -1), (leaving.series, -1))))


def _tie_parts(book: _Register, declared: Sequence[Mapping[str, str]]) -> None:
    """WHOLE = sum of exhaustive parts; REST = WHOLE - PART for the others, which makes PART <= WHOLE."""
    exhaustive: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    single: set[tuple[str, str, str, str, str]] = set()
    for row in declared:
        modes = row.get("part_mode", ""), row.get("whole_mode", "")
        if row["exhaustive"].strip().lower() in ("true", "1", "1.0", "yes"):
            exhaustive.setdefault((row["country"], row["whole_scope"], modes[1]), set()).add(
                (row["part_scope"], modes[0])
            )
        else:
            single.add((row["country"], row["whole_scope"], modes[1], row["part_scope"], modes[0]))
    for (country, scope, mode), parts in sorted(exhaustive.items()):
        for whole in _wholes(book, country, scope, mode):
            keys = [{"scope": s, "mode": m or whole.mode} for s, m in sorted(parts)]
            if not whole.adds_up or not any(_has_reports(book.find(whole, **k)) for k in keys):
                continue
            terms = [(book.derive(whole, **k).series, -1) for k in keys]
            book.identities.add(Identity("sum", ((whole.series, 1), *terms)))
    for country, scope, mode, part_scope, part_mode in sorted(single):
        for whole in _wholes(book, country, scope, mode):
            part = book.find(whole, scope=part_scope, mode=part_mode or whole.mode)
            if part is None or part.derived:
                continue
            if not whole.adds_up:
                book.identities.add(
                    Identity("part", ((part.series, 1), (whole.series, -1)), "<=", identical_windows=True)
                )
                continue
            rest_scope = f"{whole.scope} minus {part.scope}"
            rest = book.derive(whole, scope=rest_scope)
            book.identities.add(Identity("rest", ((rest.series, 1), (whole.series, -1), (part.series, 1))))


def _wholes(book: _Register, country: str, scope: str, mode: str) -> list[Member]:
    """Members of a scope; one that only follows from others is a whole as well."""
    return [
        m
        for m in sorted(book.by_key.values())
        if m.country == country and m.scope == scope and (not mode or m.mode == mode) and _comparable(m)
    ]


def _has_reports(m: Member | None) -> bool:
    return m is not None and not m.derived


def _tie_citizenship(book: _Register) -> None:
    """Any citizenship <= all travellers; not for net, whose parts may have different signs."""
    for m in book.reported:
        if m.citizenship == "all" or not _comparable(m) or m.direction not in _ONE_SIGN:
            continue
        everyone = book.find(m, citizenship="all")
        if everyone is not None and not everyone.derived:
            book.identities.add(
                Identity("subset", ((m.series, 1), (everyone.series, -1)), "<=", identical_windows=not m.adds_up)
            )


def _tie_persons(book: _Register) -> None:
    """Distinct persons <= crossings, over identical windows only."""
    for m in book.reported:
        if m.measure != "persons" or not _comparable(m) or m.direction not in _ONE_SIGN:
            continue
        crossings = book.find(m, measure="crossings")
        if crossings is not None and not crossings.derived:
            book.identities.add(
                Identity("persons", ((m.series, 1), (crossings.series, -1)), "<=", identical_windows=True)
            )


def components(series: pd.DataFrame, part_of: pd.DataFrame | None) -> list[Component]:
    """Groups of tied series whose civil days start at the same instants.

    series : definitions of the series with reports. part_of : declared parts (`parts.COLUMNS`), beside the default that
    every district and checkpoint is part of its country. A second definition of one key (another epoch) is not tied.
    """
    if not len(series) or not set(SERIES_KEY) <= set(series.columns):
        return []
    usable = series.drop_duplicates("series").sort_values("series")
    usable = usable[~usable.duplicated(list(SERIES_KEY), keep="first")]
    boundary = usable["day_boundary"] if "day_boundary" in usable else pd.Series("00:00", index=usable.index)
    parts = default_parts(usable)
    parts = parts if part_of is None else together(parts, part_of)
    found = []
    for _, alike in usable.groupby([usable["country"], usable["timezone"], boundary.fillna("00:00")], sort=True):
        found += [_plain(component) for component in find_identities(alike, parts)]
    return sorted(found, key=lambda c: c.members[0].series)


def _plain(component: Component) -> Component:
    """Without the rest of a whole where the part lies in another part of that whole: it follows from the two."""
    rests = {(k.series[1], k.series[2]): k for k in component.identities if k.kind == "rest"}
    middle = {whole for whole, _ in rests} & {part for _, part in rests}
    gone = {k for (whole, part), k in rests.items() if any((whole, m) in rests and (m, part) in rests for m in middle)}
    unused = {k.series[0] for k in gone}
    return Component(
        tuple(m for m in component.members if m.series not in unused),
        tuple(k for k in component.identities if k not in gone),
    )
