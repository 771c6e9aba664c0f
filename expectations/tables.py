"""Suites on the tables of a release: generated from the schema, and the gates of docs/rules.md beside them.

A failing expectation here stops the release or a series; it never repairs. Frames come as `Table.conform` wrote them,
with the evidence that the caller of `suite` lists in its docstring.
"""

from __future__ import annotations

import great_expectations.expectations as gxe
import numpy as np
import pandas as pd
from great_expectations.expectations.expectation import Expectation

from crossings.rules import RULES
from crossings.schema.codes import CODE_LISTS
from crossings.schema.model import Table
from crossings.schema.tables import HEADLINE_OF, TABLES
from expectations.rule import meta, row_rule

_ORDERED = row_rule("BoundsOrdered", ("estimate", "lower", "upper", "direction"), lambda f: _ordered(f))
_POINT = row_rule(
    "PointWhereStatusSays",
    ("estimate", "status"),
    lambda f: f["estimate"].isna() == (f["status"].astype("object") == "none"),
)


def _ordered(f: pd.DataFrame) -> pd.Series:
    estimate, lower, upper = (f[c].astype("Float64") for c in ("estimate", "lower", "upper"))
    flows = (f["direction"].astype("object") == "net") | (lower >= 0).fillna(False)
    return _in_order(estimate, lower, upper) & flows


def _in_order(estimate: pd.Series, lower: pd.Series, upper: pd.Series) -> pd.Series:
    return ~(estimate < lower).fillna(False) & ~(estimate > upper).fillna(False) & ~(lower > upper).fillna(False)


_FLOWS = [
    (
        word,
        row_rule(f"{word.title()}BoundsOrdered", (word, f"{word}_lower", f"{word}_upper"),
                 lambda f: _in_order(*(f[c].astype("Float64") for c in f))),
        row_rule(f"{word.title()}WhereStatusSays", (word, f"{word}_status"),
                 lambda f: f.iloc[:, 0].isna() == (f.iloc[:, 1].astype("object") == "none")),
    )
    for word in HEADLINE_OF.values()
]  # fmt: skip
_REASONED = row_rule(
    "ReasonWhereANumberIsMissing",
    (*HEADLINE_OF.values(), "reason"),
    lambda f: f["reason"].isna() == f[list(HEADLINE_OF.values())].notna().all(axis=1),
)


def generic(table: Table) -> list[Expectation]:
    """Columns, keys, order and codes of one table, from its schema. Needs the column `row_in_key_order`."""
    expectations: list[Expectation] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=[*table.names, "row_in_key_order"], exact_match=False,
                                         **meta(RULES["S01"])),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=list(table.key), **meta(RULES["S02"]))
        if len(table.key) > 1
        else gxe.ExpectColumnValuesToBeUnique(column=table.key[0], **meta(RULES["S02"])),
        gxe.ExpectColumnValuesToBeInSet(column="row_in_key_order", value_set=[True],
                                        **meta(RULES["S03"])),
    ]  # fmt: skip
    for column in table.columns:
        if not column.nullable:
            expectations.append(gxe.ExpectColumnValuesToNotBeNull(
                column=column.name, **meta(RULES["S04"], f"{column.name} is missing")))  # fmt: skip
        if column.codes in CODE_LISTS:
            expectations.append(gxe.ExpectColumnValuesToBeInSet(
                column=column.name, value_set=list(CODE_LISTS[column.codes]),
                **meta(RULES["V02"].as_gate(), f"unknown {column.name} code")))  # fmt: skip
    return expectations


def suite(name: str) -> list[Expectation]:
    """The suite of one released table."""
    expectations = generic(TABLES[name])
    if name == "daily":
        expectations += [
            _ORDERED(RULES["V51"]),
            _POINT(RULES["V51"], "an estimate where status is none, or none where it is not"),
            gxe.ExpectColumnValuesToBeInSet(column="reliability", value_set=[1, 2, 3, 4, 5],
                                            **meta(RULES["V02"].as_gate(), "reliability is not 1 to 5")),
        ]  # fmt: skip
    if name == "headline":
        for word, ordered, as_said in _FLOWS:
            expectations += [
                ordered(RULES["V51"], f"{word} lie outside their bounds"),
                as_said(RULES["V51"], f"{word} where their status is none, or none where it is not"),
            ]
        expectations.append(_REASONED(RULES["V75"]))
    return expectations


