"""A segment in a marketer's words: who they are, who waits for offers, what to offer whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.profiles import Profile
from customer_segmentation.schema.decisions import OFFERS, PERCENTILE
from customer_segmentation.schema.schema import Schema

# From these shares of a segment on, a discount goes to most of it, or to nobody worth a mailing.
_MAX = 0.5
_HARDLY_ANY = 0.05
# A second product or channel is named from this part of the first one's share on.
_NOT_FAR_OFF = 0.5
# From this index on, a segment waits for offers more than the average, and below it less.
_MORE, _LESS = 120.0, 80.0


@dataclass(frozen=True)
class Fact:
    """One line of a card: this segment beside all customers."""

    label: str
    here: str
    overall: str


@dataclass(frozen=True)
class Bar:
    """One bar, from 0 to 100 of the widest; `mark` is where the average customer is."""

    label: str
    text: str
    length: float
    mark: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Part:
    """One part of a bar that adds up to 100: where it starts and how long it is."""

    key: str
    label: str
    text: str
    start: float
    length: float


@dataclass(frozen=True)
class Card:
    """All that the page says of one segment; what the source does not allow is empty."""

    name: str
    size: str
    lead: tuple[str, ...]
    who: tuple[Fact, ...]
    habits: tuple[Fact, ...]
    offers: tuple[Part, ...]
    advice: tuple[str, ...]
    products: tuple[Bar, ...]


def make_card(profile: Profile) -> Card:
    """The card of a segment."""
    return Card(
        name=profile.name,
        size=(
            f"{phrases.count(profile.customers)} customers, {phrases.percent(profile.share)} of all"
        ),
        lead=_filled([spending(profile), waiting(profile)]),
        who=(*_facts(profile, profile.schema.card.who), *_categories(profile)),
        habits=_facts(profile, (*profile.schema.card.habits, *_other_decisions(profile.schema))),
        offers=offer_mix(profile),
        advice=_filled([discount_advice(profile), lead_product(profile), lead_channel(profile)]),
        products=product_bars(profile),
    )


def spending(profile: Profile) -> str:
    """Who spends: the segment's spend against the average, and its share of all spend."""
    schema, spend = profile.schema, profile.schema.roles.spend
    if spend not in profile.means:
        return ""
    here, overall = profile.means[spend], profile.base[spend]
    text = f"They spend {phrases.amount(here)} each in {schema.money.period}"
    share = spend_share(profile)
    if share is None:
        return f"{text}; the average is {phrases.amount(overall)}."
    against = f"{phrases.against_average(profile.index(spend))} of {phrases.amount(overall)}"
    return f"{text}, {against}, and bring in {phrases.percent(share)} of all spend."


def spend_share(profile: Profile) -> float | None:
    """The segment's share of what all customers spend."""
    index = profile.index(profile.schema.roles.spend)
    return None if index is None else profile.share * index / 100.0


def waiting(profile: Profile) -> str:
    """Who waits for offers: the segment's share of such customers against the average."""
    mix = profile.mix("waits_for_offers")
    if not mix:
        return ""
    here, overall = mix["yes"], profile.base["waits_for_offers=yes"]
    index = profile.index("waits_for_offers=yes")
    if here == 0.0:
        return f"Nobody here waits for offers ({phrases.percent(overall)} of all customers do)."
    compared = "close to the average"
    if index is not None and index >= _MORE:
        compared = "more than the average"
    elif index is not None and index < _LESS:
        compared = "less than the average"
    waits = f"{phrases.capitalised(phrases.percent(here))} wait for offers"
    return f"{waits}, {compared} ({phrases.percent(overall)})."


def discount_advice(profile: Profile) -> str:
    """Whether to send this segment a discount."""
    mix = profile.mix("offer")
    if not mix:
        return ""
    share, overall = mix["discount"], profile.base["offer=discount"]
    if share < _HARDLY_ANY:
        if share == 0.0:
            return "Send a discount? No: nobody here needs one to buy."
        return (
            f"Send a discount? No: hardly anybody here needs one to buy ({phrases.percent(share)})."
        )
    told = f"{phrases.percent(share)}, against {phrases.percent(overall)} of all customers"
    if share >= _MAX:
        return f"Send a discount? Yes, to most of them ({told})."
    if share >= overall * _MORE / 100.0:
        return f"Send a discount? To those who wait for one ({told})."
    return f"Send a discount? To a few only, not to the whole segment ({told})."


def lead_product(profile: Profile) -> str:
    """The product that stands out for most customers here, and the next if it is not far off."""
    return _lead(profile, "product", "Lead with")


