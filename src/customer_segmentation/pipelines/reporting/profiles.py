"""The long table of profiles, read once: one object a segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

_IDENTITY = ("segment", "segment_name", "segment_id", "customers", "share")


@dataclass(frozen=True)
class Profile:
    """A segment: how many customers, and each measure's mean there (`means`) and overall (`base`).

    A measure that the source does not allow, or that is not known, is in neither.
    """

    key: str
    name: str
    customers: int
    share: float
    means: Mapping[str, float]
    base: Mapping[str, float]

    def index(self, measure: str) -> float | None:
        """The mean as an index: 100 is the average customer."""
        if not self.base.get(measure):
            return None
        return 100.0 * self.means[measure] / self.base[measure]

    def mix(self, decision: str) -> dict[str, float]:
        """The share of the segment's customers with each label of a decision."""
        prefix = f"{decision}="
        return {
            measure.removeprefix(prefix): mean
            for measure, mean in self.means.items()
            if measure.startswith(prefix)
        }


@dataclass(frozen=True)
class Profiles:
    """The segments in the order of their ids, and how many customers are in none."""

    segments: tuple[Profile, ...]
    unsegmented: int

    @property
    def customers(self) -> int:
        """Customers in segments."""
        return sum(segment.customers for segment in self.segments)


def read_profiles(table: IntoFrame) -> Profiles:
    """The profiles of a long table, one row a segment and measure, of any engine."""
    rows = nw.from_native(table).lazy().collect().rows(named=True)
    identities = {row["segment_id"]: {name: row[name] for name in _IDENTITY} for row in rows}
    means: dict[int, dict[str, float]] = {segment: {} for segment in identities}
    base: dict[int, dict[str, float]] = {segment: {} for segment in identities}
    for row in rows:
        if _is_known(row["mean"]) and _is_known(row["base_mean"]):
            means[row["segment_id"]][row["measure"]] = float(row["mean"])
            base[row["segment_id"]][row["measure"]] = float(row["base_mean"])
    segments = tuple(
        Profile(
            key=str(identity["segment"]),
            name=str(identity["segment_name"]),
            customers=int(identity["customers"]),
            share=float(identity["share"]),
            means=means[segment],
            base=base[segment],
        )
        for segment, identity in sorted(identities.items())
        if segment >= 0
    )
    unsegmented = sum(int(i["customers"]) for segment, i in identities.items() if segment < 0)
    return Profiles(segments, unsegmented)


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
