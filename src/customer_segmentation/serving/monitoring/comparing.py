"""A challenger's answers beside those that the champion gave, in counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.collecting import joined
from customer_segmentation.monitoring.shadow import ShadowCounts
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.tables.schemas import UNSEGMENTED

_TENTHS = 10
# More than there are codes of a segment, or tenths.
_WIDTH = 1 << 20


class Unlike(Exception):  # noqa: N818 - it is no mistake
    """The challenger reads what the champion's callers do not give."""


@dataclass(frozen=True, eq=False)
class ChampionAnswers:
    """Customers whom the champion has answered."""

    champion: Bundle
    matrix: NDArray[np.float64]
    outputs: Mapping[str, NDArray[Any]]


def compared(champion: Bundle, challenger: Bundle, together: list[ChampionAnswers]) -> ShadowCounts:
    """What both answer for some customers, in counts.

    Args:
        champion: Has answered.
        challenger: Is asked now.
        together: Of one champion, and with the same columns.

    Raises:
        Unlike: The challenger needs columns that the champion does not read, or means others by
            them.
    """
    matrix = np.concatenate([one.matrix for one in together])
    other = challenger.score(inputs_of(champion, challenger, matrix))
    parts = [(len(one.matrix), one.outputs) for one in together]
    unknown = np.full(len(matrix), np.nan)
    found = joined(parts, P_RESPONSE)
    own_chances = unknown if found is None else found
    chances = other.get(P_RESPONSE, unknown)
    is_known = ~np.isnan(own_chances)
    is_sound = (chances >= 0.0) & (chances <= 1.0)
    tenths = [
        np.minimum(values[is_known & is_sound] * _TENTHS, _TENTHS - 1).astype(int)
        for values in (own_chances, chances)
    ]
    names = [*champion.keys, UNSEGMENTED], [*challenger.keys, UNSEGMENTED]
    own_codes = np.concatenate([outputs["segment"] for _, outputs in parts])
    pairs = _counted(own_codes, other["segment"])
    return ShadowCounts(
        champion.id,
        challenger.id,
        len(matrix),
        {(names[0][own], names[1][its]): n for (own, its), n in pairs.items()},
        _counted(*tenths),
        failed=int((is_known & ~is_sound).sum()) if challenger.response else 0,
    )


def inputs_of(
    champion: Bundle, challenger: Bundle, matrix: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What the challenger reads of customers, given what the champion has read.

    Customers of the champion's own day are of the challenger's: so it would have answered them.

    Args:
        champion: Has read the matrix.
        challenger: Reads it now.
        matrix: (customers x the first of the champion's `columns`).

    Raises:
        Unlike: As of `compared`.
    """
    place = {name: index for index, name in enumerate(champion.columns[: matrix.shape[1]])}
    needed = challenger.contract.columns
    if missing := [name for name in needed if name not in place]:
        message = f"the champion's callers do not give {', '.join(missing)}"
        raise Unlike(message)
    for name in challenger.contract.schema.canonical_columns(challenger.columns):
        own = champion.contract.rules.get(name)
        if own and own.categories != challenger.contract.rules[name].categories:
            message = f"{name} has other categories"
            raise Unlike(message)
    columns = [
        matrix[:, place[name]] if name in place else np.full(len(matrix), np.nan)
        for name in challenger.columns
    ]
    inputs = np.column_stack(columns)
    _move_day(champion, challenger, inputs)
    return inputs


def _move_day(champion: Bundle, challenger: Bundle, inputs: NDArray[np.float64]) -> None:
    """Put the challenger's day in the place of the champion's, where it was taken by default."""
    days = {name: i for i, name in enumerate(challenger.columns) if name in date_parts(AS_OF)}
    if not days:
        return
    (was, now) = (_day_of(bundle) for bundle in (champion, challenger))
    is_default = np.all([inputs[:, i] == was[name] for name, i in days.items()], axis=0)
    for name, i in days.items():
        inputs[is_default, i] = now[name]


def _day_of(bundle: Bundle) -> dict[str, float]:
    return bundle.contract.numbers_of(AS_OF, bundle.contract.as_of)


def _counted(one: NDArray[Any], other: NDArray[Any]) -> dict[tuple[int, int], int]:
    """Each pair of whole numbers from -1 on, and how often it is there."""
    # As one number each: NumPy would take thirty times as long for pairs.
    pairs, counts = np.unique((one + 1) * _WIDTH + (other + 1), return_counts=True)
    firsts, seconds = np.divmod(pairs, _WIDTH)
    told = zip((firsts - 1).tolist(), (seconds - 1).tolist(), strict=True)
    return dict(zip(told, counts.tolist(), strict=True))
