"""Parse a statement CSV (the register's columns) into reports, strictly and without losing a row.

In: the bytes of one CSV in UTF-8, and its digest. Out: a frame of reports typed by `crossings.schema.tables`, where a field
that does not parse is null and named in `unparsed`; and the records that are no rows at all (torn ones), as received.
The codebook is data/register/README.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from crossings.errors import UnreadableInput
from crossings.schema.model import Column
from crossings.schema.tables import REGISTER_COLUMNS

REQUIRED = ("report_id", "country", "direction", "period_start", "period_end")
OPTIONAL_EXTRAS = ("lower", "upper", "sigma", "start_instant", "end_instant", "published_at")
DEFAULTS = {
    "scope": "national", "mode": "all", "citizenship": "all", "measure": "crossings", "system": "border_control",
    "statistic": "total", "modality": "observed", "qualifier": "exact", "tier": "4", "period_basis": "stated",
    "cutoff_assumed": "false", "counterpart": "",
}  # fmt: skip
_CODED = {c.name for c in REGISTER_COLUMNS if c.codes} | {"country", "counterpart", "timezone", "authority", "language",
                                                         "tier", "cutoff_assumed", "publisher", "recorded_on"}  # fmt: skip
# Columns that say the same thing in many records: read straight into codes, so that a value is held and parsed once.
_REPEATING = _CODED | {"published_on", "start_time", "end_time", "rounding_unit"} | {
    c.name for c in REGISTER_COLUMNS if c.type == "date32"
}  # fmt: skip
_BLOCK = 1 << 22  # bytes read at a time; larger blocks only cost page faults
_ONE_DATE = r"^\d{4}-\d{2}-\d{2}$"
_PUBLISHED = {4: "-01-01", 7: "-01", 10: ""}  # a year, a month or a day, made a day
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_MOST_DIGITS = 15  # figures stay exact in double precision


@dataclass(frozen=True)
class Statements:
    """What a statement CSV holds.

    Attributes
    ----------
    reports : one row per record, typed as in `REPORTS` plus the optional columns; `unparsed` names the columns whose
        text could not be read (semicolon-separated, empty when all could); `locator` is the record's place.
    raw : the same rows as text, for the quarantine.
    torn : records with a wrong number of fields: columns `locator`, `record`, `reason`.
    """

    reports: pd.DataFrame
    raw: pa.Table
    torn: pd.DataFrame

    @property
    def considered(self) -> int:
        """Records in the file: parsed ones and torn ones."""
        return len(self.reports) + len(self.torn)


def parse(content: bytes, name: str = "reports.csv") -> Statements:
    """Read a statement CSV.

    Columns the file lacks mean "not stated" and take the least committal code. Raises UnreadableInput where the
    bytes are not UTF-8 text, hold NUL or a quote that is never closed, have no header, repeat or do not know a column,
    or lack a required one, or are separated by something else than commas.
    """
    header = _checked_header(content, name)
    table, torn = _read(content, header, name)
    columns: dict[str, Any] = {}
    unparsed = np.full(table.num_rows, "", dtype=object)
    for column in REGISTER_COLUMNS:
        columns[column.name] = _typed(column, table, unparsed)
    for extra in OPTIONAL_EXTRAS:
        if extra in header:
            columns[extra] = _typed_extra(extra, table, unparsed)
    reports = pd.DataFrame(columns, copy=False)
    if reports["origin_id"].isna().any():
        reports["origin_id"] = reports["origin_id"].where(reports["origin_id"].notna(), reports["report_id"])
    reports["unparsed"] = _forgiven(reports, table, unparsed)
    reports["locator"] = _locators(table.num_rows, torn)
    return Statements(reports, table, torn[["locator", "record", "reason"]])


def _forgiven(reports: pd.DataFrame, table: pa.Table, unparsed: np.ndarray) -> np.ndarray:
    """A fractional value (the total of a mean, say) is no fault where the record gives its bounds itself."""
    if "lower" not in reports or "value" not in table.column_names:
        return unparsed
    decimal = pc.match_substring_regex(pc.fill_null(table["value"], ""), r"^\s*\d+\.\d+\s*$").to_numpy()
    here = decimal & reports["lower"].notna().to_numpy() & (unparsed == "value")
    printed = table["value"].to_pandas()
    reports["value_text"] = reports["value_text"].mask(here & reports["value_text"].isna().to_numpy(), printed)
    return np.where(here, "", unparsed)


def clock(text: str, *, ends: bool) -> str:
    """A clock as `HH:MM`: one digit of hours and whole minutes with seconds are read; any other text stays as it is.

    ends : whether a window ends by it; the last minute of the day, `23:59` or `23:59:59`, is then the end of the day.

    >>> clock("9:30", ends=False), clock("00:00:00", ends=False), clock("23:59", ends=True), clock("23:59", ends=False)
    ('09:30', '00:00', '24:00', '23:59')
    >>> clock("10:30:15", ends=True)
    '10:30:15'
    """
    parts = text.split(":")
    if not 2 <= len(parts) <= 3 or not all(part.isascii() and part.isdigit() and len(part) <= 2 for part in parts):
        return text
    hours, minutes, seconds = (*parts, "00")[:3]
    if len(minutes) != 2 or len(seconds) != 2:
        return text
    if ends and (int(hours), minutes) == (23, "59") and seconds in ("00", "59"):
        return "24:00"
    return f"{int(hours):02}:{minutes}" if seconds == "00" else text


def raw_records(statements: Statements, rows: Iterable[int]) -> dict[int, str]:
    """Records as received, by row, each as JSON with the header's names."""
    wanted = np.zeros(statements.raw.num_rows, dtype=bool)
    wanted[list(rows)] = True
    records = statements.raw.filter(pa.array(wanted)).to_pylist()
    texts = (json.dumps({n: v or "" for n, v in record.items()}, ensure_ascii=False) for record in records)
    return dict(zip(np.flatnonzero(wanted).tolist(), texts, strict=True))


