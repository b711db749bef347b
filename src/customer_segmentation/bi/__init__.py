"""What runs left in an environment, for those who look at it; without Java."""
