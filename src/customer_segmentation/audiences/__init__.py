"""Audiences: customers chosen by segment, a rule over gold tables, and consent to a purpose."""
