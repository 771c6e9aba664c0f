"""From anybody's file to a source: what the file is, what its columns mean, what only a person can say, the YAML."""
