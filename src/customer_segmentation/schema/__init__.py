"""What a customer is: columns, features and roles, all from one file."""
