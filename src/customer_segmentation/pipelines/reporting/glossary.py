"""Every term of the page in a line, with the numbers that this artifact learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from customer_segmentation.features.decisions import DECISIONS
from customer_segmentation.features.labels import label_of
from customer_segmentation.pipelines.reporting import phrases

Learned = Mapping[str, Mapping[str, Any]]


def define_terms(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Term -> its meaning, for the terms that this artifact's outputs use."""
    scaling, learned = metadata["scaling"], metadata["learned"]
    features = [label_of(name) for name in scaling["features"]]
    caps = [f"{n} at {phrases.amount(c)}" for n, c in zip(features, scaling["caps"], strict=True)]
    always = {
        "Segment": f"Customers alike in {phrases.listed(features)}, named after what they do.",
        "Extreme values": f"Capped when customers are grouped: {phrases.listed(caps)}.",
        "All": "The average over all customers in segments.",
        "Index": "The segment's mean over the mean of all, times 100: 100 is average.",
        "Margin": "How clearly a customer belongs: 0 is halfway to the next segment, 1 the centre.",
    }
    decided = {}
    for name in dict.fromkeys((*_OWN_WORDS, *DECISIONS)):
        if name in metadata["outputs"]:
            meaning = _OWN_WORDS.get(name, DECISIONS[name].description)
            told = meaning(learned) if callable(meaning) else meaning
            decided[phrases.capitalised(label_of(name))] = told
    return always | decided | _QUALITY


def _tiers(learned: Learned) -> str:
    comfortable, affluent = learned["affluence_tier"]["income_thresholds"]
    return (
        f"By yearly income: modest below {phrases.count(comfortable)}, comfortable from there, "
        f"affluent from {phrases.count(affluent)}."
    )


def _waits(learned: Learned) -> str:
    rule = learned["waits_for_offers"]
    share = f"{100.0 * rule['min_deal_share']:.3g} %"
    return (
        f"At least {share} of a customer's purchases, and at least "
        f"{phrases.count(rule['min_deals'])} of them, were made with a discount."
    )


def _offer(learned: Learned) -> str:
    percentile = phrases.count(learned["offer"]["min_likely_to_spend"])
    return (
        "A discount for customers who wait for offers and are not affluent; for the others, a "
        f"preview of new products from percentile {percentile} of likely to spend, else the "
        "newsletter."
    )


# The others are described as they declare.
_OWN_WORDS: dict[str, str | Callable[[Learned], str]] = {
    "affluence_tier": _tiers,
    "likely_to_spend": (
        "Percentile from 0 to 95, in steps of 5, of the spend expected from income and children at "
        "home: 80 means at least as much as 80 % of customers. Past purchases play no part."
    ),
    "waits_for_offers": _waits,
    "offer": _offer,
    "product": "The one whose share of the customer's spend is furthest above what is usual.",
    "channel": "The one whose share of the customer's purchases is furthest above what is usual.",
}
_QUALITY = {
    "Inertia and its elbow": (
        "Squared distances to the centres; the elbow is where more segments stop helping much."
    ),
    "Silhouette": "How much nearer customers are to their own segment than to the next: -1 to 1.",
    "Stability (bootstrap ARI)": (
        "Agreement (adjusted Rand index) with segments learned on a resample of the customers."
    ),
    "Recognised": (
        "Balanced accuracy: the share of a segment's customers that a model puts there, averaged "
        "over segments."
    ),
    "Log loss": "How wrong the predicted probabilities are; lower is better.",
    "Calibration gap": "How far predicted probabilities are from what happens, on average.",
    "Information": (
        "How much a feature says about another (mutual information, in nats); 0 is nothing."
    ),
}
