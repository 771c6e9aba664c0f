"""What the record-level rules need to know beside a report itself, worked out once for all rows.

In: decided and encoded reports, reference tables, and the day of the run. Out: columns that the expectations on
`reports` compare: day numbers instead of dates, the population cap, what the printed words say, the superseded row.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from transforms import instants as at
from transforms.encode import NO_FLOW, PER_DAY
from transforms.reference import Reference

DESTINATION_SHARE = 0.05  # V17: no country takes in more than this share of its residents in a day
ORIGIN_SHARE = 0.005  # V17: nor does this share of the origin's residents leave to one country in a day


def gather(reports: pd.DataFrame, reference: Reference, today: pd.Timestamp) -> pd.DataFrame:
    """The reports with evidence columns beside them.

    today : the local day of the run, used only to refuse records from the future (V06).
    """
    unparsed = reports["unparsed"].astype("object")
    period = {n: _day_number(reports[n]) for n in ("period_start", "period_end")}
    first, last = _publication_days(reports)
    words = _wording(reports["value_text"], reference.wording)
    evidence = {
        "unparsed_dates": _among(unparsed, dates=True),
        "unparsed_other": _among(unparsed, dates=False),
        "start_day": period["period_start"],
        "end_day": period["period_end"],
        "first_published_day": first,
        "last_published_day": last,
        "recorded_day": _day_number(reports["recorded_on"]),
        "today": float((today - pd.Timestamp(0)).days),
        "country_timezone": _joined(reports["country"], reports["timezone"]),
        "start_clock_ok": _clock_ok(reports["start_time"]),
        "end_clock_ok": _clock_ok(reports["end_time"]),
        "local_start_day": _local_day(reports, "start_instant", 0),
        "local_end_day": _local_day(reports, "end_instant", -1),
        "day_rate": day_rate(reports),
        "day_cap": _cap(reports, reference),
        "text_qualifier": words["qualifier"],
        "text_per_day": words["per_day"],
        "text_multiplier": words["multiplier"],
        **_superseded(reports),
    }
    evidence["series_rate"] = _series_rate(reports, evidence["day_rate"])
    return pd.concat([reports, pd.DataFrame(evidence, index=reports.index)], axis=1)


def day_rate(reports: pd.DataFrame) -> NDArray[np.float64]:
    """The largest figure a report states or implies per day of its window; NaN where it states no flow."""
    figure = reports[["lower", "upper"]].max(axis=1).to_numpy(np.float64)
    days = (reports["period_end"] - reports["period_start"]).dt.days.to_numpy(np.float64) + 1
    days = np.where(reports["per_day"], 1, np.maximum(days, 1))
    flow = ~np.isin(reports["statistic"].astype("object").to_numpy().astype(str), NO_FLOW)
    return np.where(flow, figure / days, np.nan)


def _day_number(dates: pd.Series) -> NDArray[np.float64]:
    days = dates.to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))


def _among(unparsed: pd.Series, *, dates: bool) -> pd.Series:
    names = {
        "period_start",
        "period_end",
        "published_on",
        "recorded_on",
        "start_instant",
        "end_instant",
        "published_at",
    }

    def chosen(text: str) -> str:
        return ";".join(n for n in text.split(";") if n and (n in names) == dates)

    return unparsed.map({text: chosen(text) for text in unparsed.unique()})


def _publication_days(reports: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    texts = reports["published_on"].astype("object")
    unique = pd.Series(texts.dropna().unique(), dtype="object")
    first = dict(zip(unique, _day_number(at.first_publication_day(unique)), strict=True))
    last = dict(zip(unique, _day_number(at.last_publication_day(unique)), strict=True))
    low = texts.map(first).to_numpy(np.float64)
    high = texts.map(last).to_numpy(np.float64)
    if "published_at" in reports:  # an instant is finer; it may fall anywhere in the reporting country's day
        stamp = reports["published_at"].to_numpy(np.int64)
        known = stamp != at.UNKNOWN
        stated = known & texts.isna().to_numpy()
        day = np.floor((np.where(known, stamp, 0) + 14 * 3600) / 86_400)
        low, high = np.where(stated, day, low), np.where(stated, day, high)
    return low, high


def _joined(left: pd.Series, right: pd.Series) -> pd.Series:
    pairs = pd.MultiIndex.from_arrays([left.astype("object").fillna("?"), right.astype("object").fillna("?")])
    codes, unique = pairs.factorize()
    names = pd.Series([f"{a}|{b}" for a, b in unique], dtype="object").to_numpy()
    return pd.Series(pd.Categorical(names[codes] if len(codes) else []), index=left.index)


def _clock_ok(clocks: pd.Series) -> pd.Series:
    wrong = [t for t in clocks.dropna().unique() if not at.is_clock(t)]
    return ~clocks.isin(wrong)


def _local_day(reports: pd.DataFrame, column: str, shift: int) -> NDArray[np.float64]:
    """Local day of an instant that the record itself states; NaN where the instant follows from dates."""
    result = np.full(len(reports), np.nan)
    stated = reports.get(f"stated_{column}")
    if stated is None:
        return result
    for zone in reports["timezone"].astype("object").dropna().unique():
        here = ((reports["timezone"].astype("object") == zone) & stated).to_numpy()
        if here.any() and at.is_zone(zone):
            stamps = pd.Series(pd.to_datetime(reports[column].to_numpy()[here] + shift, unit="s", utc=True))
            result[here] = _day_number(stamps.dt.tz_convert(zone).dt.tz_localize(None))
    return result


def _cap(reports: pd.DataFrame, reference: Reference) -> NDArray[np.float64]:
    population = reference.countries.set_index("alpha3")["population"].astype("float64")
    cap = reports["country"].astype("object").map(population * DESTINATION_SHARE).to_numpy(np.float64)
    origin = reports["citizenship"].astype("object").map(population * ORIGIN_SHARE).to_numpy(np.float64)
    return np.asarray(np.fmin(cap, origin))


def _wording(texts: pd.Series, wording: pd.DataFrame) -> dict[str, pd.Series]:
    """What the words around a printed number say: a hedge, a rate per day, multiplied digits."""
    values = texts.astype("object")
    read: dict[str, tuple[str | None, bool, float]] = {}
    for text in values.dropna().unique():
        lowered = f" {str(text).lower()} "
        said = wording.loc[[p in lowered for p in wording["phrase"]]]
        hedges = said.loc[said["kind"] == "qualifier", "code"].unique()
        read[text] = (hedges[0] if len(hedges) == 1 else None, bool((said["kind"] == "per_day").any()),
                      _multiplied(lowered, said.loc[said["kind"] == "multiplier"]))  # fmt: skip
    missing = (None, False, np.nan)
    rows = [read.get(t, missing) if isinstance(t, str) else missing for t in values]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    return {
        "qualifier": pd.Series(columns[0], index=texts.index, dtype="object"),
        "per_day": pd.Series(columns[1], index=texts.index, dtype=bool),
        "multiplier": pd.Series(columns[2], index=texts.index, dtype="float64"),
    }


def _multiplied(text: str, multipliers: pd.DataFrame) -> float:
    """The number that words like thousand and million spell, as in `4 million 55 thousand`; NaN without such words."""
    total, rest = 0.0, text
    for word, factor in sorted(zip(multipliers["phrase"], multipliers["code"].astype(float), strict=True),
                               key=lambda pair: -pair[1]):  # fmt: skip
        match = re.search(rf"([0-9][0-9\s.,]*)\s*{re.escape(word)}\w*", rest)
        if match:
            total += _spelled(match[1]) * factor
            rest = rest[: match.start()] + " " + rest[match.end() :]
    left = re.search(r"[0-9]+", rest)
    return total + (float(left[0]) if left else 0) if total else float("nan")


def _spelled(digits: str) -> float:
    """Digits as printed: one mark is a decimal mark, more of them part thousands."""
    plain = re.sub(r"\s", "", digits).rstrip(".,").replace(",", ".")
    return float(plain if plain.count(".") < 2 else plain.replace(".", ""))


def _superseded(reports: pd.DataFrame) -> dict[str, pd.Series]:
    """For rows that name a superseded report: whether it is there, agrees in series and window, and was earlier."""
    wanted = reports["supersedes"].astype("object")
    naming = wanted.dropna()
    true = pd.Series(True, index=reports.index)
    there, same, later, acyclic = true.copy(), true.copy(), true.copy(), true.copy()
    if len(naming):
        by_id = reports.drop_duplicates("report_id").set_index("report_id")
        chain = naming.groupby(reports.loc[naming.index, "report_id"]).first().to_dict()
        for row, old in naming.items():
            there.at[row] = old in by_id.index
            acyclic.at[row] = not _cyclic(reports.at[row, "report_id"], chain)
            if not there.at[row]:
                continue
            before, after = by_id.loc[old], reports.loc[row]
            same.at[row] = all(
                after[c] == before[c] or (pd.isna(after[c]) and pd.isna(before[c]))
                for c in ("series", "period_start", "period_end", "start_time", "end_time")
            )
            later.at[row] = _not_earlier(after, before)
    return {
        "superseded_there": there,
        "superseded_same": same,
        "superseded_later": later,
        "superseded_acyclic": acyclic,
    }


def _cyclic(start: str, chain: dict[str, str]) -> bool:
    seen, here = set(), start
    while here in chain:
        if here in seen:
            return True
        seen.add(here)
        here = chain[here]
    return False


def _not_earlier(after: pd.Series, before: pd.Series) -> bool:
    if at.UNKNOWN in (after["published_at"], before["published_at"]):
        return True
    first = at.first_publication_day(pd.Series([before["published_on"]])).iloc[0]
    if pd.isna(first):
        return bool(after["published_at"] > before["published_at"])
    return bool(after["published_at"] > first.timestamp())


def _series_rate(reports: pd.DataFrame, rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median day rate of the reports of a series, where it has at least four; NaN otherwise."""
    per_day = np.isin(reports["statistic"].astype("object").to_numpy().astype(str), PER_DAY)
    usable = pd.Series(np.where(per_day | (rate <= 0), np.nan, rate), index=reports.index)
    grouped = usable.groupby(reports["series"].astype("object"))
    return np.where(grouped.transform("count") >= 4, grouped.transform("median"), np.nan)
