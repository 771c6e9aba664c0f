"""Every table once: columns, types, keys.

The Arrow schemas, the Great Expectations suites, the data dictionary in `docs/dictionary.md` and the checks of the
catalog are all generated from what stands here. Importing this module loads neither pyarrow nor pandas.
"""

from __future__ import annotations

from crossings.schema.model import Column, Table

SCHEMA_VERSION = "3"
# What a series is, in the order in which its identifier spells it; figures compare only where all of it agrees.
SERIES_KEY = ("country", "direction", "citizenship", "scope", "mode", "measure", "system")


def _must(name: str, type_: str, meaning: str, codes: str | None = None) -> Column:
    """A column without missing values."""
    return Column(name, type_, meaning, nullable=False, codes=codes)


def _may(name: str, type_: str, meaning: str, codes: str | None = None) -> Column:
    """A column where a value may be missing."""
    return Column(name, type_, meaning, nullable=True, codes=codes)


REGISTER_COLUMNS: tuple[Column, ...] = (
    _must("report_id", "string", "identifier of the report; never reused"),
    _must("origin_id", "string", "the statement behind it; all relays of one statement share it and count once"),
    _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
    _may("counterpart", "string", "other side of the border, ISO 3166-1 alpha-3; null = all borders or not stated"),
    _must("scope", "string", "which part of the border: national, district:, checkpoint: or checkpoints:", "scope"),
    _must("mode", "string", "mode of transport", "mode"),
    _must("direction", "string", "from the reporting country's view, as printed", "direction"),
    _must("citizenship", "string", "ISO 3166-1 alpha-3, all, foreign, unknown or other:<as worded>", "citizenship"),
    _must("measure", "string", "what is counted", "measure"),
    _must("system", "string", "statistical system behind the number", "system"),
    _may("reporter_side", "string", "who speaks", "reporter_side"),
    _must("statistic", "string", "what the number says of its window", "statistic"),
    _must("modality", "string", "observed, or said otherwise", "modality"),
    _may("period_start", "date32", "first local date of the reference period"),
    _may("period_end", "date32", "last local date of the reference period, inclusive"),
    _may("start_time", "string", "local clock HH:MM at which the window starts on period_start"),
    _may("end_time", "string", "local clock HH:MM at which the window ends on period_end"),
    _must("timezone", "string", "IANA time zone of the dates and clocks"),
    _may("period_basis", "string", "how the window is known", "period_basis"),
    _may("cutoff_assumed", "bool", "true where the end of the window is assumed"),
    _may("value", "int64", "the figure, whole units as printed; null for a range"),
    _may("value_low", "int64", "lower figure of a range or stated error"),
    _may("value_high", "int64", "upper figure of a range or stated error"),
    _may("value_text", "string", "the number as printed, where it was seen"),
    _must("qualifier", "string", "hedge of the figure", "qualifier"),
    _may("rounding_unit", "int64", "unit of rounding, set by the coder (method.md 4.1)"),
    _may("authority", "string", "identifier in authorities.csv, as attributed by the page"),
    _may("spokesperson", "string", "as on the page"),
    _may("speech_mode", "string", "how the original statement was made", "speech_mode"),
    _must(
        "tier",
        "int8",
        "1 official final, 2 official operational, 3 official spoken, 4 attributed media, 5 no source named",
    ),
    _may("published_on", "string", "day, month or year of publication, as precisely as known"),
    _may("publisher", "string", "who printed it"),
    _may("url", "string", "where it was printed"),
    _may("language", "string", "ISO 639-1 of the page"),
    _may("supersedes", "string", "report that this one replaces or withdraws"),
    _may("revision_kind", "string", "kind of the replacement", "revision_kind"),
    _may("note", "string", "the coder's own words"),
    _may("recorded_on", "date32", "day on which the report entered our records"),
)

REPORTS = Table(
    "reports",
    ("report_id",),
    "One figure as one outlet published it: the register's columns as printed, and how it was encoded.",
    (
        *REGISTER_COLUMNS,
        _must("source_id", "string", "source in data/sources that brought it"),
        _must("series", "string", "series it belongs to after decisions"),
        _may("published_at", "timestamp", "instant from which it counts as published (end of published_on)"),
        _may("recorded_at", "timestamp", "instant at which we stored it; null = the record does not say"),
        _may("start_instant", "timestamp", "start of the window, UTC, after decisions; null = not bounded"),
        _may("end_instant", "timestamp", "end of the window, UTC, half-open; null = not bounded"),
        _must("per_day", "bool", "true where lower and upper hold for each day of the window"),
        _may("lower", "int64", "lower end of the encoded interval, in units of the measure; null = unbounded"),
        _may("upper", "int64", "upper end of the encoded interval, in units of the measure; null = unbounded"),
        _may("sigma", "float64", "standard error used where reports clash (method.md 4.4), units of the measure"),
        _must("role", "string", "part the report plays in the estimate", "role"),
        _must("decision_ids", "list<string>", "curator's decisions that concern it"),
        _may("payload_sha256", "string", "digest of the archived bytes it was read from"),
        _may("payload_locator", "string", "row, cell, JSON pointer or character span inside the payload"),
    ),
)

