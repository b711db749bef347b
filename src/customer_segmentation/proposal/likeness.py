"""Which columns of numbers say the same as another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from customer_segmentation.proposal.seen import Numbers

_SAME = 0.9999
# Whether columns say the same is told by so many rows.
_COMPARED = 10_000
_LIKE = 0.95


def alike(one: Numbers, other: Numbers) -> bool:
    """Whether two columns of numbers say nearly the same."""
    return _correlation(one, other) > _LIKE


def find_copies(numbers: Mapping[str, Numbers]) -> dict[str, str]:
    """Columns of numbers that say what another one says."""
    if not numbers:
        return {}
    columns = []
    for values in numbers.values():
        compared = values[:_COMPARED]
        apart = np.where(np.isnan(compared), 0.0, compared - _mean(compared))
        columns.append(apart / (np.sqrt(apart @ apart) or 1.0))
    table = np.column_stack(columns)
    names, same = [*numbers], np.abs(table.T @ table) > _SAME
    copies: dict[str, str] = {}
    for place, name in enumerate(names):
        before = (names[other] for other in np.flatnonzero(same[place, :place]))
        if other := next((o for o in before if o not in copies), ""):
            copies[name] = other
    return copies


def _correlation(one: Numbers, other: Numbers) -> float:
    both = ~(np.isnan(one) | np.isnan(other))
    if both.sum() < 3:  # noqa: PLR2004 - two points always lie on a line
        return 0.0
    x, y = one[both], other[both]
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return abs(float(x @ y)) / size if size else 0.0


def _mean(values: Numbers) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0
