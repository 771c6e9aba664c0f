"""What the columns of a table mean, as far as their names and texts say it.

In: a `Seen` table, the label table, meanings that a person stated. Out: a `Reading`: which column is the period and how it is
spelled, which are the figures, what the others say of a series; and what cannot be seen. Names and labels are known from
`data/reference/labels.csv` (kinds column, direction, mode, total, country); nothing is taken for known that only looks alike.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from crossings.errors import CrossingsError
from crossings.source.labels import known_months, label_key
from crossings.source.spellings import compiled, with_exchanged
from transforms.bring.seen import Seen, is_number, without_mark
from transforms.parse.periods import Calendar, NotAPeriod, Period, read_period
from transforms.parse.unread import COMMON
from transforms.reports.guards import NAMES

MEANINGS = {
    "country": "the country reported on", "citizenship": "whose citizens", "counterpart": "the country on the other side",
    "direction": "entry or exit", "mode": "mode of transport", "place": "a place inside the country, each a series",
    "period": "the period", "year": "the year", "month": "the month", "quarter": "the quarter", "figure": "the figure",
    "sum": "parts that are added up", "total": "only its total is taken", "status": "a mark of the figure beside it",
    "ignore": "says nothing of the series", "drop": "not read",
}  # fmt: skip
LANGUAGE = "en"  # of a source whose file does not say it; month names of all languages are known beside it
FIELDS = ("country", "citizenship", "counterpart", "direction", "mode", "place")
FINER = {"month": "M", "quarter": "Q"}  # parts of a year, and the frequency of their periods
_MOST = 0.5  # the same of a column that is named so
_ENOUGH = 0.9  # share of the texts of a column that must be known labels
_OF_WHICH = re.compile(
    r"of which|of these|including|davon|darunter|из них|в том числе|dont|de los cuales|di cui", re.IGNORECASE
)
STATUS_WORDS = {
    "provisional": "P", "preliminary": "P", "estimate": "E", "estimated": "E", "final": "A", "released": "A", "revised": "A",
    "confirmed": "A", "actual": "A", "observed": "A", "normal": "A", "normal value": "A", "suppressed": "Q", "missing": "O",
}  # fmt: skip
"""Words beside a figure, and the SDMX observation status that they say."""
Labels = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Spelled:
    """How a column of periods is spelled.

    ways : (spelling, frequency, anchor) that read every text; several where the texts leave it open.
    first, last : days that the first way reaches.
    """

    ways: tuple[tuple[str, str, str], ...]
    first: dt.date
    last: dt.date


@dataclass(frozen=True)
class Unseen:
    """What a person must say: `key` under which the answer is given, the question, and answers with their meaning."""

    key: str
    text: str
    choices: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reading:
    """Meanings of the columns.

    Attributes
    ----------
    meaning : column -> one of `MEANINGS`. figures : columns of figures; `wide` says what their names are: period, direction,
    country, citizenship or nothing. spelled : how periods are spelled; None where the question stands in `unseen`.
    """

    meaning: dict[str, str]
    figures: tuple[str, ...]
    wide: str
    spelled: Spelled | None
    unseen: tuple[Unseen, ...]
    notes: tuple[str, ...] = field(default=())

    def having(self, meaning: str) -> tuple[str, ...]:
        """Columns of one meaning."""
        return tuple(name for name, given in self.meaning.items() if given == meaning)


def read(
    seen: Seen,
    labels: Labels,
    stated: Mapping[str, str],
    freq: str | None = None,
    order: str | None = None,
    spelling: str | None = None,
    year_starts: int | None = None,
) -> Reading:
    """Meanings of the columns of a table.

    stated : column -> meaning, as a person gave it. freq : what a period is, if a person said it. order : `dmy` or `mdy`.
    spelling : of the periods, in tokens, where no common one reads them. year_starts : first month of the publisher's year.
    """
    kept = Calendar(months=known_months(labels, LANGUAGE))
    meaning: dict[str, str] = {name: stated[name] for name in seen.names if name in stated}
    words = labels.get("column", {})
    named = {name: words.get(label_key(_spaced(name))) or words.get(label_key(name)) for name in seen.names}
    unseen: list[Unseen] = []
    notes: list[str] = []
    figures, wide = _wide(seen, meaning, kept)
    for name in seen.names:
        if name in meaning or name in figures:
            continue
        meaning[name] = _meaning(seen, name, named[name], labels, kept)
    for name in figures:
        meaning[name] = "figure"
    if freq is None and {"week", "week_end"} & set(named.values()):
        freq = "W" if "week" in named.values() else "W-end"
    texts = _period_texts(seen, meaning, named, figures, wide, kept)
    spelled: Spelled | None = None
    if texts is None:
        unseen.append(_no_period(seen, meaning, named))
    elif spelling is not None:
        spelled = as_said(texts, spelling, freq, kept)
    else:
        spelled = spellings(texts, kept, freq, order)
        if spelled is None:
            unseen.append(_unread(texts))
    if year_starts is None and any(given == "fiscal" for given in named.values()):
        months = tuple((str(month), name) for month, name in enumerate(calendar.month_name) if month)
        unseen.append(Unseen("year_starts", "In which month does the publisher's year start?", months))
    if spelled is not None and len(spelled.ways) > 1:
        unseen.append(_ways(spelled, next(filter(None, texts or ()), "")))
        spelled = None
    if not figures:
        figures, wide = _figures(seen, meaning, named, labels, unseen)
    elif wide:
        unseen += _beside(meaning, named, labels)
    _settle_end(seen, meaning, spelled, kept)
    _settle_countries(seen, meaning, named, stated, unseen)
    unseen += _unclear(seen, meaning)
    if figures:
        _settle_parts(seen, meaning, named, labels, unseen)
    left = [name for name, given in meaning.items() if given == "drop"]
    if left:
        notes.append(f"columns left out: {', '.join(left)}")
    return Reading(meaning, figures, wide, spelled, tuple(unseen), tuple(notes))


def _period_texts(
    seen: Seen,
    meaning: dict[str, str],
    named: Mapping[str, str | None],
    figures: Sequence[str],
    wide: str,
    kept: Calendar,
) -> list[str] | None:
    """Texts of the periods, a year and a month or quarter joined as a source joins them; None where nothing holds them."""
    if wide == "period":
        return list(figures)
    if wide in FINER:
        years = [n for n, given in meaning.items() if given in ("year", "period", "number") and _years(seen.of(n))]
        if len(years) != 1:
            return None
        meaning[years[0]] = "year"
        return [joined(year, name, wide) for year in dict.fromkeys(seen.of(years[0])) if year for name in figures]
    _one_period(seen, meaning, named, kept)
    of = {given: name for name, given in reversed(list(meaning.items())) if given in ("period", "year", *FINER)}
    if "period" in of:
        return list(seen.of(of["period"]))
    if "year" not in of:
        return None
    finer = next((part for part in FINER if part in of), None)
    if finer is None:
        return list(seen.of(of["year"]))
    return [joined(year, part, finer) for year, part in zip(seen.of(of["year"]), seen.of(of[finer]), strict=True)]


def _years(texts: Sequence[str]) -> bool:
    return any(texts) and all(re.fullmatch(r"(?:19|20)\d\d", t) for t in texts if t)


def joined(year: str, part: str, finer: str) -> str:
    """A year and a month or quarter as one text."""
    if finer == "quarter" and part[:1] not in "IⅠⅡⅢⅣ":
        return f"{year}Q{part.removeprefix('Q')}"
    return f"{year} {part}"


def _spaced(name: str) -> str:
    """`data_date` and `dataDate` as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_+", " ", name).strip()


