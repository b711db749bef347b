"""The artifact: build its graph, read it, run it on any table."""
