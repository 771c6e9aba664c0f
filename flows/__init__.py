"""The shell: Prefect flows, fetching, the raw archive and the command line."""
