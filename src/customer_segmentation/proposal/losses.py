"""Rows that a run would leave out, since they lack what the proposal needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.proposal.seen import NUMERIC, Seen, SeenTable
from customer_segmentation.schema.schema import MISSING

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True)
class Losses:
    """Rows that a run would leave out.

    Attributes:
        share: Of all rows.
        by_header: Header -> the share of rows without a value of its kind, the largest first.
    """

    share: float = 0.0
    by_header: Mapping[str, float] = field(default_factory=dict)


def find_losses(seen: SeenTable, columns: Iterable[Seen]) -> Losses:
    """The rows that lack a value in one of these columns."""
    lacking = {column.header: _lacks(seen, column) for column in columns}
    if not lacking:
        return Losses()
    shares = {header: float(mask.mean()) for header, mask in lacking.items()}
    largest = sorted((h for h in shares if shares[h]), key=lambda h: -shares[h])
    share = float(np.logical_or.reduce([*lacking.values()]).mean())
    return Losses(share, {header: shares[header] for header in largest})


def _lacks(seen: SeenTable, column: Seen) -> Mask:
    if column.kind in NUMERIC:
        return np.asarray(np.isnan(seen.numbers[column.header]))
    empty = pa.array([*MISSING, *seen.missing_values])
    return np.asarray(pc.is_in(seen.texts[column.header], value_set=empty).to_numpy())