# --- figures -------------------------------------------------------------------------------------------------------


def _wide(seen: Seen, meaning: Mapping[str, str], kept: Calendar) -> tuple[tuple[str, ...], str]:
    """Columns of figures whose names are periods, or months or quarters of a year that stands elsewhere."""
    if seen.figure is not None:
        return (seen.figure,), ""
    free = [n for n in seen.names if n not in meaning and (_numeric(seen.of(n)) or not any(seen.of(n)))]
    periods = [name for name in free if spellings([name], kept, None, None) is not None and not name.isalpha()]
    if len(periods) > 1 and spellings(periods, kept, None, None):
        return tuple(periods), "period"
    for finer, freq in FINER.items():
        inside = [
            n for n in free if spellings([joined("2000", n, finer)], kept, freq, None) is not None and not _years([n])
        ]
        if len(inside) > 1 and any(map(str.isalpha, "".join(inside))):
            return tuple(inside), finer
    return (), ""


def _beside(meaning: dict[str, str], named: Mapping[str, str | None], labels: Labels) -> list[Unseen]:
    """Columns of numbers beside figures that have their own names: totals and the like are not read, others asked about."""
    found = []
    for name in [n for n, given in meaning.items() if given == "number"]:
        if named[name] == "other" or label_key(name) in labels.get("total", {}):
            meaning[name] = "drop"
        else:
            choices = (
                (f"{name}=drop", "nothing to be read"),
                (f"{name}=ignore", "a label that says nothing of the series"),
            )
            found.append(Unseen("as", f"Column {name} holds numbers beside the figures; what is it?", choices))
    return found


