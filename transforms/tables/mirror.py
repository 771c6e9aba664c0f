"""What the other side of the border says of the same flow: ratios between mirror statistics, always a warning.

In: the table of encoded reports. Out: findings `mirror_ratio` (docs/rules.md). The two sides count different things, so neither
ever bounds the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crossings.rules import RULES, Finding
from transforms.reports import instants as at

USED = ("constraint", "regular")
LOWEST, HIGHEST = (RULES["mirror_ratio"].limits[end] for end in ("lowest", "highest"))
_ONE_SIGN = ("entry", "exit", "both")


def mirror_ratio(encoded: pd.DataFrame) -> list[Finding]:
    """Compare the destination's count with that of the other side for the same flow and window.

    The other side speaks where `system` is mirror or `reporter_side` is origin. Both are coded in the destination's
    direction. The ratio is destination / mirror; it is always a warning, because the two sides count different things,
    and never a constraint.

    Parameters
    ----------
    encoded : reports with `report_id`, `origin_id`, the parts of the series key, `reporter_side`, `start_instant`,
        `end_instant`, `period_start`, `period_end`, `value`, `lower`, `upper`; `role`, `modality`, `per_day` and
        `series` are respected where they are there.

    Returns
    -------
    Findings under rule `mirror_ratio`, the ratio in `gap`.
    """
    rows = _totals(encoded)
    across = (rows["system"] == "mirror") | (rows["reporter_side"] == "origin")
    own = rows[~across & (rows["reporter_side"] == "destination") & (rows["system"] == "border_control")]
    same = ["country", "direction", "citizenship", "scope", "start_instant", "end_instant"]
    pairs = own.merge(rows[across], on=same, suffixes=("", "_mirror"))
    pairs = pairs[(pairs["measure"] != "vehicles") & (pairs["measure_mirror"] != "vehicles")]
    comparable = (pairs["mode"] == pairs["mode_mirror"]) | pairs[["mode", "mode_mirror"]].isin(["all", "unknown"]).any(
        axis=1
    )
    pairs = pairs[comparable & (pairs["count"] > 0) & (pairs["count_mirror"] > 0)]
    pairs = pairs.sort_values(["country", "start_instant", "end_instant", "report_id", "report_id_mirror"])
    return [_ratio_finding(pair) for pair in pairs.to_dict("records")]


def _totals(encoded: pd.DataFrame) -> pd.DataFrame:
    """Counts over closed windows, one row per statement, with the figure to compare in `count`."""
    start, end = encoded["start_instant"], encoded["end_instant"]
    usable = start.notna() & end.notna() & (start < end) & encoded["direction"].isin(_ONE_SIGN)
    usable &= encoded["period_start"].notna() & encoded["period_end"].notna()
    if start.dtype == "int64":
        usable &= start != at.UNKNOWN
    for column, allowed in (("role", USED), ("modality", ("observed",)), ("per_day", (False,))):
        if column in encoded:
            usable &= encoded[column].isin(allowed)
    rows = encoded[usable].copy()
    middle = (rows["lower"].astype("Float64") + rows["upper"].astype("Float64")) / 2
    stated = rows["value"].astype("Float64")
    rows["count"] = (
        stated.where(rows["statistic"].isin(["total", "cumulative"]), middle).fillna(middle).astype("float64")
        if "statistic" in rows
        else stated.fillna(middle).astype("float64")
    )
    if "series" not in rows:
        rows["series"] = None
    return rows.sort_values("report_id").drop_duplicates(["origin_id", "start_instant", "end_instant", "direction"])


def _ratio_finding(pair: Mapping[str, Any]) -> Finding:
    ratio = float(pair["count"]) / float(pair["count_mirror"])
    place = "inside" if LOWEST <= ratio <= HIGHEST else "outside"
    usual = f"{LOWEST:g} to {HIGHEST:g}"
    return Finding(
        "mirror_ratio",
        table="reports",
        series=pair["series"],
        country=pair["country"],
        date_start=pair["period_start"],
        date_end=pair["period_end"],
        report_ids=sorted([str(pair["report_id"]), str(pair["report_id_mirror"])]),
        observed=f"{ratio:.4f}",
        expected=usual,
        gap=round(ratio, 4),
        message=(
            f"{pair['report_id']} counts {pair['count']:,.0f} {pair['measure']} ({pair['mode']}), the other side in "
            f"{pair['report_id_mirror']} {pair['count_mirror']:,.0f} {pair['measure_mirror']} ({pair['mode_mirror']}): "
            f"ratio {ratio:.4f}, {place} {usual}; different concepts, so neither bounds the other"
        ),
    )
