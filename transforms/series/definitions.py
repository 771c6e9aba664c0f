"""Which series a report feeds.

In: reports after decisions and the declared series (data/reference/series.csv). Out: a series identifier per report;
for reports that fit no declared series a derived definition and the fact that it is derived.
An identifier reads COUNTRY/direction/citizenship/scope/mode/measure/system.
"""

from __future__ import annotations

import io

import pandas as pd

from crossings.errors import UnreadableInput
from crossings.schema.tables import SERIES, SERIES_KEY
from transforms import distinct

_COLUMNS = ("series", "country", "counterpart", "scope", "mode", "direction", "citizenship", "measure", "system",
            "timezone", "day_boundary", "epoch_start", "epoch_end", "title")  # fmt: skip


def parse(content: bytes, name: str = "series.csv") -> pd.DataFrame:
    """Read the declared series. Raises UnreadableInput for wrong columns or an identifier that is not its parts."""
    remedy = "see data/reference/README.md"
    try:
        frame = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UnreadableInput(f"{name} cannot be read: {error}", remedy) from error
    wrong = set(frame.columns) ^ set(_COLUMNS)
    if wrong:
        raise UnreadableInput(f"{name} has missing or unknown columns: {', '.join(sorted(wrong))}", remedy)
    repeated = frame.loc[frame["series"].duplicated(), "series"]
    if len(repeated):
        raise UnreadableInput(f"{name} declares {repeated.iloc[0]} twice", remedy)
    off = frame.loc[frame["series"] != identifiers(frame), "series"]
    if len(off):
        raise UnreadableInput(f"{name}: {off.iloc[0]} does not spell out its own parts", remedy)
    frame["counterpart"] = frame["counterpart"].replace("", None)
    for epoch in ("epoch_start", "epoch_end"):
        try:
            frame[epoch] = pd.to_datetime(frame[epoch].replace("", None), format="%Y-%m-%d").astype("datetime64[s]")
        except ValueError as error:
            raise UnreadableInput(f"{name} has an {epoch} that is not a calendar date", remedy) from error
    frame["declared"] = True
    return frame[list(SERIES.names)].sort_values("series", ignore_index=True)


def none() -> pd.DataFrame:
    """No declared series: every series is derived from its reports."""
    return parse((",".join(_COLUMNS) + "\n").encode())


def identifiers(frame: pd.DataFrame) -> pd.Series:
    """The identifier spelled from the parts of each row."""
    parts = frame[list(SERIES_KEY)].astype("object").fillna("?")
    return parts.agg("/".join, axis=1) if len(frame) else pd.Series([], dtype="str", index=frame.index)


def united(frame: pd.DataFrame) -> pd.DataFrame:
    """Each series once where several sources bring its definition; the title that says most stands."""
    fullest = frame.assign(length=-frame["title"].str.len()).sort_values(["series", "length", "title"])
    title = fullest.drop_duplicates("series").set_index("series")["title"]
    once = frame.drop_duplicates("series")
    return once.assign(title=once["series"].map(title).astype(frame["title"].dtype))


def assign(reports: pd.DataFrame, declared: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Series of each report, and the definitions of all series in use.

    A report belongs to a declared series where all parts agree and its window lies in the definition's epoch;
    otherwise to a derived one, marked `declared = False`. Returns the identifiers on the reports' index and a frame
    by the schema of `series`: every declared series, and the derived ones in use.
    """
    codes, first = distinct.combinations(*(reports[part] for part in SERIES_KEY))
    names = identifiers(reports.iloc[first]).to_numpy(object)
    ids = pd.Series(names[codes], index=reports.index, dtype="object")
    if len(declared):
        by_id = declared.set_index("series")
        epoch = by_id.loc[by_id["epoch_start"].notna() | by_id["epoch_end"].notna(), ["epoch_start", "epoch_end"]]
        for name, (first, last) in zip(epoch.index, epoch.itertuples(index=False), strict=True):
            here = ids == name
            outside = here & ((reports["period_start"] < first) | (reports["period_end"] > last))
            ids = ids.where(~outside, f"{name}/outside-epoch")
    unknown = ids[~ids.isin(declared["series"])]
    # The report with the smallest id stands for its series, so that the order of rows does not matter.
    report_id = reports.loc[unknown.index, "report_id"].fillna("")
    standing = unknown[report_id == unknown.map(report_id.groupby(unknown).min())].drop_duplicates()
    fresh = reports.loc[standing.index].assign(series=standing)
    derived = pd.DataFrame(
        {
            "series": fresh["series"],
            **{p: fresh[p].astype("object") for p in SERIES_KEY},
            "counterpart": fresh["counterpart"].astype("object"),
            "timezone": fresh["timezone"].astype("object"),
            "day_boundary": "00:00",
            "epoch_start": pd.Series(pd.NaT, index=fresh.index, dtype="datetime64[s]"),
            "epoch_end": pd.Series(pd.NaT, index=fresh.index, dtype="datetime64[s]"),
            "declared": False,
            "title": fresh["series"],
        }
    )
    known = pd.concat([declared, derived[list(SERIES.names)]], ignore_index=True) if len(derived) else declared
    return ids, known.sort_values("series", ignore_index=True)
