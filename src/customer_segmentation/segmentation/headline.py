"""How a clustering came out, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline(summary: Mapping[str, Any], customers: int) -> str:
    """The k, of how many customers, and how well and how stably they fall apart.

    Args:
        summary: `clustering_summary`.
        customers: How many the segments are of.
    """
    return (
        f"{summary['k']} segments of {customers:,} customers; silhouette"
        f" {summary['silhouette']:.2f}, stability (bootstrap ARI) {summary['stability']:.2f}"
    )
