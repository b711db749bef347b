"""The pipelines, one folder each: `pipeline.py` wires the nodes of `nodes.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kedro.pipeline import node
from kedro.pipeline.node import Node


def step(function: Callable[..., Any], inputs: str | list[str], outputs: str | list[str]) -> Node:
    """A node with the name of its function."""
    return node(function, inputs, outputs, name=function.__name__)
