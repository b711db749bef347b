"""What a customer record is: its columns, their rules, and a generator of synthetic ones."""
