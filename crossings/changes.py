"""What two releases show otherwise, day by day.

In: two releases, or their `daily` tables. Out: one row per changed cell, for a revision note or an alarm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossings import catalog

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("estimate", "lower", "upper", "status", "reliability")


def diff(before: str, after: str | None = None) -> pd.DataFrame:
    """What `daily` shows otherwise in two releases, by default the current one: see `between_tables`."""
    return between_tables(catalog.load("daily", release=before), catalog.load("daily", release=after))


def between_tables(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """What differs between two `daily` tables: key, column, value before, value after; sorted by key.

    A day that is in one of them only is a change from or to nothing.
    """
    import pandas as pd

    key = ["date", "country", "series"]
    both = before[key + list(_SHOWN)].merge(
        after[key + list(_SHOWN)], on=key, how="outer", suffixes=("_before", "_after")
    )
    rows = []
    for column in _SHOWN:
        old, new = both[f"{column}_before"].astype("object"), both[f"{column}_after"].astype("object")
        differs = ~((old == new).fillna(False).astype(bool) | (old.isna() & new.isna()))
        rows.append(both.loc[differs, key].assign(column=column, before=old[differs], after=new[differs]))
    return pd.concat(rows, ignore_index=True).sort_values([*key, "column"], ignore_index=True)
