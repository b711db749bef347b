"""Traces by OpenTelemetry, where they are asked for: nothing of it is imported otherwise."""

import re

_ADDRESS = re.compile(r"https?://[^/]")


def is_collector(address: str) -> bool:
    """Whether it may be the address of a collector, such as http://127.0.0.1:4318."""
    return _ADDRESS.match(address) is not None