def lead_channel(profile: Profile) -> str:
    """The same of channels."""
    return _lead(profile, "channel", "Reach them through")


def _lead(profile: Profile, decision: str, advice: str) -> str:
    # So that there is always a second.
    (name, share), (second, less), *_ = [*ranking(profile, decision), ("", 0.0), ("", 0.0)]
    if not name:
        return ""
    label_of = profile.schema.label_of
    stands_out = f"{label_of(decision)} for {phrases.percent(share)} of them"
    told = f"{advice} {label_of(name)}, the {stands_out}"
    if less < share * _NOT_FAR_OFF:
        return f"{told}."
    return f"{told}, then {label_of(second)} ({phrases.percent(less)})."


def ranking(profile: Profile, decision: str) -> list[tuple[str, float]]:
    """A decision's labels and shares, the most frequent first; of equals, the contract's order."""
    present = [(name, share) for name, share in profile.mix(decision).items() if share > 0.0]
    return sorted(present, key=lambda item: -item[1])


def offer_mix(profile: Profile) -> tuple[Part, ...]:
    """What each customer of the segment is offered, as parts that add up to 100."""
    mix = profile.mix("offer")
    parts: list[Part] = []
    start = 0.0
    for name in reversed(OFFERS) if mix else ():
        length = round(100.0 * mix[name], 2)
        label = profile.schema.label_of(name)
        title = phrases.capitalised(label.removeprefix("a ").removeprefix("the "))
        parts.append(Part(name, title, phrases.percent(mix[name]), round(start, 2), length))
        start += length
    return tuple(parts)


def product_bars(profile: Profile) -> tuple[Bar, ...]:
    """Mean spend by product, marked where the average customer is, with the index."""
    schema = profile.schema
    members = schema.members_of(schema.roles.product)
    names = {name: member for member, name in members.items() if name in profile.means}
    widest = max((max(profile.means[n], profile.base[n]) for n in names), default=0.0)
    if widest <= 0.0:
        return ()
    return tuple(
        Bar(
            label=phrases.capitalised(schema.label_of(member)),
            text=phrases.amount(profile.means[name]),
            length=round(100.0 * profile.means[name] / widest, 2),
            mark=round(100.0 * profile.base[name] / widest, 2),
            note=_index(profile, name),
        )
        for name, member in names.items()
    )


def overview_bars(
    profiles: Iterable[Profile], share_of: Callable[[Profile], float | None]
) -> tuple[Bar, ...]:
    """One bar a segment with its share; none if any share is not known."""
    shares = [(profile.name, share_of(profile)) for profile in profiles]
    return tuple(
        Bar(label=name, text=phrases.percent(share), length=round(100.0 * share, 2))
        for name, share in shares
        if share is not None
    )


def top(profile: Profile, decision: str) -> str:
    """The most frequent label of a decision, '' where the source does not allow it."""
    return next((name for name, _ in ranking(profile, decision)), "")


def _index(profile: Profile, measure: str) -> str:
    index = profile.index(measure)
    return "" if index is None else phrases.count(index)


_ADVISED = {"offer", "product", "channel"}


def _other_decisions(schema: Schema) -> Iterator[str]:
    """Measures of the decisions that no other part of a card shows."""
    shown = {
        measure.partition("=")[0] for measure in (*schema.card.who, *schema.card.habits)
    } | _ADVISED
    for name, decision in schema.decisions.items():
        if name not in shown:
            # Who has the first label is told by the others.
            yield from (f"{name}={label}" for label in decision.labels[1:])
            yield from () if decision.labels else (name,)


def _facts(profile: Profile, shown: Iterable[str]) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            _fact_label(profile.schema, measure),
            phrases.mean(profile.schema.unit_of(measure), profile.means[measure]),
            phrases.mean(profile.schema.unit_of(measure), profile.base[measure]),
        )
        for measure in shown
        if measure in profile.means
    )


def _categories(profile: Profile) -> Iterator[Fact]:
    """Of each category that segments are made of, the value that most have here."""
    schema = profile.schema
    for name in filter(schema.is_category, schema.segment_features):
        flags = [flag for flag in schema.flags_of(name) if flag in profile.means]
        if flags and not {*flags} & {*schema.card.who, *schema.card.habits}:
            yield from _facts(profile, [max(flags, key=lambda flag: profile.means[flag])])


def _fact_label(schema: Schema, measure: str) -> str:
    label = phrases.capitalised(schema.label_of(measure))
    return f"{label} ({PERCENTILE})" if schema.unit_of(measure) == PERCENTILE else label


def _filled(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(sentence for sentence in sentences if sentence)
