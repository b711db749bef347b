"""The models of an environment as bundles side by side, and the log that says which is live."""