def _figures(
    seen: Seen, meaning: dict[str, str], named: Mapping[str, str | None], labels: Labels, unseen: list[Unseen]
) -> tuple[tuple[str, ...], str]:
    said = tuple(name for name, given in meaning.items() if given == "figure")
    free = [name for name, given in meaning.items() if given == "number"]
    if said:
        free, candidates = [n for n in free if n not in said], list(said)
    else:
        candidates = [name for name in free if named[name] == "figure"] or free
    for kind in ("direction", "citizenship", "mode"):
        known = labels.get("country" if kind == "citizenship" else kind, {})
        ways = [name for name in free or candidates if label_key(_spaced(name)) in known]
        if len(ways) > 1 and not said and kind not in meaning.values():
            _drop(meaning, [n for n in free if n not in ways])
            for name in ways:
                meaning[name] = "figure"
            return tuple(ways), kind
    parts = tuple(name for name, given in meaning.items() if given == "sum" and _numeric(seen.of(name)))
    if len(parts) > 1:
        for name in parts:
            meaning[name] = "figure"
        _drop(meaning, [n for n in free if n not in parts])
        return parts, "sum"
    beside = [n for n in free if n not in candidates and named[n] != "other"]
    named_so = [n for n, given in meaning.items() if named[n] == "figure" and given == "parts"]
    if len(candidates) == 1 and (said or not (beside or named_so or named[candidates[0]] == "other")):
        meaning[candidates[0]] = "figure"
        _drop(meaning, [n for n in free if n != candidates[0]])
        return tuple(candidates), ""
    candidates = [n for n in (*candidates, *beside, *named_so) if named[n] != "other"] or candidates
    if not candidates:
        unseen.append(_no_figure(seen, meaning))
        return (), ""
    shown = [(f"{name}=figure", f"e.g. {_example(seen, name)}") for name in candidates]
    if len(candidates) > 1 and not any(map(_OF_WHICH.search, candidates)):
        shown.append((f"{','.join(candidates)}=sum", "parts of one figure: add them up"))
    unseen.append(Unseen("as", "Several columns hold numbers; which is the figure?", tuple(shown)))
    return (), ""


def _drop(meaning: dict[str, str], names: Iterable[str]) -> None:
    for name in names:
        meaning[name] = "drop"


# --- other columns -------------------------------------------------------------------------------------------------


def _meaning(seen: Seen, name: str, named: str | None, labels: Labels, kept: Calendar) -> str:
    """The meaning of one column; `number` and `parts` are settled later."""
    texts = [t for t in seen.of(name) if t]
    distinct = set(texts)
    if not texts:
        return "drop"
    named_ones = [t for t in distinct if not _is_sum(t, labels)]
    countries = _share(named_ones, labels.get("country", {}), labels.get("iso2", {})) >= _ENOUGH
    if named in ("period", "end") and countries:
        named = None
    if named in ("year", "month", "quarter", "period", "week", "week_end", "fiscal", "figure", "status", "end", "note"):
        if named == "figure":
            return "number" if _half_numeric(texts) else "parts"
        if named == "status":
            return "status" if all(len(t) <= 3 or t.casefold() in STATUS_WORDS for t in distinct) else "unclear"
        return {"note": "drop", "week": "period", "week_end": "period", "fiscal": "year"}.get(named, named)
    if named in ("country", "citizenship", "counterpart"):
        known = _share(named_ones, labels.get("country", {}), labels.get("iso2", {}))
        return named if known > _MOST or (len(named_ones) == 1 and known) else "parts"
    for kind in ("direction", "mode"):
        may_be = named == kind or (named is None and not _numeric(texts))
        known = _share(distinct, labels.get(kind, {}), labels.get("total", {})) == 1
        if may_be and known and not _only_totals(distinct, labels):
            return kind
    if named == "place":
        return "place"
    if countries and not _numeric(texts):
        return "country"
    if _numeric(texts):
        return "drop" if named in ("sex", "age") else "number"
    if named is None and spellings(texts, kept, None, None) is not None:
        return "period"
    return "parts"


