"""The steps of the pipeline as plain functions: what Prefect tasks wrap in one line, and what `--local` calls directly.

`collect` -> `ingest` (per source) -> `build` (per country) -> `publish`, one module each. Steps hand each other stage
names; what a stage is made from is in its name, so a step whose stage is there does nothing.
"""
