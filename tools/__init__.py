"""Tools of the repository: synthetic customers, and an S3 server to rehearse staging on."""
