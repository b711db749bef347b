"""The questions that are asked of the gold tables, and what each needs of a schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from customer_segmentation.schema.decisions import lacking_roles
from customer_segmentation.schema.schema import Schema
from tools.deploy.sql import texts
from tools.deploy.sql.views import NEAR


@dataclass(frozen=True)
class Text:
    """A question before its schema is known.

    Attributes:
        name: By which it is saved.
        title: As one asks it.
        about: What a row of the answer is.
        text: Its query, of a schema that lacks nothing of what it needs.
        decisions: The decisions that it needs.
        roles: The roles that it needs.
        lifetime: Whether it needs what customers are expected to be worth.
        either: Decisions of which it needs one.
    """

    name: str
    title: str
    about: str
    text: Callable[[Schema], str]
    decisions: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    lifetime: bool = False
    either: tuple[str, ...] = ()

    def lacks(self, schema: Schema) -> str:
        """Why a schema's customers cannot answer it; '' where they can."""
        reasons = lacking_roles(schema)
        if found := [reasons[name] for name in self.decisions if name in reasons]:
            return found[0]
        if absent := [role for role in self.roles if not getattr(schema.roles, role)]:
            return f"among its roles the schema has no {', '.join(absent)}"
        if self.lifetime and not schema.lifetime:
            return "the schema declares no orders.lifetime"
        if self.either and all(name in reasons for name in self.either):
            return reasons[self.either[0]]
        return ""


QUESTIONS = (
    Text(
        "affluent_likely_spenders",
        "Who is affluent and likely to spend?",
        f"One row a customer of the affluent whose likelihood to spend is {texts.LIKELY} or above",
        texts.affluent,
        decisions=("affluence_tier", "likely_to_spend"),
    ),
    Text(
        "waits_for_offers",
        "Who waits for offers, and by how much?",
        "One row a segment: the share that waits, and its purchases with a discount beside others'",
        texts.waits,
        decisions=("waits_for_offers",),
    ),
    Text(
        "offers_by_segment",
        "What is offered to whom?",
        "One row a segment and offer",
        texts.offers,
        decisions=("offer",),
    ),
    Text(
        "segment_sizes",
        "How large is each segment, and how has that changed?",
        "One row a day and segment",
        texts.sizes,
    ),
    Text(
        "moves",
        "Who moved since the state before, and why?",
        "One row a pair of segments and cause; gold_movers has the customers",
        texts.moves,
    ),
    Text(
        "segment_flow",
        "Where did customers move, day by day?",
        "One row a day and pair of segments, of the whole history",
        texts.flow,
    ),
    Text(
        "revenue_by_segment",
        "What does each segment bring?",
        "One row a segment: spend, its share, and the mean",
        texts.revenue,
        roles=("spend",),
    ),
    Text(
        "near_the_border",
        "Who is near the border of another segment?",
        f"One row a segment and the next nearest: those with a margin below {NEAR}",
        texts.near,
    ),
    Text(
        "segment_traits",
        "What sets a segment apart?",
        f"One row a segment and measure: the {texts.TRAITS} that are farthest from the base's mean",
        texts.traits,
    ),
    Text(
        "preferences",
        "What does a segment prefer, in product and channel?",
        "One row a segment and product or channel, with its share beside that of all",
        texts.preferences,
        either=("product", "channel"),
    ),
    Text(
        "campaign_plan",
        "Whom does the campaign contact, and why not the others?",
        "One row a reason, offer and channel",
        texts.planned,
    ),
    Text(
        "campaign_profit",
        "What did the campaign bring, by segment and offer?",
        "One row an outcome and part: profit, its 95 % interval, and what that allows to say",
        texts.campaign,
    ),
    Text(
        "lifetime_value_by_segment",
        "What is each segment expected to be worth?",
        "One row a segment",
        texts.lifetime,
        lifetime=True,
    ),
    Text(
        "without_segment",
        "Who has no segment, and for which reasons?",
        "One row a reason; a row of the source may have several",
        texts.reasons,
    ),
    Text(
        "freshness",
        "How fresh is each table?",
        "One row a gold table that is of a day: its rows, its last day, and the model",
        texts.freshness,
    ),
)
