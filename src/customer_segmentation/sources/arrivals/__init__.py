"""Sources that grow: what arrives is appended once as parts, and read as it stands now."""
