"""The contract's ranges in a graph: a number out of range counts as missing.

Every number of a row is compared with the nearest allowed one. Two rules, for the age and for the
order of days, use several columns: what they compare counts as one more number of the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema

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


def spans(columns: Sequence[str], schema: Schema) -> list[Span]:
    """One span a column, in order, then one for each rule that these columns allow to check.

    Args:
        columns: Numeric columns of a graph.
        schema: The rules.
    """
    return [*(_of_column(name, schema) for name in columns), *_of_several(columns, schema)]


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


def _of_column(name: str, schema: Schema) -> Span:
    (source,) = schema.canonical_columns([name]) or (AS_OF,)
    column = schema.columns.get(source)
    if not column or column.kind == "date":
        year, _ = date_parts(source)
        return Span({name: 1.0}, *(_YEARS if name == year else _DAYS), whole=True)
    if column.kind == "category":
        return Span({name: 1.0}, 0.0, len(column.categories) - 1.0, whole=True)
    minimum = _YEARS[0] if column.minimum is None else column.minimum
    maximum = _YEARS[1] if column.maximum is None else column.maximum
    return Span({name: 1.0}, minimum, maximum, whole=column.whole)


def _of_several(columns: Sequence[str], schema: Schema) -> list[Span]:
    """Ages, and days that are neither too early nor after the snapshot's."""
    allowed = []
    year, day = date_parts(AS_OF)
    for column in schema.columns.values():
        if column.age and {year, column.name} <= {*columns}:
            youngest, oldest = map(float, column.age)
            allowed.append(Span({year: 1.0, column.name: -1.0}, youngest, oldest, whole=True))
    for column in schema.columns.values():
        its_year, its_day = date_parts(column.name)
        if column.earliest and {its_year, its_day, year, day} <= {*columns}:
            earliest = _A_YEAR * column.earliest.year + column.earliest.timetuple().tm_yday
            own = {its_year: _A_YEAR, its_day: 1.0}
            until = {year: _A_YEAR, day: 1.0, its_year: -_A_YEAR, its_day: -1.0}
            allowed.append(Span(own, earliest, _A_YEAR * (_YEARS[1] + 1.0), whole=True))
            allowed.append(Span(until, 0.0, _A_YEAR * _YEARS[1], whole=True))
    return allowed