def contents(statements: Statements) -> pd.Series:
    """A hash of what was received for each row whose report id stands more than once; zero for all others."""
    repeated = statements.reports["report_id"].duplicated(keep=False)
    result = pd.Series(0, index=statements.reports.index, dtype="uint64")
    if repeated.any():
        rows = statements.raw.filter(pa.array(repeated))
        texts = pd.DataFrame(
            {n: pc.utf8_trim_whitespace(rows[n].cast(pa.string())).fill_null("").to_pandas() for n in rows.column_names}
        )
        result[repeated] = pd.util.hash_pandas_object(texts, index=False).to_numpy()
    return result


def _checked_header(content: bytes, name: str) -> list[str]:
    remedy = "save the table as UTF-8 CSV with the columns of data/register/README.md"
    if not content or content.isspace():
        raise UnreadableInput(f"{name} is empty", remedy)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableInput(f"{name} is UTF-16, not UTF-8", remedy)
    if b"\x00" in content:
        raise UnreadableInput(f"{name} holds a NUL byte at offset {content.index(0)}", remedy)
    if not _is_utf8(content):
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise UnreadableInput(
                f"{name} is not UTF-8: byte {content[error.start]:#04x} in line {line}", remedy
            ) from error
    if content.count(b'"') % 2:  # the quote would swallow the rows after it
        raise UnreadableInput(
            f"{name} is torn: a quote is never closed", "fetch or save it again; nothing was taken from it"
        )
    end = re.search(b"[\r\n]", content)
    first = content[: end.start() if end else None].removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    if first.lstrip().lower().startswith(("<!doctype", "<html", "{")):
        raise UnreadableInput(f"{name} starts like a web page or JSON, not like a CSV", remedy)
    header = [h.strip().strip('"') for h in first.split(",")]
    known = {c.name for c in REGISTER_COLUMNS} | set(OPTIONAL_EXTRAS)
    for mark, word in _OTHER_SEPARATORS.items():
        if len([h for h in first.split(mark) if h.strip().strip('"') in known]) > 1:
            raise UnreadableInput(
                f"{name} is separated by {word}, not by commas",
                "save it as CSV with commas between the columns; in a spreadsheet that is set with the separator of lists",
            )
    repeated = sorted({h for h in header if header.count(h) > 1})
    if repeated:
        raise UnreadableInput(f"{name} repeats the column {_few(repeated)}", "give each column once")
    unknown = sorted(set(header) - known)
    if unknown:
        raise UnreadableInput(
            f"{name} has unknown columns: {_few(map(repr, unknown))}", "remove or rename them; see the codebook"
        )
    missing = [c for c in REQUIRED if c not in header]
    if missing:
        raise UnreadableInput(f"{name} lacks the columns {', '.join(missing)}", "add them; see the codebook")
    return header


