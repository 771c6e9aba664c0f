"""Great Expectations suites, one per table, and the function that runs them."""
