"""Telling people what monitoring found: once, not at night, and by more than one way."""
