"""The three sentences to repeat: who the segments are, what sets them apart, what to offer whom."""

from __future__ import annotations

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import spend_share, top
from customer_segmentation.pipelines.reporting.profiles import Profile, Profiles

# More than this would not be repeated: the cards tell of the others.
_MAX_NAMED = 4
_WAITS = "waits_for_offers=yes"


def key_points(profiles: Profiles) -> tuple[str, ...]:
    """Up to three sentences; what the source does not allow is left out."""
    ranked = sorted(profiles.segments, key=lambda p: -(spend_share(p) or p.share))
    named = ranked[:_MAX_NAMED]
    told = [
        _who(named, len(ranked), profiles.customers),
        _what_they_do(ranked),
        _what_to_offer(named),
    ]
    return tuple(sentence for sentence in told if sentence)


def _who(named: list[Profile], segments: int, customers: int) -> str:
    parts = [f"{profile.name} ({_shares(profile)})" for profile in named]
    if segments > len(named):
        parts.append(f"{segments - len(named)} more")
    number = phrases.number_word(segments)
    return (
        f"The {phrases.count(customers)} customers form {number} segments: {phrases.listed(parts)}."
    )


def _shares(profile: Profile) -> str:
    spend = spend_share(profile)
    of_customers = f"{phrases.percent(profile.share)} of customers"
    return of_customers if spend is None else f"{of_customers}, {phrases.percent(spend)} of spend"


def _what_they_do(segments: list[Profile]) -> str:
    told = []
    spend = segments[0].schema.roles.spend
    if all(profile.index(spend) is not None for profile in segments):
        first = max(segments, key=lambda profile: profile.index(spend) or 0.0)
        against = phrases.against_average(first.index(spend))
        told.append(f"{first.name} customers spend the most, {against}")
    if all(profile.index(_WAITS) is not None for profile in segments):
        first = max(segments, key=lambda profile: profile.means[_WAITS])
        here, overall = phrases.percent(first.means[_WAITS]), phrases.percent(first.base[_WAITS])
        often = f"wait for offers most often, {here} against {overall} of all"
        told.append(f"{first.name} customers {often}")
    return f"{'; '.join(told)}." if told else ""


def _what_to_offer(named: list[Profile]) -> str:
    to_whom: dict[str, list[str]] = {}
    for profile in named:
        if offer := top(profile, "offer"):
            to_whom.setdefault(offer, []).append(profile.name)
    label_of = named[0].schema.label_of
    parts = [f"{label_of(offer)} for {phrases.listed(names)}" for offer, names in to_whom.items()]
    return f"The most frequent offer is {phrases.listed(parts)}." if parts else ""
