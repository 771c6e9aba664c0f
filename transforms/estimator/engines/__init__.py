"""Engines: exact answers about one block, by difference constraints or by linear programming."""