def _is_sum(text: str, labels: Labels) -> bool:
    """Whether a label stands for several others: a total, or a group of countries."""
    return any(label_key(text) in labels.get(kind, {}) for kind in ("total", "group"))


def _only_totals(distinct: Iterable[str], labels: Labels) -> bool:
    return all(label_key(t) in labels.get("total", {}) for t in distinct)


def _share(texts: Iterable[str], *tables: Mapping[str, str]) -> float:
    """Share of texts that are labels in one of the tables, or one of the codes of a table of countries."""
    codes = {code for table in tables for code in table.values() if len(code) == 3 and code.isupper()}
    known = [text in codes or any(label_key(text) in table for table in tables) for text in texts]
    return sum(known) / len(known) if known else 0.0


def _numeric(texts: Iterable[str]) -> bool:
    """Whether texts are figures, with marks behind or instead of some."""
    filled = [t for t in texts if t]
    figures = sum(is_number(without_mark(t)) for t in filled)
    marks = sum(len(t) <= 3 and not any(map(str.isdigit, t)) for t in filled)
    return figures > 0 and figures + marks >= _ENOUGH * len(filled) and (figures >= marks or marks <= 0.9 * len(filled))


def _half_numeric(texts: Iterable[str]) -> bool:
    """Whether at least half of the texts of a column that is named after figures are figures; the others are set aside."""
    filled = [t for t in texts if t]
    return _numeric(filled) or 2 * sum(is_number(without_mark(t)) for t in filled) >= len(filled) > 0


def _one_period(seen: Seen, meaning: dict[str, str], named: Mapping[str, str | None], kept: Calendar) -> None:
    """One column of periods: the named one, else the first one that reads as such."""
    of = [name for name, given in meaning.items() if given == "period"]
    if not of and "year" not in meaning.values():
        like = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])?(?:[0-3]\d)?")
        bare = [name for name in meaning if meaning[name] == "number" and named[name] is None]
        of = [name for name in bare if all(like.fullmatch(t) for t in seen.of(name) if t)][:1]
        for name in of:
            meaning[name] = "period"
    best = [n for n in of if named[n] in ("period", "week", "week_end")] or of
    if len(of) > 1:
        readable = [n for n in best if spellings(seen.of(n), kept, None, None) is not None] or best
        for name in of:
            if name != readable[0]:
                meaning[name] = "drop"
    if not of:
        finer = [name for name, given in meaning.items() if given in ("month", "quarter")]
        if finer and "year" not in meaning.values():
            meaning[finer[0]] = "period"
    elif "year" in meaning.values() or "month" in meaning.values():
        for name, given in list(meaning.items()):
            if given in ("year", "month", "quarter"):
                meaning[name] = "drop"


def _settle_parts(
    seen: Seen, meaning: dict[str, str], named: Mapping[str, str | None], labels: Labels, unseen: list[Unseen]
) -> None:
    """Columns of categories that nobody named: what they are follows from whether they tell figures apart."""
    open_ = [name for name, given in meaning.items() if given == "parts"]
    fixed = [name for name, given in meaning.items() if given in (*FIELDS, "period", "year", "month", "quarter")]
    for name in list(open_):
        if named[name] in ("country", "citizenship"):
            continue
        others = [*fixed, *(n for n in open_ if n != name)]
        if not _tells_apart(seen, name, others):
            meaning[name] = "ignore"
            open_.remove(name)
    for name in open_:
        distinct = sorted({t for t in seen.of(name) if t})
        totals = [t for t in distinct if label_key(t) in labels.get("total", {})]
        if len(totals) == 1 and named[name] not in ("country", "citizenship", "counterpart"):
            meaning[name] = "total"
            continue
        meaning[name] = "ignore"
        some = ", ".join(distinct[:4]) + (" …" if len(distinct) > 4 else "")
        unseen.append(Unseen("as", f"Column {name} splits the figures ({some}); what is it?", (
            (f"{name}=sum", "parts of one figure: add them up"),
            (f"{name}=place", "places inside the country: a series each"),
            (f"{name}=citizenship", "citizenships"),
            (f"{name}=country", "the countries that the figures speak of"),
            *(((f"{name}=direction", "the direction; other labels are left out"),) if _any_way(distinct, labels) else ()),
        )))  # fmt: skip


