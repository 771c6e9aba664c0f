"""Windows that nobody stated: what holds wherever such a window lies, and which of them a path can follow as coded.

In: statements, and which of them are of a day that somebody inferred. Out: their readings, of which bounds know only what
holds if the window is off by a day; and the reports whose coded window does not fit the others (method.md 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from crossings.calendar import shifted
from transforms.estimator.explanations import explain
from transforms.estimator.statements import ALLOWED, CODED, OFF_BY, BoolArray, Statements, joined
from transforms.estimator.system import Block, one_series, sharing_origins
from transforms.estimator.tools import Tools

_WINDOW = "\x00window"  # sets the statement that a window lies as coded apart from the report itself


def with_doubt(
    statements: Statements, doubtful: frozenset[str], per_day: frozenset[str], timezone: str, *, signed: bool = False
) -> Statements:
    """The statements, those in doubt replaced by their readings.

    Wherever the window of a total lies, the days it might be hold at least as much, and the days it holds at all
    events at most as much. Of what is said of each day, and of flows that may be negative, neither follows.

    Parameters
    ----------
    doubtful : reports whose window may be off by a day. per_day : reports that speak of each day of their window.
    """
    mine = statements.of(doubtful)
    if not mine.any():
        return statements
    coded = statements.take(mine)
    coded = replace(coded, reading=np.full(len(coded), CODED, dtype=np.int64))
    parts = [statements.take(~mine), coded]
    if not signed:
        total = coded.take(~coded.of(per_day))
        total = replace(total, reading=np.full(len(total), ALLOWED, dtype=np.int64))
        wide = shifted(total.start, -OFF_BY, timezone), shifted(total.end, OFF_BY, timezone)
        core = shifted(total.start, OFF_BY, timezone), shifted(total.end, -OFF_BY, timezone)
        least = replace(total, start=wide[0], end=wide[1], upper=np.full(len(total), np.inf))
        most = replace(total, start=core[0], end=core[1], lower=np.full(len(total), -np.inf))
        several = shifted(core[0], 1, timezone) < core[1]
        parts += [least.take(least.lower > 0), most.take(np.isfinite(most.upper) & several)]
    return reduce(joined, parts)


def misplaced(blocks: Sequence[Block], tools: Tools) -> frozenset[str]:
    """Reports whose window as coded does not fit, of reports that agree otherwise; the cheapest such set."""
    found: set[str] = set()
    if not any((block.statements.reading == CODED).any() for block in blocks):
        return frozenset()
    for group in sharing_origins(blocks):
        if all(tools.engines(block).feasible() for block in group):
            continue
        said = [block.statements for block in group]
        binding = frozenset().union(*(s.binding.ids for s in said))
        told = explain([_apart(b) for b in group], tools.engines, binding, tools.costs)
        coded = frozenset().union(*(s.take(s.reading == CODED).ids for s in said))
        found |= coded if told.too_many else {i.removesuffix(_WINDOW) for i in told.leading}
    return frozenset(found)


def follows(statements: Statements, aside: frozenset[str], loose: frozenset[str]) -> BoolArray:
    """Which rows a path follows: windows as coded where they fit, else what holds wherever they lie."""
    s = statements
    return np.asarray(~s.of(aside) & np.where(s.of(loose), s.reading != CODED, s.reading != ALLOWED))


def path_rows(
    series: str, statements: Statements, aside: frozenset[str], tools: Tools
) -> tuple[Statements, frozenset[str]]:
    """The rows of a series that its path follows once some reports are set aside, and those whose window is `misplaced`."""
    left = statements.take(~statements.of(aside))
    loose = misplaced(one_series(series, left), tools)
    return left.take(follows(left, aside, loose)), loose


def _apart(block: Block) -> Block:
    """The block with each coded window as a statement of its own."""
    s = block.statements
    coded = s.reading == CODED
    report_id, origin_id = (np.where(coded, ids + _WINDOW, ids).astype(object) for ids in (s.report_id, s.origin_id))
    return replace(block, statements=replace(s, report_id=report_id, origin_id=origin_id))
