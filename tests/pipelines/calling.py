"""Call a node's function by the names of its inputs."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any


def call(function: Callable[..., Any], **inputs: Any) -> Any:
    """Give what the function gives; an input that is there only to order nodes is None."""
    unread = [name for name in signature(function).parameters if name.startswith("_")]
    return function(**dict.fromkeys(unread), **inputs)
