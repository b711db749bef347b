"""Batch jobs: a client posts a file, a worker process scores it, the client gets the results."""
