"""Every term of the page in a line, with the numbers that this artifact learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.features.decisions import DECISIONS
from customer_segmentation.features.labels import label_of
from customer_segmentation.pipelines.reporting import phrases

Learned = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Term:
    """A term and what it means here."""

    name: str
    meaning: str


def define_terms(metadata: Mapping[str, Any]) -> tuple[Term, ...]:
    """The terms that this artifact's outputs use."""
    scaling = metadata["scaling"]
    features = [label_of(name) for name in scaling["features"]]
    caps = [f"{n} at {phrases.amount(c)}" for n, c in zip(features, scaling["caps"], strict=True)]
    learned: Learned = metadata["learned"]
    always = (
        Term(
            "Segment", f"Customers alike in {phrases.listed(features)}, named after what they do."
        ),
        Term("Extreme values", f"Capped when customers are grouped: {phrases.listed(caps)}."),
        Term("All", "The average over all customers in segments."),
        Term("Index", "The segment's mean over the mean of all, times 100: 100 is average."),
        Term(
            "Margin",
            "How clearly a customer belongs: 0 is halfway to the next segment, 1 the centre.",
        ),
    )
    decided = [
        Term(phrases.capitalised(label_of(name)), _meaning(name, learned))
        for name in dict.fromkeys((*_WITH_NUMBERS, *DECISIONS))
        if name in metadata["outputs"]
    ]
    return (*always, *decided, *_QUALITY)


def _meaning(decision: str, learned: Learned) -> str:
    if decision in _WITH_NUMBERS:
        return _WITH_NUMBERS[decision](learned)
    return DECISIONS[decision].description


def _tiers(learned: Learned) -> str:
    comfortable, affluent = learned["affluence_tier"]["income_thresholds"]
    return (
        f"By yearly income: modest below {phrases.count(comfortable)}, comfortable from there, "
        f"affluent from {phrases.count(affluent)}."
    )


def _likely(_learned: Learned) -> str:
    return (
        "Percentile from 0 to 95, in steps of 5, of the spend expected from income and children at "
        "home: 80 means at least as much as 80 % of customers. Past purchases play no part."
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


def _product(_learned: Learned) -> str:
    return "The one whose share of the customer's spend is furthest above what is usual."


def _channel(_learned: Learned) -> str:
    return "The one whose share of the customer's purchases is furthest above what is usual."


# The others are described as they declare.
_WITH_NUMBERS: dict[str, Callable[[Learned], str]] = {
    "affluence_tier": _tiers,
    "likely_to_spend": _likely,
    "waits_for_offers": _waits,
    "offer": _offer,
    "product": _product,
    "channel": _channel,
}
_QUALITY = (
    Term(
        "Inertia and its elbow",
        "Squared distances to the centres; the elbow is where more segments stop helping much.",
    ),
    Term(
        "Silhouette",
        "How much nearer customers are to their own segment than to the next: -1 to 1.",
    ),
    Term(
        "Stability (bootstrap ARI)",
        "Agreement (adjusted Rand index) with segments learned on a resample of the customers.",
    ),
    Term(
        "Recognised",
        "Balanced accuracy: the share of a segment's customers that a model puts there, averaged "
        "over segments.",
    ),
    Term("Log loss", "How wrong the predicted probabilities are; lower is better."),
    Term("Calibration gap", "How far predicted probabilities are from what happens, on average."),
    Term(
        "Information",
        "How much a feature says about another (mutual information, in nats); 0 is nothing.",
    ),
)