def _any_way(texts: Iterable[str], labels: Labels) -> bool:
    return any(label_key(t) in labels.get("direction", {}) for t in texts)


def _unclear(seen: Seen, meaning: Mapping[str, str]) -> list[Unseen]:
    """Columns that say in words of their own what the figures beside them are."""
    return [
        Unseen(
            "as",
            f"Column {name} speaks of the figures ({_example(seen, name)}); is every row a count? If not, take those rows out.",
            ((f"{name}=ignore", "yes, all alike"),),
        )
        for name, given in meaning.items()
        if given == "unclear"
    ]


def _settle_end(seen: Seen, meaning: dict[str, str], spelled: Spelled | None, kept: Calendar) -> None:
    """A column of last days must say what the first days say; raises CrossingsError where periods differ in length."""
    ends = [name for name, given in meaning.items() if given == "end"]
    starts = [name for name, given in meaning.items() if given == "period"]
    for name in ends:
        meaning[name] = "drop"
        if spelled is None or not starts or len(spelled.ways) != 1:
            continue
        spelling, freq, anchor = spelled.ways[0]
        last = spellings(seen.of(name), kept, None, None)
        pairs = zip(seen.of(starts[0]), seen.of(name), strict=True)
        for first, end in dict.fromkeys((a, b) for a, b in pairs if a and b):
            period = _or_none(first, spelling, freq, kept, "end" if anchor == "end" else "start")
            day = None if last is None else _or_none(end, last.ways[0][0], "D", kept)
            if period is None or day is None or day[1] not in (period[1], period[1] + dt.timedelta(days=1)):
                raise CrossingsError(
                    f"{starts[0]} {first} and {name} {end} make no {NAMES[freq]}, as {spelling} alone would say",
                    "periods of other lengths are statements: name the columns period_start and period_end, add report_id and "
                    "direction, and take `crossings estimate`",
                )


def _settle_countries(
    seen: Seen,
    meaning: dict[str, str],
    named: Mapping[str, str | None],
    stated: Mapping[str, str],
    unseen: list[Unseen],
) -> None:
    """One column of countries reported on; others, and countries of origin that tell figures apart, are asked about."""
    of = [name for name, given in meaning.items() if given == "country"]
    ways = {label_key(name) for name in of}
    if {"from", "to"} <= ways:
        raise CrossingsError(
            "rows from one country to another do not say whose entries or exits they are",
            "keep the rows of one direction, name its column country, and drop the other",
        )
    first = next((n for n in of if n in stated), next((n for n in of if named[n] == "country"), None))
    if len(of) > 1 and any(n not in stated for n in of):
        for name in [n for n in of if n != first and n not in stated]:
            if first is not None and not _tells_apart(seen, name, [first]):
                meaning[name] = "ignore"
                continue
            unseen.append(Unseen("as", f"{' and '.join(of)} name countries; what is {name}?", (
                (f"{name}=country", "the countries that the figures speak of"),
                (f"{name}=citizenship", "whose citizens crossed"),
                (f"{name}=sum", "where they came from or went to: add them up"),
                (f"{name}=ignore", "says nothing of the series"),
            )))  # fmt: skip
            break
    for name in [n for n, given in meaning.items() if given == "counterpart"]:
        others = [n for n, given in meaning.items() if n != name and given in (*FIELDS, "period", "year", *FINER)]
        if _tells_apart(seen, name, others):
            unseen.append(Unseen("as", f"Column {name} splits the figures; a series is not kept for each. What of them?", (
                (f"{name}=citizenship", "take them as citizenships"), (f"{name}=sum", "add them up"),
                (f"{name}=total", "take the total alone"),
            )))  # fmt: skip


