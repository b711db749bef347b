"""What a campaign brought, as JSON states it and MLflow tracks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any

from customer_segmentation.campaigns.assigned import MeasuredCampaign
from customer_segmentation.campaigns.measure import hold_out_is_off, measure

# Figures of the whole campaign that MLflow gets, by outcome.
_METRICS = (
    *("contacted", "held_out", "incremental", "low", "high"),
    *("cost", "profit", "profit_low", "profit_high"),
)


def summarise_results(measured: MeasuredCampaign) -> dict[str, Any]:
    """Everything that is told of a campaign; what cannot be told is None."""
    results = [asdict(one) for one in measure(measured.assigned, measured.outcomes)]
    return {
        "campaign": measured.name,
        "currency": measured.currency,
        "planned_hold_out": measured.hold_out,
        "hold_out_is_off": hold_out_is_off(measured.assigned, measured.hold_out),
        "outcomes": asdict(measured.account),
        "results": [
            {name: None if _is_unknown(value) else value for name, value in one.items()}
            for one in results
        ],
    }


def figures(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Those of the whole campaign, as MLflow gets them."""
    return {
        f"{one['outcome']}.{name}": {"value": float(one[name]), "step": 0}
        for one in summary["results"]
        if one["level"] == "all"
        for name in _METRICS
        if one[name] is not None
    }


def _is_unknown(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)
