"""Whether what arrives, and what is answered, is still like what the champion learned from."""
