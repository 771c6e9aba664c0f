"""Asking publishers: politely, through one wire, into the archive."""
