"""Run a suite on a frame with Great Expectations and read its result without confusing errors with failures.

In: a name, expectations, a frame. Out: one `RuleResult` per expectation with the failing rows by the frame's index.
A fresh context per call: sharing a batch definition between threads gives wrong counts silently.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.expectation import Expectation

# It narrates its temporary folders, and sets its own level for that.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)


@dataclass(frozen=True)
class RuleResult:
    """What one expectation found.

    Attributes
    ----------
    rule, action, severity, reason : from the expectation's `meta`.
    expectation, columns : Great Expectations' name of it, and the columns it looked at.
    evaluated, failed : rows looked at and rows failing (1 failing "row" for a failed table-level expectation).
    rows : index labels of the failing rows; empty for table-level expectations.
    """

    rule: str
    action: str
    severity: str
    reason: str
    expectation: str
    columns: tuple[str, ...]
    evaluated: int
    failed: int
    rows: tuple[Any, ...] = field(repr=False)


class RuleRaised(RuntimeError):
    """An expectation raised instead of judging: a fault of ours, never of the data."""


def run(name: str, expectations: Sequence[Expectation], frame: pd.DataFrame) -> list[RuleResult]:
    """Validate `frame` (unique index) against one suite, in one pass.

    Raises RuleRaised where an expectation could not be evaluated.
    """
    if not frame.index.is_unique:
        raise ValueError("the frame's index must be unique: failing rows are named by it")
    judged = [e for e in expectations if len(frame) or not _columns(e)]
    held = [_held(e) for e in expectations if not len(frame) and _columns(e)]  # where no rows are, none breaks a rule
    return sorted([*held, *(_validated(name, judged, frame) if judged else ())], key=_order)


def _validated(name: str, expectations: Sequence[Expectation], frame: pd.DataFrame) -> list[RuleResult]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    seen = _seen(expectations, frame)
    batch = (
        context.data_sources.add_pandas("frames")
        .add_dataframe_asset(name)
        .add_batch_definition_whole_dataframe("whole")
    ).get_batch({"dataframe": seen})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=DeprecationWarning)  # raised inside GX by pandas 3, nothing of ours
        found = batch.validate(
            gx.ExpectationSuite(name=name, expectations=list(expectations)), result_format={"result_format": "COMPLETE"}
        )
    return [_read(r, len(frame)) for r in found.results]


def _order(result: RuleResult) -> tuple[str, str, tuple[str, ...]]:
    return result.rule, result.expectation, result.columns


def _columns(expectation: Expectation) -> tuple[str, ...]:
    """The columns that an expectation looks at, row by row; none for one on the table as such."""
    config = expectation.configuration.kwargs
    columns = config.get("column_list") or [config.get("column")]
    return () if None in columns else tuple(str(c) for c in columns)


def _held(expectation: Expectation) -> RuleResult:
    """The result of an expectation that no row can fail."""
    config = expectation.configuration
    says = {name: config.meta[name] for name in ("rule", "action", "severity", "reason")}
    return RuleResult(**says, expectation=config.type, columns=_columns(expectation), evaluated=0, failed=0, rows=())


def _seen(expectations: Sequence[Expectation], frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that the expectations look at, with texts as codes.

    Great Expectations hashes the whole frame on every validation, and copies it for every rule that skips missing
    values: columns that no rule reads, and texts held as text, are what most of its time goes into.
    """
    named: set[str] = set()
    for expectation in expectations:
        columns = _columns(expectation)
        if not columns or expectation.configuration.kwargs.get("row_condition"):  # a rule on the table sees it whole
            return frame
        named.update(columns)
    seen = frame[[c for c in frame.columns if c in named]]
    return seen.assign(**{c: _coded(seen[c]) for c in seen.columns if seen[c].dtype == "str"})


def _coded(texts: pd.Series) -> pd.Series:
    codes, distinct = pd.factorize(texts)  # unlike astype("category"), it does not sort the distinct texts
    return pd.Series(pd.Categorical.from_codes(codes, categories=distinct), index=texts.index)


def _read(result: Any, rows: int) -> RuleResult:
    config = result.expectation_config
    raised = result.exception_info or {}
    if raised.get("raised_exception") or any(
        isinstance(v, dict) and v.get("raised_exception") for v in raised.values()
    ):
        raise RuleRaised(f"{config.type} ({config.meta['rule']}): {raised}")
    failing = tuple(result.result.get("unexpected_index_list") or ())
    columns = config.kwargs.get("column_list") or [config.kwargs.get("column")]
    return RuleResult(
        rule=config.meta["rule"], action=config.meta["action"], severity=config.meta["severity"],
        reason=config.meta["reason"], expectation=config.type, columns=tuple(str(c) for c in columns if c),
        evaluated=rows, failed=len(failing) if failing else int(not result.success), rows=failing,
    )  # fmt: skip
