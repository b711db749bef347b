"""A simulated year: a market that turns, and whether the loop of feedback and retraining follows."""
