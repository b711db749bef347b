"""Propose a schema for an unknown file."""
