"""What arithmetic a feature may use beside `+ - * /` and comparisons, on columns or arrays.

A column is a Narwhals expression (null is null) or an array of shape (1, rows) that follows the
array API standard: ndonnx while a graph is traced, NumPy in tests (null is NaN). Comparisons with
a missing value are not true in either, so write a condition such that missing falls to `otherwise`
and passes through.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import narwhals as nw

# An nw.Expr or an array: the two share their operators but no base class.
Values = Any

# A denominator below it counts as 0: the quotient of the largest amount that the contract allows
# would not be finite.
NOTHING = 1e-6
# Hundreds of operators, each inside the next, overflow the stacks of Python and of Spark: blocks of
# this many are joined first.
_BLOCK = 64


def where(condition: Values, then: Values, otherwise: Values) -> Values:
    """`then` where the condition is true, `otherwise` where it is false or unknown."""
    if isinstance(condition, nw.Expr):
        return nw.when(condition).then(_as(nw.lit, then)).otherwise(_as(nw.lit, otherwise))
    xp = condition.__array_namespace__()
    return xp.where(condition, _as(xp.asarray, then), _as(xp.asarray, otherwise))


def ratio(
    numerator: Values, denominator: Values, *, at_zero: float, is_positive: bool = True
) -> Values:
    """The quotient, and `at_zero` where the denominator is 0.

    `is_positive` says that the denominator is never negative, which spares a step.
    """
    if isinstance(denominator, nw.Expr):
        size = denominator if is_positive else denominator.abs()
        is_zero = size < NOTHING
        # A missing numerator stays missing.
        stated = numerator * 0.0 + at_zero
        return where(is_zero, stated, numerator / where(is_zero, 1.0, denominator))
    # In a graph that scores one row, a choice costs as much as four steps of arithmetic.
    size = denominator if is_positive else abs(denominator)
    is_zero = indicator(size < NOTHING)
    quotient = numerator / (denominator + is_zero) * (1.0 - is_zero)
    return quotient + is_zero * at_zero if at_zero else quotient


def indicator(condition: Values) -> Values:
    """1 where the condition is true, 0 where it is false or unknown."""
    if isinstance(condition, nw.Expr):
        return where(condition, 1.0, 0.0)
    xp = condition.__array_namespace__()
    return xp.astype(condition, xp.float64)


def at_most(values: Values, limit: float) -> Values:
    """The values, cut off above at the limit."""
    if isinstance(values, nw.Expr):
        return where(values > limit, limit, values)
    xp = values.__array_namespace__()
    return xp.minimum(values, xp.asarray(limit))


def smallest(*values: Values) -> Values:
    """The smallest of several columns or numbers; missing if any is."""
    return _one_of(values, nw.min_horizontal, operator.gt)


def largest(*values: Values) -> Values:
    """The largest of several columns or numbers; missing if any is."""
    return _one_of(values, nw.max_horizontal, operator.lt)


def _one_of(
    values: Sequence[Values],
    horizontal: Callable[..., nw.Expr],
    is_right: Callable[[Values, Values], Values],
) -> Values:
    # It keeps a missing value missing.
    known = total([value - value for value in values])
    if isinstance(known, nw.Expr):
        return horizontal(*(_as(nw.lit, value) for value in values)) + known
    return reduce(lambda a, b: where(is_right(a, b), b, a), [value + known for value in values])


def log(values: Values, *, at_zero: float) -> Values:
    """The natural logarithm, and `at_zero` at 0 and below."""
    is_positive = values > 0.0
    # The difference keeps a missing value missing.
    positive, stated = where(is_positive, values, 1.0), (values - values) + at_zero
    if isinstance(values, nw.Expr):
        return where(is_positive, positive.log(), stated)
    return where(is_positive, values.__array_namespace__().log(positive), stated)


def day_number(year: Values, day: Values) -> Values:
    """Days from the first of January of year 1 of the Gregorian calendar.

    Args:
        year: Of the date.
        day: Of the year.
    """
    past = year - 1.0
    leap_days = floor_divide(past, 4.0) - floor_divide(past, 100.0) + floor_divide(past, 400.0)
    return past * 365.0 + leap_days + day


def floor_divide(values: Values, divisor: float) -> Values:
    """The whole number of times that the divisor fits into whole, non-negative values."""
    if isinstance(values, nw.Expr):
        return (values // divisor).cast(nw.Float64)
    return values.__array_namespace__().floor(values / divisor)


def total(values: Sequence[Values]) -> Values:
    """The sum of several columns; missing if any is."""
    return _joined(operator.add, values)


def any_of(conditions: Iterable[nw.Expr]) -> nw.Expr:
    """Whether any of several conditions on columns is known to be true."""
    known = [nw.lit(value=False), *(each.fill_null(value=False) for each in conditions)]
    return _joined(operator.or_, known)


def all_of(conditions: Iterable[nw.Expr]) -> nw.Expr:
    """Whether all of several conditions on columns are known to be true."""
    known = [nw.lit(value=True), *(each.fill_null(value=False) for each in conditions)]
    return _joined(operator.and_, known)


def _joined(by: Callable[[Values, Values], Values], values: Sequence[Values]) -> Values:
    while len(values) > _BLOCK:
        starts = range(0, len(values), _BLOCK)
        values = [reduce(by, values[start : start + _BLOCK]) for start in starts]
    return reduce(by, values)


def differences(
    values: Sequence[Values], scales: Sequence[float], whole: Values, shifts: Sequence[float]
) -> Sequence[Values]:
    """`value * scale - whole * shift` for each of several columns.

    Arrays come as one of shape (columns, rows): one step in a graph, whatever the columns.
    """
    if not isinstance(whole, nw.Expr):
        xp = whole.__array_namespace__()
        return [xp.concat(values, axis=0) * _column(xp, scales) - whole * _column(xp, shifts)]
    return [
        value * scale - whole * shift
        for value, scale, shift in zip(values, scales, shifts, strict=True)
    ]


def first_largest(values: Sequence[Values]) -> Values:
    """The position, from 0, of the first of several columns that holds the largest value.

    None of them may be missing.
    """
    if not isinstance(values[0], nw.Expr):
        xp = values[0].__array_namespace__()
        table = xp.concat(values, axis=0) if len(values) > 1 else values[0]
        return xp.astype(xp.argmax(table, axis=0, keepdims=True), xp.float64)
    return first_equal(values, nw.max_horizontal(*values))


def first_equal(columns: Sequence[nw.Expr], value: nw.Expr) -> nw.Expr:
    """The position, from 0, of the first of several columns that holds the value; one does."""
    position: nw.Expr = nw.lit(float(len(columns) - 1))
    for index in range(len(columns) - 2, -1, -1):
        position = where(columns[index] == value, float(index), position)
    return position


def count_reached(values: Values, thresholds: Sequence[float]) -> Values:
    """How many of the thresholds each value reaches."""
    if not isinstance(values, nw.Expr):
        xp = values.__array_namespace__()
        reached = values >= _column(xp, thresholds)
        return xp.sum(xp.astype(reached, xp.float64), axis=0, keepdims=True)
    return total([indicator(values >= threshold) for threshold in thresholds])


def _as(literal: Callable[[float], Values], value: Values) -> Values:
    return literal(value) if isinstance(value, float) else value


def _column(xp: Any, numbers: Sequence[float]) -> Values:  # noqa: ANN401 - any array library
    return xp.asarray([[float(number)] for number in numbers])
