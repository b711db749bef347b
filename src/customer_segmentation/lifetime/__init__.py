"""How often customers will buy, and what they will bring: BG/NBD and Gamma-Gamma."""