_SERIES_COLUMNS = (
    _must("direction", "string", "direction of the series", "direction"),
    _must("citizenship", "string", "citizenship of the series", "citizenship"),
    _must("scope", "string", "scope of the series", "scope"),
    _must("measure", "string", "measure of the series", "measure"),
    _must("system", "string", "system of the series", "system"),
)
SERIES_PARTS = tuple(c.name for c in _SERIES_COLUMNS)  # what a row shows of its key beside country and series

_PROOF_COLUMNS = (
    _must("lower_terms", "list<term>", "ends of reports that add up to the lower bound; none where it is 0 or open"),
    _must("upper_terms", "list<term>", "ends of reports that add up to the upper bound; none where it is open"),
    _must("lower_aside", "list<string>", "reports that clash with others and are wrong if the lower bound is attained"),
    _must("upper_aside", "list<string>", "reports that clash with others and are wrong if the upper bound is attained"),
    _may(
        "lower_otherwise",
        "int64",
        "the lower bound if those of `lower_aside` are right; null where that is not known",
    ),
    _may(
        "upper_otherwise",
        "int64",
        "the upper bound if those of `upper_aside` are right; null where that is not known",
    ),
)  # what `daily` and `periods` say of their bounds

DAILY = Table(
    "daily",
    ("date", "country", "series"),
    "One day of one series: estimate, tightest bounds, and the reports that prove them. Border crossings, not people.",
    (
        _must("date", "date32", "local civil date of the reporting country"),
        _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
        _must("series", "string", "series identifier"),
        *_SERIES_COLUMNS,
        _may("estimate", "int64", "point estimate in whole units of the measure; null where status is none"),
        _may("lower", "int64", "tightest lower bound under every admitted explanation; null = unbounded (net only)"),
        _may("upper", "int64", "tightest upper bound under every admitted explanation; null = unbounded"),
        _may("firm_lower", "int64", "lower bound from written counts of officials alone (tiers 1 and 2)"),
        _may("firm_upper", "int64", "upper bound from written counts of officials alone (tiers 1 and 2)"),
        _may(
            "known_over", "int16", "days of the shortest stretch around the day whose total is known to within a third"
        ),
        _may("pi_lower", "int64", "lower end of the calibrated interval (method.md 5)"),
        _may("pi_upper", "int64", "upper end of the calibrated interval"),
        _may("pi_level", "float64", "nominal level of the calibrated interval"),
        _must("status", "string", "where the estimate comes from", "status"),
        _must("reliability", "int8", "1 exact reported … 5 wider than the estimate or unbounded"),
        _must("obs_status", "string", "SDMX observation status", "obs_status"),
        _must("report_ids", "list<string>", "active reports whose window covers the day"),
        _must("lower_proof", "list<string>", "reports that prove the lower bound, in order of the path"),
        _must("upper_proof", "list<string>", "reports that prove the upper bound, in order of the path"),
        *_PROOF_COLUMNS,
        _must("n_origins", "int16", "independent statements covering the day"),
        _may("break_id", "string", "event that bends the estimate here"),
    ),
)

HEADLINE_OF = {"entry": "entries", "exit": "exits", "net": "net"}  # direction -> how its columns are called
# What is counted in the table, whatever the country; only the mode of transport is left to headline.csv.
HEADLINE_DEFINITION = {"citizenship": "RUS", "scope": "national", "measure": "crossings", "system": "border_control"}
HEADLINE_PARTS = {"": "estimate", "_lower": "lower", "_upper": "upper", "_status": "status", "_reliability": "reliability",
                  "_known_over": "known_over", "_series": "series"}  # ending of a column -> column of daily  # fmt: skip


def _headline_columns(word: str, meaning: str) -> tuple[Column, ...]:
    return (
        _may(word, "int64", f"{meaning}: the point; null where `reason` says why"),
        _may(f"{word}_lower", "int64", f"lower bound of {word}, as in `daily`; null beside an official figure"),
        _may(
            f"{word}_upper", "int64", f"upper bound of {word}, as in `daily`; null = unbounded, or an official figure"
        ),
        _must(f"{word}_status", "string", f"where the number of {word} comes from", "headline_status"),
        _may(
            f"{word}_reliability",
            "int8",
            "1 exact reported … 5; null where no statement covers the day or the figure is official",
        ),
        _may(
            f"{word}_known_over", "int16", f"days of the shortest stretch over which {word} are known to within a third"
        ),
        _may(
            f"{word}_series", "string", "the series that stands here; another than the first of headline.csv stands in"
        ),
    )


