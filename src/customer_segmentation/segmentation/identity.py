"""Segments keep their identity: a retrained model's are matched to those of the champion.

A segment is compared by its centroid in the champion's own space: the mean, over the customers of
the segment as they are now, of the champion's features, capped, standardised and projected by the
champion's numbers. What its segments were made of since, and how they are scaled, plays no part.

Distances count in units of the distance from a champion's segment to its nearest neighbour. On the
published file a segment within 0.3 shares more than half of all customers that are in it or in the
champion's; a year of customers more moves none by more than 0.13.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.choice import nearest
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.scaling import Scaling

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_DECIMALS = 4
# An artifact's keys have 100 characters at most, what tells a name apart among them.
_LONGEST = 80


@dataclass(frozen=True)
class Champion:
    """The segments in use.

    Attributes:
        version: Of their artifact.
        schema: What its customers are.
        scaling: Of the features that they are made of.
        components: (features x components), principal ones of these.
        centroids: (segments x components).
        names: One a segment.
    """

    version: str
    schema: Schema
    scaling: Scaling
    components: Array
    centroids: Array
    names: tuple[SegmentName, ...]

    def unlike(self, schema: Schema, numbers: Collection[str]) -> list[str]:
        """The columns of its features that are absent, or have other categories.

        Args:
            schema: Of the customers that it is to be compared on.
            numbers: The numeric columns that there are of them.
        """
        known = self.schema
        needed = known.needed_inputs(self.scaling.features)
        absent = known.canonical_columns(name for name in needed if name not in numbers)
        categories = {name: column.categories for name, column in schema.columns.items()}
        return [
            name
            for name in known.canonical_columns(needed)
            if name in absent or known.columns[name].categories != categories.get(name)
        ]

    def points(self, rows: nw.DataFrame[Any]) -> Array:
        """(rows x components) in its space; NaN where a customer lacks a value.

        Args:
            rows: Numeric canonical columns; the features are computed as its schema has them.
        """
        features = self.scaling.features
        needed = rows.select(*self.schema.needed_inputs(features)).lazy()
        values = on_frame(self.schema, needed, features).select(*features).collect().to_numpy()
        return self.scaling.standardised(values.astype(np.float64)) @ self.components


@dataclass(frozen=True)
class Match:
    """What became of a segment's name.

    Attributes:
        key: Its key from now on.
        name: Its name from now on.
        usual: What it would be called by what it does.
        is_carried: Whether key and name are those of `nearest`.
        nearest: The name of the champion's segment that is nearest; '' where nobody is in it.
        distance: To that one, over that one's distance to its own nearest neighbour.
    """

    key: str
    name: str
    usual: str
    is_carried: bool
    nearest: str = ""
    distance: float | None = None


@dataclass(frozen=True)
class Identity:
    """How the segments go with the champion's.

    Attributes:
        champion: The version of its artifact; '' if there is none to compare with.
        unmatched: Why nothing can be compared; '' if it is.
        segments: One a segment.
        gone: The names of the champion's segments that no segment carries on.
        moved: The share of customers who change from one key to another; None if it is not known.
    """

    champion: str = ""
    unmatched: str = ""
    segments: tuple[Match, ...] = ()
    gone: tuple[str, ...] = ()
    moved: float | None = None


def keep_identity(  # noqa: PLR0913, PLR0917 - all that a match depends on
    usual: Sequence[SegmentName],
    champion: Champion,
    points: Array,
    labels: Labels,
    weights: Array,
    within: float,
    since: str,
) -> Identity:
    """Match segments to the champion's: the nearest carry their names on, the others get new ones.

    Args:
        usual: What each segment is called by what it does.
        champion: The segments in use.
        points: (rows x components), where the customers are in the champion's space.
        labels: The segment of each, by position in `usual`.
        weights: How many customers each row stands for.
        within: The largest distance at which a name is carried on; 0.5 at most, so that no two of
            the champion's segments are that near to one.
        since: The snapshot's day, by which a new name is told from one of the champion's.
    """
    is_known = ~np.isnan(points).any(axis=1)
    points, labels, weights = points[is_known], labels[is_known], weights[is_known]
    distances = _distances(points, labels, weights, champion.centroids, len(usual))
    carried = _assigned(distances, within)
    names = _named(usual, carried, champion.names, {*labels.tolist()}, since)
    before, keys = (np.array([one.key for one in each]) for each in (champion.names, names))
    has_moved = before[nearest(points, champion.centroids)] != keys[labels]
    moved = float(np.average(has_moved, weights=weights)) if len(labels) else None
    segments = tuple(
        Match(
            name.key,
            name.name,
            usual[place].name,
            place in carried,
            *_nearest_of(champion.names, distances[place]),
        )
        for place, name in enumerate(names)
    )
    kept = {*carried.values()}
    gone = tuple(one.name for place, one in enumerate(champion.names) if place not in kept)
    return Identity(champion.version, "", segments, gone, _told(moved))


def _distances(points: Array, labels: Labels, weights: Array, centroids: Array, k: int) -> Array:
    """(segments x champion's) distances in units of those among the champion's; inf for nobody."""
    found = np.full((k, len(centroids)), np.inf)
    for segment in np.unique(labels):
        own = weights * (labels == segment)
        found[segment] = np.linalg.norm(np.average(points, axis=0, weights=own) - centroids, axis=1)
    apart = np.linalg.norm(centroids[:, None] - centroids[None], axis=2)
    # Two that coincide are no neighbours of each other, and no more is one of itself.
    apart[apart == 0.0] = np.inf
    return found / apart.min(axis=1)


def _assigned(distances: Array, within: float) -> dict[int, int]:
    """Segment -> the champion's that it carries on, each at most once, by the least distances."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - others need not wait for it

    # Beyond the limit one is as good as another, so that a far one takes no near one's name.
    rows, columns = linear_sum_assignment(np.minimum(distances, within))
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: column for row, column in pairs if distances[row, column] <= within}


def _named(
    usual: Sequence[SegmentName],
    carried: dict[int, int],
    champions: Sequence[SegmentName],
    with_customers: Collection[int],
    since: str,
) -> list[SegmentName]:
    """A name for each, none of them twice, and no new one that the champion has."""
    names = {place: champions[other] for place, other in carried.items()}
    for place, name in enumerate(usual):
        if place not in names:
            # A segment without customers has no identity to lose.
            others = champions if place in with_customers else ()
            taken = {word for one in (*others, *names.values()) for word in (one.key, one.name)}
            told = (SegmentName.of(text) for text in _told_apart(name.name, since))
            names[place] = next(one for one in told if taken.isdisjoint((one.key, one.name)))
    return [names[place] for place in range(len(usual))]


def _told_apart(name: str, since: str) -> Iterator[str]:
    yield name
    told = f"{name[:_LONGEST].rstrip(' ,')}, since {since}"
    yield told
    for number in count(2):
        yield f"{told}, {number}"


def _nearest_of(champions: Sequence[SegmentName], distances: Array) -> tuple[str, float | None]:
    place = int(distances.argmin())
    distance = float(distances[place])
    return (champions[place].name, _told(distance)) if np.isfinite(distance) else ("", None)


def _told(value: float | None) -> float | None:
    # Engines differ in the last digits.
    return None if value is None else round(value, _DECIMALS)
