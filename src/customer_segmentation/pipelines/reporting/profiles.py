"""The long table of profiles, read once: one object a segment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.schema.schema import Schema


@dataclass(frozen=True)
class Profile:
    """A segment: how many customers, and each measure's mean there (`means`) and overall (`base`).

    A measure that the source does not allow, or that is not known, is in neither.
    """

    schema: Schema
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


def read_profiles(schema: Schema, table: IntoFrame) -> Profiles:
    """The profiles of a long table, one row a segment and measure, of any engine."""
    by_segment = itemgetter("segment_id")
    rows = nw.from_native(table).lazy().collect().rows(named=True)
    groups = [
        (segment, list(group))
        for segment, group in groupby(sorted(rows, key=by_segment), by_segment)
    ]
    return Profiles(
        tuple(_profile(schema, group) for segment, group in groups if segment >= 0),
        sum(int(group[0]["customers"]) for segment, group in groups if segment < 0),
    )


def _profile(schema: Schema, rows: list[dict[str, Any]]) -> Profile:
    known = [row for row in rows if _is_known(row["mean"]) and _is_known(row["base_mean"])]
    return Profile(
        schema=schema,
        name=str(rows[0]["segment_name"]),
        customers=int(rows[0]["customers"]),
        share=float(rows[0]["share"]),
        means={row["measure"]: float(row["mean"]) for row in known},
        base={row["measure"]: float(row["base_mean"]) for row in known},
    )


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