HEADLINE = Table(
    "headline",
    ("date", "country"),
    "One row a date and country, without gaps: entries, exits and net of citizens of Russia, from the series that"
    " data/reference/headline.csv declares to stand for the country; where they have no point, an official figure of the day."
    " Border crossings, not people.",
    (
        _must("date", "date32", "local civil date of the reporting country"),
        _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
        *_headline_columns("entries", "crossings into the country"),
        *_headline_columns("exits", "crossings out of the country"),
        *_headline_columns("net", "entries minus exits"),
        _must("events", "list<string>", "events of the date, of the country or of the travellers' country"),
        _may("reason", "string", "why a number is missing; null where none is"),
    ),
)

PERIODS = Table(
    "periods",
    ("country", "series", "period_start", "period_end"),
    "Tightest bounds of the flow over asked periods; the sum of daily bounds is not the bound of the sum.",
    (
        _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
        _must("series", "string", "series identifier"),
        *_SERIES_COLUMNS,
        _must("period_start", "date32", "first local date"),
        _must("period_end", "date32", "last local date, inclusive"),
        _may("estimate", "int64", "sum of the daily estimates; null where a day has none"),
        _may("lower", "int64", "tightest lower bound; null = unbounded"),
        _may("upper", "int64", "tightest upper bound; null = unbounded"),
        _must("lower_proof", "list<string>", "reports that prove the lower bound"),
        _must("upper_proof", "list<string>", "reports that prove the upper bound"),
        *_PROOF_COLUMNS,
    ),
)

OFFICIAL = Table(
    "official",
    ("date", "country", "series", "freq"),
    "Regular statistics by period, beside the sum of `daily` where both exist in one series.",
    (
        _must("date", "date32", "first day of the period"),
        _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
        _must("series", "string", "series identifier"),
        _must("freq", "string", "SDMX frequency", "freq"),
        *_SERIES_COLUMNS,
        _may("value", "int64", "the published figure in whole units of the measure; null where obs_status says why"),
        _must("obs_status", "string", "SDMX observation status", "obs_status"),
        _may("report_id", "string", "report that carries the figure; null where the publisher states none"),
        _may("daily_sum", "int64", "sum of the daily estimates over the period, where every day has one"),
        _may("residual", "int64", "value minus daily_sum"),
    ),
)

FINDINGS = Table(
    "findings",
    ("finding_id",),
    "The outcome of a rule or a conflict, in plain words, with the reports concerned. Nothing is repaired silently.",
    (
        _must("finding_id", "string", "derived from rule, series, dates and reports; stable between runs"),
        _must("rule", "string", "rule id of docs/rules.md"),
        _must("severity", "string", "how grave", "severity"),
        _must("table", "string", "table concerned"),
        _may("series", "string", "series concerned"),
        _may("country", "string", "country concerned"),
        _may("date_start", "date32", "first date concerned"),
        _may("date_end", "date32", "last date concerned"),
        _must("report_ids", "list<string>", "reports concerned; for a conflict the irreducible set"),
        _may("observed", "string", "what was found"),
        _may("expected", "string", "what should have been found"),
        _may(
            "gap",
            "float64",
            "size: of a conflict, in units of the measure; of another rule, the share or ratio that it judges",
        ),
        _must("message", "string", "in plain words"),
        _must("status", "string", "open or settled", "finding_status"),
    ),
)

QUARANTINE = Table(
    "quarantine",
    ("quarantine_id",),
    "Records that were set aside, exactly as received, with the reason. Never deleted.",
    (
        _must("quarantine_id", "string", "digest of source, locator, record and rule"),
        _must("source_id", "string", "source that brought it"),
        _may("report_id", "string", "report id it claimed, if any"),
        _must("rule", "string", "rule it failed"),
        _must("reason", "string", "in plain words"),
        _must("record", "string", "the record as received, JSON"),
        _may("payload_sha256", "string", "digest of the archived bytes"),
        _may("payload_locator", "string", "where it stands inside the payload"),
        _may("resolution", "string", "empty, or what became of it"),
    ),
)

DECISIONS = Table(
    "decisions",
    ("decision_id",),
    "The curator's decisions about reports, with their guards and reasons.",
    (
        _must("decision_id", "string", "identifier; decisions apply in its order"),
        _must("report_id", "string", "report concerned"),
        _must("action", "string", "what is decided", "decision_action"),
        _may("field", "string", "column of reports concerned; null = the whole row"),
        _may("expect", "string", "value the field must have as delivered"),
        _may("new_value", "string", "value it takes"),
        _must("reason", "string", "why"),
        _must("evidence_report_ids", "list<string>", "reports that support it"),
        _may("decided_on", "date32", "when the curator decided"),
        _may(
            "evidence_on",
            "date32",
            "when its evidence was public; null = with the first report in support, else its own",
        ),
    ),
)

