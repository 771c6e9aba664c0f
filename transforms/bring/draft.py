"""From a table whose columns are understood to the YAML of a source, with the questions that only a person can answer.

In: one payload, the label table, and `Answers`. Out: a `Draft`: the document as YAML gives it, what was understood in words, and
what is still open. A draft without open questions is a source: `crossings.source.reader.build_source` makes its model and the
parser reads the file by it, so that what is shown is what will be brought.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crossings.errors import CrossingsError
from crossings.source.labels import country_code, label_key
from crossings.source.patterns import fits, names_of
from transforms.bring import roles, seen
from transforms.bring.roles import Labels, Reading, Unseen
from transforms.parse.contract import Parsed, Payload
from transforms.series import definitions

COUNTED: dict[str, tuple[str, dict[str, str]]] = {
    "entries": ("crossings of the border into the country", {"direction": "entry"}),
    "exits": ("crossings of the border out of the country", {"direction": "exit"}),
    "crossings": ("crossings of the border, both ways together", {"direction": "both"}),
    "net": ("entries minus exits", {"direction": "net"}),
    "visits": (
        "trips of visitors or tourists to the country",
        {"direction": "entry", "measure": "trips", "system": "tourism"},
    ),
    "guests": (
        "guests in hotels and other accommodation",
        {"direction": "entry", "measure": "stays", "system": "accommodation"},
    ),
    "asylum": ("applications for asylum", {"direction": "entry", "measure": "applications", "system": "asylum"}),
    "permits": ("residence permits issued", {"direction": "entry", "measure": "permits", "system": "residence"}),
    "residents": ("persons who moved there", {"direction": "entry", "measure": "residents", "system": "residence"}),
    "detections": ("detections of irregular crossings", {"direction": "entry", "measure": "detections"}),
    "refusals": ("persons refused entry", {"direction": "entry", "measure": "refusals"}),
    "vehicles": ("vehicles into the country", {"direction": "entry", "measure": "vehicles", "system": "customs"}),
    "present": (
        "persons present at the end of the period",
        {"direction": "stock", "measure": "persons", "system": "residence"},
    ),
}
"""What a figure may count: the word for it, its meaning, and the codes it states; crossings at the border unless said."""

STATISTICS = ("total", "cumulative", "mean_per_day", "mean_per_week", "mean_per_month")
_SYMBOLS = {"..": "O", "...": "O", "…": "O", ":": "O", "-": "O", "–": "O", "—": "O", ".": "O", "NA": "O", "N/A": "O", "n/a": "O",
            "na": "O", "NaN": "O", "nan": "O", "null": "O", "None": "O", "c": "Q", "x": "Q", "X": "Q", "*": "A", "p": "P",
            "e": "E", "b": "B", "r": "A"}  # fmt: skip
_SCALE = re.compile(
    r"thousands?\b|\b000s\b|'000|\(000|in 000|тыс|\bT(?:sd|SD)\b|tausend|\bmilliers|\bmiles de|tuh(?:ansi|at)|tūkst|\btys\b"
    r"|millions?\b|млн|мил[лн]|\bMio\b|\bmln\b", re.IGNORECASE,
)  # fmt: skip
_RUNNING = re.compile(
    r"cumulat|running total|year.to.date|\bytd\b|\bsince\b|so far|нараста|накоп|с начала|kumul|\bseit\b|\bdepuis\b|acumulad",
    re.IGNORECASE,
)
_MEAN = re.compile(r"averag|\bmean\b|\bper day\b|средн|durchschnitt|moyen|promedio|\bmedia\b|keskim", re.IGNORECASE)
_RISING = 6  # figures that tell a running total from a season
_WAY = {"entry": "entries", "exit": "exits"}
_UNNAMED = "header above the figures"
_AXES = ("period", *roles.FINER)
_WHOLE = ("unit", "year_starts")
_SPLIT = re.compile(r"\s+of\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Answers:
    """What a person said of a file; None and empty where nothing was.

    Attributes
    ----------
    counts : a word of `COUNTED`, with ` of ` and a country where it counts the citizens of one: `entries of RUS`.
    country : the country reported on, where no column says it; a code or a name.
    meanings : column -> one of `roles.MEANINGS`. freq : frequency that dates stand for, `W-end` for the last day of a week.
    dates : `dmy` or `mdy`. spelling : of the periods, in tokens. unit : units in one figure.
    year_starts : first month of the publisher's year. statistic : of `STATISTICS`; since : first day of a running total, or
    `year`. marks : `thousands` or `decimals`, of a mark that may be either. path : JSON pointer to the records.
    publisher, title : in words.
    """

    counts: str | None = None
    country: str | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)
    freq: str | None = None
    dates: str | None = None
    spelling: str | None = None
    unit: int | None = None
    year_starts: int | None = None
    statistic: str | None = None
    since: str | None = None
    marks: str | None = None
    path: str | None = None
    publisher: str | None = None
    title: str | None = None

    def told(self, key: str, answer: str) -> Answers:
        """With one more answer, to the question of that key."""
        if key == "as":
            names, said, meaning = answer.rpartition("=")
            if not said:
                raise CrossingsError(f"--as {answer} states no meaning", "say it as `--as sex=sum`")
            return replace(self, meanings={**self.meanings, **dict.fromkeys(names.split(","), meaning)})
        if key == "statistic":
            statistic, _, since = answer.partition(" since ")
            return replace(self, statistic=statistic, since=since or None)
        if key in _WHOLE and not answer.isdigit():
            raise CrossingsError(f"{answer!r} is no number", "say one such as 1000 for thousands, or 10 for October")
        given: dict[str, Any] = {key: int(answer) if key in _WHOLE else answer}
        return replace(self, **given)


@dataclass(frozen=True)
class Draft:
    """A source as far as it is known.

    Attributes
    ----------
    document : the YAML document; empty while anything is `open`. table : what the file is. columns : name, meaning, examples.
    facts : what was understood, as pairs of words. open : questions, most telling first.
    """

    document: dict[str, Any]
    table: seen.Seen
    columns: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]
    open: tuple[Unseen, ...]


def draft(payload: Payload, source_id: str, answers: Answers, labels: Labels, timezones: Mapping[str, str]) -> Draft:
    """The source of one file.

    timezones : country -> main time zone. Raises `UnreadableInput` for a file that is no table of figures, CrossingsError for an
    answer that has no meaning.
    """
    table = seen.look(payload, answers.path)
    doubtful_mark = table.marks.doubtful
    if doubtful_mark and answers.marks == "decimals":
        table = replace(table, marks=seen.Marks(doubtful_mark))
    _check(answers, table)
    reading = roles.read(
        table, labels, answers.meanings, answers.freq, answers.dates, answers.spelling, answers.year_starts
    )
    unseen = list(reading.unseen)
    counted, whose = _counted(answers, labels)
    country = None if answers.country is None else _code(answers.country, labels)
    named = _says(reading, "direction")
    if counted is None:
        unseen.insert(0, _what(named))
    both = [name for name in reading.having("country") if country is not None and name not in answers.meanings]
    unseen += [
        Unseen("as", f"Column {name} names countries, beside {country}; what are they?", (
            (f"{name}=citizenship", "whose citizens crossed"), (f"{name}=counterpart", "where they came from or went to"),
            (f"{name}=country", f"the countries that the figures speak of, not {country}"),
        ))
        for name in both
    ]  # fmt: skip
    if country is None and not _says(reading, "country"):
        unseen.append(Unseen("country", "Which country do the figures speak of? (ISO code or name)", ()))
    if doubtful_mark and answers.marks is None:
        unseen.append(Unseen("marks", f"Figures such as 1{doubtful_mark}234 can be read in two ways; which?", (
            ("thousands", "1234"), ("decimals", f"1 and a fraction, 1{doubtful_mark}234"))))  # fmt: skip
    unseen += _said_in_words(answers, table, reading)
    _refuse_contradiction(counted, reading, labels)
    if answers.unit is None and reading.figures and _fractions(table, reading):
        unseen.append(Unseen("unit", "The figures have fractions; what do they count?", (
            ("1000", "thousands"), ("1000000", "millions"), ("1", "single units, to be rounded"))))  # fmt: skip
    document: dict[str, Any] = {}
    if not unseen:
        document = _document(payload, source_id, answers, table, reading, labels)
        said = COUNTED[str(counted)][1]
        document["mapping"] |= _series(reading, said, whose, country)
        document |= {name: said[name] for name in ("measure", "system") if name in said}
        if country is not None:
            document |= {"country": country, "timezone": timezones.get(country, "UTC")}
    rules = document["mapping"]["dimensions"] if document else ()
    return Draft(document, table, _described(table, reading), _facts(table, reading, answers, rules), tuple(unseen))


def _said_in_words(answers: Answers, table: seen.Seen, reading: Reading) -> list[Unseen]:
    """Questions about a scale, a mean or a running total that the words of a file speak of."""
    words = [*table.above, *table.notes, *(n for n in reading.figures if reading.wide != "period")]
    for name in (*reading.having("ignore"), *reading.having("drop")):
        words += list({t for t in table.of(name) if t and not seen.is_number(t)})[:20]
    text = " | ".join(words)
    found = []
    if answers.unit is None and (scale := _SCALE.search(text)):
        found.append(Unseen("unit", f"The file says {scale.group(0).strip()!r}; what is one in its figures?", (
            ("1", "one"), ("1000", "a thousand"), ("1000000", "a million"))))  # fmt: skip
    if answers.statistic is None and (said := _RUNNING.search(text)):
        first = reading.spelled.first if reading.spelled else "DATE"
        found.append(
            Unseen("statistic", f"The file says {said.group(0).strip()!r}; what is each figure?", _standing(first))
        )
    elif answers.statistic is None and (said := _MEAN.search(text)):
        found.append(Unseen("statistic", f"The file says {said.group(0).strip()!r}; what is each figure?", (
            ("total", "the total of its period"), ("mean_per_day", "a mean per day"), ("mean_per_week", "a mean per week"),
            ("mean_per_month", "a mean per month"))))  # fmt: skip
    return found


def _standing(first: object) -> tuple[tuple[str, str], ...]:
    return (
        ("total", "each is the number of its period"),
        (f"cumulative since {first}", "a running total from that day"),
        ("cumulative since year", "a running total that starts anew each year"),
    )


def _refuse_contradiction(counted: str | None, reading: Reading, labels: Labels) -> None:
    """Raises CrossingsError where the column of figures is named after the other direction than was said."""
    said = COUNTED[counted][1].get("direction") if counted else None
    for name in reading.figures if not reading.wide else ():
        named = labels.get("direction", {}).get(label_key(name))
        if {said, named} == {"entry", "exit"}:
            raise CrossingsError(
                f"column {name} is one of {_WAY[str(named)]}, --counts says {counted}", "say what it counts"
            )


def doubtful(parsed: Parsed) -> list[Unseen]:
    """What a person must say of figures that were read: whether such as never fall are totals since a day."""
    frame = parsed.observations.loc[parsed.observations["value"].notna()]
    frame = frame.assign(series=definitions.identifiers(frame)).sort_values(["series", "period_start"])
    rising = any(note.rule == "looks_cumulative" for note in parsed.notes)
    for _, of in frame.groupby("series", sort=True):
        values = of["value"].astype("int64").to_numpy()
        years = [day.year for day in of["period_start"]]
        rising = rising or _never_falls(values.tolist(), years)
    if not rising:
        return []
    first = frame["period_start"].min()
    return [
        Unseen("statistic", "The figures never fall; is each one of its period, or a running total?", _standing(first))
    ]


def _never_falls(values: Sequence[int], years: Sequence[int]) -> bool:
    """Whether figures rise from each period to the next, to twice the first, but where a year begins."""
    if len(values) < _RISING or len(set(years)) == len(years):
        return False
    steps = [
        (b - a, before == after) for a, b, before, after in zip(values, values[1:], years, years[1:], strict=False)
    ]
    inside = [step for step, same in steps if same]
    across = [step for step, same in steps if not same]
    if min(inside, default=0) <= 0:
        return False
    return values[-1] >= 2 * values[0] if all(step > 0 for step in across) else max(across) < 0


def _check(answers: Answers, table: seen.Seen) -> None:
    for name, meaning in answers.meanings.items():
        if name not in table.names:
            raise CrossingsError(f"there is no column {name!r}", f"columns are {', '.join(table.names)}")
        if meaning not in roles.MEANINGS:
            raise CrossingsError(f"{meaning!r} is no meaning of a column", f"one of {', '.join(roles.MEANINGS)}")
    if answers.statistic is not None and answers.statistic not in STATISTICS:
        raise CrossingsError(f"{answers.statistic!r} is no statistic", f"one of {', '.join(STATISTICS)}")
    if (answers.statistic == "cumulative") != (answers.since is not None):
        raise CrossingsError("a running total has a first day, nothing else has", "say `cumulative since 2022-02-24`")
    if answers.marks not in (None, "thousands", "decimals"):
        raise CrossingsError(f"{answers.marks!r} is no way to read a mark", "say thousands or decimals")
    if answers.dates not in (None, "dmy", "mdy"):
        raise CrossingsError(f"{answers.dates!r} is no order of dates", "say dmy or mdy")


def _counted(answers: Answers, labels: Labels) -> tuple[str | None, str | None]:
    """What is counted, and of whose citizens."""
    if answers.counts is None:
        return None, None
    word, *of = _SPLIT.split(answers.counts.strip(), maxsplit=1)
    if word.casefold() not in COUNTED:
        raise CrossingsError(f"{word!r} is nothing we count", f"one of {', '.join(COUNTED)}, e.g. `entries of RUS`")
    if of and label_key(of[0]) in labels.get("total", {}):
        return word.casefold(), "all"
    return word.casefold(), _code(of[0], labels) if of else None


def _code(text: str, labels: Labels) -> str:
    code = country_code(text, labels)
    if code is None and text.upper() in set(labels.get("iso2", {}).values()):
        code = text.upper()
    if code is None:
        raise CrossingsError(f"{text!r} is no country we know", "give its ISO 3166-1 alpha-3 code, such as FIN")
    return code


def _what(named: bool) -> Unseen:
    skipped = {"entries", "exits", "net"} if named else set()
    choices = tuple((word, meaning) for word, (meaning, _) in COUNTED.items() if word not in skipped)
    return Unseen("counts", "What does a figure count? Add ` of RUS` where it counts citizens of one country.", choices)


def _says(reading: Reading, meaning: str) -> bool:
    return bool(reading.having(meaning)) or reading.wide == meaning


# --- the document --------------------------------------------------------------------------------------------------


def _document(
    payload: Payload, source_id: str, answers: Answers, table: seen.Seen, reading: Reading, labels: Labels
) -> dict[str, Any]:
    assert reading.spelled is not None
    freq = reading.spelled.ways[0][1]
    mapping: dict[str, Any] = {
        "series": {}, "time": _time(table, reading, labels, answers.year_starts),
        "dimensions": _dimensions(table, reading, labels),
    }  # fmt: skip
    unit = answers.unit or 1
    mult = len(str(unit)) - 1
    mapping["unit"] = (
        {"text": "as stated"}
        | ({"mult": mult} if mult else {})
        | ({"rounding_unit": 1} if answers.unit and _fractions(table, reading) else {})
    )
    if symbols := _symbols(table, reading):
        mapping["symbols"] = symbols
    if table.marks.thousands:
        mapping["thousands"] = table.marks.thousands
    if table.marks.decimal != ".":
        mapping["decimal"] = table.marks.decimal
    if answers.statistic not in (None, "total"):
        mapping["statistic"] = answers.statistic
    if answers.since is not None:
        mapping["since"] = answers.since
    return {
        "id": source_id, "title": answers.title or f"Figures of {payload.name}", "publisher": answers.publisher or "not stated",
        "licence": {"name": "not stated", "terms": "not stated"}, "language": roles.LANGUAGE,
        "cadence": freq if freq in ("D", "W", "M", "Q", "A") else "irregular", "timezone": "UTC",
        "system": "border_control", "measure": "crossings", "fetch": {"offline": True}, "parser": table.parser,
        "options": _options(table, reading), "mapping": mapping, "confirmed": False,
        "to_confirm": [f"made from {payload.name} by what the file shows and its bringer said"],
    }  # fmt: skip


def _series(reading: Reading, said: Mapping[str, str], whose: str | None, country: str | None) -> dict[str, Any]:
    series: dict[str, str] = {"scope": "national", "mode": "all", "citizenship": whose or "all"}
    if "direction" in said:
        series["direction"] = said["direction"]
    if country is not None:
        series["country"] = country
    for name in ("direction", "country", "citizenship", "mode"):
        if _says(reading, name):
            series.pop(name, None)
    if reading.having("place"):
        series.pop("scope")
    found: dict[str, Any] = {"series": series}
    if series.get("direction") == "stock":
        found["statistic"] = "stock"
    return found


def _time(table: seen.Seen, reading: Reading, labels: Labels, year_starts: int | None) -> dict[str, Any]:
    assert reading.spelled is not None
    spelling, freq, anchor = reading.spelled.ways[0]
    axis: dict[str, Any] = {"freq": freq, "formats": spelling}
    if anchor == "end":
        axis["anchor"] = "end"
    if year_starts not in (None, 1):
        axis["year_starts"] = year_starts
    if reading.wide == "period":
        return {"dimension": "period", **axis}
    if reading.wide in roles.FINER:
        return {"year": reading.having("year")[0], reading.wide: reading.wide} | axis
    if periods := reading.having("period"):
        texts = {t for t in table.of(periods[0]) if t}
        totals = sorted(t for t in texts if label_key(t) in labels.get("total", {}))
        return {"dimension": periods[0], **axis} | ({"unselected": totals} if totals else {})
    names = {part: reading.having(part)[0] for part in ("year", "month", "quarter") if reading.having(part)}
    return ({"dimension": names["year"]} if list(names) == ["year"] else names) | axis


def _dimensions(table: seen.Seen, reading: Reading, labels: Labels) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if table.parser == "workbook" and not reading.wide:
        found.append({"dimension": _UNNAMED, "ignore": True})
    if reading.wide == "sum":
        found.append({"dimension": "part", "sum": True})
    elif reading.wide and reading.wide not in _AXES:
        found.append(_coded(reading.wide, reading.wide, reading.figures, labels))
    for name, meaning in reading.meaning.items():
        texts = sorted({" ".join(t.split()) for t in table.of(name)})
        if meaning in roles.FIELDS:
            found.append(_coded(name, meaning, texts, labels))
        elif meaning == "total":
            chosen = next((t for t in texts if label_key(t) in labels.get("total", {})), None)
            if chosen is None:
                raise CrossingsError(
                    f"column {name!r} has no total", f"it has {', '.join(texts[:10])}; say sum or ignore"
                )
            found.append({"dimension": name, "labels": {chosen: {}}, "unselected": [t for t in texts if t != chosen]})
        elif meaning in ("sum", "status", "ignore"):
            total = [t for t in texts if meaning == "sum" and label_key(t) in labels.get("total", {})]
            found.append({"dimension": name, meaning: True} | ({"unselected": total} if total else {}))
    return found


def _coded(name: str, meaning: str, texts: Sequence[str], labels: Labels) -> dict[str, Any]:
    """A dimension whose labels state a field of the series."""
    if meaning == "place":
        totals = [t for t in texts if label_key(t) in labels.get("total", {})]
        return {"dimension": name, "labels": {
            t: {"scope": "national" if t in totals else f"checkpoint:{slug(t)}"} for t in texts if t
        }}  # fmt: skip
    kind = meaning if meaning in ("direction", "mode") else "country"
    table = labels.get(kind, {})
    codes = set(labels.get("iso2", {}).values())
    given: dict[str, dict[str, str]] = {}
    left: list[str] = []
    iso2 = labels.get("iso2", {})
    for text in filter(None, texts):
        if label_key(text) in labels.get("total", {}) and kind == "country":
            if meaning == "citizenship":
                given[text] = {meaning: "all"}
            else:
                left.append(text)
        elif kind == "country" and label_key(text) in labels.get("group", {}):
            left.append(text)
        elif label_key(text) not in table and text not in codes and label_key(text) in iso2:
            given[text] = {meaning: iso2[label_key(text)]}
    rule: dict[str, Any] = {"dimension": name}
    if given or kind != "country":
        for text in filter(None, texts):
            code = table.get(label_key(text), text if text in codes else None)
            if code is not None and text not in given:
                given[text] = {meaning: code}
            elif code is None and kind == "direction":
                left.append(text)
        rule["labels"] = given
    else:
        rule |= {"field": meaning, "codes_from": "country", "as_code": True}
    return rule | ({"unselected": left} if left else {})


def slug(text: str) -> str:
    """A name as the last part of a scope."""
    words = re.findall(r"[^\W_]+", text.casefold())
    return "-".join(words) or "unnamed"


def _symbols(table: seen.Seen, reading: Reading) -> dict[str, str]:
    cells = {t.strip() for name in reading.figures for t in table.of(name)}
    texts = {t for t in cells if not seen.is_number(t)} | {
        t.strip() for n in reading.having("status") for t in table.of(n)
    }
    words = {t: roles.STATUS_WORDS[t.casefold()] for t in texts if t.casefold() in roles.STATUS_WORDS}
    behind = {t[len(bare) :].strip(" ()[]") for t in texts if (bare := seen.without_mark(t)) != t}
    return dict(sorted(({mark: _SYMBOLS[mark] for mark in texts | behind if mark in _SYMBOLS} | words).items()))


def _fractions(table: seen.Seen, reading: Reading) -> bool:
    point = re.escape(table.marks.decimal)
    some = (t for name in reading.figures for t in table.of(name) if seen.is_number(t))
    return any(re.search(rf"{point}\d*[1-9]", t) for t in some)


def _options(table: seen.Seen, reading: Reading) -> dict[str, Any]:
    options = dict(table.options)
    if table.parser in ("jsonstat", "pcaxis"):
        return options
    dropped = reading.having("drop")
    kept = [name for name in table.names if name not in dropped]
    axis = "part" if reading.wide == "sum" else reading.wide
    if table.parser == "workbook":
        said = {part for pattern in options["sheet"] for part in names_of(pattern)}
        stub = [name for name in kept if name not in reading.figures and name not in said]
        level = {"dimension": axis or _UNNAMED} | ({} if axis in _AXES else {"expect": list(reading.figures)})
        if letters := options.get("stub_columns"):
            options["stub_columns"] = [letters[table.names.index(name)] for name in stub]
        return options | {"stub": stub, "levels": [level]} | ({"ignore_columns": list(dropped)} if dropped else {})
    if options.get("header") is False:
        kept, dropped = list(table.names), ()
    figures = list(reading.figures)
    shapes = {re.sub(r"[0-9]", "#", name) for name in figures}
    if axis == "period" and len(shapes) == 1 and not any(fits(name, *shapes) is not None for name in (*kept, *dropped)
                                                         if name not in figures):  # fmt: skip
        kept, figures = [name for name in kept if name not in figures], list(shapes)
    options["columns"] = kept
    options["values"] = figures
    if axis:
        options["values_as"] = axis
    if dropped:
        options["ignore_columns"] = [re.sub(r"([*?#{}])", "?", name) for name in dropped]
    return options


# --- in words ------------------------------------------------------------------------------------------------------


def _described(table: seen.Seen, reading: Reading) -> tuple[tuple[str, str, str], ...]:
    shown = []
    for name in table.names:
        if reading.wide in _AXES and name in reading.figures:
            continue
        meaning = reading.meaning.get(name, "")
        examples = ", ".join(list(dict.fromkeys(t for t in table.of(name)[:500] if t))[:3])
        shown.append((name, roles.MEANINGS.get(meaning, "not known yet"), examples[:60]))
    if reading.wide in _AXES:
        shown.append((f"{len(reading.figures)} columns", f"the {reading.wide}, the figures below it",
                      ", ".join([*reading.figures[:2], "…", reading.figures[-1]])))  # fmt: skip
    return tuple(shown)


def _facts(
    table: seen.Seen, reading: Reading, answers: Answers, left: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, str], ...]:
    facts = [("file", table.kind)]
    facts.append(("rows", f"{table.rows:,}"))
    if reading.spelled is not None:
        spelling, freq, anchor = reading.spelled.ways[0]
        of = {"D": "days", "W": "weeks", "M": "months", "Q": "quarters", "S": "half-years", "A": "years"}[freq]
        named = " by their last day" if anchor == "end" else ""
        facts.append(("periods", f"{of}{named}, {reading.spelled.first} to {reading.spelled.last}, written {spelling}"))
    marks = [f"decimal {table.marks.decimal}"] if table.marks.decimal != "." else []
    marks += [f"thousands {table.marks.thousands!r}"] if table.marks.thousands else []
    if marks:
        facts.append(("marks", ", ".join(marks)))
    facts += [("note", note) for note in (*table.notes, *reading.notes)]
    facts += [
        ("left out", f"{rule['dimension']}: {', '.join(rule['unselected'][:12])}")
        for rule in left
        if rule.get("unselected")
    ]
    facts.append(("publisher", answers.publisher or "not stated (say it with --publisher)"))
    return tuple(facts)
