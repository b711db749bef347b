"""How many workers traffic needs, what it will be next week: `python -m tools.capacity`."""
