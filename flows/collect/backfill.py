"""Look at a source again as far back as a date: the same look with a longer selection, nothing else."""

from __future__ import annotations

import datetime as dt
import re

from crossings.errors import CrossingsError
from crossings.source.model import SourceSpec
from crossings.source.options import PxWebOptions, UljasOptions

_PERIODS_A_YEAR = {"D": 366, "W": 53, "M": 12, "Q": 4, "A": 1}


def reaching(spec: SourceSpec, start: dt.date, today: dt.date) -> SourceSpec:
    """The source with its selection widened to every period from `start` on.

    A source that always answers with its whole history is returned as it is. Raises CrossingsError where `start` lies
    in the future.
    """
    if start > today:
        raise CrossingsError(f"{start} lies in the future", "give a date in the past with --from")
    freq = spec.series_mapping.time.freq
    periods = ((today - start).days * _PERIODS_A_YEAR[freq]) // 365 + 2
    if isinstance(spec.options, PxWebOptions):
        select = tuple(s.model_copy(update={"newest": periods}) if s.newest else s for s in spec.options.select)
        return spec.model_copy(update={"options": spec.options.model_copy(update={"select": select})})
    if isinstance(spec.options, UljasOptions):
        chosen = {
            name: tuple(re.sub(r"(=FIRST\*;)\d+", rf"\g<1>{periods}", code) for code in codes)
            for name, codes in spec.options.select.items()
        }
        return spec.model_copy(update={"options": spec.options.model_copy(update={"select": chosen})})
    addresses = tuple(
        a.model_copy(
            update={"url": re.sub(r"(sinceTimePeriod=)\d{4}(-\d{2})?", rf"\g<1>{_spelled(start, freq)}", a.url)}
        )
        for a in spec.addresses
    )
    return spec.model_copy(update={"addresses": addresses})


def _spelled(start: dt.date, freq: str) -> str:
    return f"{start:%Y}" if freq == "A" else f"{start:%Y-%m}"
