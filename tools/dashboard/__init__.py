"""A page over the gold tables of an environment: segments, moves, campaigns, data and its age."""
