"""The table people come for: one row a date and country, with entries, exits and net beside each other.

In: `daily` as released, which series stands for a country and a direction (data/reference/headline.csv), the events, the
reports as decided, and `official`. Out: a frame by the schema of `headline`: every date from the first to the last covered
day of a country, and where a number is missing the reason. An official figure fills a cell without a point, as it is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crossings.schema.tables import HEADLINE, HEADLINE_DEFINITION, HEADLINE_OF, HEADLINE_PARTS
from transforms.estimator.known import LONGEST


def build(
    daily: pd.DataFrame, standing: pd.DataFrame, events: pd.DataFrame, decided: pd.DataFrame, official: pd.DataFrame
) -> pd.DataFrame:
    """The table `headline`.

    Parameters
    ----------
    daily : rows as released, points withheld.
    standing : country, direction, rank, series; of several ranks the first with a point on the day counts, else the
        first with a row.
    events : event_id, date, country; an event of the travellers' country stands in every row of its date.
    decided : reports with the windows and ends that the estimate took: report_id, period_start, period_end, upper.
    official : by its schema. Daily figures with the definition of the table count: of the series that stands for the
        country and direction, or, for a country without one, of the only such series.
    """
    stated = _stated(official, standing)
    spans = _capped_spans(decided)
    travellers = set(daily.loc[daily["series"].isin(standing["series"]), "citizenship"])
    rows: list[dict[str, Any]] = []
    ranked = standing.sort_values("rank")
    for country in sorted({*standing["country"], *stated}):
        here, beside = daily[daily["country"] == country], stated.get(country, {})
        mine = ranked[ranked["country"] == country]
        cells = {
            word: _filled(_cells(here, mine, direction), beside.get(direction, {}))
            for direction, word in HEADLINE_OF.items()
        }
        days = [*(here["date"] if len(mine) else []), *(day for figures in beside.values() for day in figures)]
        if not days:
            continue
        on = _on_dates(events[events["country"].isin(travellers | {country})])
        for day in pd.date_range(min(days), max(days)).date:
            found = {word: cells[word].get(day) for word in cells}
            rows.append(
                {"date": day, "country": str(country), "events": on.get(day, []), "reason": _reason(found, spans) or None}
                | {column: value for word, cell in found.items() for column, value in _columns(word, cell).items()}
            )  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(HEADLINE.names))
    for column in HEADLINE.columns:
        if column.type.startswith("int"):
            frame[column.name] = frame[column.name].astype("Int64")
    return frame.sort_values(list(HEADLINE.key), kind="stable", ignore_index=True)


def _cells(rows: pd.DataFrame, standing: pd.DataFrame, direction: str) -> dict[dt.date, dict[str, Any]]:
    """The row that stands for each date; those of a later rank fill where an earlier one has no point."""
    found: dict[dt.date, dict[str, Any]] = {}
    for series in standing.loc[standing["direction"] == direction, "series"]:
        for cell in rows[rows["series"] == series].to_dict("records"):
            before = found.get(cell["date"])
            if before is None or (pd.isna(before["estimate"]) and not pd.isna(cell["estimate"])):
                found[cell["date"]] = {str(k): v for k, v in cell.items()}
    return found


def _stated(official: pd.DataFrame, standing: pd.DataFrame) -> dict[str, dict[str, dict[dt.date, tuple[str, int]]]]:
    """Country -> direction -> date -> the series and figure of the official days that may stand in the table."""
    chosen = (official["freq"] == "D") & official["value"].notna()
    for part, needed in HEADLINE_DEFINITION.items():
        chosen &= official[part] == needed
    found: dict[str, dict[str, dict[dt.date, tuple[str, int]]]] = {}
    for (country, direction), rows in official[chosen].groupby(["country", "direction"], sort=True):
        mine = standing[(standing["country"] == country) & (standing["direction"] == direction)].sort_values("rank")
        kinds = set(rows["series"])
        ranked = [series for series in mine["series"] if series in kinds] if len(mine) else sorted(kinds)
        if direction in HEADLINE_OF and ranked and (len(mine) or len(ranked) == 1):
            standing_rows = rows[rows["series"] == ranked[0]]
            days = zip(standing_rows["date"], standing_rows["value"], strict=True)
            found.setdefault(str(country), {})[str(direction)] = {day: (ranked[0], int(value)) for day, value in days}
    return found


def _filled(
    cells: dict[dt.date, dict[str, Any]], official: Mapping[dt.date, tuple[str, int]]
) -> dict[dt.date, dict[str, Any]]:
    """The cells with an official figure where none of the statements gives a point."""
    for day, (series, value) in official.items():
        if day not in cells or pd.isna(cells[day]["estimate"]):
            cells[day] = dict.fromkeys(HEADLINE_PARTS.values()) | {
                "estimate": value, "status": "official", "series": series,
            }  # fmt: skip
    return cells


def _columns(word: str, cell: Mapping[str, Any] | None) -> dict[str, Any]:
    if cell is None:
        return {f"{word}_status": "none"}
    values = {part: cell[source] for part, source in HEADLINE_PARTS.items()}
    return {f"{word}{part}": None if pd.isna(value) else value for part, value in values.items()}


def _on_dates(events: pd.DataFrame) -> dict[dt.date, list[str]]:
    found: dict[dt.date, list[str]] = {}
    for event_id, day in events[["event_id", "date"]].itertuples(index=False):
        found.setdefault(day, []).append(str(event_id))
    return {day: sorted(ids) for day, ids in found.items()}


def _capped_spans(decided: pd.DataFrame) -> dict[str, int]:
    """Days of the window of each report that caps its flow."""
    capped = decided[decided["upper"].notna() & decided["period_start"].notna() & decided["period_end"].notna()]
    days = (pd.to_datetime(capped["period_end"]) - pd.to_datetime(capped["period_start"])).dt.days + 1
    return dict(zip(capped["report_id"].astype(str), days.astype(int), strict=True))


def _reason(found: Mapping[str, Mapping[str, Any] | None], spans: Mapping[str, int]) -> str:
    """Why each number that is missing is so; alike for several is said once."""
    why: dict[str, list[str]] = {}
    flows = [word for direction, word in HEADLINE_OF.items() if direction != "net"]
    without = [word for word in flows if (cell := found[word]) is None or pd.isna(cell["estimate"])]
    for word, cell in found.items():
        if cell is None or pd.isna(cell["estimate"]):
            lacking = [] if word in flows else without
            text = f"no number of {' and '.join(lacking)}" if lacking else _why(cell, spans)
            if word not in flows and not lacking and any(_is_official(found[flow]) for flow in flows):
                text = "official figures are not subtracted from others"
            why.setdefault(text, []).append(word)
    return "; ".join(f"{' and '.join(words)}: {text}" for text, words in why.items())


def _is_official(cell: Mapping[str, Any] | None) -> bool:
    """Whether a cell holds an official figure."""
    return cell is not None and cell["status"] == "official"


def _why(cell: Mapping[str, Any] | None, spans: Mapping[str, int]) -> str:
    if cell is None:
        return "no report"
    if not pd.isna(cell["known_over"]):
        return "withheld by a gate, see the findings" if cell["obs_status"] == "Q" else "no path fits all reports"
    shortest = min(_spans_of(cell["report_ids"], spans), default=None)
    if pd.isna(cell["upper"]) or shortest is None:
        return "no report caps it"
    if shortest > LONGEST:
        return f"known only over {shortest} days"
    return f"reports of {shortest} days or more do not fix it to within a third"


def _spans_of(report_ids: Sequence[str], spans: Mapping[str, int]) -> list[int]:
    return [spans[i] for i in report_ids if i in spans]
