"""Rows that a reader sees: daily, official, periods, findings, and what the release gates compare."""