def _tells_apart(seen: Seen, name: str, others: Sequence[str]) -> bool:
    """Whether rows that agree in all other columns of labels differ in this one."""
    found: dict[tuple[str, ...], str] = {}
    for row in zip(*(seen.of(n) for n in others), seen.of(name), strict=True):
        if found.setdefault(row[:-1], row[-1]) != row[-1]:
            return True
    return False


def _no_period(seen: Seen, meaning: Mapping[str, str], named: Mapping[str, str | None]) -> Unseen:
    """Which column may be the period. Raises CrossingsError where none can be, because none has a digit in every row."""
    left = ("number", "parts", "drop", "ignore")
    free = [n for n in seen.names if meaning.get(n) in left and named[n] != "figure"]
    like = [n for n in free if any(seen.of(n)) and all(any(map(str.isdigit, t)) for t in seen.of(n) if t)]
    if not like:
        raise CrossingsError(
            f"no column of {', '.join(seen.names)[:200]} holds a day, week, month, quarter or year",
            "add one with the period of each row, or name the columns of figures after their periods",
        )
    return Unseen(
        "as", "Which column is the period?", tuple((f"{n}=period", f"e.g. {_example(seen, n)}") for n in like)
    )


def _no_figure(seen: Seen, meaning: Mapping[str, str]) -> Unseen:
    """Which column may hold the figures, where none holds numbers."""
    names = [name for name in seen.names if meaning.get(name) in ("number", "parts", "drop", "ignore")] or seen.names
    shown = tuple((f"{name}=figure", f"e.g. {_example(seen, name)}") for name in names[:12])
    return Unseen("as", "Which column holds the figures?", shown)


def _example(seen: Seen, name: str) -> str:
    return ", ".join(dict.fromkeys(t for t in seen.of(name)[:200] if t))[:60] or "nothing"


# --- periods -------------------------------------------------------------------------------------------------------


def spellings(texts: Iterable[str], kept: Calendar, freq: str | None, order: str | None) -> Spelled | None:
    """The ways in which all texts of a column can be read as periods; None where no common spelling does.

    Blank texts are passed over. A tenth of the texts, but not the only one, may be something else: those rows are set aside.
    """
    distinct = list(dict.fromkeys(t for t in texts if t))
    if not distinct:
        return None
    ways: list[tuple[str, str, str]] = []
    reach: tuple[dt.date, dt.date] | None = None
    for fine in ("W", *COMMON) if (freq or "").startswith("W") else ("D", "M", "Q", "S", "A", "W"):
        for name in COMMON[fine]:
            days = _days(distinct, name, fine, kept)
            if days is None or (order is not None and not _in_order(name, order)):
                continue
            for real, anchor in _frequencies(days) if fine == "D" else ((fine, "start"),):
                if freq in (None, _called(real, anchor)):
                    ways.append((name, real, anchor))
                    reach = reach or (min(first for first, _ in days), max(last for _, last in days))
        if ways and not (fine == "M" and all(first.month <= 4 for first, _ in days_of(distinct, ways[0], kept))):
            break
    ways = _apart(ways, distinct, kept)
    return None if reach is None else Spelled(tuple(ways), *reach)


def as_said(texts: Iterable[str], spelling: str, freq: str | None, kept: Calendar) -> Spelled:
    """The stated way of reading periods. Raises CrossingsError where it reads none of the texts."""
    distinct = list(dict.fromkeys(t for t in texts if t))
    try:
        compiled(spelling)
    except ValueError as fault:
        raise CrossingsError(str(fault), "spell it in tokens such as D.M.YYYY, YYYY-Www, MON YY") from None
    for fine in [freq[0]] if freq else "DWMQSA":
        if days := days_of(distinct, (spelling, fine, ""), kept):
            ways = [
                (spelling, real, anchor) for real, anchor in (_frequencies(days) if fine == "D" else [(fine, "start")])
            ]
            wanted = [way for way in ways if freq in (None, _called(*way[1:]))] or ways
            return Spelled(tuple(wanted), min(a for a, _ in days), max(b for _, b in days))
    raise CrossingsError(f"{spelling} reads none of the periods, such as {distinct[:1]}", "spell them as they stand")