_REAGGREGATES = row_rule(
    "ReaggregatesToReports",
    ("total", "least", "most"),
    lambda f: ~(f["total"] < f["least"]) & ~(f["total"] > f["most"]),
)
_HAIR = 1e-6  # crossings; multipliers of a linear programme are exact to no more
_ADDS_UP = row_rule(
    "BoundIsTheSumOfItsProof",
    ("bound", "total", "upper"),
    lambda f: (np.ceil(f["total"] - _HAIR)).where(f["upper"], np.floor(f["total"] + _HAIR)) == f["bound"],
)
_COVERS = row_rule("ProofHoldsTheDay", ("bound", "covers"), lambda f: f["covers"].astype(bool))
_PASSES = row_rule(
    "ExactTopTierPassesThrough",
    ("estimate", "exact_top"),
    lambda f: f["exact_top"].isna() | f["estimate"].isna() | (f["estimate"] == f["exact_top"]),
)
_FEWEST_DAYS, _REGULAR_SHARE = (RULES["V67"].limits[name] for name in ("fewest_days", "regular_share"))
_CALIBRATED = row_rule(
    "IntervalOnlyWhereCalibrated",
    ("has_interval", "exact_days", "regular_share"),
    lambda f: ~f["has_interval"] | ((f["exact_days"] >= _FEWEST_DAYS) & (f["regular_share"] >= _REGULAR_SHARE)),
)
_BALANCED = row_rule(
    "RowsAccountedFor",
    ("rows_in", "accepted", "quarantined", "duplicates"),
    lambda f: f["rows_in"] == f["accepted"] + f["quarantined"] + f["duplicates"],
)
_RECORDED = row_rule(
    "FallbackRecorded", ("rule", "observed"), lambda f: (f["rule"].astype("object") != "V70") | f["observed"].notna()
)
_FOUND = ("V58", "V60")  # findings of the estimator that a release must not have unseen


def gates() -> dict[str, list[Expectation]]:
    """The suites on what `transforms.tables.gate_evidence` worked out, by the name of the evidence.

    `stop_series` withholds the points of the failing row's series, `stop_month` those of its month.
    """
    none_of = [
        gxe.ExpectColumnValuesToNotMatchRegex(column="rule", regex=f"^{rule}$", **meta(RULES[rule])) for rule in _FOUND
    ]
    return {
        "reaggregation": [_REAGGREGATES(RULES["V50"])],
        "proofs": [_ADDS_UP(RULES["V74"]), _COVERS(RULES["V74"], "the windows of a proof do not hold the day")],
        "trail": [
            gxe.ExpectColumnValuesToBeBetween(column="strangers", max_value=0, **meta(RULES["V52"])),
            _PASSES(RULES["V53"]),
            gxe.ExpectColumnValuesToBeInSet(column="break_known", value_set=[True], **meta(RULES["V65"])),
        ],
        "findings": [
            *none_of,
            _RECORDED(RULES["V70"].as_gate(), "a solver fell back without a record of what it did"),
        ],
        "intervals": [_CALIBRATED(RULES["V67"])],
        "concepts": [
            gxe.ExpectColumnValuesToBeBetween(column=c, max_value=1, **meta(RULES["V64"], f"a series mixes {c}"))
            for c in ("measures", "systems", "citizenships", "definitions")
        ],
    }  # fmt: skip


def accounting() -> list[Expectation]:
    """The suite on row accounting, one row per source: columns source_id, rows_in, accepted,
    quarantined, duplicates, missing_since_before.

    `missing_since_before` counts reports of the source that the release before held and this one lacks (V62).
    """
    return [
        _BALANCED(RULES["V62"]),
        gxe.ExpectColumnValuesToBeBetween(
            column="missing_since_before",
            max_value=0,
            **meta(RULES["V62"], "reports that were there before are gone"),
        ),
    ]
