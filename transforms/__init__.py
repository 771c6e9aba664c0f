"""Pure functions from bytes or tables to tables: no clock, disk, network, Prefect or Great Expectations."""
