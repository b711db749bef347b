"""How a clustering came out, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline(summary: Mapping[str, Any], customers: int) -> str:
    """How many segments of how many customers, with silhouette and stability.

    Args:
        summary: `clustering_summary`.
        customers: How many customers are in segments.
    """
    return (
        f"{summary['k']} segments of {customers:,} customers; silhouette"
        f" {summary['silhouette']:.2f}, stability (bootstrap ARI) {summary['stability']:.2f}"
    )