SERIES = Table(
    "series",
    ("series",),
    "Definitions of the series; reports may be compared only within one of them.",
    (
        _must("series", "string", "series identifier"),
        _must("country", "string", "ISO 3166-1 alpha-3 of the reporting country"),
        _may("counterpart", "string", "other side of the border; null = all borders"),
        _must("mode", "string", "mode of transport", "mode"),
        *_SERIES_COLUMNS,
        _must("timezone", "string", "IANA time zone of its civil days"),
        _must("day_boundary", "string", "local clock at which its days start"),
        _may("epoch_start", "date32", "first day on which the definition holds; null = since ever"),
        _may("epoch_end", "date32", "last day on which the definition holds; null = still"),
        _must("declared", "bool", "true where data/reference/series.csv declares it"),
        _must("title", "string", "for people"),
    ),
)

EVENTS = Table(
    "events",
    ("event_id",),
    "Dated facts that explain a level shift; only those marked as a break may bend an estimate.",
    (
        _must("event_id", "string", "identifier"),
        _must("date", "date32", "local date"),
        _must("country", "string", "ISO 3166-1 alpha-3 where the rule or statement applies"),
        _must("kind", "string", "kind of event", "event_kind"),
        _must("is_break", "bool", "true where entry rules or access changed so that a level shift is expected"),
        _must("title", "string", "for people"),
        _must("source_url", "string", "where it is reported"),
    ),
)

SOURCES = Table(
    "sources",
    ("source_id",),
    "The sources: who publishes, under which terms, how often.",
    (
        _must("source_id", "string", "identifier, also the name of its YAML file"),
        _must("title", "string", "for people"),
        _must("publisher", "string", "who publishes"),
        _may("country", "string", "ISO 3166-1 alpha-3; null = several"),
        _must("licence", "string", "licence as far as known"),
        _must("cadence", "string", "SDMX frequency of publication, or irregular"),
        _must("parser", "string", "parser that reads it"),
        _must("confirmed", "bool", "true where the live service was seen to answer as declared"),
    ),
)

RELATIONS = Table(
    "relations",
    ("relation_id",),
    "Statements that compare two flows and give no number of their own: one is so many times the other, or larger on each day.",
    (
        _must("relation_id", "string", "identifier"),
        _must("country", "string", "reporting country, ISO 3166-1 alpha-3"),
        _must("scope", "string", "territory or checkpoint", "scope"),
        _must("mode", "string", "mode of transport", "mode"),
        _must("citizenship", "string", "whose crossings", "citizenship"),
        _must("measure", "string", "what is counted", "measure"),
        _must("system", "string", "kind of statistics", "system"),
        _must("kind", "string", "ratio of two totals, or sign: larger on each day of the window", "relation_kind"),
        _must("direction", "string", "direction of the flow that is compared", "direction"),
        _must("period_start", "date32", "its first local date"),
        _must("period_end", "date32", "its last local date, inclusive"),
        _must("base_direction", "string", "direction of the flow it is compared to", "direction"),
        _must("base_start", "date32", "first local date of the base"),
        _must("base_end", "date32", "last local date of the base, inclusive"),
        _must("ratio_low", "float64", "smallest ratio of the two flows that the words allow"),
        _may("ratio_high", "float64", "largest ratio that they allow; null = none"),
        _may(
            "allowed_low", "float64", "smallest ratio that the bounds of both flows allow; null = they do not bound it"
        ),
        _may(
            "allowed_high", "float64", "largest ratio that the bounds of both flows allow; null = they do not bound it"
        ),
        _must("agrees", "string", "whether words and bounds agree", "agreement"),
        _must("printed", "string", "the words as printed"),
        _must("speaker", "string", "who is quoted"),
        _must("published_on", "date32", "day of publication"),
        _must("publisher", "string", "who published it"),
        _must("url", "string", "where"),
        _must("language", "string", "ISO 639-1 code of the language of the words"),
        _may("note", "string", "what the curator drew from it"),
    ),
)

TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        HEADLINE,
        DAILY,
        REPORTS,
        OFFICIAL,
        FINDINGS,
        QUARANTINE,
        DECISIONS,
        SERIES,
        EVENTS,
        RELATIONS,
        SOURCES,
        PERIODS,
    )
}
RELEASED: tuple[str, ...] = (
    "headline",
    "daily",
    "reports",
    "official",
    "findings",
    "quarantine",
    "decisions",
    "series",
    "events",
    "relations",
    "sources",
)
