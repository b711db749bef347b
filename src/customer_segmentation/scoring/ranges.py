"""The contract's ranges in a graph: a number out of range counts as missing.

Every number of a row is compared with the nearest allowed one. Two rules, for the age and for the
order of days, use several columns: what they compare counts as one more number of the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.contract import AS_OF, COLUMNS, CONTRACT
from customer_segmentation.customers.matrix import canonical_columns, numeric_columns

# The years that a calendar's dates may have, and the days of a year.
_YEARS = (1.0, 9999.0)
_DAYS = (1.0, 366.0)
# A day of the year is below it: year times this, and the day, order days as the calendar does.
_A_YEAR = 1_000.0


@dataclass(frozen=True)
class Span:
    """What one number of a row may be, both ends included.

    Attributes:
        weights: Numeric column -> its part in the number: one column, or a rule's several.
        minimum: The smallest.
        maximum: The largest.
        whole: Whether it has no fraction.
    """

    weights: Mapping[str, float]
    minimum: float
    maximum: float
    whole: bool


def spans(columns: Sequence[str], rules: Sequence[Mapping[str, Any]], reading: Any) -> list[Span]:  # noqa: ANN401 - JSON
    """One span a column, in order, then one for each rule that these columns allow to check.

    Args:
        columns: Numeric columns of a graph.
        rules: The contract, as an artifact states it.
        reading: The `customers` block, as an artifact states it.
    """
    stated = {rule["name"]: rule for rule in rules}
    return [*(_of_column(name, stated) for name in columns), *_of_several(columns, reading)]


def are_within(matrix: NDArray[np.float64], columns: Sequence[str], allowed: Sequence[Span]) -> Any:  # noqa: ANN401 - NumPy's
    """Whether each row of (rows x columns) is whole and within all spans."""
    # A missing or infinite number makes every product with it NaN.
    with np.errstate(invalid="ignore"):
        values = matrix @ weights_of(allowed, columns).T
    minimum, maximum, whole = ends_of(allowed)
    is_right = (values >= minimum) & (values <= maximum) & (~whole | (values == np.floor(values)))
    return is_right.all(axis=1)


def ends_of(allowed: Sequence[Span]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Of each span the minimum, the maximum, and whether it is of whole numbers."""
    minimum, maximum, whole = zip(*((s.minimum, s.maximum, s.whole) for s in allowed), strict=True)
    return np.array(minimum), np.array(maximum), np.array(whole)


def weights_of(allowed: Sequence[Span], columns: Sequence[str]) -> NDArray[np.float64]:
    """(spans x columns)."""
    return np.array([[span.weights.get(name, 0.0) for name in columns] for span in allowed])


def _of_column(name: str, stated: Mapping[str, Mapping[str, Any]]) -> Span:
    (source,) = canonical_columns([name]) or (AS_OF,)
    kind = COLUMNS[source].kind if source in COLUMNS else "date"
    if kind == "date":
        year, _ = numeric_columns([source])
        return Span({name: 1.0}, *(_YEARS if name == year else _DAYS), whole=True)
    rule = stated[source]
    if kind == "category":
        return Span({name: 1.0}, 0.0, len(rule["categories"]) - 1.0, whole=True)
    minimum, maximum = rule.get("minimum", _YEARS[0]), rule.get("maximum", _YEARS[1])
    return Span({name: 1.0}, float(minimum), float(maximum), whole=bool(rule.get("whole")))


def _of_several(columns: Sequence[str], reading: Any) -> list[Span]:  # noqa: ANN401 - JSON
    """Ages, and days that are neither too early nor after the snapshot's."""
    allowed = []
    (year, day), age = numeric_columns([AS_OF]), reading["age"]
    if {year, "year_birth"} <= {*columns}:
        weights = {year: 1.0, "year_birth": -1.0}
        allowed.append(Span(weights, float(age["minimum"]), float(age["maximum"]), whole=True))
    first = date.fromisoformat(reading["enrolled_from"])
    earliest = _A_YEAR * first.year + first.timetuple().tm_yday
    for source in (column.name for column in CONTRACT if column.kind == "date"):
        its_year, its_day = numeric_columns([source])
        if {its_year, its_day, year, day} <= {*columns}:
            own = {its_year: _A_YEAR, its_day: 1.0}
            until = {year: _A_YEAR, day: 1.0, its_year: -_A_YEAR, its_day: -1.0}
            allowed.append(Span(own, earliest, _A_YEAR * (_YEARS[1] + 1.0), whole=True))
            allowed.append(Span(until, 0.0, _A_YEAR * _YEARS[1], whole=True))
    return allowed
