"""Every rule once: what it finds, what happens then, how grave it is, where its reason is written down, and its limits.

In: nothing. Out: `RULES`, the catalogue by id, and `Finding`, what a rule found. A threshold that is tuned stands in
`Rule.limits`; `docs/rules.md` is printed from here. Loads neither pandas nor pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    import datetime as dt

Severity: TypeAlias = Literal["info", "warn", "error", "stop"]
Action: TypeAlias = Literal["tell", "hold", "quarantine", "drop_copy", "bind", "stop_series", "stop_release"]

ACTIONS: Mapping[Action, str] = MappingProxyType(
    {
        "tell": "kept, with a finding",
        "hold": "kept, with a finding, and not used until decided",
        "quarantine": "set aside as received, with the reason",
        "drop_copy": "dropped and counted",
        "bind": "holds for the estimate; reports that cannot keep it are a conflict",
        "stop_series": "points of the series are withheld, bounds stay",
        "stop_release": "the release is stopped",
    }
)


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    id : as findings, the quarantine and the validation page name it. wording : what is wrong with what the rule finds, in
    one sentence for people, with `{limit}`, or `{percent[limit]}` for a share, where a limit stands.
    action : what happens to it, a key of `ACTIONS`. severity : code list `severity`.
    section : of docs/method.md. limits : thresholds by name.
    """

    id: str
    wording: str
    action: Action
    severity: Severity
    section: str
    limits: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.action in ACTIONS, self
        assert self.severity in get_args(Severity), self
        object.__setattr__(self, "limits", MappingProxyType(dict(self.limits)))

    @property
    def says(self) -> str:
        """The sentence with its limits.

        >>> RULES["V42"].says
        'the same count on 3 days in a row or more: perhaps copied'
        """
        percent = {name: f"{100 * limit:g} %" for name, limit in self.limits.items()}
        return self.wording.format(percent=percent, **self.limits)

    def as_gate(self) -> Rule:
        """The same rule about our own tables: what it finds there is a fault of ours and stops the release."""
        return replace(self, action="stop_release", severity="stop")


@dataclass(frozen=True)
class Finding:
    """What a rule found, in plain words: one row of `findings`, whose columns give the meaning of the fields.

    Raises KeyError for a rule that is not in the catalogue. `severity` is the rule's where not given; `finding_id` follows
    from the other fields where not given (`transforms.findings.identifier`).
    """

    rule: str
    _: KW_ONLY
    table: str
    message: str
    severity: Severity | None = None
    series: str | None = None
    country: str | None = None
    date_start: dt.date | None = None
    date_end: dt.date | None = None
    report_ids: Sequence[str] = ()
    observed: str | None = None
    expected: str | None = None
    gap: float | None = None
    finding_id: str | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise KeyError(f"no rule {self.rule} in the catalogue")
        object.__setattr__(self, "severity", self.severity or RULES[self.rule].severity)
        object.__setattr__(self, "report_ids", tuple(self.report_ids))

    def under(self, rule: str, message: str) -> Finding:
        """The same reports, dates and figures told under another rule, as grave as that one is."""
        return replace(self, rule=rule, message=message, severity=None, finding_id=None)


