"""A source file: who publishes, how to ask, how to read."""
