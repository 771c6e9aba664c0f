"""Every table once: names, keys, types and codes agree with each other."""

from __future__ import annotations

import pytest

from crossings.schema.codes import CODE_LISTS, OPEN_PATTERNS
from crossings.schema.model import Table, arrow_type
from crossings.schema.tables import REGISTER_COLUMNS, RELEASED, SERIES_KEY, SERIES_PARTS, TABLES


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_keys_types_and_codes_of_every_table_are_declared(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    assert table.meaning.endswith(".")
    for column in table.columns:
        assert arrow_type(column.type) == table.arrow().field(column.name).type
        assert column.codes is None or column.codes in CODE_LISTS or column.codes in OPEN_PATTERNS
        assert column.meaning
    for name in table.key:
        assert not table.column(name).nullable


def test_every_released_table_is_declared_and_the_register_is_part_of_reports() -> None:
    assert set(RELEASED) <= set(TABLES)
    assert TABLES["reports"].columns[: len(REGISTER_COLUMNS)] == REGISTER_COLUMNS


def test_the_key_of_daily_is_date_country_and_series() -> None:
    assert TABLES["daily"].key == ("date", "country", "series")


def test_the_parts_that_rows_show_are_parts_of_the_key_of_a_series() -> None:
    assert set(SERIES_PARTS) < set(SERIES_KEY)
    assert set(SERIES_KEY) <= set(TABLES["series"].names)
