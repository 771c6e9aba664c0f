"""Reference tables, read from bytes: countries and their names, time zones, wording, events, which series stand for a country."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from crossings.errors import UnreadableInput
from crossings.schema.tables import EVENTS
from crossings.source.labels import country_code, label_key

_COLUMNS = {
    "countries": ("alpha3", "alpha2", "m49", "name", "population", "population_on"),
    "timezones": ("country", "timezone", "main"),
    "wording": ("language", "phrase", "kind", "code"),
    "labels": ("kind", "label", "language", "code"),
    "events": EVENTS.names,
    "headline": ("country", "direction", "rank", "series", "stands_for", "source", "decided_on"),
    "checkpoints": ("slug", "name", "country", "counterpart", "kind", "district", "latitude", "longitude",
                    "alternative_names", "members"),
}  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """The reference tables that rules and encoding need; columns as in data/reference."""

    countries: pd.DataFrame
    timezones: pd.DataFrame
    wording: pd.DataFrame
    labels: pd.DataFrame

    def country_called(self, name: str) -> str | None:
        """The alpha-3 code of a country by its name in any known language or its code of two letters; None where unknown."""
        return country_code(name, self._names)

    @cached_property
    def _names(self) -> dict[str, dict[str, str]]:
        of_countries = self.labels[self.labels["kind"].isin(["iso2", "country"])]
        return {
            str(kind): {label_key(label): code for label, code in zip(rows["label"], rows["code"], strict=True)}
            for kind, rows in of_countries.groupby("kind")
        }

    @property
    def main_timezone(self) -> dict[str, str]:
        """The zone of most of each country."""
        main = self.timezones.loc[self.timezones["main"] == "true"]
        return dict(zip(main["country"], main["timezone"], strict=True))


def read(files: dict[str, bytes]) -> Reference:
    """The reference tables from the bytes of countries.csv, timezones.csv, wording.csv and labels.csv (by stem)."""
    countries = table("countries", files["countries"])
    try:
        countries["population"] = pd.to_numeric(countries["population"].replace("", None))
    except ValueError as error:
        raise UnreadableInput("countries.csv has a population that is not a number", "write it in digits") from error
    wording = table("wording", files["wording"])
    wording["phrase"] = wording["phrase"].str.lower()
    return Reference(countries, table("timezones", files["timezones"]), wording, table("labels", files["labels"]))


def table(name: str, content: bytes) -> pd.DataFrame:
    """One reference table as text (empty = not stated). Raises UnreadableInput for a wrong encoding or columns."""
    remedy = "restore data/reference from the repository"
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableInput(f"{name}.csv cannot be read: {error}", remedy) from error
    wrong = set(frame.columns) ^ set(_COLUMNS[name])
    if wrong:
        raise UnreadableInput(f"{name}.csv has missing or unknown columns: {', '.join(sorted(wrong))}", remedy)
    return frame


def events(content: bytes) -> pd.DataFrame:
    """Events by the schema of `events`."""
    frame = table("events", content)
    try:
        frame["date"] = pd.to_datetime(frame["date"], format="%Y-%m-%d").dt.date
    except ValueError as error:
        raise UnreadableInput("events.csv has a date that is not a calendar date", "write it as 2022-09-26") from error
    frame["is_break"] = frame["is_break"] == "true"
    return frame.sort_values("event_id", ignore_index=True)


def headline(content: bytes) -> pd.DataFrame:
    """Which series stands for a country and direction, by rank: country, direction, rank (int), series, stands_for."""
    frame = table("headline", content)
    remedy = "number the series of a country and direction 1, 2, 3"
    try:
        frame["rank"] = frame["rank"].astype(int)
    except ValueError as error:
        raise UnreadableInput("headline.csv has a rank that is not a number", remedy) from error
    if frame.duplicated(["country", "direction", "rank"]).any():
        raise UnreadableInput("headline.csv gives one rank to two series", remedy)
    return frame.sort_values(["country", "direction", "rank"], ignore_index=True)
