"""Why a statement cannot be taken as it is written: the field, its text, and the form that is read.

In: a record as received, the fields of it that could not be read, and the reference tables. Out: the rule and the words of each
fault, the one behind the others first. Nothing is repaired: what a text was meant to say is for its writer to decide.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from transforms.parse.statements_csv import clock
from transforms.reports import instants as at
from transforms.reports.reference import Reference

_DATE = "2023-09-25"
_FORMS = {
    "period_start": f"dates are read as {_DATE}",
    "period_end": f"dates are read as {_DATE}",
    "recorded_on": f"dates are read as {_DATE}",
    "published_on": f"days of publication are read as {_DATE}, 2023-09 or 2023",
    "value": "figures are read as 7743, without marks",
    "value_low": "figures are read as 7743, without marks",
    "value_high": "figures are read as 7743, without marks",
    "rounding_unit": "figures are read as 7743, without marks",
    "tier": "tiers are read as 1 to 5",
    "cutoff_assumed": "it is read as true or false",
    "lower": "bounds are read as 7743 or 7743.5",
    "upper": "bounds are read as 7743 or 7743.5",
    "sigma": "standard errors are read as 7743 or 7743.5",
    "start_instant": f"instants are read as {_DATE}T12:00:00+00:00",
    "end_instant": f"instants are read as {_DATE}T12:00:00+00:00",
    "published_at": f"instants are read as {_DATE}T12:00:00+00:00",
}
_FIGURES = ("value", "value_low", "value_high", "rounding_unit")
_DATES = ("period_start", "period_end", "recorded_on", "published_on")


class Fault(NamedTuple):
    """The rule that a field breaks, and in words how."""

    rule: str
    words: str


def explained(rule: str, found: Collection[Fault]) -> bool:
    """Whether a rule fails for what is wrong with the texts: without its country a row has no time zone either."""
    rules = {fault.rule for fault in found}
    return rule in rules or ("V02" in rules and rule in ("V01", "V14"))


def faults(record: Mapping[str, str], unparsed: Collection[str], reference: Reference) -> list[Fault]:
    """What is wrong with the texts of one record: countries first, then dates, figures and clocks.

    record : texts by column. unparsed : the columns whose text could not be read.
    """
    found = []
    known = set(reference.countries["alpha3"])
    for name in ("country", "counterpart"):
        text = record.get(name, "").strip()
        if text and text not in known:
            code = reference.country_called(text)
            unknown = "unknown country code" + (" in counterpart" if name == "counterpart" else "")
            found.append(Fault("V02", f"{text!r} in {name} is no country code; {code} is" if code else unknown))
    for name in sorted(unparsed, key=lambda n: (n not in _DATES, list(_FORMS).index(n))):
        rule = "V04" if name in _DATES else "V01"
        text = record[name].strip()
        no_day = name in _DATES and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)
        too_long = name in _FIGURES and re.fullmatch(r"[+-]?[0-9]+", text)
        form = "there is no such day" if no_day else "too many digits for a count" if too_long else _FORMS[name]
        found.append(Fault(rule, f"{text!r} in {name}: {form}"))
    for name in ("start_time", "end_time"):
        text = record.get(name, "").strip()
        if text and not at.is_clock(clock(text, ends=name == "end_time")):
            found.append(Fault("V15", f"{text!r} in {name}: clocks are read as 09:30, to the minute, up to 24:00"))
    return found
