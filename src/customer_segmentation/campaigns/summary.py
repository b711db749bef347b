"""A plan in figures: what its page, its run's last lines and the API tell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.listing import Consented
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.profit import expected_profits
from customer_segmentation.campaigns.value import COST_CHANGES, LEVEL, Expected, Value
from customer_segmentation.tables.campaign import WHY

# Money is told to a hundredth.
_DIGITS = 2
PLAN = "plan"


def summarise(  # noqa: PLR0913, PLR0917 - the parts of a plan
    candidates: Candidates,
    plan: Plan,
    value: Value,
    parameters: CampaignParameters,
    consent: Consented,
    about: Mapping[str, Any],
) -> dict[str, Any]:
    """Everything that is told of a plan, fit for JSON.

    Args:
        candidates: All customers.
        plan: Made of them.
        value: Of the plan.
        parameters: With the day and the currency.
        consent: What was known of it.
        about: `names` of segments by key, `as_of`, `artifact_version` of the response model, and
            whether its uncertainty is known (`is_calibrated`).
    """
    profits = expected_profits(candidates, parameters)
    contactable = np.asarray(np.isfinite(profits).any(axis=1))
    counts = np.bincount(plan.why, minlength=len(WHY))
    chosen = float(plan.expected[~plan.explored].sum())
    return {
        "campaign": parameters.name,
        "day": _iso(parameters.day),
        "currency": parameters.currency,
        **about,
        "customers": len(candidates.ids),
        "contactable": int(contactable.sum()),
        "contacted": int(plan.contacted.sum()),
        "held_out": int(plan.held_out.sum()),
        "explored": _told(value.explored),
        "level": LEVEL,
        "cost_changes": list(COST_CHANGES),
        "lists": {
            PLAN: _told(value.plan),
            **{name: _told(one) for name, one in value.alternatives.items()},
        },
        "segments": [
            _part(candidates.segments == place, contactable, plan)
            | {"segment": key, "name": about["names"][key], **_told(value.by_segment[key])}
            for place, key in enumerate(candidates.segment_keys)
        ],
        "offers": [
            {
                "offer": name,
                **one.model_dump(mode="json"),
                **_part(plan.offers == place, np.isfinite(profits[:, place]), plan),
                **_told(value.by_offer[name]),
            }
            for place, (name, one) in enumerate(parameters.offers.items())
        ],
        "why": {reason: int(counts[code]) for code, reason in enumerate(WHY)},
        "binding": list(plan.binding),
        # Of all who are chosen since they pay, held out or not.
        "bound": _money(plan.bound),
        "gap": max(0.0, plan.bound - chosen) / plan.bound if plan.bound > 0.0 else 0.0,
        "curve": [[round(share, 4), _money(profit)] for share, profit in value.curve.tolist()],
        "consent": {
            "ground": parameters.without_consent,
            "on_ground": consent.on_ground,
            "strangers": consent.strangers,
        },
        "parameters": parameters.model_dump(mode="json"),
    }


def figures(summary: Mapping[str, Any]) -> dict[str, float]:
    """The figures that MLflow keeps of a plan."""
    plan = summary["lists"][PLAN]
    counted = ("customers", "contactable", "contacted", "held_out", "gap")
    measured = ("cost", "answers", "profit", "low", "high")
    return {name: float(summary[name]) for name in counted} | {
        name: float(plan[name]) for name in measured
    }


def _told(one: Expected) -> dict[str, Any]:
    low, high = one.interval()
    return {
        "contacts": one.contacts,
        "cost": _money(one.cost),
        "answers": round(one.answers, 1),
        "profit": _money(one.profit()),
        "low": _money(low),
        "high": _money(high),
        "at_cost": [_money(one.profit(change)) for change in COST_CHANGES],
    }


def _part(inside: np.ndarray, contactable: np.ndarray, plan: Plan) -> dict[str, int]:
    return {
        "customers": int(inside.sum()),
        "contactable": int((inside & contactable).sum()),
        "held_out": int((inside & plan.held_out).sum()),
    }


def _money(amount: float) -> float:
    # No -0.0, which people are shown as a loss.
    return round(float(amount), _DIGITS) + 0.0


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
