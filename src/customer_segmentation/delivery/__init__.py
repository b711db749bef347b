"""Lists of a campaign, delivered once to whoever sends them, with a log of what was sent."""
