"""Which series exist, which belong together, and the identities between them."""
