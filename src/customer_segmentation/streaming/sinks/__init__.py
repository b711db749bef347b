"""Where a stream's answers last as tables: each write is found again by how far it had read."""