_CATALOGUE = (
    # Records, one row at a time.
    Rule("V01", "a required figure is missing or a field does not parse", "quarantine", "error", "8"),
    Rule("V02", "a code is not in its code list", "quarantine", "error", "8"),
    Rule("V03", "end before start", "quarantine", "error", "8"),
    # A year outside these is a slip of the pen, and its window would cover half a million days.
    Rule("V04", "not a calendar date", "quarantine", "error", "8", {"first_year": 1900, "last_year": 2100}),
    Rule("V05", "reference period after publication", "quarantine", "error", "8"),
    # Another time zone may be a day ahead of ours.
    Rule("V06", "published after it was recorded, or recorded in the future",
         "quarantine", "error", "8", {"days_ahead": 1}),
    Rule("V07", "negative count", "quarantine", "error", "8"),
    Rule("V08", "figures contradict each other: low ≤ value ≤ high, a range has no value", "quarantine", "error", "8"),
    Rule("V09", "the hedge in the printed words is not the coded qualifier", "hold", "warn", "8"),
    # A unit slip shows as a factor of a thousand; ordinary swings of a border stay far below (docs/decisions/0003).
    Rule("V10", "more than {times} times the usual level of its series: unit applied twice?",
         "quarantine", "error", "8", {"times": 100, "fewest_reports": 4}),
    Rule("V11", "the printed digits do not reproduce the value", "quarantine", "error", "8"),
    Rule("V12", "a one-sided figure has two sides", "quarantine", "error", "4.1"),
    Rule("V13", "the rounding unit is odd or does not divide the value", "tell", "info", "4.1"),
    Rule("V14", "the time zone is not one of the country", "quarantine", "error", "8"),
    Rule("V15", "instants or clocks do not fall on the dates given", "quarantine", "error", "4.1"),
    Rule("V16", "said on the last day of its window without a cut-off", "tell", "info", "4.1"),
    # No country takes in more than this share of its residents in a day, nor do more of the origin's leave to it.
    Rule("V17", "above population cap", "quarantine", "error", "8", {"destination_share": 0.05, "origin_share": 0.005}),
    Rule("V20", "no address", "tell", "info", "8"),
    Rule("V21", "duplicate key with different content", "quarantine", "error", "8"),
    Rule("V22", "exact copy of a row before it", "drop_copy", "info", "8"),
    Rule("V24", "a copy repeats a statement with another number", "tell", "warn", "4.4"),
    Rule("V25", "supersedes a report that is not there, is of another window (one that starts with it may be longer), or itself",
         "quarantine", "error", "4.8"),
    Rule("V26", "supersedes a report published later", "quarantine", "error", "4.8"),
    # What falls further is a slip of the pen more often than a correction; it stays in force, clashes and is told (V28).
    Rule("restated", "a later figure of one authority takes the place of its earlier ones; a running total may fall by"
         " {percent[largest_fall]}", "tell", "warn", "4.8", {"largest_fall": 0.25}),
    Rule("V71", "not observed: an estimate, forecast or denial", "hold", "info", "8"),
    # Real standstills last longer or are decided on; a chain that grows by a few a day may well stand still.
    Rule("repeated_total", "a running total that repeats for up to {days} days: perhaps not updated; the next one covers them",
         "hold", "warn", "8", {"days": 7, "least": 20}),
    Rule("V72", "the words say per day, the statistic does not", "hold", "warn", "8"),
    # Cells of a payload, and what a look at a publisher shows.
    Rule("unknown_label", "a label is not in the source's mapping", "quarantine", "error", "8"),
    Rule("unknown_symbol", "a mark beside or instead of a figure is not in the source's mapping",
         "quarantine", "error", "8"),
    Rule("formula_without_value", "a formula without a cached value; formulas are never evaluated",
         "quarantine", "error", "8"),
    Rule("duplicate_key", "one series and period has several figures", "quarantine", "error", "8"),
    Rule("incomplete_sum", "a part of a sum of ours is missing or set aside", "quarantine", "error", "8"),
    Rule("running_total", "no figure of its own period follows from a running total", "quarantine", "error", "8"),
    Rule("unread", "periods, labels or marks of a look are not in the source's mapping", "tell", "warn", "8"),
    Rule("computed", "figures are computed from printed ones as the source declares", "tell", "info", "8"),
    Rule("looks_cumulative", "{fewest} regular figures or more never fall and end at more than {times} times the first: perhaps "
         "a running total", "tell", "warn", "8", {"fewest": 5, "times": 5}),
    Rule("cached_formula", "figures are cached results of formulas", "tell", "warn", "8"),
    Rule("unread_sheet", "a sheet has the header of those that are read, and the source says nothing of it", "tell", "warn", "8"),
    Rule("latest_period", "the publisher's newest period", "tell", "warn", "8"),
    Rule("lost_letters", "letters were lost before the file reached us", "tell", "warn", "8"),
    Rule("revision_size", "a look changed more of the known figures than its source allows", "tell", "warn", "4.8"),
    Rule("vanished", "a figure inside the range of a later look is no longer shown; it stands, of low reliability, until decided",
         "tell", "warn", "4.8"),
    Rule("older_edition", "an edition older than one that was brought before; the newer figures stand", "tell", "warn", "4.8"),
    Rule("unreadable_look", "a look cannot be read; the looks before it stand", "tell", "warn", "4.8"),
    Rule("changed_layout", "a look is not as its source was confirmed; it is not read until it is, and the looks before it stand",
         "hold", "warn", "4.8"),
    # Figures beside each other.
    Rule("V28", "a running total falls although a longer window cannot hold less", "tell", "warn", "8"),
    Rule("V39", "a day is more than {times} times the day before, or less than that part of it, without an event",
         "tell", "warn", "8", {"times": 5}),
    Rule("V42", "the same count on {days} days in a row or more: perhaps copied", "tell", "warn", "8", {"days": 3}),
    # A count of twenty or more is never zero by chance; closures last longer than this, and office hours repeat.
    Rule("zero_between", "zero, or nothing, for up to {days} days or {periods} longer periods among ordinary figures, or before a"
         " figure of about the sum: perhaps no report",
         "tell", "warn", "8", {"days": 7, "periods": 2, "least": 20, "times": 5, "slack": 0.3}),
    Rule("slipped_digit", "a tenth or ten times ({from} to {to} times) of the figures beside it: perhaps a digit lost or doubled",
         "tell", "warn", "8", {"from": 6, "to": 16, "alike": 2, "least": 100}),
    # Counts vary by more than a twentieth from one period to the next; equal ones by chance are rarer than this.
    Rule("copied_period", "all figures of a period equal those of another, by chance less often than {chance}: perhaps copied",
         "tell", "warn", "8", {"chance": 0.0005, "spread": 0.05}),
    Rule("mirror_ratio", "both sides of the border count one flow; {lowest} to {highest} times is usual",
         "tell", "warn", "8", {"lowest": 0.5, "highest": 1.5}),
    Rule("relation", "two flows are not as a statement compares them, whatever their bounds allow", "tell", "warn", "8"),
    Rule("undeclared_series", "reports fit no declared series; one was derived from their codes", "tell", "info", "1"),
    Rule("official_period", "a regular statistic is of no day, week, month, quarter, half-year or year", "hold", "error", "8"),
    Rule("official_contested", "several reports state one regular figure and differ", "tell", "warn", "8"),
    # Identities between series.
    Rule("V32", "a part is larger than its whole", "bind", "warn", "4.7"),
    Rule("V33", "one citizenship is more than all travellers", "bind", "warn", "4.7"),
    Rule("V34", "net is not entries minus exits, or both is not their sum", "bind", "warn", "4.7"),
    Rule("V36", "more persons than crossings", "bind", "warn", "4.7"),
    # The estimate.
    Rule("conflict", "reports cannot all hold; none of them can be left out of the set", "tell", "warn", "4.3"),
    Rule("alternative", "all other reports agree if these are wrong", "tell", "info", "4.4"),
    Rule("window", "an inferred window fits the other reports only if it is off by a day", "tell", "info", "4.1"),
    Rule("decisions_clash", "decisions prefer reports that cannot all hold", "tell", "warn", "4.4"),
    Rule("V58", "a final official figure may be wrong: decide which report is", "tell", "warn", "4.4"),
    Rule("V60", "an unresolved conflict is larger than {percent[share]} of its period",
         "tell", "warn", "4.3", {"share": 0.05}),
    Rule("V70", "a solver was not accurate enough; what took its place is told", "tell", "warn", "4.5"),
    Rule("V74", "a published bound is not the sum of its proof, rounded outwards", "stop_release", "stop", "4.2"),
    Rule("V73", "a report stands in {sets} conflicts or more; look at it first", "tell", "warn", "4.3", {"sets": 3}),
    # A release.
    Rule("S01", "a column is missing", "stop_release", "stop", "8"),
    Rule("S02", "key not unique", "stop_release", "stop", "8"),
    Rule("S03", "rows are not in the order of the key", "stop_release", "stop", "8"),
    Rule("S04", "a value that must be there is missing", "stop_release", "stop", "8"),
    Rule("V50", "daily estimates do not add up to a report they must hold", "stop_release", "stop", "4.5"),
    Rule("V51", "lower ≤ estimate ≤ upper does not hold, or a flow is negative", "stop_release", "stop", "4.2"),
    Rule("V52", "a day names a report that is not active or not of it", "stop_release", "stop", "4.2"),
    Rule("V53", "an exact day of the top tier did not pass through unchanged", "stop_series", "stop", "4.4"),
    Rule("V75", "a number of the table `headline` is missing without a reason", "stop_release", "stop", "8"),
    Rule("V61", "the same inputs gave other bytes before", "stop_release", "stop", "8"),
    Rule("V62", "rows in are not rows accepted, quarantined and duplicate", "stop_release", "stop", "8"),
    Rule("V64", "a series mixes measures, systems, citizenships or definitions", "stop_release", "stop", "1"),
    Rule("V65", "a break without a dated public reason bends the estimate", "stop_series", "stop", "4.5"),
    Rule("V67", "a calibrated interval without its conditions",
         "stop_release", "stop", "5", {"fewest_days": 20, "regular_share": 1 / 3}),
    Rule("withheld", "a gate stopped the series; its points are withheld, bounds stay", "tell", "stop", "8"),
)  # fmt: skip

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _CATALOGUE})
