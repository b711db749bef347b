"""Every term of the page in a line, with the numbers that this artifact learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.features.labels import label_of
from customer_segmentation.pipelines.reporting import words


@dataclass(frozen=True)
class Term:
    """A term and what it means here."""

    name: str
    meaning: str


def define_terms(metadata: Mapping[str, Any]) -> tuple[Term, ...]:
    """The terms that this artifact's outputs use."""
    scaling = metadata["scaling"]
    features = [label_of(name) for name in scaling["features"]]
    caps = [f"{n} {words.amount(c)}" for n, c in zip(features, scaling["caps"], strict=True)]
    learned: Mapping[str, Mapping[str, Any]] = metadata["learned"]
    always = (
        Term("Segment", f"Customers alike in {words.listed(features)}; named by what they do."),
        Term(
            "Extremes",
            f"Count as these at most when segments are told apart: {words.listed(caps)}.",
        ),
        Term("All", "The average over all customers in segments."),
        Term("Index", "Mean of the segment over the mean of all, times 100: 100 is average."),
        Term(
            "Margin",
            "How surely a customer belongs: 0 is halfway to the next segment, 1 its very centre.",
        ),
    )
    makers = {
        "affluence_tier": _tiers,
        "likely_to_spend": _likely,
        "waits_for_offers": _waits,
        "offer": _offer,
        "product": _product,
        "channel": _channel,
    }
    decided = [
        term
        for name, terms in makers.items()
        if name in metadata["outputs"]
        for term in terms(learned)
    ]
    return (*always, *decided, *_QUALITY)


def _tiers(learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    comfortable, affluent = learned["affluence_tier"]["income_thresholds"]
    return (
        Term(
            "Affluence tier",
            f"By yearly income: modest below {words.count(comfortable)}, comfortable from there, "
            f"affluent from {words.count(affluent)}.",
        ),
    )


def _likely(_learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    return (
        Term(
            "Likely to spend",
            "Percentile from 0 to 95, in steps of 5, of the spend to be expected from income and "
            "children at home: 80 means as much as 80 % of customers or more. What was bought "
            "plays no part.",
        ),
    )


def _waits(learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    rule = learned["waits_for_offers"]
    share = f"{100.0 * rule['least_deal_share']:.3g} %"
    return (
        Term("Deal share", "Purchases with a discount over all purchases."),
        Term(
            "Waits for offers",
            f"A deal share of {share} or more, and {words.count(rule['least_deals'])} purchases "
            "with a discount or more.",
        ),
    )


def _offer(learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    percentile = words.count(learned["offer"]["least_likely_to_spend"])
    return (
        Term(
            "Offer",
            "A discount to who waits for offers and is not affluent; of the others, a preview of "
            f"new products from percentile {percentile} of likely to spend, else the newsletter.",
        ),
    )


def _product(_learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    return (
        Term(
            "Product that stands out",
            "The one whose share of the customer's spend is furthest above what is usual.",
        ),
    )


def _channel(_learned: Mapping[str, Mapping[str, Any]]) -> tuple[Term, ...]:
    return (
        Term(
            "Channel that stands out",
            "The one whose share of the customer's purchases is furthest above what is usual.",
        ),
    )


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
        "Bootstrap ARI",
        "Agreement (adjusted Rand index) with segments learned on customers drawn anew.",
    ),
    Term(
        "Recognised",
        "Balanced accuracy: the share of a segment's customers that a model puts there, averaged "
        "over segments.",
    ),
    Term("Log loss", "How wrong the stated probabilities are; lower is better."),
    Term("Calibration gap", "How far stated probabilities are from what happens, on average."),
    Term(
        "Information",
        "How much a feature tells about another (mutual information, in nats); 0 is nothing.",
    ),
)
