"""Every table once: columns, types, keys, code lists."""