def _is_utf8(content: bytes) -> bool:
    """Whether the bytes are UTF-8, found out without making a text of them, which may take four times their memory."""
    offsets = pa.py_buffer(np.array([0, len(content)], dtype=np.int64))
    whole = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, offsets, pa.py_buffer(content)])
    try:
        whole.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _few(names: Iterable[str]) -> str:
    """The first five names, each cut to a readable length."""
    listed = list(names)
    return ", ".join(n[:40] for n in listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")


def _read(content: bytes, header: list[str], name: str) -> tuple[pa.Table, pd.DataFrame]:
    bad: list[dict[str, Any]] = []

    def keep(row: Any) -> str:
        bad.append({"number": row.number, "record": json.dumps({"line": row.text}, ensure_ascii=False),
                    "reason": f"{row.actual_columns} fields where the header has {row.expected_columns}"})  # fmt: skip
        return "skip"

    codes = pa.dictionary(pa.int32(), pa.string())
    try:
        table = pacsv.read_csv(
            pa.BufferReader(content),
            # Numbers of torn records are known only without threads, which gain nothing here.
            read_options=pacsv.ReadOptions(use_threads=False, block_size=_BLOCK, column_names=header, skip_rows=1),
            parse_options=pacsv.ParseOptions(newlines_in_values=True, invalid_row_handler=keep),
            convert_options=pacsv.ConvertOptions(
                column_types={h: codes if h in _REPEATING else pa.string() for h in header},
                null_values=[""], strings_can_be_null=True,
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        what = "holds a record longer than 4 MiB" if "straddling" in str(error) else f"is torn: {error}"
        raise UnreadableInput(f"{name} {what}", "fetch or save it again; nothing was taken from it") from error
    table = table.unify_dictionaries()
    torn = pd.DataFrame(bad, columns=["number", "record", "reason"])
    torn["locator"] = [f"record {n - 1}" for n in torn["number"]]
    return table, torn


def _locators(rows: int, torn: pd.DataFrame) -> pd.Series:
    numbers = np.arange(1, rows + len(torn) + 1)
    if len(torn):
        numbers = np.delete(numbers, torn["number"].to_numpy(dtype=np.int64) - 2)
    return pd.Series("record " + pd.Series(numbers).astype(str))


def _typed(column: Column, table: pa.Table, unparsed: np.ndarray) -> pd.Series:
    name = column.name
    if name not in table.column_names:
        default = DEFAULTS.get(name)
        text = pa.array([default or None], pa.string()).take(pa.array(np.zeros(table.num_rows, np.int64)))
        table = table.append_column(name, text)
    text = _trimmed(table[name])
    if column.type == "int64":
        return _by_unique(name, text, unparsed, _integers)
    if column.type == "int8":
        numbers = _by_unique(name, text, unparsed, _integers)
        return numbers.where(numbers.between(-127, 127), None).astype("Int8")
    if column.type == "date32":
        return _by_unique(name, text, unparsed, _dates)
    if column.type == "bool":
        return _by_unique(name, text, unparsed, _booleans)
    if name == "published_on":
        _by_unique(name, text, unparsed, _publication_days)
    if name in ("start_time", "end_time"):
        text = _clocks(text, ends=name == "end_time")
    if name in _CODED:
        return pd.Series(_without_empty(text).dictionary_encode().combine_chunks().to_pandas())
    return pd.Series(_without_empty(text.cast(pa.string())).to_pandas(), dtype="str")


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The texts without blanks around them; the very same memory where there are none, which is the rule."""
    if pa.types.is_dictionary(column.type):
        texts = _distinct(column)
        return column if pc.utf8_trim_whitespace(texts).equals(texts) else _trimmed(column.cast(pa.string()))
    trimmed = pc.utf8_trim_whitespace(column)
    return column if trimmed.equals(column) else trimmed


def _distinct(codes: pa.ChunkedArray) -> pa.Array:
    """The texts behind codes; all chunks share them."""
    return codes.chunk(0).dictionary if codes.num_chunks else pa.array([], pa.string())


def _without_empty(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Empty texts (blanks only, in the file) as missing ones."""
    if pa.types.is_dictionary(text.type) and "" not in _distinct(text).to_pylist():
        return text
    text = text.cast(pa.string())
    empty = pc.equal(text, "")
    return pc.if_else(empty, pa.scalar(None, pa.string()), text) if pc.any(empty).as_py() else text


def _clocks(column: pa.ChunkedArray, *, ends: bool) -> pa.ChunkedArray:
    """The clocks as `HH:MM`; the very same memory where all are so, which is the rule."""
    coded = column.dictionary_encode().combine_chunks()
    texts = coded.dictionary.to_pylist()
    read = [clock(text, ends=ends) for text in texts]
    return column if read == texts else pa.chunked_array([pa.array(read, pa.string()).take(coded.indices)])


def _mark(name: str, bad: np.ndarray, unparsed: np.ndarray) -> None:
    if bad.any():
        unparsed[bad] = [f"{u};{name}" if u else name for u in unparsed[bad]]


def _integers(texts: list[str]) -> pd.Series:
    text = pa.array(texts, pa.string())
    fits = pc.match_substring_regex(text, rf"^[+-]?\d{{1,{_MOST_DIGITS}}}(\.0+)?$")
    clean = pc.replace_substring_regex(pc.if_else(fits, text, None), r"\.0+$|^\+", "")
    return pd.Series(pd.array(pc.cast(clean, pa.int64()).to_pylist(), dtype="Int64"))


def _by_unique(name: str, text: pa.ChunkedArray, unparsed: np.ndarray, reader: Any) -> pd.Series:
    """Read each distinct text once. `reader` gives the values of texts, missing where one does not parse."""
    coded = text.dictionary_encode().combine_chunks()
    values = reader(coded.dictionary.to_pylist())
    codes = coded.indices.fill_null(-1).to_numpy(False)
    values = pd.concat([values, values.iloc[:0].reindex([0])], ignore_index=True)  # position -1: null
    result = values.take(codes).reset_index(drop=True)
    _mark(name, (codes >= 0) & result.isna().to_numpy(), unparsed)
    return result


def _dates(texts: list[str]) -> pd.Series:
    found = pd.Series(texts, dtype="str")
    good = found.str.match(_ONE_DATE).fillna(False).astype(bool)
    return pd.to_datetime(found.where(good), format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")


def _publication_days(texts: list[str]) -> pd.Series:
    days = pd.Series(texts, dtype="str")
    return _dates((days + days.str.len().map(_PUBLISHED).astype("str")).tolist())


def _booleans(texts: list[str]) -> pd.Series:
    return pd.Series([{"true": True, "false": False}.get(t.lower()) for t in texts], dtype="boolean")


def _instants(texts: list[str]) -> pd.Series:
    return pd.to_datetime(pd.Series(texts, dtype="str"), utc=True, errors="coerce", format="ISO8601").astype(
        "datetime64[us, UTC]"
    )


def _typed_extra(name: str, table: pa.Table, unparsed: np.ndarray) -> pd.Series:
    text = _trimmed(table[name])
    if name in ("lower", "upper", "sigma"):
        numbers = pd.to_numeric(pd.Series(text.to_pandas(), dtype="str"), errors="coerce")
        numbers = numbers.where(np.isfinite(numbers))
        _mark(name, pc.is_valid(text).to_numpy(False) & numbers.isna().to_numpy(), unparsed)
        return numbers.astype("float64")
    return _by_unique(name, text, unparsed, _instants)
