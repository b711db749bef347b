"""What a customer record is: its columns, their rules, and how its cells are read."""
