"""A domain rule as a Great Expectations expectation: one vectorised condition over several columns.

In: the columns, and a function from those columns to booleans. Out: a registered `MulticolumnMapExpectation`, which a rule of
the catalogue (`crossings.rules`) makes ready for a suite: its id, severity, action and sentence go with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import Expectation, MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import (
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)

from crossings.rules import Rule

Condition = Callable[[pd.DataFrame], pd.Series]
_SEVERITY = {"info": "info", "warn": "warning", "error": "critical", "stop": "critical"}


def meta(rule: Rule, reason: str | None = None) -> dict[str, Any]:
    """What every expectation of ours carries beside its own arguments; `reason` where it is narrower than the rule's."""
    return {"meta": {"rule": rule.id, "action": rule.action, "severity": rule.severity, "reason": reason or rule.says},
            "severity": _SEVERITY[rule.severity]}  # fmt: skip


def row_rule(name: str, columns: tuple[str, ...], condition: Condition) -> Callable[..., Expectation]:
    """Register a custom expectation called `ExpectReport<name>` and return a maker of instances.

    `condition` gets a frame of `columns`, missing values included, and returns True where the row is in order.
    """
    metric = f"multicolumn_values.crossings_{name.lower()}"

    def evaluate(cls: type, column_list: pd.DataFrame, **_: Any) -> pd.Series:  # noqa: ARG001
        return condition(column_list).fillna(False).astype(bool)

    type(
        f"{name}Metric",
        (MulticolumnMapMetricProvider,),
        {
            "condition_metric_name": metric,
            "condition_domain_keys": ("batch_id", "table", "column_list", "row_condition", "condition_parser",
                                      "ignore_row_if"),
            "condition_value_keys": (),
            "_pandas": multicolumn_condition_partial(engine=PandasExecutionEngine)(evaluate),
        },
    )  # fmt: skip
    expectation = type(
        f"Expect{name}",
        (MulticolumnMapExpectation,),
        {"__module__": __name__, "__annotations__": {}, "map_metric": metric, "args_keys": ("column_list",),
         "success_keys": ("mostly",)},
    )  # fmt: skip

    def make(rule: Rule, reason: str | None = None) -> Expectation:
        return expectation(column_list=list(columns), ignore_row_if="never", **meta(rule, reason))

    return make
