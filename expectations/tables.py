"""Suites on the tables of a release: generated from the schema, and the gates of method.md section 8 beside them.

A failing expectation here stops the release or a series; it never repairs. Frames come as `Table.conform` wrote them,
with the evidence that the caller of `suite` lists in its docstring.
"""

from __future__ import annotations

import great_expectations.expectations as gxe
import pandas as pd
from great_expectations.expectations.expectation import Expectation

from crossings.schema.codes import CODE_LISTS
from crossings.schema.model import Table
from crossings.schema.tables import TABLES
from expectations.rule import meta, row_rule

_ORDERED = row_rule("BoundsOrdered", ("estimate", "lower", "upper", "direction"), lambda f: _ordered(f))
_POINT = row_rule(
    "PointWhereStatusSays",
    ("estimate", "status"),
    lambda f: f["estimate"].isna() == (f["status"].astype("object") == "none"),
)


def _ordered(f: pd.DataFrame) -> pd.Series:
    estimate, lower, upper = (f[c].astype("Float64") for c in ("estimate", "lower", "upper"))
    inside = ~(estimate < lower).fillna(False) & ~(estimate > upper).fillna(False) & ~(lower > upper).fillna(False)
    flows = (f["direction"].astype("object") == "net") | (lower >= 0).fillna(False)
    return inside & flows


def generic(table: Table) -> list[Expectation]:
    """Columns, keys, order and codes of one table, from its schema. Needs the column `row_in_key_order`."""
    stop = ("stop_release", "stop")
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=[*table.names, "row_in_key_order"], exact_match=False,
                                         **meta("S01", *stop, "a column is missing")),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=list(table.key), **meta("S02", *stop, "key not unique"))
        if len(table.key) > 1
        else gxe.ExpectColumnValuesToBeUnique(column=table.key[0], **meta("S02", *stop, "key not unique")),
        gxe.ExpectColumnValuesToBeInSet(column="row_in_key_order", value_set=[True],
                                        **meta("S03", *stop, "rows are not in the order of the key")),
    ]  # fmt: skip
    for column in table.columns:
        if not column.nullable:
            expectations.append(gxe.ExpectColumnValuesToNotBeNull(
                column=column.name, **meta("S04", *stop, f"{column.name} is missing")))  # fmt: skip
        if column.codes in CODE_LISTS:
            expectations.append(gxe.ExpectColumnValuesToBeInSet(
                column=column.name, value_set=list(CODE_LISTS[column.codes]),
                **meta("V02", *stop, f"unknown {column.name} code")))  # fmt: skip
    return expectations


def suite(name: str) -> list[Expectation]:
    """The suite of one released table."""
    expectations = generic(TABLES[name])
    if name == "daily":
        expectations += [
            _ORDERED("V51", "stop_release", "stop", "lower ≤ estimate ≤ upper does not hold, or a flow is negative"),
            _POINT("V51", "stop_release", "stop", "an estimate where status is none, or none where it is not"),
            gxe.ExpectColumnValuesToBeInSet(column="reliability", value_set=[1, 2, 3, 4, 5],
                                            **meta("V02", "stop_release", "stop", "reliability is not 1 to 5")),
        ]  # fmt: skip
    return expectations


_REAGGREGATES = row_rule(
    "ReaggregatesToReports",
    ("total", "least", "most"),
    lambda f: ~(f["total"] < f["least"]) & ~(f["total"] > f["most"]),
)
_PASSES = row_rule(
    "ExactTopTierPassesThrough",
    ("estimate", "exact_top"),
    lambda f: f["exact_top"].isna() | f["estimate"].isna() | (f["estimate"] == f["exact_top"]),
)
_CALIBRATED = row_rule(
    "IntervalOnlyWhereCalibrated",
    ("has_interval", "exact_days", "regular_share"),
    lambda f: ~f["has_interval"] | ((f["exact_days"] >= 20) & (f["regular_share"] >= 1 / 3)),
)
_BALANCED = row_rule(
    "RowsAccountedFor",
    ("rows_in", "accepted", "quarantined", "duplicates"),
    lambda f: f["rows_in"] == f["accepted"] + f["quarantined"] + f["duplicates"],
)
_RECORDED = row_rule(
    "FallbackRecorded", ("rule", "observed"), lambda f: (f["rule"].astype("object") != "V70") | f["observed"].notna()
)
_STOPPING = {  # findings of the estimator that stop a series, by rule
    "V58": "a final official figure would have to move",
    "V60": "an unresolved conflict is larger than 5 % of its period",
}


def gates() -> dict[str, list[Expectation]]:
    """The suites on what `transforms.tables.gate_evidence` worked out, by the name of the evidence.

    `stop_series` withholds the points of the failing row's series, `stop_month` those of its month.
    """
    stop = ("stop_release", "stop")
    none_of = [
        gxe.ExpectColumnValuesToNotMatchRegex(
            column="rule", regex=f"^{rule}$", **meta(rule, "stop_series", "stop", reason)
        )
        for rule, reason in _STOPPING.items()
    ]
    return {
        "reaggregation": [_REAGGREGATES("V50", *stop, "daily estimates do not add up to a report they must hold")],
        "trail": [
            gxe.ExpectColumnValuesToBeBetween(
                column="strangers", max_value=0, **meta("V52", *stop, "a day names a report that is not active or not of it")),
            _PASSES("V53", "stop_series", "stop", "an exact day of the top tier did not pass through unchanged"),
            gxe.ExpectColumnValuesToBeInSet(
                column="break_known", value_set=[True],
                **meta("V65", "stop_series", "stop", "a break without a dated public reason bends the estimate")),
        ],
        "findings": [
            *none_of,
            gxe.ExpectColumnValuesToNotMatchRegex(
                column="rule", regex="^V57$",
                **meta("V57", "warn", "warn", "a media figure moved by more than 20 %: review it")),
            _RECORDED("V70", *stop, "a solver fell back without a record of what it did"),
        ],
        "months": [
            gxe.ExpectColumnValuesToBeBetween(
                column="share_unreliable", max_value=0.5,
                **meta("V59", "stop_month", "stop", "most covered days of the month have bounds wider than the estimate")),
        ],
        "intervals": [_CALIBRATED("V67", *stop, "a calibrated interval without its conditions")],
        "concepts": [
            gxe.ExpectColumnValuesToBeBetween(column=c, max_value=1, **meta("V64", *stop, f"a series mixes {c}"))
            for c in ("measures", "systems", "citizenships", "definitions")
        ],
    }  # fmt: skip


def accounting() -> list[Expectation]:
    """The suite on row accounting, one row per source: columns source_id, in, accepted, quarantined, duplicates, before.

    `before` is the number of reports that the release before held of this source (V62: the register never shrinks).
    """
    return [
        _BALANCED("V62", "stop_release", "stop", "rows in are not rows accepted, quarantined and duplicate"),
        gxe.ExpectColumnValuesToBeBetween(
            column="missing_since_before",
            max_value=0,
            **meta("V62", "stop_release", "stop", "reports that were there before are gone"),
        ),
    ]
