"""A simulated year: a market that turns, and whether feedback and retraining follow it."""
