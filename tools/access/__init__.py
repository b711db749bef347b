"""Who may do what: the documents made of `deploy/access/roles.yml`, and their trial."""
