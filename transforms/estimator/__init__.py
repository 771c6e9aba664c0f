"""The estimator: interval statements and identities in, bounds with proofs, conflicts and paths out; arrays only."""
