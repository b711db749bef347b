"""Features of every customer, defined once, and kept where one customer is read at once."""
