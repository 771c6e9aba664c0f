"""Every table once: columns, types, keys, code lists.

The Arrow schemas, the Great Expectations suites, the data dictionary in `docs/dictionary.md` and the checks of the
catalog are all generated from what stands here. Importing this module loads neither pyarrow nor pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SCHEMA_VERSION = "1"

CODE_LISTS: dict[str, dict[str, str]] = {
    "direction": {
        "entry": "into the reporting country",
        "exit": "out of the reporting country",
        "both": "entries and exits together",
        "net": "entries minus exits",
        "stock": "present in the country at an instant",
    },
    "measure": {
        "crossings": "passages of a person through a control point",
        "persons": "distinct persons",
        "trips": "trips of travellers, visitors or tourists, as the system defines them",
        "vehicles": "means of transport",
        "stays": "guests or stays in accommodation",
        "refusals": "persons refused entry",
        "registrations": "registrations with an authority",
        "applications": "applications for a permit or for asylum",
        "detections": "detections of irregular crossings",
        "permits": "permits issued",
        "residents": "persons who changed residence or are resident",
    },
    "system": {
        "border_control": "counts at the border",
        "tourism": "visitor and tourism statistics",
        "accommodation": "statistics of accommodation",
        "residence": "residence, migration and permit statistics",
        "asylum": "asylum statistics",
        "mirror": "counts by the other side of the border",
        "customs": "counts of means of transport by customs",
        "unknown": "not stated",
    },
    "mode": {
        "all": "every mode of transport",
        "land": "road and rail across a land border",
        "road": "road",
        "rail": "rail",
        "air": "air",
        "sea": "sea and inland water",
        "foot": "on foot",
        "unknown": "not stated",
    },
    "reporter_side": {
        "destination": "the country entered or left speaks of itself",
        "origin": "the country on the other side speaks",
        "third_party": "somebody else speaks",
    },
    "statistic": {
        "total": "number in a closed window",
        "cumulative": "running total since a date",
        "mean_per_day": "average of the days of the window",
        "each_day": "holds for every single day of the window",
        "max_per_day": "largest single day of the window",
        "min_per_day": "smallest single day of the window",
        "mean_per_week": "average of the weeks of the window",
        "mean_per_month": "average of the months of the window",
        "stock": "number present at an instant",
        "change": "signed difference to a base named in the note",
        "ratio": "multiple of a base named in the note",
        "share": "percent of a base named in the note",
    },
    "modality": {
        "observed": "said to have happened",
        "estimate": "said to be an estimate",
        "forecast": "said to be expected",
        "denied": "quoted in order to be denied",
    },
    "period_basis": {
        "stated": "the window is in the text, or follows from yesterday and the like",
        "inferred": "the window was inferred by the coder",
        "open": "one end is missing",
        "missing": "both ends are missing",
    },
    "qualifier": {
        "exact": "an unrounded count",
        "rounded": "a round number without a hedge word",
        "about": "about, some, roughly",
        "nearly": "nearly, almost, just under",
        "more_than": "more than, over, above",
        "at_least": "at least, no fewer than",
        "less_than": "less than, under, fewer than",
        "up_to": "up to, at most, as many as",
        "between": "between two numbers",
    },
    "speech_mode": {
        "spoken": "said aloud",
        "written_text": "in running text",
        "written_table": "in a table",
        "headline": "in a headline",
        "unknown": "not known",
    },
    "revision_kind": {
        "": "not a revision",
        "correction": "an error was corrected",
        "update": "a later count of the same window",
        "retraction": "withdrawn; nothing takes its place",
    },
    "role": {
        "constraint": "bounds the estimate",
        "copy": "repeats the statement of a constraint; counts once",
        "superseded": "replaced or withdrawn by a later report",
        "excluded": "set aside by a curator's decision",
        "held": "set aside by a rule until decided",
        "not_observed": "an estimate, forecast or denied figure",
        "unattributed": "no source is named (tier 5)",
        "unbounded_window": "the window is open or missing",
        "other_statistic": "stock, change, ratio or share: no flow over a window",
        "regular": "a regular statistic, published in `official`",
    },
    "status": {
        "reported": "a report states this very day",
        "derived": "follows exactly from reports on other windows",
        "reconciled": "moved because reports contradict each other",
        "estimated": "the smoothest path inside the bounds",
        "none": "bounds only, no point",
    },
    "obs_status": {  # SDMX CL_OBS_STATUS 2.3, the codes we emit
        "A": "normal value",
        "B": "time series break",
        "D": "definition differs",
        "E": "estimated value",
        "L": "missing value; data exist but were not collected",
        "M": "missing value; data cannot exist",
        "O": "missing value",
        "P": "provisional value",
        "Q": "missing value; suppressed",
        "U": "low reliability",
    },
    "severity": {
        "info": "for the record",
        "warn": "kept, with a warning",
        "error": "quarantined or held",
        "stop": "stops a series or the release",
    },
    "finding_status": {
        "open": "nobody has decided yet",
        "settled": "a decision or a superseding report settled it",
    },
    "decision_action": {
        "recode": "a field takes another value for the estimate; the printed one stays in `reports`",
        "exclude": "kept, but out of the estimate",
        "prefer": "the better of several reports",
        "question": "changes nothing, asks for review",
    },
    "freq": {"D": "daily", "W": "weekly", "M": "monthly", "Q": "quarterly", "A": "yearly"},
    "event_kind": {
        "mobilisation": "mobilisation and what belongs to it",
        "entry_ban": "entry ban",
        "border_closure": "closure",
        "border_opening": "opening",
        "covid_rule": "pandemic rule",
        "advisory": "advisory",
        "statement": "statement",
        "other": "other",
    },
}

OPEN_PATTERNS: dict[str, str] = {
    "scope": r"national|(?:district|checkpoint|checkpoints):[a-z0-9-]+|national minus [a-z0-9:;,-]+",
    "citizenship": r"all|foreign|unknown|[A-Z]{3}|other:[a-z0-9-]+",
}


@dataclass(frozen=True)
class Column:
    """One column of one table.

    Attributes
    ----------
    name, type : the name and the Arrow type as text (`string`, `int64`, `int16`, `int8`, `float64`, `date32`,
        `timestamp` meaning microseconds in UTC, `bool`, `list<string>`).
    meaning : one sentence for the data dictionary, with the unit where there is one.
    nullable : whether a missing value is allowed.
    codes : name of the code list in `CODE_LISTS`, or of the pattern in `OPEN_PATTERNS`.
    """

    name: str
    type: str
    meaning: str
    nullable: bool = True
    codes: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: its name (also schema, suite, directory and test module), key, meaning and columns."""

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name}")

    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        import pyarrow as pa

        return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=c.nullable) for c in self.columns])

    def conform(self, frame: pd.DataFrame) -> pa.Table:
        """The frame as an Arrow table of this schema, sorted by the key.

        Columns the frame lacks become null. Raises ValueError for a column the table does not know, a missing
        value where none is allowed, or a value that does not fit its type.
        """
        import pandas as pd
        import pyarrow as pa

        unknown = sorted(set(frame.columns) - set(self.names))
        if unknown:
            raise ValueError(f"{self.name} has no column {', '.join(unknown)}")
        order = pa.array([], pa.int64())
        if len(frame):
            keys = pd.DataFrame(
                {k: frame[k].astype("category") if self.column(k).type == "string" else frame[k] for k in self.key}
            ).reset_index(drop=True)
            order = pa.array(keys.sort_values(list(self.key), kind="stable").index)
        schema = self.arrow()
        arrays = []
        for field in schema:
            if field.name not in frame.columns:
                array = pa.nulls(len(frame), field.type)
            else:
                array = _to_arrow(frame[field.name], order, field.type)
            if array.null_count and not field.nullable:
                raise ValueError(f"{self.name}.{field.name} has {array.null_count} missing values")
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=schema)


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type behind a type name of `Column`."""
    import pyarrow as pa

    simple = {
        "string": pa.string(),
        "int64": pa.int64(),
        "int16": pa.int16(),
        "int8": pa.int8(),
        "bool": pa.bool_(),
        "float64": pa.float64(),
        "date32": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "list<string>": pa.list_(pa.string()),
    }
    return simple[name]


def pandas_dtypes(table: Table) -> dict[str, pd.ArrowDtype]:
    """Arrow-backed pandas dtypes of a table, by column."""
    import pandas as pd

    return {c.name: pd.ArrowDtype(arrow_type(c.type)) for c in table.columns}


def _to_arrow(values: pd.Series, order: pa.Array, wanted: pa.DataType) -> pa.Array:
    """One column with its rows in order: done by column, a wide frame is never in memory twice."""
    import pyarrow as pa

    if not len(values):  # an empty column has lost its type
        return pa.nulls(0, wanted)
    array = pa.Array.from_pandas(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    array = array.take(order)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type == wanted else array.cast(wanted)


def _c(name: str, type_: str, meaning: str, *, null: bool = True, codes: str | None = None) -> Column:
    return Column(name, type_, meaning, null, codes)


REGISTER_COLUMNS: tuple[Column, ...] = (
    _c("report_id", "string", "identifier of the report; never reused", null=False),
    _c(
        "origin_id",
        "string",
        "the statement behind it; all relays of one statement share it and count once",
        null=False,
    ),
    _c("country", "string", "ISO 3166-1 alpha-3 of the reporting country", null=False),
    _c("counterpart", "string", "other side of the border, ISO 3166-1 alpha-3; null = all borders or not stated"),
    _c(
        "scope",
        "string",
        "which part of the border: national, district:, checkpoint: or checkpoints:",
        null=False,
        codes="scope",
    ),
    _c("mode", "string", "mode of transport", null=False, codes="mode"),
    _c("direction", "string", "from the reporting country's view, as printed", null=False, codes="direction"),
    _c(
        "citizenship",
        "string",
        "ISO 3166-1 alpha-3, all, foreign, unknown or other:<as worded>",
        null=False,
        codes="citizenship",
    ),
    _c("measure", "string", "what is counted", null=False, codes="measure"),
    _c("system", "string", "statistical system behind the number", null=False, codes="system"),
    _c("reporter_side", "string", "who speaks", codes="reporter_side"),
    _c("statistic", "string", "what the number says of its window", null=False, codes="statistic"),
    _c("modality", "string", "observed, or said otherwise", null=False, codes="modality"),
    _c("period_start", "date32", "first local date of the reference period"),
    _c("period_end", "date32", "last local date of the reference period, inclusive"),
    _c("start_time", "string", "local clock HH:MM at which the window starts on period_start"),
    _c("end_time", "string", "local clock HH:MM at which the window ends on period_end"),
    _c("timezone", "string", "IANA time zone of the dates and clocks", null=False),
    _c("period_basis", "string", "how the window is known", codes="period_basis"),
    _c("cutoff_assumed", "bool", "true where the end of the window is assumed"),
    _c("value", "int64", "the figure, whole units as printed; null for a range"),
    _c("value_low", "int64", "lower figure of a range or stated error"),
    _c("value_high", "int64", "upper figure of a range or stated error"),
    _c("value_text", "string", "the number as printed, where it was seen"),
    _c("qualifier", "string", "hedge of the figure", null=False, codes="qualifier"),
    _c("rounding_unit", "int64", "unit of rounding, set by the coder (method.md 4.1)"),
    _c("authority", "string", "identifier in authorities.csv, as attributed by the page"),
    _c("spokesperson", "string", "as on the page"),
    _c("speech_mode", "string", "how the original statement was made", codes="speech_mode"),
    _c(
        "tier",
        "int8",
        "1 official final, 2 official operational, 3 official spoken, 4 attributed media, 5 no source named",
        null=False,
    ),
    _c("published_on", "string", "day, month or year of publication, as precisely as known"),
    _c("publisher", "string", "who printed it"),
    _c("url", "string", "where it was printed"),
    _c("language", "string", "ISO 639-1 of the page"),
    _c("supersedes", "string", "report that this one replaces or withdraws"),
    _c("revision_kind", "string", "kind of the replacement", codes="revision_kind"),
    _c("note", "string", "the coder's own words"),
    _c("recorded_on", "date32", "day on which the report entered our records"),
)

REPORTS = Table(
    "reports",
    ("report_id",),
    "One figure as one outlet published it: the register's columns as printed, and how it was encoded.",
    (
        *REGISTER_COLUMNS,
        _c("source_id", "string", "source in data/sources that brought it", null=False),
        _c("series", "string", "series it belongs to after decisions", null=False),
        _c("published_at", "timestamp", "instant from which it counts as published (end of published_on)"),
        _c("recorded_at", "timestamp", "instant at which we stored it; null = the record does not say"),
        _c("start_instant", "timestamp", "start of the window, UTC, after decisions; null = not bounded"),
        _c("end_instant", "timestamp", "end of the window, UTC, half-open; null = not bounded"),
        _c("per_day", "bool", "true where lower and upper hold for each day of the window", null=False),
        _c("lower", "int64", "lower end of the encoded interval, in units of the measure; null = unbounded"),
        _c("upper", "int64", "upper end of the encoded interval, in units of the measure; null = unbounded"),
        _c("sigma", "float64", "standard error used where reports clash (method.md 4.4), units of the measure"),
        _c("role", "string", "part the report plays in the estimate", null=False, codes="role"),
        _c("decision_ids", "list<string>", "curator's decisions that concern it", null=False),
        _c("payload_sha256", "string", "digest of the archived bytes it was read from"),
        _c("payload_locator", "string", "row, cell, JSON pointer or character span inside the payload"),
    ),
)

_SERIES_PARTS = (
    _c("direction", "string", "direction of the series", null=False, codes="direction"),
    _c("citizenship", "string", "citizenship of the series", null=False, codes="citizenship"),
    _c("scope", "string", "scope of the series", null=False, codes="scope"),
    _c("measure", "string", "measure of the series", null=False, codes="measure"),
    _c("system", "string", "system of the series", null=False, codes="system"),
)

DAILY = Table(
    "daily",
    ("date", "country", "series"),
    "One day of one series: estimate, tightest bounds, and the reports that prove them. Border crossings, not people.",
    (
        _c("date", "date32", "local civil date of the reporting country", null=False),
        _c("country", "string", "ISO 3166-1 alpha-3 of the reporting country", null=False),
        _c("series", "string", "series identifier", null=False),
        *_SERIES_PARTS,
        _c("estimate", "int64", "point estimate in whole units of the measure; null where status is none"),
        _c("lower", "int64", "tightest logical lower bound; null = unbounded (net series only)"),
        _c("upper", "int64", "tightest logical upper bound; null = unbounded"),
        _c("pi_lower", "int64", "lower end of the calibrated interval (method.md 5)"),
        _c("pi_upper", "int64", "upper end of the calibrated interval"),
        _c("pi_level", "float64", "nominal level of the calibrated interval"),
        _c("status", "string", "where the estimate comes from", null=False, codes="status"),
        _c("reliability", "int8", "1 exact reported … 5 wider than the estimate or unbounded", null=False),
        _c("obs_status", "string", "SDMX observation status", null=False, codes="obs_status"),
        _c("report_ids", "list<string>", "active reports whose window covers the day", null=False),
        _c("lower_proof", "list<string>", "reports that prove the lower bound, in order of the path", null=False),
        _c("upper_proof", "list<string>", "reports that prove the upper bound, in order of the path", null=False),
        _c("n_origins", "int16", "independent statements covering the day", null=False),
        _c("break_id", "string", "event that bends the estimate here"),
    ),
)

PERIODS = Table(
    "periods",
    ("country", "series", "period_start", "period_end"),
    "Tightest bounds of the flow over asked periods; the sum of daily bounds is not the bound of the sum.",
    (
        _c("country", "string", "ISO 3166-1 alpha-3 of the reporting country", null=False),
        _c("series", "string", "series identifier", null=False),
        *_SERIES_PARTS,
        _c("period_start", "date32", "first local date", null=False),
        _c("period_end", "date32", "last local date, inclusive", null=False),
        _c("estimate", "int64", "sum of the daily estimates; null where a day has none"),
        _c("lower", "int64", "tightest lower bound; null = unbounded"),
        _c("upper", "int64", "tightest upper bound; null = unbounded"),
        _c("lower_proof", "list<string>", "reports that prove the lower bound", null=False),
        _c("upper_proof", "list<string>", "reports that prove the upper bound", null=False),
    ),
)

OFFICIAL = Table(
    "official",
    ("date", "country", "series", "freq"),
    "Regular statistics by period, beside the sum of `daily` where both exist in one series.",
    (
        _c("date", "date32", "first day of the period", null=False),
        _c("country", "string", "ISO 3166-1 alpha-3 of the reporting country", null=False),
        _c("series", "string", "series identifier", null=False),
        _c("freq", "string", "SDMX frequency", null=False, codes="freq"),
        *_SERIES_PARTS,
        _c("value", "int64", "the published figure in whole units of the measure; null where obs_status says why"),
        _c("obs_status", "string", "SDMX observation status", null=False, codes="obs_status"),
        _c("report_id", "string", "report that carries the figure; null where the publisher states none"),
        _c("daily_sum", "int64", "sum of the daily estimates over the period, where every day has one"),
        _c("residual", "int64", "value minus daily_sum"),
    ),
)

FINDINGS = Table(
    "findings",
    ("finding_id",),
    "The outcome of a rule or a conflict, in plain words, with the reports concerned. Nothing is repaired silently.",
    (
        _c("finding_id", "string", "derived from rule, series, dates and reports; stable between runs", null=False),
        _c("rule", "string", "rule id of method.md 8, or conflict, reconciled, mirror_ratio, ...", null=False),
        _c("severity", "string", "how grave", null=False, codes="severity"),
        _c("table", "string", "table concerned", null=False),
        _c("series", "string", "series concerned"),
        _c("country", "string", "country concerned"),
        _c("date_start", "date32", "first date concerned"),
        _c("date_end", "date32", "last date concerned"),
        _c("report_ids", "list<string>", "reports concerned; for a conflict the irreducible set", null=False),
        _c("observed", "string", "what was found"),
        _c("expected", "string", "what should have been found"),
        _c("gap", "float64", "size, in units of the measure (ratio for mirror_ratio)"),
        _c("message", "string", "in plain words", null=False),
        _c("status", "string", "open or settled", null=False, codes="finding_status"),
    ),
)

QUARANTINE = Table(
    "quarantine",
    ("quarantine_id",),
    "Records that were set aside, exactly as received, with the reason. Never deleted.",
    (
        _c("quarantine_id", "string", "digest of source, locator, record and rule", null=False),
        _c("source_id", "string", "source that brought it", null=False),
        _c("report_id", "string", "report id it claimed, if any"),
        _c("rule", "string", "rule it failed", null=False),
        _c("reason", "string", "in plain words", null=False),
        _c("record", "string", "the record as received, JSON", null=False),
        _c("payload_sha256", "string", "digest of the archived bytes"),
        _c("payload_locator", "string", "where it stands inside the payload"),
        _c("resolution", "string", "empty, or what became of it"),
    ),
)

DECISIONS = Table(
    "decisions",
    ("decision_id",),
    "The curator's decisions about reports, with their guards and reasons.",
    (
        _c("decision_id", "string", "identifier; decisions apply in its order", null=False),
        _c("report_id", "string", "report concerned", null=False),
        _c("action", "string", "what is decided", null=False, codes="decision_action"),
        _c("field", "string", "column of reports concerned; null = the whole row"),
        _c("expect", "string", "value the field must have as delivered"),
        _c("new_value", "string", "value it takes"),
        _c("reason", "string", "why", null=False),
        _c("evidence_report_ids", "list<string>", "reports that support it", null=False),
    ),
)

SERIES = Table(
    "series",
    ("series",),
    "Definitions of the series; reports may be compared only within one of them.",
    (
        _c("series", "string", "series identifier", null=False),
        _c("country", "string", "ISO 3166-1 alpha-3 of the reporting country", null=False),
        _c("counterpart", "string", "other side of the border; null = all borders"),
        _c("mode", "string", "mode of transport", null=False, codes="mode"),
        *_SERIES_PARTS,
        _c("timezone", "string", "IANA time zone of its civil days", null=False),
        _c("day_boundary", "string", "local clock at which its days start", null=False),
        _c("epoch_start", "date32", "first day on which the definition holds; null = since ever"),
        _c("epoch_end", "date32", "last day on which the definition holds; null = still"),
        _c("declared", "bool", "true where data/reference/series.csv declares it", null=False),
        _c("title", "string", "for people", null=False),
    ),
)

EVENTS = Table(
    "events",
    ("event_id",),
    "Dated facts that explain a level shift; only those marked as a break may bend an estimate.",
    (
        _c("event_id", "string", "identifier", null=False),
        _c("date", "date32", "local date", null=False),
        _c("country", "string", "ISO 3166-1 alpha-3 where the rule or statement applies", null=False),
        _c("kind", "string", "kind of event", null=False, codes="event_kind"),
        _c(
            "is_break", "bool", "true where entry rules or access changed so that a level shift is expected", null=False
        ),
        _c("title", "string", "for people", null=False),
        _c("source_url", "string", "where it is reported", null=False),
    ),
)

SOURCES = Table(
    "sources",
    ("source_id",),
    "The sources: who publishes, under which terms, how often.",
    (
        _c("source_id", "string", "identifier, also the name of its YAML file", null=False),
        _c("title", "string", "for people", null=False),
        _c("publisher", "string", "who publishes", null=False),
        _c("country", "string", "ISO 3166-1 alpha-3; null = several"),
        _c("licence", "string", "licence as far as known", null=False),
        _c("cadence", "string", "SDMX frequency of publication, or irregular", null=False),
        _c("parser", "string", "parser that reads it", null=False),
        _c("confirmed", "bool", "true where the live service was seen to answer as declared", null=False),
    ),
)

TABLES: dict[str, Table] = {
    t.name: t for t in (REPORTS, DAILY, OFFICIAL, FINDINGS, QUARANTINE, DECISIONS, SERIES, EVENTS, SOURCES, PERIODS)
}
RELEASED: tuple[str, ...] = (
    "reports",
    "daily",
    "official",
    "findings",
    "quarantine",
    "decisions",
    "series",
    "events",
    "sources",
)
