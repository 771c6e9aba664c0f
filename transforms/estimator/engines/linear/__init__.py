"""Series tied by identities, or that may be negative, as one linear programme a block (method.md 4.7)."""
