"""The feature store as Feast sees it: definitions, the online store, and the history."""
