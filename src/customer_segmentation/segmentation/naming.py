"""Names by what a segment does: how much it spends and how often it buys with a discount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPEND = "spend_total"
DEALS = "purchases_deals"

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
_WITHOUT_SPEND = {False: "Customers", True: "Deal-seeking"}
_RANKS = {2: ("lower", "higher"), 3: ("lower", "middle", "higher")}


@dataclass(frozen=True)
class SegmentName:
    """A segment's key (for machines) and name (for people)."""

    key: str
    name: str


def name_segments(
    means: Sequence[Mapping[str, float]], base: Mapping[str, float], spread: Mapping[str, float]
) -> list[SegmentName]:
    """One unique name a segment.

    Args:
        means: For each segment, the mean of each feature.
        base: The mean of each feature over all customers.
        spread: The standard deviation of each feature over all customers.
    """
    plain = [_plain_name(segment, base) for segment in means]
    names = list(plain)
    for shared in {name for name in plain if plain.count(name) > 1}:
        members = [index for index, name in enumerate(plain) if name == shared]
        for index, suffix in _told_apart([means[index] for index in members], spread, members):
            names[index] = f"{shared}, {suffix}"
    return [SegmentName(_key(name), name) for name in names]


def _plain_name(segment: Mapping[str, float], base: Mapping[str, float]) -> str:
    deals = base.get(DEALS, 0.0)
    deal_prone = deals > 0.0 and segment[DEALS] >= DEAL_PRONE * deals
    if SPEND not in base:
        return _WITHOUT_SPEND[deal_prone]
    spend = segment[SPEND] / base[SPEND] if base[SPEND] else 1.0
    level = "high" if spend >= HIGH_SPEND else "low" if spend < LOW_SPEND else "middle"
    return _VOCABULARY[level, deal_prone]


def _told_apart(
    means: Sequence[Mapping[str, float]], spread: Mapping[str, float], members: Sequence[int]
) -> list[tuple[int, str]]:
    """The feature in which segments of one name differ most, and each one's rank in it."""

    def difference(feature: str) -> float:
        values = [segment[feature] for segment in means]
        return (max(values) - min(values)) / spread[feature] if spread[feature] else 0.0

    feature = max(sorted(spread), key=difference)
    order = sorted(range(len(members)), key=lambda index: (means[index][feature], index))
    words = _RANKS.get(len(members)) or [
        f"{n} of {len(members)} by" for n in range(1, len(members) + 1)
    ]
    words_of = dict(zip(order, words, strict=True))
    return [(member, f"{words_of[i]} {_spoken(feature)}") for i, member in enumerate(members)]


def _spoken(feature: str) -> str:
    special = {SPEND: "spend", DEALS: "deal purchases", "web_visits_month": "web visits"}
    return special.get(feature, feature.replace("_", " "))


def _key(name: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in name.lower()).replace(
        "__", "_"
    )
