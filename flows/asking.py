"""What `crossings between` and `crossings.between` answer alike: a release is opened, the reports of a country are asked.

In: names, dates, a release. Out: `transforms.ask.Period`. Neither Prefect nor Great Expectations is loaded.
"""

from __future__ import annotations

import pandas as pd

from crossings import catalog, regular
from crossings.errors import NothingReported
from crossings.lake import Release
from crossings.settings import settings
from flows.workspace import read_file
from transforms import ask
from transforms.reports import reference
from transforms.series import parts


def between(
    country: str,
    start: catalog.When,
    end: catalog.When,
    *,
    direction: str = "entry",
    series: str | None = None,
    as_of: catalog.When | None = None,
    release: str | Release | None = None,
) -> ask.Period:
    """How many crossed from one local date to another, both inclusive: tightest bounds, the path added up, and why.

    By default entries of the series that stands for the country, as in `headline`. as_of : only what had been published
    by then, a date meaning its end. `print` gives the answer in words, `.row` by the schema of `periods`; `.official` holds
    what each source of regular statistics says of the same series by its own figures, never mixed with the statements.
    Raises CrossingsError for a country or series that is not there, dates out of order, and a period that no report and no
    official figure bounds.

    >>> from crossings import between
    >>> found = between("FIN", "2022-09-24", "2022-09-25")  # 8,572 and 8,314
    >>> (found.lower, found.estimate, found.upper)
    (16886, 16886, 16886)
    """
    held = release if isinstance(release, Release) else catalog.open_release(release)
    first, last = catalog.as_date(start), catalog.as_date(end)
    code = country.upper()
    tables = {name: catalog.load(name, code, release=held) for name in ("reports", "series", "decisions", "events")}
    name = series or catalog.standing(code, direction, start=first, end=last, release=held)
    known = None if as_of is None else catalog.instant(as_of)
    try:
        return ask.between(tables, name, first, last, as_of=known, part_of=declared_parts())
    except NothingReported as error:
        figures = regular.figures(code, direction=direction, start=first, end=last, release=held)
        others = sorted({figure.series for figure in figures} - {name})
        if series is not None or not others:
            raise
        remedy = f"official figures meet it in {', '.join(others[:3])}: name one as series"
        raise NothingReported(error.message, remedy) from error


def declared_parts() -> pd.DataFrame:
    """Which checkpoints and districts are parts of which, from data/reference."""
    content = read_file(settings().data / "reference" / "checkpoints.csv")
    return parts.declared_parts(reference.table("checkpoints", content))
