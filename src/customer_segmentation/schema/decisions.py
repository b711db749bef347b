"""What is decided about a customer besides the segment: tier, offers, product and channel.

A decision is a feature whose keyword parameters are numbers learned from the base. The artifact
carries them, so a decision never depends on who else is in the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from typing import TYPE_CHECKING

from customer_segmentation.schema.operations import (
    Values,
    at_most,
    count_reached,
    differences,
    first_largest,
    indicator,
    total,
    where,
)
from customer_segmentation.schema.parts import AS_OF, Feature, Numbers

if TYPE_CHECKING:
    from customer_segmentation.schema.schema import Schema

TIERS = ("modest", "comfortable", "affluent")
NO_YES = ("no", "yes")
# Code -> what people call it, in a sentence.
OFFER_LABELS = {
    "newsletter": "the newsletter",
    "discount": "a discount",
    "preview": "a preview of new products",
}
OFFERS = tuple(OFFER_LABELS)
PERCENTILE = "percentile"
_AFFLUENT = float(TIERS.index("affluent"))
_MAX_THRESHOLDS = 99
_DISCOUNT, _PREVIEW = (float(OFFERS.index(name)) for name in ("discount", "preview"))


def affluence_tier(income: Values, *, income_thresholds: Sequence[float]) -> Values:
    """0 below the first income threshold, 1 from there, 2 from the second."""
    return count_reached(income, income_thresholds)


def waits_for_offers(
    deal_share: Values, purchases_deals: Values, *, min_deal_share: float, min_deals: float
) -> Values:
    """1 for a customer who bought with discounts often enough, in share and in number."""
    return indicator((deal_share >= min_deal_share) & (purchases_deals >= min_deals))


def expected_spend(
    *inputs: Values, potential_caps: Sequence[float], potential_weights: Sequence[float]
) -> Values:
    """Spend that a linear model expects of a household with these means.

    The inputs are capped; the last weight is the intercept.
    """
    *weights, intercept = potential_weights
    terms = [
        at_most(value, cap) * weight
        for value, cap, weight in zip(inputs, potential_caps, weights, strict=True)
    ]
    return total(terms) + intercept


def likely_to_spend(expected_spend: Values, *, potential_thresholds: Sequence[float]) -> Values:
    """Percentile of the expected spend in the base, in equal steps from 0 to below 100."""
    step = 100.0 / (len(potential_thresholds) + 1)
    return count_reached(expected_spend, potential_thresholds) * step


def product(
    spend_total: Values, *spends: Values, means: Sequence[float], spreads: Sequence[float]
) -> Values:
    """The product whose share of the customer's spend stands out most against the base."""
    return _stands_out(spend_total, spends, means, spreads)


def channel(
    purchases_total: Values, *purchases: Values, means: Sequence[float], spreads: Sequence[float]
) -> Values:
    """The channel whose share of the customer's purchases stands out most against the base."""
    return _stands_out(purchases_total, purchases, means, spreads)


def _stands_out(
    whole: Values, parts: Sequence[Values], means: Sequence[float], spreads: Sequence[float]
) -> Values:
    """The largest (share - mean) / spread, all times the whole, which spares the divisions.

    Without any spend or purchase, the part with the largest mean share.
    """
    scales = [1.0 / spread for spread in spreads]
    shifts = [mean / spread for mean, spread in zip(means, spreads, strict=True)]
    most_common = float(max(range(len(means)), key=lambda index: means[index]))
    largest = first_largest(differences(parts, scales, whole, shifts))
    return where(whole == 0.0, most_common, largest)


def offer(
    waits_for_offers: Values,
    affluence_tier: Values,
    likely_to_spend: Values,
    *,
    min_likely_to_spend: float,
) -> Values:
    """A discount for those who wait for one and are not affluent, a preview for likely spenders."""
    # The newsletter, code 0, is for everybody else.
    unprompted = indicator(likely_to_spend >= min_likely_to_spend) * _PREVIEW
    helps = (waits_for_offers > 0.0) & (affluence_tier < _AFFLUENT)
    return where(helps, _DISCOUNT, unprompted)


def _shares_of(parts: Mapping[str, str]) -> dict[str, Numbers]:
    """The numbers learned from the base's shares of these parts."""
    return {"means": Numbers(len(parts), above=-1e-9), "spreads": Numbers(len(parts), above=0.0)}


