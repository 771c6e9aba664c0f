"""Parsers: payload bytes and a source's specification in, reports and rejected records out."""
