"""Tables of a release whose one series has days that start at 10:00, as a dispatcher's shift does."""

from __future__ import annotations

import pandas as pd

from crossings.schema.tables import RELEASED, TABLES
from crossings.settings import settings
from transforms import ask
from transforms.reports import decisions, reference
from transforms.series import definitions

SERIES = "FIN/entry/RUS/national/land/crossings/border_control"
DECLARED = (
    "series,country,counterpart,scope,mode,direction,citizenship,measure,system,timezone,day_boundary,epoch_start,"
    "epoch_end,title\n"
    f"{SERIES},FIN,RUS,national,land,entry,RUS,crossings,border_control,Europe/Helsinki,10:00,,,Entries by shifts\n"
)
HEAD = (
    "report_id,country,scope,mode,direction,citizenship,measure,system,statistic,period_start,period_end,start_time,end_time,"
    "timezone,value,qualifier,published_on\n"
)
KEY = "FIN,national,land,entry,RUS,crossings,border_control"
REPORTS = HEAD + (
    f"three,{KEY},total,2022-10-29,2022-11-01,10:00,10:00,Europe/Helsinki,700,exact,2022-11-02\n"
    f"each,{KEY},each_day,2022-10-29,2022-11-01,10:00,10:00,Europe/Helsinki,300,up_to,2022-11-02\n"
    f"night,{KEY},total,2022-10-30,2022-10-31,10:00,10:00,Europe/Helsinki,150,at_least,2022-11-03\n"
)
"""Three shifts, one of them of 25 hours: 700 in all, at most 300 in each, at least 150 in the second."""


def tables() -> dict[str, pd.DataFrame]:
    """Every table of a release, conforming to the schema."""
    names = ("countries", "timezones", "wording", "labels")
    known = {n: (settings().data / "reference" / f"{n}.csv").read_bytes() for n in names}
    declared = definitions.parse(DECLARED.encode())
    found = ask.estimate_reports(
        REPORTS.encode(), lambda _prepared, _known: [], reference.read(known), declared=declared
    )
    dated = declared.assign(epoch_start=None, epoch_end=None)
    empty = {name: TABLES[name].arrow().empty_table().to_pandas() for name in RELEASED}
    decided = decisions.none().assign(evidence_report_ids=None)
    made = {"reports": found.reports, "daily": found.daily, "findings": found.findings, "series": dated}
    tables_ = empty | made | {"decisions": decided.reindex(columns=list(TABLES["decisions"].names))}
    return {name: TABLES[name].conform(frame).to_pandas(types_mapper=pd.ArrowDtype) for name, frame in tables_.items()}
