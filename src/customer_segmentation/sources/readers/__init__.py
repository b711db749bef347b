"""Where arrivals come from, one module a kind: each reads on from a position."""
