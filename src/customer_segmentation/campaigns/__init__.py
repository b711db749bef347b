"""Whom a campaign contacts with what, by consent, cost and expected answers; what it brought."""
