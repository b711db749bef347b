"""Counts what the server answers, and tries a challenger on it, beside the requests."""
