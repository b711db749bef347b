"""Audiences over HTTP: counted as one types, kept by name, compiled to SQL."""
