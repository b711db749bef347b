"""The AWS deployment rehearsed on this machine."""