def days_of(texts: Sequence[str], way: tuple[str, str, str], kept: Calendar) -> list[Period]:
    """First and last days of the texts that are read in one way."""
    return [period for text in texts if (period := _or_none(text, way[0], way[1], kept)) is not None]


def _called(freq: str, anchor: str) -> str:
    """A frequency and the day of the period that a date names, as a person states them: `W`, `W-end`."""
    return freq if anchor == "start" else f"{freq}-end"


def _days(texts: Sequence[str], name: str, freq: str, kept: Calendar) -> list[Period] | None:
    found: list[Period] = []
    wrong = 0
    for text in texts:
        try:
            found.append(read_period(text, (name,), freq, kept=kept))
        except NotAPeriod:
            wrong += 1
            if wrong > 0.1 * len(texts):
                return None
    if not found or any(not 1900 <= first.year <= 2100 for first, _ in found):
        return None
    return found


def _in_order(name: str, order: str) -> bool:
    day, month = name.find("D"), name.find("M")
    return min(day, month) < 0 or name.startswith("Y") or (day < month) == (order == "dmy")


def _frequencies(days: Sequence[Period]) -> list[tuple[str, str]]:
    """Frequencies that dates may stand for: days, unless each is the first or last day of a longer period."""
    dates = sorted({first for first, _ in days})
    if len(dates) == 1:
        only = dates[0]
        return [("D", "start"), ("M", "start")] if only.day == 1 else [("D", "start")]
    firsts = all(d.day == 1 for d in dates)
    lasts = all((d + dt.timedelta(days=1)).day == 1 for d in dates)
    if firsts or lasts:
        anchor = "start" if firsts else "end"
        edge = {d.month if firsts else d.month + 1 for d in dates}
        if edge <= {1, 13}:
            return [("A", anchor)]
        if edge <= {1, 4, 7, 10, 13}:
            return [("Q", anchor)]
        return [("M", anchor)]
    gaps = {(b - a).days for a, b in pairwise(dates)}
    if len(dates) > 2 and all(gap % 7 == 0 for gap in gaps):
        return [("W", "start")] if dates[0].weekday() == 0 else [("W", "end"), ("W", "start"), ("D", "start")]
    return [("D", "start")]


def _apart(ways: Sequence[tuple[str, str, str]], texts: Sequence[str], kept: Calendar) -> list[tuple[str, str, str]]:
    """Ways that read some text as other days; of those that agree the first."""
    chosen: list[tuple[str, str, str]] = []
    seen: set[tuple[object, ...]] = set()
    for name, freq, anchor in ways:
        fine = freq if name in COMMON.get(freq, ()) else "D"
        said = (freq, anchor, *(_or_none(text, name, fine, kept) for text in texts))
        if said not in seen:
            seen.add(said)
            chosen.append((name, freq, anchor))
    return chosen


def _or_none(
    text: str, name: str, freq: str, kept: Calendar, anchor: Literal["start", "end"] = "start"
) -> Period | None:
    try:
        return read_period(text, (name,), freq, anchor, kept=kept)
    except NotAPeriod:
        return None


def _ways(spelled: Spelled, example: str) -> Unseen:
    """The question which of several ways of reading the periods is meant."""
    names = {name for name, _, _ in spelled.ways}
    exchanged = [name for name in names if with_exchanged(name) in names]
    if exchanged:
        words = (("dmy", "the day first"), ("mdy", "the month first"))
        return Unseen("dates", "Every date can be read with the day or the month first; which is it?", words)
    called = {
        "D": "that day", "W": "the week that starts then", "W-end": "the week that ends then", "M": "the month",
        "Q": "the quarter",
        "S": "the half-year", "A": "the year",
    }  # fmt: skip
    codes = dict.fromkeys(_called(freq, anchor) for _, freq, anchor in spelled.ways)
    choices = tuple((code, called.get(code, called[code[0]])) for code in codes)
    return Unseen("freq", f"What does a period such as {example} stand for?", choices)


def _unread(texts: Sequence[str]) -> Unseen:
    some = ", ".join(repr(t) for t in list(dict.fromkeys(t for t in texts if t))[:4])
    return Unseen(
        "spelling", f"How are the periods spelled ({some})? In tokens such as D.M.YYYY, YYYY-Www, MON YY.", ()
    )
