"""Find the groups: scale, draw a sample, choose their number, name them by what they do."""
