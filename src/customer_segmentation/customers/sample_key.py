"""A number that stands for a customer's id, the same on every engine, to draw samples by."""

from __future__ import annotations

import hashlib
from typing import Any

import narwhals as nw

from customer_segmentation.customers.contract import SAMPLE_KEY

_BITS = 31
_RANGE = 2**_BITS
# Multipliers below 2^31 keep every product below 2^63, where integers are exact on all engines.
_MULTIPLIER = 1_103_515_245
# The golden ratio's part of the range: the next seed's numbers are far from this one's.
_SEED_STEP = 1_327_217_885


def with_sample_key(frame: nw.DataFrame[Any], ids: str) -> nw.DataFrame[Any]:
    """The table with `sample_key`: the first 31 bits of the SHA-256 of each trimmed id's UTF-8.

    Args:
        frame: A table held in memory.
        ids: The column of ids, as text.
    """
    digests = (hashlib.sha256(text.strip().encode()).digest() for text in frame[ids].to_list())
    keys = [int.from_bytes(digest[:4]) >> (32 - _BITS) for digest in digests]
    series = nw.new_series(SAMPLE_KEY, keys, nw.Int64, backend=frame.implementation)
    return frame.with_columns(series)


def uniform_number(seed: int) -> nw.Expr:
    """A deterministic number in [0, 1) for each row of a table with a `sample_key` column."""
    product = nw.col(SAMPLE_KEY) * _MULTIPLIER + seed * _SEED_STEP
    # `%` is missing on pyarrow-backed pandas.
    return (product - (product // _RANGE) * _RANGE).cast(nw.Float64) / float(_RANGE)
