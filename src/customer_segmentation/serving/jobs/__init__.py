"""Batch jobs: a file is posted, scored by a process of its own, and its answers are fetched."""
