"""One series of flows that cannot be negative, as difference constraints: a weighted directed graph (method.md 4.2)."""
