"""Names by what a segment does: how much it spends and how often it buys with a discount."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from customer_segmentation.schema.schema import Schema

# Means over the base's mean: from here on spend is high, below there it is low.
HIGH_SPEND = 1.4
LOW_SPEND = 0.6
DEAL_PRONE = 1.2

_VOCABULARY = {
    ("high", False): "High-value",
    ("high", True): "High-value deal-seeking",
    ("middle", False): "Moderate",
    ("middle", True): "Price-sensitive",
    ("low", False): "Low-spend",
    ("low", True): "Low-spend deal-seeking",
}
# In standard deviations from the base: from here on a feature tells a segment apart.
_TELLING = 0.5
_MAX_TELLING = 2
# A larger share of a segment is most of it.
_MOST = 0.5
_WITHOUT_SPEND = {False: "Customers", True: "Deal-seeking"}
_RANKS = {2: ("lower", "higher"), 3: ("lower", "middle", "higher")}


@dataclass(frozen=True)
class SegmentName:
    """A segment's key (for machines) and name (for people)."""

    key: str
    name: str

    @classmethod
    def of(cls, name: str) -> Self:
        """The name with the key that is made of it."""
        return cls(re.sub(r"[\W_]+", "_", name.lower()).strip("_"), name)


def name_segments(
    schema: Schema,
    means: Sequence[Mapping[str, float]],
    base: Mapping[str, float],
    spread: Mapping[str, float],
) -> list[SegmentName]:
    """One unique name a segment.

    Args:
        schema: Its roles say what is spend, and what purchases with a discount.
        means: For each segment, the mean of each feature.
        base: The mean of each feature over all customers.
        spread: The standard deviation of each feature over all customers.
    """
    plain = [_plain_name(schema, segment, base, spread) for segment in means]
    names = list(plain)
    for shared in {name for name in plain if plain.count(name) > 1}:
        members = [index for index, name in enumerate(plain) if name == shared]
        for index, suffix in _told_apart(schema, [means[i] for i in members], spread, members):
            names[index] = f"{shared}, {suffix}"
    return [SegmentName.of(name) for name in names]


def _plain_name(
    schema: Schema,
    segment: Mapping[str, float],
    base: Mapping[str, float],
    spread: Mapping[str, float],
) -> str:
    roles = schema.roles
    if not {roles.spend, roles.deals} & base.keys():
        return _by_features(schema, segment, base, spread)
    deals = base.get(roles.deals, 0.0)
    deal_prone = deals > 0.0 and segment[roles.deals] >= DEAL_PRONE * deals
    if roles.spend not in base:
        return _WITHOUT_SPEND[deal_prone]
    spend = segment[roles.spend] / base[roles.spend] if base[roles.spend] else 1.0
    level = "high" if spend >= HIGH_SPEND else "low" if spend < LOW_SPEND else "middle"
    return _VOCABULARY[level, deal_prone]


def _by_features(
    schema: Schema,
    segment: Mapping[str, float],
    base: Mapping[str, float],
    spread: Mapping[str, float],
) -> str:
    """The features in which a segment differs most from the base: "High balance, low payments".

    Of a category, the value that most of the segment has: "Mostly retail".
    """
    away = {n: (segment[n] - base[n]) / deviation for n, deviation in spread.items() if deviation}
    telling = sorted((n for n in away if abs(away[n]) >= _TELLING), key=lambda n: -abs(away[n]))
    parts = []
    for name in telling:
        if not schema.value_of(name):
            parts.append(f"{'high' if away[name] > 0.0 else 'low'} {schema.label_of(name)}")
        elif away[name] > 0.0 and segment[name] > _MOST:
            parts.append(f"mostly {schema.value_of(name)}")
    parts = parts[:_MAX_TELLING]
    name = ", ".join(parts) or "average"
    return name[0].upper() + name[1:]


def _told_apart(
    schema: Schema,
    means: Sequence[Mapping[str, float]],
    spread: Mapping[str, float],
    members: Sequence[int],
) -> list[tuple[int, str]]:
    """The feature in which segments of one name differ most, and each one's rank in it."""

    def difference(feature: str) -> float:
        values = [segment[feature] for segment in means]
        return (max(values) - min(values)) / spread[feature] if spread[feature] else 0.0

    plain = [name for name in sorted(spread) if not schema.value_of(name)]
    feature = max(sorted(spread), key=difference)
    if category := schema.features[feature].of_category if feature not in plain else "":
        flags = [name for name in schema.flags_of(category) if name in spread]
        most = [max(flags, key=lambda name: segment[name]) for segment in means]
        if len({*most}) == len(most) and all(
            segment[name] > _MOST for segment, name in zip(means, most, strict=True)
        ):
            return [
                (member, f"mostly {schema.value_of(name)}")
                for member, name in zip(members, most, strict=True)
            ]
        feature = max(plain, key=difference, default=feature)
    order = sorted(range(len(members)), key=lambda index: (means[index][feature], index))
    words = _RANKS.get(len(members)) or [
        f"{n} of {len(members)} by" for n in range(1, len(members) + 1)
    ]
    words_of = dict(zip(order, words, strict=True))
    return [
        (member, f"{words_of[i]} {_spoken(schema, feature)}") for i, member in enumerate(members)
    ]


def _spoken(schema: Schema, feature: str) -> str:
    roles = schema.roles
    short = {roles.spend: "spend", roles.deals: "deal purchases", roles.visits: "web visits"}
    return short.get(feature) or schema.label_of(feature)
