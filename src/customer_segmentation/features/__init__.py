"""The arithmetic of features and decisions, written once and run on tables and in graphs."""
