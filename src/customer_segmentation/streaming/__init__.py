"""Customers kept up to date from events, and scored as they change."""
