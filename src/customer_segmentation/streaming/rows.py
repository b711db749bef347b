"""The rows of the store: a customer's lines, the last answer, and what it was an answer to."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from customer_segmentation.schema.parts import KEY
from customer_segmentation.streaming.packing import ARRIVED, Packed, Packing
from customer_segmentation.streaming.step import ANSWERED, IS_CHANGED
from customer_segmentation.streaming.store import Row

_DIGEST_BYTES = 8
_KINDS = (pl.String, pl.String, pl.Int64, pl.String)
# The answer and the digest that it was given to: the end of a row.
_SAID = len(ANSWERED) + 1
_NOTHING = (None,) * _SAID


def digest_of(one: Packed, packing: Packing, as_of: date) -> bytes:
    """Stands for a customer's data and the day."""
    fixed = one[2]
    if packing.has_arrived:
        # The same record again is no other data.
        lines = np.frombuffer(fixed, packing.line).copy()
        lines[ARRIVED] = 0
        fixed = lines.tobytes()
    parts = (fixed, *one[3:], as_of.isoformat().encode())
    return hashlib.blake2b(b"".join(parts), digest_size=_DIGEST_BYTES).digest()


def answers_before(rows: Iterable[Row], digests: Mapping[str, bytes]) -> pl.DataFrame:
    """The last answers: key, `ANSWERED`, and whether the data is other than then.

    Args:
        rows: As they are kept.
        digests: Key -> what stands for the data now.
    """
    answered = [row for row in rows if row[-_SAID] is not None]
    columns = [pl.Series(KEY, [row[0] for row in answered], pl.String)]
    for place, (name, kind) in enumerate(zip(ANSWERED, _KINDS, strict=True)):
        columns.append(pl.Series(name, [row[place - _SAID] for row in answered], kind))
    changed = [row[-1] != digests.get(row[0]) for row in answered]
    return pl.DataFrame([*columns, pl.Series(IS_CHANGED, changed, pl.Boolean)])


def rows_to_keep(
    packed: Iterable[tuple[Any, ...]],
    before: Iterable[Row],
    answers: Mapping[str, tuple[object, ...]],
    gone: Collection[str],
) -> list[Row]:
    """The rows with the new answers; else with the last ones, but for who is no customer now.

    Args:
        packed: As of `Packing.packed`, each with its digest.
        before: As they are kept.
        answers: Key -> `ANSWERED`.
        gone: Keys of who is none.
    """
    said = {row[0]: row[-_SAID:] for row in before}
    rows = []
    for one in packed:
        key, digest = one[0], one[-1]
        last = _NOTHING if key in gone else said.get(key, _NOTHING)
        rows.append((*one, *((*answers[key], digest) if key in answers else last)))
    return rows
