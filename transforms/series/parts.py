"""Which scopes are parts of which: checkpoints of districts, sets and countries.

In: the reference table of checkpoints, or the scopes of the series themselves. Out: rows for `links.find_links`. No
list of parts is taken to be exhaustive: a part is at most its whole, and nothing more is claimed (method.md 4.1, V32).
"""

from __future__ import annotations

import pandas as pd

COLUMNS = ("country", "part_scope", "whole_scope", "exhaustive")
NATIONAL = "national"
_PREFIXES = ("district:", "checkpoint:", "checkpoints:")


def declared_parts(checkpoints: pd.DataFrame) -> pd.DataFrame:
    """Parts that the table of checkpoints declares (`reference.table("checkpoints", ...)`), columns COLUMNS.

    A checkpoint is part of its district, of every set that lists it as a member, and of its country; so is a set of
    checkpoints, and a district of its country.
    """
    scope_of = {str(r["slug"]): _scope(r) for r in checkpoints.to_dict("records")}
    pairs: set[tuple[str, str, str]] = set()
    for row in checkpoints.to_dict("records"):
        country, scope = str(row["country"]), scope_of[str(row["slug"])]
        pairs.add((country, scope, NATIONAL))
        if row["district"]:
            pairs.add((country, scope, f"district:{row['district']}"))
        for member in filter(None, str(row["members"]).split(";")):
            pairs.add((country, scope_of.get(member, f"checkpoint:{member}"), scope))
    return _frame(pairs)


def default_parts(series: pd.DataFrame) -> pd.DataFrame:
    """Every district and checkpoint among the scopes of the series is part of its country, columns COLUMNS."""
    scopes = series[["country", "scope"]].astype("object").drop_duplicates()
    return _frame({(c, s, NATIONAL) for c, s in scopes.itertuples(index=False) if str(s).startswith(_PREFIXES)})


def together(*tables: pd.DataFrame) -> pd.DataFrame:
    """All rows of several tables of parts, each once."""
    whole = pd.concat([t[list(COLUMNS)] for t in tables], ignore_index=True)
    return whole.drop_duplicates(list(COLUMNS[:3])).sort_values(list(COLUMNS[:3]), ignore_index=True)


def _scope(row: dict[str, str]) -> str:
    if row["kind"] == "district":
        return f"district:{row['slug']}"
    return f"{'checkpoints' if row['members'] else 'checkpoint'}:{row['slug']}"


def _frame(pairs: set[tuple[str, str, str]]) -> pd.DataFrame:
    rows = [(*pair, False) for pair in sorted(pairs)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"exhaustive": "bool"})
