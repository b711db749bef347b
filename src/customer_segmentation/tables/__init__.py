"""What each table of each layer promises, and the check that it does."""
