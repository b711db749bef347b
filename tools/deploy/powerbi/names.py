"""What the model calls tables and columns, for people who look for a field."""

from __future__ import annotations

FOLDER = "bi/powerbi"
PROJECT = "customer_segments"

# Gold tables that analysts use. Those left out repeat `gold_features` for feature stores.
TABLES = {
    "gold_segments": "Customers",
    "gold_features": "Features",
    "gold_lifetime_value": "Lifetime value",
    "gold_segment_profiles": "Segment profiles",
    "gold_history": "History",
    "gold_movers": "Movers",
    "gold_moves": "Live moves",
    "gold_campaign": "Campaign",
    "gold_campaign_results": "Campaign results",
    "gold_unsegmented": "Left out",
}
CUSTOMERS, FEATURES, HISTORY = (
    TABLES[name] for name in ("gold_segments", "gold_features", "gold_history")
)
# Made of gold tables, for what several of them have in common.
SEGMENTS, DATES = "Segments", "Dates"


def label(column: str) -> str:
    """A column's name for people: `segment_name` is Segment name."""
    return column.replace("_", " ").capitalize()
