"""Why rows of numeric inputs have no segment: the contract's rules, by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.contract import AS_OF
from customer_segmentation.customers.matrix import canonical_columns, date_numbers, numeric_columns
from customer_segmentation.serving.contract import Contract, Problem, limit_problems

_Numbers = Mapping[str, NDArray[np.float64]]
_Check = tuple[str, NDArray[np.bool_]]
_YEAR, _DAY = numeric_columns([AS_OF])
_MAX_DAY = 366


class Unsegmented(msgspec.Struct):
    """A row without a segment, counted from 0, and what is wrong with its columns."""

    row: int
    problems: list[Problem]


def explain_unsegmented(
    contract: Contract, matrix: NDArray[np.float64], segments: NDArray[np.int64]
) -> list[Unsegmented]:
    """Each row whose segment is -1, with some of its problems, at least the first.

    Args:
        contract: The artifact's.
        matrix: (rows x the artifact's columns), NaN for missing.
        segments: The artifact's answers, one per row.
    """
    places = np.flatnonzero(segments < 0)
    rows = [Unsegmented(place, []) for place in places.tolist()]
    numbers = dict(zip(contract.columns, matrix[places].T, strict=True))
    for name in contract.columns:
        accepted = _accepted(contract, name)
        for problem, is_so in _checks(contract, name, numbers):
            found = Problem(name, problem, accepted)
            for number in np.flatnonzero(is_so).tolist():
                rows[number].problems.append(found)
    limit_problems(rows)
    return rows


def _accepted(contract: Contract, name: str) -> str:
    """What a column of numbers accepts, in words that are true for every row."""
    if name == "year_birth":
        minimum, maximum = contract.age["minimum"], contract.age["maximum"]
        return f"a year from {maximum} to {minimum} years before {_YEAR}"
    if name in (_YEAR, _DAY):
        return "the year of a day" if name == _YEAR else f"a day of the year, 1 to {_MAX_DAY}"
    (column,) = canonical_columns([name])
    rule = contract.rules[column]
    if rule["kind"] == "category":
        return "a code: " + ", ".join(f"{n} {word}" for n, word in enumerate(rule["categories"]))
    if rule["kind"] == "date":
        first = contract.enrolled_from
        return f"of a day from {first} to the snapshot's, as its year and its day of the year"
    return contract.accepted(column)


def _checks(contract: Contract, name: str, numbers: _Numbers) -> Iterator[_Check]:
    """Each possible problem of a column, and the rows that have it."""
    values = numbers[name]
    yield "missing", np.isnan(values)
    (column,) = canonical_columns([name]) or (AS_OF,)
    kind = "date" if column == AS_OF else contract.rules[column]["kind"]
    if kind == "category":
        known = range(len(contract.rules[column]["categories"]))
        yield "unknown category", ~np.isin(values, known) & ~np.isnan(values)
    elif kind == "date":
        yield "outside the accepted days", _is_no_day(contract, column, name, numbers)
    else:
        minimum, maximum = _range(contract, column, numbers)
        is_allowed = (values >= minimum) & (values <= maximum)
        yield "too small", values < minimum
        yield "too large", values > maximum
        if contract.rules[column].get("whole"):
            yield "not a whole number", is_allowed & (values != np.floor(values))


def _range(
    contract: Contract, column: str, numbers: _Numbers
) -> tuple[float | NDArray[np.float64], float | NDArray[np.float64]]:
    if column == "year_birth" and _YEAR in numbers:
        years = numbers[_YEAR]
        return years - contract.age["maximum"], years - contract.age["minimum"]
    return contract.range_of(column)


def _is_no_day(contract: Contract, column: str, name: str, numbers: _Numbers) -> NDArray[np.bool_]:
    """Rows whose year or day of the year is invalid, or is of a day outside the range."""
    values = numbers[name]
    year, day = numeric_columns([column])
    is_wrong = values != np.floor(values)
    if name == day:
        is_wrong |= (values < 1) | (values > _MAX_DAY)
    if column != AS_OF and {year, day} <= numbers.keys():
        found = _order(numbers[year], numbers[day])
        first, last = (
            _order(*date_numbers(AS_OF, d).values())
            for d in (contract.enrolled_from, contract.as_of)
        )
        if {_YEAR, _DAY} <= numbers.keys():
            last = _order(numbers[_YEAR], numbers[_DAY])
        is_wrong |= (found < first) | (found > last)
    return is_wrong & ~np.isnan(values)


def _order(year: Any, day: Any) -> Any:  # noqa: ANN401 - numbers, or arrays of them
    """A number that orders days."""
    return year * 1_000 + day
