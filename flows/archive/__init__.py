"""The raw archive: bytes as they came, and the log of every look."""
