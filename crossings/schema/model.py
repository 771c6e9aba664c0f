"""What a table is: columns with types and meaning, a key, and how a frame is brought into that shape.

In: a frame. Out: an Arrow table of the schema, sorted by its key. Importing this module loads neither pyarrow nor pandas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """One column of one table.

    Attributes
    ----------
    name, type : the name and the Arrow type as text (`string`, `int64`, `int16`, `int8`, `float64`, `date32`,
        `timestamp` meaning microseconds in UTC, `bool`, `list<string>`, `list<term>` meaning summands of a proof: report_id,
        end (`lower` or `upper`), times (signed multiplicity), day (of a report that speaks of each day, else null)).
    meaning : one sentence for the data dictionary, with the unit where there is one.
    nullable : whether a missing value is allowed.
    codes : name of the code list in `codes.CODE_LISTS`, or of the pattern in `codes.OPEN_PATTERNS`.
    """

    name: str
    type: str
    meaning: str
    nullable: bool = True
    codes: str | None = None


@dataclass(frozen=True)
class Table:
    """One table: its name (also schema, suite, directory and test module), key, meaning and columns."""

    name: str
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """The column of that name; KeyError where there is none."""
        for c in self.columns:
            if c.name == name:
                return c
        raise KeyError(f"{self.name} has no column {name}")

    def arrow(self) -> pa.Schema:
        """The Arrow schema."""
        import pyarrow as pa

        return pa.schema([pa.field(c.name, arrow_type(c.type), nullable=c.nullable) for c in self.columns])

    def conform(self, frame: pd.DataFrame) -> pa.Table:
        """The frame as an Arrow table of this schema, sorted by the key.

        Columns the frame lacks become null. Raises ValueError for a column the table does not know, a missing
        value where none is allowed, or a value that does not fit its type.
        """
        import pandas as pd
        import pyarrow as pa

        unknown = sorted(set(frame.columns) - set(self.names))
        if unknown:
            raise ValueError(f"{self.name} has no column {', '.join(unknown)}")
        order = pa.array([], pa.int64())
        if len(frame):
            keys = pd.DataFrame(
                {k: frame[k].astype("category") if self.column(k).type == "string" else frame[k] for k in self.key}
            ).reset_index(drop=True)
            order = pa.array(keys.sort_values(list(self.key), kind="stable").index)
        schema = self.arrow()
        arrays = []
        for field in schema:
            if field.name not in frame.columns:
                array = pa.nulls(len(frame), field.type)
            else:
                array = _to_arrow(frame[field.name], order, field.type)
            if array.null_count and not field.nullable:
                raise ValueError(f"{self.name}.{field.name} has {array.null_count} missing values")
            arrays.append(array)
        return pa.Table.from_arrays(arrays, schema=schema)


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type behind a type name of `Column`."""
    import pyarrow as pa

    simple = {
        "string": pa.string(),
        "int64": pa.int64(),
        "int16": pa.int16(),
        "int8": pa.int8(),
        "bool": pa.bool_(),
        "float64": pa.float64(),
        "date32": pa.date32(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "list<string>": pa.list_(pa.string()),
        "list<term>": pa.list_(
            pa.struct({"report_id": pa.string(), "end": pa.string(), "times": pa.float64(), "day": pa.date32()})
        ),
    }
    return simple[name]


def _to_arrow(values: pd.Series, order: pa.Array, wanted: pa.DataType) -> pa.Array:
    """One column with its rows in order: done by column, a wide frame is never in memory twice."""
    import pyarrow as pa

    if not len(values):  # an empty column has lost its type
        return pa.nulls(0, wanted)
    array = pa.Array.from_pandas(values)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    array = array.take(order)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if array.type == wanted else array.cast(wanted)
