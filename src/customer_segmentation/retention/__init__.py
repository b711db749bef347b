"""What is removed on purpose: one customer everywhere, and what staging need not keep."""
