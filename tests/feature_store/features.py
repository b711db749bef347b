"""A few features, and tables of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pandas as pd

from customer_segmentation.feature_store.definitions import (
    FEATURES,
    MODEL_INPUTS,
    FeatureDefinition,
    FeatureSet,
)

DAY = date(2026, 1, 31)
INCOME = FeatureDefinition(
    "income", FEATURES, "model feature", "euro", "The shop's guess of income", "income", ("income",)
)
SHARE = FeatureDefinition(
    "deal_share", FEATURES, "feature", "share of 1 (100 %)", "Bought at a discount", "a / b", ("a",)
)
SEEN = FeatureDefinition(
    "income_standardised",
    MODEL_INPUTS,
    "model input",
    "deviations",
    "min(income, 9), less 5, over 2: what the segmenter sees",
    "(min(x, cap) - mean) / deviation of x = income",
    ("income",),
)
FEW = FeatureSet(1, (INCOME, SHARE, SEEN), "artifact-1", "shop@example.org", 31)


def changed(version: int = 1) -> FeatureSet:
    """The same but for a formula."""
    other = replace(SHARE, formula="a / (a + b)")
    return replace(FEW, version=version, features=(INCOME, other, SEEN))


def table(rows: dict[str, tuple[float | None, float | None]], day: date = DAY) -> Any:
    """Customers by id, with income and deal share, as `gold_feature_table`."""
    income, share = (pd.Series([pair[n] for pair in rows.values()], dtype=float) for n in (0, 1))
    return pd.DataFrame(
        {
            "customer_id": list(rows),
            "event_timestamp": datetime(day.year, day.month, day.day),  # noqa: DTZ001 - as tables have it
            "income": income,
            "deal_share": share,
            "income_standardised": (income - 5) / 2,
        }
    )
