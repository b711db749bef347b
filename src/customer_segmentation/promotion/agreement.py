"""How far two segmenters agree on a table of customers, on any engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.table import score_table
from customer_segmentation.tables.schemas import UNSEGMENTED


@dataclass(frozen=True)
class Agreement:
    """Customers by the keys of two segmenters' segments.

    Attributes:
        customers: (key by the new one, key by the old one) -> how many.
        new: The keys of the new one's segments.
        old: The keys of the old one's.
    """

    customers: Mapping[tuple[str, str], int]
    new: tuple[str, ...]
    old: tuple[str, ...]

    @property
    def movers(self) -> float:
        """The share of customers whose segment has another key."""
        moved = sum(count for (new, old), count in self.customers.items() if new != old)
        return moved / max(1, sum(self.customers.values()))

    @property
    def changed_segments(self) -> list[str]:
        """Keys that only one of the two has."""
        return sorted({*self.new} ^ {*self.old})

    @property
    def share_changes(self) -> dict[str, float]:
        """Of each key that both have, by how much its share of the customers differs."""
        total = max(1, sum(self.customers.values()))
        new, old = Counter[str](), Counter[str]()
        for (by_new, by_old), count in self.customers.items():
            new[by_new] += count
            old[by_old] += count
        return {key: (new[key] - old[key]) / total for key in self.new if key in self.old}

    @property
    def ari(self) -> float:
        """The adjusted Rand index of the two partitions; 1 where they are the same.

        Source: Hubert and Arabie, Comparing partitions (1985), from the table of counts.
        """
        rows = sorted({new for new, _ in self.customers})
        columns = sorted({old for _, old in self.customers})
        table = np.array([[self.customers.get((r, c), 0) for c in columns] for r in rows], float)

        def pairs(counts: np.ndarray[Any, Any]) -> float:
            return float((counts * (counts - 1.0) / 2.0).sum())

        both, by_row = pairs(table), pairs(table.sum(axis=1))
        by_column, whole = pairs(table.sum(axis=0)), pairs(np.array([table.sum()]))
        expected = by_row * by_column / whole if whole else 0.0
        most = (by_row + by_column) / 2.0
        return 1.0 if most == expected else (both - expected) / (most - expected)


def compare(customers: nw.LazyFrame[Any], new: bytes, old: bytes) -> Agreement:
    """Score a table of canonical columns with two segmenters, and count who is where.

    Args:
        customers: One row a customer.
        new: A segmenter's file.
        old: Another one's.
    """
    scored, keys = [], []
    for name, content in (("new", new), ("old", old)):
        model = read_model(content)
        segment = nw.col("segment").alias(name)
        scored.append(score_table(customers, model).select(KEY, segment))
        keys.append(tuple(segment["key"] for segment in metadata_of(model)["segments"]))
    joined = scored[0].join(scored[1], on=KEY, how="inner")
    counts = joined.group_by("new", "old").agg(nw.len().alias("customers")).collect()
    named = {
        tuple(
            _key(known, row[name]) for name, known in zip(("new", "old"), keys, strict=True)
        ): int(row["customers"])
        for row in counts.rows(named=True)
    }
    return Agreement({(new, old): n for (new, old), n in named.items()}, *keys)


def _key(keys: tuple[str, ...], segment: int) -> str:
    return keys[segment] if segment >= 0 else UNSEGMENTED
