"""A landing folder: which files are there, which are whole, and what each holds."""
