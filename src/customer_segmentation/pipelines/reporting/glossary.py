"""Every term of the page in a line, with the numbers that this artifact learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import schema_of

Learned = Mapping[str, Mapping[str, Any]]


def define_terms(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Term -> its meaning, for the terms that this artifact's outputs use."""
    scaling, learned = metadata["scaling"], metadata["learned"]
    schema = schema_of(metadata)
    features = [schema.label_of(name) for name in schema.segment_features]
    caps = [
        f"{schema.label_of(name)} at {phrases.amount(cap)}"
        for name, cap in zip(scaling["features"], scaling["caps"], strict=True)
        if schema.segment_numbers.get(name, name) == name
    ]
    always = {
        "Segment": f"Customers alike in {phrases.listed(features)}, named after what they do.",
        "Extreme values": f"Capped when customers are grouped: {phrases.listed(caps)}.",
        "Distance": (
            "How far customers are apart: squared differences of the features, each over its own "
            "spread, so that all count the same unless the schema gives one a weight."
        ),
        "All": "The average over all customers in segments.",
        "Index": "The segment's mean over the mean of all, times 100: 100 is average.",
        "Margin": "How clearly a customer belongs: 0 is halfway to the next segment, 1 the centre.",
    }
    decided = {}
    for name in dict.fromkeys((*_OWN_WORDS, *schema.decisions)):
        if name in metadata["outputs"]:
            meaning = _OWN_WORDS.get(name, schema.decisions[name].description)
            told = meaning(schema, learned) if callable(meaning) else meaning
            decided[phrases.capitalised(schema.label_of(name))] = told
    return always | decided | _QUALITY


def _tiers(schema: Schema, learned: Learned) -> str:
    comfortable, affluent = learned["affluence_tier"]["income_thresholds"]
    return (
        f"By {schema.label_of(schema.roles.income)}: modest below {phrases.count(comfortable)}, "
        f"comfortable from there, affluent from {phrases.count(affluent)}."
    )


def _waits(_schema: Schema, learned: Learned) -> str:
    rule = learned["waits_for_offers"]
    share = f"{100.0 * rule['min_deal_share']:.3g} %"
    return (
        f"At least {share} of a customer's purchases, and at least "
        f"{phrases.count(rule['min_deals'])} of them, were made with a discount."
    )


def _offer(_schema: Schema, learned: Learned) -> str:
    percentile = phrases.count(learned["offer"]["min_likely_to_spend"])
    return (
        "A discount for customers who wait for offers and are not affluent; for the others, a "
        f"preview of new products from percentile {percentile} of likely to spend, else the "
        "newsletter."
    )


def _likely(schema: Schema, _learned: Learned) -> str:
    means = phrases.listed([schema.label_of(name) for name in schema.roles.means])
    return (
        f"Percentile from 0 to 95, in steps of 5, of the spend expected from {means}: 80 means at "
        "least as much as 80 % of customers. Past purchases play no part."
    )


# The others are described as they declare.
_OWN_WORDS: dict[str, str | Callable[[Schema, Learned], str]] = {
    "affluence_tier": _tiers,
    "likely_to_spend": _likely,
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
    "AUC": (
        "How often a model gives a segment's customer a higher probability of it than it gives "
        "another's, averaged over segments: 0.5 is chance, 1 is always."
    ),
    "Log loss": "How wrong the predicted probabilities are; lower is better.",
    "Calibration gap": "How far predicted probabilities are from what happens, on average.",
    "Information": (
        "How much a feature says about another (mutual information, in nats); 0 is nothing."
    ),
}