def _defined(schema: Schema) -> Iterator[Feature]:
    """Every decision whose roles the schema names, after those that it uses."""
    roles, lacking = schema.roles, lacking_roles(schema)
    products, channels = (schema.members_of(role) for role in (roles.product, roles.channel))
    every = (
        define(
            affluence_tier,
            "affluence tier",
            "code",
            labels=TIERS,
            inputs=[roles.income],
            lists={"income_thresholds": Numbers(len(TIERS) - 1)},
        ),
        define(
            waits_for_offers,
            "waits for offers",
            "code",
            labels=NO_YES,
            inputs=[roles.deal_share, roles.deals],
        ),
        define(
            expected_spend,
            f"expected spend in {schema.money.period}",
            schema.money.unit,
            inputs=roles.means,
            lists={
                "potential_caps": Numbers(len(roles.means)),
                "potential_weights": Numbers(len(roles.means) + 1),
            },
        ),
        define(
            likely_to_spend,
            "likely to spend",
            PERCENTILE,
            lists={"potential_thresholds": Numbers(1, _MAX_THRESHOLDS)},
        ),
        define(
            product,
            "standout product",
            "code",
            labels=list(products),
            inputs=[roles.spend, *products.values()],
            lists=_shares_of(products),
        ),
        define(
            channel,
            "standout channel",
            "code",
            labels=list(channels),
            inputs=[roles.purchases, *channels.values()],
            lists=_shares_of(channels),
        ),
        define(offer, "offer", "code", labels=OFFERS),
    )
    yield from (decision for decision in every if decision.name not in lacking)


def define_decisions(schema: Schema) -> dict[str, Feature]:
    """The decisions that a schema's roles allow, by name, in definition order."""
    return {decision.name: decision for decision in _defined(schema)}


# How the reason begins that the schema gives for a decision that is not taken.
LACKING = "among its roles the schema has no"


def lacking_roles(schema: Schema) -> dict[str, str]:
    """Why each other decision is not taken, in words."""
    lacking = {}
    for decision, roles in _ROLES.items():
        if absent := [role for role in roles if not getattr(schema.roles, role)]:
            lacking[decision] = f"{LACKING} {', '.join(absent)}"
    return lacking


# The roles that each decision needs.
_ROLES: dict[str, tuple[str, ...]] = {
    "affluence_tier": ("income",),
    "waits_for_offers": ("deals", "deal_share"),
    "expected_spend": ("means", "spend"),
    "likely_to_spend": ("means", "spend"),
    "product": ("spend", "product"),
    "channel": ("purchases", "channel"),
    "offer": ("income", "deals", "deal_share", "means", "spend"),
}


DECISION_NAMES = tuple(_ROLES)


def define(  # noqa: PLR0913 - all that a decision is
    function: Callable[..., Values],
    label: str,
    unit: str,
    *,
    inputs: Iterable[str] = (),
    labels: Sequence[str] = (),
    lists: Mapping[str, Numbers] | None = None,
) -> Feature:
    """A decision; what is not given is read off its function.

    Its name is the function's, its description the first line of the docstring, its inputs the
    positional parameters.
    """
    positional = [
        parameter.name
        for parameter in signature(function).parameters.values()
        if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    return Feature(
        function.__name__.removeprefix("_"),
        function,
        tuple(inputs or positional),
        label,
        (function.__doc__ or "").splitlines()[0],
        unit,
        tuple(labels),
        lists or {},
    )


# Steps on the way to a decision, of no use to a marketer.
INTERMEDIATE = frozenset({"expected_spend"})
# What is made of the expected spend, in this order.
OF_EXPECTED_SPEND = ("expected_spend", "likely_to_spend", "offer")


def is_measured(decision: Feature) -> bool:
    """Whether a decision is a number and no code, and of use to a marketer."""
    return not decision.labels and decision.name not in INTERMEDIATE


def available_decisions(schema: Schema, inputs: Iterable[str]) -> tuple[str, ...]:
    """The decisions that can be taken from these numeric columns, in definition order."""
    known = set(inputs)
    return tuple(
        name
        for name in schema.decisions
        if known.issuperset(schema.needed_inputs(inputs_of(schema, [name])))
    )


def unavailable_decisions(schema: Schema, inputs: Iterable[str]) -> dict[str, str]:
    """Why each other decision of use to a marketer cannot be taken, in words."""
    known = set(inputs)
    reasons = lacking_roles(schema)
    for name in schema.decisions:
        needed = schema.needed_inputs(inputs_of(schema, [name]))
        if absent := [column for column in needed if column not in known]:
            reasons[name] = f"the source has no {', '.join(absent)}"
    return {name: why for name, why in reasons.items() if name not in INTERMEDIATE}


def inputs_of(schema: Schema, decisions: Iterable[str]) -> list[str]:
    """The columns and features that decisions are made of, through all decisions on the way."""
    inputs: list[str] = []
    for decision in decisions:
        for name in schema.decisions[decision].inputs:
            inputs += inputs_of(schema, [name]) if name in schema.decisions else [name]
    return inputs


def scored_columns(
    schema: Schema, features: Iterable[str], columns: Iterable[str]
) -> tuple[str, ...]:
    """The canonical columns that an artifact reads: of its features, and of what is decided.

    Args:
        schema: Of the source.
        features: Those that the segments are made of.
        columns: The canonical columns that the source has.
    """
    decided = available_decisions(schema, schema.numeric_columns([*columns, AS_OF]))
    return schema.needed_columns([*features, *inputs_of(schema, decided)])


def needed_of_customers(schema: Schema, columns: Iterable[str]) -> tuple[str, ...]:
    """The columns without which the row of a customer is left out, where a row is a customer.

    Args:
        schema: Of the source.
        columns: The canonical columns that the source has.
    """
    return (*scored_columns(schema, schema.segment_features, columns), *schema.event_columns)
